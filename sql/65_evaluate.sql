-- Evaluation: ways to train, and stored versions, judged on events that they have not seen.

CREATE FUNCTION rec.evaluate(model text, split text DEFAULT NULL, holdout "any" DEFAULT NULL, k int[] DEFAULT NULL,
	params jsonb DEFAULT NULL, compare text[] DEFAULT NULL, segment text DEFAULT NULL,
	metrics text[] DEFAULT NULL, exclude_seen boolean DEFAULT true, min_value float8 DEFAULT NULL, seed bigint DEFAULT 42)
RETURNS TABLE (algorithm text, metric text, k int, value float8, ci_low float8, ci_high float8, users bigint, segment text)
	AS 'MODULE_PATHNAME', 'rec_evaluate' LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 200 COST 1000000;

CREATE FUNCTION rec.evaluate_version(model text, version int DEFAULT NULL, events text DEFAULT NULL,
	since timestamptz DEFAULT NULL, k int[] DEFAULT NULL, compare text[] DEFAULT '{popular,random}',
	segment text DEFAULT NULL, metrics text[] DEFAULT NULL, exclude_seen boolean DEFAULT true,
	min_value float8 DEFAULT NULL, seed bigint DEFAULT 42)
RETURNS TABLE (algorithm text, metric text, k int, value float8, ci_low float8, ci_high float8, users bigint, segment text)
	AS 'MODULE_PATHNAME', 'rec_evaluate_version' LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 200 COST 1000000;

CREATE FUNCTION rec.compare(model text, settings jsonb[], metric text DEFAULT NULL, split text DEFAULT NULL,
	holdout "any" DEFAULT NULL, exclude_seen boolean DEFAULT true, min_value float8 DEFAULT NULL, seed bigint DEFAULT 42)
RETURNS TABLE (number int, setting jsonb, algorithm text, metric text, value float8, difference float8, ci_low float8,
	ci_high float8, p_value float8, p_adjusted float8, users bigint, verdict text)
	AS 'MODULE_PATHNAME', 'rec_compare_settings_sql' LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 5 COST 1000000;

-- The same with settings as text, so that ARRAY['{}', 'popular'] and an array without a type find a function.
CREATE FUNCTION rec.compare(model text, settings text[], metric text DEFAULT NULL, split text DEFAULT NULL,
	holdout "any" DEFAULT NULL, exclude_seen boolean DEFAULT true, min_value float8 DEFAULT NULL, seed bigint DEFAULT 42)
RETURNS TABLE (number int, setting jsonb, algorithm text, metric text, value float8, difference float8, ci_low float8,
	ci_high float8, p_value float8, p_adjusted float8, users bigint, verdict text)
	AS 'MODULE_PATHNAME', 'rec_compare_settings_sql' LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 5 COST 1000000;

CREATE FUNCTION rec.compare(model text, settings text, metric text DEFAULT NULL, split text DEFAULT NULL,
	holdout "any" DEFAULT NULL, exclude_seen boolean DEFAULT true, min_value float8 DEFAULT NULL, seed bigint DEFAULT 42)
RETURNS TABLE (number int, setting jsonb, algorithm text, metric text, value float8, difference float8, ci_low float8,
	ci_high float8, p_value float8, p_adjusted float8, users bigint, verdict text)
	AS 'MODULE_PATHNAME', 'rec_compare_settings_sql' LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 5 COST 1000000;

CREATE FUNCTION rec.compare(model text, versions int[], events text DEFAULT NULL, since timestamptz DEFAULT NULL,
	metric text DEFAULT NULL, exclude_seen boolean DEFAULT true, min_value float8 DEFAULT NULL, seed bigint DEFAULT 42)
RETURNS TABLE (number int, setting jsonb, algorithm text, metric text, value float8, difference float8, ci_low float8,
	ci_high float8, p_value float8, p_adjusted float8, users bigint, verdict text)
	AS 'MODULE_PATHNAME', 'rec_compare_versions_sql' LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 5 COST 1000000;

COMMENT ON FUNCTION rec.evaluate IS 'Trains a model on one part of its events, in memory and without touching its versions, and judges what it recommends on the other part, beside baselines. split: temporal (the newest events are the test part; the default with a time column), last (the newest pairs of each user) or random (pairs drawn by their keys; the default without). holdout: the share of the events, of each user''s pairs, or of all pairs (above 0, below 1; default 0.2); with temporal also an interval before the newest event; with last also a number of pairs per user (default 1). k: list lengths, 1 to 1000, not longer than the catalogue; null: 5, 10 and 20. params: as for rec.train, on top of the model''s. compare: popular, random, cooccurrence, buy_again, every algorithm of the parameter "algorithm" but the one that is judged, and without_attributes (the same model trained without its attributes); null: popular, random, and without_attributes where the model has attributes. segment: an expression over the columns of the event relation, the most frequent value of a user''s events, or with aggregates (count(*) > 10); null: cold users (no positive pair in the training part), sparse ones (fewer than 5) and warm ones. metrics: null for all. exclude_seen: as for recommend(); what a user had in the training part is neither recommended nor relevant. min_value: from which value a pair is relevant; null: above 0, with explicit feedback from the mean rating on. seed: of a random split, of the bootstrap and of samples. Returns one row for each segment, metric, k and algorithm: value, a 95 % interval by bootstrap over users (null where there is none), and the number of users it rests on. Segments "cold items", "sparse items" (fewer than 10 users) and "warm items" count only relevant items of that kind. Users without events in the training part are answered by their attributes where the model has some, else with popular items. Rows of algorithm "data" say what the parts hold: training_pairs, relevant_pairs, excluded_pairs (left out as seen), unseen_pairs and unseen_items (relevant, but not in the training part: misses, unless attributes let them be ranked), users_without_relevant (left out). Metrics: recall = hits / relevant; recall_capped = hits / min(k, relevant); precision = hits / k; ndcg = sum of 1 / log2(rank + 1) over hits / its largest possible value; map = sum over hits of (hits so far / rank) / min(k, relevant); mrr = 1 / rank of the first hit; hit_rate = any hit; auc = share of pairs (relevant, other) in order; coverage = items in any list / items of the catalogue; gini = of how often items are listed; novelty = mean -log2(users of the item / users); diversity = 1 - mean cosine of the user sets of listed items; popularity_lift = popularity of listed items / of the user''s own items - 1; rmse, mae of predicted ratings (explicit feedback). auc and diversity rest on at most 2000 users. Runs as the model''s owner and only for it. Errors: a split by time without a time column, a holdout that leaves nothing to train or test on, k above the catalogue, an unknown metric, algorithm or parameter.';
COMMENT ON FUNCTION rec.evaluate_version IS 'Judges a kept version of a model on events that it was not trained on; users, history and popularity are those of the version. version: null for the active one. events: a relation with the model''s columns; null: the model''s own. since: only events after it; null: with the model''s own relation those after the newest event of the version''s training, with another relation all. compare: popular, random, cooccurrence, buy_again and other algorithms, fitted to the version''s stored history. The other arguments, the rows and the errors are those of rec.evaluate. Runs as the model''s owner and only for it.';
COMMENT ON FUNCTION rec.compare(text, jsonb[], text, text, "any", boolean, float8, bigint) IS 'Judges several ways to train a model on the same split and the same users, and says of each whether it differs from the first. settings: two or more; an object holds params as for rec.train, on top of the model''s; a string names a baseline (popular, random, cooccurrence, buy_again, ...). metric: name and k, such as ndcg@10, recall@20, auc, rmse; null: ndcg@10, with explicit feedback rmse. split, holdout, exclude_seen, min_value, seed: as for rec.evaluate. Returns one row per setting: its value; the difference from the first, paired by user; a 95 % interval of it by bootstrap over users; the p-value of a paired t test, also adjusted by Holm''s method for the number of settings; a verdict in words (at 0.05, adjusted). Runs as the model''s owner and only for it.';
COMMENT ON FUNCTION rec.compare(text, text[], text, text, "any", boolean, float8, bigint) IS 'As rec.compare with settings of type jsonb[]: each is JSON, or the bare name of a baseline.';
COMMENT ON FUNCTION rec.compare(text, text, text, text, "any", boolean, float8, bigint) IS 'As rec.compare with an array, which is written as a string: of whole numbers, then these are versions, judged on the model''s new events (split and holdout must be null); else of settings.';
COMMENT ON FUNCTION rec.compare(text, int[], text, timestamptz, text, boolean, float8, bigint) IS 'Judges kept versions of a model on the same new events, and says of each whether it differs from the first. events, since: as for rec.evaluate_version; by default the events of the model after the newest that any of the versions was trained on. Columns as for settings; setting is the version. Runs as the model''s owner and only for it.';
