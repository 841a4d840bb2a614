"""The commands on what codes are worth, where there is little to say."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from labelled_study import BOOK, coded_round, planted_study

from erranal.cli import app
from erranal.prevalence import margins


def command(study, *arguments):
    return CliRunner(env={"COLUMNS": "200"}).invoke(app, [*arguments, "--db", str(study.path)])


def change(study, statement):
    with study.write() as tx:
        tx._db.execute(statement)


@pytest.fixture
def planted(tmp_path):
    made = planted_study(tmp_path / "study.duckdb", 150)
    coded_round(made, size=80)
    return made


def test_without_a_judge_human_labels_are_shown_and_tested(planted):
    study = planted.study
    change(study, "DELETE FROM verdicts")
    margins.put(study, BOOK.name, "thinking", 0.1, reason=None)
    said = command(study, "prevalence").output
    assert "There is no judge" in said
    assert "humans" in said
    assert "same? (90 %)" in said
    rows = json.loads(command(study, "prevalence", "--json").stdout)["estimates"]
    effects = [row for row in rows if row["analysis"] == "effect"]
    assert {row["note"] for row in effects if row["source"] == "corrected"} == {"there is no judge"}
    assert all(row["adjustment"] for row in effects if row["source"] == "humans" and row["p"])


@pytest.mark.parametrize("name", ["agreement", "prevalence", "plan"])
@pytest.mark.parametrize("kept", ["FALSE", "unit_id = (SELECT min(unit_id) FROM units)"])
def test_a_round_with_no_settled_unit_or_one(planted, name, kept):
    change(planted.study, f"DELETE FROM labels WHERE NOT ({kept})")
    said = command(planted.study, name, "--round", "main")
    assert said.exit_code == 0, said.exception
    assert "no settled label" in said.output
    told = command(planted.study, name, "--round", "main", "--json").stdout
    json.loads(told, parse_constant=lambda constant: pytest.fail(f"{constant} is not JSON"))


def test_verdicts_that_cannot_be_read_are_said(planted):
    change(planted.study, "UPDATE verdicts SET status = 'unparsed', codes = NULL "
           "WHERE output_id LIKE '%1/m1/image'")  # fmt: skip
    assert "no readable verdict on" in command(planted.study, "prevalence").output
    assert "no readable verdict on" not in command(planted.study, "prevalence", "-q").output


@pytest.mark.parametrize("name", ["agreement", "prevalence", "plan"])
def test_a_level_that_is_no_number_is_refused(planted, name):
    said = command(planted.study, name, "--level", "nan")
    assert said.exit_code == 2
    assert "nan is no confidence level" in said.output


def test_a_plan_asks_for_no_more_than_there_is_and_says_what_it_rests_on(planted):
    change(planted.study, "UPDATE rounds SET status = 'coding'")
    told = json.loads(command(planted.study, "plan", "--interim", "--json").stdout)
    assert told["notes"] == ["interim: round main is not closed"]
    assert {row["labels"] for row in told["plan"] if row["what"] == "rate"} >= {None}
    assert all(row["labels"] <= 150 for row in told["plan"] if row["labels"])
    large = json.loads(
        command(planted.study, "plan", "--interim", "--effect", "0.99", "--json").stdout
    )
    changes = [row for row in large["plan"] if row["what"] == "change"]
    assert changes
    assert all((row["now"], row["more"]) == (0, None) for row in changes)
