-- What stands in the schema of a model. rec.create_model runs the text that these functions return as the schema's owner;
-- rec.upgrade_model runs the second one again. Types come fully qualified from the catalog, names quoted by format().
--
-- The functions are thin wrappers that the planner inlines: STABLE, not STRICT, no SET clause, a SQL-standard body that
-- no search_path can redirect. The model is named by its schema's oid, which a rename does not change. Each calls one C
-- signature whose last argument, options, has room for later arguments.
--
-- VACUUM must not give the tables' free ends back: the next version needs the room, and cutting a table off takes a lock
-- that waits for readers on the primary and cancels them on a standby.

CREATE FUNCTION rec._model_tables(model text, user_type text, item_type text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$
SELECT pg_catalog.format($ddl$
CREATE TABLE %1$I.model_version (
	version int PRIMARY KEY, uid bigint NOT NULL, trained_at timestamptz NOT NULL, params jsonb NOT NULL,
	explicit_feedback boolean NOT NULL, users int NOT NULL, items int NOT NULL, mean real NOT NULL,
	newest_event bigint, half_life float8 NOT NULL, gram real[], value_scaler jsonb,
	cold_items int NOT NULL, noise real)
	WITH (vacuum_truncate = off, toast.vacuum_truncate = off);
CREATE TABLE %1$I.item_factors (
	version int NOT NULL, item_id %3$s NOT NULL, position int NOT NULL, factors real[] NOT NULL, bias real NOT NULL,
	n_events int NOT NULL, support int NOT NULL, popularity real NOT NULL, PRIMARY KEY (version, item_id))
	WITH (vacuum_truncate = off, toast.vacuum_truncate = off);
CREATE TABLE %1$I.item_weights (
	version int NOT NULL, position int NOT NULL, neighbours int[] NOT NULL, weights real[] NOT NULL,
	PRIMARY KEY (version, position))
	WITH (vacuum_truncate = off, toast.vacuum_truncate = off);
CREATE TABLE %1$I.user_factors (
	version int NOT NULL, user_id %2$s NOT NULL, factors real[] NOT NULL, bias real NOT NULL, n_events int NOT NULL,
	PRIMARY KEY (version, user_id))
	WITH (vacuum_truncate = off, toast.vacuum_truncate = off);
CREATE TABLE %1$I.user_history (
	version int NOT NULL, user_id %2$s NOT NULL, items int[] NOT NULL, weights real[] NOT NULL,
	PRIMARY KEY (version, user_id))
	WITH (vacuum_truncate = off, toast.vacuum_truncate = off);
CREATE TABLE %1$I.user_attributes (
	version int NOT NULL, user_id %2$s NOT NULL, columns int[] NOT NULL, vals real[] NOT NULL,
	PRIMARY KEY (version, user_id))
	WITH (vacuum_truncate = off, toast.vacuum_truncate = off);
CREATE TABLE %1$I.item_attributes (
	version int NOT NULL, item_id %3$s NOT NULL, columns int[] NOT NULL, vals real[] NOT NULL,
	PRIMARY KEY (version, item_id))
	WITH (vacuum_truncate = off, toast.vacuum_truncate = off);
CREATE TABLE %1$I.attribute_encoder (
	version int NOT NULL, side text NOT NULL, number int NOT NULL, attribute text NOT NULL, kind text NOT NULL,
	column_name text, config text, logarithm boolean NOT NULL, zoned boolean NOT NULL, hidden boolean NOT NULL,
	part_one int NOT NULL, part_two int NOT NULL, first_column int NOT NULL, columns int NOT NULL, rows bigint NOT NULL,
	center float8 NOT NULL, scale float8 NOT NULL, origin float8 NOT NULL, other int NOT NULL, buckets int NOT NULL,
	PRIMARY KEY (version, side, number))
	WITH (vacuum_truncate = off, toast.vacuum_truncate = off);
CREATE TABLE %1$I.attribute_map (
	version int NOT NULL, side text NOT NULL, number int NOT NULL, attribute text NOT NULL, level text, hash bigint,
	idf real NOT NULL, weights real[] NOT NULL, bias real NOT NULL,
	PRIMARY KEY (version, side, number))
	WITH (vacuum_truncate = off, toast.vacuum_truncate = off);
CREATE TABLE %1$I.context_effect (
	version int NOT NULL, context_column text NOT NULL, context_value text NOT NULL, item_id %3$s NOT NULL, lift real NOT NULL,
	users real NOT NULL, expected real NOT NULL, PRIMARY KEY (version, context_column, context_value, item_id))
	WITH (vacuum_truncate = off, toast.vacuum_truncate = off);
CREATE TABLE %1$I.recommendation (
	user_id %2$s NOT NULL, rank int NOT NULL, item_id %3$s NOT NULL, score real NOT NULL, source text NOT NULL,
	version int NOT NULL, PRIMARY KEY (user_id, rank))
	WITH (vacuum_truncate = off, toast.vacuum_truncate = off);
ALTER TABLE %1$I.model_version ALTER gram SET STORAGE EXTERNAL;
ALTER TABLE %1$I.item_factors ALTER factors SET STORAGE EXTERNAL;
ALTER TABLE %1$I.item_weights ALTER neighbours SET STORAGE EXTERNAL, ALTER weights SET STORAGE EXTERNAL;
ALTER TABLE %1$I.user_factors ALTER factors SET STORAGE EXTERNAL;
ALTER TABLE %1$I.attribute_map ALTER weights SET STORAGE EXTERNAL;
ALTER TABLE %1$I.user_history ALTER items SET STORAGE EXTERNAL, ALTER weights SET STORAGE EXTERNAL;

COMMENT ON SCHEMA %1$I IS 'Recommendation model of pg_recommend, see rec.model; USAGE lets a role ask it for recommendations';
COMMENT ON TABLE %1$I.model_version IS 'Trained versions of the model that are kept';
COMMENT ON COLUMN %1$I.model_version.version IS 'Number of the version';
COMMENT ON COLUMN %1$I.model_version.uid IS 'Random identifier of the version';
COMMENT ON COLUMN %1$I.model_version.trained_at IS 'When the version was written';
COMMENT ON COLUMN %1$I.model_version.params IS 'All hyperparameters of the training';
COMMENT ON COLUMN %1$I.model_version.explicit_feedback IS 'Whether values are ratings';
COMMENT ON COLUMN %1$I.model_version.users IS 'Users in the version';
COMMENT ON COLUMN %1$I.model_version.items IS 'Items in the version';
COMMENT ON COLUMN %1$I.model_version.mean IS 'Explicit feedback: mean rating; else 0';
COMMENT ON COLUMN %1$I.model_version.newest_event IS 'Time of the newest event, microseconds since 2000-01-01; null without a time column';
COMMENT ON COLUMN %1$I.model_version.half_life IS 'Half-life of event weights in microseconds; 0: no decay';
COMMENT ON COLUMN %1$I.model_version.gram IS 'Implicit feedback: unobserved_weight times the Gram matrix of the item factors, row by row; for fold-in';
COMMENT ON COLUMN %1$I.model_version.value_scaler IS 'Scaler (rec.scaler) that was applied to each value in the training and is applied to new events; null: none';
COMMENT ON COLUMN %1$I.model_version.cold_items IS 'Of the items: those without events, which are known by their attributes only';
COMMENT ON COLUMN %1$I.model_version.noise IS 'Variance of an observation of weight 1 about what the factors say, as the training left it: per pair of a user and an item (explicit feedback: per rating); the unit of explore. Null: item weights';
COMMENT ON TABLE %1$I.user_attributes IS 'Attributes of each user as the version encodes them';
COMMENT ON COLUMN %1$I.user_attributes.version IS 'Version of the model';
COMMENT ON COLUMN %1$I.user_attributes.user_id IS 'Key of the user';
COMMENT ON COLUMN %1$I.user_attributes.columns IS 'Numbers in attribute_map of the columns that are not 0';
COMMENT ON COLUMN %1$I.user_attributes.vals IS 'Value of each of these columns; the sum of vals times weights is what the model expects the factors to be';
COMMENT ON TABLE %1$I.item_attributes IS 'Attributes of each item as the version encodes them';
COMMENT ON COLUMN %1$I.item_attributes.version IS 'Version of the model';
COMMENT ON COLUMN %1$I.item_attributes.item_id IS 'Key of the item';
COMMENT ON COLUMN %1$I.item_attributes.columns IS 'Numbers in attribute_map of the columns that are not 0';
COMMENT ON COLUMN %1$I.item_attributes.vals IS 'Value of each of these columns; the sum of vals times weights is what the model expects the factors to be';
COMMENT ON TABLE %1$I.attribute_encoder IS 'How a version turns attributes into numbers, one row for each attribute';
COMMENT ON COLUMN %1$I.attribute_encoder.version IS 'Version of the model';
COMMENT ON COLUMN %1$I.attribute_encoder.side IS 'user or item';
COMMENT ON COLUMN %1$I.attribute_encoder.number IS 'Place in the list of attributes, from 0';
COMMENT ON COLUMN %1$I.attribute_encoder.attribute IS 'The attribute as it was given';
COMMENT ON COLUMN %1$I.attribute_encoder.kind IS 'category, tags, text, number, age, vector or pair';
COMMENT ON COLUMN %1$I.attribute_encoder.column_name IS 'Column of the relation; null: a pair';
COMMENT ON COLUMN %1$I.attribute_encoder.config IS 'text: the text search configuration; null: the column is a tsvector';
COMMENT ON COLUMN %1$I.attribute_encoder.logarithm IS 'number: the logarithm of 1 plus the value is taken';
COMMENT ON COLUMN %1$I.attribute_encoder.zoned IS 'age: times have a time zone';
COMMENT ON COLUMN %1$I.attribute_encoder.hidden IS 'Only part of a pair';
COMMENT ON COLUMN %1$I.attribute_encoder.part_one IS 'pair: number of its first attribute';
COMMENT ON COLUMN %1$I.attribute_encoder.part_two IS 'pair: number of its second attribute';
COMMENT ON COLUMN %1$I.attribute_encoder.first_column IS 'Number of its first row in attribute_map';
COMMENT ON COLUMN %1$I.attribute_encoder.columns IS 'Rows in attribute_map; 0: constant or without values, not used';
COMMENT ON COLUMN %1$I.attribute_encoder.rows IS 'Rows of the training that have a value';
COMMENT ON COLUMN %1$I.attribute_encoder.center IS 'number, age: mean';
COMMENT ON COLUMN %1$I.attribute_encoder.scale IS 'number, age: standard deviation; text: weight of hashed words';
COMMENT ON COLUMN %1$I.attribute_encoder.origin IS 'age: the newest time, seconds since 1970';
COMMENT ON COLUMN %1$I.attribute_encoder.other IS 'Column of rare levels or of missing values, counted from first_column; -1: none';
COMMENT ON COLUMN %1$I.attribute_encoder.buckets IS 'Hashed columns, the last ones of the attribute';
COMMENT ON TABLE %1$I.attribute_map IS 'What each encoded attribute adds to the expected factors; see also rec.model_attribute';
COMMENT ON COLUMN %1$I.attribute_map.version IS 'Version of the model';
COMMENT ON COLUMN %1$I.attribute_map.side IS 'user or item';
COMMENT ON COLUMN %1$I.attribute_map.number IS 'Number of the encoded column, from 0, the constant';
COMMENT ON COLUMN %1$I.attribute_map.attribute IS 'The attribute as it was given';
COMMENT ON COLUMN %1$I.attribute_map.level IS 'Level, tag, word or element that the column is for; null: the constant';
COMMENT ON COLUMN %1$I.attribute_map.hash IS 'By which a level is found; null: not a level';
COMMENT ON COLUMN %1$I.attribute_map.idf IS 'text: weight of the word by its rarity; else 1';
COMMENT ON COLUMN %1$I.attribute_map.weights IS 'Weights: one for each factor';
COMMENT ON COLUMN %1$I.attribute_map.bias IS 'Explicit feedback: what it adds to the expected bias; else 0';
COMMENT ON TABLE %1$I.context_effect IS 'What the context changes: by how much an item is more (lift above 1) or less wanted in it';
COMMENT ON COLUMN %1$I.context_effect.version IS 'Version of the model';
COMMENT ON COLUMN %1$I.context_effect.context_column IS 'Column of the events, one of the model''s context_columns';
COMMENT ON COLUMN %1$I.context_effect.context_value IS 'Value of the column, as text';
COMMENT ON COLUMN %1$I.context_effect.item_id IS 'Key of the item';
COMMENT ON COLUMN %1$I.context_effect.lift IS 'Factor of the item''s scores in this context, drawn to 1 where there is little evidence; items without a row: 1';
COMMENT ON COLUMN %1$I.context_effect.users IS 'Users who had the item in this context';
COMMENT ON COLUMN %1$I.context_effect.expected IS 'Users who would have had it if the context did not matter';
COMMENT ON TABLE %1$I.item_factors IS 'Items of each version, with their factors';
COMMENT ON COLUMN %1$I.item_factors.version IS 'Version of the model';
COMMENT ON COLUMN %1$I.item_factors.item_id IS 'Key of the item';
COMMENT ON COLUMN %1$I.item_factors.position IS 'Number of the item within the version, from 0 in the order of keys';
COMMENT ON COLUMN %1$I.item_factors.factors IS 'Factors; the inner product with a user''s factors is the score; empty with item weights';
COMMENT ON COLUMN %1$I.item_factors.bias IS 'Explicit feedback: how far the item is rated above the mean; else 0';
COMMENT ON COLUMN %1$I.item_factors.n_events IS 'Events with the item; 0: known by its attributes only';
COMMENT ON COLUMN %1$I.item_factors.support IS 'Distinct users with a positive net weight (explicit: with a rating)';
COMMENT ON COLUMN %1$I.item_factors.popularity IS 'As support, each user decayed by the time of the newest event with the item';
COMMENT ON TABLE %1$I.item_weights IS 'Weights between items in each version that was trained by ease or item_knn, one row for each item; other versions have factors instead';
COMMENT ON COLUMN %1$I.item_weights.version IS 'Version of the model';
COMMENT ON COLUMN %1$I.item_weights.position IS 'Position in item_factors of the item that users have';
COMMENT ON COLUMN %1$I.item_weights.neighbours IS 'Positions of the items whose score it changes, ascending';
COMMENT ON COLUMN %1$I.item_weights.weights IS 'What one unit of the item adds to the score of each of these items';
COMMENT ON TABLE %1$I.user_factors IS 'Users of each version, with their factors';
COMMENT ON COLUMN %1$I.user_factors.version IS 'Version of the model';
COMMENT ON COLUMN %1$I.user_factors.user_id IS 'Key of the user';
COMMENT ON COLUMN %1$I.user_factors.factors IS 'Factors; the inner product with an item''s factors is the score';
COMMENT ON COLUMN %1$I.user_factors.bias IS 'Explicit feedback: how far the user rates above the mean; else 0';
COMMENT ON COLUMN %1$I.user_factors.n_events IS 'Events of the user; 0: known by attributes only';
COMMENT ON TABLE %1$I.user_history IS 'What each user had done when a version was trained';
COMMENT ON COLUMN %1$I.user_history.version IS 'Version of the model';
COMMENT ON COLUMN %1$I.user_history.user_id IS 'Key of the user';
COMMENT ON COLUMN %1$I.user_history.items IS 'Positions of the user''s items in item_factors, ascending';
COMMENT ON COLUMN %1$I.user_history.weights IS 'Net weight of each of these items (explicit: the rating) before weight_transform';
COMMENT ON TABLE %1$I.recommendation IS 'Recommendations for all users as rec.materialize has stored them; empty before';
COMMENT ON COLUMN %1$I.recommendation.user_id IS 'Key of the user';
COMMENT ON COLUMN %1$I.recommendation.rank IS 'Place of the item, from 1';
COMMENT ON COLUMN %1$I.recommendation.item_id IS 'Key of the item';
COMMENT ON COLUMN %1$I.recommendation.score IS 'Score of the item for the user';
COMMENT ON COLUMN %1$I.recommendation.source IS 'personalized or popular, as of recommend_many';
COMMENT ON COLUMN %1$I.recommendation.version IS 'Version of the model that the row is from';
$ddl$, model, user_type, item_type)
$$;

CREATE FUNCTION rec._model_functions(model text, user_type text, item_type text, user_argument text, item_argument text)
RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$
SELECT pg_catalog.format($ddl$
CREATE OR REPLACE VIEW %1$I.active_items AS
	SELECT f.item_id, f.factors, f.bias, f.n_events, f.support, f.popularity
	FROM %1$I.item_factors f WHERE f.version = (SELECT m.active_version FROM rec.model m JOIN pg_catalog.pg_namespace n
		ON n.nspname = m.model WHERE n.oid = %6$L::pg_catalog.regnamespace);
CREATE OR REPLACE VIEW %1$I.active_users AS
	SELECT f.user_id, f.factors, f.bias, f.n_events
	FROM %1$I.user_factors f WHERE f.version = (SELECT m.active_version FROM rec.model m JOIN pg_catalog.pg_namespace n
		ON n.nspname = m.model WHERE n.oid = %6$L::pg_catalog.regnamespace);
COMMENT ON VIEW %1$I.active_items IS 'Items of the active version, see item_factors';
COMMENT ON VIEW %1$I.active_users IS 'Users of the active version, see user_factors';

CREATE OR REPLACE FUNCTION %1$I.recommend(user_id %4$s, k int DEFAULT 10, exclude_seen boolean DEFAULT true,
	exclude_events text[] DEFAULT NULL, candidates %5$s[] DEFAULT NULL, exclude %5$s[] DEFAULT NULL,
	version int DEFAULT NULL, %7$s, buy_again real DEFAULT NULL, experiment text DEFAULT NULL,
	%10$s)
RETURNS TABLE (item_id %3$s, score real, rank int, source text)
LANGUAGE sql STABLE PARALLEL RESTRICTED COST 1000 ROWS 10
BEGIN ATOMIC
	SELECT r.item_id, r.score, r.rank, r.source
	FROM rec._recommend(%6$L::pg_catalog.regnamespace, $1, NULL::%3$s, $2, $3, $4, $5, $6, $7,
		CASE WHEN pg_catalog.num_nonnulls(%8$s, buy_again, experiment, %11$s) > 0
		THEN pg_catalog.jsonb_build_object(%9$s, 'buy_again', buy_again, 'experiment', experiment, %12$s) END) r;
END;
COMMENT ON FUNCTION %1$I.recommend IS 'The k best items for a user (k null: all), best first. exclude_seen leaves out items of the user''s events, exclude_events only those of the named event types; candidates and exclude allow and forbid items. source: personalized (stored factors), folded_in (from the events as they stand now), attributes (nothing positive is known of the user, but his attributes are), popular (nothing is). An unknown user gets popular items, whose score is their popularity. min_score: only rows with at least this score. after: a page that goes on where another ended, without repeats: a rank (after => ''20'': rows after rank 20; exact as long as nothing changes), or the last row as ''{"score": s, "item": "id"}'' (keeps its place when items before it come or go); ranks go on counting. filter: one SQL boolean expression over the model''s item relation (rec.alter_model, items), with values for its placeholders :name in filter_args (numbers become numeric, strings and null take the type of their context, booleans, arrays of numbers or of strings); run with the caller''s rights, once for a statement; an item that the relation does not have passes no filter. item_set: a named filter whose result is kept, see rec.create_item_set. boost: factors by columns of the item relation, as ''{"category": {"shoes": 1.2, "hats": 0.8}, "in_stock": 1.5}'' (a number alone: for true in a boolean column; of an array column each element counts); a factor f above zero multiplies a score s: s * f, or s / f where s is negative, so that f above 1 raises and f below 1 lowers; the factors of an item multiply, and it is read with the caller''s rights. buy_again (0 to 1): blends in what the user takes again: an item with repeat score r (of buy_again(), half-life 90 days) gets (1 - b) * s + b * S * (1 + r / R), S the largest absolute score, R the largest r; other items keep their scores, seen items may come back, and 1 means these first. experiment: the version of the user''s variant answers (rec.create_experiment, model and versions); a user outside of the experiment is answered by the active version. diversity (0 to 1): the k items are chosen one by one from the best 10 k (100 to 1000) by (1 - d) * (score, brought to 0 .. 1 over these) - d * (largest cosine of the factors with one chosen before); scores are still the items'' own, and of more than 1000 rows the others follow by score. context: values of the model''s context_columns, as ''{"device": "mobile"}''; the scores of items are multiplied (where negative: divided) by their lifts in it, see context_effect; a value that the version does not know changes nothing. Order: buy_again, boost and context, min_score, diversity. All of these combine, but diversity with after; the answer is the exact top k of what they allow. explore: lets answers vary where the model is unsure: ucb adds beta (default 1) standard deviations to each score, thompson draws each user''s factors with sigma (default 0.5) times their deviation, always alike for one seed (default 0). Errors: k negative, version unknown, no USAGE on the schema, explore not as described, min_score, after, boost, diversity or buy_again not as described, diversity with after, a column of boost that does not exist, a filter that is not one expression (syntax_error) or holds a subquery or a volatile function (feature_not_supported), a placeholder without a value, no item relation, no SELECT on the columns of the filter, unknown item set.';

CREATE OR REPLACE FUNCTION %1$I.serve(user_id %4$s, k int DEFAULT 10, placement text DEFAULT NULL,
	experiment text DEFAULT NULL, exclude_seen boolean DEFAULT true, exclude_events text[] DEFAULT NULL,
	candidates %5$s[] DEFAULT NULL, exclude %5$s[] DEFAULT NULL, version int DEFAULT NULL, %7$s, buy_again real DEFAULT NULL,
	%10$s)
RETURNS TABLE (item_id %3$s, score real, rank int, source text)
LANGUAGE sql VOLATILE PARALLEL UNSAFE COST 1000 ROWS 10
BEGIN ATOMIC
	SELECT r.item_id, r.score, r.rank, r.source
	FROM rec._serve(%6$L::pg_catalog.regnamespace, $1, NULL::%3$s, $2, $5, $6, $7, $8, $9,
		pg_catalog.jsonb_build_object(%9$s, 'buy_again', buy_again, 'experiment', experiment, 'placement', placement,
			%12$s)) r;
END;
COMMENT ON FUNCTION %1$I.serve IS 'The rows of recommend() with the same arguments, which are also kept in rec.impression, with placement, the version that answered, the user''s variant and its probability (null with explore => ''thompson'': the probability of a drawn answer is not known). Needs no right on that table.';

CREATE OR REPLACE FUNCTION %1$I.recommend_for(recent_items %5$s[] DEFAULT NULL, k int DEFAULT 10, exclude_seen boolean DEFAULT true,
	candidates %5$s[] DEFAULT NULL, exclude %5$s[] DEFAULT NULL, version int DEFAULT NULL,
	%7$s, attributes jsonb DEFAULT NULL,
	%10$s)
RETURNS TABLE (item_id %3$s, score real, rank int, source text)
LANGUAGE sql STABLE PARALLEL RESTRICTED COST 1000 ROWS 10
BEGIN ATOMIC
	SELECT r.item_id, r.score, r.rank, r.source
	FROM rec._recommend_for(%6$L::pg_catalog.regnamespace, $1, NULL::%3$s, $2, $3, $4, $5, $6,
		CASE WHEN pg_catalog.num_nonnulls(%8$s, attributes, %11$s) > 0
		THEN pg_catalog.jsonb_build_object(%9$s, 'attributes', attributes, %12$s) END) r;
END;
COMMENT ON FUNCTION %1$I.recommend_for IS 'The k best items for a basket or an anonymous visitor, given the items at hand (each counts as one event), what is known of the visitor as attributes (a JSON object with columns of the user relation, as ''{"country": "DE", "age": 30}''; columns that it lacks count as null), or both: the attributes say where the visitor begins, and each item moves him on. source: folded_in, or attributes without a known item. Unknown items are ignored; without a known one and without attributes the answer is popular items. Errors: attributes of a model without user attributes, or with a key or a value that does not fit. The other arguments and errors: as of recommend().';

CREATE OR REPLACE FUNCTION %1$I.buy_again(user_id %4$s, k int DEFAULT 10, half_life interval DEFAULT '90 days',
	version int DEFAULT NULL, filter text DEFAULT NULL, filter_args jsonb DEFAULT NULL, item_set text DEFAULT NULL)
RETURNS TABLE (item_id %3$s, score real, rank int, last_at timestamptz)
LANGUAGE sql STABLE PARALLEL RESTRICTED COST 500 ROWS 10
BEGIN ATOMIC
	SELECT r.item_id, r.score, r.rank, r.last_at
	FROM rec._buy_again(%6$L::pg_catalog.regnamespace, $1, NULL::%3$s, $2, $3, $4,
		CASE WHEN pg_catalog.num_nonnulls(filter, filter_args, item_set) > 0
		THEN pg_catalog.jsonb_build_object('filter', filter, 'filter_args', filter_args, 'item_set', item_set) END) r;
END;
COMMENT ON FUNCTION %1$I.buy_again IS 'The k items that a user is most likely to take again (k null: all), by own frequency and recency: score is the sum of the weights of the user''s events with the item, each halved per half_life before the user''s newest event (null: no decay; with explicit feedback each event counts 1); only items with a sum above zero. last_at: the newest event with the item. filter, filter_args and item_set: as in recommend(). Without live events (no index, no SELECT on them) the stored history serves: its net weights, last_at null. Unknown user: no rows. Errors: k negative, half_life not above zero, version unknown, no USAGE on the schema.';

CREATE OR REPLACE FUNCTION %1$I.recommend_users(item_id %5$s, k int DEFAULT 10, exclude_seen boolean DEFAULT true,
	version int DEFAULT NULL)
RETURNS TABLE (user_id %2$s, score real, rank int)
LANGUAGE sql STABLE PARALLEL RESTRICTED COST 100000 ROWS 10
BEGIN ATOMIC
	SELECT r.user_id, r.score, r.rank
	FROM rec._recommend_users(%6$L::pg_catalog.regnamespace, $1, NULL::%2$s, $2, $3, $4, NULL::jsonb) r;
END;
COMMENT ON FUNCTION %1$I.recommend_users IS 'The audience of an item: the k users with the highest score for it, by stored factors. exclude_seen leaves out users who had the item when the version was trained. Reads all users of the version.';

CREATE OR REPLACE FUNCTION %1$I.recommend_many(users %4$s[] DEFAULT NULL, k int DEFAULT 10,
	exclude_seen boolean DEFAULT true, candidates %5$s[] DEFAULT NULL, exclude %5$s[] DEFAULT NULL,
	version int DEFAULT NULL, min_score real DEFAULT NULL, filter text DEFAULT NULL, filter_args jsonb DEFAULT NULL,
	item_set text DEFAULT NULL, context jsonb DEFAULT NULL)
RETURNS TABLE (user_id %2$s, item_id %3$s, score real, rank int, source text)
LANGUAGE sql STABLE PARALLEL RESTRICTED COST 1000000 ROWS 10000
BEGIN ATOMIC
	SELECT r.user_id, r.item_id, r.score, r.rank, r.source
	FROM rec._recommend_many(%6$L::pg_catalog.regnamespace, $1, NULL::%2$s, $2, $3, $4, $5, $6, NULL::%3$s,
		CASE WHEN pg_catalog.num_nonnulls(min_score, filter, filter_args, item_set, context) > 0
		THEN pg_catalog.jsonb_build_object('min_score', min_score::pg_catalog.float8, 'filter', filter, 'filter_args', filter_args,
			'item_set', item_set, 'context', context) END) r;
END;
COMMENT ON FUNCTION %1$I.recommend_many IS 'The k best items for each of many users (null: all users of the version; k null: all items), what recommend() answers to users without new events: stored factors and stored history serve, events are not read. Each user is answered once, nulls are ignored, unknown users get popular items. min_score, filter, filter_args, item_set and context: as in recommend(), the filter is run once. Works in parallel under max_parallel_workers_per_gather. source: personalized or popular. Errors: k negative, version unknown, a user id that the key''s type cannot hold, no USAGE on the schema, row-level security on the events for the current role.';

CREATE OR REPLACE FUNCTION %1$I.similar_items(item %5$s, k int DEFAULT 10, min_support int DEFAULT NULL,
	version int DEFAULT NULL)
RETURNS TABLE (item_id %3$s, score real, rank int, support int)
LANGUAGE sql STABLE PARALLEL RESTRICTED COST 1000 ROWS 10
BEGIN ATOMIC
	SELECT r.item_id, r.score, r.rank, r.support
	FROM rec._similar_items(%6$L::pg_catalog.regnamespace, $1, NULL::%3$s, $2, $3, $4, NULL::jsonb) r;
END;
COMMENT ON FUNCTION %1$I.similar_items IS 'The k items most similar to an item: cosine of the factors, -1 to 1 (ease and item_knn: by the weight of the item for the others, where it is positive). Only items with at least min_support users; null: items with 5 users and more first, then the others. Unknown item: no rows.';

CREATE OR REPLACE FUNCTION %1$I.similar_users(of_user %4$s, k int DEFAULT 10, version int DEFAULT NULL)
RETURNS TABLE (user_id %2$s, score real, rank int)
LANGUAGE sql STABLE PARALLEL RESTRICTED COST 100000 ROWS 10
BEGIN ATOMIC
	SELECT r.user_id, r.score, r.rank
	FROM rec._similar_users(%6$L::pg_catalog.regnamespace, $1, NULL::%2$s, $2, $3, NULL::jsonb) r;
END;
COMMENT ON FUNCTION %1$I.similar_users IS 'The k users most similar to a user: cosine of the stored factors, -1 to 1 (ease and item_knn: of what they had). Unknown user: no rows. Reads all users of the version.';

CREATE OR REPLACE FUNCTION %1$I.predict(user_id %4$s, item_id %5$s, version int DEFAULT NULL, context jsonb DEFAULT NULL) RETURNS real
LANGUAGE sql STABLE PARALLEL RESTRICTED COST 500
RETURN rec._predict(%6$L::pg_catalog.regnamespace, $1, $2, $3,
	CASE WHEN context IS NOT NULL THEN pg_catalog.jsonb_build_object('context', context) END);
COMMENT ON FUNCTION %1$I.predict IS 'Score of one item for one user, the same number that recommend() gives, with the same context; with explicit feedback the expected rating. Null for an unknown item, and with implicit feedback for a user without positive events.';

CREATE OR REPLACE FUNCTION %1$I.explain(user_id %4$s, item %5$s, k int DEFAULT NULL, version int DEFAULT NULL,
	side text DEFAULT 'user', context jsonb DEFAULT NULL)
RETURNS TABLE (item_id %3$s, weight real, contribution float8, share float8, rank int, attribute text)
LANGUAGE sql STABLE PARALLEL RESTRICTED COST 1000 ROWS 10
BEGIN ATOMIC
	SELECT r.item_id, r.weight, r.contribution, r.share, r.rank, r.attribute
	FROM rec._explain(%6$L::pg_catalog.regnamespace, $1, NULL::%3$s, $3, $2, $4,
		CASE WHEN side OPERATOR(pg_catalog.<>) 'user' OR context IS NOT NULL
		THEN pg_catalog.jsonb_build_object('side', side, 'context', context) END) r;
END;
COMMENT ON FUNCTION %1$I.explain IS 'Why an item is recommended: the user''s past items, each with its net weight, and the user''s attributes, each with its encoded value, with the contribution to the score and the share of the score (contribution / score), largest contribution first. All contributions add up to predict(), exactly when cast to real; with explicit feedback the row without an item and an attribute is the part that depends on neither. side => ''item'': the same score by the item''s attributes; the row of the item itself is what its own events add. context: the row with the attribute context is what it adds, its weight the factor. Needs SELECT on the events. Errors: k negative, side neither user nor item, no SELECT on the events.';
$ddl$, model, user_type, item_type, user_argument, item_argument, pg_catalog.quote_ident(model),
-- the options of recommend() and recommend_for(): as arguments, as a list of names, and as what makes them a jsonb object
'min_score real DEFAULT NULL, after jsonb DEFAULT NULL, filter text DEFAULT NULL, filter_args jsonb DEFAULT NULL,
	item_set text DEFAULT NULL, boost jsonb DEFAULT NULL, diversity real DEFAULT NULL, context jsonb DEFAULT NULL',
'min_score, after, filter, filter_args, item_set, boost, diversity, context',
$o$'min_score', min_score::pg_catalog.float8, 'after', after, 'filter', filter, 'filter_args', filter_args,
			'item_set', item_set, 'boost', boost, 'diversity', diversity, 'context', context$o$,
-- and those that came later, which stand last
'explore text DEFAULT NULL, beta real DEFAULT NULL, sigma real DEFAULT NULL, seed bigint DEFAULT NULL',
'explore, beta, sigma, seed',
$o$'explore', explore, 'beta', beta::pg_catalog.float8, 'sigma', sigma::pg_catalog.float8, 'seed', seed$o$)
$$;

COMMENT ON FUNCTION rec._model_tables(text, text, text) IS 'Internal: statements that create the tables of a model';
COMMENT ON FUNCTION rec._model_functions(text, text, text, text, text) IS 'Internal: statements that create the views and functions of a model';
