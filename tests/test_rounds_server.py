"""The client and the server of one's own, against a real Label Studio."""

from __future__ import annotations

import base64
import contextlib
import json
import logging
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from label_studio_server import free_port, server_environment, template

from erranal.errors import StageError
from erranal.rounds import connection, paging
from erranal.rounds.accounts import Accounts, write_private
from erranal.rounds.connection import ServerAnswerError, normal_url
from erranal.rounds.environment import environment
from erranal.rounds.labelstudio import LabelStudio
from erranal.rounds.place import Place, settings
from erranal.rounds.projects import titled
from erranal.rounds.server import running
from erranal.rounds.tokens import is_personal

FORM = """<View><Text name="response" value="$response"/>
<Labels name="ev_response" toName="response"><Label value="Evidence"/></Labels>
<Choices name="primary" toName="response" choice="single-radio">
<Choice value="x" alias="r.x"/><Choice value="y" alias="r.y"/></Choices></View>"""
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGBgAAAABQABh6FO1AAAAABJRU5ErkJggg=="
)
MANY = 1000
EVER = datetime(2000, 1, 1, tzinfo=UTC)


def choice(code: str) -> dict:
    value = {"choices": [code]}
    return {
        "id": "c1",
        "from_name": "primary",
        "to_name": "response",
        "type": "choices",
        "value": value,
    }


def task(record: str, text: str = "twelve 🍎 and 3") -> dict:
    span = {"start": 0, "end": 6, "text": text[:6], "labels": ["Evidence"]}
    region = {"id": "p2", "from_name": "ev_response", "to_name": "response", "type": "labels"}
    result = [choice("r.x") | {"id": "p1"}, region | {"value": span}]
    return {
        "data": {"record_id": record, "response": text},
        "predictions": [{"model_version": "judge", "result": result}],
    }


def tasks(number: int, prefix: str = "u") -> list[dict]:
    return [task(f"{prefix}{n:05d}") for n in range(number)]


@pytest.fixture
def admin(label_studio):
    with label_studio.client() as client:
        yield client


@pytest.fixture
def project(admin):
    number = admin.create_project(f"project {time.time_ns()}", FORM, coders_per_task=2)
    yield number
    admin.delete_project(number)


class LosesAnswers(httpx.BaseTransport):
    """The server does what it is asked, and the answer to the first matching request is lost."""

    def __init__(self, method: str, part: str) -> None:
        self.method, self.part, self.lost = method, part, 0
        self.inner = httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = self.inner.handle_request(request)
        if not self.lost and request.method == self.method and self.part in request.url.path:
            response.read()
            response.close()
            self.lost += 1
            raise httpx.ReadError("the line went dead", request=request)
        return response

    def close(self) -> None:
        self.inner.close()


def told_with_locals(error: Exception) -> str:
    """Return a traceback with the values of the variables below the caller's own frame."""
    assert error.__traceback__ is not None
    error.__traceback__ = error.__traceback__.tb_next
    shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    return "".join(shown.format())


def on_a_bad_line(client: LabelStudio, method: str, part: str) -> LosesAnswers:
    client.me()  # a server that has been reached is waited for
    client.close()
    line = LosesAnswers(method, part)
    client._connection._http = httpx.Client(base_url=client.url, transport=line)
    return line


# --- projects and tasks


def test_projects_are_made_found_and_deleted(admin):
    title = f"round {time.time_ns()}"
    assert admin.find_project(title) is None
    number = admin.create_project(title, FORM, coders_per_task=2, instructions="<b>Read</b>")
    assert admin.find_project(title) == number
    assert admin.find_project(title[:-1]) is None  # a part of a title is not the title
    assert admin.config_of(number) == FORM
    told = admin._ask("GET", f"/api/projects/{number}/")
    assert (told["maximum_annotations"], told["expert_instruction"]) == (2, "<b>Read</b>")
    assert told["show_instruction"] is True
    admin.delete_project(number)
    admin.delete_project(number)
    assert admin.find_project(title) is None


@pytest.mark.parametrize("title", ["ab", "x" * 51])
def test_titles_that_the_server_refuses_are_refused_here(admin, title):
    with pytest.raises(StageError, match="3 to 50 characters"):
        admin.create_project(title, FORM)


def test_a_thousand_tasks_go_in_once(admin, project):
    sent = tasks(MANY)
    landed: list[int] = []
    ids = admin.import_tasks(project, sent, landed=lambda new: landed.append(len(new)))
    assert sum(landed) == MANY
    assert list(ids) == [one["data"]["record_id"] for one in sent]
    assert admin.task_ids(project) == ids
    again = admin.import_tasks(
        project, [*sent, task("new")], landed=lambda new: landed.append(len(new))
    )
    assert landed[-1] == 1
    assert {**ids, "new": again["new"]} == again
    assert admin.import_tasks(project, sent, known=again) == ids
    by_id = {one["id"]: one for one in admin.changed_tasks(project, EVER)}
    assert len(by_id) == MANY + 1
    for record, number in ids.items():
        assert by_id[number]["data"]["record_id"] == record
    assert by_id[ids["u00007"]]["data"]["response"] == "twelve 🍎 and 3"
    assert len(by_id[ids["u00007"]]["predictions"]) == 1


def test_a_record_twice_in_one_import_is_refused(admin, project):
    with pytest.raises(StageError, match="same record_id"):
        admin.import_tasks(project, [task("a"), task("a")])
    assert admin.task_ids(project) == {}


def test_the_server_checks_predictions_and_says_what_is_wrong(admin, project):
    bad = task("a")
    bad["predictions"][0]["result"][0]["value"]["choices"] = ["no such code"]
    with pytest.raises(ServerAnswerError, match="no such code") as caught:
        admin.import_tasks(project, [task("b"), bad])
    assert caught.value.status == 400
    assert admin.task_ids(project) == {}  # one import is all or nothing


def test_an_update_replaces_data_and_predictions_and_keeps_annotations(admin, project):
    number = admin.import_tasks(project, [task("a")])["a"]
    annotation = admin.annotate(number, [choice("r.y")], lead_time=2)
    changed = task("a", "eleven pears")
    admin.update_task(number, changed["data"], changed["predictions"])
    [now] = admin.changed_tasks(project, EVER)
    assert now["data"] == changed["data"]
    assert [one["result"][1]["value"]["text"] for one in now["predictions"]] == ["eleven"]
    assert [one["id"] for one in now["annotations"]] == [annotation]
    admin.update_task(number, changed["data"], [])
    [now] = admin.changed_tasks(project, EVER)
    assert now["predictions"] == []


def test_chunks_keep_order_and_both_limits(monkeypatch):
    monkeypatch.setattr(paging, "TASKS_PER_REQUEST", 3)
    monkeypatch.setattr(paging, "BYTES_PER_REQUEST", 1000)
    given = [*tasks(4), task("long", "x" * 5000), *tasks(2, "v")]
    made = list(paging.chunks(given))
    assert [one for chunk in made for one in chunk] == given
    assert all(len(chunk) <= 3 for chunk in made)
    assert [task("long", "x" * 5000)] in made


# --- annotations


def test_annotations_of_two_people_edits_deletions_and_skips_are_seen(label_studio, admin, project):
    ids = admin.import_tasks(project, tasks(5))
    first, second = label_studio.client("coder-1"), label_studio.client("coder-2")
    people = {client.me().email: client.me().user_id for client in (first, second)}
    assert {user.email: user.user_id for user in admin.users()}.items() >= people.items()
    a = first.annotate(ids["u00000"], [choice("r.x")], lead_time=4.5)
    b = second.annotate(ids["u00000"], [choice("r.y")], lead_time=9.25)
    c = second.annotate(ids["u00001"], [], lead_time=1, skipped=True)
    [both, skipped] = [one for one in admin.changed_tasks(project, None) if one["annotations"]]
    told = {one["id"]: one for one in both["annotations"]}
    assert {number: one["completed_by"] for number, one in told.items()} == {
        a: first.me().user_id,
        b: second.me().user_id,
    }
    assert told[b]["result"][0]["value"] == {"choices": ["r.y"]}
    assert (told[a]["lead_time"], told[b]["lead_time"]) == (4.5, 9.25)
    assert told[a]["ground_truth"] is False
    assert [one["was_cancelled"] for one in skipped["annotations"]] == [True]
    expected = {number: [] for number in ids.values()}
    expected |= {ids["u00000"]: [a, b], ids["u00001"]: [c]}
    assert admin.annotation_ids(project) == expected

    def since() -> datetime:
        newest = max(one["updated_at"] for one in admin.changed_tasks(project, None))
        return datetime.fromisoformat(newest) + timedelta(microseconds=1)

    mark = since()
    assert list(admin.changed_tasks(project, mark)) == []
    second._ask("PATCH", f"/api/annotations/{b}/", json={"result": [choice("r.x")]})
    [edited] = admin.changed_tasks(project, mark)
    told = {one["id"]: one for one in edited["annotations"]}
    assert told[b]["result"][0]["value"] == {"choices": ["r.x"]}
    assert told[b]["completed_by"] == second.me().user_id
    assert told[b]["updated_at"] > told[b]["created_at"]

    mark = since()
    first._ask("DELETE", f"/api/annotations/{a}/")
    [left] = admin.changed_tasks(project, mark)
    assert [one["id"] for one in left["annotations"]] == [b]
    assert admin.annotation_ids(project)[ids["u00000"]] == [b]
    first.close()
    second.close()


def test_a_time_to_go_on_from_lies_before_what_is_done_after_it(admin, project):
    mark = admin.clock()
    assert abs(datetime.now(UTC) - mark) < timedelta(minutes=2)
    number = admin.import_tasks(project, [task("a")])["a"]
    assert [one["id"] for one in admin.changed_tasks(project, mark)] == [number]


def test_pages_neither_miss_nor_repeat_tasks_while_others_come_and_go(admin, project, monkeypatch):
    monkeypatch.setattr(paging, "TASKS_PER_PAGE", 10)
    ids = admin.import_tasks(project, tasks(60))
    numbers = list(ids.values())
    reading = admin.changed_tasks(project, EVER)
    met = [next(reading)["id"] for _ in range(10)]
    for number in numbers[:10]:  # with pages by number, the next ten would slip away now
        admin._ask("DELETE", f"/api/tasks/{number}/")
    late = admin.import_tasks(project, [task("late")], known={})["late"]
    met += [one["id"] for one in reading]
    assert met == [*numbers, late]


def test_one_export_has_what_the_pages_have(label_studio, admin, project, monkeypatch):
    ids = admin.import_tasks(project, tasks(30))
    with label_studio.client("coder-1") as coder:
        coder.annotate(ids["u00003"], [choice("r.x") | {"origin": "manual"}], lead_time=1.5)
        coder.annotate(ids["u00004"], [], lead_time=2, skipped=True)
    same = ("id", "result", "completed_by", "was_cancelled", "lead_time", "parent_prediction")
    same += ("created_at", "updated_at", "task", "project", "ground_truth")

    def seen(task: dict) -> tuple:
        annotations = [{name: one[name] for name in same} for one in task["annotations"]]
        return task["id"], task["data"], task["updated_at"], annotations

    paged = [seen(one) for one in admin.changed_tasks(project, EVER)]
    exported = list(admin.changed_tasks(project, None))
    assert [seen(one) for one in exported] == paged
    assert sum(len(one["annotations"]) for one in exported) == 2
    assert isinstance(exported[0]["predictions"][0], int)
    monkeypatch.setattr(paging, "EXPORT_BYTES", 1000)
    large = list(admin.changed_tasks(project, None))
    assert [seen(one) for one in large] == paged
    assert isinstance(large[0]["predictions"][0], dict)


def test_an_empty_project_has_no_tasks(admin, project):
    assert list(admin.changed_tasks(project, None)) == []
    assert list(admin.changed_tasks(project, EVER)) == []
    assert admin.annotation_ids(project) == {}


def test_a_missing_project_is_an_error_and_no_empty_one(admin):
    with pytest.raises(ServerAnswerError, match="404"):
        list(admin.changed_tasks(999_999, None))


# --- images


def test_images_of_a_folder_and_uploaded_ones_can_be_fetched(
    label_studio, admin, project, tmp_path
):
    (label_studio.images / "a b.png").write_bytes(PNG)
    admin.add_local_images(project, label_studio.images)
    admin.add_local_images(project, label_studio.images)
    assert len(admin._ask("GET", "/api/storages/localfiles/", params={"project": project})) == 1
    files = []
    for name in ("a b.png", "über#1.png", "c.png"):
        files.append(tmp_path / name)
        files[-1].write_bytes(PNG)
    urls = admin.upload_images(project, files)
    assert set(urls) == {file.name for file in files}
    assert len(set(urls.values())) == 3
    header = {"Authorization": f"Token {label_studio.token('coder-1')}"}
    with httpx.Client(base_url=label_studio.url, headers=header, trust_env=False) as session:
        for url in [*urls.values(), "/data/local-files/?d=images/a%20b.png"]:
            assert session.get(url).content == PNG, url
        assert session.get("/data/local-files/?d=../token").status_code >= 400
    with pytest.raises(StageError, match="same file name"):
        admin.upload_images(project, [files[0], files[0]])


# --- tokens


def test_both_kinds_of_token_are_taken(label_studio, admin, monkeypatch):
    header = {"Authorization": f"Token {label_studio.token('coder-2')}"}
    made = httpx.post(f"{label_studio.url}/api/token/", headers=header, trust_env=False).json()
    token = made["token"]
    assert is_personal(token)
    assert not is_personal(label_studio.token("coder-2"))
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", token)
    with LabelStudio(label_studio.url) as client:
        assert client.me().email == label_studio.account("coder-2")[0]
        authorization = client._connection._authorization
        authorization._access = "access.that.expired"
        assert client.me().email == label_studio.account("coder-2")[0]
        assert authorization._access != "access.that.expired"
        [held] = httpx.get(f"{label_studio.url}/api/token/", headers=header, trust_env=False).json()
        httpx.post(
            f"{label_studio.url}/api/token/blacklist/",
            headers=header,
            json={"refresh": held["token"]},
            trust_env=False,
        ).raise_for_status()
        authorization._access = None
        with pytest.raises(StageError, match="LABEL_STUDIO_API_KEY"):
            client.me()


@pytest.mark.parametrize(
    "token",
    [
        "f" * 40,
        ".".join(
            base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
            for part in ({"alg": "HS256"}, {"exp": 4_000_000_000, "token_type": "refresh"}, "sig")
        ),
    ],
)
def test_a_wrong_token_is_told_by_its_variable_and_not_shown(label_studio, monkeypatch, token):
    monkeypatch.setenv("MY_TOKEN", token)
    with (
        LabelStudio(label_studio.url, token_env="MY_TOKEN") as client,
        pytest.raises(StageError, match="MY_TOKEN") as caught,
    ):
        client.me()
    assert token not in str(caught.value)


@pytest.mark.parametrize("value", [None, "", "two words", "line\nbreak", "naïve"])
def test_no_token_is_told_with_what_to_do(monkeypatch, value):
    if value is None:
        monkeypatch.delenv("MY_TOKEN", raising=False)
    else:
        monkeypatch.setenv("MY_TOKEN", value)
    with pytest.raises(StageError, match="MY_TOKEN"):
        LabelStudio("http://127.0.0.1:9", token_env="MY_TOKEN")


def test_a_token_is_in_no_log_no_error_and_no_repr(label_studio, admin, project, caplog):
    caplog.set_level(logging.DEBUG)
    secret = label_studio.token("admin")
    said = [repr(admin), repr(admin._connection), repr(vars(admin._connection))]
    admin.import_tasks(project, [task("a")])
    for path in ("/api/projects/999999/", "/no/such/page"):
        try:
            admin._ask("GET", path)
        except StageError as error:
            said.append(told_with_locals(error))
    with LabelStudio("http://127.0.0.1:9", token_env=label_studio.variable("admin")) as nobody:
        try:
            nobody.me()
        except StageError as error:
            said.append(told_with_locals(error))
    assert len(said) == 6
    assert caplog.records
    assert secret not in "".join(said)
    assert secret not in caplog.text
    assert secret not in label_studio.server.place.log.read_text()


def test_a_server_that_echoes_the_token_is_not_quoted(label_studio, admin):
    secret = label_studio.token("admin")
    with pytest.raises(ServerAnswerError) as caught:
        admin._ask("GET", f"/api/projects/{secret}/")
    authorization = admin._connection._authorization
    assert secret not in authorization.hide(f"you sent Token {secret}")
    assert caught.value.status == 404


@pytest.mark.parametrize(
    "url", ["127.0.0.1:8080", "ftp://host", "http://", "http://me:secret@host", "http://h?token=x"]
)
def test_addresses_that_are_none_are_refused(url):
    with pytest.raises(StageError):
        normal_url(url)


def test_addresses_keep_their_path():
    assert normal_url(" http://host:81/studio/ ") == "http://host:81/studio"


# --- outages


def test_a_dead_server_is_told_soon_with_how_to_start_one(label_studio):
    url = f"http://127.0.0.1:{free_port()}"
    start = time.monotonic()
    with (
        LabelStudio(url, token_env=label_studio.variable("admin")) as client,
        pytest.raises(StageError, match="erranal rounds serve"),
    ):
        client.me()
    assert time.monotonic() - start < 10


def test_what_is_no_label_studio_is_told(label_studio, monkeypatch):
    with label_studio.client() as client, pytest.raises(StageError, match="check the address"):
        client._ask("GET", "/user/login/")


def test_an_import_goes_on_when_the_server_dies_and_comes_back(label_studio, project, monkeypatch):
    monkeypatch.setattr(paging, "TASKS_PER_REQUEST", 100)
    sent = tasks(MANY)
    outages = contextlib.ExitStack()

    def fail_once(new: dict[str, int]) -> None:
        if len(seen) == 2:
            blow.start()
        seen.append(len(new))

    seen: list[int] = []
    blow = threading.Timer(0.05, lambda: outages.enter_context(label_studio.away(1.0)))
    waits: list[str] = []
    wait = connection.Patience.wait
    monkeypatch.setattr(
        connection.Patience,
        "wait",
        lambda self, failed: (waits.append(failed.why), wait(self, failed))[1],
    )
    with label_studio.client() as client, outages:
        ids = client.import_tasks(project, sent, landed=fail_once)
        blow.join()
    with label_studio.client() as client:
        listed = [one["data"]["record_id"] for one in client.changed_tasks(project, None)]
        assert sorted(listed) == sorted(one["data"]["record_id"] for one in sent)
        assert client.task_ids(project) == ids
    assert len(ids) == MANY
    assert waits  # the import met the outage


def test_a_listing_goes_on_when_the_server_dies_and_comes_back(label_studio, project, monkeypatch):
    monkeypatch.setattr(paging, "TASKS_PER_PAGE", 50)
    with label_studio.client() as client:
        ids = client.import_tasks(project, tasks(300))
        reading = client.changed_tasks(project, EVER)
        met = [next(reading)["id"] for _ in range(120)]
        with label_studio.away(0.5):
            met += [one["id"] for one in reading]
    assert met == list(ids.values())


def test_a_long_outage_is_an_error_and_the_same_call_resumes(label_studio, project, monkeypatch):
    monkeypatch.setattr(paging, "TASKS_PER_REQUEST", 50)
    sent = tasks(200)
    with label_studio.client(patience_s=1.0) as client:

        def die(new: dict[str, int]) -> None:
            label_studio.kill()

        with pytest.raises(StageError, match="same command again"):
            client.import_tasks(project, sent, landed=die)
        label_studio.start()
        missing: list[int] = []
        ids = client.import_tasks(project, sent, landed=lambda new: missing.append(len(new)))
        assert sum(missing) == 150
        assert client.task_ids(project) == ids


@pytest.mark.parametrize(("method", "part"), [("POST", "/import"), ("GET", "/api/tasks/")])
def test_a_lost_answer_doubles_no_task(label_studio, project, method, part):
    with label_studio.client() as client:
        line = on_a_bad_line(client, method, part)
        ids = client.import_tasks(project, tasks(20))
        assert client.task_ids(project) == ids
        assert line.lost == 1
        assert len(list(client.changed_tasks(project, None))) == 20


def test_a_lost_answer_doubles_no_annotation(label_studio, admin, project):
    number = admin.import_tasks(project, [task("a")])["a"]
    admin.annotate(number, [choice("r.x")], lead_time=1)
    with label_studio.client("coder-1") as client:
        line = on_a_bad_line(client, "POST", "/annotations/")
        made = client.annotate(number, [choice("r.y")], lead_time=1)
    assert line.lost == 1
    [now] = admin.changed_tasks(project, EVER)
    mine = [one for one in now["annotations"] if one["id"] == made]
    assert [one["result"][0]["value"]["choices"] for one in mine] == [["r.y"]]
    assert len(now["annotations"]) == 2


def test_a_lost_answer_doubles_no_prediction(label_studio, admin, project):
    number = admin.import_tasks(project, [task("a")])["a"]
    with label_studio.client() as client:
        line = on_a_bad_line(client, "POST", "/api/predictions/")
        client.update_task(number, task("a")["data"], task("a")["predictions"])
    assert line.lost == 1
    [now] = admin.changed_tasks(project, EVER)
    assert len(now["predictions"]) == 1


def test_a_lost_answer_doubles_no_project(label_studio, admin):
    title = f"lost {time.time_ns()}"
    older = admin.create_project(title, FORM)
    with label_studio.client() as client:
        line = on_a_bad_line(client, "POST", "/api/projects/")
        made = client.create_project(title, FORM)
    assert line.lost == 1
    assert sorted(titled(admin._ask, title)) == [older, made]
    for number in (older, made):
        admin.delete_project(number)


def test_a_fault_of_the_server_is_tried_a_few_times_only(label_studio, monkeypatch):
    tries: list[str] = []

    def break_down(request: httpx.Request) -> httpx.Response:
        tries.append(request.url.path)
        return httpx.Response(500)

    monkeypatch.setattr(connection, "FIRST_WAIT_S", 0.01)
    with label_studio.client() as client:
        client.me()
        client.close()
        line = httpx.MockTransport(break_down)
        client._connection._http = httpx.Client(base_url=client.url, transport=line)
        with pytest.raises(StageError, match="status 500"):
            client.me()
    assert len(tries) == connection.FAULTS_ALLOWED


# --- a server of one's own


@pytest.fixture
def place(tmp_path) -> Path:
    """Return a server's folder that has been used before."""
    home = server_environment()
    folder = tmp_path / "studio"
    (folder / "data").mkdir(parents=True)
    for name in ("accounts.json", "token", "data/.env", "data/label_studio.sqlite3"):
        (folder / name).write_bytes((template(home) / name).read_bytes())
    return folder


def test_a_server_started_again_has_its_accounts_and_tasks(place, monkeypatch):
    home, port = server_environment(), free_port()
    with running(place, port=port, environment_path=home) as server:
        monkeypatch.setenv("LABEL_STUDIO_API_KEY", server.place.token.read_text().strip())
        with LabelStudio(server.url) as client:
            number = client.create_project("kept", FORM)
            client.import_tasks(number, tasks(3))
            before = client.users()
        told = server.message()
        assert server.url in told
        assert str(server.place.accounts) in told
        assert os.environ["LABEL_STUDIO_API_KEY"] not in told
    accounts = Accounts(place / "accounts.json")
    steps: list[tuple[int, int, str]] = []
    with (
        running(
            place, port=port, coders=3, environment_path=home, progress=lambda *s: steps.append(s)
        ) as server,
        LabelStudio(server.url) as client,
    ):
        assert client.find_project("kept") == number
        assert len(client.task_ids(number)) == 3
        assert client.users()[:3] == before
        assert [user.email for user in client.users()[3:]] == ["coder-3@example.org"]
        roles = client._ask("GET", "/api/users/")
        assert not any(user.get("is_superuser") for user in roles[1:])
    assert steps[-1] == (3, 3, "ready")
    after = Accounts(place / "accounts.json")
    assert after.names() == ["admin", "coder-1", "coder-2", "coder-3"]
    assert all(after[name] == accounts[name] for name in accounts.names())
    assert after["coder-3"].token


def test_nothing_secret_is_open_to_others(place):
    home, port = server_environment(), free_port()
    (place / "data").chmod(0o700)
    with running(place, port=port, environment_path=home) as server:
        for name in ("accounts.json", "token", "client.sh", "server.log", "lock"):
            assert stat.S_IMODE((place / name).stat().st_mode) == 0o600, name
        assert stat.S_IMODE((place / "data").stat().st_mode) == 0o700
        line = Path(f"/proc/{server.process.pid}/cmdline").read_text()
        accounts = Accounts(place / "accounts.json")
        for name in accounts.names():
            assert accounts[name].password not in line + repr(accounts[name])
            assert accounts[name].token not in line + repr(accounts[name])
        with pytest.raises(OSError, match="refused"), socket.socket() as outside:
            outside.connect((_address_of_this_machine(), port))


def _address_of_this_machine() -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing
            return str(probe.getsockname()[0])
        except OSError:
            return "127.0.0.2"


def test_a_second_server_on_the_folder_or_port_is_refused(label_studio):
    home = server_environment()
    process = label_studio.server.process.pid
    with (
        pytest.raises(StageError, match=rf"process {process}"),
        running(label_studio.folder, port=free_port(), environment_path=home),
    ):
        pass
    port = int(label_studio.url.rpartition(":")[2])
    with (
        pytest.raises(StageError, match=f"port {port}"),
        running(label_studio.folder.parent / "other", port=port, environment_path=home),
    ):
        pass


SERVE = """
import sys
from erranal.rounds.server import serve
serve(
    sys.argv[1],
    port=int(sys.argv[2]),
    environment_path=sys.argv[3],
    ready=lambda server: print(server.process.pid, flush=True),
)
"""


@contextlib.contextmanager
def serving(place: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Run ``serve`` in a process of its own; yield it and the number of the server's process."""
    command = [sys.executable, "-c", SERVE, str(place), str(free_port()), str(server_environment())]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process, int(process.stdout.readline())


def test_serve_ends_with_control_c_and_leaves_nothing_running(place):
    for end in (signal.SIGINT, signal.SIGTERM):
        with serving(place) as (process, number):
            process.send_signal(end)
            assert process.wait(30) == 0
        assert not Path(f"/proc/{number}").exists()


def test_a_server_whose_starter_was_killed_still_holds_its_folder(place):
    with serving(place) as (process, number):
        process.kill()
        process.wait()
    try:
        with (
            pytest.raises(StageError, match=f"process {number}"),
            running(place, port=free_port(), environment_path=server_environment()),
        ):
            pass
    finally:
        os.kill(number, signal.SIGKILL)


def test_a_server_that_cannot_start_says_why(place):
    home = server_environment()
    (place / "data" / "label_studio.sqlite3").write_bytes(b"this is no database" * 100)
    with (
        pytest.raises(StageError, match="not a database"),
        running(place, port=free_port(), environment_path=home),
    ):
        pass


def test_settings_pass_nothing_on_and_keep_quiet(monkeypatch, tmp_path):
    monkeypatch.setenv("HOST", "http://elsewhere")
    monkeypatch.setenv("DEBUG", "true")
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", "secret")
    told = settings(Place(tmp_path))
    assert {"HOST", "DEBUG", "LABEL_STUDIO_API_KEY"}.isdisjoint(told)
    assert told["LABEL_STUDIO_COLLECT_ANALYTICS"] == "false"
    assert told["LABEL_STUDIO_LATEST_VERSION_CHECK"] == "false"
    assert told["LABEL_STUDIO_SENTRY_DSN"] == ""
    assert told["LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT"] == str(tmp_path / "files")


def test_an_environment_without_label_studio_is_refused(tmp_path):
    with pytest.raises(StageError, match="no Label Studio in the environment"):
        environment(tmp_path / "made", given=tmp_path)
    with pytest.raises(StageError, match="could not be installed"):
        environment(tmp_path / "made", python=tmp_path / "no-python")


def test_a_private_file_replaces_a_public_one(tmp_path):
    file = tmp_path / "token"
    file.write_text("old")
    file.chmod(0o644)
    write_private(file, "new")
    assert file.read_text() == "new"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
