-- name: estimates_sets
-- For which judges and codebook versions there are estimates, the newest run first
SELECT e.judge_id, e.codebook_id, j.name AS judge, j.kind, b.name AS codebook, b.version AS codebook_version,
       count(*) AS estimates, max(r.started_at) AS made_at
FROM estimates e
LEFT JOIN judges j USING (judge_id)
LEFT JOIN codebooks b USING (codebook_id)
LEFT JOIN journal r USING (journal_id)
GROUP BY ALL ORDER BY made_at DESC NULLS LAST, e.judge_id, e.codebook_id;

-- name: estimates_runs
-- The runs behind the estimates of one judge and codebook version, and when what they rest on last changed
WITH run AS (
    SELECT journal_id, rounds, scorer, list_sort(list_distinct(list(analysis))) AS analyses
    FROM estimates WHERE codebook_id = $codebook_id AND judge_id IS NOT DISTINCT FROM $judge_id
    GROUP BY journal_id, rounds, scorer
)
SELECT run.*, r.stage, r.started_at, r.parameters, r.versions,
       greatest(
           (SELECT max(l.pulled_at) FROM labels l JOIN rounds d USING (round_id) WHERE list_contains(run.rounds, d.name)),
           (SELECT max(a.decided_at) FROM adjudications a JOIN rounds d USING (round_id) WHERE list_contains(run.rounds, d.name)),
           (SELECT max(v.judged_at) FROM verdicts v
            WHERE v.judge_id IS NOT DISTINCT FROM $judge_id AND v.codebook_id = $codebook_id)
       ) AS changed_at
FROM run LEFT JOIN journal r USING (journal_id)
ORDER BY r.started_at, run.journal_id;

-- name: estimates_rows
-- All estimates of one judge and codebook version, as they were made
SELECT * FROM estimates
WHERE codebook_id = $codebook_id AND judge_id IS NOT DISTINCT FROM $judge_id
ORDER BY rowid;

-- name: methods_data
-- What was compared: responses, items, models, benchmarks, prompt styles and errors by one scorer
SELECT count(*) AS responses, count(DISTINCT item_id) AS items,
       count(*) FILTER (outcome IN ('incorrect', 'no_answer', 'refused', 'failed')) AS errors,
       list_sort(list_distinct(list(model))) AS models, list_sort(list_distinct(list(benchmark))) AS benchmarks,
       list_sort(list_distinct(list(prompt_style))) AS prompt_styles,
       (SELECT list_sort(list_distinct(list(scorer_version))) FROM scores WHERE scorer = $scorer) AS scorer_versions,
       (SELECT count(DISTINCT item_id) FROM tuned_items) AS tuned_items
FROM graded WHERE scorer = $scorer;

-- name: methods_codebook
-- One codebook version with how many codes and families it has
SELECT b.name, b.version, b.title, count(*) AS codes, count(DISTINCT c.family) AS families
FROM codebooks b JOIN codes c USING (codebook_id) WHERE codebook_id = $codebook_id GROUP BY ALL;

-- name: methods_judge
-- One judge and what became of what it was given under a codebook version
SELECT j.kind, j.name, j.version, j.model, j.params, count(v.output_id) AS verdicts,
       count(*) FILTER (v.status = 'ok') AS readable, min(v.judged_at) AS first_at, max(v.judged_at) AS last_at,
       list_sort(list_distinct(list(v.mode))) AS modes, max(v.samples) AS samples,
       (SELECT list_sort(list_distinct(list(c.served_model))) FROM calls c
        WHERE c.judge_id = $judge_id AND c.codebook_id = $codebook_id) AS served
FROM judges j LEFT JOIN verdicts v ON v.judge_id = j.judge_id AND v.codebook_id = $codebook_id
WHERE j.judge_id = $judge_id GROUP BY ALL;

-- name: methods_rounds
-- Rounds as they were planned and as they were coded
WITH said AS (
    SELECT u.round_id, count(*) AS units, count(DISTINCT u.pair_id) AS pairs, min(u.inclusion_probability) AS least,
           count(*) FILTER (u.arm = 'suggested') AS suggested, count(*) FILTER (u.arm = 'blind') AS blind,
           count(c.unit_id) AS coded, count(*) FILTER (c.coders > 1) AS twice,
           count(*) FILTER (c.coders > 1 AND c.agreed) AS agreed,
           count(d.unit_id) AS adjudicated, count(*) FILTER (d.stale) AS stale,
           list_sort(list_distinct(list(d.adjudicator))) AS adjudicators, count(g.unit_id) AS settled
    FROM units u
    LEFT JOIN coded_units c ON c.round_id = u.round_id AND c.unit_id = u.unit_id
    LEFT JOIN decisions d ON d.round_id = u.round_id AND d.unit_id = u.unit_id
    LEFT JOIN gold_labels g ON g.round_id = u.round_id AND g.unit_id = u.unit_id
    GROUP BY u.round_id
),
people AS (
    SELECT round_id, list_sort(list_distinct(list(coder_id))) AS coders, count(*) AS labels,
           count(*) FILTER (shown_judge_id IS NOT NULL) AS shown
    FROM round_labels GROUP BY round_id
)
SELECT r.name, r.kind, r.purpose, r.status, r.created_at, r.closed_at, r.seed, r.design, r.scorer, j.name AS judge,
       said.* EXCLUDE (round_id), people.* EXCLUDE (round_id)
FROM rounds r
LEFT JOIN judges j USING (judge_id)
LEFT JOIN said USING (round_id)
LEFT JOIN people USING (round_id)
WHERE list_contains(CAST($rounds AS VARCHAR[]), r.name)
ORDER BY r.created_at, r.name;
