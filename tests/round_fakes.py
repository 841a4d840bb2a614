"""A round ready to be pushed, and a Label Studio server in memory that can be made to fail."""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd

from erranal import codebook
from erranal.errors import StageError
from erranal.rounds import books, interface
from erranal.rounds.connection import ServerAnswerError
from erranal.rounds.round import form_name
from erranal.store import Study

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGBgAAAABQABh6FO1AAAAABJRU5ErkJggg=="
)
JUDGE = "judge0123456789abcdef"
MISREAD, CALCULATION = "reading.value_misread", "thinking.calculation"
TEXT = "📷 I read 61 crates.\r\nSo 65 × 2 = 130 e\u0301 重."


@dataclass
class Made:
    """A study with one round; units by their ids, in the order of the round."""

    study: Study
    units: list[str]
    folder: Path


def unit_id(number: int) -> str:
    return f"{number:016x}"


_WRITTEN: dict[tuple[int, str], bytes] = {}


def made_round(folder: Path, n: int = 6, *, images: bool = False, name: str = "pilot") -> Made:
    """Write a study with a round of n units: every third is blind, every second is for two."""
    path, units = folder / "study.duckdb", [unit_id(number) for number in range(n)]
    if images:
        return Made(_written(path, n, name, images=True), units, folder)
    if (n, name) not in _WRITTEN:
        _written(path, n, name, images=False)
        _WRITTEN[n, name] = path.read_bytes()
    path.write_bytes(_WRITTEN[n, name])
    return Made(Study(path), units, folder)


def _written(path: Path, n: int, name: str, *, images: bool) -> Study:
    study, folder = Study(path), path.parent
    book = codebook.load("modality_gap")
    pictures = folder / "pictures"
    pictures.mkdir(exist_ok=True)
    numbers = range(n)
    for number in numbers if images else ():
        (pictures / f"{number}.png").write_bytes(PNG + bytes([number % 256]))
    with study.write() as tx:
        arms = ["text", "image"]
        tx.append("conditions", frame(condition_id=arms, modality=arms, prompt_style="cot"))
        tx.append("runs", frame(run_id=arms, model="secret-model", condition_id=arms))
        source = {"source_id": "s", "path": str(pictures / "a.jsonl"), "sha256": "0", "bytes": 1}
        tx.append("sources", pd.DataFrame([{**source, "reader": "table", "status": "done"}]))
        items = [f"b/{number}" for number in numbers]
        tx.append(
            "items",
            frame(item_id=items, item_hash="h", version=1, benchmark="b", native_id=items,
                  subject="physics", question=[f"{i} × 2?" for i in items], gold="130",
                  choices=[["130", "131"]] * n, source_id="s"),
        )  # fmt: skip
        for arm in arms:
            names = [f"{number}-{arm}" for number in numbers]
            texts = [f"{TEXT} {arm} {number}" for number in numbers]
            shown = [f"{number}.png" if images and arm == "image" else None for number in numbers]
            tx.append(
                "outputs",
                frame(output_id=names, slot_id=names, current=True, run_id=arm, item_id=items,
                      item_hash="h", sample=0, response=texts, response_hash=names, status="ok",
                      image=shown, source_id="s", line=list(numbers)),
            )  # fmt: skip
            outcome = "correct" if arm == "text" else "incorrect"
            tx.append(
                "scores",
                frame(output_id=names, scorer="erranal", scorer_version="1", outcome=outcome,
                      extracted="130"),
            )  # fmt: skip
        judged = [f"{number}-image" for number in numbers]
        books.keep(tx, book)
        tx.append("judges", frame(judge_id=[JUDGE], kind="llm", name="j", version="1"))
        under = {"judge_id": JUDGE, "codebook_id": book.codebook_id}
        tx.append(
            "verdicts",
            frame(output_id=judged, **under, status="ok", primary_code=MISREAD, codebook_gap=False,
                  codes=[[MISREAD, CALCULATION]] * n, rationale="Reads 61 as 65."),
        )  # fmt: skip
        tx.append(
            "evidence",
            frame(output_id=judged, **under, code=MISREAD, field="response", start_cp=9, end_cp=11,
                  quote="61", match="exact"),
        )  # fmt: skip
        tx.append("rounds", pd.DataFrame([round_row(book, name)]))
        tx.append(
            "units",
            frame(round_id="r0123456", unit_id=[unit_id(i) for i in numbers], pair_id=items,
                  output_id=judged, reference_id=[f"{i}-text" for i in numbers], item_id=items,
                  stratum="all", inclusion_probability=0.5, position=list(numbers),
                  arm=["blind" if i % 3 == 2 else "suggested" for i in numbers],
                  overlap=[i % 2 == 0 for i in numbers],
                  people=[2 if i % 2 == 0 else 1 for i in numbers]),
        )  # fmt: skip
    return study


def round_row(book: codebook.Codebook, name: str) -> dict[str, Any]:
    forms = {
        form_name(image=image, suggestions=said): interface.build(
            book, image=image, suggestions=said
        )
        for image in (True, False)
        for said in (True, False)
    }
    told = {"kind": "main", "purpose": "test", "scorer": "erranal", "seed": 0, "design": "{}"}
    ids = {"round_id": "r0123456", "codebook_id": book.codebook_id, "judge_id": JUDGE}
    config = {"config": json.dumps(forms), "config_hash": "c", "instructions": "<p>Code.</p>"}
    return {"name": name, "status": "planned", **told, **ids, **config}


def frame(**columns: Any) -> pd.DataFrame:
    size = max((len(v) for v in columns.values() if isinstance(v, list)), default=1)
    return pd.DataFrame(columns, index=range(size))


# Answers ------------------------------------------------------------------------------------------


def region(name: str, kind: str, value: dict[str, Any], **more: Any) -> dict[str, Any]:
    to_name = "reference" if name == "ev_reference" else "response"
    own = {"id": f"r-{name}", "from_name": name, "to_name": to_name, "type": kind, "value": value}
    return own | {"origin": "manual"} | more


def primary(code: str) -> dict[str, Any]:
    return region("primary", "choices", {"choices": [code]})


def codes(*names: str) -> dict[str, Any]:
    paths = [[name.split(".")[0], name] for name in names]
    return region("codes", "taxonomy", {"taxonomy": paths})


def span(text: str, start: int, end: int, *, on: str = "response", **more: Any) -> dict[str, Any]:
    value = {"start": start, "end": end, "text": text[start:end], "labels": ["Evidence"]}
    return region(f"ev_{on}", "labels", value, **more)


def confidence(stars: Any) -> dict[str, Any]:
    return region("confidence", "rating", {"rating": stars})


def memo(*lines: str) -> dict[str, Any]:
    return region("memo", "textarea", {"text": list(lines)})


def flags(*names: str) -> dict[str, Any]:
    return region("flags", "choices", {"choices": list(names)})


# The server ---------------------------------------------------------------------------------------


@dataclass
class User:
    user_id: int
    email: str
    name: str


class Server:
    """What is on the server, whoever asks."""

    def __init__(self) -> None:
        self.projects: dict[int, dict[str, Any]] = {}
        self.tasks: dict[int, dict[str, Any]] = {}
        self.number = 0
        self.now = datetime(2026, 11, 1, tzinfo=UTC)
        self.users = [User(1, "ann@example.org", "Ann"), User(2, "ben@example.org", "Ben")]

    def next(self) -> int:
        self.number += 1
        return self.number

    def tick(self) -> datetime:
        self.now += timedelta(minutes=1)
        return self.now

    def of(self, project_id: int) -> list[dict[str, Any]]:
        return [task for task in self.tasks.values() if task["project"] == project_id]

    def task_of(self, unit: str, title_has: str = "") -> dict[str, Any]:
        return next(
            task
            for task in self.tasks.values()
            if task["data"]["record_id"] == unit
            and title_has in self.projects[task["project"]]["title"]
        )

    # What people do

    def annotate(
        self, task: dict[str, Any], user: int, result: list[Any], *, skipped: bool = False
    ) -> int:
        now = self.tick().isoformat()
        task["updated_at"] = now
        own = {"id": self.next(), "task": task["id"], "project": task["project"]}
        people = {"completed_by": user, "updated_by": user, "unique_id": f"u{self.number}"}
        when = {"created_at": now, "updated_at": now, "lead_time": 12.5}
        said = {"result": copy.deepcopy(result), "was_cancelled": skipped, "ground_truth": False}
        task["annotations"].append(own | people | when | said)
        return int(own["id"])

    def edit(self, number: int, **changes: Any) -> None:
        task, annotation = self._find(number)
        now = self.tick().isoformat()
        annotation |= {"updated_at": now, **copy.deepcopy(changes)}
        task["updated_at"] = now

    def delete(self, number: int) -> None:
        task, annotation = self._find(number)
        task["annotations"].remove(annotation)
        task["updated_at"] = self.tick().isoformat()

    def _find(self, number: int) -> tuple[dict[str, Any], dict[str, Any]]:
        return next(
            (task, one)
            for task in self.tasks.values()
            for one in task["annotations"]
            if one["id"] == number
        )


class Client:
    """A client that stops at a request of one's choice, before or after the server did it."""

    url = "http://server"
    chunk = 2

    def __init__(self, server: Server, *, stop_at: int | None = None, after: bool = False) -> None:
        self.server, self.stop_at, self.after, self.requests = server, stop_at, after, 0

    def _ask(self, act: Callable[[], Any]) -> Any:
        self.requests += 1
        stop = self.requests == self.stop_at
        if stop and not self.after:
            raise StageError("the server is away")
        answer = act()
        if stop:
            raise StageError("the server is away")
        return answer

    def users(self) -> list[User]:
        return self.server.users

    def clock(self) -> datetime:
        return self._ask(lambda: self.server.now - timedelta(seconds=30))

    def find_project(self, title: str) -> int | None:
        def act() -> int | None:
            found = [i for i, p in self.server.projects.items() if p["title"] == title]
            return min(found, default=None)

        return self._ask(act)

    def create_project(self, title: str, config: str, **settings: Any) -> int:
        assert 3 <= len(title) <= 50

        def act() -> int:
            number = self.server.next()
            self.server.projects[number] = {"title": title, "config": config, **settings}
            return number

        return self._ask(act)

    def config_of(self, project_id: int) -> str:
        def act() -> str:
            if project_id not in self.server.projects:
                raise ServerAnswerError("http://server answered 404", 404)
            return str(self.server.projects[project_id]["config"])

        return self._ask(act)

    def task_ids(self, project_id: int) -> dict[str, int]:
        return self._ask(
            lambda: {t["data"]["record_id"]: t["id"] for t in self.server.of(project_id)}
        )

    def import_tasks(
        self, project_id: int, tasks: Sequence[Any], *, known: Any = None, landed: Any = None
    ) -> dict[str, int]:
        ids = dict(known)
        missing = [task for task in tasks if task["data"]["record_id"] not in ids]
        for start in range(0, len(missing), self.chunk):
            some = missing[start : start + self.chunk]
            new = self._ask(lambda some=some: self._import(project_id, some))
            ids |= new
            landed(new)
        return {task["data"]["record_id"]: ids[task["data"]["record_id"]] for task in tasks}

    def _import(self, project_id: int, some: Sequence[Any]) -> dict[str, int]:
        new = {}
        for task in some:
            number = self.server.next()
            given = json.loads(json.dumps(task))
            own = {"id": number, "project": project_id, "annotations": [], "drafts": []}
            self.server.tasks[number] = given | own | {"updated_at": self.server.tick().isoformat()}
            new[task["data"]["record_id"]] = number
        return new

    def update_task(self, task_id: int, data: Any, predictions: Any) -> None:
        def act() -> None:
            told = json.loads(json.dumps({"data": data, "predictions": list(predictions)}))
            self.server.tasks[task_id] |= told | {"updated_at": self.server.tick().isoformat()}

        self._ask(act)

    def changed_tasks(self, project_id: int, since: datetime | None) -> Iterator[dict[str, Any]]:
        for task in sorted(self.server.of(project_id), key=lambda task: task["id"]):
            if since is None or datetime.fromisoformat(task["updated_at"]) >= since:
                yield self._ask(lambda task=task: copy.deepcopy(task))

    def annotation_ids(self, project_id: int) -> dict[int, list[int]]:
        return self._ask(
            lambda: {
                task["id"]: [one["id"] for one in task["annotations"]]
                for task in self.server.of(project_id)
            }
        )

    def add_local_images(self, project_id: int, folder: Path) -> None:
        self._ask(lambda: self.server.projects[project_id].setdefault("folder", str(folder)))

    def upload_images(self, project_id: int, files: Sequence[Path]) -> dict[str, str]:
        return self._ask(
            lambda: {f.name: f"/data/upload/{self.server.next()}-{f.name}" for f in files}
        )
