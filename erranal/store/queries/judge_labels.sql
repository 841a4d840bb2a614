-- name: label_outputs
-- The outputs that rows of a label file mean, by output id or by item, arm and so on; a null says nothing. Names that fit
-- exactly go before an item's own number and a modality that stands for its arms. The lists run in parallel.
WITH wanted AS (
    SELECT unnest(CAST($places AS INTEGER[])) AS place,
           unnest(CAST($output_id AS VARCHAR[])) AS output_id,
           unnest(CAST($item AS VARCHAR[])) AS item,
           unnest(CAST($benchmark AS VARCHAR[])) AS benchmark,
           unnest(CAST($model AS VARCHAR[])) AS model,
           unnest(CAST($arm AS VARCHAR[])) AS arm,
           unnest(CAST($prompt_style AS VARCHAR[])) AS prompt_style,
           unnest(CAST($sample AS INTEGER[])) AS sample
),
items_meant AS (
    SELECT DISTINCT w.place, i.item_id, i.benchmark, 0 AS misfit FROM wanted w JOIN items i ON i.item_id = w.item
    UNION ALL
    SELECT DISTINCT w.place, i.item_id, i.benchmark, 2
    FROM wanted w JOIN items i ON i.native_id = w.item AND i.item_id <> w.item
),
meant AS (
    SELECT w.place, o.output_id, o.item_id, o.sample, o.current, o.run_id, 0 AS misfit
    FROM wanted w JOIN outputs o ON o.output_id = w.output_id
    UNION ALL
    SELECT place, o.output_id, o.item_id, o.sample, o.current, o.run_id, m.misfit
    FROM items_meant m JOIN wanted w USING (place) JOIN outputs o ON o.item_id = m.item_id
    WHERE o.current AND w.output_id IS NULL AND coalesce(w.benchmark = m.benchmark, TRUE)
),
found AS (
    SELECT m.place, m.output_id, m.item_id, m.sample, m.current, a.model, a.arm, a.prompt_style,
           m.misfit + CASE WHEN w.output_id IS NULL AND w.arm <> a.arm THEN 1 ELSE 0 END AS misfit
    FROM meant m JOIN arms a USING (run_id) JOIN wanted w ON w.place = m.place
    WHERE w.output_id IS NOT NULL
       OR (coalesce(w.model = a.model, TRUE) AND coalesce(w.arm IN (a.arm, a.modality), TRUE)
           AND coalesce(w.prompt_style = a.prompt_style, TRUE) AND coalesce(w.sample = m.sample, TRUE))
),
best AS (
    SELECT * FROM found QUALIFY rank() OVER (PARTITION BY place ORDER BY misfit) = 1
)
SELECT place, count(*) AS outputs, min(output_id) AS output_id, bool_and(current) AS current,
       list(concat_ws(', ', item_id, model, arm, prompt_style, 'sample ' || sample)
            ORDER BY item_id, model, arm, prompt_style, sample)[:3] AS candidates
FROM best GROUP BY place;

-- name: label_fingerprints
-- The labels there are of some outputs, by the hash of what they say
SELECT output_id, fingerprint FROM verdicts
WHERE judge_id = $judge_id AND codebook_id = $codebook_id
  AND output_id IN (SELECT unnest(CAST($outputs AS VARCHAR[])));

-- name: label_forget_rejects
-- Remove what an earlier reading of one file rejected for one set of labels
DELETE FROM rejects WHERE source_id IN (
    SELECT source_id FROM sources
    WHERE reader = 'labels' AND path = $path AND mapping ->> '$.judge' = $labels
      AND mapping ->> '$.codebook' = $codebook_id);

-- name: label_forget_source
-- Remove an earlier reading of one file for one set of labels
DELETE FROM sources
WHERE reader = 'labels' AND path = $path AND mapping ->> '$.judge' = $labels AND mapping ->> '$.codebook' = $codebook_id;

-- name: label_finish
-- Close a file of labels: what its rows came to
UPDATE sources SET status = 'done', rows_read = $rows_read, rows_landed = $rows_landed, rows_rejected = $rows_rejected
WHERE source_id = $source_id;

-- name: label_rejects
-- Rows of the label files of one judge, or of those of them that are named, that could not land
SELECT s.path, r.line, r.reason, r.detail
FROM rejects r JOIN sources s USING (source_id)
WHERE s.reader = 'labels' AND s.mapping ->> '$.judge' = $labels AND s.mapping ->> '$.codebook' = $codebook_id
  AND ($paths IS NULL OR s.path IN (SELECT unnest(CAST($paths AS VARCHAR[]))))
ORDER BY s.path, r.line;

-- name: label_records
-- Outputs as a judge would be shown them, whatever their outcome, each with its reference
WITH wanted AS (
    SELECT unnest(CAST($outputs AS VARCHAR[])) AS output_id
),
referenced AS (
    SELECT w.output_id, p.output_id AS reference_id
    FROM wanted w
    JOIN responses r ON r.output_id = w.output_id
    LEFT JOIN outputs o ON o.item_id = r.item_id AND o.sample = r.sample AND o.current AND o.run_id <> r.run_id
    LEFT JOIN arms a ON a.run_id = o.run_id AND a.model = r.model AND a.prompt_style = r.prompt_style AND a.arm <> r.arm
    LEFT JOIN outputs p ON p.output_id = o.output_id AND a.run_id IS NOT NULL
    QUALIFY row_number() OVER (
        PARTITION BY w.output_id
        ORDER BY p.output_id IS NULL, CASE WHEN r.rank = 0 THEN abs(a.rank - 5) ELSE a.rank END, a.arm, p.output_id) = 1
)
SELECT r.output_id, r.item_id, r.question, r.choices, r.gold, r.answer_type, r.response, r.reasoning, r.status,
       r.finish_reason, r.tokens_out, r.modality, r.arm, r.prompt_style, coalesce(s.outcome, 'incorrect') AS outcome,
       s.extracted, o.response AS reference, o.reasoning AS reference_reasoning, a.arm AS reference_arm,
       o.status AS reference_status, g.outcome AS reference_outcome
FROM referenced w
JOIN responses r ON r.output_id = w.output_id
LEFT JOIN scores s ON s.output_id = w.output_id AND s.scorer = $scorer
LEFT JOIN outputs o ON o.output_id = w.reference_id
LEFT JOIN arms a ON a.run_id = o.run_id
LEFT JOIN scores g ON g.output_id = w.reference_id AND g.scorer = $scorer
ORDER BY r.output_id;

-- name: label_judges
-- Every judge with every codebook version that it has given verdicts under
SELECT j.judge_id, j.kind, j.name, j.version, j.model, j.params, v.codebook_id, v.verdicts, v.last_judged
FROM judges j
LEFT JOIN (SELECT judge_id, codebook_id, count(*) AS verdicts, max(judged_at) AS last_judged FROM verdicts GROUP BY ALL) v
    USING (judge_id)
ORDER BY j.name, v.last_judged, j.judge_id, v.codebook_id;

-- name: label_codes
-- The codes of a codebook version in its order
SELECT code FROM codes WHERE codebook_id = $codebook_id ORDER BY position;

-- name: label_split
-- The division of the items of one set of gold labels
SELECT item_id, part, seed FROM gold_splits WHERE gold_id = $gold_id AND codebook_id = $codebook_id ORDER BY item_id;

-- name: label_split_forget
-- Remove the division of one set of gold labels
DELETE FROM gold_splits WHERE gold_id = $gold_id AND codebook_id = $codebook_id;

-- name: label_gold
-- Readable labels of one judge on current outputs, with the part their item is in
SELECT v.output_id, o.item_id, v.codes, v.primary_code, v.rationale, g.part
FROM verdicts v JOIN outputs o USING (output_id)
LEFT JOIN gold_splits g ON g.gold_id = v.judge_id AND g.codebook_id = v.codebook_id AND g.item_id = o.item_id
WHERE v.judge_id = $gold_id AND v.codebook_id = $codebook_id AND v.status = 'ok' AND o.current
ORDER BY o.item_id, v.output_id;

-- name: label_test_outputs
-- Every output, replaced ones too, of the items that are kept for the test
SELECT o.output_id, o.item_id, o.current
FROM gold_splits g JOIN outputs o USING (item_id)
WHERE g.gold_id = $gold_id AND g.codebook_id = $codebook_id AND g.part = 'test'
ORDER BY o.item_id, o.output_id;

-- name: label_pair
-- Current outputs with a verdict of either of two judges, with what each said; answered lists the codes that labels made
-- elsewhere say anything about, labelled says that the gold labels are of some output of the item
WITH said AS (
    SELECT v.output_id, v.judge_id, v.codebook_id, v.status, v.codes, v.primary_code,
           CASE WHEN j.kind = 'imported' AND v.votes IS NOT NULL THEN json_keys(v.votes) END AS answered
    FROM verdicts v JOIN judges j USING (judge_id)
),
sides AS (
    SELECT coalesce(a.output_id, b.output_id) AS output_id,
           a.status AS status_a, a.codes AS codes_a, a.primary_code AS primary_a, a.answered AS answered_a,
           b.status AS status_b, b.codes AS codes_b, b.primary_code AS primary_b, b.answered AS answered_b
    FROM (SELECT * FROM said WHERE judge_id = $judge_a AND codebook_id = $codebook_a) a
    FULL JOIN (SELECT * FROM said WHERE judge_id = $judge_b AND codebook_id = $codebook_b) b USING (output_id)
),
labelled AS (
    SELECT DISTINCT o.item_id FROM verdicts v JOIN outputs o USING (output_id)
    WHERE v.judge_id = $gold_id AND v.codebook_id = $gold_codebook AND v.status = 'ok' AND o.current
)
SELECT o.output_id, o.item_id, r.model, r.arm, r.rank, r.prompt_style, o.sample, s.* EXCLUDE (output_id),
       e.output_id IS NOT NULL AS error, g.part, l.item_id IS NOT NULL AS labelled
FROM sides s
JOIN outputs o ON o.output_id = s.output_id AND o.current
JOIN arms r ON r.run_id = o.run_id
LEFT JOIN errors e ON e.output_id = s.output_id AND e.scorer = $scorer
LEFT JOIN labelled l ON l.item_id = o.item_id
LEFT JOIN gold_splits g ON g.item_id = o.item_id AND g.gold_id = $gold_id AND g.codebook_id = $gold_codebook
ORDER BY o.output_id;
