CREATE TABLE rounds (
    round_id    VARCHAR PRIMARY KEY,
    name        VARCHAR NOT NULL UNIQUE,
    kind        VARCHAR NOT NULL,
    purpose     VARCHAR NOT NULL,
    codebook_id VARCHAR NOT NULL,
    judge_id    VARCHAR,
    scorer      VARCHAR NOT NULL,
    seed        INTEGER NOT NULL,
    design      JSON NOT NULL,
    config      VARCHAR NOT NULL,
    config_hash VARCHAR NOT NULL,
    instructions VARCHAR NOT NULL,
    status      VARCHAR NOT NULL,
    created_at  TIMESTAMPTZ NOT NULL DEFAULT current_timestamp,
    closed_at   TIMESTAMPTZ
);
COMMENT ON TABLE rounds IS 'One round of human coding: a sample, a labelling form and what became of it';
COMMENT ON COLUMN rounds.kind IS 'calibration or main';
COMMENT ON COLUMN rounds.purpose IS 'tune (may be used to tune a judge) or test (may not); units of the one are never sampled for the other';
COMMENT ON COLUMN rounds.judge_id IS 'The judge whose labels are suggested to coders, NULL for none';
COMMENT ON COLUMN rounds.design IS 'Size, strata, uniform share, overlap and share without suggestions, as planned';
COMMENT ON COLUMN rounds.config IS 'All labelling forms as JSON, frozen for the life of the round';
COMMENT ON COLUMN rounds.status IS 'planned, open or closed';

CREATE TABLE units (
    round_id     VARCHAR NOT NULL,
    unit_id      VARCHAR NOT NULL,
    pair_id      VARCHAR NOT NULL,
    output_id    VARCHAR NOT NULL,
    reference_id VARCHAR,
    item_id      VARCHAR NOT NULL,
    stratum      VARCHAR NOT NULL,
    inclusion_probability DOUBLE NOT NULL,
    arm          VARCHAR NOT NULL,
    overlap      BOOLEAN NOT NULL,
    people       INTEGER NOT NULL,
    position     INTEGER NOT NULL,
    PRIMARY KEY (round_id, unit_id)
);
COMMENT ON TABLE units IS 'What coders are given: one erring output of a sampled pair, with its reference beside it';
COMMENT ON COLUMN units.pair_id IS 'What was sampled: the text response with its image responses (item, model, prompt style and sample); all that are wrong are units';
COMMENT ON COLUMN units.inclusion_probability IS 'Of the pair, by the design';
COMMENT ON COLUMN units.arm IS 'suggested (coders see the judge''s labels) or blind, by hash of the pair';
COMMENT ON COLUMN units.overlap IS 'Coded by two or more coders';
COMMENT ON COLUMN units.people IS 'How many coders are to code it';

CREATE TABLE round_projects (
    round_id    VARCHAR NOT NULL,
    project     VARCHAR NOT NULL,
    server      VARCHAR NOT NULL,
    project_id  BIGINT NOT NULL,
    arm         VARCHAR,
    coder_id    VARCHAR,
    config_hash VARCHAR NOT NULL,
    created_at  TIMESTAMPTZ NOT NULL DEFAULT current_timestamp,
    pulled_to   TIMESTAMPTZ,
    PRIMARY KEY (round_id, project)
);
COMMENT ON TABLE round_projects IS 'The Label Studio projects of a round: one per arm, or one per coder and arm, and those for adjudication';
COMMENT ON COLUMN round_projects.arm IS 'suggested or blind, NULL for adjudication';
COMMENT ON COLUMN round_projects.server IS 'Its address, or files';
COMMENT ON COLUMN round_projects.pulled_to IS 'Newest change on the server that has been pulled';

CREATE TABLE round_tasks (
    round_id     VARCHAR NOT NULL,
    project      VARCHAR NOT NULL,
    unit_id      VARCHAR NOT NULL,
    task_id      BIGINT NOT NULL,
    content_hash VARCHAR NOT NULL,
    shown_judge_id VARCHAR,
    pushed_at    TIMESTAMPTZ NOT NULL DEFAULT current_timestamp,
    PRIMARY KEY (round_id, project, unit_id)
);
COMMENT ON TABLE round_tasks IS 'One task on a server: a unit as it was pushed';
COMMENT ON COLUMN round_tasks.task_id IS '0 where the number is not known, as in files';
COMMENT ON COLUMN round_tasks.shown_judge_id IS 'The judge whose labels the task shows, NULL for none';

CREATE TABLE coders (
    coder_id VARCHAR PRIMARY KEY,
    server   VARCHAR,
    user_id  BIGINT,
    name     VARCHAR
);
COMMENT ON TABLE coders IS 'People who code; coder_id is an alias such as coder-1 that does not name them';

CREATE TABLE labels (
    label_id      VARCHAR PRIMARY KEY,
    round_id      VARCHAR NOT NULL,
    unit_id       VARCHAR NOT NULL,
    project       VARCHAR NOT NULL,
    coder_id      VARCHAR NOT NULL,
    annotation_id BIGINT NOT NULL,
    current       BOOLEAN NOT NULL,
    status        VARCHAR NOT NULL,
    primary_code  VARCHAR,
    codes         VARCHAR[],
    codebook_gap  BOOLEAN,
    flags         VARCHAR[],
    confidence    INTEGER,
    memo          VARCHAR,
    shown_judge_id VARCHAR,
    codebook_id   VARCHAR NOT NULL,
    config_hash   VARCHAR NOT NULL,
    lead_time_s   DOUBLE,
    created_at    TIMESTAMPTZ,
    updated_at    TIMESTAMPTZ NOT NULL,
    pulled_at     TIMESTAMPTZ NOT NULL DEFAULT current_timestamp,
    raw           JSON NOT NULL
);
COMMENT ON TABLE labels IS 'What one coder said of one unit, every revision of it';
COMMENT ON COLUMN labels.current IS 'True for the newest revision of an annotation';
COMMENT ON COLUMN labels.status IS 'submitted, skipped or deleted; codes are NULL unless submitted';
COMMENT ON COLUMN labels.primary_code IS 'NULL with empty codes where the coder sees no error that a code describes';
COMMENT ON COLUMN labels.shown_judge_id IS 'The judge whose labels this coder saw, NULL for none';
COMMENT ON COLUMN labels.raw IS 'The annotation as the server gave it';

CREATE TABLE label_regions (
    label_id  VARCHAR NOT NULL,
    region_id VARCHAR NOT NULL,
    field     VARCHAR NOT NULL,
    start_cp  INTEGER NOT NULL,
    end_cp    INTEGER NOT NULL,
    quote     VARCHAR NOT NULL,
    kind      VARCHAR NOT NULL,
    origin    VARCHAR
);
COMMENT ON TABLE label_regions IS 'Spans that a coder marked, in Unicode code points, end exclusive';
COMMENT ON COLUMN label_regions.field IS 'response, reasoning, reference or reference_reasoning';
COMMENT ON COLUMN label_regions.origin IS 'prediction, prediction-changed or manual: what the human really did';

CREATE TABLE refused_annotations (
    round_id      VARCHAR NOT NULL,
    project       VARCHAR NOT NULL,
    task_id       BIGINT,
    annotation_id BIGINT,
    reason        VARCHAR NOT NULL,
    detail        VARCHAR,
    raw           JSON,
    seen_at       TIMESTAMPTZ NOT NULL DEFAULT current_timestamp
);
COMMENT ON TABLE refused_annotations IS 'Annotations that could not be read as labels of their round, with the reason';

CREATE TABLE adjudications (
    adjudication_id VARCHAR PRIMARY KEY,
    round_id     VARCHAR NOT NULL,
    unit_id      VARCHAR NOT NULL,
    adjudicator  VARCHAR NOT NULL,
    primary_code VARCHAR,
    codes        VARCHAR[] NOT NULL,
    codebook_gap BOOLEAN NOT NULL,
    reason       VARCHAR NOT NULL,
    decided_on   VARCHAR[] NOT NULL,
    current      BOOLEAN NOT NULL,
    decided_at   TIMESTAMPTZ NOT NULL
);
COMMENT ON TABLE adjudications IS 'Decisions where coders disagree, beside the originals; earlier decisions are kept';
COMMENT ON COLUMN adjudications.decided_on IS 'The labels that were before the adjudicator';

COMMENT ON COLUMN judges.kind IS 'rules, llm, imported, or human for the gold labels of a closed round; rules are never presented as a model';
