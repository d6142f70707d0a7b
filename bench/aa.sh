#!/bin/sh
# A/A experiments from end to end: how often rec.experiment_result() finds a difference where there is none.
#
#     sh bench/aa.sh
#     AA=10000 sh bench/aa.sh         (ten minutes; see also common.sh)
#
# AA experiments over the same 1,000 units with the same rows, each with the variants of its own seed as rec.variant() gives
# them, so that assignment, exposures, metrics and decisions are all in it: a mean, a proportion, a ratio, a mean with CUPED
# and a median. Counted: p below 0.05 of each metric, any adjusted p, any always valid p, alarms of the split, decisions.
# The work is split over the processors. Looks over time are simulated by bench/simulate.sh, without a server.
PROJECT=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
AA=${AA:-2500}
. "$PROJECT/bench/common.sh"

bench_begin
sql "CREATE TABLE units AS SELECT u FROM generate_series(1, 1000) u" \
    "CREATE VIEW shown AS SELECT u AS unit_id, rec.variant(current_setting('bench.experiment'), u) AS variant, now() - interval '3 days' AS exposed_at FROM units" \
    "SELECT setseed(0.4)" \
    "CREATE TABLE orders AS WITH draw AS MATERIALIZED (SELECT u, exp(random() + random()) AS level, random() AS buys FROM units), pre AS (SELECT d.*, d.level * (0.5 + random()) AS before FROM draw d)
        SELECT u AS user_id, x.v, x.items, x.at FROM pre, LATERAL (VALUES (before, 1, now() - interval '5 days'), (before * (0.5 + random()), 1 + (random() * 4)::int, now() - interval '2 days'),
        (CASE WHEN buys < 0.3 THEN level * random() END, 1, now() - interval '1 day')) x(v, items, at) WHERE x.v IS NOT NULL" ANALYZE \
    "SELECT rec.create_metric('mean', 'orders', value => 'v', time_column => 'at'), rec.create_metric('share', 'orders', value => 'v > 6', time_column => 'at', kind => 'proportion'),
        rec.create_metric('ratio', 'orders', value => 'v', denominator => 'items', time_column => 'at', kind => 'ratio'), rec.create_metric('cuped', 'orders', value => 'v', time_column => 'at', pre_period => '4 days'),
        rec.create_metric('median', 'orders', value => 'v', time_column => 'at', kind => 'quantile')" \
    "CREATE TABLE found (i int, metric text, p float8, p_adjusted float8, p_safe float8, srm_p float8, decision text, stopped boolean)" >/dev/null
part=0
while [ "$part" -lt "$CPUS" ]; do
    sql_script >/dev/null <<SQL &
SET jit = off;
DO \$\$
BEGIN
    FOR i IN $part + 1 .. $AA BY $CPUS LOOP
        PERFORM rec.create_experiment('aa' || i, exposures => 'shown', metrics => '{mean,share,ratio,cuped,median}');
        PERFORM set_config('bench.experiment', 'aa' || i, false);
        INSERT INTO found SELECT i, r.metric, r.p, r.p_adjusted, r.p_safe, r.srm_p, r.decision, false FROM rec.experiment_result('aa' || i) r WHERE r.metric IS NULL OR r.variant = 'treatment';
        PERFORM rec.drop_experiment('aa' || i);
        IF i % 50 < $CPUS THEN COMMIT; END IF;
    END LOOP;
END \$\$;
SQL
    part=$((part + 1))
done
wait
printf '%s A/A experiments of 1,000 units; standard error of a share of 5 %%: %s %%\n\n' "$AA" "$(awk -v n="$AA" 'BEGIN { printf "%.2f", 100 * sqrt(.05 * .95 / n) }')"
sql "SELECT format('%-46s %6s %%', what, round(100 * share, 2)) FROM (
        SELECT 0 AS o, 'p < 0.05: ' || metric AS what, avg((p < 0.05)::int) AS share FROM found WHERE metric IS NOT NULL GROUP BY metric
        UNION ALL SELECT 1, 'any adjusted p < 0.05', avg(x) FROM (SELECT max((p_adjusted < 0.05)::int) AS x FROM found GROUP BY i) a
        UNION ALL SELECT 2, 'any always valid p < 0.05', avg(x) FROM (SELECT max((p_safe < 0.05)::int) AS x FROM found GROUP BY i) a
        UNION ALL SELECT 3, 'split: p < 0.05', avg((srm_p < 0.05)::int) FROM found WHERE metric IS NULL
        UNION ALL SELECT 4, 'decision: ' || decision, count(*)::numeric / $AA FROM found WHERE metric IS NULL GROUP BY decision) s ORDER BY o, what"
