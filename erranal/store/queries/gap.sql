-- name: gap_arms
-- The arms that have current outputs, by model and prompt style
SELECT model, prompt_style, arm, modality, coalesce(render, '') AS render, rank
FROM arms
WHERE run_id IN (SELECT run_id FROM outputs WHERE current)
GROUP BY ALL ORDER BY ALL;

-- name: gap_scorers
-- Who graded anything
SELECT DISTINCT scorer FROM scores ORDER BY scorer;

-- name: gap_counts
-- Counts of pairs by group, and the sums over items that a clustered standard error needs.
-- w_ counts failures (no answer, refused, failed) as wrong, x_ leaves pairs with one out; both leave
-- out ungradable ones. pooled is the bit mask of what a group runs over: 2 models, 1 prompt styles.
-- part says how items are split: whole, by benchmark or (where models are pooled) by subject.
-- Numbers stand in for names until the last step, because a million long names are slow to join by.
WITH chosen AS (
    SELECT c.*, CAST(dense_rank() OVER (ORDER BY c.arm_a, c.arm_b) AS SMALLINT) AS arms,
           CAST(dense_rank() OVER (ORDER BY c.model) AS SMALLINT) AS model_number,
           CAST(dense_rank() OVER (ORDER BY c.prompt_style) AS SMALLINT) AS style_number
    FROM (SELECT unnest(CAST($comparisons AS STRUCT(model VARCHAR, prompt_style VARCHAR, arm_a VARCHAR, arm_b VARCHAR)[]),
                        recursive := true)) c
),
run_numbers AS (SELECT *, CAST(row_number() OVER () AS SMALLINT) AS run FROM arms),
run_pairs AS (
    SELECT c.arms, c.model_number, c.style_number, a.run AS run_a, b.run AS run_b
    FROM chosen c
    JOIN run_numbers a ON a.model = c.model AND a.prompt_style = c.prompt_style AND a.arm = c.arm_a
    JOIN run_numbers b ON b.model = c.model AND b.prompt_style = c.prompt_style AND b.arm = c.arm_b
),
item_numbers AS (
    SELECT item_id, benchmark, subject, CAST(row_number() OVER () AS INTEGER) AS item FROM item_latest
),
marked AS MATERIALIZED (
    SELECT r.run, s.scorer, n.item, o.sample, s.outcome = 'correct' AS correct,
           s.outcome = 'ungradable' AS ungradable, s.outcome IN ('no_answer', 'refused', 'failed') AS failure
    FROM outputs o JOIN run_numbers r USING (run_id) JOIN scores s USING (output_id) JOIN item_numbers n USING (item_id)
    WHERE o.current AND s.scorer = coalesce($scorer, s.scorer)
),
paired AS (
    SELECT a.scorer, r.arms, r.model_number, r.style_number, a.item, a.correct AS a, b.correct AS b,
           NOT (a.ungradable OR b.ungradable) AS w,
           NOT (a.ungradable OR b.ungradable OR a.failure OR b.failure) AS x
    FROM run_pairs r JOIN marked a ON a.run = r.run_a
    JOIN marked b ON b.run = r.run_b AND b.item = a.item AND b.sample = a.sample AND b.scorer = a.scorer
),
by_item AS (
    SELECT scorer, arms, CAST(grouping(model_number, style_number) AS TINYINT) AS pooled, model_number, style_number,
           item, CAST(count(*) AS INTEGER) AS pairs,
           CAST(count(*) FILTER (w) AS INTEGER) AS w_pairs, CAST(count(*) FILTER (w AND a AND b) AS INTEGER) AS w_both,
           CAST(count(*) FILTER (w AND a AND NOT b) AS INTEGER) AS w_a,
           CAST(count(*) FILTER (w AND b AND NOT a) AS INTEGER) AS w_b,
           CAST(count(*) FILTER (x) AS INTEGER) AS x_pairs, CAST(count(*) FILTER (x AND a AND b) AS INTEGER) AS x_both,
           CAST(count(*) FILTER (x AND a AND NOT b) AS INTEGER) AS x_a,
           CAST(count(*) FILTER (x AND b AND NOT a) AS INTEGER) AS x_b
    FROM paired
    GROUP BY GROUPING SETS ((scorer, arms, item, model_number, style_number), (scorer, arms, item, model_number),
                            (scorer, arms, item, style_number), (scorer, arms, item))
),
counted AS (
    SELECT scorer, arms, pooled, model_number, style_number, benchmark, subject,
           CASE grouping(benchmark, subject) WHEN 3 THEN 'whole' WHEN 1 THEN 'benchmark' ELSE 'subject' END AS part,
           sum(w_pairs) AS w_pairs, count(*) FILTER (w_pairs > 0) AS w_items,
           sum(w_both) AS w_both, sum(w_a) AS w_a, sum(w_b) AS w_b, sum(pairs - w_pairs) AS w_excluded,
           sum((w_b - w_a) ** 2) AS w_squares, sum((w_b - w_a) * w_pairs) AS w_cross, sum(w_pairs ** 2) AS w_sizes,
           sum(x_pairs) AS x_pairs, count(*) FILTER (x_pairs > 0) AS x_items,
           sum(x_both) AS x_both, sum(x_a) AS x_a, sum(x_b) AS x_b, sum(pairs - x_pairs) AS x_excluded,
           sum((x_b - x_a) ** 2) AS x_squares, sum((x_b - x_a) * x_pairs) AS x_cross, sum(x_pairs ** 2) AS x_sizes
    FROM (SELECT b.*, n.benchmark, CASE WHEN pooled >= 2 THEN n.subject END AS subject
          FROM by_item b JOIN item_numbers n USING (item))
    GROUP BY GROUPING SETS ((scorer, arms, pooled, model_number, style_number),
                            (scorer, arms, pooled, model_number, style_number, benchmark),
                            (scorer, arms, pooled, model_number, style_number, benchmark, subject))
    HAVING part <> 'subject' OR subject IS NOT NULL
)
SELECT m.model, p.prompt_style, a.arm_a, a.arm_b, c.* EXCLUDE (arms, model_number, style_number)
FROM counted c JOIN (SELECT DISTINCT arms, arm_a, arm_b FROM chosen) a USING (arms)
LEFT JOIN (SELECT DISTINCT model_number, model FROM chosen) m USING (model_number)
LEFT JOIN (SELECT DISTINCT style_number, prompt_style FROM chosen) p USING (style_number)
ORDER BY ALL;

-- name: gap_collapse
-- How long and how worked out the paired responses are, and the item sums of the log length ratio.
-- Length and steps (see erranal.steps) are those of the response and of the reasoning kept
-- apart from it. Pairs with an infrastructure failure (api_error) have no text and are left out.
WITH chosen AS (
    SELECT CAST(row_number() OVER () AS SMALLINT) AS comparison, c.*
    FROM (SELECT unnest(CAST($comparisons AS STRUCT(model VARCHAR, prompt_style VARCHAR, arm_a VARCHAR, arm_b VARCHAR)[]),
                        recursive := true)) c
),
run_numbers AS (SELECT *, CAST(row_number() OVER () AS SMALLINT) AS run FROM arms),
run_pairs AS (
    SELECT c.comparison, a.run AS run_a, b.run AS run_b
    FROM chosen c
    JOIN run_numbers a ON a.model = c.model AND a.prompt_style = c.prompt_style AND a.arm = c.arm_a
    JOIN run_numbers b ON b.model = c.model AND b.prompt_style = c.prompt_style AND b.arm = c.arm_b
),
item_numbers AS (SELECT item_id, CAST(row_number() OVER () AS INTEGER) AS item FROM item_latest),
refused AS (SELECT DISTINCT output_id FROM scores WHERE outcome = 'refused'),
texts AS (
    SELECT r.run, n.item, o.sample, o.status, o.reasoning, coalesce(o.response, '') AS response,
           f.output_id IS NOT NULL AS refused
    FROM outputs o JOIN run_numbers r USING (run_id) JOIN item_numbers n USING (item_id)
    LEFT JOIN refused f USING (output_id)
    WHERE o.current AND o.status <> 'api_error'
      AND r.run IN (SELECT unnest([run_a, run_b]) FROM run_pairs)
),
measured AS MATERIALIZED (
    SELECT run, item, sample, CAST(length(response) + coalesce(length(reasoning), 0) AS INTEGER) AS chars,
           CASE WHEN chars >= $long THEN false
                WHEN regexp_matches(concat(response, chr(10), reasoning), $calculation) THEN false
                ELSE NOT regexp_matches(regexp_replace(concat(response, chr(10), reasoning), $answer, $kept, 'g'), $step)
                END AS no_steps,
           status = 'truncated' AS truncated, status = 'refusal' OR refused AS refused,
           status = 'empty' OR NOT regexp_matches(response, '\S') AS empty
    FROM texts
),
by_item AS (
    SELECT r.comparison, a.item, count(*) AS n, sum(ln((b.chars + 1) / (a.chars + 1))) AS s,
           sum(a.chars) AS chars_a, count(*) FILTER (a.no_steps) AS no_steps_a,
           count(*) FILTER (a.truncated) AS truncated_a, count(*) FILTER (a.refused) AS refused_a,
           count(*) FILTER (a.empty) AS empty_a,
           sum(b.chars) AS chars_b, count(*) FILTER (b.no_steps) AS no_steps_b,
           count(*) FILTER (b.truncated) AS truncated_b, count(*) FILTER (b.refused) AS refused_b,
           count(*) FILTER (b.empty) AS empty_b
    FROM run_pairs r JOIN measured a ON a.run = r.run_a
    JOIN measured b ON b.run = r.run_b AND b.item = a.item AND b.sample = a.sample
    GROUP BY r.comparison, a.item
)
SELECT model, prompt_style, arm_a, arm_b, sum(n) AS pairs, count(*) AS items, sum(s) AS total,
       sum(s ** 2) AS squares, sum(s * n) AS cross, sum(n ** 2) AS sizes,
       sum(chars_a) / sum(n) AS chars_a, sum(chars_b) / sum(n) AS chars_b,
       sum(no_steps_a) / sum(n) AS no_steps_a, sum(no_steps_b) / sum(n) AS no_steps_b,
       sum(truncated_a) / sum(n) AS truncated_a, sum(truncated_b) / sum(n) AS truncated_b,
       sum(refused_a) / sum(n) AS refused_a, sum(refused_b) / sum(n) AS refused_b,
       sum(empty_a) / sum(n) AS empty_a, sum(empty_b) / sum(n) AS empty_b
FROM by_item JOIN chosen USING (comparison) GROUP BY model, prompt_style, arm_a, arm_b ORDER BY ALL;

-- name: gap_discordant
-- Texts of the pairs that only one arm got right, the reference arm's (or, first = false, the other's) first
WITH chosen AS (
    SELECT unnest(CAST($comparisons AS STRUCT(model VARCHAR, prompt_style VARCHAR, arm_a VARCHAR, arm_b VARCHAR)[]),
                  recursive := true)
),
picked AS (
    SELECT a.item_id, a.benchmark, a.subject, a.model, a.prompt_style, a.sample, c.arm_a, c.arm_b,
           a.correct AS correct_a, b.correct AS correct_b, a.outcome AS outcome_a, b.outcome AS outcome_b,
           a.extracted AS extracted_a, b.extracted AS extracted_b,
           a.output_id AS output_a, b.output_id AS output_b
    FROM chosen c
    JOIN graded a ON a.model = c.model AND a.prompt_style = c.prompt_style AND a.arm = c.arm_a
    JOIN graded b ON b.model = c.model AND b.prompt_style = c.prompt_style AND b.arm = c.arm_b
                 AND b.item_id = a.item_id AND b.sample = a.sample AND b.scorer = a.scorer
    WHERE a.scorer = $scorer AND a.correct <> b.correct
      AND a.outcome <> 'ungradable' AND b.outcome <> 'ungradable'
    ORDER BY a.correct = CAST($first AS BOOLEAN) DESC, a.model, a.prompt_style, c.arm_b, a.item_id, a.sample
    LIMIT CAST($limit AS BIGINT)
)
SELECT p.*, a.question, a.choices, a.gold, a.response AS response_a, b.response AS response_b,
       a.reasoning AS reasoning_a, b.reasoning AS reasoning_b, b.image AS image_b
FROM picked p JOIN responses a ON a.output_id = p.output_a JOIN responses b ON b.output_id = p.output_b
ORDER BY correct_a = CAST($first AS BOOLEAN) DESC, p.model, p.prompt_style, p.arm_b, p.item_id, p.sample;
