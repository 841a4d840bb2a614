"""Seconds and memory of bootstrap intervals for the rates of codes and the agreement on them.

Run: ``python tests/bench/bench_stats.py [--resamples 10000] [--items 4000] [--codes 20]``.

Three coders give each of 4,000 items any of 20 codes, of rates from 1 % to 30 %; one rating in ten
is missing. Each measurement is a process of its own, imports left out of the time and counted in
the memory. Beside alpha on every code there is one alpha of the whole label sets, with MASI.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import time

BARS = {"rates": 3.0, "alpha": 5.0, "ac1": None, "masi": None}
BAR_GB = 1.0


def measure(name: str, resamples: int, items: int, codes: int) -> None:
    """Make the data, run one function and print its cost."""
    import numpy as np

    from erranal.stats import bootstrap
    from erranal.stats.alpha import alpha_bootstrap

    rng = np.random.default_rng(0)
    truth = rng.random((items, codes)) < np.linspace(0.01, 0.30, codes)
    given = np.where(
        rng.random((3, items, codes)) < 0.05, rng.random((3, items, codes)) < 0.2, truth
    )
    given = given.astype(float)
    given[rng.random((3, items)) < 0.1] = np.nan
    names = np.array([f"code{i}" for i in range(codes)])
    sets = [
        [None if np.isnan(row[0]) else frozenset(names[row == 1]) for row in coder]
        for coder in given
    ]
    run = {
        "rates": lambda: bootstrap.rate_bootstrap(given[0], resamples=resamples),
        "alpha": lambda: bootstrap.alpha_code_bootstrap(given, resamples=resamples),
        "ac1": lambda: bootstrap.ac1_code_bootstrap(given, resamples=resamples),
        "masi": lambda: [alpha_bootstrap(sets, "masi", resamples=resamples)],
    }[name]
    wall, cpu = time.perf_counter(), time.process_time()
    result = run()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    bar = BARS[name]
    met = (bar is None or wall < bar) and memory < BAR_GB
    limit = f"bar {bar:g} s and {BAR_GB:g} GB" if bar else f"bar {BAR_GB:g} GB"
    print(
        f"{name:6s} {wall:6.2f} s wall, {cpu:6.2f} CPU-s, {memory:.2f} GB ({limit}): "
        f"{'met' if met else 'NOT met'}; first: {result[0]}",
        flush=True,
    )


def main() -> None:
    """Measure each function in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--resamples", type=int, default=10_000)
    parser.add_argument("--items", type=int, default=4_000)
    parser.add_argument("--codes", type=int, default=20)
    parser.add_argument("--only", choices=BARS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    size = (given.resamples, given.items, given.codes)
    if given.only:
        measure(given.only, *size)
        return
    print("{:,} resamples x {:,} items x {} codes, {} cores".format(*size, os.cpu_count()))
    for name in BARS:
        command = [sys.executable, __file__, "--only", name, *sys.argv[1:]]
        subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
