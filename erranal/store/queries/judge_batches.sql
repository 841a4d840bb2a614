-- name: batch_origins
-- What the batch files of a study were exported for
SELECT name, value FROM settings WHERE starts_with(name, 'batch:') ORDER BY name;

-- name: batch_listed
-- Every batch file that calls are still filed under, with what came of them
SELECT c.batch AS file, j.name AS judge, c.codebook_id AS codebook, c.judge_id, count(*) AS requests,
       count(*) FILTER (c.status = 'exported') AS waiting, count(*) FILTER (c.status = 'answered') AS answered,
       count(*) FILTER (c.status = 'refused') AS refused, count(*) FILTER (c.status = 'failed') AS failed,
       min(c.asked_at) AS exported_at
FROM calls c JOIN judges j USING (judge_id)
WHERE c.batch IS NOT NULL
GROUP BY ALL
ORDER BY exported_at, file;

-- name: batch_calls
-- Calls by their ids, with the model that was asked and where
SELECT c.*, j.model, j.params ->> '$.url' AS url FROM calls c JOIN judges j USING (judge_id)
WHERE c.call_id IN (SELECT unnest(CAST($calls AS VARCHAR[])));

-- name: batch_forget
-- Give up the calls that a batch file is still waited for
DELETE FROM calls WHERE batch = $file AND status = 'exported';

-- name: batch_release
-- Take back calls that a batch service never worked on, so that they are due again
DELETE FROM calls WHERE status = 'exported' AND call_id IN (SELECT unnest(CAST($calls AS VARCHAR[])));

-- name: batch_back
-- One page of the outputs with answers out of batch files and no verdict that rests on them, each with its reference (as
-- in judge_selected); stands says that the output is still an error
WITH back AS (
    SELECT output_id, max(asked_at) AS asked_at, bool_and(status = 'answered') AS answered FROM calls
    WHERE judge_id = $judge_id AND codebook_id = $codebook_id AND output_id > $after
    GROUP BY output_id
    HAVING bool_or(status <> 'exported' AND batch IN (SELECT unnest(CAST($files AS VARCHAR[]))))
),
page AS (
    SELECT b.output_id, v.status FROM back b
    LEFT JOIN verdicts v ON v.output_id = b.output_id AND v.judge_id = $judge_id AND v.codebook_id = $codebook_id
    WHERE v.output_id IS NULL OR v.judged_at < b.asked_at OR (v.status IN ('failed', 'refused') AND b.answered)
    ORDER BY b.output_id LIMIT $size
),
placed AS (
    SELECT o.output_id, o.item_id, o.sample, a.model, a.prompt_style, a.arm, a.rank
    FROM outputs o JOIN arms a USING (run_id)
    WHERE o.current
),
referenced AS (
    SELECT e.output_id, r.output_id AS reference_id
    FROM page
    JOIN placed e USING (output_id)
    LEFT JOIN placed r ON r.item_id = e.item_id AND r.model = e.model AND r.sample = e.sample
                      AND r.prompt_style = e.prompt_style AND r.arm <> e.arm
    QUALIFY row_number() OVER (
        PARTITION BY e.output_id
        ORDER BY CASE WHEN e.rank = 0 THEN abs(r.rank - 5) ELSE r.rank END, r.arm, r.output_id) = 1
)
SELECT p.output_id, r.reference_id, p.status,
       EXISTS (SELECT 1 FROM errors e WHERE e.output_id = p.output_id AND e.scorer = $scorer) AS stands
FROM page p LEFT JOIN referenced r USING (output_id)
ORDER BY p.output_id;

-- name: batch_given_up
-- Names of batch files that were given up
SELECT substr(name, length('given up:') + 1) AS file FROM settings WHERE starts_with(name, 'given up:');
