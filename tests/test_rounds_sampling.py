"""Rounds are drawn from the right pairs, with the probabilities that are stored."""

from __future__ import annotations

import json
import shutil
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from erranal import codebook
from erranal.errors import CodebookError, StageError
from erranal.rounds import drawing, interface, planning
from erranal.rounds import frame as frames
from erranal.rounds import round as rounds
from erranal.rounds.design import Design
from erranal.rounds.expected import Pace
from erranal.store import Study

BOOK = "modality_gap"
LOAD = cache(codebook.load)
TEXT, IMAGE, HAND = "text", "image:mono", "image:hand"
RIGHT, WRONG, REFUSED, UNGRADABLE = "correct", "incorrect", "refused", "ungradable"
MISREAD, CALCULATION = "reading.value_misread", "thinking.calculation"


def build(path, items, *, judged=None, assesses=None) -> Study:
    """Write a study of items, each a dict of outcomes by arm, and a judge's codes by output."""
    study = Study(path)
    arms = sorted({arm for item in items for arm in item})
    parts = [arm.partition(":") for arm in arms]
    runs = pd.DataFrame({
        "condition_id": arms, "modality": [p[0] for p in parts],
        "render": [p[2] or None for p in parts], "prompt_style": "cot",
    })  # fmt: skip
    outputs = pd.DataFrame(
        [(f"{n}/{arm}", f"b/{n}", arm, outcome) for n, item in enumerate(items)
         for arm, outcome in item.items()],
        columns=["output_id", "item_id", "run_id", "outcome"],
    )  # fmt: skip
    names = [f"b/{n}" for n in range(len(items))]
    with study.write() as tx:
        tx.append("items", pd.DataFrame({"item_id": names, "native_id": names}).assign(
            item_hash="h", version=1, benchmark="b", source_id="s", question="?"))  # fmt: skip
        tx.append("conditions", runs)
        tx.append("runs", runs[["condition_id"]].assign(run_id=arms, model="m"))
        tx.append("outputs", outputs[["output_id", "item_id", "run_id"]].assign(
            slot_id=outputs["output_id"], current=True, item_hash="h", sample=0, response="r",
            response_hash="r", status="ok", source_id="s", line=1))  # fmt: skip
        tx.append("scores", outputs[["output_id", "outcome"]].assign(
            scorer="erranal", scorer_version="1"))  # fmt: skip
    if judged is not None:
        judge(study, judged, assesses=assesses)
    return study


def judge(study, judged, *, judge_id="judge:1", name="owl", book=None, assesses=None):
    """Write a judge's codes by output; None is a verdict that could not be read."""
    book = book or codebook.load(BOOK)
    with study.write() as tx:
        params = json.dumps({"assesses": assesses})
        tx.append("judges", pd.DataFrame([{"judge_id": judge_id, "kind": "llm", "name": name,
                                           "version": "1", "params": params}]))  # fmt: skip
        tx.append("codes", pd.DataFrame([
            {"codebook_id": book.codebook_id, "code": c.code, "position": i, "family": c.family,
             "title": c.title, "definition": c.definition} for i, c in enumerate(book.codes)
        ]), on_conflict="ignore")  # fmt: skip
        tx.append("verdicts", pd.DataFrame([
            {"output_id": output, "judge_id": judge_id, "codebook_id": book.codebook_id,
             "status": "failed" if codes is None else "ok", "codes": codes,
             "primary_code": codes[0] if codes else None} for output, codes in judged.items()
        ]))  # fmt: skip


def mixed(n):
    """Return items of all patterns, and a judge's codes on their errors."""
    patterns = [(RIGHT, WRONG)] * 6 + [(WRONG, WRONG)] * 2 + [(WRONG, RIGHT)] + [(RIGHT, RIGHT)]
    items = [dict(zip((TEXT, IMAGE), patterns[i % 10], strict=True)) for i in range(n)]
    codes = ([MISREAD], [CALCULATION], [], [MISREAD, CALCULATION])
    judged = {
        f"{i}/{arm}": codes[i // 10 % 4]
        for i, item in enumerate(items)
        for arm, outcome in item.items()
        if outcome == WRONG
    }
    return items, judged


@pytest.fixture(autouse=True)
def _books_read_once(monkeypatch):
    monkeypatch.setattr(codebook, "load", LOAD)


@pytest.fixture(scope="module")
def owls(tmp_path_factory) -> Path:
    items, judged = mixed(120)
    return build(tmp_path_factory.mktemp("owls") / "s.duckdb", items, judged=judged).path


@pytest.fixture
def owl(owls, tmp_path) -> Study:
    """Return a study of 120 items, 108 with an error, and what the judge owl said of them."""
    return Study(shutil.copy(owls, tmp_path / "owl.duckdb"))


def units(study, name) -> pd.DataFrame:
    return study.query(
        "SELECT u.* FROM units u JOIN rounds USING (round_id) WHERE name = $name ORDER BY unit_id",
        name=name,
    )


# Pairs and units --------------------------------------------------------------------------------


def test_units_are_the_errors_of_pairs_each_beside_the_other(tmp_path):
    items = [
        {TEXT: RIGHT, IMAGE: WRONG},
        {TEXT: WRONG, IMAGE: RIGHT},
        {TEXT: REFUSED, IMAGE: WRONG},
        {TEXT: RIGHT, IMAGE: RIGHT},
        {TEXT: UNGRADABLE, IMAGE: WRONG},
        {TEXT: WRONG, IMAGE: UNGRADABLE},
        {IMAGE: WRONG},
        {TEXT: WRONG},
    ]
    study = build(tmp_path / "s.duckdb", items)
    table = planning.create(study, "all", size=99, codebook=BOOK)
    drawn = units(study, "all").set_index("output_id")
    assert drawn["reference_id"].to_dict() == {
        "0/image:mono": "0/text",
        "1/text": "1/image:mono",
        "2/image:mono": "2/text",
        "2/text": "2/image:mono",
        "4/image:mono": "4/text",
        "5/text": "5/image:mono",
    }
    assert drawn["pair_id"].nunique() == 5
    assert drawn.loc["2/text", "pair_id"] == drawn.loc["2/image:mono", "pair_id"]
    assert (drawn["inclusion_probability"] == 1).all()
    assert dict(zip(table["stratum"], table["sampled_pairs"], strict=True)) == {
        "both wrong": 1,
        "image wrong": 2,
        "text wrong": 2,
    }


def test_image_arms_that_share_a_text_response_are_drawn_together(tmp_path):
    items = [{TEXT: WRONG, IMAGE: WRONG, HAND: WRONG}, {TEXT: RIGHT, IMAGE: RIGHT, HAND: WRONG}]
    study = build(tmp_path / "s.duckdb", items * 15)
    planning.create(study, "r", size=8, codebook=BOOK, strata="arms")
    drawn = units(study, "r")
    assert drawn["output_id"].is_unique
    sizes = drawn.groupby(["stratum", "pair_id"]).size().groupby("stratum").unique()
    assert sizes.map(list).to_dict() == {HAND: [1], f"{HAND} + {IMAGE} + {TEXT}": [3]}
    assert drawn.groupby("pair_id")["inclusion_probability"].nunique().eq(1).all()
    texts = drawn[drawn["output_id"].str.endswith(TEXT)]
    assert texts["reference_id"].str.endswith(HAND).all()  # first by name among equals


def test_the_reference_is_the_one_that_a_judge_is_shown(tmp_path):
    arms = (TEXT, "text+image", "ocr-1p", IMAGE, HAND, "none")
    items = [dict.fromkeys(arms, WRONG)] * 3
    study = build(tmp_path / "s.duckdb", items)
    planning.create(study, "r", size=9, codebook=BOOK)
    ours = units(study, "r").set_index("output_id")["reference_id"].to_dict()
    assert len(ours) == 18
    for output, reference in ours.items():
        shown = study.read("judge_reference_of", output_id=output)
        assert shown["reference_id"].tolist() == [reference]


def test_replaced_outputs_are_not_drawn(owl):
    with owl.write() as tx:
        rows = tx.arrow("cluster_outputs", population="all", scorer="erranal")
        assert len(rows) == 240
        tx.append("outputs", _replaced("0/image:mono"), on_conflict="replace")
    planning.create(owl, "r", size=999, codebook=BOOK)
    assert "0/image:mono" not in set(units(owl, "r")["output_id"])


def _replaced(output_id):
    item, arm = output_id.split("/")
    return pd.DataFrame([{
        "output_id": output_id, "slot_id": output_id, "current": False, "run_id": arm,
        "item_id": f"b/{item}", "item_hash": "h", "sample": 0, "response": "r",
        "response_hash": "r", "status": "ok", "source_id": "s", "line": 1,
    }])  # fmt: skip


def test_a_condition_narrows_the_pairs(owl):
    where = "item_id IN ('b/0', 'b/6', 'b/8')"
    planning.create(owl, "r", size=99, codebook=BOOK, where=where)
    drawn = set(units(owl, "r")["output_id"])
    assert drawn == {"0/image:mono", "6/text", "6/image:mono", "8/text"}
    with pytest.raises(StageError, match="columns to choose by: model"):
        planning.plan(owl, size=5, codebook=BOOK, where="nonsense = 1")
    with pytest.raises(StageError, match="no pair with an error where item_id = 'x'"):
        planning.plan(owl, size=5, codebook=BOOK, where="item_id = 'x'")


# The sample -------------------------------------------------------------------------------------


def test_what_is_stored_is_what_the_design_says(owl):
    planning.create(owl, "r", size=30, codebook=BOOK, judge="owl", uniform_share=0.5)
    drawn = units(owl, "r")
    plan = json.loads(owl.view("rounds")["design"].iloc[0])
    by_stratum = {row["stratum"]: row["probability"] for row in plan["strata"]}
    assert drawn["inclusion_probability"].tolist() == pytest.approx(
        drawn["stratum"].map(by_stratum).tolist()
    )
    assert drawn["pair_id"].nunique() == 30 == plan["sampled_pairs"]
    assert drawn["inclusion_probability"].min() >= 0.5 * 30 / plan["pairs"]
    assert set(by_stratum) == {
        f"{family} / {side} wrong"
        for family in ("reading", "thinking", "none")
        for side in ("both", "image", "text")
    }


def test_weights_of_many_rounds_count_the_errors_of_the_study(owl):
    design = Design(size=25, codebook=BOOK, judge="owl", equality=1)
    frame = frames.read(owl, design)
    pairs, sizes = frame.pairs["pair_id"].tolist(), frame.pairs["units"].to_numpy()
    totals = [
        (sizes / sample.probability)[sample.chosen].sum()
        for sample in (
            drawing.sampling.sample_stratified(
                pairs, frame.pairs["stratum"].tolist(), 25, equality=1, key=str(key)
            )
            for key in range(800)
        )
    ]
    errors = owl.count("errors")
    assert sizes.sum() == errors
    assert abs(np.mean(totals) - errors) < 3 * np.std(totals) / np.sqrt(len(totals))


def test_the_family_is_of_the_image_side_and_unknown_ones_are_told_apart(tmp_path):
    items = [{TEXT: WRONG, IMAGE: WRONG}] * 4 + [{TEXT: WRONG, IMAGE: RIGHT}]
    judged = {
        "0/text": [CALCULATION], "0/image:mono": [MISREAD], "1/image:mono": [],
        "2/image:mono": None, "4/text": [CALCULATION],
    }  # fmt: skip
    study = build(tmp_path / "s.duckdb", items, judged=judged)
    pairs = frames.read(study, Design(size=1, codebook=BOOK, judge="owl")).pairs
    families = pairs.set_index("item_id")["family"].sort_index().tolist()
    assert families == ["reading", "none", "not read", "not judged", "thinking"]


def test_the_same_seed_draws_the_same_and_another_one_does_not(owl, tmp_path):
    shutil.copy(owl.path, tmp_path / "copy.duckdb")
    copy = Study(tmp_path / "copy.duckdb")
    for study in (owl, copy):
        planning.create(study, "r", size=20, codebook=BOOK, judge="owl", seed=5)
    one, two = units(owl, "r"), units(copy, "r")
    pd.testing.assert_frame_equal(one, two)
    other = drawing.draw(copy, Design(size=20, codebook=BOOK, judge="owl", seed=6, again=True))
    assert set(other.units["output_id"]) != set(one["output_id"])


def test_a_plan_shows_the_sample_that_is_then_created_and_writes_nothing(owl):
    wanted = {"size": 20, "codebook": BOOK, "judge": "owl", "seed": 3}
    plan = planning.plan(owl, **wanted)
    assert owl.count("rounds") == owl.count("units") == owl.count("journal") == 0
    table = planning.create(owl, "r", **wanted)
    drawn = units(owl, "r")
    assert table[list(plan["strata"][0])].to_dict("records") == plan["strata"]
    assert len(drawn) == plan["sampled_units"]
    assert drawn["overlap"].sum() == plan["coding"]["overlap_units"] == round(0.3 * len(drawn))
    assert json.loads(json.dumps(plan)) == plan


@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_any_design_keeps_the_invariants(owl, data):
    strata = data.draw(st.lists(st.sampled_from(["family", "pattern", "arms", "subject"])))
    design = Design(
        size=data.draw(st.integers(1, 150)), codebook=BOOK, strata=strata,
        judge=data.draw(st.sampled_from([None, "owl"])), seed=data.draw(st.integers(-9, 9)),
        uniform_share=data.draw(st.floats(0.3, 1)), equality=data.draw(st.floats(0, 1)),
        overlap_share=data.draw(st.floats(0, 1)), blind_share=data.draw(st.floats(0, 1)),
    )  # fmt: skip
    drawn = drawing.draw(owl, design)
    rows = drawing.assigned(drawn, {"name": "r"})
    size = min(design.size, 108)
    assert rows["pair_id"].nunique() == drawn.pairs == size
    assert rows["unit_id"].is_unique
    assert rows["overlap"].sum() == drawing.overlap_units(drawn)
    assert sorted(rows["position"]) == list(range(len(rows)))
    assert rows.groupby("pair_id")["arm"].nunique().eq(1).all()
    blind = rows[rows["arm"] == "blind"]["pair_id"].nunique()
    assert blind == drawing.blind_pairs(drawn) == (
        round(design.blind_share * size) if design.judge else size
    )  # fmt: skip
    errors = owl.query("SELECT output_id FROM errors")["output_id"]
    assert rows["output_id"].isin(errors).all()


def test_a_round_on_a_remainder_does_not_reuse_the_numbers_of_the_round_before(owl):
    before = drawing.draw(owl, Design(size=20, codebook=BOOK, kind="calibration"))
    planning.create(owl, "c", size=20, codebook=BOOK, kind="calibration")
    after = drawing.draw(owl, Design(size=20, codebook=BOOK, kind="calibration", again=True))
    assert len(before.frame.pairs) == len(after.frame.pairs)
    assert (before.sample.chosen != after.sample.chosen).any()


# Exclusions -------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", ["tune", "test"])
def test_items_for_tuning_are_never_tested_on_nor_the_reverse(owl, first):
    second = {"tune": "test", "test": "tune"}[first]
    planning.create(owl, "one", size=40, codebook=BOOK, purpose=first)
    planning.create(owl, "two", size=999, codebook=BOOK, purpose=second, again=True)
    one, two = units(owl, "one"), units(owl, "two")
    assert not set(one["item_id"]) & set(two["item_id"])
    assert one["pair_id"].nunique() + two["pair_id"].nunique() == 108
    design = json.loads(owl.query("SELECT design FROM rounds WHERE name = 'two'")["design"][0])
    assert design["excluded"] == {f"coded to {first}": 40}


def test_gold_that_is_kept_for_the_other_purpose_is_excluded(owl):
    split = {"b/0": "tune", "b/1": "test", "b/2": "tune"}
    with owl.write() as tx:
        rows = pd.DataFrame(split.items(), columns=["item_id", "part"])
        tx.append("gold_splits", rows.assign(gold_id="g", codebook_id="c", seed=0))
    planning.create(owl, "test", size=999, codebook=BOOK)
    tested = set(units(owl, "test")["item_id"])
    assert "b/1" in tested
    assert not tested & {"b/0", "b/2"}
    planning.create(owl, "tune", size=999, codebook=BOOK, purpose="tune")
    assert set(units(owl, "tune")["item_id"]) == {"b/0", "b/2"}


def test_items_are_not_drawn_again_unless_asked(owl):
    planning.create(owl, "one", size=60, codebook=BOOK)
    planning.create(owl, "two", size=60, codebook=BOOK)
    one, two = units(owl, "one"), units(owl, "two")
    assert not set(one["item_id"]) & set(two["item_id"])
    assert two["pair_id"].nunique() == 48
    with pytest.raises(StageError, match="108 sampled before; --again"):
        planning.create(owl, "three", size=1, codebook=BOOK)
    planning.create(owl, "three", size=999, codebook=BOOK, again=True)
    assert units(owl, "three")["pair_id"].nunique() == 108


# Who sees what ----------------------------------------------------------------------------------


def test_without_a_judge_all_are_blind(owl):
    planning.create(owl, "r", size=30, codebook=BOOK, blind_share=0.1)
    drawn = units(owl, "r")
    assert set(drawn["arm"]) == {"blind"}
    assert set(drawn["stratum"]) == {"image wrong", "text wrong", "both wrong"}
    assert owl.view("rounds")["judge_id"].isna().all()


def test_the_arm_is_not_a_matter_of_the_stratum_or_the_overlap(owl):
    planning.create(owl, "r", size=999, codebook=BOOK, judge="owl", blind_share=0.5)
    drawn = units(owl, "r")
    assert drawn[drawn["arm"] == "blind"]["pair_id"].nunique() == 54
    table = pd.crosstab(drawn["arm"], [drawn["overlap"], drawn["stratum"].str.contains("image")])
    assert (table > 0).all(axis=None)


def test_a_calibration_round_is_coded_whole_by_all_and_is_for_tuning(owl):
    wanted = {"size": 10, "codebook": BOOK, "kind": "calibration"}
    plan = planning.plan(owl, pace=Pace(coders=3, minutes_per_unit=6), **wanted)
    n = plan["sampled_units"]
    assert plan["coding"]["codings"] == 3 * n
    assert plan["coding"]["hours_per_coder"] == pytest.approx(n / 10, abs=0.05)
    planning.create(owl, "c", **wanted)
    assert units(owl, "c")["overlap"].all()
    assert owl.view("rounds")["purpose"].tolist() == ["tune"]
    with pytest.raises(StageError, match="cannot test a judge"):
        Design(**wanted, purpose="test")


# The plan ---------------------------------------------------------------------------------------


def test_predicted_precision_follows_the_judge(tmp_path):
    items, judged = mixed(120)
    study = build(tmp_path / "s.duckdb", items, judged=judged, assesses=[MISREAD, CALCULATION])
    plan = planning.plan(study, size=50, codebook=BOOK, judge="owl")
    rows = {(row["code"], row["side"]): row for row in plan["precision"]}
    shares = pd.Series({o: MISREAD in codes for o, codes in judged.items()})
    for side, arm in (("text", TEXT), ("image", IMAGE)):
        row = rows[MISREAD, side]
        assert row["judge_rate"] == pytest.approx(
            shares[shares.index.str.endswith(arm)].mean(), abs=1e-4
        )
        assert 0 < row["half_width_with_judge"] < row["half_width"] < 0.5
        assert row["half_width"] < row["half_width_sensitivity"]
    assert rows["thinking.knowledge", "image"]["half_width"] is None  # not looked for is not zero
    both = sum(rows[MISREAD, side]["sampled_units"] for side in ("text", "image"))
    assert both == pytest.approx(plan["sampled_units"], abs=6)
    wide = planning.plan(study, size=100, codebook=BOOK, judge="owl")["precision"]
    assert all(
        more["half_width"] < less["half_width"]
        for more, less in zip(wide, plan["precision"], strict=True)
        if less["half_width"] is not None
    )


def test_a_code_that_the_judge_never_gave_is_not_predicted_without_error(owl):
    plan = planning.plan(owl, size=50, codebook=BOOK, judge="owl")
    row = next(row for row in plan["precision"] if row["code"] == "collapse.repetition")
    assert row["judge_rate"] == 0
    assert row["half_width"] > 0.02
    assert row["units_for_sensitivity"] > 1000


def test_without_a_judge_no_precision_is_made_up(owl):
    plan = planning.plan(owl, size=50, codebook=BOOK)
    assert plan["precision"]
    assert all(row["judge_rate"] is row["half_width"] is None for row in plan["precision"])


def test_two_coders_share_the_work(owl):
    plan = planning.plan(owl, size=999, codebook=BOOK, overlap_share=0.25)
    coding = plan["coding"]
    assert coding["codings"] == 132 + 33
    assert coding["codings_per_coder"] == 83
    assert coding["hours"] == pytest.approx(165 * 3 / 60, abs=0.051)
    with pytest.raises(StageError, match="positive"):
        Pace(coders=0)


def test_how_many_code_a_unit_is_planned_and_recorded(owl):
    wanted = {"size": 20, "codebook": BOOK, "people": 3}
    coding = planning.plan(owl, **wanted, pace=Pace(coders=4))["coding"]
    planning.create(owl, "thrice", **wanted)
    drawn = units(owl, "thrice")
    assert drawn.groupby("overlap")["people"].unique().map(list).to_dict() == {
        False: [1],
        True: [3],
    }
    assert coding["codings"] == drawn["people"].sum()
    with pytest.raises(StageError, match="3 are to code each unit of the overlap, and 2 code"):
        planning.plan(owl, **wanted, again=True)
    for people in (1, 21):
        with pytest.raises(StageError, match="people cannot code"):
            Design(size=1, codebook=BOOK, people=people)


# The round --------------------------------------------------------------------------------------


def test_a_round_is_written_whole_and_can_be_read_back(owl):
    table = planning.create(owl, "main-1", size=20, codebook=BOOK, judge="owl")
    found = rounds.find(owl, "main-1")
    book = codebook.load(BOOK)
    assert found.round_id == table.attrs["round_id"] == units(owl, "main-1")["round_id"].iloc[0]
    assert (found.judge, found.status, found.book.hash) == ("owl", "planned", book.hash)
    form = found.form(image=True, suggestions=False)
    assert form == interface.build(book, image=True, suggestions=False)
    assert book.title in found.instructions or MISREAD in found.instructions
    entry = owl.query("SELECT status, counts FROM journal WHERE stage = 'rounds_create'")
    assert entry["status"].tolist() == ["done"]
    assert json.loads(entry["counts"][0])["pairs"] == 20


def test_a_codebook_of_the_study_is_found_by_its_id(owl):
    planning.create(owl, "one", size=5, codebook=BOOK)
    stored = codebook.load(BOOK).codebook_id
    assert planning.plan(owl, size=5, codebook=stored)["codebook_id"] == stored
    with pytest.raises(CodebookError, match="no codebook 'nonsense'"):
        planning.plan(owl, size=5, codebook="nonsense")


def test_names_are_taken_once(owl):
    planning.create(owl, "r", size=5, codebook=BOOK)
    for name in ("r", "", " r", "a\nb", "x" * 41):
        with pytest.raises(StageError, match="name"):
            planning.create(owl, name, size=5, codebook=BOOK)
    assert owl.count("rounds") == 1


def test_a_round_that_was_created_meanwhile_is_noticed(owl, monkeypatch):
    assigned = drawing.assigned

    def slow(*arguments):
        monkeypatch.setattr(drawing, "assigned", assigned)
        planning.create(owl, "first", size=5, codebook=BOOK)
        return assigned(*arguments)

    monkeypatch.setattr(drawing, "assigned", slow)
    with pytest.raises(StageError, match="created meanwhile"):
        planning.create(owl, "second", size=5, codebook=BOOK)
    assert owl.view("rounds")["name"].tolist() == ["first"]
    assert owl.view("units")["round_id"].nunique() == 1


def test_a_round_lands_whole_or_not_at_all(owl, monkeypatch):
    assigned = drawing.assigned
    monkeypatch.setattr(
        drawing, "assigned", lambda *a: assigned(*a).assign(output_id=pd.NA, unit_id=pd.NA)
    )
    with pytest.raises(Exception, match="NOT NULL"):
        planning.create(owl, "r", size=5, codebook=BOOK)
    assert owl.count("rounds") == owl.count("units") == 0


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"size": 0}, "too small"),
        ({"uniform_share": 0.2}, r"0\.3 to 1"),
        ({"equality": 2}, "equality"),
        ({"overlap_share": 1.5}, "overlap_share"),
        ({"blind_share": -0.1}, "blind_share"),
        ({"kind": "pilot"}, "calibration or main"),
        ({"purpose": "train"}, "tune or test"),
        ({"strata": "family,colour"}, "'colour'"),
        ({"seed": 2**40}, "32 bits"),
        ({"scorer": "mine"}, "erranal"),
        ({"judge": "raven"}, "there are owl"),
    ],
)
def test_what_is_not_possible_is_said(owl, wanted, said):
    with pytest.raises(StageError, match=said):
        planning.plan(owl, **{"size": 5, "codebook": BOOK, **wanted})


def test_a_judge_is_named_by_id_and_must_have_used_the_codebook(owl, tmp_path):
    assert planning.plan(owl, size=5, codebook=BOOK, judge="judge:1")["judge"] == "owl"
    assert planning.plan(owl, size=5, codebook=BOOK, judge="judge")["judge"] == "owl"
    judge(owl, {"0/image:mono": [MISREAD]}, judge_id="judge:2")
    with pytest.raises(StageError, match=r"2 judges: .*judge:1, judge:2"):
        planning.plan(owl, size=5, codebook=BOOK, judge="owl")
    text = codebook.load(BOOK).source_text.replace("title:", "title: Other", 1)
    (tmp_path / "other.yaml").write_text(text, "utf-8")
    with pytest.raises(StageError, match="has no verdict under"):
        planning.plan(owl, size=5, codebook=tmp_path / "other.yaml", judge="judge:1")


def test_nothing_scored_is_said(study):
    with pytest.raises(StageError, match="erranal score"):
        planning.plan(study, size=5, codebook=BOOK)


def test_the_demo_study_from_plan_to_rounds(demo_folder, tmp_path):
    shutil.copy(demo_folder / "study.duckdb", tmp_path / "study.duckdb")
    study = Study(tmp_path / "study.duckdb")
    plan = planning.plan(study, size=40, codebook=BOOK, judge="rules")
    assert plan["sampled_pairs"] == 40
    planning.create(study, "calibration", size=10, codebook=BOOK, judge="rules", kind="calibration")
    planning.create(study, "main", size=40, codebook=BOOK, judge="rules")
    tune, test = units(study, "calibration"), units(study, "main")
    assert not set(tune["item_id"]) & set(test["item_id"])
    errors = study.query("SELECT output_id FROM errors WHERE scorer = 'erranal'")["output_id"]
    assert test["output_id"].isin(errors).all()
    frame = json.loads(study.query("SELECT design FROM rounds WHERE name = 'main'")["design"][0])
    estimated = (1 / test["inclusion_probability"]).sum()
    assert estimated == pytest.approx(frame["units"], rel=0.35)
    assert frame["pairs"] + frame["excluded"]["coded to tune"] == plan["pairs"]
