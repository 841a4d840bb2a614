"""Rounds to a server and back: nothing lost, doubled, overwritten or given to somebody else."""

from __future__ import annotations

import json
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
    codes,
    confidence,
    made_round,
    memo,
    primary,
    span,
    unit_id,
)

from erranal.errors import StageError
from erranal.rounds import pull as pulling
from erranal.rounds.pictures import find, is_there
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
        "SELECT annotation_id, unit_id, coder_id, status, primary_code FROM labels WHERE current"
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
    push(made_round(_folder(tmp_path, 0)).study, "pilot", Client(whole))
    for stop in count(1):
        made, server = made_round(_folder(tmp_path, stop)), Server()
        try:
            push(made.study, "pilot", Client(server, stop_at=stop, after=after))
        except StageError as error:
            assert "away" in str(error)
        else:
            break
        push(made.study, "pilot", Client(server))
        assert tasks_there(server) == tasks_there(whole)
        assert made.study.count("round_tasks") == 6
        assert made.study.query("SELECT status FROM rounds")["status"][0] == "open"
        frame = push(made.study, "pilot", Client(server))
        assert frame[["created", "updated"]].to_numpy().sum() == 0
    assert stop > 15


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


def test_coders_need_an_account_each(made, client):
    for named in (["eve@example.org", *PEOPLE], ["Ann", "ann@example.org"]):
        with pytest.raises(StageError, match="users|twice"):
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
    assert image.startswith({"local": "/data/local-files/?d=", "upload": "/data/upload/"}.get(way, "data:image/png;base64,"))  # fmt: skip
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
        except StageError as error:
            assert "away" in str(error)
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
        assert "example.org" not in pushed.study.view(table).to_json()
    assert unit_id(0) in pushed.study.view("labels").to_json()
