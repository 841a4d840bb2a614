"""Wall time, CPU and memory of a model judge, beside a bare aiohttp loop that sends the same calls.

Run: ``python tests/bench/bench_judge.py [--calls 5000] [--concurrency 64 256] [--memory]``.

The server runs on loopback in a process of its own, with replies after 200 ms in the median
(lognormal, sigma .3). Ours is the whole of ``judge.run`` on a study, in a process of its own:
reading the errors, building prompts, fingerprints, limits, spool, parsing, locating quotes, landing
in DuckDB. The bare loop has the requests as dictionaries in memory, posts them as JSON and decodes
the replies. Imports are not counted on either side: they do not grow with the number of calls.
--memory compares the peak of 10,000 records with that of 100,000, at no latency.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import orjson

sys.path.insert(0, str(Path(__file__).parents[1]))
import loopback
from error_study import error_study

from erranal.store import Study

# ru_maxrss would be inherited from the process that measures.
PEAK = """
def peak():
    status = open("/proc/self/status").read()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024
"""
OURS = (
    PEAK
    + """
import json, sys, time
import pandas, pyarrow, aiohttp, orjson, rapidfuzz
from erranal import codebook, engine, judge
from erranal.judge import labelling, plan
from erranal.models import endpoint, openai, prices, probe
from erranal.store import Study
path, url, concurrency = sys.argv[1], sys.argv[2], int(sys.argv[3])
study = Study(path)
codebook.load("modality_gap")
before, wall = time.process_time(), time.perf_counter()
by = judge.ModelJudge("openai:loopback", url=url, images=False)
table = judge.run(study, judge=by, terms=judge.Terms(limits=engine.Limits(concurrency=concurrency)))
spent = time.process_time() - before
report = table.attrs["report"]
print(json.dumps({"wall": time.perf_counter() - wall, "cpu": spent, "calls": report.calls,
                  "failed": report.failed, "mb": peak()}))
"""
)
BARE = (
    PEAK
    + """
import asyncio, json, sys, time
import aiohttp, orjson
path, url, concurrency = sys.argv[1], sys.argv[2], int(sys.argv[3])
bodies = [orjson.loads(line) for line in open(path, "rb")]
async def main():
    left = iter(bodies)
    async def work(session):
        for body in left:
            async with session.post(url + "/chat/completions", json=body) as reply:
                (await reply.json())["choices"][0]["message"]["content"]
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:
        await asyncio.gather(*(work(session) for _ in range(concurrency)))
before, wall = time.process_time(), time.perf_counter()
asyncio.run(main())
print(json.dumps({"wall": time.perf_counter() - wall, "cpu": time.process_time() - before,
                  "calls": len(bodies), "mb": peak()}))
"""
)


def bodies_of(path: Path, study: Path) -> None:
    """Write the bodies that our client would send, one a line."""
    from erranal import codebook, judge
    from erranal.judge import labelling
    from erranal.models import openai
    from erranal.models.chat import Capabilities

    opened = Study(study)
    by = judge.ModelJudge("openai:loopback", images=False)
    job = labelling.Job(opened, codebook.load("modality_gap"), by, judge.Selection())
    able = Capabilities("json_schema", logprobs=False, images=False)
    with path.open("wb") as file:
        for task in labelling.tasks(job, job.asker(able), images=False):
            file.write(orjson.dumps(openai.body("loopback", task.questions[0].request)) + b"\n")


def measured(program: str, *arguments: str) -> dict:
    """Run a program in a process of its own and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        check=True,
        capture_output=True,
        text=True,
        env=os.environ | {"OPENAI_API_KEY": "none"},
    )
    return json.loads(done.stdout.splitlines()[-1])


def compare(calls: int, concurrency: int, folder: Path) -> None:
    """Measure both clients on the same records and print the ratios."""
    study, bodies = folder / f"{concurrency}.duckdb", folder / "bodies.jsonl"
    error_study(study, calls)
    bodies_of(bodies, study)
    with loopback.process(latency_s=0.2, spread=0.3, judge=True) as server:
        bare = measured(BARE, str(bodies), server.url, str(concurrency))
        ours = measured(OURS, str(study), server.url, str(concurrency))
    for name, found in (("bare", bare), ("erranal", ours)):
        each = 1000 * found["cpu"] / found["calls"]
        print(
            f"  {name:8s} {found['wall']:6.1f} s, {each:.2f} CPU ms a call, {found['mb']:.0f} MB",
            flush=True,
        )
    wall, cpu = ours["wall"] / bare["wall"], ours["cpu"] / bare["cpu"]
    met = "met" if wall <= 1.3 and cpu <= 2 else "NOT met"
    print(f"  wall {wall:.2f} x (bar 1.3), CPU {cpu:.2f} x (bar 2): {met}", flush=True)


def memory(folder: Path) -> None:
    """Compare peaks of two sizes."""
    peaks = []
    for n in (10_000, 100_000):
        error_study(folder / f"m{n}.duckdb", n)
        with loopback.process(judge=True) as server:
            found = measured(OURS, str(folder / f"m{n}.duckdb"), server.url, "64")
        peaks.append(found["mb"])
        print(
            f"{n:,} records: peak {found['mb']:.0f} MB, {n / found['wall']:.0f} a second, "
            f"{1000 * found['cpu'] / found['calls']:.2f} CPU ms a call",
            flush=True,
        )
    print(f"ratio {peaks[1] / peaks[0]:.2f} (bar 1.1)")


def main() -> None:
    """Run the comparison."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, default=5_000)
    parser.add_argument("--concurrency", type=int, nargs="*", default=[64, 256])
    parser.add_argument("--memory", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for concurrency in given.concurrency:
            print(f"{given.calls:,} calls at concurrency {concurrency}", flush=True)
            compare(given.calls, concurrency, Path(folder))
        if given.memory:
            memory(Path(folder))


if __name__ == "__main__":
    main()
