"""The judge stage: what it reads, what it writes, and that it may be stopped and run again."""

from __future__ import annotations

import json
from dataclasses import replace

import pandas as pd
import pytest

from erranal import codebook, judge
from erranal.errors import StageError
from erranal.judge import Selection, records
from erranal.judge.verdict import Evidence, JudgeSpec, Record, Verdict
from erranal.store import Study

STEPS = "\n".join(
    f"In step {n} we take the next of the {n + 3} crates and count the jars in it."
    for n in range(6)
)
# item, arm, response, status, outcome, imported outcome
OUTPUTS = [
    ("1", "text", "24 * 15 = 340. The answer is 340.", "ok", "incorrect", "incorrect"),
    ("1", "image", "The answer is 360.", "ok", "correct", "correct"),
    ("2", "text", STEPS + "\nThe answer is 360.", "ok", "correct", "correct"),
    ("2", "image", "The answer is 340.", "ok", "incorrect", "incorrect"),
    ("2", "image:mono", "I'm sorry, I can't see the image.", "ok", "refused", None),
    ("3", "text", "It is 360, no: the answer is 15.", "ok", "incorrect", "correct"),
    ("3", "image", "", "api_error", "failed", None),
    ("4", "image", "😀 We know this: 24 * 15 = 340, so 340.", "ok", "incorrect", None),
]


def add(study: Study, rows=OUTPUTS, *, gold: str = "360") -> None:
    """Write items, runs, outputs and scores as ingest and score would."""
    frame = pd.DataFrame(rows, columns=["item", "arm", "response", "status", "outcome", "imported"])
    frame["output_id"] = frame["item"] + "/" + frame["arm"]
    arms = sorted(set(frame["arm"]))
    items = pd.DataFrame({"native_id": sorted(set(frame["item"]))})
    items = items.assign(
        item_id="b/" + items["native_id"], item_hash="h", version=1, benchmark="b", source_id="s",
        question="A crate holds 24 bottles. How many are in 15 crates?", gold=gold,
    )  # fmt: skip
    conditions = pd.DataFrame(
        {
            "condition_id": arms,
            "modality": [arm.partition(":")[0] for arm in arms],
            "prompt_style": "cot",
            "render": [arm.partition(":")[2] or None for arm in arms],
        }
    )
    decoding = json.dumps({"max_tokens": 64})
    runs = pd.DataFrame({"run_id": arms, "model": "m", "condition_id": arms, "decoding": decoding})
    outputs = frame.assign(
        slot_id=frame["output_id"], current=True, run_id=frame["arm"], item_id="b/" + frame["item"],
        item_hash="h", sample=0, response_hash=frame["response"], source_id="s", line=1,
    ).drop(columns=["item", "arm", "outcome", "imported"])  # fmt: skip
    scores = frame[["output_id", "outcome"]].assign(scorer="erranal", scorer_version="1")
    imported = frame[["output_id"]].assign(
        outcome=frame["imported"], scorer="imported", scorer_version="1"
    )
    with study.write() as tx:
        tx.append("items", items, on_conflict="ignore")
        tx.append("conditions", conditions, on_conflict="ignore")
        tx.append("runs", runs, on_conflict="ignore")
        tx.append("outputs", outputs)
        tx.append("scores", scores)
        tx.append("scores", imported.dropna())


@pytest.fixture
def study(tmp_path):
    made = Study(tmp_path / "study.duckdb")
    add(made)
    return made


def verdicts(study: Study) -> dict[str, tuple[str | None, list[str]]]:
    frame = study.view("verdicts")
    return {
        row.output_id: (None if pd.isna(row.primary_code) else row.primary_code, list(row.codes))
        for row in frame.itertuples()
    }


def test_every_error_of_every_arm_gets_a_verdict(study):
    judge.run(study)
    assert verdicts(study) == {
        "1/text": ("thinking.calculation", ["thinking.calculation"]),
        "2/image": ("collapse.no_steps", ["collapse.no_steps"]),
        "2/image:mono": ("reading.not_seen", ["reading.not_seen"]),
        "3/text": (None, []),
        "3/image": ("measurement.infrastructure", ["measurement.infrastructure"]),
        "4/image": ("thinking.calculation", ["thinking.calculation"]),
    }
    assert set(study.view("verdicts")["status"]) == {"ok"}
    assert study.view("verdicts")["confidence"].isna().all()


def test_the_summary_counts_codes_by_arm_and_leaves_out_what_is_not_assessed(study):
    table = judge.run(study).set_index("code")
    assert list(table.columns) == ["text", "image", "image:mono"]
    assert table.loc["thinking.calculation"].tolist() == [1, 1, 0]
    assert table.loc["collapse.no_steps"].tolist() == [0, 1, 0]
    assert table.loc["(nothing found)"].tolist() == [1, 0, 0]
    assert table.loc["(errors judged)"].tolist() == [2, 3, 1]
    assert "thinking.reasoning" not in table.index


def test_who_judged_by_what_is_stored(study):
    judge.run(study)
    row = study.view("judges").iloc[0]
    assert row["kind"] == "rules"
    assert pd.isna(row["model"])
    params = json.loads(row["params"])
    assert "thinking.calculation" in params["assesses"]
    assert "thinking.knowledge" not in params["assesses"]
    assert params["scorer"] == "erranal@1"
    book = codebook.load("modality_gap")
    stored = study.view("codebooks").iloc[0]
    assert stored["codebook_id"] == book.codebook_id
    assert stored["source"] == book.source_text
    codes = study.view("codes").sort_values("position")
    assert codes["code"].tolist() == [code.code for code in book.codes]
    assert list(codes.iloc[0]["include"]) == list(book.codes[0].include)
    assert json.loads(codes.iloc[0]["examples"])[0]["kind"] == "positive"
    counts = json.loads(study.view("journal").iloc[-1]["counts"])
    assert counts["judged"] == 6


def test_stored_evidence_lies_in_the_stored_text(study):
    judge.run(study)
    found = study.query(
        "SELECT e.*, r.response, r.question FROM evidence e JOIN responses r USING (output_id)"
    )
    spans = found.dropna(subset=["start_cp"])
    assert len(spans) >= 4
    for row in spans.itertuples():
        if row.field in {"response", "question"}:
            text = getattr(row, row.field)
            assert text[int(row.start_cp) : int(row.end_cp)] == row.quote
    emoji = spans[spans["output_id"] == "4/image"].iloc[0]
    assert emoji["quote"] == "24 * 15 = 340"
    assert emoji["start_cp"] == 16  # the emoji is one code point
    sql = "SELECT substr(response, 17, 13) AS q FROM outputs WHERE output_id = '4/image'"
    assert study.query(sql)["q"].iloc[0] == emoji["quote"]


def test_a_second_run_does_nothing_and_new_errors_are_added(study):
    judge.run(study)
    before = study.view("verdicts")
    judge.run(study)
    assert study.view("verdicts").equals(before)
    add(study, [("5", "image", "1 + 1 = 3", "ok", "incorrect", None)])
    judge.run(study)
    counts = [json.loads(text)["judged"] for text in study.view("journal")["counts"]]
    assert counts == [6, 0, 1]


def test_a_verdict_older_than_its_reference_is_given_again(study):
    judge.run(study)
    assert verdicts(study)["4/image"] == ("thinking.calculation", ["thinking.calculation"])
    steps = STEPS + "\n" + STEPS.replace("next", "one after the next") * 2
    add(study, [("4", "text", steps, "ok", "correct", None)])
    judge.run(study)
    primary, codes = verdicts(study)["4/image"]
    assert (primary, codes[-1]) == ("thinking.calculation", "collapse.shortened_steps")
    evidence = study.query(
        "SELECT * FROM evidence WHERE output_id = '4/image' ORDER BY code, field"
    )
    assert evidence["field"].tolist() == ["reference", "response", "response"]
    judge.run(study)
    assert len(study.view("verdicts")) == 6


def test_the_reference_is_the_arm_nearest_to_text_and_for_text_the_image(study):
    chosen = list(records.selected(study, Selection(), judge_id="x", codebook_id="y"))
    assert {one.output_id: one.reference_id for one in chosen} == {
        "1/text": "1/image",
        "2/image": "2/text",
        "2/image:mono": "2/text",
        "3/text": "3/image",
        "3/image": "3/text",
        "4/image": None,
    }
    batch = records.read(study, chosen, scorer="erranal")
    record = next(r for r in batch if r.output_id == "2/image:mono")
    assert record.reference.startswith("In step 0")
    assert (record.reference_arm, record.reference_outcome) == ("text", "correct")
    assert (record.modality, record.arm, record.token_limit) == ("image", "image:mono", 64)
    assert next(r for r in batch if r.output_id == "3/text").other_outcome == "correct"


def test_a_limit_judges_a_part_and_the_next_run_the_rest(study):
    judge.run(study, limit=2)
    assert study.count("verdicts") == 2
    assert json.loads(study.view("journal").iloc[-1]["parameters"])["limit"] == 2
    judge.run(study)
    assert study.count("verdicts") == 6


def test_errors_are_read_a_page_at_a_time(study, monkeypatch):
    monkeypatch.setattr(records, "PAGE", 2)
    chosen = [
        one.output_id for one in records.selected(study, Selection(), judge_id="x", codebook_id="y")
    ]
    assert chosen == ["1/text", "2/image", "2/image:mono", "3/text", "3/image", "4/image"]


def test_rows_that_moved_since_they_were_selected_are_found_all_the_same(study):
    chosen = list(records.selected(study, Selection(), judge_id="x", codebook_id="y"))
    expected = records.read(study, chosen, scorer="erranal")
    moved = [replace(one, reference_place=99) for one in chosen]
    assert records.read(study, moved, scorer="erranal") == expected
    moved = [replace(one, place=99) for one in chosen]
    assert records.read(study, moved, scorer="erranal") == expected
    assert sum(record.reference != "" for record in expected) == 4


def test_a_selection_narrows_and_a_sample_is_the_same_for_the_same_seed(study):
    def ids(**given):
        found = records.selected(study, Selection(**given), judge_id="x", codebook_id="y")
        return [one.output_id for one in found]

    assert ids(where="arm = 'text'") == ["1/text", "3/text"]
    assert ids(where="outcome = 'failed' OR item_id = 'b/1' -- and no more") == [
        "1/text",
        "3/image",
    ]
    assert len(ids(sample=3)) == records.count(study, Selection(sample=3)) == 3
    assert ids(sample=3) == ids(sample=3)
    assert len({tuple(ids(sample=3, seed=seed)) for seed in range(8)}) > 1
    with pytest.raises(
        StageError, match=r"'nonsense = 1' was refused.*columns to choose by: model, arm"
    ):
        judge.run(study, selection=Selection(where="nonsense = 1"))


def test_a_run_that_is_interrupted_loses_one_batch_at_most(study, monkeypatch):
    monkeypatch.setattr(records, "BATCH", 2)
    seen = []

    def interrupt(done, total, label):
        seen.append((done, total, label))
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        judge.run(study, progress=interrupt)
    assert seen == [(2, 6, "judging"), (4, 6, "judging")]
    assert study.count("verdicts") == 4
    judge.run(study)
    assert json.loads(study.view("journal").iloc[-1]["counts"])["judged"] == 2
    duplicated = study.query(
        "SELECT output_id, code, field FROM evidence GROUP BY ALL HAVING count(*) > 1"
    )
    assert duplicated.empty


def test_the_imported_scores_make_another_judge(study):
    judge.run(study)
    judge.run(study, selection=Selection(scorer="imported"))
    assert study.count("judges") == 2
    assert len(study.view("verdicts")) == 6 + 2


def test_the_next_step_is_named(tmp_path, study):
    with pytest.raises(
        StageError, match=r"no output has a score by 'erranal': run `erranal score`"
    ):
        judge.run(Study(tmp_path / "empty.duckdb"))
    with pytest.raises(StageError, match=r"there is no judge 'oracle': use 'rules'"):
        judge.run(study, judge="oracle")
    with pytest.raises(
        StageError, match=r"can give no code of the codebook 'reading_not_thinking'"
    ):
        judge.run(study, codebook="reading_not_thinking")
    assert study.count("verdicts") == 0


class Unsure:
    """A judge that cannot read its own replies to half of the records."""

    spec = JudgeSpec("llm", "unsure", "1", model="a/b", params={"temperature": 0})
    assesses = frozenset({"thinking.reasoning"})

    def judge(self, record: Record) -> Verdict:
        if record.modality == "text":
            return Verdict(record.output_id, "unparsed", None, None, "no JSON in the reply")
        found = Evidence("thinking.reasoning", "response", None, None, "340", "unsupported", "")
        return Verdict(record.output_id, "ok", found.code, (found.code,), "", 0.4, (found,))


def test_any_judge_that_keeps_the_protocol_can_be_run(study):
    table = judge.run(study, judge=Unsure()).set_index("code")
    assert table.loc["thinking.reasoning", "image"] == 3
    judged = table.loc["(errors judged)"].to_dict()
    assert judged == {"text": 0, "image": 3, "image:mono": 1}
    assert table.loc["(no verdict: unparsed, refused or failed)", "text"] == 2
    missing = study.query("SELECT * FROM verdicts WHERE status = 'unparsed'")
    assert len(missing) == 2
    assert missing["codes"].isna().all()  # missing is never "no code"
    assert study.view("judges").iloc[0]["model"] == "a/b"
