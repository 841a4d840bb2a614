"""Agreement between coders, trust in a judge and anchoring, on studies whose truth is known."""

from __future__ import annotations

import json

import pytest
from labelled_study import JUDGE, READING, THINKING, Quality, coded_round, planted_study

from erranal import agreement, workflow
from erranal.errors import StageError
from erranal.rounds import lifecycle

QUALITY = {"text": Quality(0.95, 0.97), "image": Quality(0.6, 0.97)}


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    made = planted_study(
        tmp_path_factory.mktemp("planted") / "study.duckdb", 900, quality=QUALITY, seed=3
    )
    coded_round(made, size=400, accuracy=0.9, overlap_share=0.5)
    return made


@pytest.fixture(scope="module")
def found(planted):
    return agreement.run(planted.study)


def only(frame, **equal):
    for column, value in equal.items():
        same = frame[column].isna() if value is None else frame[column] == value
        frame = frame[same]
    assert len(frame) == 1, frame
    return frame.iloc[0]


def test_the_judge_is_judged_under_each_arm_by_itself(found):
    for arm, quality in QUALITY.items():
        of = {"analysis": "trust", "arm": arm, "code": READING if arm == "image" else THINKING}
        row = only(found, estimand="sensitivity", **of)
        assert row["low"] <= quality.sensitivity <= row["high"]
        row = only(found, estimand="specificity", **of)
        assert row["low"] <= quality.specificity <= row["high"]
    assert set(found[found["analysis"] == "trust"]["arm"]) == {"text", "image"}  # never pooled
    note = only(found, analysis="trust", estimand="F1", arm="image", code=READING)["note"]
    assert note.startswith(("not trustworthy alone: misses", "open: finds at least"))
    note = only(found, analysis="trust", estimand="F1", arm="text", code=THINKING)["note"]
    assert note == "trustworthy"


def test_the_raw_table_stands_beside_every_coefficient(found):
    for row in found[found["analysis"] == "trust"].itertuples():
        if row.n and row.estimand == "kappa":
            cells = row.counts
            assert cells["both"] + cells["humans only"] == row.positives
    row = only(found, analysis="agreement", estimand="alpha", arm=None, code=THINKING)
    table = row["counts"]
    assert table["all gave it"] + table["some did"] == row["positives"]
    assert 0 < table["share"] < 1


def test_codes_that_nobody_gives_are_said_to_be_unknown(found):
    row = only(found, analysis="agreement", estimand="alpha", arm=None, code="output.refusal")
    assert row["note"].startswith("cannot be said: nobody gave it to any of")
    assert row["estimate"] != row["estimate"]  # NaN, and the interval says as much
    assert (row["low"], row["high"]) != (0, 0)
    row = only(found, analysis="trust", estimand="F1", arm="image", code="output.refusal")
    assert row["note"].startswith("the judge never gave it to any of")
    assert row["note"].endswith("nor did humans")


def test_coders_who_err_agree_less_than_coders_who_do_not(found, tmp_path):
    row = only(found, analysis="agreement", estimand="alpha", arm=None, code=THINKING)
    assert row["high"] < 1
    perfect = planted_study(tmp_path / "study.duckdb", 300)
    coded_round(perfect, size=150)
    row = only(
        agreement.run(perfect.study),
        analysis="agreement",
        estimand="alpha",
        arm=None,
        code=THINKING,
    )
    assert (row["estimate"], row["note"]) == (1, "reliable")


def test_coders_who_follow_suggestions_are_anchored(planted, found, tmp_path):
    row = only(found, analysis="anchoring", code="(any)")
    assert row["low"] < 0 < row["high"]
    assert row["note"].startswith("no anchoring seen")
    follow = planted_study(tmp_path / "study.duckdb", 900, quality=QUALITY)
    coded_round(follow, size=400, follows=1.0, blind_share=0.5)
    row = only(agreement.run(follow.study), analysis="anchoring", code="(any)")
    assert row["low"] > 0
    assert row["note"].startswith("anchored")
    assert row["counts"]["suggested"] == row["counts"]["suggested, as the judge"]


def test_estimates_are_stored_and_replaced(planted, found):
    before = planted.study.count("estimates")
    assert before == len(found)
    agreement.run(planted.study)
    assert planted.study.count("estimates") == before
    row = planted.study.query(
        "SELECT * FROM estimates WHERE analysis = 'trust' AND estimand = 'kappa' LIMIT 1"
    ).iloc[0]
    assert list(row["rounds"]) == ["main"]
    assert set(json.loads(row["counts"])) == {"both", "humans only", "judge only", "neither"}
    journal = planted.study.query(
        "SELECT * FROM journal WHERE journal_id = $id", id=row["journal_id"]
    )
    assert journal["stage"].tolist() == ["agreement"]


def test_what_would_make_the_numbers_wrong_is_refused(tmp_path):
    made = planted_study(tmp_path / "study.duckdb", 300)
    with pytest.raises(StageError, match="no test round has a settled label yet"):
        agreement.run(made.study)
    coded_round(made, "first", size=60, kind="calibration")
    with pytest.raises(StageError, match="'first' is for tuning"):
        agreement.run(made.study, rounds=["first"])
    coded_round(made, "second", size=60, close=False)
    with pytest.raises(StageError, match=r"second is not closed.*--interim"):
        agreement.run(made.study)
    notes = agreement.run(made.study, interim=True)["note"]
    assert notes.str.startswith("interim: round second is not closed").all()
    with pytest.raises(StageError, match="there is no round 'third'; there are first, second"):
        agreement.run(made.study, rounds=["third"])
    with pytest.raises(StageError, match=f"no judge 'x' has a verdict.*{JUDGE}"):
        agreement.run(made.study, judge="x", interim=True)
    coded_round(made, "other", size=40, where="model = 'm1'")
    with pytest.raises(StageError, match="different conditions"):
        agreement.run(made.study, rounds=["second", "other"], interim=True)


def test_status_names_estimates_once_a_round_is_closed(tmp_path):
    made = planted_study(tmp_path / "study.duckdb", 200)
    coded_round(made, size=60, close=False)

    def states():
        return {one.stage: one.state for one in workflow.states(made.study)}

    assert "agreement" not in states()
    lifecycle.close(made.study, "main")
    assert (states()["agreement"], states()["prevalence"]) == ("missing", "missing")
    agreement.run(made.study)
    assert states()["agreement"] == "done"
    coded_round(made, "second", size=40)
    assert states()["agreement"] == "stale"
