-- name: cluster_encoders
-- Encoders and how many texts of a population they know, most first and transformers before words
SELECT e.encoder_id, e.name, e.kind, count(v.response_hash) AS texts
FROM encoders e LEFT JOIN vectors v
  ON v.encoder_id = e.encoder_id AND v.response_hash IN (
    SELECT o.response_hash FROM outputs o
    WHERE o.current
      AND ($population = 'all' OR o.output_id IN (SELECT output_id FROM errors WHERE scorer = $scorer)))
GROUP BY e.encoder_id, e.name, e.kind
ORDER BY texts DESC, e.kind DESC, e.encoder_id;

-- name: cluster_outputs
-- Outputs of a population with their modality, and whether there is nothing to read in them
SELECT o.output_id, o.response_hash, a.modality,
       NOT coalesce(regexp_matches(o.response, '[^\s\p{Z}\p{C}]'), false) AS blank
FROM outputs o JOIN arms a USING (run_id)
WHERE o.current
  AND ($population = 'all' OR o.output_id IN (SELECT output_id FROM errors WHERE scorer = $scorer))
ORDER BY o.output_id;

-- name: cluster_vectors
-- One encoder's vectors of the texts of a population
SELECT v.response_hash, v.vector
FROM vectors v
WHERE v.encoder_id = $encoder_id
  AND v.response_hash IN (
    SELECT o.response_hash FROM outputs o
    WHERE o.current
      AND ($population = 'all' OR o.output_id IN (SELECT output_id FROM errors WHERE scorer = $scorer)))
ORDER BY v.response_hash;

-- name: cluster_texts
-- The beginnings of some texts, by their hashes
SELECT response_hash, left(any_value(response), CAST($characters AS BIGINT)) AS response
FROM outputs
WHERE response_hash IN (SELECT unnest(CAST($hashes AS VARCHAR[])))
GROUP BY response_hash
ORDER BY response_hash;

-- name: cluster_codes
-- Primary codes that the judge who judged last has given; people code a sample only
SELECT output_id, arg_max(primary_code, judged_at) AS code
FROM verdicts
WHERE status = 'ok' AND primary_code IS NOT NULL
  AND judge_id = (SELECT judge_id FROM verdicts LEFT JOIN judges USING (judge_id) WHERE kind IS DISTINCT FROM 'human'
                  ORDER BY judged_at DESC, judge_id LIMIT 1)
GROUP BY output_id;

-- name: cluster_forget_members
-- Drop the memberships of an encoder's clusterings of a population
DELETE FROM cluster_members WHERE clustering_id IN (
    SELECT clustering_id FROM clusterings WHERE encoder_id = $encoder_id AND population = $population);

-- name: cluster_forget_clusters
-- Drop the clusters of an encoder's clusterings of a population
DELETE FROM clusters WHERE clustering_id IN (
    SELECT clustering_id FROM clusterings WHERE encoder_id = $encoder_id AND population = $population);

-- name: cluster_unchoose
-- One clustering of a population is shown by default: no longer an older one
UPDATE clusterings SET chosen = false WHERE population = $population AND chosen;
