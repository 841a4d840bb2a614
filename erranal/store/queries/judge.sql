-- name: judge_scorer
-- Versions of a scorer that outputs carry
SELECT DISTINCT scorer_version FROM scores WHERE scorer = $scorer ORDER BY scorer_version;

-- name: judge_pending
-- Errors without an up-to-date verdict of this judge, each with its reference: the same model, prompt style, item and
-- sample under another arm, the one nearest to text (for text itself, the image)
WITH placed AS (
    SELECT o.output_id, o.item_id, o.sample, o.ingested_at, a.model, a.prompt_style, a.arm, a.rank
    FROM outputs o JOIN arms a USING (run_id)
    WHERE o.current
),
erring AS (
    SELECT p.* FROM placed p JOIN errors e USING (output_id) WHERE e.scorer = $scorer
),
referenced AS (
    SELECT e.output_id, r.output_id AS reference_id, r.ingested_at AS reference_at
    FROM erring e
    JOIN placed r ON r.item_id = e.item_id AND r.model = e.model AND r.sample = e.sample
                 AND r.prompt_style = e.prompt_style AND r.arm <> e.arm
    QUALIFY row_number() OVER (
        PARTITION BY e.output_id
        ORDER BY CASE WHEN e.rank = 0 THEN abs(r.rank - 5) ELSE r.rank END, r.arm, r.output_id) = 1
)
SELECT e.output_id, r.reference_id
FROM erring e
LEFT JOIN referenced r USING (output_id)
LEFT JOIN verdicts v
       ON v.output_id = e.output_id AND v.judge_id = $judge_id AND v.codebook_id = $codebook_id
WHERE v.output_id IS NULL OR v.judged_at < greatest(e.ingested_at, coalesce(r.reference_at, e.ingested_at))
ORDER BY e.item_id, e.model, e.output_id;

-- name: judge_records
-- Everything a judge is shown of these outputs; the lists run in parallel
WITH wanted AS (
    SELECT unnest(CAST($outputs AS VARCHAR[])) AS output_id,
           unnest(CAST($references AS VARCHAR[])) AS reference_id
)
SELECT r.output_id, r.question, r.choices, r.gold, r.answer_type, r.response, r.reasoning, r.status,
       r.finish_reason, r.tokens_out,
       TRY_CAST(coalesce(run.decoding ->> '$.max_tokens', run.decoding ->> '$.max_new_tokens',
                         run.decoding ->> '$.max_completion_tokens',
                         run.decoding ->> '$.max_output_tokens') AS BIGINT) AS token_limit,
       r.modality, r.arm, r.prompt_style, s.outcome, s.extracted,
       f.outcome AS other_outcome, f.extracted AS other_extracted,
       o.response AS reference, o.reasoning AS reference_reasoning, a.arm AS reference_arm,
       o.status AS reference_status, g.outcome AS reference_outcome
FROM wanted w
JOIN responses r ON r.output_id = w.output_id
JOIN runs run ON run.run_id = r.run_id
JOIN scores s ON s.output_id = w.output_id AND s.scorer = $scorer
LEFT JOIN scores f ON f.output_id = w.output_id AND f.scorer <> $scorer AND f.scorer IN ('erranal', 'imported')
LEFT JOIN outputs o ON o.output_id = w.reference_id
LEFT JOIN arms a ON a.run_id = o.run_id
LEFT JOIN scores g ON g.output_id = w.reference_id AND g.scorer = $scorer;

-- name: judge_forget
-- Remove the evidence of verdicts that are about to be replaced
DELETE FROM evidence
WHERE judge_id = $judge_id AND codebook_id = $codebook_id
  AND output_id IN (SELECT unnest(CAST($outputs AS VARCHAR[])));

-- name: judge_summary
-- Outputs per code and arm under one judge and codebook, among the errors of one scorer
WITH judged AS (
    SELECT a.arm, a.rank, v.codes
    FROM verdicts v JOIN errors e USING (output_id) JOIN outputs o USING (output_id) JOIN arms a USING (run_id)
    WHERE v.judge_id = $judge_id AND v.codebook_id = $codebook_id AND e.scorer = $scorer AND v.status = 'ok'
)
SELECT code, arm, rank, count(*) AS outputs
FROM (SELECT unnest(codes) AS code, arm, rank FROM judged) GROUP BY ALL
UNION ALL
SELECT $nothing, arm, rank, count(*) FROM judged WHERE len(codes) = 0 GROUP BY ALL
UNION ALL
SELECT $judged, arm, rank, count(*) FROM judged GROUP BY ALL;
