"""Rounds to a server and back: nothing lost, doubled, overwritten or given to somebody else."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from typing import Any

import pytest
from round_fakes import (
    CALCULATION,
    JUDGE,
    MISREAD,
    PNG,
    Client,
    Made,
    Server,
    User,
    codes,
    confidence,
    made_round,
    memo,
    primary,
    span,
    unit_id,
)

from erranal.errors import StageError
from erranal.pictures import find, is_there
from erranal.rounds import progress, turns
from erranal.rounds import pull as pulling
from erranal.rounds.exchange import export, import_
from erranal.rounds.pull import pull
from erranal.rounds.push import push


@pytest.fixture
def made(tmp_path) -> Made:
    return made_round(tmp_path)


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def client(server) -> Client:
    return Client(server)


@pytest.fixture
def pushed(made, client) -> Made:
    push(made.study, "pilot", client)
    return made


def current(made: Made) -> dict[tuple[int, str], str]:
    rows = made.study.query(
        "SELECT annotation_id, unit_id, coder_id, status, "
        "coalesce(primary_code, 'no code') AS primary_code FROM labels WHERE current"
    )
    return {
        (row.annotation_id, row.unit_id): f"{row.coder_id} {row.status} {row.primary_code}"
        for row in rows.itertuples()
    }


def tasks_there(server: Server) -> list[tuple[str, str]]:
    return sorted(
        (server.projects[task["project"]]["title"], task["data"]["record_id"])
        for task in server.tasks.values()
    )


# Push ---------------------------------------------------------------------------------------------


def test_push_makes_a_project_for_each_arm_and_overlap(made, server, client):
    frame = push(made.study, "pilot", client)
    assert dict(zip(frame["project"], frame["units"], strict=True)) == {
        "pilot r01234 · suggested · double": 2,
        "pilot r01234 · suggested · single": 2,
        "pilot r01234 · blind · double": 1,
        "pilot r01234 · blind · single": 1,
    }
    for project in server.projects.values():
        assert project["coders_per_task"] == (2 if "double" in project["title"] else 1)
        assert project["instructions"] == "<p>Code.</p>"
    assert [unit for _, unit in tasks_there(server)] != []
    assert sorted(unit for _, unit in tasks_there(server)) == made.units


def test_what_is_shown_is_recorded_and_blind_tasks_show_nothing(pushed, server):
    rows = pushed.study.query("SELECT * FROM round_tasks").set_index("unit_id")
    for number, unit in enumerate(pushed.units):
        task = server.task_of(unit)
        blind = number % 3 == 2
        assert rows.loc[unit, "task_id"] == task["id"]
        assert (rows.loc[unit, "shown_judge_id"] == JUDGE) is not blind
        assert bool(task["predictions"]) is not blind
        assert (task["data"]["judge_note"] == "") is blind
        config = server.projects[task["project"]]["config"]
        assert ("$judge_note" in config) is not blind


def test_push_twice_changes_nothing(pushed, server, client):
    before = json.dumps(server.tasks)
    frame = push(pushed.study, "pilot", client)
    assert frame[["created", "updated"]].to_numpy().sum() == 0
    assert frame["unchanged"].sum() == 6
    assert json.dumps(server.tasks) == before


def test_changed_content_is_updated_and_annotations_stay(pushed, server, client):
    task = server.task_of(pushed.units[0])
    server.annotate(task, 1, [primary(MISREAD)])
    pushed.study.query("SELECT 1")
    with pushed.study.write() as tx:
        tx.clear("evidence", output_id="0-image")
    frame = push(pushed.study, "pilot", client)
    assert frame["updated"].sum() == 1
    task = server.task_of(pushed.units[0])
    assert len(task["annotations"]) == 1
    names = [one["from_name"] for one in task["predictions"][0]["result"]]
    assert names == ["primary", "codes"]


def test_a_limit_is_the_first_units_and_the_rest_follows(made, server, client):
    assert push(made.study, "pilot", client, limit=2)["units"].sum() == 2
    assert {unit for _, unit in tasks_there(server)} == set(made.units[:2])
    push(made.study, "pilot", client)
    assert len(server.tasks) == 6


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_push_ends_the_same_wherever_it_was_interrupted(tmp_path, after):
    whole = Server()
    push(made_round(_folder(tmp_path, 0), 4).study, "pilot", Client(whole))
    for stop in count(2 if after else 1, 2):
        made, server = made_round(_folder(tmp_path, stop), 4), Server()
        try:
            push(made.study, "pilot", Client(server, stop_at=stop, after=after))
        except StageError:
            pass
        else:
            break
        push(made.study, "pilot", Client(server))
        assert tasks_there(server) == tasks_there(whole)
        recorded = made.study.view("round_tasks").set_index("unit_id")["task_id"].to_dict()
        there = {task["data"]["record_id"]: number for number, task in server.tasks.items()}
        assert recorded == there
    assert stop > 12


def test_push_survives_dying_before_it_could_record(made, server, client, monkeypatch):
    monkeypatch.setattr("erranal.rounds.push._Filling._record", _die)
    with pytest.raises(KeyboardInterrupt):
        push(made.study, "pilot", client)
    monkeypatch.undo()
    assert made.study.count("round_tasks") == 0
    assert len(server.tasks) == 2
    push(made.study, "pilot", client)
    assert sorted(unit for _, unit in tasks_there(server)) == made.units


def _die(*_: Any) -> None:
    raise KeyboardInterrupt


def _folder(base: Any, number: int) -> Any:
    folder = base / str(number)
    folder.mkdir()
    return folder


def test_a_form_that_was_changed_is_refused(pushed, server, client):
    next(iter(server.projects.values()))["config"] = "<View/>"
    with pytest.raises(StageError, match="another labelling form"):
        push(pushed.study, "pilot", client)


def test_a_project_with_foreign_tasks_is_refused(pushed, server, client):
    next(iter(server.tasks.values()))["data"]["record_id"] = "other"
    with pytest.raises(StageError, match="not of round"):
        push(pushed.study, "pilot", client)


def test_another_server_is_refused_and_another_address_is_not(pushed, server):
    moved = Client(server)
    moved.url = "http://elsewhere"
    server.annotate(server.task_of(pushed.units[0]), 1, [primary(MISREAD)])
    pull(pushed.study, "pilot", Client(server))
    frame = push(pushed.study, "pilot", moved)
    assert frame["unchanged"].sum() == 6
    server.annotate(server.task_of(pushed.units[1]), 1, [primary(MISREAD)])
    pull(pushed.study, "pilot", moved)
    assert pushed.study.query("SELECT count(DISTINCT coder_id) AS n FROM labels")["n"][0] == 1
    other = Client(Server())
    other.url = "http://other"
    with pytest.raises(StageError, match="has none of that name"):
        push(pushed.study, "pilot", other)


def test_one_push_at_a_time(made, client):
    with turns.alone(made.study), pytest.raises(StageError, match="by another process"):
        push(made.study, "pilot", client)
    assert push(made.study, "pilot", client)["created"].sum() == 6


def test_a_project_that_is_gone_keeps_nobody_from_the_others(pushed, server, client):
    gone, *others = list(server.projects)
    for task in server.tasks.values():
        server.annotate(task, 1, [primary(MISREAD)])
    kept = sum(task["project"] in others for task in server.tasks.values())
    del server.projects[gone]
    with pytest.raises(StageError, match="no longer on http://server"):
        push(pushed.study, "pilot", client)
    frame = pull(pushed.study, "pilot", client)
    assert frame["new"].sum() == kept < 6
    assert frame["note"].str.contains("no longer on").sum() == 1
    server.projects.clear()
    with pytest.raises(StageError, match="no longer on"):
        pull(pushed.study, "pilot", client)
    assert len(current(pushed)) == kept


def test_a_closed_round_takes_nothing(pushed, client):
    with pushed.study.write() as tx:
        tx.execute("lifecycle_close", round_id="r0123456", closed_at=None)
    for verb in (push, pull):
        with pytest.raises(StageError, match="closed"):
            verb(pushed.study, "pilot", client)


@pytest.mark.parametrize("wrong", [{"layout": "rows"}, {"layout": "per-coder"}, {"images": "fax"}])
def test_what_cannot_be_is_refused(tmp_path, client, wrong):
    made = made_round(tmp_path, images=True)
    with pytest.raises(StageError):
        push(made.study, "pilot", client, **{"images": "data", **wrong})


# One project a coder ------------------------------------------------------------------------------

PEOPLE = ["ann@example.org", "ben@example.org"]


def test_a_project_for_each_coder(made, server, client):
    push(made.study, "pilot", client, layout="per-coder", coders=PEOPLE)
    assert all("coder-" in project["title"] for project in server.projects.values())
    assert "example.org" not in json.dumps([p["title"] for p in server.projects.values()])
    units = [unit for _, unit in tasks_there(server)]
    for number, unit in enumerate(made.units):
        assert units.count(unit) == (2 if number % 2 == 0 else 1)
    assert made.study.count("round_tasks") == 9
    push(made.study, "pilot", client, layout="per-coder", coders=PEOPLE[::-1])
    assert len(server.tasks) == 9


def test_other_coders_or_another_layout_are_refused_later(made, client):
    push(made.study, "pilot", client, layout="per-coder", coders=PEOPLE)
    with pytest.raises(StageError, match="per-coder for coder-1, coder-2"):
        push(made.study, "pilot", client)


def test_a_coder_who_is_renamed_stays_the_same_coder(made, server, client):
    push(made.study, "pilot", client, layout="per-coder", coders=PEOPLE)
    server.users[0] = User(1, "ann@new.example.org", "Ann B")
    renamed = ["ann@new.example.org", PEOPLE[1]]
    frame = push(made.study, "pilot", client, layout="per-coder", coders=renamed)
    assert frame["unchanged"].sum() == frame["units"].sum() == 9


def test_how_many_code_a_unit_is_recorded_and_is_a_setting_of_its_project(made, server, client):
    with made.study.write() as tx:
        tx.execute("rounds_people", round_id="r0123456", people=3)
    frame = push(made.study, "pilot", client).set_index("people")
    assert frame["units"].groupby("people").sum().to_dict() == {1: 3, 3: 3}
    said = {(p["coders_per_task"], "3 coders" in p["title"]) for p in server.projects.values()}
    assert said == {(1, False), (3, True)}
    for user in (1, 2):
        server.annotate(server.task_of(made.units[0]), user, [primary(MISREAD)])
    pull(made.study, "pilot", client)
    units = progress.status(made.study, "pilot").units.groupby("people")[["units", "short"]].sum()
    assert units.to_dict("index") == {1: {"units": 3, "short": 3}, 3: {"units": 3, "short": 3}}
    server.annotate(server.task_of(made.units[0]), 3, [], skipped=True)
    pull(made.study, "pilot", client)
    assert progress.status(made.study, "pilot").units["short"].sum() == 5


def test_a_calibration_round_is_for_all_who_are_named(made, server, client):
    rounds = made.study.view("rounds").assign(kind="calibration")
    units = made.study.view("units").assign(overlap=True, people=2)
    with made.study.write() as tx:
        for table, rows in (("rounds", rounds), ("units", units)):
            tx.clear(table)
            tx.append(table, rows)
    server.users.append(User(3, "cam@example.org", "Cam"))
    everybody = [*PEOPLE, "cam@example.org"]
    assert set(push(made.study, "pilot", client, coders=everybody)["people"]) == {3}
    assert set(made.study.view("units")["people"]) == {3}
    assert push(made.study, "pilot", client, coders=everybody)["unchanged"].sum() == 6
    with pytest.raises(StageError, match="same layout and coders"):
        push(made.study, "pilot", client, coders=PEOPLE)


def test_coders_need_an_account_each(made, client):
    for named in (["eve@example.org", *PEOPLE], ["Ann", "ann@example.org"]):
        with pytest.raises(StageError, match=r"users|twice"):
            push(made.study, "pilot", client, layout="per-coder", coders=named)


# Pictures -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["local", "upload", "data"])
def test_pictures_reach_the_coders(tmp_path, server, client, way):
    made = made_round(tmp_path, images=True)
    root = tmp_path / "files"
    root.mkdir()
    (tmp_path / "pictures" / "3.png").unlink()
    frame = push(made.study, "pilot", client, images=way, image_folder=root)
    assert frame.set_index("image")["units"].groupby("image").sum().to_dict() == {True: 5, False: 1}
    image = server.task_of(made.units[0])["data"]["image"]
    starts = {"local": "/data/local-files/?d=", "upload": "/data/upload/", "data": "data:image/png"}
    assert image.startswith(starts[way])
    if way == "local":
        assert (root / image.split("=")[1]).read_bytes() == PNG + b"\x00"
        assert not list(root.rglob("tmp*"))
    assert "image" not in server.task_of(made.units[3])["data"]
    again = push(made.study, "pilot", client, images=way, image_folder=root)
    assert again["unchanged"].sum() == 6


def test_a_unit_stays_in_its_project_when_its_picture_comes_late(tmp_path, server, client):
    made = made_round(tmp_path, images=True)
    late = tmp_path / "pictures" / "3.png"
    data = late.read_bytes()
    late.unlink()
    push(made.study, "pilot", client, images="data")
    late.write_bytes(data)
    push(made.study, "pilot", client, images="data")
    assert sorted(unit for _, unit in tasks_there(server)) == made.units
    late.with_name("1.png").unlink()
    with pytest.raises(StageError, match="put it back"):
        push(made.study, "pilot", client, images="data")


def test_pictures_outside_the_folder_are_not_read(tmp_path):
    folder = tmp_path / "results"
    folder.mkdir()
    (tmp_path / "secret.png").write_bytes(PNG)
    (folder / "page.png").write_text("<html>")
    for name in ("../secret.png", str(tmp_path / "secret.png"), "page.png", "\0", "http://x/a.png"):
        assert find(name, str(folder)) is None
        assert not is_there(name, str(folder))
    (folder / "a.png").write_bytes(PNG)
    assert find("a.png", str(folder)).kind == "png"
    assert is_there("a.png", str(folder))


# Pull ---------------------------------------------------------------------------------------------


def test_labels_come_back_as_they_were_given(pushed, server, client):
    task = server.task_of(pushed.units[0])
    text = task["data"]["response"]
    mark = span(text, 9, 11, origin="prediction-changed")
    number = server.annotate(
        task, 1, [primary(MISREAD), codes(MISREAD), mark, confidence(4), memo("why")]
    )
    frame = pull(pushed.study, "pilot", client)
    assert frame["new"].sum() == 1
    row = pushed.study.view("labels").iloc[0]
    assert (row.unit_id, row.annotation_id, row.coder_id) == (pushed.units[0], number, "coder-1")
    assert (row.primary_code, list(row.codes), row.confidence) == (MISREAD, [MISREAD], 4)
    assert (row.memo, row.lead_time_s, row.shown_judge_id) == ("why", 12.5, JUDGE)
    assert row.codebook_id.startswith("modality_gap@")
    one = pushed.study.view("label_regions").iloc[0]
    assert (one.field, one.start_cp, one.end_cp, one.quote) == ("response", 9, 11, "61")
    assert (one.origin, one.label_id) == ("prediction-changed", row.label_id)


def test_two_coders_keep_their_own(pushed, server, client):
    task = server.task_of(pushed.units[0])
    first = server.annotate(task, 2, [primary(MISREAD)])
    second = server.annotate(task, 1, [primary("none")])
    pull(pushed.study, "pilot", client)
    server.annotate(server.task_of(pushed.units[1]), 2, [primary("codebook gap")])
    pull(pushed.study, "pilot", client)
    rows = pushed.study.view("labels").set_index("annotation_id")
    assert rows.loc[first, "coder_id"] != rows.loc[second, "coder_id"]
    people = pushed.study.view("coders").set_index("user_id")["coder_id"]
    assert rows.loc[first, "coder_id"] == people[2]
    assert rows.loc[second, "coder_id"] == people[1]
    assert rows["coder_id"].to_list().count(people[2]) == 2


def test_edits_skips_and_deletions_are_revisions(pushed, server, client):
    task = server.task_of(pushed.units[0])
    number = server.annotate(task, 1, [primary(MISREAD)])
    other = server.annotate(task, 2, [primary("none")], skipped=True)
    pull(pushed.study, "pilot", client)
    server.edit(number, result=[primary(CALCULATION)])
    assert pull(pushed.study, "pilot", client)["edited"].sum() == 1
    server.delete(number)
    assert pull(pushed.study, "pilot", client)["deleted"].sum() == 1
    rows = pushed.study.query("SELECT * FROM labels ORDER BY updated_at")
    mine = rows[rows["annotation_id"] == number]
    assert mine["status"].to_list() == ["submitted", "submitted", "deleted"]
    assert mine["primary_code"].to_list()[:2] == [MISREAD, CALCULATION]
    assert mine["current"].to_list() == [False, False, True]
    assert mine["coder_id"].nunique() == 1
    (skip,) = rows[rows["annotation_id"] == other].itertuples()
    assert (skip.status, skip.codes, skip.current) == ("skipped", None, True)


def test_pull_twice_changes_nothing(pushed, server, client):
    for number, unit in enumerate(pushed.units):
        server.annotate(server.task_of(unit), 1 + number % 2, [primary(MISREAD)])
    pull(pushed.study, "pilot", client)
    before = pushed.study.view("labels")
    for full in (False, True):
        frame = pull(pushed.study, "pilot", client, full=full)
        assert frame[["new", "edited", "deleted", "refused"]].to_numpy().sum() == 0
    assert pushed.study.view("labels").equals(before)


def test_a_pull_reads_what_changed_only(pushed, server, client):
    pull(pushed.study, "pilot", client)
    assert pull(pushed.study, "pilot", client)["tasks"].sum() <= 1
    server.tick()
    server.annotate(server.task_of(pushed.units[0]), 1, [primary(MISREAD)])
    assert pull(pushed.study, "pilot", client)["tasks"].sum() <= 2


def test_a_deletion_of_a_task_is_found_by_a_full_pull(pushed, server, client):
    task = server.task_of(pushed.units[0])
    number = server.annotate(task, 1, [primary(MISREAD)])
    pull(pushed.study, "pilot", client)
    del server.tasks[task["id"]]
    assert pull(pushed.study, "pilot", client)["deleted"].sum() == 0
    assert pull(pushed.study, "pilot", client, full=True)["deleted"].sum() == 1
    assert pull(pushed.study, "pilot", client, full=True)["deleted"].sum() == 0
    assert current(pushed)[number, pushed.units[0]].startswith("coder-1 deleted")


def test_an_older_state_never_replaces_a_newer_one(pushed, server, client):
    number = server.annotate(server.task_of(pushed.units[0]), 1, [primary(MISREAD)])
    backup = json.loads(json.dumps(server.tasks))
    server.edit(number, result=[primary(CALCULATION)])
    pull(pushed.study, "pilot", client)
    server.tasks = {int(task_id): task for task_id, task in backup.items()}
    frame = pull(pushed.study, "pilot", client, full=True)
    assert (frame["older"].sum(), frame["edited"].sum()) == (1, 0)
    assert current(pushed) == {(number, pushed.units[0]): f"coder-1 submitted {CALCULATION}"}


def test_a_touch_without_a_change_is_no_revision(pushed, server, client):
    number = server.annotate(server.task_of(pushed.units[0]), 1, [primary(MISREAD)])
    pull(pushed.study, "pilot", client)
    server.edit(number, ground_truth=True, updated_by=2)
    frame = pull(pushed.study, "pilot", client)
    assert (frame["edited"].sum(), frame["refused"].sum()) == (0, 0)


def test_an_edit_by_somebody_else_is_refused_and_what_was_said_stands(pushed, server, client):
    number = server.annotate(server.task_of(pushed.units[0]), 1, [primary(MISREAD)])
    pull(pushed.study, "pilot", client)
    server.edit(number, result=[primary("none")], updated_by=2)
    frame = pull(pushed.study, "pilot", client)
    assert "edited by another" in " ".join(frame["note"])
    assert current(pushed) == {(number, pushed.units[0]): f"coder-1 submitted {MISREAD}"}
    server.edit(number, completed_by=2, updated_by=2)
    assert "other coder" in " ".join(pull(pushed.study, "pilot", client)["note"])


def test_refusals_are_shown_and_go_when_put_right(pushed, server, client):
    number = server.annotate(server.task_of(pushed.units[0]), 1, [primary("none"), codes(MISREAD)])
    frame = pull(pushed.study, "pilot", client)
    assert frame["refused"].sum() == 1
    assert "1 none with codes" in frame["note"].to_list()
    pull(pushed.study, "pilot", client, full=True)
    listed = pulling.refused(pushed.study, "pilot")
    assert listed[["annotation_id", "reason"]].to_numpy().tolist() == [[number, "none_with_codes"]]
    server.edit(number, result=[primary("none")])
    pull(pushed.study, "pilot", client)
    assert pulling.refused(pushed.study, "pilot").empty
    assert len(current(pushed)) == 1


def test_annotations_of_another_form_are_refused_until_it_is_back(pushed, server, client):
    first = server.annotate(server.task_of(pushed.units[0]), 1, [primary(MISREAD)])
    pull(pushed.study, "pilot", client)
    project = server.projects[server.task_of(pushed.units[0])["project"]]
    config, project["config"] = project["config"], project["config"].replace("Calculation", "Sums")
    second = server.annotate(server.task_of(pushed.units[0]), 2, [primary(MISREAD)])
    server.tick()
    for _ in range(2):
        frame = pull(pushed.study, "pilot", client)
        assert frame["refused"].sum() == 1
        assert any("put it back" in note for note in frame["note"])
        assert pulling.refused(pushed.study, "pilot")["reason"].to_list() == ["other_form"]
    assert set(current(pushed)) == {(first, pushed.units[0])}
    project["config"] = config
    pull(pushed.study, "pilot", client)
    assert set(current(pushed)) == {(first, pushed.units[0]), (second, pushed.units[0])}
    assert pulling.refused(pushed.study, "pilot").empty


def test_tasks_that_are_not_the_round_s_are_refused(pushed, server, client):
    first, second, third = (server.task_of(unit) for unit in pushed.units[:3])
    copied = json.loads(json.dumps(first)) | {"id": 999}
    server.tasks[999] = copied
    number = server.annotate(first, 1, [primary(MISREAD)])
    server.annotate(copied, 1, [primary(MISREAD)])
    second["data"]["record_id"] = "foreign"
    server.annotate(second, 1, [primary(MISREAD)])
    third["data"]["response"] += "!"
    server.annotate(third, 1, [primary(MISREAD)])
    pull(pushed.study, "pilot", client)
    reasons = sorted(pulling.refused(pushed.study, "pilot")["reason"])
    assert reasons == ["other_task", "other_task", "other_text"]
    assert set(current(pushed)) == {(number, pushed.units[0])}


def test_what_a_push_could_not_record_is_pulled_after_the_next_push(made, server, client):
    push(made.study, "pilot", client)
    with made.study.write() as tx:
        tx.clear("round_tasks", unit_id=made.units[0])
    number = server.annotate(server.task_of(made.units[0]), 1, [primary(MISREAD)])
    server.tick()
    server.tick()
    pull(made.study, "pilot", client)
    assert pulling.refused(made.study, "pilot")["reason"].to_list() == ["unrecorded_task"]
    push(made.study, "pilot", client)
    pull(made.study, "pilot", client)
    assert set(current(made)) == {(number, made.units[0])}


@pytest.mark.parametrize("full", [False, True])
def test_pull_ends_the_same_wherever_it_was_interrupted(tmp_path, monkeypatch, full):
    monkeypatch.setattr(pulling, "BATCH", 1)
    made = made_round(tmp_path)
    server = Server()
    push(made.study, "pilot", Client(server))
    expected: dict[tuple[int, str], str] = {}
    numbers = {}
    for number, unit in enumerate(made.units):
        numbers[unit] = server.annotate(server.task_of(unit), 1 + number % 2, [primary(MISREAD)])
    for stop in count(1):
        unit = made.units[stop % 6]
        server.edit(numbers[unit], result=[primary(MISREAD), memo(f"{stop}")])
        try:
            pull(made.study, "pilot", Client(server, stop_at=stop), full=full)
        except StageError:
            pass
        else:
            break
    pull(made.study, "pilot", Client(server), full=full)
    people = made.study.view("coders").set_index("user_id")["coder_id"]
    for number, unit in enumerate(made.units):
        expected[numbers[unit], unit] = f"{people[1 + number % 2]} submitted {MISREAD}"
    assert current(made) == expected
    latest = made.study.query("SELECT unit_id, memo FROM labels WHERE current").set_index("unit_id")
    for task in server.tasks.values():
        result = task["annotations"][0]["result"]
        said = result[1]["value"]["text"][0] if len(result) > 1 else None
        assert (latest.loc[task["data"]["record_id"], "memo"] or None) == said
    assert stop > 9


def test_a_token_or_an_address_of_a_person_reaches_no_table(pushed, server, client):
    person = {"id": 1, "email": "ann@example.org"}
    number = server.annotate(server.task_of(pushed.units[0]), 1, [primary(MISREAD)])
    server.edit(number, completed_by=person, updated_by=person)
    pull(pushed.study, "pilot", client)
    for table in ("labels", "coders", "journal", "refused_annotations", "settings"):
        assert "example.org" not in pushed.study.view(table).to_csv()
    assert unit_id(0) in pushed.study.view("labels").to_csv()


# Files --------------------------------------------------------------------------------------------


def exported(folder: Any) -> dict[str, list[dict[str, Any]]]:
    """Return what a server exports after it has imported our files, with nothing annotated."""
    numbers = count(1)
    return {
        file.name: [
            {"id": next(numbers), "annotations": [], "predictions": [], "data": task["data"]}
            for task in json.loads(file.read_text("utf-8"))
        ]
        for file in sorted(folder.glob("*.tasks.json"))
    }


def answer(task: dict[str, Any], number: int, user: Any, *result: Any, **changes: Any) -> None:
    when = {"created_at": "2026-11-21T02:06:41Z", "updated_at": "2026-11-21T02:06:42Z"}
    own = {"id": number, "task": task["id"], "completed_by": user, "unique_id": f"u{number}"}
    said = {"result": list(result), "was_cancelled": False, "lead_time": 3.0}
    task["annotations"].append({**own, **when, **said, **changes})


def saved(folder: Any, name: str, content: Any) -> Any:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return path


def test_a_round_goes_out_and_comes_back_as_files(made, tmp_path):
    out = tmp_path / "out"
    frame = export(made.study, "pilot", out)
    assert frame["units"].sum() == 6
    assert len(list(out.glob("*.form.xml"))) == len(frame) == 4
    assert (out / "instructions.html").read_text() == "<p>Code.</p>"
    files = exported(out)
    tasks = {task["data"]["record_id"]: task for some in files.values() for task in some}
    for number, unit in enumerate(made.units):
        answer(tasks[unit], 100 + number, 1 + number % 2, primary(MISREAD), confidence(5))
    answer(tasks[made.units[0]], 200, 2, primary("none"))
    paths = [saved(tmp_path, name, some) for name, some in files.items()]
    frame = import_(made.study, "pilot", paths)
    assert (frame["tasks"].sum(), frame["new"].sum(), frame["refused"].sum()) == (6, 7, 0)
    labels = current(made)
    for number, unit in enumerate(made.units):
        assert labels[100 + number, unit] == f"coder-{1 + number % 2} submitted {MISREAD}"
    assert labels[200, made.units[0]].startswith("coder-2 submitted")
    shown = made.study.view("labels").set_index("annotation_id")["shown_judge_id"]
    assert shown[100] == JUDGE
    assert shown.isna()[102]
    assert import_(made.study, "pilot", paths)["unchanged"].sum() == 7


def test_an_older_file_changes_nothing_and_a_newer_one_does(made, tmp_path):
    export(made.study, "pilot", tmp_path)
    name, (task, *_) = next(iter(exported(tmp_path).items()))
    answer(task, 1, 1, primary(MISREAD))
    old = saved(tmp_path, f"old-{name}", [task])
    task["annotations"][0] |= {"result": [primary("none")], "updated_at": "2026-11-22T00:00:00Z"}
    new = saved(tmp_path, f"new-{name}", [task])
    frame = import_(made.study, "pilot", [old, new, old])
    assert frame[["new", "edited", "older"]].to_numpy().tolist() == [
        [1, 0, 0],
        [0, 1, 0],
        [0, 0, 1],
    ]
    import_(made.study, "pilot", saved(tmp_path, "none.json", [task | {"annotations": []}]))
    assert list(current(made).values()) == ["coder-1 submitted no code"]
    twice = saved(tmp_path, "twice.json", [task, task])
    assert import_(made.study, "pilot", twice)["unchanged"].sum() == 2


def test_each_coder_s_own_server_counts_its_users_from_one(made, tmp_path):
    export(made.study, "pilot", tmp_path, layout="per-coder", coders=["Ann", "Ben"])
    files = exported(tmp_path)
    assert not any("Ann" in name for name in files)
    for name, some in files.items():
        for number, task in enumerate(some):
            answer(task, number + 1, 1, primary(MISREAD if "coder-1" in name else "none"))
    paths = [saved(tmp_path, name, some) for name, some in files.items()]
    frame = import_(made.study, "pilot", paths)
    assert (frame["new"].sum(), frame["refused"].sum()) == (9, 0)
    rows = made.study.view("labels")
    assert set(rows[rows["coder_id"] == "coder-1"]["primary_code"]) == {MISREAD}
    assert rows[rows["coder_id"] == "coder-2"]["primary_code"].isna().all()
    first = next(name for name in files if "coder-1" in name)
    answer(files[first][0], 77, 2, primary(MISREAD))
    frame = import_(made.study, "pilot", saved(tmp_path, first, files[first]))
    assert frame["note"].to_list() == ["1 other coder"]


def test_annotations_of_another_server_with_the_same_number_are_refused(made, tmp_path):
    export(made.study, "pilot", tmp_path)
    name, (task, *_) = next(iter(exported(tmp_path).items()))
    answer(task, 1, 1, primary(MISREAD))
    import_(made.study, "pilot", saved(tmp_path, name, [task]))
    task["annotations"].clear()
    answer(task, 1, 1, primary("none"), unique_id="of another", updated_at="2026-11-23T00:00:00Z")
    frame = import_(made.study, "pilot", saved(tmp_path, "b.json", [task]), source="b")
    assert frame["note"].to_list() == ["1 other annotation"]
    assert list(current(made).values()) == [f"coder-1 submitted {MISREAD}"]


def test_a_file_from_the_server_of_a_push_is_read_too(pushed, server, tmp_path):
    number = server.annotate(server.task_of(pushed.units[0]), 1, [primary(MISREAD)])
    pull(pushed.study, "pilot", Client(server))
    server.edit(number, result=[primary("none")])
    path = saved(tmp_path, "project-1.json", list(server.tasks.values()))
    frame = import_(pushed.study, "pilot", path)
    assert (frame["edited"].sum(), frame["refused"].sum()) == (1, 0)
    assert list(current(pushed).values()) == ["coder-1 submitted no code"]
    assert pull(pushed.study, "pilot", Client(server))["edited"].sum() == 0


def test_rows_that_cannot_land_are_named_by_file_and_index(made, tmp_path):
    export(made.study, "pilot", tmp_path)
    _, (task, *_) = next(iter(exported(tmp_path).items()))
    other = {"id": 9, "data": {"record_id": "else"}, "annotations": [{"id": 5}]}
    answer(task, 1, 1, primary(MISREAD), primary("none"))
    hostile = [None, 3, {}, {"id": "1", "data": [], "annotations": {}}, other, task, [[]]]
    frame = import_(made.study, "pilot", saved(tmp_path, "x.json", hostile))
    assert (frame["tasks"][0], frame["refused"][0], frame["new"][0]) == (7, 7, 0)
    details = pulling.refused(made.study, "pilot")["detail"].to_list()
    assert sorted(detail.split(":")[0] for detail in details) == [f"x.json[{n}]" for n in range(7)]
    import_(made.study, "pilot", tmp_path / "x.json")
    assert len(pulling.refused(made.study, "pilot")) == 7
    with pytest.raises(StageError, match="no task with annotations"):
        import_(made.study, "pilot", next(tmp_path.glob("*.tasks.json")))


@pytest.mark.parametrize(
    "content",
    [
        "", "id,choice\n1,x\n", "{}", "[", '[{"id": NaN}]', "[" * 5000,
        '[{"id": 1, "annotation_id": 2, "primary": "x", "record_id": "r"}]',
    ],
    ids=["empty", "csv", "object", "cut", "nan", "deep", "json-min"],
)  # fmt: skip
def test_what_is_no_whole_export_is_refused(made, tmp_path, content):
    export(made.study, "pilot", tmp_path)
    with pytest.raises(StageError, match='export "JSON"'):
        import_(made.study, "pilot", saved(tmp_path, "x.json", content))
    assert made.study.count("labels") == 0


def test_pictures_go_into_the_files_or_beside_them(tmp_path):
    made = made_round(tmp_path, images=True)
    for way, start in (("data", "data:image/png;base64,"), ("local", "/data/local-files/?d=")):
        export(made.study, "pilot", tmp_path / way, images=way)
        tasks = [task for some in exported(tmp_path / way).values() for task in some]
        assert all(task["data"]["image"].startswith(start) for task in tasks)
    names = [task["data"]["image"].split("=")[1] for task in tasks]
    assert all((tmp_path / "local" / "files" / name).is_file() for name in names)


def test_a_round_is_on_a_server_or_in_files(made, client, tmp_path):
    export(made.study, "pilot", tmp_path)
    with pytest.raises(StageError, match="exported to files"):
        push(made.study, "pilot", client)


def test_a_round_that_is_nowhere_has_nothing_to_pull(made, client, tmp_path):
    with pytest.raises(StageError, match="push it first"):
        pull(made.study, "pilot", client)
    with pytest.raises(StageError, match="export or push it first"):
        import_(made.study, "pilot", tmp_path)


# A real server ------------------------------------------------------------------------------------


def suggested(client: Any, task: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what a coder submits who takes over all that is suggested."""
    (prediction,) = client._ask("GET", "/api/predictions/", params={"task": task["id"]})
    return [one | {"origin": "prediction"} for one in prediction["result"]]


@pytest.fixture
def sign_in(label_studio) -> Iterator[Callable[..., Any]]:
    """Return a function that makes a client in somebody's name."""
    with ExitStack() as stack:
        yield lambda *who, **how: stack.enter_context(label_studio.client(*who, **how))


@pytest.fixture
def named(made) -> str:
    """Return a name for the round that no other test uses on the server."""
    name = f"round {time.time_ns() % 10**12}"
    rows = made.study.view("rounds").assign(name=name)
    with made.study.write() as tx:
        tx.clear("rounds")
        tx.append("rounds", rows)
    return name


def unit_tasks(made: Made, client: Any) -> dict[str, dict[str, Any]]:
    projects = made.study.view("round_projects")["project_id"]
    found = [task for number in projects for task in client.changed_tasks(int(number), None)]
    return {task["data"]["record_id"]: task for task in found}


def test_a_round_on_a_real_server(label_studio, sign_in, named, made):
    admin, one, two = (sign_in(name) for name in label_studio.names)
    frame = push(made.study, named, admin)
    assert frame["created"].sum() == 6
    assert push(made.study, named, admin)["unchanged"].sum() == 6
    tasks = unit_tasks(made, admin)
    assert set(tasks) == set(made.units)
    first, second, third = (tasks[unit] for unit in made.units[:3])
    assert len(first["predictions"]) == 1
    assert third["predictions"] == []
    text = first["data"]["response"]
    mine = one.annotate(first["id"], suggested(one, first), lead_time=3.5)
    marked = span(text, text.index("重"), text.index("重") + 2)
    other = two.annotate(first["id"], [primary(CALCULATION), marked], lead_time=9)
    gone = one.annotate(second["id"], [primary("none"), memo("why")], lead_time=1)
    skip = two.annotate(third["id"], [], lead_time=2, skipped=True)
    frame = pull(made.study, named, admin)
    assert (frame["new"].sum(), frame["skipped"].sum(), frame["refused"].sum()) == (3, 1, 0)
    one._ask("PATCH", f"/api/annotations/{mine}/", json={"result": [primary("codebook gap")]})
    one._ask("DELETE", f"/api/annotations/{gone}/")
    frame = pull(made.study, named, admin)
    print(
        frame.to_string(),
        pulling.refused(made.study, named).to_string(),
        made.study.query(
            "select raw from refused_annotations union all select raw from labels"
        ).to_string(max_colwidth=900),
    )
    assert (frame["edited"].sum(), frame["deleted"].sum(), frame["refused"].sum()) == (1, 1, 0)
    assert pull(made.study, named, admin, full=True)["deleted"].sum() == 0
    people = made.study.view("coders").set_index("user_id")["coder_id"]
    ann, ben = people[one.me().user_id], people[two.me().user_id]
    assert current(made) == {
        (mine, made.units[0]): f"{ann} submitted no code",
        (other, made.units[0]): f"{ben} submitted {CALCULATION}",
        (gone, made.units[1]): f"{ann} deleted no code",
        (skip, made.units[2]): f"{ben} skipped no code",
    }
    regions = made.study.query(
        "SELECT r.*, l.annotation_id FROM label_regions r JOIN labels l USING (label_id)"
    ).set_index("annotation_id")
    assert regions.loc[mine, "origin"] == "prediction"
    assert regions.loc[other, "quote"] == "重."
    assert made.study.count("labels") == 6


def test_a_server_that_dies_in_the_middle(label_studio, sign_in, named, made, monkeypatch):
    monkeypatch.setattr("erranal.rounds.push.BATCH", 1)
    monkeypatch.setattr(pulling, "BATCH", 1)

    def dies(done: int, total: int, label: str) -> None:
        if done == 1 and not died:
            died.append(label)
            label_studio.kill()

    died: list[str] = []
    impatient = sign_in(patience_s=1)
    with pytest.raises(StageError, match="same command"):
        push(made.study, named, impatient, progress=dies)
    label_studio.start()
    admin = sign_in()
    push(made.study, named, admin)
    tasks = unit_tasks(made, admin)
    there = [
        number
        for project in made.study.view("round_projects")["project_id"]
        for number in admin.annotation_ids(int(project))
    ]
    assert sorted(there) == sorted(task["id"] for task in tasks.values())
    assert set(tasks) == set(made.units)
    coder = sign_in("coder-1")
    given = {
        (coder.annotate(task["id"], [primary(MISREAD)], lead_time=1), unit): (
            f"coder-1 submitted {MISREAD}"
        )
        for unit, task in tasks.items()
    }
    died.clear()
    with pytest.raises(StageError, match="same command"):
        pull(made.study, named, sign_in(patience_s=1), progress=dies)
    assert 1 <= made.study.count("labels") < 6
    label_studio.start()
    pull(made.study, named, sign_in())
    assert current(made) == given
    assert made.study.count("labels") == 6
