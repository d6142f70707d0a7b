#!/bin/sh
# rec.tune: what 30 trials of each method find, beside the best of a grid of 200 points.
#
#     REC_DATA_DIR=/path/to/data sh bench/tune.sh         (needs ml-100k and lastfm2k; see also common.sh)
#     SEEDS=3 TRIALS=30 SETS=ml-100k sh bench/tune.sh
#
# The grid: factors 16 and 32, five regularizations and five unobserved weights, each over a factor of 256 around the automatic
# value, two frequency exponents and two weight transforms. bayes and random search the space that the grid spans. Shown is
# the best value of the trials on the validation pairs (which are the same for all seeds, as is the test part), as a share of
# the grid's best; and the final values on the test part, beside the automatic parameters. Means over the seeds.
PROJECT=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
SHARED_BUFFERS=${SHARED_BUFFERS:-256MB}
. "$PROJECT/bench/common.sh"
SEEDS=${SEEDS:-10}
TRIALS=${TRIALS:-30}
SETS=${SETS:-ml-100k lastfm2k}
DATA=${REC_DATA_DIR:-$PROJECT/../shared/data}

bench_begin

# best METHOD SEED: the best validation value of the study that was made last, and its final value
tune() {
    sql "CALL rec.tune('bt', '$space', '$1', $2, seed => $3)" >/dev/null
    sql "SELECT max(value) FILTER (WHERE stage = 'search'), max(value) FILTER (WHERE stage = 'final'), sum(seconds) FILTER (WHERE stage = 'search')
        FROM rec.trial WHERE study = (SELECT max(study) FROM rec.trial)" | tr '|' ' '
}

for set in $SETS; do
    sql "SELECT rec.drop_model('bt', true)" "DROP TABLE IF EXISTS bench_tune" "CREATE TABLE bench_tune (user_id int, item_id int, value float8, at bigint)" >/dev/null
    case $set in
        ml-100k) file=$DATA/ml-100k/u.data columns=user_id,item_id,value,at header='' create="time_column => 'at'" ;;
        lastfm2k) file=$DATA/lastfm2k/user_artists.dat columns=user_id,item_id,value header=2 create="value_column => 'value'" ;;
        *) die "unknown data set $set" ;;
    esac
    [ -r "$file" ] || { echo "(no $set in $DATA: left out)"; continue; }
    { echo "COPY bench_tune ($columns) FROM STDIN;"; tail -n "+${header:-1}" "$file" | tr -d '\r'; printf '\\.\n'; } | sql_script
    sql "ANALYZE bench_tune" "SELECT rec.create_model('bt', 'bench_tune', $create, params => '{\"epochs\": 10}')" >/dev/null
    # the automatic values stand in the row of a training
    sql "SELECT rec.train('bt')" >/dev/null
    range() { sql "SELECT json_build_object('min', v / 16, 'max', v * 16, 'scale', 'log', 'steps', 5) FROM (SELECT (params->>'$1')::float8 AS v FROM rec.training_run WHERE model = 'bt') x"; }
    space="{\"factors\": [16, 32], \"regularization\": $(range regularization), \"unobserved_weight\": $(range unobserved_weight), \"frequency_exponent\": {\"min\": 0, \"max\": 1, \"steps\": 2}, \"weight_transform\": [\"log1p\", \"binary\"]}"
    grid=$(tune grid 200 1)
    auto=$(sql "SELECT value FROM rec.evaluate('bt', split => '$([ "$set" = ml-100k ] && echo last || echo random)', holdout => 0.1, k => '{10}', metrics => '{ndcg}', compare => '{}', params => '{\"factors\": 32}') WHERE metric = 'ndcg' AND segment = 'all'")
    : >"$WORK/tuned"
    seed=0
    while [ $((seed += 1)) -le "$SEEDS" ]; do
        echo "$(tune bayes "$TRIALS" "$seed") $(tune random "$TRIALS" "$seed")" >>"$WORK/tuned"
        progress "$set seed $seed: $(tail -n 1 "$WORK/tuned")"
    done
    printf '%s: %s trials, %s seeds, ndcg@10\n' "$set" "$TRIALS" "$SEEDS"
    echo "$grid" | awk -v auto="$auto" '{ printf "  %-34s validation %.4f   test %.4f   %.1f s\n  %-34s                     test %.4f\n", "grid of 200 points", $1, $2, $3, "automatic parameters, 32 factors", auto }'
    awk -v best="${grid%% *}" '{ b += $1; bt += $2; bs += $3; r += $4; rt += $5; rs += $6; if ($1 > $4) wins++ }
        END { printf "  %-34s validation %.4f   test %.4f   %.1f s   %.1f %% of the grid'"'"'s best\n", "bayes", b / NR, bt / NR, bs / NR, 100 * b / NR / best
              printf "  %-34s validation %.4f   test %.4f   %.1f s   %.1f %% of the grid'"'"'s best\n", "random", r / NR, rt / NR, rs / NR, 100 * r / NR / best
              printf "  bayes found more than random with %d of %d seeds; at least 97 %% of the grid: %s\n\n", wins, NR, (b / NR >= .97 * best ? "met" : "missed") }' "$WORK/tuned"
done
