/*
 * attributes.h
 *		Attributes of users and items: which ones a model has, how values become numbers, and where this is kept.
 *
 * An attribute is given as text: a column, log(column), text(column, configuration), category(column), or a*b. The files:
 *
 *	attribute_spec.c	from these texts and the relation's columns to a list of attributes
 *	attribute_raw.c		rows of a query as raw values: hashed words and numbers
 *	attribute_read.c	a whole relation: read, fitted and encoded
 *	attribute_row.c		one row of it, or a JSON object
 *	attribute_fit.c		encoders, fitted on the raw values of all rows
 *	attribute_encode.c	their application to a row
 *	attribute_write.c	encoders, maps and encoded rows to the model's tables
 *	attribute_store.c	and from there
 *
 * A row is encoded as a few (column, value) pairs of the design matrix. Column 0 is the constant 1. Of an attribute:
 *
 *	category	1 in the column of the level; rare levels share one column, and where there are too many frequent ones, the
 *				less frequent are hashed into a fixed number of columns. Unseen levels count as rare.
 *	tags		as categories, each tag 1/sqrt(number of the row's tags)
 *	text		words by TF-IDF, the row scaled to length 1; rare words are left out
 *	number		standardized, at most 5 deviations from the mean; 1 in a column of its own when missing
 *	age			days before the newest value of the training, on a logarithmic scale, then as a number
 *	vector		each element as it is
 *	pair		combinations of two categories or tags, as categories without the column of the rare
 */
#ifndef REC_ATTRIBUTES_H
#define REC_ATTRIBUTES_H

#include "model/cache.h"
#include "model/items.h"
#include "model/pairs.h"
#include "model/side.h"

typedef enum RecAttributeKind
{
	REC_ATT_CATEGORY, REC_ATT_TAGS, REC_ATT_TEXT, REC_ATT_NUMBER, REC_ATT_AGE, REC_ATT_VECTOR, REC_ATT_PAIR
} RecAttributeKind;

/* A level of a category, a tag, a word: known by the hash of its text. */
typedef struct RecLevel
{
	uint64		hash;
	int32		column;			/* relative to the attribute's first */
	float		idf;			/* text; else 1 */
	char	   *name;			/* while fitting */
} RecLevel;

typedef struct RecAttribute
{
	char	   *name;			/* as it was given, which * and the column's name stand for */
	RecAttributeKind kind;
	char	   *column;			/* NULL: pair */
	char	   *config;			/* text: of the text search, quoted; NULL: the column is a tsvector */
	bool		logarithm;		/* number */
	bool		zoned;			/* age: timestamptz */
	bool		automatic;		/* text column: category or text, as the values are */
	bool		hidden;			/* only a part of a pair: has no columns of its own */
	int			part[2];		/* pair: indexes into the list; equal: pairs within one list of tags */

	/* fitted */
	int			first;			/* column of the design matrix */
	int			columns;
	int64		rows;			/* with a value, in the training */
	double		center,
				scale;			/* number, age; scale 0: constant */
	double		origin;			/* age: seconds since 1970 of the newest value */
	int			other;			/* column of rare levels, or of missing numbers; -1: none */
	int			buckets;		/* hashed columns, the last ones; 0: none */
	int			nlevels;
	RecLevel   *level;			/* ascending by hash */
} RecAttribute;

typedef struct RecAttributes
{
	RecSide		side;
	int			n;
	RecAttribute *att;
	int			columns;		/* of the design matrix, the constant included; 0: not fitted */
	char	  **column_name;	/* columns, while fitting: what each stands for; NULL: nothing */
} RecAttributes;

/* attribute_spec.c. The attributes of one side; NULL when the model has none. Errors name the nearest column. */
extern RecAttributes *rec_attributes_of(const RecModel *model, RecSide side, Oid key_type);
extern void rec_attributes_check(const RecModel *model, RecSide side, Oid key_type);
extern const RecAttribute *rec_attributes_misfit(const RecAttributes *attributes, Oid relid);	/* NULL: all fit */
extern char *rec_side_relation(const RecModel *model, RecSide side);	/* quoted */

/* Raw values of one row: those of attribute i stand at start[i] .. start[i + 1] - 1. */
typedef struct RecRaw
{
	int			n;				/* attributes */
	int32	   *start;			/* n + 1 */
	uint64	   *hash;			/* of a word */
	double	   *value;			/* its frequency, or the number, or an element */
} RecRaw;

/* The encoded rows of one side. */
typedef struct RecDesign
{
	RecAttributes *attributes;
	int			known;			/* rows of positions, one for each user or item of the training */
	RecKeys		cold;			/* keys of the rows after these, in canonical order */
	int64	   *start;			/* known + cold.n + 1 */
	int32	   *column;
	float	   *value;
	Size		memory;
} RecDesign;

/* attribute_read.c. Reads the relation, fits the encoders and encodes all rows; NULL when there are no attributes. */
extern RecDesign *rec_design_read(const RecModel *model, RecSide side, const RecKeys *known, List **warnings,
								  MemoryContext context);

/* Encodes all rows of the relation with encoders that are fitted already. */
extern RecDesign *rec_design_encode(const RecModel *model, RecAttributes *attributes, const RecKeys *known,
									MemoryContext context);

/* One encoded row. */
typedef struct RecEncoded
{
	int			n;
	int32	   *column;
	float	   *value;
} RecEncoded;

/* attribute_fit.c */
typedef struct RecEncoderFit RecEncoderFit;

extern RecEncoderFit *rec_encoder_begin(RecAttributes *attributes, MemoryContext context);
extern void rec_encoder_name(RecEncoderFit *fit, int attribute, uint64 hash, const char *name, int length);
extern void rec_encoder_row(RecEncoderFit *fit, const RecRaw *raw);
extern void rec_encoder_finish(RecEncoderFit *fit, List **warnings);

/* attribute_encode.c */
extern int64 rec_encode_bound(const RecAttributes *attributes, const RecRaw *raw);
extern int	rec_encode_row(const RecAttributes *attributes, const RecRaw *raw, int32 *column, float *value);
extern uint64 rec_word_hash(const char *word, int length);
extern bool rec_has_levels(const RecAttribute *attribute);
extern double rec_attribute_number(const RecAttribute *attribute, double value);	/* that is standardized */
extern int	rec_compare_levels(const void *a, const void *b);	/* by hash */

/* Goes through the combinations of a pair's parts: the hashes of the two. */
typedef struct RecPairIterator
{
	const RecRaw *raw;
	const RecAttribute *a;
	int			i,
				j;
} RecPairIterator;

extern RecPairIterator rec_pairs_of(const RecAttribute *attribute, const RecRaw *raw);
extern bool rec_next_pair(RecPairIterator *it, uint64 *first, uint64 *second);
extern uint64 rec_pair_hash(uint64 first, uint64 second);

/* attribute_store.c */
extern const char *rec_attribute_kind_name(RecAttributeKind kind);

#endif							/* REC_ATTRIBUTES_H */
