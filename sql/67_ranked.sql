-- Metrics of any ranked list, as aggregates over (rank, relevant): see src/api/ranked.c.

CREATE FUNCTION rec._ranked_transition(internal, bigint, boolean) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_ranked_transition' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._ranked_transition(internal, bigint, boolean, int) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_ranked_transition' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._ranked_transition_all(internal, bigint, boolean) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_ranked_transition_all' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._ranked_combine(internal, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_ranked_combine' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._ranked_serialize(internal) RETURNS bytea
	AS 'MODULE_PATHNAME', 'rec_ranked_serialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION rec._ranked_deserialize(bytea, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_ranked_deserialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION rec._ranked_recall(internal) RETURNS float8
	AS 'MODULE_PATHNAME', 'rec_ranked_recall' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._ranked_recall_capped(internal) RETURNS float8
	AS 'MODULE_PATHNAME', 'rec_ranked_recall_capped' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._ranked_precision(internal) RETURNS float8
	AS 'MODULE_PATHNAME', 'rec_ranked_precision' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._ranked_ndcg(internal) RETURNS float8
	AS 'MODULE_PATHNAME', 'rec_ranked_ndcg' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._ranked_map(internal) RETURNS float8
	AS 'MODULE_PATHNAME', 'rec_ranked_map' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._ranked_mrr(internal) RETURNS float8
	AS 'MODULE_PATHNAME', 'rec_ranked_mrr' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._ranked_hit_rate(internal) RETURNS float8
	AS 'MODULE_PATHNAME', 'rec_ranked_hit_rate' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._ranked_auc(internal) RETURNS float8
	AS 'MODULE_PATHNAME', 'rec_ranked_auc' LANGUAGE C IMMUTABLE PARALLEL SAFE;

CREATE AGGREGATE rec.recall(rank bigint, relevant boolean, k int) (
	SFUNC = rec._ranked_transition, STYPE = internal, SSPACE = 512, FINALFUNC = rec._ranked_recall,
	COMBINEFUNC = rec._ranked_combine, SERIALFUNC = rec._ranked_serialize, DESERIALFUNC = rec._ranked_deserialize, PARALLEL = SAFE
);
CREATE AGGREGATE rec.recall(rank bigint, relevant boolean) (
	SFUNC = rec._ranked_transition, STYPE = internal, SSPACE = 512, FINALFUNC = rec._ranked_recall,
	COMBINEFUNC = rec._ranked_combine, SERIALFUNC = rec._ranked_serialize, DESERIALFUNC = rec._ranked_deserialize, PARALLEL = SAFE
);
CREATE AGGREGATE rec.recall_capped(rank bigint, relevant boolean, k int) (
	SFUNC = rec._ranked_transition, STYPE = internal, SSPACE = 512, FINALFUNC = rec._ranked_recall_capped,
	COMBINEFUNC = rec._ranked_combine, SERIALFUNC = rec._ranked_serialize, DESERIALFUNC = rec._ranked_deserialize, PARALLEL = SAFE
);
CREATE AGGREGATE rec.recall_capped(rank bigint, relevant boolean) (
	SFUNC = rec._ranked_transition, STYPE = internal, SSPACE = 512, FINALFUNC = rec._ranked_recall_capped,
	COMBINEFUNC = rec._ranked_combine, SERIALFUNC = rec._ranked_serialize, DESERIALFUNC = rec._ranked_deserialize, PARALLEL = SAFE
);
CREATE AGGREGATE rec.precision(rank bigint, relevant boolean, k int) (
	SFUNC = rec._ranked_transition, STYPE = internal, SSPACE = 512, FINALFUNC = rec._ranked_precision,
	COMBINEFUNC = rec._ranked_combine, SERIALFUNC = rec._ranked_serialize, DESERIALFUNC = rec._ranked_deserialize, PARALLEL = SAFE
);
CREATE AGGREGATE rec.precision(rank bigint, relevant boolean) (
	SFUNC = rec._ranked_transition, STYPE = internal, SSPACE = 512, FINALFUNC = rec._ranked_precision,
	COMBINEFUNC = rec._ranked_combine, SERIALFUNC = rec._ranked_serialize, DESERIALFUNC = rec._ranked_deserialize, PARALLEL = SAFE
);
CREATE AGGREGATE rec.ndcg(rank bigint, relevant boolean, k int) (
	SFUNC = rec._ranked_transition, STYPE = internal, SSPACE = 512, FINALFUNC = rec._ranked_ndcg,
	COMBINEFUNC = rec._ranked_combine, SERIALFUNC = rec._ranked_serialize, DESERIALFUNC = rec._ranked_deserialize, PARALLEL = SAFE
);
CREATE AGGREGATE rec.ndcg(rank bigint, relevant boolean) (
	SFUNC = rec._ranked_transition, STYPE = internal, SSPACE = 512, FINALFUNC = rec._ranked_ndcg,
	COMBINEFUNC = rec._ranked_combine, SERIALFUNC = rec._ranked_serialize, DESERIALFUNC = rec._ranked_deserialize, PARALLEL = SAFE
);
CREATE AGGREGATE rec.map(rank bigint, relevant boolean, k int) (
	SFUNC = rec._ranked_transition, STYPE = internal, SSPACE = 512, FINALFUNC = rec._ranked_map,
	COMBINEFUNC = rec._ranked_combine, SERIALFUNC = rec._ranked_serialize, DESERIALFUNC = rec._ranked_deserialize, PARALLEL = SAFE
);
CREATE AGGREGATE rec.map(rank bigint, relevant boolean) (
	SFUNC = rec._ranked_transition, STYPE = internal, SSPACE = 512, FINALFUNC = rec._ranked_map,
	COMBINEFUNC = rec._ranked_combine, SERIALFUNC = rec._ranked_serialize, DESERIALFUNC = rec._ranked_deserialize, PARALLEL = SAFE
);
CREATE AGGREGATE rec.mrr(rank bigint, relevant boolean, k int) (
	SFUNC = rec._ranked_transition, STYPE = internal, SSPACE = 512, FINALFUNC = rec._ranked_mrr,
	COMBINEFUNC = rec._ranked_combine, SERIALFUNC = rec._ranked_serialize, DESERIALFUNC = rec._ranked_deserialize, PARALLEL = SAFE
);
CREATE AGGREGATE rec.mrr(rank bigint, relevant boolean) (
	SFUNC = rec._ranked_transition, STYPE = internal, SSPACE = 512, FINALFUNC = rec._ranked_mrr,
	COMBINEFUNC = rec._ranked_combine, SERIALFUNC = rec._ranked_serialize, DESERIALFUNC = rec._ranked_deserialize, PARALLEL = SAFE
);
CREATE AGGREGATE rec.hit_rate(rank bigint, relevant boolean, k int) (
	SFUNC = rec._ranked_transition, STYPE = internal, SSPACE = 512, FINALFUNC = rec._ranked_hit_rate,
	COMBINEFUNC = rec._ranked_combine, SERIALFUNC = rec._ranked_serialize, DESERIALFUNC = rec._ranked_deserialize, PARALLEL = SAFE
);
CREATE AGGREGATE rec.hit_rate(rank bigint, relevant boolean) (
	SFUNC = rec._ranked_transition, STYPE = internal, SSPACE = 512, FINALFUNC = rec._ranked_hit_rate,
	COMBINEFUNC = rec._ranked_combine, SERIALFUNC = rec._ranked_serialize, DESERIALFUNC = rec._ranked_deserialize, PARALLEL = SAFE
);
CREATE AGGREGATE rec.auc(rank bigint, relevant boolean) (
	SFUNC = rec._ranked_transition_all, STYPE = internal, SSPACE = 1024, FINALFUNC = rec._ranked_auc,
	COMBINEFUNC = rec._ranked_combine, SERIALFUNC = rec._ranked_serialize, DESERIALFUNC = rec._ranked_deserialize, PARALLEL = SAFE
);

COMMENT ON FUNCTION rec._ranked_transition(internal, bigint, boolean) IS 'Internal: transition function of the metrics of ranked lists';
COMMENT ON FUNCTION rec._ranked_transition(internal, bigint, boolean, int) IS 'Internal: transition function of the metrics of ranked lists';
COMMENT ON FUNCTION rec._ranked_transition_all(internal, bigint, boolean) IS 'Internal: transition function of rec.auc';
COMMENT ON FUNCTION rec._ranked_combine(internal, internal) IS 'Internal: combine function of the metrics of ranked lists';
COMMENT ON FUNCTION rec._ranked_serialize(internal) IS 'Internal: serialization of the metrics of ranked lists';
COMMENT ON FUNCTION rec._ranked_deserialize(bytea, internal) IS 'Internal: deserialization of the metrics of ranked lists';
COMMENT ON FUNCTION rec._ranked_recall(internal) IS 'Internal: final function of rec.recall';
COMMENT ON FUNCTION rec._ranked_recall_capped(internal) IS 'Internal: final function of rec.recall_capped';
COMMENT ON FUNCTION rec._ranked_precision(internal) IS 'Internal: final function of rec.precision';
COMMENT ON FUNCTION rec._ranked_ndcg(internal) IS 'Internal: final function of rec.ndcg';
COMMENT ON FUNCTION rec._ranked_map(internal) IS 'Internal: final function of rec.map';
COMMENT ON FUNCTION rec._ranked_mrr(internal) IS 'Internal: final function of rec.mrr';
COMMENT ON FUNCTION rec._ranked_hit_rate(internal) IS 'Internal: final function of rec.hit_rate';
COMMENT ON FUNCTION rec._ranked_auc(internal) IS 'Internal: final function of rec.auc';
COMMENT ON AGGREGATE rec.recall(bigint, boolean, int) IS 'Metric of one ranked list cut at k: relevant items within the first k / relevant items. One row is an item: its rank from 1 (null: not ranked, which for a relevant item is a miss) and whether it was relevant (null: no). Null without a relevant item. k: 1 and more, the same for all rows; null: the whole list.';
COMMENT ON AGGREGATE rec.recall(bigint, boolean) IS 'rec.recall of the whole list, without a cut.';
COMMENT ON AGGREGATE rec.recall_capped(bigint, boolean, int) IS 'Metric of one ranked list cut at k: relevant items within the first k / min(k, relevant items). One row is an item: its rank from 1 (null: not ranked, which for a relevant item is a miss) and whether it was relevant (null: no). Null without a relevant item. k: 1 and more, the same for all rows; null: the whole list.';
COMMENT ON AGGREGATE rec.recall_capped(bigint, boolean) IS 'rec.recall_capped of the whole list, without a cut.';
COMMENT ON AGGREGATE rec.precision(bigint, boolean, int) IS 'Metric of one ranked list cut at k: relevant items within the first k / k (without k: / the length of the list). One row is an item: its rank from 1 (null: not ranked, which for a relevant item is a miss) and whether it was relevant (null: no). Null without a relevant item. k: 1 and more, the same for all rows; null: the whole list.';
COMMENT ON AGGREGATE rec.precision(bigint, boolean) IS 'rec.precision of the whole list, without a cut.';
COMMENT ON AGGREGATE rec.ndcg(bigint, boolean, int) IS 'Metric of one ranked list cut at k: sum of 1 / log2(rank + 1) over the relevant items within the first k, divided by its largest possible value, that of relevant items at ranks 1 to min(k, relevant items). One row is an item: its rank from 1 (null: not ranked, which for a relevant item is a miss) and whether it was relevant (null: no). Null without a relevant item. k: 1 and more, the same for all rows; null: the whole list.';
COMMENT ON AGGREGATE rec.ndcg(bigint, boolean) IS 'rec.ndcg of the whole list, without a cut.';
COMMENT ON AGGREGATE rec.map(bigint, boolean, int) IS 'Metric of one ranked list cut at k: average precision: sum over the relevant items within the first k of (relevant items up to that rank / rank), divided by min(k, relevant items); its mean over lists is the map. One row is an item: its rank from 1 (null: not ranked, which for a relevant item is a miss) and whether it was relevant (null: no). Null without a relevant item. k: 1 and more, the same for all rows; null: the whole list.';
COMMENT ON AGGREGATE rec.map(bigint, boolean) IS 'rec.map of the whole list, without a cut.';
COMMENT ON AGGREGATE rec.mrr(bigint, boolean, int) IS 'Metric of one ranked list cut at k: reciprocal rank: 1 / rank of the first relevant item, 0 when there is none within the first k; its mean over lists is the mrr. One row is an item: its rank from 1 (null: not ranked, which for a relevant item is a miss) and whether it was relevant (null: no). Null without a relevant item. k: 1 and more, the same for all rows; null: the whole list.';
COMMENT ON AGGREGATE rec.mrr(bigint, boolean) IS 'rec.mrr of the whole list, without a cut.';
COMMENT ON AGGREGATE rec.hit_rate(bigint, boolean, int) IS 'Metric of one ranked list cut at k: 1 when a relevant item is within the first k, else 0. One row is an item: its rank from 1 (null: not ranked, which for a relevant item is a miss) and whether it was relevant (null: no). Null without a relevant item. k: 1 and more, the same for all rows; null: the whole list.';
COMMENT ON AGGREGATE rec.hit_rate(bigint, boolean) IS 'rec.hit_rate of the whole list, without a cut.';
COMMENT ON AGGREGATE rec.auc(bigint, boolean) IS 'Area under the ROC curve of one ranked list: the share of pairs (relevant item, other item) in which the relevant one stands first; equal ranks count half, items without a rank stand last, in no order. One row is an item: its rank from 1 (null: not ranked, which for a relevant item is a miss) and whether it was relevant (null: no). Give all items, not the first k only. Null without a relevant or without another item.';
