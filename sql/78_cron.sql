-- Cron expressions, as pg_cron reads them: five fields of numbers, ranges, steps, lists and names.

CREATE FUNCTION rec._cron_field(field text, low int, high int, names text[]) RETURNS int[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	part text;
	bounds text[];
	result int[] := '{}';
	first int;
	last int;
	step int;
BEGIN
	FOREACH part IN ARRAY string_to_array(coalesce(lower(field), ''), ',') LOOP
		FOR i IN 1 .. coalesce(cardinality(names), 0) LOOP
			part := regexp_replace(part, '\m' || names[i] || '\M', (low + i - 1)::text, 'g');
		END LOOP;
		bounds := regexp_match(part, '^(?:(\*)|(\d{1,4})(?:-(\d{1,4}))?)(?:/(\d{1,4}))?$');
		IF bounds IS NULL THEN
			RETURN NULL;
		END IF;
		step := coalesce(bounds[4]::int, 1);
		first := coalesce(bounds[2]::int, low);
		last := CASE WHEN bounds[1] IS NOT NULL THEN high
			ELSE coalesce(bounds[3]::int, CASE WHEN bounds[4] IS NULL THEN first ELSE high END) END;
		IF step < 1 OR first < low OR last > high OR first > last THEN
			RETURN NULL;
		END IF;
		result := result || ARRAY(SELECT generate_series(first, last, step));
	END LOOP;
	RETURN nullif(ARRAY(SELECT DISTINCT v FROM unnest(result) v ORDER BY v), '{}');
END $$;

-- The five fields as arrays of numbers; days of the week 0 (Sunday) to 6.
CREATE FUNCTION rec._cron_parse(expression text, OUT minutes int[], OUT hours int[], OUT days int[], OUT months int[],
	OUT weekdays int[], OUT any_day boolean, OUT any_weekday boolean)
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	plain text := CASE lower(btrim(expression))
		WHEN '@yearly' THEN '0 0 1 1 *' WHEN '@annually' THEN '0 0 1 1 *' WHEN '@monthly' THEN '0 0 1 * *'
		WHEN '@weekly' THEN '0 0 * * 0' WHEN '@daily' THEN '0 0 * * *' WHEN '@midnight' THEN '0 0 * * *'
		WHEN '@hourly' THEN '0 * * * *' ELSE btrim(expression) END;
	field text[] := regexp_split_to_array(plain, '\s+');
BEGIN
	minutes := rec._cron_field(field[1], 0, 59, NULL);
	hours := rec._cron_field(field[2], 0, 23, NULL);
	days := rec._cron_field(field[3], 1, 31, NULL);
	months := rec._cron_field(field[4], 1, 12, '{jan,feb,mar,apr,may,jun,jul,aug,sep,oct,nov,dec}');
	weekdays := ARRAY(SELECT DISTINCT v % 7 FROM unnest(rec._cron_field(field[5], 0, 7, '{sun,mon,tue,wed,thu,fri,sat}')) v
		ORDER BY 1);
	any_day := field[3] LIKE '*%';
	any_weekday := field[5] LIKE '*%';
	IF cardinality(field) <> 5 OR minutes IS NULL OR hours IS NULL OR days IS NULL OR months IS NULL
		OR cardinality(weekdays) = 0 THEN
		RAISE EXCEPTION 'invalid cron expression "%"', expression USING ERRCODE = 'invalid_parameter_value',
			DETAIL = 'It has five fields: minute (0 to 59), hour (0 to 23), day of month (1 to 31), month (1 to 12), day of week (0 to 7, 0 and 7 are Sunday).',
			HINT = '"0 3 * * *" is every night at three, "*/15 * * * *" every quarter of an hour, "30 4 * * mon" Mondays at half past four.';
	END IF;
END $$;

CREATE FUNCTION rec._next_run(expression text, after timestamptz, time_zone text) RETURNS timestamptz
LANGUAGE sql STABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
	WITH c AS MATERIALIZED (SELECT * FROM rec._cron_parse(expression)),
	d AS (SELECT day::pg_catalog.date AS day FROM c, pg_catalog.generate_series(
			pg_catalog.date_trunc('day', after AT TIME ZONE time_zone), pg_catalog.date_trunc('day', after AT TIME ZONE time_zone) + '8 years 1 month', '1 day') day
		WHERE pg_catalog.date_part('month', day) = ANY (c.months)
			AND CASE WHEN c.any_day OR c.any_weekday
				THEN pg_catalog.date_part('day', day) = ANY (c.days) AND pg_catalog.date_part('dow', day) = ANY (c.weekdays)
				ELSE pg_catalog.date_part('day', day) = ANY (c.days) OR pg_catalog.date_part('dow', day) = ANY (c.weekdays) END
		ORDER BY day LIMIT 3)
	SELECT pg_catalog.min(t) FROM c, d, LATERAL pg_catalog.unnest(c.hours) h, LATERAL pg_catalog.unnest(c.minutes) m,
		LATERAL (SELECT (d.day + pg_catalog.make_time(h, m, 0)) AT TIME ZONE time_zone AS t) at
	WHERE t > after;
END;

COMMENT ON FUNCTION rec._cron_field IS 'Internal: the numbers that one field of a cron expression stands for; null when it is not one';
COMMENT ON FUNCTION rec._cron_parse IS 'Internal: a cron expression as arrays of numbers; an error when it is not one';
COMMENT ON FUNCTION rec._next_run IS 'Internal: the first time after another one that a cron expression names, in a time zone; null: none within eight years';
