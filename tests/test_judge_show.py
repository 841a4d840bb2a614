"""One record as a judge saw it: its texts, verdicts, replies, and prompts with their pictures."""

from __future__ import annotations

import base64
import json

import duckdb
import pytest
import scripted_judge
from click.testing import CliRunner
from error_study import error_study
from loopback import Loopback

from erranal import codebook, judge
from erranal.cli import app
from erranal.engine import Limits
from erranal.errors import StageError
from erranal.judge import ModelJudge, Selection, Terms, batches
from erranal.judge import show as showing
from erranal.judge.labelling import Job
from erranal.store import Study

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
RECORD = "b/1/image"


@pytest.fixture(scope="module")
def server():
    with Loopback(script=scripted_judge.verdict).in_thread() as running:
        yield running


@pytest.fixture
def study(tmp_path) -> Study:
    study = error_study(tmp_path / "study.duckdb", 3, words=30)
    (tmp_path / "album").mkdir()
    (tmp_path / "album" / "page.png").write_bytes(PIXEL)
    edit(study, "UPDATE outputs SET image = 'page.png' WHERE run_id = 'image'")
    return study


def edit(study: Study, sql: str) -> None:
    with duckdb.connect(str(study.path)) as db:
        db.execute(sql)


def by(server, **given) -> ModelJudge:
    return ModelJudge("openai:scripted", url=server.url, **given)


def ask(server, study: Study, *, album: str | None = "album", **given) -> None:
    folder = study.path.parent / album if album else None
    terms = Terms(limits=Limits(concurrency=4), timeout_s=5.0, pictures=folder)
    judge.run(study, judge=by(server, **given), terms=terms)


def shown(study: Study, *arguments: str) -> str:
    command = ["judge", "show", RECORD, "--db", str(study.path), *arguments]
    result = CliRunner().invoke(app, command, catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


def test_without_prompts_everything_else_is_there(server, study):
    edit(study, "UPDATE items SET question = 'How many?', choices = ['six', 'seven'], gold = '7b'")
    edit(study, "UPDATE outputs SET response = 'It is 61 so far.', reasoning = 'Let me see.'")
    edit(study, "UPDATE scores SET extracted = '61'")
    ask(server, study)
    text = shown(study, "--no-prompt")
    (call,) = showing.show(study, RECORD)["calls"]
    evidence = study.query("SELECT quote FROM evidence WHERE output_id = $id", id=RECORD)
    there = ["How many?", "six\nseven", "7b", "It is 61 so far.", "Let me see.", "b/1: m, image"]
    there += [
        "by erranal: incorrect, answer read '61'",
        call["reply"],
        *map(repr, evidence["quote"]),
    ]
    for part in there:
        assert part in text
    assert len(evidence)
    system = call["prompt"][0]["text"]
    assert system not in text
    assert system in shown(study)


def test_a_record_that_no_model_was_asked_about(study):
    judge.run(study, judge="rules")
    found = showing.show(study, RECORD)
    assert found["calls"] == []
    assert found["record"]["gold"] == "7"
    assert [one["kind"] for one in found["verdicts"]] == ["rules"]


def test_pictures_are_found_where_the_run_found_them(server, study):
    ask(server, study)
    (call,) = showing.show(study, RECORD)["calls"]
    assert call["exact"]
    assert "[picture: image/png" in call["prompt"][1]["text"]


def test_the_folder_of_an_export_is_known_too(study):
    job = Job(study, codebook.load("modality_gap"), ModelJudge("openai:gpt-4o-mini"), Selection())
    batches.export(job, Terms(pictures=study.path.parent / "album"), study.path.parent / "out")
    (call,) = showing.show(study, RECORD)["calls"]
    assert call["exact"]
    assert "[picture: image/png" in call["prompt"][1]["text"]


def test_a_picture_that_is_gone_is_said_to_be(server, study):
    ask(server, study)
    album = study.path.parent / "album"
    (album / "page.png").unlink()
    (call,) = showing.show(study, RECORD)["calls"]
    assert not call["exact"]
    assert "'page.png' is not to be found" in call["note"]
    assert str(album) in call["note"]
    assert "[picture" not in call["prompt"][1]["text"]
    assert "not be the one that was sent" in shown(study)
    moved = study.path.parent / "moved"
    moved.mkdir()
    (moved / "page.png").write_bytes(PIXEL)
    assert "[picture: image/png" in shown(study, "--pictures", str(moved))
    with pytest.raises(StageError, match="no folder"):
        showing.show(study, RECORD, pictures=album / "page.png")


def test_another_picture_under_the_name_is_not_the_one_that_was_shown(server, study):
    ask(server, study)
    (study.path.parent / "album" / "page.png").write_bytes(PIXEL + b"\0")
    (call,) = showing.show(study, RECORD)["calls"]
    assert (call["prompt"], call["exact"]) == (None, False)
    assert "changed since" in call["note"]


def test_a_judge_that_saw_no_pictures_misses_none(server, study):
    ask(server, study, album=None, images=False)
    (call,) = showing.show(study, RECORD)["calls"]
    assert call["exact"]
    edit(study, "UPDATE items SET gold = '8'")
    (call,) = showing.show(study, RECORD)["calls"]
    assert "changed since" in call["note"]


def test_every_judge_is_shown_with_its_own_prompt(server, study):
    ask(server, study)
    ask(server, study, max_tokens=900, ask="each", codes=("output.format",))
    calls = showing.show(study, RECORD)["calls"]
    assert [call["exact"] for call in calls] == [True, True]
    assert len({call["judge_id"] for call in calls}) == 2
    assert len({call["prompt"][0]["text"] for call in calls}) == 2


def test_json_holds_all_of_it(server, study):
    ask(server, study)
    found = json.loads(shown(study, "--json"))
    assert found.keys() == {"output_id", "record", "verdicts", "calls"}
    assert found["record"]["scores"] == [
        {"scorer": "erranal", "outcome": "incorrect", "extracted": None}
    ]


@pytest.mark.parametrize("text", ["", "%", "nowhere"])
def test_nothing_is_meant(study, text):
    with pytest.raises(StageError, match="no output or item"):
        showing.find(study, text)


def test_several_are_meant(study):
    with pytest.raises(StageError, match=r"may mean 2 outputs(?s:.*)b/1/image"):
        showing.find(study, "b/1")
