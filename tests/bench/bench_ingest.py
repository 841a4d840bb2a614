"""Ingest against DuckDB's own reading of the same file.

    python tests/bench/bench_ingest.py --records 100000

Two sides to compare with: ``flat`` reads the file into one table of its own fields, without keys;
``tables`` reads it into tables of the study's shape (items, outputs with their hashes and primary
keys, scores) by SQL alone, with no check of any row. The bar is 1.5 times in CPU and wall.

Each side runs in a process of its own; CPU seconds and peak memory are those of that process.
Shared machines are noisy: go by the ratios of one run.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

COLUMNS = {
    "id": "VARCHAR", "question": "VARCHAR", "choices": "VARCHAR[]", "gold": "VARCHAR",
    "subject": "VARCHAR", "model": "VARCHAR", "modality": "VARCHAR", "prompt_style": "VARCHAR",
    "response": "VARCHAR", "correct": "BOOLEAN", "prediction": "VARCHAR",
    "finish_reason": "VARCHAR", "tokens_out": "BIGINT",
}  # fmt: skip
MAPPING = {"constant": {"benchmark": "bench"}}


def write(path: Path, records: int) -> None:
    """Write records of about 1.8 kB as harnesses do: one run (model and arm) after the other.

    The texts are Zipf-distributed words of a large vocabulary, numbers and formulas, so that they
    compress about as badly as real responses do.
    """
    chance = random.Random(0)
    letters = "etaoinshrdlucmfwypvbgkqjxz"
    words = ["".join(chance.choices(letters, k=chance.randint(2, 11))) for _ in range(60_000)]
    weights = list(itertools.accumulate(1 / (rank + 10) for rank in range(len(words))))
    pieces = chance.choices(words, cum_weights=weights, k=400_000)
    for place in range(0, len(pieces), 9):
        pieces[place] = f"{chance.uniform(-500, 500):.2f}"
    for place in range(4, len(pieces), 31):
        pieces[place] = f"\\frac{{{chance.randint(1, 99)}x}}{{{chance.randint(1, 99)}}} =\n"

    def passage(length: int) -> str:
        start = chance.randrange(len(pieces) - length)
        cut = chance.randrange(1, length)
        return " ".join(pieces[start + cut : start + length] + pieces[start : start + cut])

    items = records // 4
    questions = [passage(70) for _ in range(items)]
    runs = [(model, modality) for model in ("model-a", "model-b") for modality in ("text", "image")]
    with path.open("w", encoding="utf-8") as file:
        for model, modality in runs:
            for number, question in enumerate(questions):
                record = {
                    "id": f"item-{number}", "question": question,
                    "choices": [f"option {letter} of {number}" for letter in "abcd"],
                    "gold": "B", "subject": f"subject {number % 30}", "model": model,
                    "modality": modality, "prompt_style": "cot",
                    "response": " ".join(passage(45) for _ in range(chance.randint(1, 5))),
                    "correct": chance.random() < 0.6, "prediction": "B",
                    "finish_reason": "stop", "tokens_out": chance.randint(50, 900),
                }  # fmt: skip
                file.write(json.dumps(record) + "\n")


def _source(path: str) -> str:
    columns = ", ".join(f"{name}: '{kind}'" for name, kind in COLUMNS.items())
    return f"read_json('{path}', format = 'newline_delimited', columns = {{{columns}}})"


def flat_side(path: str, folder: str) -> None:
    import duckdb

    with duckdb.connect(str(Path(folder) / "flat.duckdb")) as db:
        db.execute("SET preserve_insertion_order = false")
        db.execute(f"CREATE TABLE t AS SELECT * FROM {_source(path)}")


def tables_side(path: str, folder: str) -> None:
    import duckdb

    import erranal

    file = Path(folder) / "tables.duckdb"
    erranal.open(file, create=True)
    with duckdb.connect(str(file)) as db:
        db.execute("SET preserve_insertion_order = false")
        db.execute(f"CREATE TEMP TABLE t AS SELECT * FROM {_source(path)}")
        db.execute(
            "INSERT INTO items SELECT 'bench/' || id, "
            "left(sha256(concat_ws('/', question, choices, gold)), 20), 1, 'bench', id, NULL, "
            "any_value(subject), question, choices, gold, NULL, NULL, 's' "
            "FROM t GROUP BY id, question, choices, gold"
        )
        db.execute(
            "INSERT INTO outputs SELECT left(sha256(slot_id || response_hash), 20), slot_id, true, "
            "run_id, item_id, item_hash, 0, response, response_hash, NULL, NULL, NULL, 'ok', "
            "finish_reason, NULL, tokens_out, NULL, 's', n, now() FROM "
            "(SELECT *, left(sha256(concat_ws('/', run_id, item_id)), 20) AS slot_id FROM "
            "(SELECT *, left(sha256(concat_ws('/', model, modality)), 20) AS run_id, "
            "'bench/' || id AS item_id, left(sha256(response), 20) AS response_hash, rowid AS n, "
            "left(sha256(concat_ws('/', question, choices, gold)), 20) AS item_hash FROM t))"
        )
        db.execute(
            "INSERT INTO scores SELECT o.output_id, 'imported', 'x', "
            "if(t.correct, 'correct', 'incorrect'), t.prediction, NULL, NULL "
            "FROM t JOIN outputs o ON o.line = t.rowid"
        )


def erranal_side(path: str, folder: str) -> None:
    import erranal
    from erranal import ingest

    study = erranal.open(Path(folder) / "study.duckdb", create=True)
    row = ingest.run(study, path, mapping=MAPPING).iloc[0]
    print(f"   landed {row.landed} of {row.rows_read}, rejected {row.rejected}")


def again_side(path: str, folder: str) -> None:
    import erranal
    from erranal import ingest
    from erranal.ingest import integrity

    study = erranal.open(Path(folder) / "study.duckdb", create=True)
    print(f"   the same file again: {ingest.run(study, path, mapping=MAPPING).status.iloc[0]}")
    started = time.process_time()
    integrity.rebuild(study)
    seconds = time.process_time() - started
    print(f"   the integrity ledger, which the first reading includes: {seconds:.1f} CPU-s")


SIDES = {"flat": flat_side, "tables": tables_side, "erranal": erranal_side, "again": again_side}


def measure(side: str, path: Path, folder: Path) -> tuple[float, float]:
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, __file__, "--side", side, "--file", str(path), "--folder", str(folder)],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    wall = time.monotonic() - started
    print(done.stdout, end="")
    return float(done.stdout.split("CPU ")[-1].split()[0]), wall


def child(side: str, path: str, folder: str) -> None:
    SIDES[side](path, folder)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    print(f"CPU {usage.ru_utime + usage.ru_stime:.2f} MB {usage.ru_maxrss / 1024:.0f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--side")
    parser.add_argument("--file")
    parser.add_argument("--folder")
    options = parser.parse_args()
    if options.side:
        child(options.side, options.file, options.folder)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "records.jsonl"
        write(path, options.records)
        size = path.stat().st_size / 1e6
        print(f"{options.records} records, {size:.0f} MB, load {os.getloadavg()[0]:.1f}")
        results = {}
        for side in SIDES:
            cpu, wall = results[side] = measure(side, path, folder)
            print(f"{side}: {cpu:.1f} CPU-s, {wall:.1f} s")
        for file in sorted(folder.glob("*.duckdb")):
            print(f"{file.name}: {file.stat().st_size / 1e6:.0f} MB")
        ours = results["erranal"]
        for side in ("flat", "tables"):
            cpu, wall = (mine / theirs for mine, theirs in zip(ours, results[side], strict=True))
            print(f"erranal / {side}: CPU {cpu:.2f}, wall {wall:.2f}")


if __name__ == "__main__":
    main()
