/*
 * drift.h
 *		What the functions that compare two distributions share: stored profiles, and results.
 *
 * A profile is a value of the composite type rec.column_profile, so that SQL can look into it and it is dumped as any
 * row is. Whoever may write a row may write nonsense: reading checks everything that is relied on.
 */
#ifndef REC_API_DRIFT_H
#define REC_API_DRIFT_H

#include "compat.h"

#include "core/drift.h"
#include "core/moments.h"
#include "core/empirical.h"
#include "fmgr.h"
#include "utils/timestamp.h"

#define REC_DEFAULT_BINS 10

/* Below so many distinct values numbers are kept as categories too. */
#define REC_FEW_VALUES 50

/* A profile of at most so many numbers holds all of them, a larger one this many quantiles. */
#define REC_GRID 1001

/* Bytes of a category's text. */
#define REC_CATEGORY_LENGTH 200

typedef enum RecProfileKind
{
	REC_PROFILE_NUMBER, REC_PROFILE_TIME, REC_PROFILE_CATEGORY
} RecProfileKind;

typedef struct RecProfile
{
	RecProfileKind kind;
	int64		n;				/* rows, with nulls */
	int64		nulls;			/* null or NaN */
	double		mean;			/* of the finite numbers; NaN: none */
	double		variance;		/* NaN: fewer than two */
	RecEmpirical	sample;			/* len 0: no numbers */
	int			ncategories;
	char	  **categories;		/* in the order of counts, then names; none for numbers with many values */
	int64	   *counts;
	int64		other;			/* rows of categories that are not among them */
} RecProfile;

/* Categories of a profile at most, and those that its making can tell apart. */
#define REC_PROFILE_CATEGORIES 1000
#define REC_PROFILE_SEEN 100000

/* Seconds since 1970, infinite for infinite times. */
extern double rec_seconds(Timestamp t);

/* A number as text, the same whatever the settings; in the buffer. */
extern int	rec_number_text(double x, char buffer[REC_CATEGORY_LENGTH + 1]);

extern Datum rec_profile_make(FunctionCallInfo fcinfo, const RecProfile *p);
extern RecProfile *rec_profile_read(Datum value);

/* A profile argument of an aggregate, in the memory of its state. */
extern RecProfile *rec_profile_argument(FunctionCallInfo fcinfo, int argument, MemoryContext context);

/* Whether categories of the profile name all of its rows. */
static inline bool
rec_profile_is_categorical(const RecProfile *p)
{
	return p->kind == REC_PROFILE_CATEGORY || p->ncategories > 0 || p->n == p->nulls;
}

/* An error when it does not. */
static inline void
rec_require_categories(const RecProfile *p)
{
	if (!rec_profile_is_categorical(p))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the profile holds no categories"),
				 errdetail("It is of numbers with %d or more distinct values.", REC_FEW_VALUES),
				 errhint("Compare numbers with rec.ks_test, rec.psi or rec.wasserstein.")));
}

/* Values of any type as categories: each by its text, a long one by its beginning and a hash. */
typedef struct RecCategoryReader
{
	Oid			type;
	FmgrInfo	output;
} RecCategoryReader;

extern void rec_category_reader(RecCategoryReader *reader, FunctionCallInfo fcinfo, int argument);

/* The text, not terminated, perhaps in the buffer; valid as long as the value and the current context are. */
extern const char *rec_category_text(RecCategoryReader *reader, Datum value, char buffer[REC_CATEGORY_LENGTH + 1],
									 int *length);
extern uint64 rec_category_key(const char *text, int length);

/* A profile in the making. */
typedef struct RecProfiling RecProfiling;

extern RecProfiling *rec_profiling_create(MemoryContext context, RecProfileKind kind);
extern void rec_profiling_add(RecProfiling *s, bool isnull, double x);
extern void rec_profiling_add_category(RecProfiling *s, FunctionCallInfo fcinfo);	/* argument 1 */
extern RecProfile rec_profiling_finish(RecProfiling *s);

/* Counts of the categories of two profiles, by name; those that are not named in both last, under the name NULL. */
typedef struct RecNamed
{
	const char *name;
	double		count[2];
} RecNamed;

typedef struct RecAligned
{
	RecNamed   *list;
	double	   *reference,
			   *current;
	int			n;
} RecAligned;

extern RecAligned rec_profile_align(const RecProfile *reference, const RecProfile *current, bool with_nulls);
extern void rec_profile_check_kinds(const RecProfile *reference, const RecProfile *current);

/* Shares of two profiles to draw; at most REC_SHARES of them. */
#define REC_SHARES 12

typedef struct RecShare
{
	const char *label;
	double		share[2];		/* of the reference and now; NaN: no rows at all */
} RecShare;

extern int	rec_profile_shares(const RecProfile *reference, const RecProfile *current, RecShare *shares);

/* A composite result; NaN among float8 values becomes null. */
typedef struct RecResult
{
	Datum		value[16];
	bool		null[16];
	int			n;
} RecResult;

extern void rec_result_float(RecResult *r, double x);
extern void rec_result_int(RecResult *r, int64 x);	/* a bigint */
extern void rec_result_text(RecResult *r, const char *x);	/* NULL: null */
extern Datum rec_result_make(FunctionCallInfo fcinfo, RecResult *r);

extern Datum rec_make_ks(FunctionCallInfo fcinfo, const RecEmpirical *reference, const RecEmpirical *current);
extern Datum rec_make_psi(FunctionCallInfo fcinfo, const double *reference, const double *current, int64 bins);
extern Datum rec_make_chi2(FunctionCallInfo fcinfo, const double *reference, const double *current, int64 categories);
extern Datum rec_make_mean_shift(FunctionCallInfo fcinfo, const RecMoments *reference, const RecMoments *current);
extern Datum rec_make_variance_shift(FunctionCallInfo fcinfo, const RecMoments *reference, const RecMoments *current);
extern Datum rec_make_null_share(FunctionCallInfo fcinfo, const int64 *rows, const int64 *nulls);	/* of both sides */
extern Datum rec_make_new_categories(FunctionCallInfo fcinfo, const double *reference, const double *current, int64 n);
extern void rec_check_bins(int bins);

/*
 * Counts of a sample and a profile, or of two, in bins of equal shares of the reference, with the nulls in a last bin
 * when there are any. Room for bins + 2 counts each; returns how many are used.
 */
extern int	rec_bin_samples(const RecEmpirical *reference, int64 reference_nulls, const RecEmpirical *current, int64 current_nulls,
							int bins, double *reference_counts, double *current_counts);

/* Adds the bin of the nulls; see above. */
extern int	rec_bin_nulls(int nbins, int64 reference_nulls, int64 current_nulls, double *reference_counts,
						  double *current_counts);

#endif							/* REC_API_DRIFT_H */
