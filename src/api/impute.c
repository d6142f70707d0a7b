/*
 * impute.c
 *		rec.impute(x, strategy) OVER (...): null becomes the median, mean or mode of the partition, or a constant.
 */
#include "compat.h"

#include "api/fit.h"
#include "api/window.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/float.h"
#include "utils/memutils.h"
#include "utils/typcache.h"

typedef struct ImputeWindow
{
	bool		fitted;
	bool		none;			/* there is nothing to impute with */
	double		number;
	text	   *word;
	Datum		value;			/* of another type */
} ImputeWindow;

static double
finite_number(Datum value)
{
	double		x = DatumGetFloat8(value);

	if (!isfinite(x))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("cannot impute from NaN or infinity"),
				 errhint("Turn such values into null: CASE WHEN x NOT IN ('NaN', 'Infinity', '-Infinity') THEN x END.")));
	return x;
}

static void
take_number(void *to, Datum value, bool isnull)
{
	rec_fit_add(to, REC_SCALER_QUANTILE, finite_number(value));
}

static void
take_moment(void *to, Datum value, bool isnull)
{
	rec_fit_add(to, REC_SCALER_STANDARD, finite_number(value));
}

/* The most frequent number; of equally frequent ones the smallest. */
static double
mode_of(RecNumbers *numbers)
{
	int64		best = 0,
				run = 0;
	double		mode = 0;

	rec_numbers_sort(numbers);
	for (int64 i = 0; i < numbers->n; i++)
	{
		run = i > 0 && numbers->x[i] == numbers->x[i - 1] ? run + 1 : 1;
		if (run > best)
		{
			best = run;
			mode = numbers->x[i];
		}
	}
	return mode;
}

/* What is neither of the three words is a constant. */
static bool
is_number(const char *word, double *number)
{
	char	   *end;

	*number = strtod(word, &end);
	return end != word && *end == '\0' && isfinite(*number);
}

static void
fit_number(WindowObject window, ImputeWindow *w, const char *strategy)
{
	RecFit		fit;
	bool		mean = strcmp(strategy, "mean") == 0,
				median = strcmp(strategy, "median") == 0;

	if (!mean && !median && strcmp(strategy, "mode") != 0)
	{
		if (!is_number(strategy, &w->number))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("unknown strategy \"%s\"", strategy),
					 errdetail("A strategy is median, mean, mode or a finite number.")));
		return;
	}
	rec_fit_init(&fit, mean ? REC_SCALER_STANDARD : REC_SCALER_QUANTILE, CurrentMemoryContext);
	rec_window_each(window, 0, false, mean ? take_moment : take_number, &fit);
	if (mean)
	{
		w->none = fit.part.moments.scaled.n == 0;
		w->number = rec_wide_mean(&fit.part.moments);
		return;
	}
	w->none = fit.numbers->n == 0;
	if (!w->none)
		w->number = median ? rec_fit_edges(fit.numbers, 2)[1] : mode_of(fit.numbers);
}

/* impute(x, strategy) */
PG_FUNCTION_INFO_V1(rec_impute);
Datum
rec_impute(PG_FUNCTION_ARGS)
{
	WindowObject window = rec_window(fcinfo);
	bool		first,
				isnull;
	ImputeWindow *w = rec_window_state(window, sizeof(ImputeWindow), &first);
	Datum		value;

	if (first)
		fit_number(window, w, TextDatumGetCString(rec_window_constant(window, 1, "strategy")));
	value = WinGetFuncArgCurrent(window, 0, &isnull);
	if (!isnull)
		PG_RETURN_DATUM(value);
	if (w->none)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(w->number);
}

/* impute(x, constant) */
PG_FUNCTION_INFO_V1(rec_impute_constant);
Datum
rec_impute_constant(PG_FUNCTION_ARGS)
{
	WindowObject window = rec_window(fcinfo);
	bool		isnull;
	Datum		value = WinGetFuncArgCurrent(window, 0, &isnull);

	return isnull ? rec_window_constant(window, 1, "constant") : value;
}

/* The words of a partition, sorted by their bytes. */
typedef struct Words
{
	MemoryContext context;
	int64		n;
	int64		room;
	text	  **word;
} Words;

static int
compare_words(const void *a, const void *b)
{
	const text *x = *(text *const *) a,
			   *y = *(text *const *) b;
	int			length = Min(VARSIZE_ANY_EXHDR(x), VARSIZE_ANY_EXHDR(y));
	int			order = memcmp(VARDATA_ANY(x), VARDATA_ANY(y), length);

	return order != 0 ? order : (int) VARSIZE_ANY_EXHDR(x) - (int) VARSIZE_ANY_EXHDR(y);
}

static void
take_word(void *to, Datum value, bool isnull)
{
	Words	   *words = to;
	MemoryContext old = MemoryContextSwitchTo(words->context);

	if (words->n == words->room)
	{
		words->room = Max(words->room * 2, 64);
		words->word = words->word ? repalloc_huge(words->word, mul_size(words->room, sizeof(text *))) :
			palloc(words->room * sizeof(text *));
	}
	words->word[words->n++] = DatumGetTextPCopy(value);
	MemoryContextSwitchTo(old);
}

/* The most frequent word, of equally frequent ones the first by bytes; NULL: there is none. */
static text *
mode_of_words(WindowObject window, MemoryContext result)
{
	Words		words = {AllocSetContextCreate(CurrentMemoryContext, "rec words", ALLOCSET_DEFAULT_SIZES)};
	int64		best = 0,
				run = 0;
	text	   *mode = NULL;

	rec_window_each(window, 0, false, take_word, &words);
	qsort(words.word, words.n, sizeof(text *), compare_words);
	for (int64 i = 0; i < words.n; i++)
	{
		run = i > 0 && compare_words(&words.word[i], &words.word[i - 1]) == 0 ? run + 1 : 1;
		if (run > best)
		{
			best = run;
			mode = words.word[i];
		}
	}
	if (mode)
	{
		Size		size = VARSIZE_ANY(mode);
		text	   *copy = MemoryContextAlloc(result, size);

		mode = memcpy(copy, mode, size);
	}
	MemoryContextDelete(words.context);
	return mode;
}

/* impute(x text, 'mode' or a constant) */
PG_FUNCTION_INFO_V1(rec_impute_text);
Datum
rec_impute_text(PG_FUNCTION_ARGS)
{
	WindowObject window = rec_window(fcinfo);
	bool		first,
				isnull;
	ImputeWindow *w = rec_window_state(window, sizeof(ImputeWindow), &first);
	Datum		value = WinGetFuncArgCurrent(window, 0, &isnull);
	text	   *strategy;

	if (first)
	{
		strategy = DatumGetTextPP(rec_window_constant(window, 1, "strategy"));
		if (VARSIZE_ANY_EXHDR(strategy) == 4 && memcmp(VARDATA_ANY(strategy), "mode", 4) == 0)
		{
			w->word = mode_of_words(window, rec_window_context(w));
			w->none = w->word == NULL;
		}
	}
	if (!isnull)
		PG_RETURN_DATUM(value);
	if (w->none)
		PG_RETURN_NULL();
	if (w->word)
		PG_RETURN_TEXT_P(w->word);
	PG_RETURN_DATUM(rec_window_constant(window, 1, "strategy"));
}

/* The values of a partition, of any type with an order. */
typedef struct Values
{
	MemoryContext context;
	TypeCacheEntry *type;
	Oid			collation;
	int64		n;
	int64		room;
	Datum	   *value;
} Values;

static void
take_value(void *to, Datum value, bool isnull)
{
	Values	   *values = to;
	MemoryContext old = MemoryContextSwitchTo(values->context);

	if (values->n == values->room)
	{
		values->room = Max(values->room * 2, 64);
		values->value = values->value ? repalloc_huge(values->value, mul_size(values->room, sizeof(Datum))) :
			palloc(values->room * sizeof(Datum));
	}
	values->value[values->n++] = datumCopy(value, values->type->typbyval, values->type->typlen);
	MemoryContextSwitchTo(old);
}

static int
compare_values(const void *a, const void *b, void *values)
{
	Values	   *v = values;

	CHECK_FOR_INTERRUPTS();
	return DatumGetInt32(FunctionCall2Coll(&v->type->cmp_proc_finfo, v->collation, *(const Datum *) a, *(const Datum *) b));
}

/* The most frequent value, of equally frequent ones the smallest; or the median, of two the lower one. */
static void
fit_value(FunctionCallInfo fcinfo, WindowObject window, ImputeWindow *w, bool median)
{
	Values		v = {.collation = PG_GET_COLLATION()};
	int64		at = 0,
				best = 0,
				run = 0;
	MemoryContext old;

	v.type = lookup_type_cache(get_fn_expr_argtype(fcinfo->flinfo, 0), TYPECACHE_CMP_PROC_FINFO);
	if (!OidIsValid(v.type->cmp_proc_finfo.fn_oid))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("could not identify a comparison function for type %s", format_type_be(v.type->type_id)),
				 errhint("Cast the value to text.")));
	v.context = AllocSetContextCreate(CurrentMemoryContext, "rec values", ALLOCSET_DEFAULT_SIZES);
	rec_window_each(window, 0, false, take_value, &v);
	if (v.n > 1)
		qsort_arg(v.value, v.n, sizeof(Datum), compare_values, &v);
	for (int64 i = 0; i < v.n && !median; i++)
	{
		run = i > 0 && compare_values(&v.value[i], &v.value[i - 1], &v) == 0 ? run + 1 : 1;
		if (run > best)
		{
			best = run;
			at = i;
		}
	}
	w->none = v.n == 0;
	old = MemoryContextSwitchTo(rec_window_context(w));
	if (!w->none)
		w->value = datumCopy(v.value[median ? (v.n - 1) / 2 : at], v.type->typbyval, v.type->typlen);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(v.context);
}

/* impute(x anyelement, 'mode' or 'median') */
PG_FUNCTION_INFO_V1(rec_impute_value);
Datum
rec_impute_value(PG_FUNCTION_ARGS)
{
	WindowObject window = rec_window(fcinfo);
	bool		first,
				isnull;
	ImputeWindow *w = rec_window_state(window, sizeof(ImputeWindow), &first);
	Datum		value;

	if (first)
	{
		char	   *strategy = TextDatumGetCString(rec_window_constant(window, 1, "strategy"));
		bool		median = strcmp(strategy, "median") == 0;

		if (!median && strcmp(strategy, "mode") != 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("unknown strategy \"%s\"", strategy),
					 errdetail("Of this type, a strategy is mode or median."),
					 errhint("A constant is given in the type of the values, with a cast.")));
		fit_value(fcinfo, window, w, median);
	}
	value = WinGetFuncArgCurrent(window, 0, &isnull);
	if (!isnull)
		PG_RETURN_DATUM(value);
	if (w->none)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(w->value);
}
