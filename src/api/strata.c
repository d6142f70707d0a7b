/*
 * strata.c
 *		Post-stratification: an aggregate over the strata, one row with both arms' samples each.
 */
#include "api/aggregate.h"
#include "api/statistics.h"

#define STRATA_TAG 0x73747261

/* -------------------------------------------------------------- post-stratification */

/* Sums over the strata, each weighted with its units in both arms. */
typedef struct Strata
{
	double		n;
	double		n_arm[2];
	double		estimate[2];	/* sum of n_k estimate_k */
	double		variance[2];	/* sum of n_k^2 variance_k */
	double		satterthwaite[2];	/* sum of (n_k^2 variance_k)^2 / df_k */
	bool		empty;			/* a stratum lacks an arm */
	RecTestOptions options;
} Strata;

/* control, treatment, options */
PG_FUNCTION_INFO_V1(rec_strata_accum);
Datum
rec_strata_accum(PG_FUNCTION_ARGS)
{
	Strata	   *s = PG_ARGISNULL(0) ? NULL : (Strata *) PG_GETARG_POINTER(0);
	RecUnits	control = rec_sample_arg(fcinfo, 1),
				treatment = rec_sample_arg(fcinfo, 2);
	RecArm		arm[2];
	double		n = control.n + treatment.n,
				reduction;

	if (s == NULL)
	{
		s = MemoryContextAllocZero(rec_aggregate_context(fcinfo), sizeof(Strata));
		s->options = rec_test_options(fcinfo, 3);
	}
	if (n == 0)
		PG_RETURN_POINTER(s);
	rec_sample_check_pair(&control, &treatment);
	rec_units_arms(&control, &treatment, &arm[0], &arm[1], &reduction);
	s->n += n;
	s->empty = s->empty || control.n < 2 || treatment.n < 2;
	for (int a = 0; a < 2; a++)
	{
		double		variance = n * n * arm[a].variance;

		s->n_arm[a] += arm[a].n;
		s->estimate[a] += n * arm[a].estimate;
		s->variance[a] += variance;
		s->satterthwaite[a] += variance * variance / arm[a].df;
	}
	PG_RETURN_POINTER(s);
}

PG_FUNCTION_INFO_V1(rec_strata_combine);
Datum
rec_strata_combine(PG_FUNCTION_ARGS)
{
	Strata	   *other,
			   *s = rec_combine_begin(fcinfo, sizeof(Strata), (void **) &other);

	if (s == NULL)
		PG_RETURN_NULL();
	if (other)
	{
		s->n += other->n;
		s->empty = s->empty || other->empty;
		for (int a = 0; a < 2; a++)
		{
			s->n_arm[a] += other->n_arm[a];
			s->estimate[a] += other->estimate[a];
			s->variance[a] += other->variance[a];
			s->satterthwaite[a] += other->satterthwaite[a];
		}
	}
	PG_RETURN_POINTER(s);
}

PG_FUNCTION_INFO_V1(rec_strata_serialize);
Datum
rec_strata_serialize(PG_FUNCTION_ARGS)
{
	PG_RETURN_BYTEA_P(rec_state_out(STRATA_TAG, PG_GETARG_POINTER(0), sizeof(Strata)));
}

PG_FUNCTION_INFO_V1(rec_strata_deserialize);
Datum
rec_strata_deserialize(PG_FUNCTION_ARGS)
{
	Strata	   *s = palloc(sizeof(Strata));

	rec_state_in(PG_GETARG_BYTEA_PP(0), STRATA_TAG, s, sizeof(Strata));
	if ((unsigned int) s->options.side > REC_LESS)
		rec_bad_state();
	PG_RETURN_POINTER(s);
}

PG_FUNCTION_INFO_V1(rec_strata_final);
Datum
rec_strata_final(PG_FUNCTION_ARGS)
{
	Strata		none = {.options = {.confidence = 0.95}};
	Strata	   *s = PG_ARGISNULL(0) ? &none : (Strata *) PG_GETARG_POINTER(0);
	RecEffect	e = {.method = "post-stratification"};
	RecArm	   *arm[2] = {&e.control, &e.treatment};

	for (int a = 0; a < 2; a++)
		*arm[a] = (RecArm) {
		.n = s->n_arm[a],.estimate = s->estimate[a] / s->n,.variance = s->variance[a] / s->n / s->n,
			/* an arm without variance has no say in the degrees of freedom */
			.df = s->variance[a] > 0 ? s->variance[a] * s->variance[a] / s->satterthwaite[a] : 1
		};
	if (s->empty)
		e.control.variance = NAN;
	rec_effect_compare(&e, &s->options);
	if (s->empty)
		e.note = "undefined: a stratum has fewer than 2 units in an arm (join it to another)";
	return rec_effect_datum(fcinfo, &e, &s->options, NAN);
}
