CREATE TABLE estimates (
    journal_id   VARCHAR NOT NULL,
    analysis     VARCHAR NOT NULL,
    estimand     VARCHAR NOT NULL,
    source       VARCHAR NOT NULL,
    judge_id     VARCHAR,
    codebook_id  VARCHAR NOT NULL,
    scorer       VARCHAR,
    rounds       VARCHAR[] NOT NULL,
    grouping     VARCHAR NOT NULL,
    model        VARCHAR,
    prompt_style VARCHAR,
    benchmark    VARCHAR,
    arm          VARCHAR,
    reference    VARCHAR,
    code         VARCHAR NOT NULL,
    estimate     DOUBLE,
    low          DOUBLE,
    high         DOUBLE,
    level        DOUBLE,
    method       VARCHAR NOT NULL,
    p            DOUBLE,
    p_adjusted   DOUBLE,
    adjustment   VARCHAR,
    n            BIGINT NOT NULL,
    positives    BIGINT,
    excluded     BIGINT NOT NULL,
    pool         BIGINT,
    counts       JSON,
    note         VARCHAR
);
COMMENT ON TABLE estimates IS 'One number about codes that a report may print: agreement, trust in a judge, prevalence, effects';
COMMENT ON COLUMN estimates.analysis IS 'agreement (between coders), trust (judge against gold), anchoring, prevalence, effect, equivalence, contrast, adjusted or on request';
COMMENT ON COLUMN estimates.estimand IS 'What is estimated, e.g. alpha, sensitivity, rate, difference';
COMMENT ON COLUMN estimates.source IS 'humans, judge (uncorrected) or corrected (the judge corrected by humans)';
COMMENT ON COLUMN estimates.rounds IS 'Names of the rounds whose labels it rests on';
COMMENT ON COLUMN estimates.grouping IS 'Columns that define the group, e.g. all, model+prompt_style';
COMMENT ON COLUMN estimates.reference IS 'Arm that arm is compared with, NULL where nothing is compared';
COMMENT ON COLUMN estimates.code IS 'Code or family; (any) for the whole label set';
COMMENT ON COLUMN estimates.n IS 'Labelled units, pairs or clusters behind it';
COMMENT ON COLUMN estimates.positives IS 'Labelled units with the code';
COMMENT ON COLUMN estimates.excluded IS 'Units left out: no settled label, no verdict, changed since, or used for tuning';
COMMENT ON COLUMN estimates.pool IS 'Outputs or pairs of the population it speaks about';
COMMENT ON COLUMN estimates.counts IS 'The raw table behind it';
COMMENT ON COLUMN estimates.note IS 'Why it is not to be trusted, or what was done on explicit request';

CREATE TABLE margins (
    codebook VARCHAR NOT NULL,
    code     VARCHAR NOT NULL,
    margin   DOUBLE NOT NULL,
    reason   VARCHAR,
    set_at   TIMESTAMPTZ NOT NULL
);
COMMENT ON TABLE margins IS 'Equivalence margins, fixed before looking; every change is kept and shown';
COMMENT ON COLUMN margins.margin IS 'Largest difference of rates per item that counts as none, as a fraction';
