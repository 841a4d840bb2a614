"""Scoring inside a study: what is scored, when again, and what the real files give."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from erranal import score
from erranal.store import Study

REAL = Path(__file__).parents[1].parent / "shared" / "real"


def real(folder: str) -> Path:
    if not (REAL / folder).exists():
        pytest.skip(f"the real data are not at {REAL / folder}")
    return REAL / folder


ROWS = [
    # item, response, status, gold, choices, what the file said
    ("a", "Answer: B", "ok", "B", ["x", "y"], "correct"),
    ("b", "J. nothing", "ok", "B", ["x", "y"], "correct"),
    ("c", None, "empty", "B", ["x", "y"], "incorrect"),
    ("d", "I'm sorry, I can't.", "ok", "A", ["x", "y"], "correct"),
    ("e", None, "api_error", "A", ["x", "y"], "incorrect"),
    ("f", r"\boxed{\sqrt{16}}", "ok", "4", None, "incorrect"),
    ("g", "The answer is 12.", "ok", None, None, None),
    ("h", r"\boxed{9^{9^{9^{9}}}}", "ok", "4", None, "incorrect"),
]
EXPECTED = {
    "a": ("correct", "B", "final_line"),
    "b": ("no_answer", None, None),
    "c": ("no_answer", None, "empty"),
    "d": ("refused", None, "refusal"),
    "e": ("failed", None, "empty"),
    "f": ("correct", r"\sqrt{16}", "boxed"),
    "g": ("ungradable", "12.", "final_line"),
    "h": ("ungradable", "9^{9^{9^{9}}}", "boxed"),
}


def item(name, gold, choices):
    return {
        "item_id": f"t/{name}", "item_hash": "1", "version": 1, "benchmark": "t",
        "native_id": name, "gold": gold, "choices": choices, "source_id": "s",
        "question": "How many?",
    }  # fmt: skip


def output(number, name, response, status, **changes):
    return {
        "output_id": f"o-{name}", "slot_id": f"slot-{name}", "current": True, "run_id": "r",
        "item_id": f"t/{name}", "item_hash": "1", "sample": 0, "response": response,
        "response_hash": str(number), "status": status, "source_id": "s", "line": number + 1,
    } | changes  # fmt: skip


def imported(name, outcome):
    return {"output_id": f"o-{name}", "scorer": "imported", "scorer_version": "file",
            "outcome": outcome, "extracted": "X"}  # fmt: skip


@pytest.fixture
def study(tmp_path):
    study = Study(tmp_path / "study.duckdb")
    condition = {"condition_id": "image/cot", "modality": "image", "prompt_style": "cot"}
    run = {"run_id": "r", "model": "m", "condition_id": "image/cot"}
    with study.write() as db:
        db.append("conditions", pd.DataFrame([condition]))
        db.append("runs", pd.DataFrame([run]))
        db.append("items", pd.DataFrame([item(n, g, c) for n, _, _, g, c, _ in ROWS]))
        outputs = [output(i, row[0], row[1], row[2]) for i, row in enumerate(ROWS)]
        db.append("outputs", pd.DataFrame(outputs))
        scores = [imported(row[0], row[5]) for row in ROWS if row[5]]
        db.append("scores", pd.DataFrame(scores))
    return study


def ours(study):
    found = study.query("SELECT * FROM scores WHERE scorer = 'erranal' ORDER BY output_id")
    return found.set_index("output_id")


def test_every_current_output_gets_one_score(study, monkeypatch):
    monkeypatch.setattr(score, "Equivalence", lambda: score.equivalence.Equivalence(1.5))
    seen = []
    summary = score.run(study, progress=lambda done, total, label: seen.append((done, total)))
    found = ours(study)
    got = {
        name.removeprefix("o-"): tuple(None if pd.isna(cell) else cell for cell in row)
        for name, row in found[["outcome", "extracted", "rule"]].iterrows()
    }
    assert got == EXPECTED
    assert seen == [(8, 8)]
    assert summary["outputs"].sum() == 8
    assert set(summary.columns) == {"model", "arm", "prompt_style", "outcome", "outputs"}
    counts = json.loads(study.view("journal")["counts"].iloc[0])
    assert counts["scored"] == 8
    assert counts["correct"] == 2


def without_formulas(study):
    with study.write() as db:
        for name in ("f", "h"):
            db.clear("outputs", output_id=f"o-{name}")
    return study


def test_a_second_run_scores_what_is_new(study):
    without_formulas(study)
    score.run(study, limit=2)
    assert len(ours(study)) == 2
    seen = []
    score.run(study, progress=lambda done, total, label: seen.append((done, total)))
    assert seen == [(4, 4)]
    score.run(study, progress=lambda *step: seen.append(step))
    assert len(seen) == 1


def test_scores_of_an_older_version_are_replaced(study, monkeypatch):
    without_formulas(study)
    monkeypatch.setattr(score, "SCORER_VERSION", "0")
    score.run(study)
    assert set(ours(study)["scorer_version"]) == {"0"}
    monkeypatch.undo()
    score.run(study)
    assert set(ours(study)["scorer_version"]) == {score.SCORER_VERSION}
    assert len(ours(study)) == 6


def test_rescore_takes_all_and_outdated_outputs_none(study):
    without_formulas(study)
    with study.write() as db:
        old = output(9, "z", "Answer: B", "ok", current=False, item_id="t/a")
        db.append("outputs", pd.DataFrame([old]))
    seen = []
    for _ in range(2):
        score.run(study, rescore=True, progress=lambda done, total, label: seen.append(total))
    assert seen == [6, 6]


def test_child_processes_give_the_same_scores(study):
    without_formulas(study)
    score.run(study)
    alone = ours(study)
    score.run(study, rescore=True, workers=2)
    pd.testing.assert_frame_equal(ours(study), alone)


def test_compare_counts_and_disagreements_list(study):
    without_formulas(study)
    score.run(study)
    table = score.compare(study)
    assert table["outputs"].sum() == 5
    assert dict(table.groupby("agree")["outputs"].sum()) == {False: 2, True: 3}
    listed = score.disagreements(study)
    assert set(listed["output_id"]) == {"o-b", "o-d"}
    assert listed["response"].notna().all()


def test_an_immense_response_is_read_at_its_end(study):
    without_formulas(study)
    with study.write() as db:
        huge = output(9, "z", "bla. " * 100_000 + "\nAnswer: B", "ok", item_id="t/a")
        db.append("outputs", pd.DataFrame([huge]))
    score.run(study)
    assert ours(study).loc["o-z", "outcome"] == "correct"


# ---- the real files ----

AGREEMENT = {
    "graph_connectivity": 0.97,
    "graph_isomorphism": 0.98,
    "graph_maxflow": 0.97,
    "math_breakpoint": 0.96,
    "math_convexity": 1.0,
    "math_parity": 1.0,
    "winner_id": 0.94,
    # These two were asked without their options and scored by a model that had them: three in ten
    # responses name no option ("Silver is a metal"), which is no answer here.
    "chemistry": 0.74,
    "physics": 0.59,
}


@pytest.fixture(scope="module")
def real_study(tmp_path_factory):
    from erranal import ingest

    files = sorted(real("mmmu_pro_gpt4o").glob("*.jsonl"))
    files += [real("isobench_gpt5nano") / f"{task}.json" for task in AGREEMENT]
    study = Study(tmp_path_factory.mktemp("real") / "study.duckdb")
    ingest.run(study, files)
    score.run(study)
    return study


def graded(study, sql):
    return study.query(
        "SELECT r.*, s.outcome, s.extracted, s.rule, f.outcome AS official, "
        "f.extracted AS official_extracted FROM responses r "
        "JOIN scores s ON s.output_id = r.output_id AND s.scorer = 'erranal' "
        "JOIN scores f ON f.output_id = r.output_id AND f.scorer = 'imported' WHERE " + sql
    )


def test_no_refusal_is_option_i(real_study):
    rows = graded(real_study, "model = 'gpt-4o' AND arm = 'image' AND prompt_style = 'direct'")
    sorry = rows[rows["response"].str.match(r"I(?:'|’| a)m (?:sorry|unable|not able)", na=False)]
    silent = sorry[~sorry["response"].str.contains(r"Answer: \(?[A-J]")]
    assert len(silent) > 190
    assert set(silent["outcome"]) == {"refused"}
    assert set(sorry[sorry["extracted"] == "I"]["response"].str.contains(r"Answer: \(?I")) <= {True}


def test_letters_that_the_official_parser_misread_are_right(real_study):
    rows = graded(real_study, "model = 'gpt-4o' AND arm <> 'image' AND prompt_style = 'direct'")
    first = rows["response"].str.extract(r"^\W*([A-L])(?:[.):\s]|$)")[0]
    misread = rows[(first == rows["gold"]) & (first != rows["official_extracted"])]
    assert len(misread) >= 30
    assert set(misread["outcome"]) == {"correct"}


def test_we_agree_with_the_official_score_but_for_its_own_mistakes(real_study):
    table = score.compare(real_study)
    mmmu = table[table["model"] == "gpt-4o"]
    correct = mmmu[mmmu["outcome"] == "correct"].groupby(["arm", "prompt_style"])["outputs"].sum()
    # Official: 952, 866, 694 and 734; it guesses where nothing parses and reads "I'm" as option I.
    assert correct.to_dict() == {
        ("image", "cot"): 866,
        ("text+image", "cot"): 954,
        ("image", "direct"): 718,
        ("text+image", "direct"): 743,
    }
    cot = mmmu[mmmu["prompt_style"] == "cot"]
    assert cot[~cot["agree"]]["outputs"].sum() <= 16


@pytest.mark.parametrize("task", AGREEMENT)
def test_free_text_answers_agree_with_the_files_own_score(real_study, task):
    rows = graded(real_study, f"model = 'gpt-5-nano' AND item_id LIKE '%/{task}/%'")
    assert len(rows) >= 150
    agree = (rows["outcome"] == "correct") == (rows["official"] == "correct")
    assert agree.mean() >= AGREEMENT[task]


def test_accuracies_of_the_render_conventions_are_the_files_own():
    files = sorted(real("render_conventions").glob("*.json"))
    assert len(files) == 20
    for file in files:
        document = json.loads(file.read_text("utf-8"))
        grades = [
            score.grade(score.extract(row["pred"]), gold=row["truth"])
            for row in document["predictions"]
        ]
        right = sum(grade.outcome == "correct" for grade in grades)
        assert round(right / len(grades), 4) == document["micro"]


def test_grade_school_solutions_are_read():
    lines = (real("gsm8k") / "test.jsonl").read_text("utf-8").splitlines()
    golds = [json.loads(line)["answer"] for line in lines]

    def accuracy(responses):
        pairs = zip(responses, golds, strict=True)
        grades = [
            score.grade(score.extract(text, answer_type="numeric"), gold=gold)
            for text, gold in pairs
        ]
        return sum(grade.outcome == "correct" for grade in grades) / len(grades)

    assert accuracy(golds) == 1.0
    # Without the marked answer, in free prose.
    assert accuracy([gold.rsplit("####", 1)[0] for gold in golds]) > 0.95


def test_step_solutions_agree_with_the_human_label():
    folder = real("mr_gsm8k")
    rows = json.loads((folder / "GPT3_5_eval_results.json").read_text("utf-8"))
    agree = 0
    for row in rows:
        found = score.extract("\n".join(row["model_output_steps"]), answer_type="numeric")
        grade = score.grade(found, gold=str(row["ground_truth_answer"]))
        right = row["model_output_answer_correctness"] == "correct"
        agree += (grade.outcome == "correct") == right
    assert len(rows) == 173
    assert agree >= 171
