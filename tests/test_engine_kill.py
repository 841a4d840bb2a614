"""Processes that are killed or interrupted: nothing received is lost, little is asked twice."""

from __future__ import annotations

import json
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

CHILD = Path(__file__).with_name("engine_fakes.py")


def start(folder: Path, items: int, latency_s: float, concurrency: int, every_s: float):
    """Start a child and wait until it is about to ask."""
    given = (folder, items, latency_s, concurrency, every_s)
    command = [sys.executable, str(CHILD), *map(str, given)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    line = child.stdout.readline()
    assert line == "ready\n", child.stderr.read()
    return child


def end(child) -> dict:
    out, err = child.communicate(timeout=30)
    assert child.returncode == 0, err
    assert err == ""
    return json.loads(out)


def asked(folder: Path) -> Counter:
    return Counter((folder / "asked.log").read_text().split())


def table(folder: Path, name: str) -> dict:
    db = sqlite3.connect(folder / "landed.sqlite")
    rows = dict(db.execute(f"SELECT * FROM {name}"))
    db.close()
    return rows


def expected(items: int) -> tuple[dict, dict]:
    """Return the answers and results of an undisturbed run."""
    parts = {item: range(2 if item % 4 == 0 else 1) for item in range(items)}
    answers = {f"{item}.{part}": f"re: {item}.{part}" for item in parts for part in parts[item]}
    results = {item: " ".join(answers[f"{item}.{part}"] for part in parts[item]) for item in parts}
    return answers, results


@pytest.mark.parametrize("every_s", [0.05, 2.0])
def test_ten_kills_at_random_moments_lose_nothing_and_repeat_only_what_was_in_flight(
    tmp_path, every_s
):
    items, concurrency, kills = 3_000, 32, 0
    draw = random.Random(every_s)
    for _ in range(10):
        child = start(tmp_path, items, 0.02, concurrency, every_s)
        time.sleep(draw.uniform(0.02, 0.25))
        child.kill()
        child.communicate()
        kills += child.returncode == -signal.SIGKILL
    assert kills == 10, "the run must be long enough to be killed ten times"
    end(start(tmp_path, items, 0.001, concurrency, every_s))
    answers, results = expected(items)
    assert table(tmp_path, "answers") == answers
    assert table(tmp_path, "results") == results
    repeated = sum(asked(tmp_path).values()) - len(answers)
    assert 0 < repeated <= concurrency * kills
    assert not list((tmp_path / "spool").glob("*.spool"))


def test_ctrl_c_lets_calls_in_flight_finish_and_lands_them(tmp_path):
    child = start(tmp_path, 100_000, 0.4, 8, 2.0)
    time.sleep(0.6)
    child.send_signal(signal.SIGINT)
    outcome = end(child)
    assert outcome["stopped"] == "interrupted"
    assert outcome["took"] < 3.0
    assert len(table(tmp_path, "answers")) == sum(asked(tmp_path).values()) >= 8


def test_a_second_ctrl_c_cuts_calls_short_and_lands_what_was_answered(tmp_path):
    child = start(tmp_path, 100_000, 2.0, 8, 2.0)
    time.sleep(2.5)
    child.send_signal(signal.SIGINT)
    time.sleep(0.1)
    child.send_signal(signal.SIGINT)
    outcome = end(child)
    assert outcome["stopped"] == "interrupted"
    assert outcome["took"] < 4.0
    answered = len(table(tmp_path, "answers"))
    assert answered >= 8
    assert 0 < sum(asked(tmp_path).values()) - answered <= 8, "those in flight were cut short"


def test_after_ctrl_c_the_same_command_goes_on(tmp_path):
    child = start(tmp_path, 400, 0.05, 8, 2.0)
    time.sleep(0.5)
    child.send_signal(signal.SIGINT)
    assert end(child)["stopped"] == "interrupted"
    assert end(start(tmp_path, 400, 0.001, 8, 2.0))["stopped"] is None
    assert (table(tmp_path, "answers"), table(tmp_path, "results")) == expected(400)
    assert set(asked(tmp_path).values()) == {1}


def test_two_processes_never_ask_the_same(tmp_path):
    first = start(tmp_path, 100_000, 0.1, 4, 2.0)
    given = (tmp_path, 100_000, 0.1, 4, 2.0)
    command = [sys.executable, str(CHILD), *map(str, given)]
    second = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert second.returncode == 1
    assert f"process {first.pid}" in second.stderr
    first.send_signal(signal.SIGINT)
    assert end(first)["stopped"] == "interrupted"
