"""Where the time of ``erranal run`` goes: CPU-seconds by stage on the MMMU-Pro outputs.

Run: ``python tests/bench/bench_run.py [--limit 400] [--encoder auto]``.

The four files at ../shared/real/mmmu_pro_gpt4o (6,920 outputs; ``--limit`` takes so many of each).
Every stage runs in a process of its own, imports included. The bar: most of the whole is spent in
the encoder, that is in the stage ``embed``.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import erranal

REAL = Path(__file__).parents[2].parent / "shared" / "real" / "mmmu_pro_gpt4o"


def cpu_seconds(*arguments: object) -> float:
    """Run one command of the command line and return its user and system seconds."""
    command = [sys.executable, "-m", "erranal", *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as child:
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {child.returncode}")
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    """Time every stage and print its share."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--encoder", default="auto")
    asked = parser.parse_args()
    if not REAL.exists():
        raise SystemExit(f"needs the outputs at {REAL}")
    with tempfile.TemporaryDirectory() as folder:
        db = ["--db", Path(folder) / "study.duckdb"]
        limit = ["--limit", asked.limit] if asked.limit else []
        extra = {"ingest": [REAL, *limit], "embed": ["--encoder", asked.encoder]}
        spent = {stage: cpu_seconds(stage, *extra.get(stage, []), *db) for stage in erranal.STAGES}
    total = sum(spent.values())
    for stage, seconds in spent.items():
        print(f"{stage:10} {seconds:8.1f} CPU-s {seconds / total:6.1%}")
    verdict = "met" if spent["embed"] > total / 2 else "MISSED"
    print(f"{'all':10} {total:8.1f} CPU-s; most of it in the encoder: {verdict}")


if __name__ == "__main__":
    main()
