/*
 * drift_result.c
 *		Results of the functions that compare distributions. See drift.h.
 */
#include "api/drift.h"

#include <math.h>

#include "access/htup_details.h"
#include "core/ks.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"

void
rec_result_float(RecResult *r, double x)
{
	r->null[r->n] = isnan(x);
	r->value[r->n++] = Float8GetDatum(x);
}

void
rec_result_int(RecResult *r, int64 x)
{
	r->null[r->n] = false;
	r->value[r->n++] = Int64GetDatum(x);
}

void
rec_result_text(RecResult *r, const char *x)
{
	r->null[r->n] = x == NULL;
	r->value[r->n++] = x ? CStringGetTextDatum(x) : (Datum) 0;
}

Datum
rec_result_make(FunctionCallInfo fcinfo, RecResult *r)
{
	TupleDesc	desc;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE || desc->natts != r->n)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("the result type of a function has been altered"),
				 errhint("Create the extension again.")));
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), r->value, r->null));
}

void
rec_check_bins(int bins)
{
	if (bins < 2 || bins > REC_BINS_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("bins must be between 2 and %d", REC_BINS_MAX),
				 errdetail("bins is %d.", bins)));
}

static void
check_interrupts(void)
{
	CHECK_FOR_INTERRUPTS();
}

Datum
rec_make_ks(FunctionCallInfo fcinfo, const RecEmpirical *reference, const RecEmpirical *current)
{
	RecResult	r = {.n = 0};
	bool		empty = reference->len == 0 || current->len == 0;
	double		error = reference->error + current->error,
				p = NAN,
				p_max = NAN;
	RecKs		ks = {.statistic = NAN, .location = NAN};

	if (!empty)
	{
		double	   *work = palloc(sizeof(double) * REC_KS_WORK);

		ks = rec_ks_compare(reference, current);
		p = rec_ks_p(ks.statistic, reference->n, current->n, work, check_interrupts);
		p_max = error == 0 ? p :
			rec_ks_p(fmax(ks.statistic - error, 0), reference->n, current->n, work, check_interrupts);
		pfree(work);
	}
	rec_result_float(&r, ks.statistic);
	rec_result_float(&r, p);
	rec_result_float(&r, ks.location);
	r.null[r.n] = empty;
	r.value[r.n++] = Int32GetDatum(ks.sign);
	rec_result_int(&r, (int64) reference->n);
	rec_result_int(&r, (int64) current->n);
	rec_result_float(&r, error);
	rec_result_float(&r, p_max);
	return rec_result_make(fcinfo, &r);
}

/* What is customary to say of a psi; nothing when chance alone gives as much in one of twenty cases. */
static const char *
psi_verdict(const RecPsi *psi)
{
	if (!(psi->psi >= psi->threshold) || psi->bins < 2)
		return NULL;
	return psi->psi >= 0.25 ? "drifted" : psi->psi >= 0.1 ? "watch" : "ok";
}

static double
total(const double *counts, int64 n)
{
	double		sum = 0;

	for (int64 i = 0; i < n; i++)
		sum += counts[i];
	return sum;
}

Datum
rec_make_psi(FunctionCallInfo fcinfo, const double *reference, const double *current, int64 bins)
{
	RecResult	r = {.n = 0};
	RecPsi		psi = rec_psi(reference, current, bins);

	rec_result_float(&r, psi.psi);
	r.value[r.n++] = Int32GetDatum((int32) psi.bins);
	rec_result_float(&r, psi.expected);
	rec_result_float(&r, psi.threshold);
	rec_result_float(&r, psi.p_value);
	rec_result_text(&r, psi_verdict(&psi));
	rec_result_int(&r, (int64) total(reference, bins));
	rec_result_int(&r, (int64) total(current, bins));
	return rec_result_make(fcinfo, &r);
}

Datum
rec_make_chi2(FunctionCallInfo fcinfo, const double *reference, const double *current, int64 categories)
{
	RecResult	r = {.n = 0};
	RecChi2		c = rec_chi2_test(reference, current, categories);

	rec_result_float(&r, c.statistic);
	rec_result_float(&r, c.df);
	rec_result_float(&r, c.p_value);
	rec_result_float(&r, c.cramers_v);
	rec_result_float(&r, c.min_expected);
	rec_result_int(&r, c.categories);
	rec_result_int(&r, (int64) total(reference, categories));
	rec_result_int(&r, (int64) total(current, categories));
	return rec_result_make(fcinfo, &r);
}

Datum
rec_make_new_categories(FunctionCallInfo fcinfo, const double *reference, const double *current, int64 n)
{
	double		rows = 0,
				all = total(current, n);
	int64		categories = 0;
	RecResult	r = {.n = 0};

	for (int64 i = 0; i < n; i++)
		if (reference[i] == 0 && current[i] > 0)
		{
			rows += current[i];
			categories++;
		}
	rec_result_float(&r, all > 0 ? rows / all : NAN);
	rec_result_int(&r, categories);
	rec_result_int(&r, (int64) rows);
	rec_result_int(&r, (int64) all);
	return rec_result_make(fcinfo, &r);
}

int
rec_bin_nulls(int nbins, int64 reference_nulls, int64 current_nulls, double *reference_counts, double *current_counts)
{
	if (reference_nulls + current_nulls > 0)
	{
		reference_counts[nbins] = reference_nulls;
		current_counts[nbins++] = current_nulls;
	}
	return nbins;
}

int
rec_bin_samples(const RecEmpirical *reference, int64 reference_nulls, const RecEmpirical *current, int64 current_nulls,
				int bins, double *reference_counts, double *current_counts)
{
	double		edges[REC_BINS_MAX];
	int			n = 0;

	if (reference->len > 0)
	{
		int			nedges = rec_quantile_edges(reference, bins, edges);

		rec_bin_counts(reference, edges, nedges, reference_counts);
		rec_bin_counts(current, edges, nedges, current_counts);
		n = rec_merge_bins(reference_counts, current_counts, nedges + 1);
	}
	else if (current->len > 0)
	{
		/* there is no quantile of nothing: all numbers are one bin */
		reference_counts[0] = 0;
		current_counts[0] = current->n;
		n = 1;
	}
	return rec_bin_nulls(n, reference_nulls, current_nulls, reference_counts, current_counts);
}
