"""Readings repeated, changed, limited or killed leave one consistent study."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import erranal
from erranal import ingest

# -- identities and versions ----------------------------------------------------------------------


def test_a_changed_row_is_a_new_version_of_its_slot(study, tmp_path, row, write, one_arm):
    path = write(tmp_path / "a.jsonl", row(1), row(2, correct=True))
    ingest.run(study, path, mapping=one_arm)
    write(path, row(1), row(2, response="It is two.", correct=False), row(3))
    again = ingest.run(study, path, mapping=one_arm).iloc[0]
    assert (again.landed, again.unchanged, again.new_versions) == (2, 1, 1)
    outputs = study.query("SELECT item_id, response, current FROM outputs ORDER BY ALL")
    assert outputs.to_numpy().tolist() == [
        ["b/i1", "It is 1.", True],
        ["b/i2", "It is 2.", False],
        ["b/i2", "It is two.", True],
        ["b/i3", "It is 3.", True],
    ]
    assert study.query("SELECT outcome FROM graded")["outcome"].tolist() == ["incorrect"]


def test_a_file_that_is_changed_back_makes_its_old_content_current(
    study, tmp_path, row, write, one_arm
):
    path = tmp_path / "a.jsonl"
    for response in ("one", "other", "one"):
        ingest.run(study, write(path, row(1, response=response)), mapping=one_arm)
        assert study.view("responses")["response"].tolist() == [response]
    assert study.count("outputs") == 2
    assert ingest.run(study, path, mapping=one_arm)["status"].tolist() == ["unchanged"]


def test_a_corrected_gold_is_a_new_item_version_and_a_new_output(
    study, tmp_path, row, write, one_arm
):
    path = write(tmp_path / "a.jsonl", row(1))
    ingest.run(study, path, mapping=one_arm)
    ingest.run(study, write(path, row(1, answer="one")), mapping=one_arm)
    items = study.query("SELECT version, gold FROM items ORDER BY version")
    assert items.to_numpy().tolist() == [[1, "1"], [2, "one"]]
    assert study.view("responses")["gold"].tolist() == ["one"]
    assert set(study.view("integrity")["check_name"]) <= {
        "no_partner"
    }  # nobody answers the old version any more


def test_fields_left_out_are_no_new_version_of_an_item(study, tmp_path, row, write):
    text = write(tmp_path / "text.jsonl", row(1), row(2))
    image = write(
        tmp_path / "image.jsonl", row(1, question=None), {"id": "i2", "response": "It is 2."}
    )
    given = {"constant": {"model": "m", "benchmark": "b"}}
    ingest.run(study, [text, image], mapping=given)
    assert study.count("items") == 2
    assert study.view("responses")["question"].tolist().count("1?") == 2
    # The other way round, the fuller one is a version of its own, and both arms are read with it.
    other = erranal.open(tmp_path / "other.duckdb", create=True)
    ingest.run(other, [image, text], mapping=given)
    assert other.query("SELECT max(version) AS n FROM items")["n"][0] == 2
    assert set(other.view("responses")["question"]) == {"1?", "2?"}


def test_versions_within_one_file_are_found_too(study, tmp_path, row, write):
    rows = [
        row(1, modality="image", question=None),
        row(1, modality="text"),
        row(1, modality="text+image", answer=None),
        row(1, modality="ocr-1p", answer="one"),
    ]
    path = write(tmp_path / "a.jsonl", *rows)
    ingest.run(study, path, mapping={"constant": {"model": "m", "benchmark": "b"}})
    versions = study.query("SELECT version, question, gold FROM items ORDER BY version")
    assert versions.astype(object).where(versions.notna(), None).to_numpy().tolist() == [
        [1, None, "1"],
        [2, "1?", "1"],
        [3, "1?", "one"],
    ]


def test_the_same_file_with_another_mapping_is_another_source(study, tmp_path, row, write, one_arm):
    path = write(tmp_path / "a.jsonl", row(1))
    ingest.run(study, path, mapping=one_arm)
    constant = one_arm["constant"] | {"modality": "image"}
    assert ingest.run(study, path, mapping={"constant": constant})["landed"].tolist() == [1]
    assert sorted(study.view("responses")["modality"]) == ["image", "text"]


def test_a_newer_imported_score_replaces_the_older(study, tmp_path, row, write, one_arm):
    for name, correct in (("a", None), ("b", True), ("c", False)):
        path = write(tmp_path / f"{name}.jsonl", row(1, correct=correct, prediction="1"))
        result = ingest.run(study, path, mapping=one_arm).iloc[0]
        assert (result.landed, result.unchanged) == ((1, 0) if name == "a" else (0, 1))
    scores = study.query("SELECT scorer, outcome, extracted, scorer_version FROM scores")
    assert scores.to_numpy().tolist() == [["imported", "incorrect", "1", "table"]]


def test_a_limit_leaves_a_source_unfinished_and_the_rest_lands_later(
    study, tmp_path, row, write, one_arm
):
    path = write(tmp_path / "a.jsonl", *map(row, range(10)))
    first = ingest.run(study, path, mapping=one_arm, limit=4).iloc[0]
    assert (first.status, first.landed, first.rows_read) == ("partial", 4, 4)
    rest = ingest.run(study, path, mapping=one_arm).iloc[0]
    assert (rest.status, rest.landed, rest.unchanged) == ("done", 6, 4)


def test_transactions_of_any_size_give_the_same_study(tmp_path, monkeypatch, row, write):
    rows = [row(n % 7, modality=("text", "image")[n % 2], response=f"{n // 3}") for n in range(40)]
    path = write(tmp_path / "a.jsonl", *rows)
    found = []
    for size in (1, 3, 1000):
        monkeypatch.setattr("erranal.ingest.landing._ROWS", size)
        study = erranal.open(tmp_path / f"{size}.duckdb", create=True)
        ingest.run(study, path, mapping={"constant": {"model": "m"}})
        found.append(content(study))
    assert found[0] == found[1] == found[2]


def content(study) -> dict[str, list]:
    """Return what a study holds, without times."""
    queries = {
        "outputs": "SELECT * EXCLUDE (ingested_at) FROM outputs ORDER BY output_id",
        "items": "SELECT * FROM items ORDER BY item_id, version",
        "scores": "SELECT * FROM scores ORDER BY output_id",
        "rejects": "SELECT * FROM rejects ORDER BY line",
        "sources": "SELECT * EXCLUDE (ingested_at) FROM sources ORDER BY source_id",
        "runs": "SELECT * FROM runs ORDER BY run_id",
    }
    return {name: study.query(sql).astype(str).to_numpy().tolist() for name, sql in queries.items()}


# -- interruptions --------------------------------------------------------------------------------

KILLED = """
import os, signal, sys
import erranal
from erranal import ingest
from erranal.ingest import batch, landing, lines
landing._ROWS, lines.BLOCK = 300, 8192
batch_rows = lines.batches.__kwdefaults__
batch_rows.update(rows=100, size=8192)
def progress(done, total, label):
    if done > total * float(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)
study = erranal.open(sys.argv[1], create=True)
ingest.run(study, sys.argv[2], mapping={mapping}, progress=progress)
"""


def test_killed_readings_go_on_where_they_stopped(tmp_path, row, write):
    rows = [row(n, modality=("text", "image")[n % 2], correct=n % 3 == 0) for n in range(4_000)]
    rows[1_500:1_500] = [row(3, modality="image"), {"id": "no response"}]
    path = write(tmp_path / "a.jsonl", *rows)
    mapping = {"constant": {"model": "m", "benchmark": "b"}}
    killed = erranal.open(tmp_path / "killed.duckdb", create=True)
    seen = [0]
    for share in (0.3, 0.6, 0.9):
        command = [sys.executable, "-c", KILLED.replace("{mapping}", repr(mapping))]
        done = subprocess.run(
            [*command, str(killed.path), str(path), str(share)], check=False, capture_output=True
        )
        assert done.returncode == -signal.SIGKILL, done.stderr
        assert killed.view("sources")["status"].tolist() == ["reading"]
        seen.append(killed.count("outputs"))
    assert seen == sorted(seen)
    assert 0 < seen[-1] < 4_000
    last = ingest.run(killed, path, mapping=mapping).iloc[0]
    assert (last.status, last.landed, last.rejected) == ("done", 4_000 - seen[-1], 2)
    whole = erranal.open(tmp_path / "whole.duckdb", create=True)
    ingest.run(whole, path, mapping=mapping)
    assert content(killed) == content(whole)


def test_a_file_that_changes_while_it_is_read_is_not_done(study, tmp_path, row, write, one_arm):
    path = write(tmp_path / "a.jsonl", *map(row, range(50)))

    def grow(done: int, total: int, label: str) -> None:
        with path.open("a") as file:
            file.write(json.dumps(row(99)) + "\n")

    result = ingest.run(study, path, mapping=one_arm, progress=grow).iloc[0]
    assert result.status == "partial"
    assert "changed while it was read" in result.note
    assert ingest.run(study, path, mapping=one_arm)["status"].tolist() == ["done"]
