"""How fast outputs are scored: the pure functions, and a whole study with its database.

Run by hand: ``python tests/bench/bench_score.py [OUTPUTS]``. Real responses are used where they are
at ../shared/real, replicated up to OUTPUTS (default 200,000) in a random order.
The bar: 50,000 outputs a second on two cores by the cheap rules.
"""

from __future__ import annotations

import ast
import json
import os
import random
import sys
import tempfile
import time
from pathlib import Path

import pyarrow as pa

from erranal import score
from erranal.score.batch import Batch, score_batch
from erranal.store import Study

REAL = Path(__file__).parents[2].parent / "shared" / "real"


def responses() -> list[tuple[str, str, list[str]]]:
    """Return response, gold and choices of the MMMU-Pro and IsoBench outputs."""
    rows = []
    for file in sorted((REAL / "mmmu_pro_gpt4o").glob("*.jsonl")):
        for line in file.read_text("utf-8").splitlines():
            record = json.loads(line)
            choices = [str(choice) for choice in ast.literal_eval(record["options"])]
            rows.append((record["response"], record["answer"], choices))
    for file in sorted((REAL / "isobench_gpt5nano").glob("*.json")):
        if file.stem == "evaluation_summary":
            continue
        for record in json.loads(file.read_text("utf-8")):
            found = record["evaluation"]
            choices = [str(choice) for choice in found["choices"]]
            rows.append((found["model_response"], str(found["ground_truth"]), choices))
    return rows


def batch(rows: list[tuple[str, str, list[str]]], times: int) -> Batch:
    """Return the outputs as a batch, each so many times."""
    outputs = [(str(n), row[0], "ok", str(n)) for n, row in enumerate(rows)] * times
    return Batch(
        outputs, [(str(n), gold, choices, None, False) for n, (_, gold, choices) in enumerate(rows)]
    )


def filled(path: Path, rows: list[tuple[str, str, list[str]]], outputs: int) -> Study:
    """Return a study that holds the rows, replicated."""
    study = Study(path)
    some = random.Random(0)
    picked = [some.randrange(len(rows)) for _ in range(outputs)]
    ids = [str(n) for n in range(len(rows))]
    items = {"item_id": ids, "item_hash": ids, "native_id": ids, "benchmark": ["b"] * len(rows),
             "version": [1] * len(rows), "source_id": ["s"] * len(rows),
             "gold": [row[1] for row in rows],
             "choices": [row[2] for row in rows]}  # fmt: skip
    numbers = [f"{some.getrandbits(128):032x}" for _ in picked]
    table = {"output_id": numbers, "slot_id": numbers, "current": [True] * outputs,
             "run_id": ["r"] * outputs, "item_id": [str(n) for n in picked],
             "item_hash": [str(n) for n in picked], "sample": list(range(outputs)),
             "response": [rows[n][0] for n in picked], "response_hash": numbers,
             "status": ["ok"] * outputs, "source_id": ["s"] * outputs,
             "line": list(range(outputs))}  # fmt: skip
    condition = {"condition_id": ["c"], "modality": ["image"], "prompt_style": ["direct"]}
    with study.write() as db:
        db.append("conditions", pa.table(condition))
        db.append("runs", pa.table({"run_id": ["r"], "model": ["m"], "condition_id": ["c"]}))
        db.append("items", pa.table(items))
        db.append("outputs", pa.table(table))
    return study


def cpu() -> float:
    """Return the CPU seconds of this process and its finished children."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def measure(label: str, outputs: int, work) -> None:
    """Run something and print its speed."""
    wall, spent = time.perf_counter(), cpu()
    work()
    wall, spent = time.perf_counter() - wall, cpu() - spent
    print(f"{label:34} {outputs / wall:9,.0f} outputs/s  {spent:6.2f} CPU-s  {wall:6.2f} s")


def main() -> None:
    """Measure and print."""
    outputs = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    rows = responses()
    length = sum(len(row[0] or "") for row in rows) / len(rows)
    print(f"{len(rows):,} distinct outputs, mean response {length:.0f} characters")
    measure("rules, one process, cold", len(rows), lambda: score_batch(batch(rows, 1)))
    measure("rules, one process, warm", 3 * len(rows), lambda: score_batch(batch(rows, 3)))
    with tempfile.TemporaryDirectory() as folder:
        study = filled(Path(folder) / "study.duckdb", rows, outputs)
        measure("study, one process", outputs, lambda: score.run(study, workers=1))
        measure("study, two processes", outputs, lambda: score.run(study, rescore=True, workers=2))


if __name__ == "__main__":
    main()
