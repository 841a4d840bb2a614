"""Known figures of real public outputs, from the files to the gap."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pytest
import scripted_judge
from loopback import Loopback

import erranal
from erranal.store import Study

GROUP = "model+prompt_style"
RENDERS = {
    "fields": {
        "id": "material_id",
        "gold": "truth",
        "response": "pred",
        "model": "^model",
        "render": "^convention",
    },
    "constant": {"benchmark": "crystal systems", "modality": "image"},
    "records": "predictions",
}


def analysed(tmp_path_factory, paths, mapping=None) -> Study:
    study = erranal.open(tmp_path_factory.mktemp("real") / "study.duckdb", create=True)
    files = erranal.ingest.run(study, paths, mapping=mapping)
    assert set(files["status"]) <= {"done", "skipped"}, files
    erranal.score.run(study)
    erranal.gap.run(study)
    return study


@pytest.fixture(scope="module")
def mmmu(real_outputs, tmp_path_factory):
    return analysed(tmp_path_factory, real_outputs / "mmmu_pro_gpt4o")


@pytest.fixture(scope="module")
def isobench(real_outputs, tmp_path_factory):
    return analysed(tmp_path_factory, real_outputs / "isobench_gpt5nano")


@pytest.fixture(scope="module")
def renders(real_outputs, tmp_path_factory):
    return analysed(tmp_path_factory, real_outputs / "render_conventions", RENDERS)


def gaps(study: Study, scorer: str):
    return study.query(
        """SELECT * FROM gaps WHERE scorer = $scorer AND failures = 'wrong'
           AND "grouping" = $grouping""",
        scorer=scorer,
        grouping=GROUP,
    ).set_index("prompt_style")


def test_mmmu_pro_lands_whole(mmmu):
    assert mmmu.count("outputs") == 6920
    assert mmmu.query("SELECT count(DISTINCT item_id) AS n FROM items")["n"][0] == 1730
    assert mmmu.count("rejects") == 0


@pytest.mark.parametrize(
    ("style", "right", "discordant", "p"),
    [("cot", (952, 866), (256, 170), 3.6e-5), ("direct", (694, 734), (259, 299), 0.099)],
)
def test_mmmu_pro_by_the_imported_scores(mmmu, style, right, discordant, p):
    row = gaps(mmmu, "imported").loc[style]
    assert (row["both_right"] + row["only_a"], row["both_right"] + row["only_b"]) == right
    assert (row["only_a"], row["only_b"]) == discordant
    assert row["p_exact"] == pytest.approx(p, rel=0.02)


def test_no_refusal_is_read_as_option_i(mmmu):
    refusals = mmmu.query(
        """SELECT s.outcome, s.extracted, r.response
           FROM responses r JOIN scores s USING (output_id)
           WHERE s.scorer = 'erranal' AND r.arm = 'image' AND r.prompt_style = 'direct'
             AND r.status = 'refusal'"""
    )
    assert len(refusals) > 200
    assert (refusals["extracted"].fillna("") != "I").all()
    # A few apologise and then answer all the same: those count by what they answer.
    right = refusals[refusals["outcome"] == "correct"]
    assert right["response"].str.contains("Answer:").all()


def test_answers_the_official_parser_misread_are_right(mmmu):
    disagreements = erranal.score.disagreements(mmmu)
    direct = disagreements.query("arm == 'text+image' and prompt_style == 'direct'")
    leading = direct["response"].str.extract(r"^\(?([A-J])[.):]")[0]
    misread = direct[(leading == direct["gold"]) & (direct["imported_outcome"] == "incorrect")]
    assert len(misread) >= 30
    assert (misread["outcome"] == "correct").all()


def test_every_disagreement_is_listed(mmmu):
    table = erranal.score.compare(mmmu)
    listed = len(erranal.score.disagreements(mmmu))
    assert listed == table.loc[~table["agree"], "outputs"].sum()
    assert listed > 0


def test_isobench_by_the_imported_scores(isobench):
    [(_, row)] = gaps(isobench, "imported").iterrows()
    assert row["pairs"] == 1687
    assert (row["both_right"] + row["only_a"], row["both_right"] + row["only_b"]) == (1642, 1365)
    assert (row["only_a"], row["only_b"]) == (298, 21)


def test_render_conventions_have_the_accuracies_of_their_files(renders, real_outputs):
    ours = renders.query(
        """SELECT model, render, round(avg(correct::INT), 4) AS accuracy FROM graded
           WHERE scorer = 'erranal' GROUP BY ALL"""
    ).set_index(["model", "render"])["accuracy"]
    files = sorted((real_outputs / "render_conventions").glob("*.json"))
    documents = [json.loads(file.read_text("utf-8")) for file in files]
    assert len(documents) == len(ours) == 20
    for document in documents:
        assert ours[document["model"], document["convention"]] == pytest.approx(document["micro"])


def test_render_conventions_are_a_negative_control(renders):
    rows = renders.query(
        """SELECT * FROM gaps WHERE scorer = 'erranal' AND failures = 'wrong'
           AND "grouping" = 'model+prompt_style'"""
    )
    assert len(rows) == 16
    assert set(rows["arm_a"]) == {"image:C1_frozen"}
    assert rows["p_adjusted"].min() > 0.05


def erranal_command(*arguments: object) -> str:
    """Run the command line as a user does and return what it printed to stdout."""
    done = subprocess.run(
        [sys.executable, "-m", "erranal", *map(str, arguments)],
        check=False,
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_rules_and_a_model_judge_the_cot_errors_as_a_user_would(mmmu, tmp_path):
    db = shutil.copy(mmmu.path, tmp_path / "study.duckdb")
    where = ("--where", "prompt_style = 'cot'", "--db", db)
    loopback = Loopback(script=scripted_judge.verdict, faults={"500": 0.02, "poison": 0.01}, seed=8)
    with loopback.in_thread() as server:
        model = ("--model", "openai:scripted", "--url", server.url, "--no-images")
        erranal_command("judge", "run", *where)
        plan = json.loads(erranal_command("judge", "plan", *model, *where, "--json"))
        assert server.received == 0
        errors = plan["records"]
        assert plan["to_judge"] == plan["calls"] == errors > 1_000
        made = json.loads(
            erranal_command("judge", "run", *model, *where, "--concurrency", 64, "--json")
        )
        assert made["run"]["items"] == errors
        status = json.loads(erranal_command("judge", "status", "--db", db, "--json"))
        by_name = {row["judge"]: row for row in status}
        assert by_name["rules"]["verdicts"] == by_name["scripted"]["verdicts"] == errors
        failed = by_name["scripted"]["failed"]
        assert by_name["scripted"]["ok"] + failed == errors
        assert failed > 0
        server.poison = 0.0
        erranal_command("judge", "retry", "scripted", "--db", db)
        status = json.loads(erranal_command("judge", "status", "--db", db, "--json"))
        assert {row["judge"]: row["ok"] for row in status} == dict.fromkeys(by_name, errors)
    found = json.loads(
        erranal_command("judge", "compare", "scripted", "rules", "--db", db, "--json")
    )
    assert {row["n"] for row in found["per_code"]} == {errors}
    shown = erranal_command("judge", "show", found["disagreements"][0]["output_id"], "--db", db)
    assert "rules, not a model" in shown
    assert "=== " in shown  # the record as it was quoted to the model
    page = tmp_path / "report.html"
    erranal_command("report", "--db", db, "--out", page)
    text = page.read_text("utf-8")
    assert "scripted" in text
    assert "only" in text
