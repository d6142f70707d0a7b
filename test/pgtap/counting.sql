-- Rows that cannot be used are counted by reason and reported; what makes bad models is warned about.
SET client_min_messages = warning;
SELECT no_plan();
CREATE TABLE e (user_id int, item_id text, event text, value float8, at timestamptz);
INSERT INTO e SELECT u, 'i' || (u + k) % 12, 'view', 1, timestamptz '2024-01-01' + u * interval '1 hour' + k * interval '1 min'
FROM generate_series(1, 40) u, generate_series(1, 4) k;

SELECT rec.create_model('clean', 'e', params => '{"factors": 3, "epochs": 2, "holdout": 0}');
SELECT is(skipped, 0::bigint, 'nothing to skip') FROM rec.train('clean');
SELECT is(warnings, '{}', 'nothing to warn about') FROM rec.training_run WHERE model = 'clean';

INSERT INTO e VALUES (NULL, 'i1', 'view', 1, '2024-01-01'), (1, NULL, 'view', 1, '2024-01-01'), (NULL, NULL, NULL, NULL, NULL),
	(2, 'i1', 'view', NULL, '2024-01-01'), (2, 'i2', 'view', 'NaN', '2024-01-01'), (3, 'i3', 'view', 'Infinity', '2024-01-01'),
	(3, 'i4', 'view', '-Infinity', '2024-01-01'), (4, 'i5', 'view', 1e300, '2024-01-01'),
	(4, 'i6', 'view', 1, NULL), (4, 'i7', 'view', 1, 'infinity'), (4, 'i8', 'view', 1, '-infinity'),
	(5, 'i1', 'click', 1, '2024-01-01'), (5, 'i1', 'Click "x"', 1, '2024-01-01'), (5, 'i1', NULL, 1, '2024-01-01'),
	(5, 'i1', 'click', 1, '2024-01-01');
SELECT rec.create_model('dirty', 'e', value_column => 'value', event_column => 'event', event_weights => '{"view": 1}',
	time_column => 'at', params => '{"factors": 3, "epochs": 2, "holdout": 0}');
SELECT results_eq($$SELECT skipped, events FROM rec.train('dirty')$$, $$VALUES (15::bigint, 160::bigint)$$, 'train says how many were skipped');
SELECT results_eq($$SELECT rows_read, events, null_keys, bad_values, unweighted FROM rec.training_run WHERE model = 'dirty'$$,
	$$VALUES (175::bigint, 160::bigint, 3::bigint, 8::bigint, 4::bigint)$$, 'and the row of the training why');
SELECT is(warnings[1:2], ARRAY['3 events have no user or no item, and were not used',
	'8 events have a value or time that is null, NaN or infinite, and were not used'], 'warnings for null keys and bad values')
FROM rec.training_run WHERE model = 'dirty';
SELECT ok(warnings[3] LIKE '4 events have no type or a type without a weight, and were not used: %"click"%', 'warning for types without a weight')
FROM rec.training_run WHERE model = 'dirty';
SELECT results_eq('SELECT item_id, factors FROM dirty.active_items ORDER BY 1', 'SELECT item_id, factors FROM clean.active_items ORDER BY 1',
	'the model is as if the bad rows did not exist');

-- without a value column nothing is looked at but keys
SELECT is(skipped, 3::bigint, 'null keys only') FROM rec.train('clean');
-- a numeric column may hold NaN
CREATE TABLE n (user_id int, item_id int, value numeric);
INSERT INTO n SELECT u, i, 1 FROM generate_series(1, 9) u, generate_series(1, 5) i WHERE (u + i) % 2 = 0;
INSERT INTO n VALUES (1, 2, 'NaN');
SELECT rec.create_model('numbers', 'n', value_column => 'value', params => '{"factors": 3, "epochs": 2, "holdout": 0}');
SELECT rec.train('numbers');
SELECT is(bad_values, 1::bigint, 'numeric NaN') FROM rec.training_run WHERE model = 'numbers';
SELECT ok((SELECT bool_and(f BETWEEN -10 AND 10) FROM numbers.active_items, unnest(factors) f), 'which reaches no factor');

-- what makes bad models
CREATE TABLE w (user_id int, item_id int, value real, at timestamptz);
INSERT INTO w SELECT 1, i, 1, '2024-01-01' FROM generate_series(1, 50) i;
INSERT INTO w SELECT u, u, 1, '2024-01-02' FROM generate_series(2, 11) u;
INSERT INTO w SELECT 20, 1, 1, '2024-01-03' FROM generate_series(1, 3);
SELECT rec.create_model('bad', 'w', value_column => 'value', time_column => 'at', params => '{"factors": 3, "epochs": 2, "holdout": 0}');
SELECT rec.train('bad');
SELECT set_eq($$SELECT unnest(warnings) FROM rec.training_run WHERE model = 'bad'$$, $$VALUES
	('10 of 12 users have a single event'), ('39 of 50 items have a single event'),
	('one user has 79 % of all events; is it a robot or a placeholder?'),
	('2 events repeat another one exactly: same user, item, value and time')$$,
	'single events, one user with most of them, exact duplicates');

-- The same things arrive as notices.
\setenv MODEL bad
\set notices `psql -X -At -c "SELECT version FROM rec.train('$MODEL')" 2>&1 | grep -c -E '^NOTICE:  (10 of 12 users|39 of 50 items|one user has 79|2 events repeat)'`
SELECT is(:'notices'::text, '4', 'a notice for each warning');
\setenv MODEL dirty
\set notices `psql -X -At -c "SELECT version FROM rec.train('$MODEL')" 2>&1 | grep -E '^NOTICE' | sed -e 's/[0-9.]* s, at most [0-9]* s/S s, at most S s/' -e 's/loss [0-9.e+]*/loss L/'`
SELECT is(regexp_split_to_array(:'notices'::text, E'\n'), ARRAY['NOTICE:  3 events have no user or no item, and were not used',
	'NOTICE:  8 events have a value or time that is null, NaN or infinite, and were not used',
	'NOTICE:  ' || (SELECT warnings[3] FROM rec.training_run WHERE model = 'dirty' AND version = 2),
	'NOTICE:  epoch 1 of 2: loss L, S s, at most S s left', 'NOTICE:  epoch 2 of 2: loss L, S s, at most S s left'],
	'notices of what was skipped, and one per epoch');
\set notices `psql -X -At -c "SELECT version FROM rec.train('clean', '{\"holdout\": 0.2, \"epochs\": 1, \"patience\": 0}')" 2>&1 | grep -c -E '^NOTICE:  epoch 1 of 1: loss [0-9.]+, holdout ndcg@10 0\.[0-9]{4} \(popular items 0\.[0-9]{4}\), [0-9.]+ s, at most 0 s left'`
SELECT is(:'notices'::text, '1', 'with a holdout the notice has its metric beside popular items');
SELECT * FROM finish();
