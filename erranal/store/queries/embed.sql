-- name: embed_counts
-- Distinct texts and blank outputs of a population; every current output for 'all', the scorer's errors for 'errors'
SELECT count(DISTINCT o.response_hash) FILTER (regexp_matches(o.response, '[^\s\p{Z}\p{C}]')) AS texts,
       count(*) FILTER (NOT coalesce(regexp_matches(o.response, '[^\s\p{Z}\p{C}]'), false)) AS blank_outputs,
       $population = 'all' OR EXISTS (SELECT 1 FROM scores WHERE scorer = $scorer) AS ready
FROM outputs o
WHERE o.current
  AND ($population = 'all' OR o.output_id IN (SELECT output_id FROM errors WHERE scorer = $scorer));

-- name: embed_pending
-- Texts of a population that this encoder has not seen yet, blank ones left out; the same order every time
SELECT o.response_hash, any_value(o.response) AS response
FROM outputs o
WHERE o.current
  AND ($population = 'all' OR o.output_id IN (SELECT output_id FROM errors WHERE scorer = $scorer))
  AND regexp_matches(o.response, '[^\s\p{Z}\p{C}]')
  AND NOT EXISTS (SELECT 1 FROM vectors v
                  WHERE v.encoder_id = $encoder_id AND v.response_hash = o.response_hash)
GROUP BY o.response_hash
ORDER BY o.response_hash
LIMIT $batch;

-- name: embed_pending_count
-- How many texts of a population this encoder has not seen yet
SELECT count(DISTINCT o.response_hash) AS pending
FROM outputs o
WHERE o.current
  AND ($population = 'all' OR o.output_id IN (SELECT output_id FROM errors WHERE scorer = $scorer))
  AND regexp_matches(o.response, '[^\s\p{Z}\p{C}]')
  AND NOT EXISTS (SELECT 1 FROM vectors v
                  WHERE v.encoder_id = $encoder_id AND v.response_hash = o.response_hash);
