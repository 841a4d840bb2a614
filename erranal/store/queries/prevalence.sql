-- name: labelled_rounds
-- The rounds there are, what their populations were, and how far their labels are settled
SELECT r.name, r.kind, r.purpose, r.status, r.codebook_id, b.name AS codebook, r.judge_id, r.scorer, r.created_at,
       r.design ->> '$.given.where' AS condition,
       coalesce(CAST(r.design ->> '$.given.again' AS BOOLEAN), FALSE) AS again, count(u.unit_id) AS units, count(g.unit_id) AS settled
FROM rounds r
JOIN codebooks b USING (codebook_id)
LEFT JOIN units u USING (round_id)
LEFT JOIN gold_labels g ON g.round_id = u.round_id AND g.unit_id = u.unit_id
GROUP BY ALL ORDER BY r.created_at, r.name;

-- name: labelled_judges
-- Judges, other than the gold labels of rounds, with verdicts under a codebook, and how many of these, on responses that
-- were there by then, are newer than a time; models before rules, the newest first
SELECT j.judge_id, j.name, j.kind, j.params, count(*) AS verdicts, max(v.judged_at) AS judged_at,
       count(*) FILTER (o.ingested_at <= $drawn_at) AS of_population,
       count(*) FILTER (o.ingested_at <= $drawn_at AND v.judged_at > $drawn_at) AS since
FROM verdicts v JOIN judges j USING (judge_id) JOIN outputs o USING (output_id)
WHERE v.codebook_id = $codebook_id AND j.kind <> 'human'
GROUP BY j.judge_id, j.name, j.kind, j.params ORDER BY j.kind = 'rules', max(v.judged_at) DESC, j.name;

-- name: labelled_codes
-- Codes of a codebook version with their families, in the order of the book
SELECT code, family, title FROM codes WHERE codebook_id = $codebook_id ORDER BY position;

-- name: labelled_units
-- Every sampled unit of these rounds, with its gold label where it is settled, what a judge says of it now, and the arms
-- that it can be compared under: its own and those of its pairs in the population, whose other side is right or a unit of
-- the round as well; NULL where there is none any more
WITH wanted AS (
    SELECT u.*, r.name AS round, o.ingested_at, o.sample, o.current, a.model, a.prompt_style, a.arm AS of_arm, a.rank
    FROM units u
    JOIN rounds r USING (round_id)
    JOIN outputs o USING (output_id)
    JOIN arms a USING (run_id)
    WHERE list_contains(CAST($rounds AS VARCHAR[]), r.name)
),
paired AS (
    SELECT * FROM compared_pairs
    WHERE scorer = $scorer AND ingested_at <= $drawn_at AND (wrong_a OR wrong_b) AND (TRUE /* where */)
),
sides AS (
    SELECT output_a AS output_id, arm_b AS arm, output_b AS other_id, wrong_b AS other_wrong FROM paired WHERE wrong_a
    UNION ALL
    SELECT output_b, arm_a, output_a, wrong_a FROM paired WHERE wrong_b
),
beside AS (
    SELECT w.round_id, w.unit_id, list_sort(list_distinct(list_append(list(s.arm), any_value(w.of_arm)))) AS arms
    FROM wanted w JOIN sides s USING (output_id)
    WHERE NOT s.other_wrong OR (w.round_id, s.other_id) IN (SELECT (round_id, output_id) FROM units)
    GROUP BY ALL
)
SELECT w.round, w.unit_id, w.pair_id, w.output_id, w.item_id, w.inclusion_probability AS probability, w.arm AS shown,
       w.stratum, w.model, w.prompt_style, l.benchmark, w.of_arm AS arm, w.rank, w.sample, b.arms,
       g.codes AS gold, g.how, CASE WHEN v.status = 'ok' THEN v.codes END AS judged, v.status AS judge_status,
       w.ingested_at > $drawn_at AS later, NOT w.current AS replaced, w.item_id IN (SELECT item_id FROM tuned_items) AS tuned
FROM wanted w
JOIN item_latest l ON l.item_id = w.item_id
LEFT JOIN beside b ON b.round_id = w.round_id AND b.unit_id = w.unit_id
LEFT JOIN gold_labels g ON g.round_id = w.round_id AND g.unit_id = w.unit_id
LEFT JOIN verdicts v ON v.output_id = w.output_id AND v.judge_id = $judge_id AND v.codebook_id = $codebook_id
ORDER BY w.round, w.unit_id;

-- name: population_pairs
-- The population of rounds, counted: pairs of the arm nearest to text and another one, by model, prompt style, benchmark
-- and arm, with how many are wrong on either side and, by code and family, what a judge says of them; code is NULL in the
-- rows that count all
WITH paired AS (
    SELECT model, prompt_style, benchmark, arm_a, arm_b, item_id, output_a, output_b, wrong_a, wrong_b
    FROM compared_pairs WHERE scorer = $scorer AND ingested_at <= $drawn_at AND (TRUE /* where */)
),
wrong AS (SELECT * FROM paired WHERE wrong_a OR wrong_b),
named AS (SELECT output_id, name FROM verdict_names WHERE judge_id = $judge_id AND codebook_id = $codebook_id),
read AS (
    SELECT output_id FROM verdicts WHERE judge_id = $judge_id AND codebook_id = $codebook_id AND status = 'ok'
),
said AS (
    SELECT w.*, n.name, TRUE AS in_a, FALSE AS in_b FROM wrong w JOIN named n ON n.output_id = w.output_a WHERE wrong_a
    UNION ALL
    SELECT w.*, n.name, FALSE, TRUE FROM wrong w JOIN named n ON n.output_id = w.output_b WHERE wrong_b
),
coded AS (
    SELECT model, prompt_style, benchmark, arm_a, arm_b, output_a, output_b, name,
           bool_or(in_a) AS yes_a, bool_or(in_b) AS yes_b
    FROM said GROUP BY ALL
)
SELECT model, prompt_style, benchmark, arm_a, arm_b, NULL AS code, count(*) AS pairs, count(DISTINCT item_id) AS items,
       count(*) FILTER (wrong_a OR wrong_b) AS either, count(*) FILTER (wrong_a) AS in_a, count(*) FILTER (wrong_b) AS in_b,
       count(*) FILTER (wrong_a AND wrong_b) AS in_both,
       count(*) FILTER (wrong_a AND output_a NOT IN (SELECT output_id FROM read)) AS unjudged_a,
       count(*) FILTER (wrong_b AND output_b NOT IN (SELECT output_id FROM read)) AS unjudged_b
FROM paired GROUP BY ALL
UNION ALL BY NAME
SELECT model, prompt_style, benchmark, arm_a, arm_b, name AS code, count(*) AS either,
       count(*) FILTER (yes_a) AS in_a, count(*) FILTER (yes_b) AS in_b, count(*) FILTER (yes_a AND yes_b) AS in_both
FROM coded GROUP BY ALL
ORDER BY ALL;

-- name: population_items
-- How many pairs with an error under any arm a round could have drawn, by item
SELECT item_id, count(DISTINCT (model, prompt_style, sample)) AS pairs FROM compared_pairs
WHERE scorer = $scorer AND ingested_at <= $drawn_at AND (wrong_a OR wrong_b) AND (TRUE /* where */)
GROUP BY item_id ORDER BY item_id;

-- name: population_contrast
-- The wrong pairs of the population by what a judge says of two families, or codes, on either side
WITH wrong AS (
    SELECT model, prompt_style, benchmark, arm_a, arm_b, output_a, output_b, wrong_a, wrong_b
    FROM compared_pairs
    WHERE scorer = $scorer AND ingested_at <= $drawn_at AND (wrong_a OR wrong_b) AND (TRUE /* where */)
),
named AS (
    SELECT output_id, bool_or(name = $first) AS one, bool_or(name = $second) AS other FROM verdict_names
    WHERE judge_id = $judge_id AND codebook_id = $codebook_id AND name IN ($first, $second)
    GROUP BY ALL
)
SELECT model, prompt_style, benchmark, arm_a, arm_b,
       coalesce(wrong_a AND a.one, FALSE) AS first_a, coalesce(wrong_b AND b.one, FALSE) AS first_b,
       coalesce(wrong_a AND a.other, FALSE) AS second_a, coalesce(wrong_b AND b.other, FALSE) AS second_b,
       count(*) AS pairs
FROM wrong LEFT JOIN named a ON a.output_id = output_a LEFT JOIN named b ON b.output_id = output_b
GROUP BY ALL ORDER BY ALL;

-- name: margin_codes
-- Families and codes of any version of a codebook
SELECT name FROM (
    SELECT family AS name, 0 AS deep, min(position) AS position FROM codes JOIN codebooks b USING (codebook_id)
    WHERE b.name = $codebook GROUP BY ALL
    UNION
    SELECT code, 1, min(position) FROM codes JOIN codebooks b USING (codebook_id) WHERE b.name = $codebook GROUP BY ALL
) ORDER BY deep, position;

-- name: margin_history
-- Every margin that was set, and when effects under its codebook were first estimated
WITH looks AS (
    SELECT b.name AS codebook, min(j.started_at) AS looked_at
    FROM journal j JOIN codebooks b ON b.codebook_id = j.counts ->> '$.codebook_id'
    WHERE j.stage = 'prevalence' AND j.status = 'done'
    GROUP BY ALL
)
SELECT m.*, l.looked_at FROM margins m LEFT JOIN looks l USING (codebook) ORDER BY m.set_at;

-- name: labelled_answers
-- What every coder says of every unit of these rounds
SELECT l.round, l.unit_id, u.pair_id, a.model, a.prompt_style, a.arm, a.rank, l.arm AS shown, l.coder_id, l.codes,
       l.codebook_gap, l.lead_time_s
FROM round_labels l
JOIN units u USING (round_id, unit_id)
JOIN outputs o ON o.output_id = l.output_id
JOIN arms a USING (run_id)
WHERE list_contains(CAST($rounds AS VARCHAR[]), l.round)
ORDER BY l.round, l.unit_id, l.coder_id;

-- name: estimates_outdated
-- Remove what analyses said before about one judge and codebook
DELETE FROM estimates
WHERE list_contains(CAST($analyses AS VARCHAR[]), analysis) AND codebook_id = $codebook_id
  AND judge_id IS NOT DISTINCT FROM $judge_id;

-- name: population_lengths
-- Every pair of the population of two arms: how much longer the response of the second is, whether it was cut, and the
-- families that a judge gives to either
WITH families AS (
    SELECT n.output_id, list(n.name ORDER BY n.name) AS names FROM verdict_names n
    WHERE n.judge_id = $judge_id AND n.codebook_id = $codebook_id
      AND n.name IN (SELECT family FROM codes WHERE codebook_id = $codebook_id)
    GROUP BY ALL
),
paired AS (
    SELECT * FROM compared_pairs
    WHERE scorer = $scorer AND ingested_at <= $drawn_at AND arm_a = $reference AND arm_b = $arm AND (TRUE /* where */)
)
SELECT substr(sha256(concat_ws(chr(31), p.item_id, p.model, p.prompt_style, p.sample)), 1, 16) AS pair_id, p.item_id,
       ln(greatest(p.chars_b, 1) / greatest(p.chars_a, 1)) AS longer,
       CAST(p.status_b = 'truncated' AS INTEGER) - CAST(p.status_a = 'truncated' AS INTEGER) AS truncated,
       CASE WHEN p.wrong_a THEN a.names END AS names_a, CASE WHEN p.wrong_b THEN b.names END AS names_b
FROM paired p
LEFT JOIN families a ON a.output_id = p.output_a
LEFT JOIN families b ON b.output_id = p.output_b
ORDER BY pair_id;
