-- What is about a model follows it when it is renamed and goes with it when it is dropped; likewise for monitors, metrics and
-- experiments.
--
-- Not by foreign keys: pg_restore with several jobs fills the tables of an extension in any order, so a row may be there
-- before the one that it refers to; and rec.impression would be checked for each row that is shown.

CREATE FUNCTION rec._forget_model(model text) RETURNS void
LANGUAGE sql VOLATILE STRICT PARALLEL UNSAFE
BEGIN ATOMIC
	DELETE FROM rec.training_run t WHERE t.model = $1;
	DELETE FROM rec.materialization t WHERE t.model = $1;
	DELETE FROM rec.item_set t WHERE t.model = $1;
	DELETE FROM rec.trial t WHERE t.model = $1;
	DELETE FROM rec.monitor t WHERE t.model = $1;
	DELETE FROM rec.schedule t WHERE t.model = $1;
	DELETE FROM rec.job_run t WHERE t.model = $1;
	DELETE FROM rec.impression t WHERE t.model = $1;
	UPDATE rec.experiment t SET model = NULL WHERE t.model = $1;
END;

CREATE FUNCTION rec._follow_model() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF TG_OP = 'DELETE' THEN
		PERFORM rec._forget_model(OLD.model);
	ELSIF NEW.model <> OLD.model THEN
		-- rows that have lost their model are nobody's, and must not be in the way of a rename
		PERFORM rec._forget_model(NEW.model);
		UPDATE rec.training_run t SET model = NEW.model WHERE t.model = OLD.model;
		UPDATE rec.materialization t SET model = NEW.model WHERE t.model = OLD.model;
		UPDATE rec.item_set t SET model = NEW.model WHERE t.model = OLD.model;
		UPDATE rec.trial t SET model = NEW.model WHERE t.model = OLD.model;
		UPDATE rec.monitor t SET model = NEW.model WHERE t.model = OLD.model;
		UPDATE rec.drift_result t SET model = NEW.model WHERE t.model = OLD.model;
		UPDATE rec.schedule t SET model = NEW.model WHERE t.model = OLD.model;
		UPDATE rec.job_run t SET model = NEW.model WHERE t.model = OLD.model;
		UPDATE rec.impression t SET model = NEW.model WHERE t.model = OLD.model;
		UPDATE rec.experiment t SET model = NEW.model WHERE t.model = OLD.model;
	END IF;
	RETURN NULL;
END $$;

CREATE FUNCTION rec._follow_monitor() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	DELETE FROM rec.drift_baseline t WHERE t.monitor = OLD.monitor;
	DELETE FROM rec.drift_period t WHERE t.monitor = OLD.monitor;
	DELETE FROM rec.drift_result t WHERE t.monitor = OLD.monitor;
	RETURN NULL;
END $$;

CREATE FUNCTION rec._follow_experiment() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	DELETE FROM rec.exposure t WHERE t.experiment_id = OLD.id;
	DELETE FROM rec.experiment_day t WHERE t.experiment_id = OLD.id;
	DELETE FROM rec.experiment_kept t WHERE t.experiment_id = OLD.id;
	DELETE FROM rec.experiment_unit t WHERE t.experiment_id = OLD.id;
	DELETE FROM rec.experiment_value t WHERE t.experiment_id = OLD.id;
	RETURN NULL;
END $$;

CREATE FUNCTION rec._follow_metric() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	DELETE FROM rec.experiment_day t WHERE t.metric = OLD.metric;
	DELETE FROM rec.experiment_kept t WHERE t.metric = OLD.metric;
	DELETE FROM rec.experiment_value t WHERE t.metric = OLD.metric;
	RETURN NULL;
END $$;

CREATE TRIGGER follow AFTER DELETE OR UPDATE OF model ON rec.model FOR EACH ROW EXECUTE FUNCTION rec._follow_model();
CREATE TRIGGER follow AFTER DELETE ON rec.monitor FOR EACH ROW EXECUTE FUNCTION rec._follow_monitor();
CREATE TRIGGER follow AFTER DELETE ON rec.experiment FOR EACH ROW EXECUTE FUNCTION rec._follow_experiment();
CREATE TRIGGER follow AFTER DELETE ON rec.metric FOR EACH ROW EXECUTE FUNCTION rec._follow_metric();

COMMENT ON FUNCTION rec._forget_model(text) IS 'Internal: removes all rows about a model but its own';
COMMENT ON FUNCTION rec._follow_model() IS 'Internal: what is about a model follows it when it is renamed, and goes with it';
COMMENT ON FUNCTION rec._follow_monitor() IS 'Internal: what a monitor has found goes with it';
COMMENT ON FUNCTION rec._follow_experiment() IS 'Internal: exposures and kept results of an experiment go with it';
COMMENT ON FUNCTION rec._follow_metric() IS 'Internal: kept results of a metric go with it';
