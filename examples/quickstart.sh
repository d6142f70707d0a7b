#!/bin/sh
# From nothing to recommendations: installs what is missing, builds and installs
# the extension, makes a private PostgreSQL cluster in .cluster, fills it with an
# example shop, trains a model and asks it.  Run it again at will.
#
#     sh examples/quickstart.sh             all of it
#     sh examples/quickstart.sh --stop      stops the private cluster
#     sh examples/quickstart.sh --remove    stops and removes it
set -eu
PROJECT=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
. "$PROJECT/examples/setup.sh"

case "${1:-}" in
    '') ;;
    --stop | --remove)
        locate_cluster
        if [ -d "$CLUSTER/data" ]; then
            find_postgres
            [ -n "$PGBIN" ] || die "PostgreSQL is not installed any more"
            stop_cluster
            echo "Stopped."
        fi
        if [ "$1" = --remove ]; then
            rm -rf "$CLUSTER" "$LINK"
            echo "Removed $CLUSTER."
            echo "The extension stays installed; \"make uninstall\" takes it out of PostgreSQL."
        fi
        exit 0
        ;;
    -h | --help)
        sed -n '2,8s/^# \{0,1\}//p' "$0"
        exit 0
        ;;
    *) die "unknown option $1 (there are --stop and --remove)" ;;
esac

# ------------------------------------------------------------------ set-up

set_up_example
printf 'pg_recommend %s on %s\n' "$VERSION" "$("$PGBIN/postgres" --version | sed 's/^postgres (\(.*\)) \([^ ]*\).*/\1 \2/')"
printf '   installed in   %s\n                  %s\n' "$LIBDIR" "$EXTDIR"
printf '   cluster        %s (its own socket, no network port)\n' "$CLUSTER"

heading '1. An example shop: customers, products and events'
# Made once for a given generator.
made_from=$(cksum <"$PROJECT/examples/shop.sql")
if [ "$(in_db shop -At -c "SELECT obj_description(to_regclass('web.events')) LIKE '%[$made_from]'")" != t ]; then
    start=$(seconds_now)
    in_db shop <"$PROJECT/examples/shop.sql" >>"$LOG" 2>&1 || die_with_log "the shop cannot be made"
    in_db shop -c "COMMENT ON TABLE web.events IS 'What customers did: view, cart, purchase, return [$made_from]'"
    printf '   made in %s\n' "$(seconds_since "$start")"
fi
show <<'SQL'
SELECT event, count(*) AS events, count(DISTINCT customer_id) AS customers, count(DISTINCT sku) AS products,
       min(created_at)::date AS first, max(created_at)::date AS last
FROM web.events GROUP BY event ORDER BY 2 DESC;
SQL

# ---------------------------------------------------------------- training

heading '2. A model of it, trained'
cat <<'SQL'
   SELECT rec.create_model('shop', events => 'web.events',
                           user_column => 'customer_id', item_column => 'sku',
                           event_column => 'event',
                           event_weights => '{"view": 1, "cart": 3, "purchase": 5, "return": -10}',
                           time_column => 'created_at');
   SELECT * FROM rec.train('shop');

SQL
show <<'SQL'
SELECT NOT EXISTS (SELECT FROM rec.model WHERE model = 'shop') AS is_new \gset
\if :is_new
  SELECT rec.create_model('shop', events => 'web.events',
                          user_column => 'customer_id', item_column => 'sku',
                          event_column => 'event',
                          event_weights => '{"view": 1, "cart": 3, "purchase": 5, "return": -10}',
                          time_column => 'created_at') AS model \gset
\endif
SELECT * FROM rec.train('shop') \gset t_
\echo ~
SELECT :t_version AS version, :t_users AS users, :t_items AS items, :t_events AS events,
       :t_epochs AS epochs, round(:t_seconds::numeric, 2) AS seconds;
\echo ~
\echo 'How good is it?  It had to guess products that it was not shown:'
\echo ~
SELECT guess AS "who guesses", round(ndcg::numeric, 3) AS "ndcg@10", round(recall::numeric, 3) AS "recall@10"
FROM (VALUES ('this model', :t_ndcg, :t_recall),
             ('the most popular products', :t_popular_ndcg, :t_popular_recall)) AS q(guess, ndcg, recall);
SQL

# ------------------------------------------------------------------ asking

heading '3. Recommendations for three customers, beside what they bought last'
show <<'SQL'
PREPARE ask(bigint) AS
WITH bought AS (
    SELECT p.name, row_number() OVER (ORDER BY max(e.created_at) DESC, p.name) AS n
    FROM web.events e JOIN web.products p USING (sku)
    WHERE e.customer_id = $1 AND e.event = 'purchase' GROUP BY p.name)
SELECT coalesce(b.name, '') AS "bought", r.rank, p.name AS "recommended", round(r.score::numeric, 2) AS score, r.source
FROM shop.recommend($1, 6) r JOIN web.products p ON p.sku = r.item_id LEFT JOIN bought b ON b.n = r.rank
ORDER BY r.rank;
\timing on
\echo 'SELECT * FROM shop.recommend(16, 6);'
EXECUTE ask(16);
\echo ~
\echo 'SELECT * FROM shop.recommend(19, 6);'
EXECUTE ask(19);
\echo ~
\echo 'SELECT * FROM shop.recommend(50, 6);'
EXECUTE ask(50);
SQL

heading '4. A new customer: popular products first, then what fits, without training again'
show <<'SQL'
\echo 'SELECT * FROM shop.recommend(75, 4);         -- has done nothing yet'
SELECT r.rank, p.name AS "recommended", p.category, r.source
FROM shop.recommend(75, 4) r JOIN web.products p ON p.sku = r.item_id ORDER BY r.rank;
-- Taken back at the end, so that the customer is new at the next run too.
BEGIN;
\echo ~
\echo 'INSERT INTO web.events ...                   -- looks at a yoga mat and a yoga strap'
INSERT INTO web.events (event_id, customer_id, sku, event, created_at, device, quantity)
VALUES (-1, 75, 'YOG-201', 'view', '2025-03-31 23:00+00', 'mobile', 1),
       (-2, 75, 'YOG-303', 'view', '2025-03-31 23:01+00', 'mobile', 1);
\echo 'SELECT * FROM shop.recommend(75, 4);'
SELECT r.rank, p.name AS "recommended", p.category, r.source
FROM shop.recommend(75, 4) r JOIN web.products p ON p.sku = r.item_id ORDER BY r.rank;
ROLLBACK;
SQL

heading '5. Products like another'
show <<'SQL'
SELECT sku, name FROM web.products WHERE sku = 'COF-104' \gset
\echo SELECT * FROM shop.similar_items(:'sku', 5);         -- :name
\timing on
SELECT s.rank, p.name AS "similar", round(s.score::numeric, 2) AS score, s.support
FROM shop.similar_items('COF-104', 5) s JOIN web.products p ON p.sku = s.item_id ORDER BY s.rank;
SQL

heading '6. Why was that recommended?'
show <<'SQL'
SELECT r.item_id, p.name FROM shop.recommend(16, 1) r JOIN web.products p ON p.sku = r.item_id \gset
\echo SELECT * FROM shop.explain(16, :'item_id', 5);       -- :name
\timing on
SELECT e.rank, p.name AS "because of", e.weight, round(e.contribution::numeric, 3) AS contribution,
       round(100 * e.share::numeric) || ' %' AS share
FROM shop.explain(16, :'item_id', 5) e JOIN web.products p ON p.sku = e.item_id ORDER BY e.rank;
SQL

show_way_on shop
