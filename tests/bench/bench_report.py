"""CPU-seconds to write the report of 50,000 responses, and seconds to open it in a browser.

Run: ``python tests/bench/bench_report.py [--outputs 50000] [--words 200] [--keep FILE]``.

The study is the synthetic one of ``tests/report_study.py``: 2 models x 2 prompt styles x 2 arms,
random texts of up to ``--words`` words, every table filled. Building it is not timed. Opening is
the wall time of headless Chromium until a record is shown, less that of an empty page.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import json
import os
import resource
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path

from erranal import report
from erranal.store import Study

BAR_CPU_S, BAR_OPEN_S = 20.0, 5.0
PORT, TIMEOUT_S = 9377, 60
PAGES = f"http://127.0.0.1:{PORT}/json/list"


def _study(path: Path, outputs: int, words: int) -> Study:
    if path.exists():
        return Study(path)
    source = Path(__file__).parent.parent / "report_study.py"
    spec = importlib.util.spec_from_file_location("report_study", source)
    synthetic = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(synthetic)
    study = synthetic.build(path, items=outputs // 8, words=words)
    synthetic.fill(study)
    return study


def _open(uri: str, folder: Path, sign: str) -> float:
    # Seconds from starting the browser until the address of its page holds a sign.
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"]
    command += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
    command += [f"--user-data-dir={folder / 'profile'}", f"--remote-debugging-port={PORT}", uri]
    started = time.perf_counter()
    quiet = subprocess.DEVNULL
    child = subprocess.Popen(command, stdout=quiet, stderr=quiet, start_new_session=True)
    try:
        while time.perf_counter() - started < TIMEOUT_S:
            time.sleep(0.02)
            with contextlib.suppress(OSError), urllib.request.urlopen(PAGES, timeout=5) as answer:
                if any(sign in page["url"] for page in json.load(answer)):
                    return time.perf_counter() - started
        raise TimeoutError(f"{uri} was not ready after {TIMEOUT_S} s")
    finally:
        os.killpg(child.pid, signal.SIGTERM)
        child.wait()


def _report_opening(page: Path, folder: Path) -> None:
    if not (shutil.which("chromium") or shutil.which("google-chrome")):
        print("opening: not measured, no chromium or google-chrome here")
        return
    empty = folder / "empty.html"
    empty.write_text("<!doctype html><title>empty</title>")
    _open(empty.as_uri(), folder, "empty")  # the first start makes the profile
    floor = min(_open(empty.as_uri(), folder, "empty") for _ in range(3))
    # Once it has chosen a record the page adds its filters to the address.
    opened = min(_open(f"{page.as_uri()}#id=o0000001", folder, "outcome=") for _ in range(3))
    print(f"opening: {opened - floor:.2f} s over an empty page's {floor:.2f} s (bar {BAR_OPEN_S})")


def main() -> None:
    """Build, write once, open three times, print against the bars."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--outputs", type=int, default=50_000)
    parser.add_argument("--words", type=int, default=200)
    parser.add_argument("--keep", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = arguments.keep or folder / "report.duckdb"
        study = _study(path, arguments.outputs, arguments.words)
        page = folder / "page.html"
        wall, cpu = time.perf_counter(), time.process_time()
        row = report.run(study, path=page).iloc[0]
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        print(
            f"report of {row['records']:,} responses: {cpu:.2f} CPU-s (bar {BAR_CPU_S}), "
            f"{wall:.2f} s wall, page {row['bytes'] / 1e6:.1f} MB, peak memory {peak:.2f} GB, "
            f"{os.cpu_count()} cores"
        )
        _report_opening(page, folder)


if __name__ == "__main__":
    main()
