"""The embed stage: what is embedded, what is left out, and going on after a stop."""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd
import pytest

from erranal import embed, models
from erranal.errors import ModelError, StageError
from erranal.models.lexical import LexicalEncoder
from erranal.store import Study


def study_of(path, texts, *, outcome="incorrect") -> Study:
    """Write a study with one graded output a text."""
    study, n = Study(path), len(texts)
    names = [f"o{i:04d}" for i in range(n)]
    outputs = {
        "output_id": names,
        "slot_id": names,
        "current": True,
        "run_id": "r",
        "item_id": names,
        "item_hash": "h",
        "sample": 0,
        "response": texts,
        "response_hash": [hashlib.sha256((text or "").encode()).hexdigest() for text in texts],
        "status": "ok",
        "source_id": "s",
        "line": range(n),
    }
    items = {"item_id": names, "item_hash": "h", "version": 1, "benchmark": "b"}
    items |= {"native_id": names, "source_id": "s"}
    outcomes = outcome if isinstance(outcome, list) else [outcome] * n
    scores = {"output_id": names, "scorer": "erranal", "scorer_version": "1", "outcome": outcomes}
    condition = {"condition_id": "c", "modality": "text", "prompt_style": "d"}
    with study.write() as tx:
        tx.append("conditions", pd.DataFrame([condition]))
        tx.append("runs", pd.DataFrame([{"run_id": "r", "model": "m", "condition_id": "c"}]))
        tx.append("items", pd.DataFrame(items))
        tx.append("outputs", pd.DataFrame(outputs))
        tx.append("scores", pd.DataFrame(scores))
    return study


TEXTS = [f"The value of bar {i} is {i * 7} units in {1990 + i}." for i in range(30)]


@pytest.fixture
def study(tmp_path):
    return study_of(tmp_path / "s.duckdb", TEXTS)


def stored(study):
    return study.query("SELECT response_hash, vector, chunks FROM vectors ORDER BY response_hash")


def test_vectors_are_those_of_the_encoder(study):
    summary = embed.run(study, encoder="lexical").iloc[0]
    assert (summary["texts"], summary["already"], summary["left"]) == (30, 0, 0)
    texts = study.query("SELECT response FROM outputs ORDER BY response_hash")["response"].tolist()
    expected, _ = models.load_encoder("lexical").encode(texts)
    np.testing.assert_array_equal(np.stack(stored(study)["vector"]), expected)
    row = study.view("encoders").iloc[0]
    assert (row["encoder_id"], row["kind"]) == (summary["encoder_id"], "lexical")


def test_a_second_run_has_nothing_to_do(study):
    embed.run(study, encoder="lexical")
    summary = embed.run(study, encoder="lexical").iloc[0]
    assert (summary["texts"], summary["already"]) == (0, 30)


def test_a_limit_is_kept_and_the_rest_follows(study):
    assert embed.run(study, encoder="lexical", limit=7).iloc[0]["left"] == 23
    assert study.count("vectors") == 7
    assert embed.run(study, encoder="lexical").iloc[0]["texts"] == 23
    assert study.count("vectors") == 30


def test_identical_texts_are_embedded_once_and_blank_ones_not_at_all(tmp_path):
    texts = ["same", "same", "other", "", " \n\t", "\u00a0\u200b", None]
    study = study_of(tmp_path / "s.duckdb", texts)
    summary = embed.run(study, encoder="lexical").iloc[0]
    assert summary["texts"] == 2
    assert summary["blank_outputs"] == 4
    assert embed.run(study, encoder="lexical").iloc[0]["texts"] == 0


def test_a_population_is_the_errors_or_everything(tmp_path):
    outcome = ["correct"] * 20 + ["incorrect", "refused", "no_answer", "failed", "ungradable"] * 2
    study = study_of(tmp_path / "s.duckdb", TEXTS, outcome=outcome)
    assert embed.run(study, encoder="lexical").iloc[0]["texts"] == 8
    assert embed.run(study, encoder="lexical", population="all").iloc[0]["texts"] == 22


def test_a_perfect_run_has_no_errors_to_embed(tmp_path):
    study = study_of(tmp_path / "s.duckdb", TEXTS, outcome="correct")
    assert embed.run(study, encoder="lexical").iloc[0]["texts"] == 0


class Breaking(LexicalEncoder):
    """Fails on its second batch."""

    calls = 0

    def encode(self, texts, progress=None):
        Breaking.calls += 1
        if Breaking.calls == 2:
            raise ModelError("the device is gone")
        return super().encode(texts, progress)


def test_a_batch_that_was_written_is_not_lost(study, monkeypatch):
    monkeypatch.setattr(embed, "BATCH", (10, 10))
    monkeypatch.setattr(models, "load_encoder", lambda spec: Breaking())
    with pytest.raises(ModelError, match="the device is gone"):
        embed.run(study)
    assert study.count("vectors") == 10
    assert study.view("journal")["status"].tolist() == ["failed"]
    summary = embed.run(study).iloc[0]
    assert (summary["already"], summary["texts"]) == (10, 20)


def test_progress_counts_texts_over_all_batches(study, monkeypatch):
    monkeypatch.setattr(embed, "BATCH", (8, 8))
    seen = []
    embed.run(study, encoder="lexical", progress=lambda *call: seen.append(call))
    assert [done for done, _, _ in seen] == [8, 16, 24, 30]
    assert {total for _, total, _ in seen} == {30}


def test_batches_aim_at_a_duration():
    assert embed.next_batch(256, 5.0) == 512
    assert embed.next_batch(256, 100.0) == embed.BATCH[0]
    assert embed.next_batch(8192, 0.0) == embed.BATCH[1]


def test_the_journal_holds_what_was_done(study):
    summary = embed.run(study, encoder="lexical").iloc[0]
    counts = study.query("SELECT counts->>'texts' AS n, counts->>'encoder_id' AS e FROM journal")
    assert counts.iloc[0].tolist() == ["30", summary["encoder_id"]]


def test_two_encoders_stand_side_by_side(study):
    lexical = embed.run(study, encoder="lexical").iloc[0]["encoder_id"]
    other = embed.run(study, encoder="auto", limit=3).iloc[0]
    if other["kind"] == "lexical":
        pytest.skip(f"one encoder only: {other['note']}")
    assert other["encoder_id"] != lexical
    assert study.count("vectors") == 33


def test_errors_say_the_next_step(study):
    with pytest.raises(StageError, match="errors or all"):
        embed.run(study, population="wrong")
    with pytest.raises(StageError, match="erranal score"):
        embed.run(study, scorer="imported")
