"""Corrected rates and differences, end to end, on studies whose truth is known."""

from __future__ import annotations

import pytest
from labelled_study import BOOK, READING, THINKING, Quality, coded_round, planted_study

from erranal import labelled, prevalence
from erranal.errors import StageError
from erranal.prevalence import adjusting, margins, planning

QUALITY = {"text": Quality(0.95, 0.97), "image": Quality(0.65, 0.9)}
SAME = {
    "text": {READING: 0.15, THINKING: 0.2},
    "image": {READING: 0.15, THINKING: 0.2},
}


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    made = planted_study(
        tmp_path_factory.mktemp("planted") / "study.duckdb",
        800,
        models=("m1", "m2"),
        benchmarks=("b", "c"),
        quality=QUALITY,
    )
    coded_round(made, size=500, accuracy=0.9)
    margins.put(made.study, BOOK.name, "thinking", 0.08, reason="less is no change of method")
    return made


@pytest.fixture(scope="module")
def found(planted):
    return prevalence.run(planted.study)


def only(frame, **equal):
    for column, value in equal.items():
        frame = frame[frame[column] == value]
    assert len(frame) == 1, frame
    return frame.iloc[0]


def test_corrected_rates_hold_the_truth_and_the_judge_alone_does_not(planted, found):
    of = {"analysis": "prevalence", "grouping": "all"}
    for arm in planted.rates:
        for code in (READING, THINKING):
            truth = planted.rate(arm, code)
            row = only(found, source="corrected", arm=arm, code=code, **of)
            assert row["low"] <= truth <= row["high"], (arm, code)
            human = only(found, source="humans", arm=arm, code=code, **of)
            assert row["high"] - row["low"] < human["high"] - human["low"]
    alone = only(found, source="judge", arm="image", code=READING, **of)
    assert alone["high"] < planted.rate("image", READING)  # it misses a third of them
    assert "uncorrected" in alone["note"]


def test_differences_hold_the_truth(planted, found):
    for code in (READING, THINKING):
        row = only(found, analysis="effect", source="corrected", grouping="all", code=code)
        truth = planted.rate("image", code) - planted.rate("text", code)
        assert row["low"] <= truth <= row["high"]
        assert row["adjustment"] == adjusting.BH
    row = only(found, analysis="effect", source="corrected", grouping="all", code="reading")
    assert (row["adjustment"], row["p_adjusted"] < 1e-6) == (adjusting.HOLM, True)
    judge = found[(found["analysis"] == "effect") & (found["source"] == "judge")]
    assert judge["p"].isna().all()  # its labels are not tested as if they were true
    row = only(found, analysis="contrast", grouping="all")
    assert row["code"] == "reading − thinking"
    assert 0 < row["low"] < 0.21 < row["high"]


def test_equivalence_is_shown_only_by_its_own_test(found):
    row = only(found, analysis="equivalence", grouping="all")
    effect = only(found, analysis="effect", source="corrected", grouping="all", code="thinking")
    assert (row["code"], row["level"]) == ("thinking", 0.9)
    assert row["high"] - row["low"] < effect["high"] - effect["low"]
    shown = row["low"] > -0.08 and row["high"] < 0.08
    assert row["note"].startswith("equivalent within 0.08" if shown else "not shown")
    assert (row["p"] < 0.05) == shown


def test_groups_divide_the_study_and_add_up(planted, found):
    assert set(found["grouping"]) == {
        "all", "model+prompt_style", "benchmark", "model+prompt_style+benchmark",
    }  # fmt: skip
    rates = found[(found["analysis"] == "prevalence") & (found["source"] == "judge")]
    for grouping, part in rates[rates["code"] == READING].groupby("grouping"):
        assert part[part["arm"] == "image"]["pool"].sum() == 3200, grouping
    assert len(rates[(rates["code"] == READING) & (rates["grouping"] == "benchmark")]) == 4


@pytest.mark.parametrize("seed", range(4))
def test_a_judge_that_is_worse_on_images_makes_no_effect(tmp_path, seed):
    made = planted_study(
        tmp_path / "study.duckdb", 1500, rates=SAME, quality=QUALITY, seed=seed + 10
    )
    coded_round(made, size=300)
    rows = prevalence.run(made.study)
    truth = made.rate("image", READING) - made.rate("text", READING)
    of = {"analysis": "effect", "grouping": "all", "code": READING}
    alone, row = (only(rows, source=source, **of) for source in ("judge", "corrected"))
    assert alone["high"] < 0  # the judge alone sees fewer of them on images
    assert row["low"] <= truth <= row["high"]


def test_several_rounds_are_weighed_together_and_labels_for_tuning_left_out(tmp_path):
    made = planted_study(tmp_path / "study.duckdb", 900, quality=QUALITY)
    coded_round(made, "tune", size=60, kind="calibration")
    coded_round(made, "one", size=120)
    coded_round(made, "two", size=180)
    rows = prevalence.run(made.study)
    assert list(rows["rounds"].iloc[0]) == ["one", "two"]
    row = only(rows, analysis="prevalence", source="corrected", arm="image", code=READING)
    assert row["pool"] == 900  # the 60 items of the calibration round are errors, too
    assert row["n"] < 300
    assert row["low"] <= made.rate("image", READING) <= row["high"]
    basis = labelled.choose(made.study)
    weights = labelled.sample(made.study, basis).units.drop_duplicates("pair_id")["weight"]
    wrong = labelled.population(made.study, basis).total()["either"]
    assert weights.sum() == pytest.approx(wrong)  # they stand for the whole


def test_codes_a_judge_cannot_give_are_not_corrected_by_it(tmp_path):
    made = planted_study(tmp_path / "study.duckdb", 300)
    coded_round(made, size=100)
    study = made.study
    with study.write() as tx:
        tx._db.execute('UPDATE judges SET params = \'{"assesses": ["reading.value_misread"]}\'')
    rows = prevalence.run(study)
    row = only(rows, analysis="prevalence", source="corrected", arm="image", code=THINKING)
    assert (row["n"], row["note"]) == (0, "not assessed by this judge")
    assert only(rows, analysis="prevalence", source="humans", arm="image", code=THINKING)["n"] > 0
    assert only(rows, analysis="prevalence", source="corrected", arm="image", code=READING)["n"] > 0


def test_a_margin_is_fixed_beforehand_and_every_change_is_seen(tmp_path):
    made = planted_study(tmp_path / "study.duckdb", 300)
    coded_round(made, size=100)
    study = made.study
    with pytest.raises(StageError, match=r"the margin 1\.5 is no difference of rates"):
        margins.put(study, BOOK.name, "thinking", 1.5, reason=None)
    with pytest.raises(StageError, match="has no code or family 'thought'"):
        margins.put(study, BOOK.name, "thought", 0.1, reason=None)
    assert margins.codebook_of(study, None) == BOOK.name
    margins.put(study, BOOK.name, "thinking", 0.1, reason="from the pilot")
    note = only(prevalence.run(study), analysis="equivalence", grouping="all")["note"]
    assert note.endswith("within 0.1")
    margins.put(study, BOOK.name, "thinking", 0.3, reason=None)
    note = only(prevalence.run(study), analysis="equivalence", grouping="all")["note"]
    assert "after a first look" in note
    assert note.endswith("margin changed: it was 0.1")
    assert margins.history(study)["margin"].tolist() == [0.1, 0.3]


def test_without_a_sample_the_study_says_what_to_do(study):
    with pytest.raises(StageError, match="no test round has a settled label yet: plan one"):
        prevalence.run(study)
    with pytest.raises(StageError, match="a margin is for one codebook"):
        margins.codebook_of(study, None)


def test_at_equal_length_nothing_changes_where_length_plays_no_part(found):
    of = {"estimand": "difference at equal length", "grouping": "all", "code": "reading"}
    row = only(found, analysis="adjusted", **of)
    effect = only(found, analysis="effect", source="corrected", grouping="all", code="reading")
    assert row["estimate"] == pytest.approx(effect["estimate"], abs=0.05)
    assert row["low"] < effect["estimate"] < row["high"]
    assert row["pool"] == effect["pool"] == 3200


def test_what_misleads_is_given_on_request_only_and_says_why(planted, found):
    assert "on request" not in set(found["analysis"])
    also = ["shares", "unweighted", "pooled-errors", "uncorrected-test"]
    rows = prevalence.run(planted.study, also=also)
    asked = rows[rows["analysis"] == "on request"]
    assert asked["note"].str.startswith("on request; ").all()
    share = only(asked, estimand="share of errors", arm="image", code=READING, grouping="all")
    rate = only(rows, analysis="prevalence", source="corrected", arm="image", code=READING,
                grouping="all")  # fmt: skip
    errors = rate["counts"]["errors"] / rate["counts"]["responses"]
    assert share["estimate"] * errors == pytest.approx(rate["estimate"])
    tested = only(asked, source="judge", code=THINKING, grouping="all")
    assert tested["p"] < 0.05  # the judge misses more on images, and nothing else differs
    with pytest.raises(StageError, match="no number 'x' on request: shares"):
        prevalence.run(planted.study, also=["x"])
    prevalence.run(planted.study)
    assert "on request" not in set(planted.study.view("estimates")["analysis"])


def test_rounds_drawn_by_who_is_right_are_refused(tmp_path):
    made = planted_study(tmp_path / "study.duckdb", 300)
    where = "outcome_a = 'correct' AND outcome_b = 'incorrect'"
    coded_round(made, size=60, where=where)
    with pytest.raises(StageError, match="collider"):
        prevalence.run(made.study)
    rows = prevalence.run(made.study, conditional=True)
    assert rows["note"].str.startswith(f"on request; only pairs where {where}").all()


def test_a_plan_foretells_the_width_that_labels_give(planted, found):
    now = planning.plan(planted.study, planning.Wanted())
    for row in now[now["what"] == "rate"].itertuples():
        of = {"analysis": "prevalence", "source": "corrected", "grouping": "all"}
        real = only(found, arm=row.arm, code=row.code, **of)
        assert row.now == pytest.approx((real["high"] - real["low"]) / 2, rel=0.12)
    image = now[(now["arm"] == "image") & (now["code"] == READING)].iloc[0]
    reverse = planning.plan(planted.study, planning.Wanted(labels=int(image["labels"])))
    same = reverse[(reverse["arm"] == "image") & (reverse["code"] == READING)].iloc[0]
    assert same["goal"] == pytest.approx(image["goal"], rel=0.01)
    narrower = planning.plan(planted.study, planning.Wanted(half_width=0.015))
    assert (narrower[narrower["what"] == "rate"]["labels"].to_numpy()
            >= now[now["what"] == "rate"]["labels"].to_numpy()).all()  # fmt: skip
    with pytest.raises(StageError, match="--half-width 2 is no difference"):
        planning.Wanted(half_width=2)


def test_a_plan_foretells_power(planted):
    small, large = (planning.plan(planted.study, planning.Wanted(labels=n)) for n in (100, 1000))
    few, many = (table[table["what"] == "change"]["power"].to_numpy() for table in (small, large))
    assert (few < many).all()
    wanted = planning.plan(planted.study, planning.Wanted(effect=0.04))
    row = wanted[(wanted["what"] == "change") & (wanted["code"] == READING)].iloc[0]
    back = planning.plan(planted.study, planning.Wanted(effect=0.04, labels=int(row["labels"])))
    again = back[(back["what"] == "change") & (back["code"] == READING)].iloc[0]
    assert again["power"] == pytest.approx(0.8, abs=0.01)
