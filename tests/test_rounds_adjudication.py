"""Progress without peeking, blind adjudication, gold as a view, the agenda, and closed rounds."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import count
from math import isnan

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from erranal import codebook
from erranal.errors import StageError
from erranal.judge import compare, saving
from erranal.judge.verdict import JudgeSpec, Verdict
from erranal.rounds import (
    adjudicate,
    adjudication_project,
    agenda,
    agreeing,
    interface,
    lifecycle,
    progress,
    sheet,
)
from erranal.rounds.answers import region_problems
from erranal.rounds.form import parse
from erranal.store import Study

MISREAD, MISSED = "reading.value_misread", "reading.content_missed"
CALCULATION, NO_STEPS = "thinking.calculation", "collapse.no_steps"
BOOK = codebook.load("modality_gap")
CODES = [code.code for code in BOOK.codes]
UNITS = 12
START = datetime(2026, 3, 2, 9, tzinfo=UTC)
TEXTS = pa.list_(pa.string())


def output(number: int) -> str:
    return f"{number:016x}"


def unit(number: int) -> str:
    return f"u{number:015d}"


def response(number: int) -> str:
    return f"There are {number + 21} jars 😀, so that is {15 * number} in all."


@pytest.fixture(scope="module")
def bare(tmp_path_factory) -> Study:
    """Return a study with errors under the image arm and one round of them without labels."""
    study = Study(tmp_path_factory.mktemp("rounds") / "study.duckdb")
    saving.save_book(study, BOOK)
    numbers = range(UNITS)
    arms = pd.DataFrame({"condition_id": ["text", "image"], "modality": ["text", "image"]})
    with study.write() as tx:
        tx.append("items", pd.DataFrame([
            {"item_id": f"b/{n}", "item_hash": "h", "version": 1, "benchmark": "b",
             "native_id": str(n), "question": f"How many jars are on shelf {n}?", "gold": "360",
             "source_id": "s"} for n in numbers]))
        tx.append("conditions", arms.assign(prompt_style="cot"))
        tx.append("runs", arms[["condition_id"]].assign(run_id=arms["modality"], model="m"))
        outputs = [(output(n), n, "image", response(n)) for n in numbers]
        outputs += [(f"ref{n}", n, "text", f"It is {n}.") for n in numbers]
        tx.append("outputs", pd.DataFrame([
            {"output_id": name, "slot_id": name, "current": True, "run_id": arm,
             "item_id": f"b/{n}", "item_hash": "h", "sample": 0, "response": text,
             "response_hash": name, "status": "ok", "source_id": "s", "line": 1}
            for name, n, arm, text in outputs]))
        tx.append("scores", pd.DataFrame([
            {"output_id": name, "scorer": "erranal", "scorer_version": "1",
             "outcome": "correct" if arm == "text" else "incorrect"}
            for name, _, arm, _ in outputs]))
    add_round(study, "main", overlap=range(8))
    return study  # fmt: skip


@pytest.fixture
def study(bare, tmp_path) -> Study:
    shutil.copy(bare.path, tmp_path / "study.duckdb")
    return Study(tmp_path / "study.duckdb")


def add_round(study: Study, name: str, *, overlap: Iterable[int], prefix: str = "") -> None:
    """Write a round over all outputs; the first half of its units is coded with suggestions."""
    row = {
        "round_id": f"id-{name}", "name": name, "kind": "main", "purpose": "test",
        "codebook_id": BOOK.codebook_id, "scorer": "erranal", "seed": 1, "design": "{}",
        "config": interface.build(BOOK, image=False, suggestions=False), "config_hash": "c",
        "instructions": "", "status": "open", "created_at": START,
    }  # fmt: skip
    units = [
        {"round_id": row["round_id"], "unit_id": prefix + unit(n), "pair_id": f"p{n}",
         "output_id": output(n), "reference_id": f"ref{n}", "item_id": f"b/{n}", "stratum": "all",
         "inclusion_probability": 0.25, "arm": "suggested" if n < UNITS // 2 else "blind",
         "overlap": n in set(overlap), "position": n}
        for n in range(UNITS)
    ]  # fmt: skip
    with study.write() as tx:
        tx.append("rounds", pd.DataFrame([row]))
        tx.append("units", pd.DataFrame(units))


class Coding:
    """Writes labels as a pull would: every change of an annotation is a revision of its own."""

    def __init__(self, study: Study, round_name: str = "main", prefix: str = "") -> None:
        self._study, self._round, self._prefix = study, f"id-{round_name}", prefix
        self._next = count()
        self.newest: dict[tuple[str, int], str] = {}

    def say(self, coder: str, number: int, *codes: str, **more) -> str:
        """Record one revision; the first code is the primary one."""
        return self.all([(coder, number, codes, more)])[0]

    def all(self, said) -> list[str]:
        rows, regions, replaced = [], [], []
        for coder, number, codes, more in said:
            place = next(self._next)
            label_id = f"{self._round}-label{place:05d}"
            if before := self.newest.get((coder, number)):
                replaced.append(before)
            self.newest[coder, number] = label_id
            rows.append(self._row(label_id, place, coder, number, codes, more))
            regions += [{"label_id": label_id, "region_id": str(n), "origin": "manual", **region}
                        for n, region in enumerate(more.get("regions", ()))]  # fmt: skip
        last = {(row["coder_id"], row["unit_id"]): row["label_id"] for row in rows}
        for row in rows:
            row["current"] = last[row["coder_id"], row["unit_id"]] == row["label_id"]
        kinds = {"codes": TEXTS, "flags": TEXTS, "primary_code": pa.string(), "memo": pa.string()}
        with self._study.write() as tx:
            old = tx.arrow("every_label") if False else None
            assert old is None
            tx.append("labels", _arrow(rows, kinds))
            tx.append("label_regions", pd.DataFrame(regions))
        self._outdate(replaced)
        return [row["label_id"] for row in rows]

    def _row(self, label_id, place, coder, number, codes, more):
        status = more.get("status", "submitted")
        primary = more.get("primary", codes[0] if codes else None)
        submitted = status == "submitted"
        moment = more.get("at", START + timedelta(minutes=place))
        return {
            "label_id": label_id, "round_id": self._round, "unit_id": self._prefix + unit(number),
            "project": "all", "coder_id": coder,
            "annotation_id": hash((coder, number)) % 2**40, "status": status,
            "primary_code": primary if submitted else None,
            "codes": list(codes) if submitted else None,
            "codebook_gap": more.get("gap", False) if submitted else None,
            "flags": more.get("flags", []) if submitted else None,
            "confidence": more.get("confidence", 3) if submitted else None,
            "memo": more.get("memo") if submitted else None, "codebook_id": BOOK.codebook_id,
            "config_hash": "c", "lead_time_s": more.get("lead", 60.0), "created_at": moment,
            "updated_at": moment, "raw": "{}",
        }  # fmt: skip
