"""Settings that make no sense are refused by name and value, before anything is sent."""

from __future__ import annotations

import math

import pytest
import scripted_judge
from click.testing import CliRunner
from error_study import error_study
from loopback import Loopback

from erranal import codebook, judge
from erranal.cli import app, main
from erranal.engine import Limits
from erranal.errors import StageError
from erranal.judge import ModelJudge, Selection, Terms, gold, labelling
from erranal.judge import plan as planning

NAN, INF = math.nan, math.inf
PRICES = '[models."scripted"]\ninput = 10.0\noutput = 30.0\n'


@pytest.fixture
def server():
    with Loopback(script=scripted_judge.verdict).in_thread() as running:
        yield running


@pytest.fixture
def study(tmp_path):
    return error_study(tmp_path / "study.duckdb", 40, words=60)


@pytest.fixture
def prices(tmp_path):
    path = tmp_path / "prices.toml"
    path.write_text(PRICES)
    return path


@pytest.mark.parametrize("seconds", [NAN, INF, 0.0, -1.0])
def test_a_time_out_is_a_time(seconds):
    with pytest.raises(StageError, match=f"time-out of {seconds} s.*give seconds above zero"):
        Terms(timeout_s=seconds)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("temperature", NAN), ("temperature", INF), ("temperature", -0.1), ("top_p", NAN),
        ("top_p", 1.5), ("samples", 0), ("samples", NAN), ("max_tokens", 0),
    ],
)  # fmt: skip
def test_what_cannot_be_sampled_with_is_refused(name, value):
    with pytest.raises(StageError, match=rf"{name} is {value}: give a number from \d"):
        ModelJudge("openai:m", **{name: value})


@pytest.mark.parametrize(
    "flags",
    [
        "--timeout nan", "--timeout inf", "--timeout -3", "--budget nan", "--budget inf",
        "--rpm nan", "--tpm 0", "--samples 0", "--concurrency 0", "--temperature nan",
        "--temperature inf", "--top-p nan",
    ],
)  # fmt: skip
def test_the_command_line_names_the_option_and_the_value(flags, study):
    option, value = flags.split()
    command = ["judge", "run", "--model", "openai:m", "--db", str(study.path), option, value]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 2
    assert f"Invalid value for '{option}'" in result.stderr
    assert value in result.stderr


def test_a_budget_of_nothing_says_so_before_anything_is_sent(server, study, prices):
    nothing = Limits(budget_usd=0.0)
    settings = ModelJudge("openai:scripted", url=server.url, images=False)
    with pytest.raises(StageError, match="0 USD pays for no call to 'openai:scripted'"):
        judge.run(study, judge=settings, terms=Terms(limits=nothing, prices=prices))
    assert server.received == 0
    free = ModelJudge("ollama:scripted", url=server.url, images=False)
    table = judge.run(study, judge=free, terms=Terms(limits=nothing), limit=3)
    assert table.attrs["report"].items == 3  # what costs nothing is within any budget


def test_a_budget_below_one_record_says_so(server, study, prices, capsys):
    command = ["judge", "run", "--model", "openai:scripted", "--url", server.url, "--no-images"]
    command += ["--db", str(study.path), "--prices", str(prices), "--budget", "0.001"]
    main(command)
    assert "The budget does not pay for one record" in capsys.readouterr().err


def plan_of(study, server, terms):
    settings = ModelJudge("openai:scripted", url=server.url, images=False)
    job = labelling.Job(study, codebook.load("modality_gap"), settings, Selection())
    return planning.plan(job, terms)


def test_the_plan_says_what_a_budget_is_good_for(server, study, prices):
    limits = Limits(concurrency=2, budget_usd=2.0)
    terms = Terms(limits=limits, prices=prices)
    made = plan_of(study, server, terms)
    assert 0 < made["records_in_budget"] < made["to_judge"] == 40
    settings = ModelJudge("openai:scripted", url=server.url, images=False)
    judge.run(study, judge=settings, terms=terms)
    judged = study.count("verdicts")
    assert 0.5 * judged <= made["records_in_budget"] <= 1.2 * judged
    plenty = Terms(limits=Limits(budget_usd=1e3), prices=prices)
    left = plan_of(study, server, plenty)
    assert left["records_in_budget"] == left["to_judge"] == 40 - judged
    nothing = Terms(limits=Limits(budget_usd=0.0), prices=prices)
    assert plan_of(study, server, nothing)["records_in_budget"] == 0


def test_the_plan_needs_a_price_for_a_budget_and_none_without(server, study):
    made = plan_of(study, server, Terms(limits=Limits(budget_usd=2.0)))
    assert made["records_in_budget"] is None
    assert "records_in_budget" not in plan_of(study, server, Terms())
    # A model of a known name on somebody else's server has no known price, as in a run.
    known = ModelJudge("openai:gpt-4o-mini", url=server.url, images=False)
    job = labelling.Job(study, codebook.load("modality_gap"), known, Selection())
    assert planning.plan(job, Terms())["cost_usd"] is None


def test_the_plan_takes_as_long_as_the_limits_make_it(server, study):
    free = plan_of(study, server, Terms(limits=Limits(concurrency=40)))
    calls = plan_of(study, server, Terms(limits=Limits(concurrency=40, rpm=2)))
    tokens = plan_of(study, server, Terms(limits=Limits(concurrency=40, tpm=1_000)))
    assert calls["seconds"] == pytest.approx(60 * 40 / 2)
    assert tokens["seconds"] == pytest.approx(60 * free["tokens_in"] / 1_000, rel=0.01)
    assert free["seconds"] < 60


def test_examples_are_asked_for_whole(study, monkeypatch):
    def said(*flags: str) -> str:
        command = ["judge", "plan", "--model", "openai:m", "--db", str(study.path), *flags]
        return CliRunner().invoke(app, command).stderr

    assert "--gold team draws nothing by itself: add e.g. --shots 5" in said("--gold", "team")
    assert "--shots needs --gold" in said("--shots", "3")
    monkeypatch.setattr(gold, "shots", lambda *_, n, seed: tuple(range(min(n, 4))))
    assert "--shots 9 is more than there are: the tune part of team has 4" in said(
        "--gold", "team", "--shots", "9"
    )


@pytest.mark.parametrize("flag", ["--sample", "--limit"])
@pytest.mark.parametrize("rules", [True, False])
def test_more_records_than_can_be_counted_are_no_number(flag, rules, study):
    command = ["judge", "run", "--db", str(study.path), flag, str(10**24)]
    result = CliRunner().invoke(app, command + ([] if rules else ["--model", "openai:m"]))
    assert result.exit_code == 2
    assert f"Invalid value for '{flag}'" in result.stderr


@pytest.mark.parametrize("command", ["retry", "resume"])
def test_going_on_with_more_than_can_be_counted_is_refused(command, server, study, capsys):
    by = ModelJudge("openai:scripted", url=server.url, images=False)
    judge.run(study, judge=by, limit=1)
    given = ["judge", command, "scripted", "--db", str(study.path), "--limit", str(10**24)]
    with pytest.raises(SystemExit) as stopped:
        main(given)
    assert stopped.value.code == 2
    assert "limit is 1000000000000000000000000: give a number from 1" in capsys.readouterr().err


@pytest.mark.parametrize("n", [0, -1, 10**24])
def test_a_number_of_records_is_refused_by_name(n, study):
    with pytest.raises(StageError, match=rf"sample is {n}: give a number from 1 to \d"):
        Selection(sample=n)
    with pytest.raises(StageError, match=rf"limit is {n}: give a number from 1 to \d"):
        judge.run(study, limit=n)


@pytest.mark.parametrize("name", [" ", " a", "-n", "--db", "a\nb", "\x1b[31mred", "\u202eevil"])
def test_a_name_that_no_command_could_repeat_is_refused(name, study, tmp_path):
    (tmp_path / "labels.csv").write_text("output_id,codes\nb/1/image,none\n")
    for command in (["run", "--model", "openai:m"], ["import", str(tmp_path / "labels.csv")]):
        given = ["judge", *command, "--db", str(study.path), f"--name={name}"]
        result = CliRunner().invoke(app, given)
        assert result.exit_code == 2
        assert "could not be typed in a command" in result.stderr


def test_what_is_asked_again_does_not_cover_refusals(study, capsys):
    refusing = Loopback(script=scripted_judge.verdict, faults={"refusal": 0.5}, seed=3)
    with refusing.in_thread() as server:
        given = ["--url", server.url, "--no-images", "--db", str(study.path)]
        main(["judge", "run", "--model", "openai:scripted", *given])
        refused = int((study.view("verdicts")["status"] == "refused").sum())
        assert 0 < refused < 40
        said = f"{refused} without a verdict: `erranal judge retry NAME` asks again about those"
        assert said in " ".join(capsys.readouterr().err.split())
        main(["judge", "retry", "scripted", "--db", str(study.path)])
    assert "0 records judged with 0 calls" in " ".join(capsys.readouterr().err.split())
