"""A whole round on a real Label Studio, through the commands: what comes back is what was done."""

from __future__ import annotations

import json
import random
import subprocess
import sys

import pandas as pd
import pytest
import scripted_judge
from error_study import error_study
from loopback import Loopback

from erranal import judge
from erranal.engine import Limits

pytest.importorskip("httpx", reason="the packages of rounds are not installed")
Image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
UNITS = 200
CODES = ("reading.value_misread", "thinking.calculation", "output.format")


def command(*arguments: object) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "erranal", *map(str, arguments)],
        check=False,
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def answer(code: str | None) -> list[dict]:
    """Return an annotation's result that gives one code, or none."""
    primary = {"choices": [code or "none"]}
    result = [region("primary", "choices", primary)]
    if code:
        path = {"taxonomy": [[code.split(".")[0], code]]}
        result.append(region("codes", "taxonomy", path))
    return result


def region(name: str, kind: str, value: dict) -> dict:
    return {"from_name": name, "to_name": "response", "type": kind, "value": value}


@pytest.fixture
def study(tmp_path, label_studio):
    """Return a study of errors with pictures and a model's verdicts on them."""
    made = error_study(tmp_path / "study.duckdb", UNITS, words=40)
    folder = label_studio.images / "whole"
    folder.mkdir(exist_ok=True)
    for number in range(UNITS):
        colour = (number, 255 - number, 120)
        Image.new("RGB", (40, 30), colour).save(folder / f"{number}.png")
    import duckdb

    with duckdb.connect(str(made.path)) as db:
        db.execute(
            "UPDATE outputs SET image = replace(item_id, 'b/', '') || '.png' WHERE run_id = 'image'"
        )
        db.execute(
            "INSERT INTO sources (source_id, path, sha256, bytes, reader, status) VALUES "
            "('s', $path, 'x', 1, 'table', 'done')",
            {"path": str(folder / "results.jsonl")},
        )
    with Loopback(script=scripted_judge.verdict).in_thread() as server:
        by = judge.ModelJudge("openai:scripted", url=server.url, images=False)
        judge.run(made, judge=by, terms=judge.Terms(limits=Limits(concurrency=16)))
    return made


def test_two_coders_and_an_adjudicator(study, label_studio, tmp_path):
    db = ("--db", study.path)
    server = ("--url", label_studio.url, "--token-env", label_studio.variable("admin"))
    folder = ("--image-folder", label_studio.folder / "files")
    command("rounds", "create", "whole", "--size", UNITS, "--judge", "scripted", *db)
    pushed = json.loads(command("rounds", "push", "whole", *db, *server, *folder, "--json"))
    assert sum(row["created"] for row in pushed) == study.count("units") == UNITS
    again = json.loads(command("rounds", "push", "whole", *db, *server, *folder, "--json"))
    assert sum(row["unchanged"] for row in again) == UNITS
    done = code_everything(study, label_studio)
    command("rounds", "pull", "whole", *db, *server)
    assert labels(study) == done.at_first
    done.change_minds()
    for client in done.clients.values():
        client.close()
    command("rounds", "pull", "whole", "--full", *db, *server)
    assert labels(study) == done.at_last
    assert study.count("labels") == len(done.at_first) + done.revisions
    assert study.count("refused_annotations") == 0
    seen = study.query(
        "SELECT DISTINCT u.arm, l.shown_judge_id IS NOT NULL AS shown FROM labels l "
        "JOIN units u USING (round_id, unit_id)"
    )
    assert set(map(tuple, seen.to_numpy())) == {("blind", False), ("suggested", True)}
    sheet = tmp_path / "sheet.csv"
    command("rounds", "adjudicate", "whole", "--out", sheet, *db)
    table = pd.read_csv(sheet, dtype=object)
    assert set(table["unit_id"]) == done.disputed()
    table["primary"] = "thinking.calculation"
    table["reason"] = "the sum is wrong"
    table.to_csv(sheet, index=False)
    kept = json.loads(
        command(
            "rounds", "adjudicate", "whole", "--decisions", sheet, "--adjudicator", "lead",
            "--json", *db,
        )
    )  # fmt: skip
    assert {row["result"] for row in kept} == {"decided"}
    command("rounds", "close", "whole", "--force", *db)
    gold = study.view("gold_labels").set_index("unit_id")
    for unit in done.disputed():
        assert gold.loc[unit, "how"] == "adjudicated"
        assert list(gold.loc[unit, "codes"]) == ["thinking.calculation"]
    found = json.loads(command("judge", "compare", "scripted", "human:whole", "--json", *db))
    assert found["quality"]


def labels(study) -> dict[tuple[int, int], tuple[str, tuple[str, ...] | None]]:
    """Return what is current: by annotation and person, the status and the codes."""
    rows = study.query(
        "SELECT l.annotation_id, c.user_id, l.status, l.codes FROM labels l "
        "JOIN coders c USING (coder_id) WHERE l.current"
    )
    return {
        (row.annotation_id, row.user_id): (
            row.status,
            tuple(row.codes) if row.status == "submitted" else None,
        )
        for row in rows.itertuples()
    }


class Coded:
    """What two people did, kept beside the server."""

    def __init__(self) -> None:
        self.at_first: dict = {}
        self.at_last: dict = {}
        self.by_unit: dict[str, list] = {}
        self.revisions = 0
        self.clients: dict = {}

    def change_minds(self) -> None:
        """Edit some annotations and delete others."""
        self.at_last = dict(self.at_first)
        for number, (key, (status, _)) in enumerate(self.at_first.items()):
            client = self.clients[key[1]]
            if status != "submitted" or number % 10 > 1:
                continue
            address = f"/api/annotations/{key[0]}/"
            if number % 10 == 0:
                client._ask("PATCH", address, json={"result": answer(CODES[2])})
                self.at_last[key] = ("submitted", (CODES[2],))
            else:
                client._ask("DELETE", address)
                self.at_last[key] = ("deleted", None)
            self.revisions += self.at_last[key] != self.at_first[key]

    def disputed(self) -> set[str]:
        """Return the units on which two people differ at last."""
        found = set()
        for unit, keys in self.by_unit.items():
            said = [self.at_last[key] for key in keys]
            codes = {codes for status, codes in said if status == "submitted"}
            if sum(status == "submitted" for status, _ in said) > 1 and len(codes) > 1:
                found.add(unit)
        return found


def code_everything(study, label_studio) -> Coded:
    """Have two people code the tasks: one those that are not in the overlap, both the others."""
    rng = random.Random(4)
    done = Coded()
    one, two = label_studio.client("coder-1"), label_studio.client("coder-2")
    done.clients = {client.me().user_id: client for client in (one, two)}
    overlap = study.view("units").set_index("unit_id")["overlap"]
    tasks = study.view("round_tasks").set_index("unit_id")["task_id"]
    for number, (unit, task) in enumerate(sorted(tasks.items())):
        people = (one, two) if overlap[unit] else ((one, two)[number % 2],)
        for person in people:
            code = rng.choice([*CODES, None])
            skipped = rng.random() < 0.05
            result = [] if skipped else answer(code)
            made = person.annotate(int(task), result, lead_time=5.0, skipped=skipped)
            key = (made, person.me().user_id)
            codes = None if skipped else (code,) if code else ()
            done.at_first[key] = ("skipped" if skipped else "submitted", codes)
            done.by_unit.setdefault(unit, []).append(key)
    return done
