-- Impressions: what was shown to whom; and the partitions of impressions and exposures.

-- No index on the parent: each partition has its own, because a dump would create the parent's twice.
CREATE TABLE rec.impression (
	model          text NOT NULL,
	version        int NOT NULL,
	user_id        text,
	item_id        text NOT NULL,
	rank           int NOT NULL,
	placement      text,
	source         text,
	experiment_id  int,
	variant        text,
	propensity     float8,
	shown_at       timestamptz NOT NULL,
	score          real
) PARTITION BY RANGE (shown_at);
CREATE TABLE rec.impression_default PARTITION OF rec.impression DEFAULT;
CREATE INDEX ON rec.impression_default (model, shown_at);

COMMENT ON TABLE rec.impression IS 'Items that were shown, written by <model>.serve() and rec.serve(). Partitioned by month, see rec.maintain_partitions. Shows the impressions of models that the current role owns.';
COMMENT ON COLUMN rec.impression.model IS 'Name of the model';
COMMENT ON COLUMN rec.impression.version IS 'Version of the model that answered';
COMMENT ON COLUMN rec.impression.user_id IS 'Key of the user as text; null: no user was given, or a value that is no key of the model';
COMMENT ON COLUMN rec.impression.item_id IS 'Key of the item as text';
COMMENT ON COLUMN rec.impression.rank IS 'Place of the item in the answer, from 1';
COMMENT ON COLUMN rec.impression.placement IS 'Where it was shown, as the caller said';
COMMENT ON COLUMN rec.impression.source IS 'Where the row came from, as recommend() says: personalized, folded_in, popular, ...';
COMMENT ON COLUMN rec.impression.experiment_id IS 'rec.experiment.id; null: without an experiment, or the user was not in it';
COMMENT ON COLUMN rec.impression.variant IS 'Variant of the user in the experiment';
COMMENT ON COLUMN rec.impression.propensity IS 'Probability with which the user got this answer, 0 to 1: the share of the variant among the experiment''s units (all variants that serve the same version together); 1 without an experiment, for recommend() is deterministic, with explore => ''ucb'' too; null with explore => ''thompson'': answers are drawn, and the probability of one is not computed';
COMMENT ON COLUMN rec.impression.shown_at IS 'When: start of the transaction';
COMMENT ON COLUMN rec.impression.score IS 'Score of the item, as recommend() says; the distribution of those with rank 1 is watched for drift';
COMMENT ON TABLE rec.impression_default IS 'Impressions of months without a partition of their own, see rec.maintain_partitions';
COMMENT ON COLUMN rec.impression_default.model IS 'As of rec.impression';
COMMENT ON COLUMN rec.impression_default.version IS 'As of rec.impression';
COMMENT ON COLUMN rec.impression_default.user_id IS 'As of rec.impression';
COMMENT ON COLUMN rec.impression_default.item_id IS 'As of rec.impression';
COMMENT ON COLUMN rec.impression_default.rank IS 'As of rec.impression';
COMMENT ON COLUMN rec.impression_default.placement IS 'As of rec.impression';
COMMENT ON COLUMN rec.impression_default.source IS 'As of rec.impression';
COMMENT ON COLUMN rec.impression_default.experiment_id IS 'As of rec.impression';
COMMENT ON COLUMN rec.impression_default.variant IS 'As of rec.impression';
COMMENT ON COLUMN rec.impression_default.propensity IS 'As of rec.impression';
COMMENT ON COLUMN rec.impression_default.shown_at IS 'As of rec.impression';
COMMENT ON COLUMN rec.impression_default.score IS 'As of rec.impression';

CREATE FUNCTION rec._owns_model(model text) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
RETURN coalesce((SELECT pg_catalog.pg_has_role(n.nspowner, 'USAGE') FROM pg_catalog.pg_namespace n WHERE n.nspname = model::pg_catalog.name), false);
COMMENT ON FUNCTION rec._owns_model(text) IS 'Internal: whether the current role is or is a member of the owner of a model';

GRANT SELECT ON rec.impression TO PUBLIC;
ALTER TABLE rec.impression ENABLE ROW LEVEL SECURITY;
ALTER TABLE rec.impression_default ENABLE ROW LEVEL SECURITY;
CREATE POLICY owned ON rec.impression FOR SELECT
	USING (model IN (SELECT m.model FROM rec.model m WHERE rec._owns_model(m.model)));
COMMENT ON POLICY owned ON rec.impression IS 'A role sees the impressions of its own models';
SELECT pg_catalog.pg_extension_config_dump('rec.impression_default', '');

-- Partitions: rows of a month go from the default partition into one of its own. Nothing here runs code of others.
CREATE FUNCTION rec._add_partition(parent text, time_column text, month date, indexes text[]) RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	part text := parent || to_char(month, '_YYYYMM');
	-- months are those of UTC on every server
	low timestamptz := month::timestamp AT TIME ZONE 'UTC';
	high timestamptz := (month + interval '1 month') AT TIME ZONE 'UTC';
	columns text;
BEGIN
	IF to_regclass(format('rec.%I', part)) IS NOT NULL THEN
		RETURN false;
	END IF;
	EXECUTE format('CREATE TABLE rec.%I (LIKE rec.%I INCLUDING COMMENTS)', part, parent);
	EXECUTE format('ALTER TABLE rec.%I ENABLE ROW LEVEL SECURITY', part);
	-- held to the end, so that no row comes into the default partition meanwhile
	EXECUTE format('LOCK TABLE rec.%I IN SHARE ROW EXCLUSIVE MODE', parent || '_default');
	EXECUTE format('WITH moved AS (DELETE FROM rec.%1$I WHERE %2$I >= %3$L AND %2$I < %4$L RETURNING *) INSERT INTO rec.%5$I SELECT * FROM moved',
		parent || '_default', time_column, low, high, part);
	FOREACH columns IN ARRAY indexes LOOP
		EXECUTE format('CREATE INDEX ON rec.%I (%s)', part, columns);
	END LOOP;
	EXECUTE format('ALTER TABLE rec.%I ATTACH PARTITION rec.%I FOR VALUES FROM (%L) TO (%L)', parent, part, low, high);
	EXECUTE format('COMMENT ON TABLE rec.%I IS %L', part, format('Partition of rec.%s, see rec.maintain_partitions', parent));
	RETURN true;
END $$;
COMMENT ON FUNCTION rec._add_partition(text, text, date, text[]) IS 'Internal: makes the partition of a month; false when there is one';

CREATE FUNCTION rec.maintain_partitions(keep_exposures interval DEFAULT NULL, keep_impressions interval DEFAULT NULL,
	months_ahead int DEFAULT 2)
RETURNS TABLE (parent text, created int, dropped int, deleted bigint)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE ROWS 2 COST 100000
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	keep interval;
	time_column text;
	indexes text[];
	month date;
	part record;
BEGIN
	IF months_ahead IS NULL OR months_ahead NOT BETWEEN 0 AND 120 THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = 'months_ahead must be from 0 to 120';
	END IF;
	FOR parent, time_column, keep, indexes IN VALUES
		('exposure', 'exposed_at', keep_exposures, ARRAY['experiment_id, unit_id', 'experiment_id, exposed_at']),
		('impression', 'shown_at', keep_impressions, ARRAY['model, shown_at'])
	LOOP
		IF NOT (SELECT pg_has_role(c.relowner, 'USAGE') FROM pg_class c WHERE c.oid = format('rec.%I', parent)::regclass) THEN
			RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
				MESSAGE = format('must be owner of rec.%s to maintain its partitions', parent),
				HINT = 'The role that created the extension runs it, for example by pg_cron once a month.';
		END IF;
		IF keep <= interval '0' THEN
			RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = 'what is kept must be an interval above zero';
		END IF;
		created := 0;
		dropped := 0;
		deleted := 0;
		IF keep IS NOT NULL THEN
			-- whole months go with their partition
			FOR part IN SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
				WHERE i.inhparent = format('rec.%I', parent)::regclass AND c.relname ~ ('^' || parent || '_[0-9]{6}$')
				AND (to_date(right(c.relname, 6), 'YYYYMM') + interval '1 month') AT TIME ZONE 'UTC' <= now() - keep
			LOOP
				EXECUTE format('DROP TABLE rec.%I', part.relname);
				dropped := dropped + 1;
			END LOOP;
			EXECUTE format('DELETE FROM rec.%I WHERE %I < %L', parent, time_column, now() - keep);
			GET DIAGNOSTICS deleted = ROW_COUNT;
		END IF;
		-- months without rows get none, and a stray time long ago gets no partition
		FOR month IN EXECUTE format('SELECT DISTINCT date_trunc(''month'', %I AT TIME ZONE ''UTC'')::date FROM rec.%I '
			'WHERE %1$I BETWEEN now() - interval ''10 years'' AND now() UNION SELECT (date_trunc(''month'', now() AT TIME ZONE ''UTC'') '
			'+ make_interval(months => m))::date FROM generate_series(0, $1) m', time_column, parent || '_default') USING months_ahead
		LOOP
			IF rec._add_partition(parent, time_column, month, indexes) THEN
				created := created + 1;
			END IF;
		END LOOP;
		RETURN NEXT;
	END LOOP;
END $$;
COMMENT ON FUNCTION rec.maintain_partitions IS 'Makes a partition of rec.exposure and of rec.impression for each month that has rows without one (of the last ten years) and for the months up to months_ahead from now, and moves the rows there from the default partitions; removes what is older than keep_exposures and keep_impressions (null: keeps all), whole months by dropping their partition. Without it everything works, in the default partitions. Run it by cron once a month: logging waits for it while rows are moved. Returns per table the partitions created and dropped, and the rows deleted. Only for the owner of the extension.';
