#!/bin/sh
# MovieLens 100K in the cluster of the quick start: a model of who watches what,
# and one that predicts stars.
#
#     sh examples/movielens.sh FOLDER        (the folder that has u.data and u.item)
#
# The data set is GroupLens's (grouplens.org, "MovieLens 100K Dataset"); it may be
# used for research and not be redistributed.
set -eu
PROJECT=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
. "$PROJECT/examples/setup.sh"

[ $# = 1 ] || die "usage: sh examples/movielens.sh FOLDER" \
    "FOLDER is the unpacked data set MovieLens 100K, from grouplens.org"
for file in u.data u.item; do
    [ -r "$1/$file" ] || die "there is no file $file in $1" \
        "wanted is the unpacked data set MovieLens 100K (ml-100k.zip), from grouplens.org"
done
set_up_example

heading '1. Ratings and movies'
show <<'SQL'
SET client_min_messages = warning;
DROP SCHEMA IF EXISTS movielens CASCADE;
CREATE SCHEMA movielens;
CREATE TABLE movielens.rating (user_id int NOT NULL, movie_id int NOT NULL, stars int NOT NULL, rated_at timestamptz NOT NULL);
CREATE TABLE movielens.movie (movie_id int PRIMARY KEY, title text NOT NULL, released text);
CREATE UNLOGGED TABLE movielens.u_data (user_id int, movie_id int, stars int, seconds bigint);
CREATE UNLOGGED TABLE movielens.u_item (line text);
SQL
in_db shop -c '\copy movielens.u_data from pstdin' <"$1/u.data"
# One column: no line of the file has the delimiter (a control character) in it.
in_db shop -c "\\copy movielens.u_item from pstdin with (format csv, delimiter E'\\001', quote E'\\002', encoding 'latin1')" <"$1/u.item"
show <<'SQL'
INSERT INTO movielens.rating SELECT user_id, movie_id, stars, to_timestamp(seconds) FROM movielens.u_data;
INSERT INTO movielens.movie
SELECT split_part(line, '|', 1)::int, split_part(line, '|', 2), nullif(split_part(line, '|', 3), '') FROM movielens.u_item;
DROP TABLE movielens.u_data, movielens.u_item;
CREATE INDEX ON movielens.rating (user_id) INCLUDE (movie_id, stars, rated_at);
VACUUM (ANALYZE) movielens.rating, movielens.movie;
SELECT count(*) AS ratings, count(DISTINCT user_id) AS users, count(DISTINCT movie_id) AS movies,
       round(avg(stars), 2) AS "average stars" FROM movielens.rating;
SQL

heading '2. Who watches what: each rating counts as interest'
show <<'SQL'
\echo 'SELECT rec.create_model(''movies'', events => ''movielens.rating'', item_column => ''movie_id'', time_column => ''rated_at'');'
\echo 'SELECT * FROM rec.train(''movies'');'
\echo ~
SELECT count(*) > 0 AS exists FROM rec.model WHERE model = 'movies' \gset
\if :exists
  SELECT rec.drop_model('movies') \g /dev/null
\endif
SELECT rec.create_model('movies', events => 'movielens.rating', item_column => 'movie_id', time_column => 'rated_at') \g /dev/null
SELECT * FROM rec.train('movies') \gset t_
\echo ~
SELECT guess AS "who guesses", round(ndcg::numeric, 3) AS "ndcg@10", round(recall::numeric, 3) AS "recall@10"
FROM (VALUES ('this model', :t_ndcg, :t_recall),
             ('the most watched movies', :t_popular_ndcg, :t_popular_recall)) AS q(guess, ndcg, recall);
\echo ~
\echo 'SELECT * FROM movies.recommend(1, 10);        -- beside this user''s favourites'
SELECT coalesce(l.title, '') AS favourites, r.rank, m.title AS recommended, round(r.score::numeric, 2) AS score
FROM movies.recommend(1, 10) r JOIN movielens.movie m ON m.movie_id = r.item_id
LEFT JOIN (SELECT title, row_number() OVER (ORDER BY stars DESC, rated_at DESC, movie_id) AS n
           FROM movielens.rating JOIN movielens.movie USING (movie_id) WHERE user_id = 1) l ON l.n = r.rank
ORDER BY r.rank;
\echo ~
\echo 'SELECT * FROM movies.similar_items(50, 5);    -- Star Wars (1977)'
SELECT s.rank, m.title AS similar, round(s.score::numeric, 2) AS score, s.support
FROM movies.similar_items(50, 5) s JOIN movielens.movie m ON m.movie_id = s.item_id ORDER BY s.rank;
SQL

heading '3. How many stars: explicit feedback'
show <<'SQL'
\echo 'SELECT rec.create_model(''stars'', events => ''movielens.rating'', item_column => ''movie_id'','
\echo '                        value_column => ''stars'', time_column => ''rated_at'', feedback => ''explicit'');'
\echo 'SELECT * FROM rec.train(''stars'', params => ''{"holdout": 0.1}'');'
\echo ~
SELECT count(*) > 0 AS exists FROM rec.model WHERE model = 'stars' \gset
\if :exists
  SELECT rec.drop_model('stars') \g /dev/null
\endif
SELECT rec.create_model('stars', events => 'movielens.rating', item_column => 'movie_id', value_column => 'stars',
                        time_column => 'rated_at', feedback => 'explicit') \g /dev/null
SELECT * FROM rec.train('stars', params => '{"holdout": 0.1}') \gset t_
\echo ~
SELECT guess AS "who guesses", round(q.error::numeric, 3) AS "root mean squared error"
FROM rec.training_run CROSS JOIN LATERAL (VALUES ('this model', :t_rmse), ('the movie''s mean', mean_rmse)) AS q(guess, error)
WHERE model = 'stars' AND version = :t_version;
\echo ~
\echo 'SELECT stars.predict(1, movie_id) ...         -- movies that user 1 has not rated'
SELECT title, round(stars.predict(1, movie_id)::numeric, 2) AS "stars predicted"
FROM movielens.movie
WHERE title IN ('Schindler''s List (1993)', 'Casablanca (1942)', 'Titanic (1997)', 'Scream (1996)', 'Batman & Robin (1997)', 'Spice World (1997)')
ORDER BY 2 DESC;
SQL
show_way_on movies
