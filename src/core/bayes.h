/*
 * bayes.h
 *		Two arms compared by their posterior distributions, without random numbers.
 */
#ifndef REC_BAYES_H
#define REC_BAYES_H

typedef struct RecPosterior
{
	double		difference;		/* mean of treatment minus control */
	double		ci_low;			/* equal-tailed credible interval */
	double		ci_high;
	double		chance_to_win;	/* P(treatment > control) */
	double		loss_treatment; /* E max(control - treatment, 0): what choosing the treatment is expected to cost */
	double		loss_control;
} RecPosterior;

/*
 * Proportions, with posteriors beta(a, b): by integration (trapezoids over the logit, which converge exponentially). tick is
 * called now and then, to be cancelled; NULL: none.
 */
extern RecPosterior rec_bayes_beta(double a_control, double b_control, double a_treatment, double b_treatment,
								   double confidence, void (*tick) (void));

/* A difference that is normal: estimate and standard error, and the prior's mean and standard deviation (infinite: flat). */
extern RecPosterior rec_bayes_normal(double difference, double std_error, double prior_mean, double prior_sd,
									 double confidence);

#endif							/* REC_BAYES_H */
