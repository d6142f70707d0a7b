-- What the panels of grafana.json ask, for any BI tool. Replace 'shop'; each needs SELECT on the views, which PUBLIC has,
-- and USAGE on the model's schema: GRANT USAGE ON SCHEMA shop TO bi;

-- Models: one row per model: age, quality beside its baseline, drift, next run
SELECT model, active_version, trained_at, age, metric, metric_value, baseline_value, drift, drifted_columns, click_through, next_retrain, last_job_status
FROM rec.model_health ORDER BY model;

-- Quality of each version: on the holdout of each training (ndcg@10, explicit feedback: rmse), beside popular items (explicit: the items' means)
SELECT finished_at AS time, coalesce(ndcg[best_epoch], rmse[best_epoch]) AS model, coalesce(popular_ndcg, mean_rmse) AS baseline
FROM rec.training_run WHERE model = 'shop' AND finished_at > now() - interval '90 days' ORDER BY 1;

-- Drift by column: effect size of each column and period
SELECT period_start AS time, column_name || CASE WHEN segment <> '' THEN ' ' || segment ELSE '' END AS metric, effect_size
FROM rec.drift_history WHERE model = 'shop' AND period_start > now() - interval '90 days' ORDER BY 1;

-- Latest verdicts: the latest verdict per column, with the reason
SELECT column_name, segment, verdict, effect_size, p_adjusted, reason
FROM rec.drift WHERE model = 'shop'
ORDER BY array_position('{drifted,watch,ok}', verdict), column_name;

-- Click-through by source: clicks per recommendation shown
SELECT day::timestamptz AS time, source AS metric, sum(clicks)::float8 / sum(impressions)::float8 AS click_through
FROM rec.recommendation_performance WHERE model = 'shop' AND day::timestamptz > now() - interval '90 days' GROUP BY 1, 2 ORDER BY 1;

-- Value by placement: value attributed to recommendations that were shown
SELECT day::timestamptz AS time, placement AS metric, sum(value) AS value
FROM rec.recommendation_performance WHERE model = 'shop' AND day::timestamptz > now() - interval '90 days' GROUP BY 1, 2 ORDER BY 1;

-- Experiments: per experiment the verdict, then each metric and variant
SELECT experiment, metric, variant, n, mean, lift, ci_low, ci_high, p_adjusted, chance_to_win, decision, sentence
FROM rec.experiment_summary ORDER BY experiment, metric NULLS FIRST, variant;

-- Lift over time: with the interval that holds at any time of looking
SELECT day::timestamptz AS time, experiment || ' ' || metric || ' ' || variant AS metric, lift, safe_low, safe_high
FROM rec.experiment_daily WHERE day::timestamptz > now() - interval '90 days' ORDER BY 1;

-- Scheduled runs: what the jobs did, and why
SELECT started_at, finished_at - started_at AS took, job, status, version, message
FROM rec.job_run WHERE model = 'shop' ORDER BY job_run DESC LIMIT 50;
