"""Studies with planted codes, a judge that errs, and rounds that are coded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from erranal import codebook
from erranal.rounds import lifecycle, planning
from erranal.store import Study

BOOK = codebook.load("modality_gap")
READING, THINKING = "reading.value_misread", "thinking.calculation"
RATES = {"text": {READING: 0.04, THINKING: 0.20}, "image": {READING: 0.25, THINKING: 0.20}}
JUDGE = "llm-judge"


@dataclass(frozen=True)
class Quality:
    """How often a judge gives a code that is there, and withholds one that is not."""

    sensitivity: float = 0.85
    specificity: float = 0.95


@dataclass
class Planted:
    """A study and the truth behind it: codes of every output that is wrong."""

    study: Study
    truth: dict[str, frozenset[str]]
    rates: Mapping[str, Mapping[str, float]]
    rng: np.random.Generator
    extra: dict[str, Any] = field(default_factory=dict)

    def rate(self, arm: str, code: str) -> float:
        """Return the share of an arm's outputs that have a code, over all models."""
        names = [name for name in self.extra["outputs"] if name.endswith(f"/{arm}")]
        return float(np.mean([code in self.truth.get(name, ()) for name in names]))


def planted_study(
    path: Path,
    n: int = 600,
    *,
    models: Sequence[str] = ("m1",),
    benchmarks: Sequence[str] = ("b",),
    rates: Mapping[str, Mapping[str, float]] = RATES,
    quality: Mapping[str, Quality] | None = None,
    seed: int = 0,
) -> Planted:
    """Write a study of n items for each benchmark, every model under every arm of ``rates``."""
    rng = np.random.default_rng(seed)
    quality = quality or {arm: Quality() for arm in rates}
    planted = Planted(Study(path), {}, rates, rng, {"outputs": []})
    with planted.study.write() as tx:
        arms = list(rates)
        tx.append("conditions", pd.DataFrame({"condition_id": arms, "modality": arms}).assign(
            prompt_style="cot"))  # fmt: skip
        runs = [(f"{m}-{a}", m, a) for m in models for a in arms]
        tx.append("runs", pd.DataFrame(runs, columns=["run_id", "model", "condition_id"]))
        judge = {"judge_id": f"{JUDGE}-id", "kind": "llm", "name": JUDGE, "version": "1"}
        tx.append("judges", pd.DataFrame([judge]))
        for table, rows in codebook.rows(BOOK).items():
            tx.append(table, rows)
        for benchmark in benchmarks:
            items = [f"{benchmark}/{i}" for i in range(n)]
            tx.append("items", pd.DataFrame({"item_id": items, "native_id": items}).assign(
                item_hash="h", version=1, benchmark=benchmark, source_id="s", gold="7",
                question="How many?"))  # fmt: skip
            for model in models:
                for arm in arms:
                    _write_arm(tx, planted, items, model, arm, quality[arm])
    return planted


def _write_arm(tx: Any, planted: Planted, items: list[str], model: str, arm: str,
               quality: Quality) -> None:  # fmt: skip
    rng, rates = planted.rng, planted.rates[arm]
    names = [f"{item}/{model}/{arm}" for item in items]
    planted.extra["outputs"] += names
    has = {code: rng.random(len(items)) < rate for code, rate in rates.items()}
    wrong = np.any(list(has.values()), axis=0)
    frame = pd.DataFrame({"output_id": names, "slot_id": names, "item_id": items})
    tx.append("outputs", frame.assign(
        current=True, run_id=f"{model}-{arm}", item_hash="h", sample=0, response="So it is 8.",
        response_hash=names, status="ok", source_id="s", line=range(len(items)),
        ingested_at=datetime(2026, 1, 1, tzinfo=UTC)))  # fmt: skip
    tx.append(
        "scores",
        frame[["output_id"]].assign(
            outcome=np.where(wrong, "incorrect", "correct"), scorer="erranal", scorer_version="1"
        ),
    )
    said = {
        code: np.where(flags, rng.random(len(items)) < quality.sensitivity,
                       rng.random(len(items)) > quality.specificity)
        for code, flags in has.items()
    }  # fmt: skip
    rows = []
    for i in np.flatnonzero(wrong):
        planted.truth[names[i]] = frozenset(code for code in rates if has[code][i])
        codes = [code for code in rates if said[code][i]]
        rows.append({"output_id": names[i], "codes": codes, "rationale": "r",
                     "primary_code": codes[0] if codes else None})  # fmt: skip
    tx.append("verdicts", pd.DataFrame(rows).assign(
        judge_id=f"{JUDGE}-id", codebook_id=BOOK.codebook_id, status="ok", codebook_gap=False,
        judged_at=datetime(2026, 1, 2, tzinfo=UTC)))  # fmt: skip


def coded_round(
    planted: Planted,
    name: str = "main",
    *,
    size: int = 200,
    accuracy: float = 1.0,
    follows: float = 0.0,
    close: bool = True,
    **wanted: Any,
) -> None:
    """Draw a round and code it as the truth says; overlap units by two coders.

    Each coder errs in a unit with probability 1 - accuracy, the second one only, so that the truth
    decides; where the judge's labels are shown a coder takes them over with ``follows``.
    """
    study, rng = planted.study, planted.rng
    given = {"codebook": BOOK.codebook_id, "judge": JUDGE, "size": size} | wanted
    planning.create(study, name, **given)
    units = study.query(
        "SELECT u.*, v.codes AS judged FROM units u JOIN rounds r USING (round_id) "
        "LEFT JOIN verdicts v ON v.output_id = u.output_id AND v.judge_id = $judge "
        "WHERE r.name = $name ORDER BY position", name=name, judge=f"{JUDGE}-id")  # fmt: skip
    rows: list[dict[str, Any]] = []
    for unit in units.itertuples():
        truth = planted.truth[unit.output_id]
        if unit.arm == "suggested" and rng.random() < follows:
            truth = frozenset(unit.judged)
        for coder in range(2 if unit.overlap else 1):
            said = truth
            if coder and rng.random() > accuracy:
                said = frozenset({READING if THINKING in truth else THINKING})
            rows.append(_label(unit, f"coder-{coder + 1}", sorted(said), len(rows)))
    with study.write() as tx:
        tx.append("labels", pd.DataFrame(rows).drop(columns="_output"))
        tx.append("coders", pd.DataFrame({"coder_id": ["coder-1", "coder-2"]}),
                  on_conflict="ignore")  # fmt: skip
        tx.append("adjudications", _decided(planted, rows)) if accuracy < 1 else None
    if close:
        lifecycle.close(study, name)


def _label(unit: Any, coder: str, codes: list[str], number: int) -> dict[str, Any]:
    at = datetime(2026, 2, 1, tzinfo=UTC) + timedelta(seconds=number)
    return {
        "label_id": f"{unit.unit_id}-{coder}", "round_id": unit.round_id, "unit_id": unit.unit_id,
        "project": "all", "coder_id": coder, "annotation_id": number, "current": True,
        "status": "submitted", "primary_code": codes[0] if codes else None, "codes": codes,
        "codebook_gap": False, "flags": [], "codebook_id": BOOK.codebook_id, "config_hash": "c",
        "shown_judge_id": f"{JUDGE}-id" if unit.arm == "suggested" else None,
        "lead_time_s": 10.0, "created_at": at, "updated_at": at, "raw": "{}",
        "_output": unit.output_id,
    }  # fmt: skip


def _decided(planted: Planted, rows: list[dict[str, Any]]) -> pd.DataFrame:
    by_unit: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        by_unit.setdefault(row["unit_id"], []).append(row)
    found = []
    for unit_id, said in by_unit.items():
        if len({tuple(row["codes"]) for row in said}) > 1:
            codes = sorted(planted.truth[said[0]["_output"]])
            found.append({
                "adjudication_id": f"a-{unit_id}", "round_id": said[0]["round_id"],
                "unit_id": unit_id, "adjudicator": "adjudicator", "primary_code": codes[0],
                "codes": codes, "codebook_gap": False, "reason": "looked again",
                "decided_on": [row["label_id"] for row in said], "current": True,
                "decided_at": datetime(2026, 3, 1, tzinfo=UTC)})  # fmt: skip
    return pd.DataFrame(found)
