ALTER TABLE verdicts ADD COLUMN codebook_gap BOOLEAN;
ALTER TABLE verdicts ADD COLUMN gap_note VARCHAR;
ALTER TABLE verdicts ADD COLUMN votes JSON;
ALTER TABLE verdicts ADD COLUMN samples INTEGER;
ALTER TABLE verdicts ADD COLUMN tokens_cached BIGINT;
ALTER TABLE verdicts ADD COLUMN mode VARCHAR;
ALTER TABLE verdicts ADD COLUMN detail VARCHAR;
ALTER TABLE verdicts ADD COLUMN fingerprint VARCHAR;
COMMENT ON COLUMN verdicts.codebook_gap IS 'The judge says that something is wrong which no code describes';
COMMENT ON COLUMN verdicts.gap_note IS 'What the missing code would be, in the judge''s words';
COMMENT ON COLUMN verdicts.votes IS 'By code: the share of readable samples that gave it, or its probability from log-probabilities';
COMMENT ON COLUMN verdicts.samples IS 'Number of readable samples behind the verdict';
COMMENT ON COLUMN verdicts.mode IS 'How the reply was held to the schema: json_schema, json_object or plain';
COMMENT ON COLUMN verdicts.detail IS 'Why the status is not ok, or what was repaired';
COMMENT ON COLUMN verdicts.fingerprint IS 'Hash of everything that determined the verdict; when it differs now, the record is judged again';
COMMENT ON COLUMN verdicts.confidence IS 'Of the primary code: stated by the judge for one sample, the vote share for several; not calibrated';

CREATE TABLE calls (
    call_id       VARCHAR PRIMARY KEY,
    judge_id      VARCHAR NOT NULL,
    codebook_id   VARCHAR NOT NULL,
    output_id     VARCHAR NOT NULL,
    question      VARCHAR,
    sample        INTEGER NOT NULL,
    repairs       VARCHAR,
    status        VARCHAR NOT NULL,
    mode          VARCHAR,
    reply         VARCHAR,
    probability   DOUBLE,
    finish_reason VARCHAR,
    served_model  VARCHAR,
    error         VARCHAR,
    attempts      INTEGER,
    tokens_in     BIGINT,
    tokens_cached BIGINT,
    tokens_out    BIGINT,
    cost_usd      DOUBLE,
    seconds       DOUBLE,
    batch         VARCHAR,
    asked_at      TIMESTAMPTZ
);
COMMENT ON TABLE calls IS 'One question to a model: it is paid for once, whatever becomes of the run that asked it';
COMMENT ON COLUMN calls.call_id IS 'Hash of everything that determines the reply: model, parameters, prompt, codebook, record, image, sample';
COMMENT ON COLUMN calls.question IS 'The one code that was asked about; NULL when all were asked about at once';
COMMENT ON COLUMN calls.sample IS 'Index of the sample, 0-based';
COMMENT ON COLUMN calls.repairs IS 'The call whose unreadable reply this one asked to put right';
COMMENT ON COLUMN calls.status IS 'answered, refused, failed, or exported to a batch file and not back yet';
COMMENT ON COLUMN calls.probability IS 'Of yes, from the log-probabilities, where one code was asked about and the model gives them';
COMMENT ON COLUMN calls.batch IS 'Batch file that the call was exported to';

CREATE TABLE prompts (
    prompt_id VARCHAR PRIMARY KEY,
    text      VARCHAR NOT NULL
);
COMMENT ON TABLE prompts IS 'The part of a judge''s prompt that is the same for every record';

CREATE TABLE gold_splits (
    gold_id     VARCHAR NOT NULL,
    codebook_id VARCHAR NOT NULL,
    item_id     VARCHAR NOT NULL,
    part        VARCHAR NOT NULL,
    seed        INTEGER NOT NULL,
    PRIMARY KEY (gold_id, codebook_id, item_id)
);
COMMENT ON TABLE gold_splits IS 'Items with gold labels, divided: tune may be shown to a judge, test may not';
COMMENT ON COLUMN gold_splits.gold_id IS 'The judge_id of the imported labels that count as gold';
COMMENT ON COLUMN gold_splits.part IS 'tune or test; all outputs of an item are in one part';

CREATE TABLE settings (
    name  VARCHAR PRIMARY KEY,
    value VARCHAR NOT NULL
);
COMMENT ON TABLE settings IS 'What is drawn once for a study, such as the key that makes prompt markers unguessable, and what batch files were exported for';

COMMENT ON COLUMN evidence.field IS 'response, reasoning, question, choices (no offsets), reference or reference_reasoning (the response under the other condition), or status';

ALTER TABLE sources ADD COLUMN folder VARCHAR;
COMMENT ON COLUMN sources.folder IS 'The folder of the file when it was read, absolute: pictures are named from here';
