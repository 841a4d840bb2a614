"""CPU-seconds of the gap stage over a million outputs.

Run: ``python tests/bench/bench_gap.py [--outputs 1000000] [--keep FILE]``.

The study is synthetic: 10 models x 5 arms x 20,000 items of 7 benchmarks and 200 subjects (the
items shrink with --outputs), one sample each, two prompt styles split over the models; responses of
300 to 1,800 characters of sentences, one in ten only "Answer: B"; one scorer. Building it is not
timed. --keep builds the study there once and reuses it.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from erranal import gap
from erranal.store import Study

MODELS, ARMS = 10, ("text", "text+image", "ocr-1p", "image:c1", "image:c2")
BENCHMARKS, SUBJECTS = 7, 200
BAR_CPU_S = 5.0


def _prose(rng: np.random.Generator, words: int) -> str:
    letters = np.array(list("etaoinshrdlucmfwypvbgk0123456789=+"))
    lengths = rng.integers(2, 10, 3000)
    vocabulary = np.array(["".join(rng.choice(letters, n)) for n in lengths])
    ends = rng.choice([" ", ". ", ".\n"], words, p=[0.92, 0.07, 0.01])
    return "".join(np.strings.add(vocabulary[rng.integers(0, 3000, words)], ends))


def _design(study: Study, items: int) -> None:
    item_id = [f"bench{i % BENCHMARKS}/question-{i:06d}" for i in range(items)]
    frame = pd.DataFrame({"item_id": item_id, "item_hash": "h", "version": 1, "source_id": "s"})
    frame["benchmark"] = frame["item_id"].str.split("/").str[0]
    frame["native_id"] = frame["item_id"].str.split("/").str[1]
    frame["subject"] = [f"subject {i % SUBJECTS}" for i in range(items)]
    arms = [(arm, style) for arm in ARMS for style in ("cot", "direct")]
    conditions = pd.DataFrame(
        {
            "condition_id": [f"{arm}/{style}" for arm, style in arms],
            "modality": [arm.partition(":")[0] for arm, _ in arms],
            "prompt_style": [style for _, style in arms],
            "render": [arm.partition(":")[2] or None for arm, _ in arms],
        }
    )
    runs = pd.DataFrame(
        [
            (f"run-{m}-{arm}", f"model-{m}", f"{arm}/{'cot' if m % 2 else 'direct'}")
            for m in range(MODELS)
            for arm in ARMS
        ],
        columns=["run_id", "model", "condition_id"],
    )
    with study.write() as tx:
        tx.append("items", frame)
        tx.append("conditions", conditions)
        tx.append("runs", runs)


def _answers(study: Study, run_id: str, items: int, prose: str, rng: np.random.Generator) -> None:
    start = rng.integers(0, len(prose) - 2000, items)
    length = rng.integers(300, 1800, items)
    short = rng.random(items) < 0.1
    response = [
        "Answer: B" if s else prose[a : a + n]
        for a, n, s in zip(start.tolist(), length.tolist(), short.tolist(), strict=True)
    ]
    output_id = [f"{run_id}-{i:06d}" for i in range(items)]
    outputs = pa.table(
        {
            "output_id": output_id,
            "slot_id": output_id,
            "current": np.ones(items, bool),
            "run_id": [run_id] * items,
            "item_id": [f"bench{i % BENCHMARKS}/question-{i:06d}" for i in range(items)],
            "item_hash": ["h"] * items,
            "sample": np.zeros(items, np.int32),
            "response": response,
            "response_hash": output_id,
            "status": ["ok"] * items,
            "source_id": ["s"] * items,
            "line": np.arange(items),
        }
    )
    outcome = np.array(["correct", "incorrect", "no_answer"])[rng.integers(0, 3, items)]
    scores = pa.table(
        {
            "output_id": output_id,
            "scorer": ["erranal"] * items,
            "scorer_version": ["1"] * items,
            "outcome": outcome,
        }
    )
    with study.write() as tx:
        tx.append("outputs", outputs)
        tx.append("scores", scores)


def build(path: Path, outputs: int) -> Study:
    """Write the synthetic study."""
    study, rng = Study(path), np.random.default_rng(0)
    items = outputs // (MODELS * len(ARMS))
    _design(study, items)
    prose = _prose(rng, 3_000_000)
    for model in range(MODELS):
        for arm in ARMS:
            _answers(study, f"run-{model}-{arm}", items, prose, rng)
    return study


def main() -> None:
    """Build, run once, print CPU-seconds against the bar."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--outputs", type=int, default=1_000_000)
    parser.add_argument("--keep", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = arguments.keep or Path(folder) / "gap.duckdb"
        study = Study(path) if path.exists() else build(path, arguments.outputs)
        wall, cpu = time.perf_counter(), time.process_time()
        frame = gap.run(study)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(
        f"gap over {arguments.outputs:,} outputs: {len(frame)} rows, {cpu:.2f} CPU-s "
        f"(bar {BAR_CPU_S}), {wall:.2f} s wall, {os.cpu_count()} cores"
    )


if __name__ == "__main__":
    main()
