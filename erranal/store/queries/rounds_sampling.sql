-- name: sampling_units
-- Every response that is wrong in a pair, with its pair, what stands beside it, and what a judge said of it. A pair is an
-- item under one model, prompt style and sample: the response under the arm nearest to text, and those under the others.
-- What the image side says comes first. The responses beside it are those that a judge is shown as reference.
WITH anchors AS (
    SELECT model, prompt_style, arg_min(arm, (rank, arm)) AS arm
    FROM arms WHERE run_id IN (SELECT run_id FROM outputs WHERE current)
    GROUP BY ALL
),
narrowed AS (
    SELECT item_id, model, prompt_style, sample, output_a, output_b, arm_a, arm_b, modality_b
    FROM pairs
    WHERE scorer = $scorer AND (model, prompt_style, arm_a) IN (SELECT (model, prompt_style, arm) FROM anchors)
      AND (TRUE /* where */)
),
sides AS (
    SELECT output_a AS output_id, output_b AS reference_id, arm_b AS reference_arm, TRUE AS textual, narrowed.*
    FROM narrowed
    UNION ALL
    SELECT output_b, output_a, arm_a, FALSE, narrowed.* FROM narrowed
),
wrong AS (
    SELECT s.item_id, s.model, s.prompt_style, s.sample, e.benchmark, e.subject, e.arm, e.rank, s.textual,
           s.output_id, s.reference_id
    FROM sides s
    JOIN (SELECT output_id, arm, rank, benchmark, subject FROM errors WHERE scorer = $scorer) e USING (output_id)
    LEFT JOIN (SELECT arm, min(rank) AS rank FROM arms GROUP BY ALL) r ON r.arm = s.reference_arm
    QUALIFY row_number() OVER (
        PARTITION BY s.output_id
        ORDER BY CASE WHEN e.rank = 0 THEN abs(r.rank - 5) ELSE r.rank END, s.reference_arm, s.reference_id) = 1
)
SELECT substr(sha256(concat_ws(chr(31), w.item_id, w.model, w.prompt_style, w.sample)), 1, 16) AS pair_id,
       w.* EXCLUDE (sample, rank),
       CASE WHEN v.output_id IS NULL THEN 'not judged'
            WHEN v.status <> 'ok' THEN 'not read'
            ELSE coalesce(c.family, CASE WHEN v.codebook_gap THEN 'codebook gap' ELSE 'none' END) END AS family,
       CASE WHEN v.status = 'ok' THEN v.codes END AS codes
FROM wrong w
LEFT JOIN verdicts v ON v.output_id = w.output_id AND v.judge_id = $judge_id AND v.codebook_id = $codebook_id
LEFT JOIN codes c ON c.codebook_id = v.codebook_id AND c.code = v.primary_code
ORDER BY pair_id, w.textual, w.rank, w.arm, w.output_id;

-- name: sampling_excluded
-- Items that a round for this purpose may not draw from, or has drawn from before, with the reason
SELECT item_id, min(reason) AS reason FROM (
    SELECT DISTINCT u.item_id, CASE WHEN r.purpose = $purpose THEN '3 sampled before' ELSE '1 coded to ' || r.purpose END AS reason
    FROM units u JOIN rounds r USING (round_id)
    WHERE r.purpose <> $purpose OR NOT $again
    UNION ALL
    SELECT DISTINCT item_id, '2 gold kept to ' || part FROM gold_splits WHERE part <> $purpose
)
GROUP BY item_id ORDER BY item_id;

-- name: sampling_rounds
-- The rounds there are
SELECT round_id, name FROM rounds ORDER BY round_id;

-- name: sampling_scorers
-- Who graded anything
SELECT DISTINCT scorer FROM scores ORDER BY scorer;

-- name: sampling_judges
-- Every judge with each codebook version that it gave verdicts under
SELECT v.judge_id, j.name, j.kind, j.params, v.codebook_id, count(*) AS verdicts
FROM verdicts v JOIN judges j USING (judge_id)
GROUP BY ALL ORDER BY j.name, v.judge_id, v.codebook_id;
