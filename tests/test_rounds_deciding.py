"""Adjudication on a real Label Studio: what the adjudicator sees, and what comes of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
from round_fakes import CALCULATION, MISREAD, Made, codes, made_round, memo, primary, region

from erranal.errors import StageError
from erranal.rounds import adjudicating
from erranal.rounds.pull import pull
from erranal.rounds.push import push
from erranal.store import Study

pytest.importorskip("httpx", reason="the packages of rounds are not installed")
UNITS = 24  # every second one is for two coders
SKIPPED = "output.refusal"
DECISIONS = ((MISREAD, MISREAD), (CALCULATION, CALCULATION, MISREAD), ("none",), ("codebook gap",))


@dataclass
class Round:
    """A round of its own on the server; ``open`` are its units in dispute."""

    made: Made
    server: Any
    admin: Any
    labels: dict[tuple[str, str], int]
    open: list[str]

    @property
    def study(self) -> Study:
        return self.made.study

    def push(self) -> dict[str, int]:
        folder = self.server.folder / "files"
        table = adjudicating.push(self.study, "pilot", self.admin, image_folder=folder)
        assert table["image"].all()
        return table[["waiting", "created", "unchanged", "removed"]].sum().to_dict()

    def pull(self) -> dict[str, int]:
        table = adjudicating.pull(self.study, "pilot", self.admin)
        assert not table["detail"].any(), table["detail"].tolist()
        return table["result"].value_counts().to_dict()

    def tasks(self) -> list[dict[str, Any]]:
        """Return what is in the adjudication project, in its order."""
        (project,) = self.projects()
        return list(self.admin.changed_tasks(project, None))

    def projects(self) -> list[int]:
        rows = self.study.query("SELECT project_id FROM round_projects WHERE arm IS NULL")
        return [int(number) for number in rows["project_id"]]

    def decide(self, task: dict[str, Any], said: tuple[str, ...], reason: str) -> None:
        result = [primary(said[0]), region("reason", "textarea", {"text": [reason]})]
        result += [codes(*said[1:])] if said[1:] else []
        self.admin.annotate(task["id"], result, lead_time=9.0)

    def gold(self) -> dict[str, tuple[Any, ...]]:
        rows = self.study.query(
            "SELECT g.unit_id, g.primary_code, g.codes, g.codebook_gap, d.adjudicator, d.reason "
            "FROM gold_labels g JOIN decisions d USING (unit_id) WHERE g.how = 'adjudicated'"
        ).astype(object)
        return {
            row.unit_id: (row.primary_code, tuple(row.codes), row.codebook_gap, row.adjudicator,
                          row.reason)
            for row in rows.where(rows.notna(), None).itertuples()
        }  # fmt: skip


@pytest.fixture
def disputed(tmp_path, label_studio):
    """Return a round that two people have coded: they agree on its first unit of the overlap."""
    made = made_round(tmp_path, UNITS, images=True)
    # What tells a round on the server is its name and id, and the tests share a server.
    name = f"r{abs(hash(tmp_path)):x}"[:8]
    _rename(made, name)
    with label_studio.client() as admin:
        push(made.study, "pilot", admin, image_folder=label_studio.folder / "files")
        tasks = made.study.view("round_tasks").set_index("unit_id")["task_id"]
        labels = {}
        for number, unit in enumerate(made.units[::2]):
            for person, code in (("coder-1", MISREAD), ("coder-2", CALCULATION)):
                with label_studio.client(person) as client:
                    said = [primary(MISREAD if number == 0 else code), memo("seen twice")]
                    labels[person, unit] = client.annotate(int(tasks[unit]), said, lead_time=5.0)
        pull(made.study, "pilot", admin)
        yield Round(made, label_studio, admin, labels, made.units[2::2])


def _rename(made: Made, round_id: str) -> None:
    rounds = made.study.view("rounds").assign(round_id=round_id)
    units = made.study.view("units").assign(round_id=round_id)
    with made.study.write() as tx:
        for table, rows in (("rounds", rounds), ("units", units)):
            tx.clear(table)
            tx.append(table, rows)


def test_gold_is_what_the_adjudicator_decided(disputed):
    server, admin, units = disputed.server, disputed.admin, disputed.open
    with server.away(1.0):
        counts = disputed.push()
    assert counts == {"waiting": 11, "created": 11, "unchanged": 0, "removed": 0}
    again = disputed.push()
    assert again == {"waiting": 11, "created": 0, "unchanged": 11, "removed": 0}
    tasks = disputed.tasks()
    assert sorted(task["data"]["unit_id"] for task in tasks) == sorted(units)
    assert disputed.pull() == {}
    wanted = {}
    for number, task in enumerate(tasks):
        said, reason = DECISIONS[number % 4], f"the picture shows {number} 箱"
        disputed.decide(task, said, reason)
        code = said[0] if "." in said[0] else None
        who = f"user-{admin.me().user_id}"
        wanted[task["data"]["unit_id"]] = (
            code, tuple(sorted(said[1:])), said[0] == "codebook gap", who, reason,
        )  # fmt: skip
    before = disputed.study.view("labels")
    with server.away(1.0):
        assert disputed.pull() == {"decided": 11}
    assert disputed.pull() == {"unchanged": 11}
    assert disputed.gold() == wanted
    assert disputed.study.count("adjudications") == 11
    assert disputed.study.view("labels").equals(before), "the originals stay as they are"
    assert disputed.push()["waiting"] == 0
    assert len(disputed.tasks()) == 11, "what was decided stays on the server"


def test_the_adjudicator_sees_both_answers_and_not_whose_they_are(disputed):
    disputed.push()
    tasks = disputed.tasks()
    people = [server_account(disputed, name) for name in ("coder-1", "coder-2")]
    texts = json.dumps([task["data"] for task in tasks], ensure_ascii=False)
    for secret in (*people, "coder-1", "coder-2", "secret-model", "Reads 61 as 65"):
        assert secret not in texts
    firsts = {task["data"]["coder_1"].splitlines()[0] for task in tasks}
    assert firsts == {"Primary: Value misread", "Primary: Calculation"}, "they change places"
    for task in tasks:
        both = task["data"]["coder_1"] + task["data"]["coder_2"]
        assert both.count("Primary: ") == 2
        assert both.count("Memo: seen twice") == 2
        assert task["predictions"] == []
        assert _picture(disputed, task["data"]["image"]).startswith(b"\x89PNG")
    order = [task["data"]["unit_id"] for task in tasks]
    assert order != sorted(order), "units come in a drawn order"


def server_account(disputed: Round, name: str) -> str:
    return str(disputed.server.account(name)[0])


def _picture(disputed: Round, address: str) -> bytes:
    import httpx

    token = {"Authorization": f"Token {disputed.server.token('admin')}"}
    answer = httpx.get(disputed.server.url + address, headers=token, trust_env=False)
    return answer.content


def test_second_thoughts_of_coders_and_adjudicators(disputed):
    disputed.push()
    first, second, third, *_ = disputed.tasks()
    disputed.decide(first, (MISREAD, MISREAD), "clear")
    disputed.decide(second, ("none",), "nothing wrong")
    assert disputed.pull() == {"decided": 2}
    units = [task["data"]["unit_id"] for task in (first, second, third)]
    # One changes the ground of a decision, one makes a decision needless.
    for unit, code in ((units[0], SKIPPED), (units[2], MISREAD)):
        with disputed.server.client("coder-2") as client:
            address = f"/api/annotations/{disputed.labels['coder-2', unit]}/"
            client._ask("PATCH", address, json={"result": [primary(code)]})
    pull(disputed.study, "pilot", disputed.admin)
    assert disputed.push() == {"waiting": 9, "created": 1, "unchanged": 8, "removed": 1}
    tasks = {task["id"]: task["data"]["unit_id"] for task in disputed.tasks()}
    assert third["id"] not in tasks
    assert list(tasks.values()).count(units[0]) == 2
    assert disputed.pull() == {"unchanged": 2}, "a decision is of the labels that it was made on"
    new = max(number for number, unit in tasks.items() if unit == units[0])
    disputed.decide({"id": new}, (SKIPPED,), "a refusal after all")
    assert disputed.pull() == {"decided": 1, "unchanged": 2}
    assert disputed.pull() == {"unchanged": 3}
    assert disputed.gold()[units[0]][:2] == (SKIPPED, (SKIPPED,))
    assert disputed.study.count("adjudications") == 3, "what was decided before is kept"


def test_a_form_that_was_changed_and_a_project_that_is_gone(disputed):
    disputed.push()
    (number,) = disputed.projects()
    address = f"/api/projects/{number}/"
    config = disputed.admin.config_of(number)
    changed = config.replace('value="Value misread"', 'value="Value read"')
    assert changed != config
    disputed.admin._ask("PATCH", address, json={"label_config": changed})
    for act in (disputed.push, disputed.pull):
        with pytest.raises(StageError, match="another labelling form"):
            act()
    disputed.admin._ask("PATCH", address, json={"label_config": config})
    assert disputed.push()["unchanged"] == 11
    disputed.admin.delete_project(number)
    with pytest.raises(StageError, match="no longer on"):
        disputed.pull()
    assert disputed.push()["created"] == 11
    assert disputed.projects() != [number]
