-- Transition, combine, serial and final functions of the aggregates above: they need no more than to be told apart from what
-- is to be called.
DO $$
DECLARE
	f regprocedure;
BEGIN
	FOR f IN SELECT p.oid FROM pg_catalog.pg_proc p WHERE p.pronamespace = 'rec'::pg_catalog.regnamespace AND p.proname LIKE '\_%'
		AND pg_catalog.obj_description(p.oid, 'pg_proc') IS NULL
	LOOP
		EXECUTE pg_catalog.format('COMMENT ON FUNCTION %s IS ''Internal: behind the aggregates of statistics''', f);
	END LOOP;
END $$;
