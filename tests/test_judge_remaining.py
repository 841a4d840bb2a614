"""A model that has not judged everything is named by the status, with the command that goes on."""

from __future__ import annotations

import json
import shlex

import duckdb
import pandas as pd
import pytest
import scripted_judge
from click.testing import CliRunner
from error_study import error_study
from loopback import Loopback

from erranal import codebook, judge, workflow
from erranal.cli import app
from erranal.engine import Limits
from erranal.errors import ModelError, StageError
from erranal.judge import ModelJudge, Selection, Terms, labelling, resuming
from erranal.store import Study

FAST = Terms(limits=Limits(concurrency=8), timeout_s=5.0)
N = 30


@pytest.fixture
def server():
    with Loopback(script=scripted_judge.verdict, keep=True).in_thread() as running:
        yield running


@pytest.fixture
def study(tmp_path):
    return error_study(tmp_path / "study.duckdb", N, words=20)


def by(server, **given) -> ModelJudge:
    return ModelJudge("openai:scripted", url=server.url, images=False, **given)


def of(study: Study) -> workflow.State:
    """Return the state of the one model that judges."""
    [state] = [one for one in workflow.states(study) if one.stage.startswith("judge ")]
    return state


def add_error(study: Study, n: int) -> None:
    ids = {"output_id": f"new/{n}", "item_id": "b/1", "run_id": "image"}
    row = ids | {"slot_id": f"new/{n}", "current": True, "item_hash": "h", "sample": n}
    row |= {"response": "5", "response_hash": "x", "status": "ok", "source_id": "s", "line": n}
    score = {"output_id": f"new/{n}", "scorer": "erranal", "scorer_version": "1"}
    with study.write() as tx:
        tx.append("outputs", pd.DataFrame([row]))
        tx.append("scores", pd.DataFrame([score | {"outcome": "incorrect"}]))


def test_a_limited_run_is_partial_until_the_command_it_names_was_given(server, study):
    judge.run(study, judge=by(server), terms=FAST, limit=10)
    state = of(study)
    assert (state.stage, state.state) == ("judge scripted", "partial")
    assert state.counts == {"judged": 10, "due": 20, "unread": 0, "waiting": 0}
    assert state.note == "ran with limit 10, 20 due: erranal judge resume scripted"
    before = server.received
    command = [*shlex.split(state.command)[1:], "--db", str(study.path), "--quiet"]
    result = CliRunner().invoke(app, command, catch_exceptions=False)
    assert result.exit_code == 0
    assert N - 10 <= server.received - before < N  # with the trials of the server
    assert (of(study).state, of(study).note) == ("done", "")


def test_new_errors_make_a_judge_stale_and_next(server, study):
    judge.run(study, judge=by(server), terms=FAST)
    assert of(study).state == "done"
    add_error(study, 1)
    add_error(study, 2)
    state = of(study)
    assert (state.state, state.counts["due"]) == ("stale", 2)
    assert "new errors since, 2 due" in state.note
    assert workflow.next_step([state]) == f"{state.command}: judge scripted is stale"


def test_a_sample_is_complete_without_the_errors_that_were_not_drawn(server, study):
    chosen = Selection(sample=7, seed=3)
    judge.run(study, judge=by(server), terms=FAST, selection=chosen, limit=4)
    assert of(study).counts["due"] == 3
    assert resuming.resumed(study, "scripted").selection == chosen
    labelling.run(resuming.resumed(study, "scripted"), FAST)
    assert (of(study).state, of(study).counts["judged"]) == ("done", 7)


def test_an_outage_is_told_with_its_reason(study):
    with Loopback(script=scripted_judge.verdict).in_thread() as running:
        judge.run(study, judge=by(running), terms=FAST, limit=5)
    with pytest.raises(ModelError):
        judge.run(study, judge=by(running), terms=FAST)
    state = of(study)
    assert (state.state, state.counts["due"]) == ("stopped", N - 5)
    assert "cannot be used" in state.note


def test_an_interruption_is_told_in_words(server, study):
    judge.run(study, judge=by(server), terms=FAST, limit=5)
    given = labelling.Job(study, codebook.load("modality_gap"), by(server), Selection())
    with pytest.raises(KeyboardInterrupt), study.journal(labelling.STAGE, given.described):
        raise KeyboardInterrupt
    assert of(study).note == "it was interrupted, 25 due: erranal judge resume scripted"


def test_what_could_not_be_read_is_counted_apart_and_has_its_own_command(study):
    faults = {"poison": 0.3}
    with Loopback(script=scripted_judge.verdict, faults=faults, seed=1).in_thread() as running:
        judge.run(study, judge=by(running), terms=FAST)
        state = of(study)
        assert (state.state, state.counts["due"]) == ("done", 0)
        assert 0 < state.counts["unread"] == (study.view("verdicts")["status"] == "failed").sum()
        assert state.note.endswith("failed or could not be read: erranal judge retry scripted")
        running.poison = 0.0
        labelling.run(resuming.again(study, "scripted"), FAST)
    assert (of(study).counts["unread"], of(study).note) == (0, "")


def test_judges_of_one_name_are_told_apart_and_the_command_finds_each(server, study):
    judge.run(study, judge=by(server), terms=FAST, limit=3)
    judge.run(study, judge=by(server, max_tokens=999), terms=FAST, limit=4)
    states = [one for one in workflow.states(study) if one.stage.startswith("judge ")]
    assert [one.counts["judged"] for one in states] == [4, 3]  # the last one first
    for state, tokens in zip(states, (999, 2048), strict=True):
        name = shlex.split(state.command)[-1]
        assert resuming.resumed(study, name).settings.max_tokens == tokens


def test_the_command_line_says_it_in_whole_lines(server, study):
    judge.run(study, judge=by(server), terms=FAST, limit=10)
    runner = CliRunner()
    result = runner.invoke(app, ["status", "--db", str(study.path)])
    assert (
        "judge scripted: ran with limit 10, 20 due: erranal judge resume scripted\n"
        in result.stdout
    )
    said = json.loads(runner.invoke(app, ["status", "--json", "--db", str(study.path)]).stdout)
    assert said["stages"][-1]["command"] == "erranal judge resume scripted"


def test_what_cannot_be_resumed_says_how_to_go_on(study):
    with pytest.raises(StageError, match="no judge has given a verdict yet"):
        resuming.resumed(study, "scripted")
    judge.run(study)
    with pytest.raises(StageError, match="not a model"):
        resuming.resumed(study, "rules")


def test_going_on_shows_the_same_pictures_as_before(server, study, tmp_path):
    from PIL import Image

    (tmp_path / "there").mkdir()
    Image.new("RGB", (8, 8)).save(tmp_path / "there/page.png")
    with duckdb.connect(str(study.path)) as db:
        db.execute("UPDATE outputs SET image = 'page.png' WHERE run_id = 'image'")
    settings = ModelJudge("openai:scripted", url=server.url)
    there = Terms(limits=FAST.limits, pictures=tmp_path / "there")
    judge.run(study, judge=settings, terms=there, limit=10)
    table = labelling.run(resuming.resumed(study, "scripted"), FAST)
    assert table.attrs["pictures_missing"] == 0
    assert table.attrs["report"].items == N - 10  # nobody is asked anew for want of a picture
