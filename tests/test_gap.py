"""The gap stage on known figures and on small studies whose answer is countable by hand."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from erranal import gap, steps
from erranal.errors import StageError
from erranal.gap.arms import Arm, comparisons
from erranal.stats.paired import difference_tango
from erranal.store import Study

DEFAULTS = {
    "model": "m",
    "style": "direct",
    "render": None,
    "benchmark": "bench",
    "subject": None,
    "sample": 0,
    "outcome": "correct",
    "scorer": "erranal",
    "response": "Answer: B",
    "reasoning": None,
    "status": "ok",
}


def study_of(path, records):
    """Write records straight into the tables; each names an item, a modality and what differs."""
    frame = pd.DataFrame([DEFAULTS | record for record in records])
    frame["item_id"] = frame["benchmark"] + "/" + frame["item"].astype(str)
    arm = frame["modality"].str.cat(frame["render"].fillna(""), sep=":")
    frame["condition_id"] = arm + "/" + frame["style"]
    frame["run_id"] = frame["model"] + "/" + frame["condition_id"]
    frame["output_id"] = (
        frame["run_id"] + "#" + frame["item_id"] + "#" + frame["sample"].astype(str)
    )
    frame["line"] = range(len(frame))
    constant = {"item_hash": "h", "version": 1, "source_id": "s", "scorer_version": "1"}
    frame = frame.assign(**constant, current=True).rename(columns={"style": "prompt_style"})
    frame = frame.assign(slot_id=frame["output_id"], response_hash=frame["output_id"])
    frame["native_id"] = frame["item"].astype(str)
    keys = {
        "items": ("item_id", "item_hash version benchmark native_id subject source_id"),
        "conditions": ("condition_id", "modality prompt_style render"),
        "runs": ("run_id", "model condition_id"),
        "outputs": (
            "output_id",
            "slot_id current run_id item_id item_hash sample response response_hash reasoning "
            "status source_id line",
        ),
    }
    study = Study(path)
    with study.write() as tx:
        for table, (key, others) in keys.items():
            rows = frame.drop_duplicates(key)[[key, *others.split()]]
            tx.append(table, rows.astype(object).where(rows.notna(), None))
        tx.append("scores", frame[["output_id", "scorer", "scorer_version", "outcome"]])
    return study


def pair(item, text, image, **more):
    """Two records of one item: outcome as text and as image."""
    return [
        {"item": item, "modality": "text", "outcome": text, **more},
        {"item": item, "modality": "image", "outcome": image, **more},
    ]


def table(both, only_a, only_b, neither, **more):
    """Records of single-sample items with these counts."""
    cells = [("correct", "correct"), ("correct", "incorrect")]
    cells += [("incorrect", "correct"), ("incorrect", "incorrect")]
    outcomes = [
        cell
        for cell, count in zip(cells, (both, only_a, only_b, neither), strict=True)
        for _ in range(count)
    ]
    return [record for i, cell in enumerate(outcomes) for record in pair(i, *cell, **more)]


def rows_of(study, grouping, failures="wrong", **equal):
    frame = study.view("gaps")
    frame = frame[(frame["grouping"] == grouping) & (frame["failures"] == failures)]
    for column, value in equal.items():
        frame = frame[frame[column] == value]
    return frame.reset_index(drop=True)


# Real outputs, scores as they came --------------------------------------------------------------


@pytest.fixture(scope="module")
def mmmu(real_outputs, tmp_path_factory):
    records = []
    for file in sorted((real_outputs / "mmmu_pro_gpt4o").glob("*.jsonl")):
        modality = "image" if "vision" in file.name else "text+image"
        style = "cot" if file.stem.endswith("cot") else "direct"
        for line in file.read_text("utf-8").splitlines():
            row = json.loads(line)
            records.append(
                {
                    "item": row["id"],
                    "subject": row["subject"],
                    "modality": modality,
                    "style": style,
                    "response": row["response"],
                    "outcome": "correct" if row["if_right"] else "incorrect",
                    "scorer": "imported",
                }
            )
    study = study_of(tmp_path_factory.mktemp("mmmu") / "s.duckdb", records)
    gap.run(study)
    return study


def test_mmmu_pro_published_counts(mmmu):
    rows = rows_of(mmmu, "model+prompt_style").set_index("prompt_style")
    cot, direct = rows.loc["cot"], rows.loc["direct"]
    assert (cot["both_right"] + cot["only_a"], cot["both_right"] + cot["only_b"]) == (952, 866)
    assert (cot["only_a"], cot["only_b"], cot["pairs"]) == (256, 170, 1730)
    assert cot["p_exact"] == pytest.approx(3.6e-5, rel=0.02)
    assert direct["both_right"] + direct["only_a"] == 694
    assert direct["both_right"] + direct["only_b"] == 734
    assert (direct["only_a"], direct["only_b"]) == (259, 299)
    assert direct["p_exact"] == pytest.approx(0.099, abs=5e-4)
    assert cot["difference"] < 0 < direct["difference"]
    assert cot["p_adjusted"] == pytest.approx(2 * cot["p_exact"])


def test_mmmu_pro_pooled_over_styles_is_clustered(mmmu):
    whole = rows_of(mmmu, "all").iloc[0]
    assert (whole["pairs"], whole["items"]) == (3460, 1730)
    assert whole["method"] == "clustered by item"
    assert np.isnan(whole["p_exact"])
    subjects = rows_of(mmmu, "subject")
    assert subjects["items"].sum() == 1730
    assert len(subjects) == 30


def test_mmmu_pro_responses_shrink_only_where_asked_to_think(mmmu):
    lengths = mmmu.view("collapse").set_index("prompt_style")
    assert lengths.loc["direct", "no_steps_a"] > 0.9
    assert lengths.loc["cot", "no_steps_a"] < 0.01
    assert lengths.loc["direct", "no_steps_b"] < lengths.loc["direct", "no_steps_a"]


def test_isobench_published_counts(real_outputs, tmp_path):
    records = []
    for file in sorted((real_outputs / "isobench_gpt5nano").glob("*.json")):
        if file.stem == "evaluation_summary":
            continue
        for row in json.loads(file.read_text("utf-8")):
            records.append(
                {
                    "item": row["sample_index"],
                    "benchmark": row["task_name"],
                    "modality": row["modality"],
                    "response": row["evaluation"]["model_response"],
                    "outcome": "correct" if row["evaluation"]["is_correct"] else "incorrect",
                    "scorer": "imported",
                }
            )
    study = study_of(tmp_path / "s.duckdb", records)
    row = gap.run(study).query("failures == 'wrong'").iloc[0]
    assert row["pairs"] == 1687
    assert (row["both_right"] + row["only_a"], row["both_right"] + row["only_b"]) == (1642, 1365)
    assert (row["only_a"], row["only_b"]) == (298, 21)
    lengths = study.view("collapse").iloc[0]
    assert (lengths["chars_a"], lengths["chars_b"]) == pytest.approx((608, 483), abs=1)
    assert lengths["ratio_high"] < 1
    across = rows_of(study, "across benchmarks").iloc[0]
    assert across["method"] == "t over benchmarks"
    assert across["low"] < row["low"] < row["high"] < across["high"]


def test_render_conventions_are_a_negative_control(real_outputs, tmp_path):
    records = []
    for file in sorted((real_outputs / "render_conventions").glob("*.json")):
        data = json.loads(file.read_text("utf-8"))
        for row in data["predictions"]:
            outcome = "correct" if row["pred"] == row["truth"] else "incorrect"
            records.append(
                {
                    "item": row["material_id"],
                    "model": data["model"],
                    "modality": "image",
                    "render": data["convention"],
                    "outcome": outcome if row["pred"] else "no_answer",
                }
            )
    study = study_of(tmp_path / "s.duckdb", records)
    rows = gap.run(study).query("failures == 'wrong'")
    assert len(rows) == 16
    assert set(rows["arm_a"]) == {"image:C1_frozen"}
    assert (rows["pairs"] == 70).all()
    assert (rows["p_adjusted"] > 0.05).all()


# Counting ---------------------------------------------------------------------------------------


@settings(max_examples=3, deadline=None)
@given(st.lists(st.tuples(*[st.integers(0, 6)] * 4).filter(any), min_size=8, max_size=12))
def test_counts_and_interval_of_any_table(tmp_path_factory, tables):
    records = [r for i, counts in enumerate(tables) for r in table(*counts, model=f"model {i:02}")]
    frame = gap.run(study_of(tmp_path_factory.mktemp("t") / "s.duckdb", records))
    for counts, (_, row) in zip(
        tables, frame[frame["failures"] == "wrong"].iterrows(), strict=True
    ):
        assert tuple(row[["both_right", "only_a", "only_b", "both_wrong"]]) == counts
        interval = difference_tango(*counts)
        assert (row["difference"], row["low"], row["high"]) == pytest.approx(
            (interval.estimate, interval.low, interval.high)
        )


def test_failures_count_as_wrong_or_leave_the_pair_out(tmp_path):
    records = pair(1, "correct", "refused") + pair(2, "no_answer", "correct")
    records += pair(3, "correct", "correct") + pair(4, "ungradable", "correct")
    records += pair(5, "incorrect", "failed")
    study = study_of(tmp_path / "s.duckdb", records)
    gap.run(study)
    wrong = rows_of(study, "all").iloc[0]
    counts = ["pairs", "both_right", "only_a", "only_b", "both_wrong", "excluded"]
    assert wrong[counts].tolist() == [4, 1, 1, 1, 1, 1]
    left = rows_of(study, "all", "excluded").iloc[0]
    assert left[counts].tolist() == [1, 1, 0, 0, 0, 4]


def test_group_that_loses_all_its_pairs_keeps_a_row(tmp_path):
    study = study_of(tmp_path / "s.duckdb", pair(1, "refused", "correct"))
    gap.run(study)
    row = rows_of(study, "all", "excluded").iloc[0]
    assert (row["pairs"], row["excluded"]) == (0, 1)
    assert row[["difference", "low", "p", "p_adjusted"]].isna().all()


def test_outdated_outputs_do_not_count(tmp_path):
    study = study_of(tmp_path / "s.duckdb", table(3, 1, 0, 0))
    old = study.query("SELECT * FROM outputs LIMIT 1").assign(output_id="old", current=False)
    with study.write() as tx:
        tx.append("outputs", old)
        tx.append(
            "scores",
            pd.DataFrame(
                [("old", "erranal", "1", "incorrect")],
                columns=["output_id", "scorer", "scorer_version", "outcome"],
            ),
        )
    assert gap.run(study)["pairs"].tolist() == [4, 4]


def test_samples_of_one_item_are_clustered(tmp_path):
    records = [
        record
        for item in range(10)
        for sample in range(4)
        for record in pair(item, "correct", "incorrect" if item < 3 else "correct", sample=sample)
    ]
    row = gap.run(study_of(tmp_path / "s.duckdb", records)).iloc[0]
    assert (row["pairs"], row["items"], row["method"]) == (40, 10, "clustered by item")
    # Ten items that are all or nothing: the t interval of ten values, not of forty.
    values = np.array([-1.0] * 3 + [0.0] * 7)
    reach = 2.262157 * values.std(ddof=1) / 10**0.5
    assert row["low"] == pytest.approx(-0.3 - reach, abs=1e-6)
    assert np.isnan(row["p_mid"])


def test_samples_pair_with_their_own_kind(tmp_path):
    records = pair(1, "correct", "incorrect", sample=0) + pair(1, "incorrect", "correct", sample=1)
    records.pop()
    row = gap.run(study_of(tmp_path / "s.duckdb", records)).iloc[0]
    assert (row["pairs"], row["only_a"], row["only_b"]) == (1, 1, 0)


def test_scorers_stay_apart(tmp_path):
    study = study_of(tmp_path / "s.duckdb", table(5, 3, 0, 0))
    with study.write() as tx:
        tx.append("scores", study.view("scores").assign(scorer="imported", outcome="correct"))
    rows = gap.run(study).query("failures == 'wrong'").set_index("scorer")
    assert rows["only_a"].to_dict() == {"erranal": 3, "imported": 0}
    assert set(gap.run(study, scorer="imported")["scorer"]) == {"imported"}


# Groups -----------------------------------------------------------------------------------------


def test_groupings_that_split_nothing_are_left_out(tmp_path):
    study = study_of(tmp_path / "s.duckdb", table(2, 1, 1, 1))
    gap.run(study)
    assert set(study.view("gaps")["grouping"]) == {"model+prompt_style", "all"}


def test_groupings_of_a_study_with_everything(tmp_path):
    records = [
        record
        for model in ("one", "two")
        for style in ("cot", "direct")
        for benchmark in ("x", "y", "z")
        for subject in ("Physics", "Art")
        for record in pair(
            subject,
            "correct",
            "incorrect",
            model=model,
            style=style,
            benchmark=benchmark,
            subject=subject,
        )
    ]
    study = study_of(tmp_path / "s.duckdb", records)
    gap.run(study)
    sizes = study.view("gaps").query("failures == 'wrong'").groupby("grouping").size()
    assert sizes.to_dict() == {
        "model+prompt_style": 4,
        "all": 1,
        "model": 2,
        "prompt_style": 2,
        "benchmark": 3,
        "benchmark+prompt_style": 6,
        "model+benchmark+prompt_style": 12,
        "subject": 6,
        "subject+prompt_style": 12,
        "across benchmarks": 1,
        "model+prompt_style across benchmarks": 4,
    }
    subjects = rows_of(study, "subject")
    assert subjects[["benchmark", "subject"]].notna().all().all()
    assert study.view("gaps")["gap_id"].is_unique


def test_running_again_replaces_the_rows(tmp_path):
    study = study_of(tmp_path / "s.duckdb", table(4, 2, 1, 3))
    first, second = gap.run(study), gap.run(study)
    pd.testing.assert_frame_equal(first, second)
    assert study.count("gaps") == 4
    assert study.count("collapse") == 1


# Arms -------------------------------------------------------------------------------------------


def arm(name, rank, model="m", style="s"):
    modality, _, render = name.partition(":")
    return Arm(model, style, rank, render, name, modality)


def compared_arms(arms, *names):
    return [(pair["arm_a"], pair["arm_b"]) for pair in comparisons(arms, *names)]


def test_reference_is_nearest_to_text_then_first_render():
    arms = [arm("image:b", 5), arm("image:a", 5), arm("text", 0), arm("text+image", 1)]
    assert compared_arms(arms) == [
        ("text", "text+image"),
        ("text", "image:a"),
        ("text", "image:b"),
    ]
    assert compared_arms(arms[:2]) == [("image:a", "image:b")]
    assert compared_arms(arms, "image:b", "text") == [("image:b", "text")]
    assert compared_arms(arms, None, "image") == [("text", "image:a"), ("text", "image:b")]
    assert compared_arms(arms[:1]) == []


def test_models_and_styles_are_compared_within():
    arms = [arm("text", 0, "x"), arm("image", 5, "y"), arm("text", 0, "z"), arm("image", 5, "z")]
    assert [pair["model"] for pair in comparisons(arms)] == ["z"]


def test_unknown_names_say_what_there_is(tmp_path):
    study = study_of(tmp_path / "s.duckdb", table(1, 1, 1, 1))
    with pytest.raises(StageError, match="no arm is called 'video'; the study has: image, text"):
        gap.run(study, compared="video")
    with pytest.raises(StageError, match=r"graded by 'imported'.*erranal"):
        gap.run(study, scorer="imported")


def test_unscored_study_says_so(tmp_path):
    with pytest.raises(StageError, match="erranal score"):
        gap.run(Study(tmp_path / "s.duckdb"))


def test_one_arm_gives_no_rows(tmp_path):
    study = study_of(tmp_path / "s.duckdb", [{"item": 1, "modality": "text"}])
    assert gap.run(study).empty
    assert study.count("gaps") == study.count("collapse") == 0


def test_arms_without_a_common_item_are_an_error(tmp_path):
    records = [{"item": 1, "modality": "text"}, {"item": 2, "modality": "image"}]
    with pytest.raises(StageError, match="text and image share no item"):
        gap.run(study_of(tmp_path / "s.duckdb", records))


# Collapse ---------------------------------------------------------------------------------------

RESPONSES = [
    "First we add the apples. Then we take away the pears that were eaten.",
    "3 * 4 = 12, so B",
    "",
    "B",
    "Answer: (B)",
    "B. The spread of pathogens across the Silk Road",
    "The correct answer is B. The spread of pathogens across the Silk Road",
    "G. v = 2.74",
    "y" * 199,
    "y" * 200,
]


def test_steps_are_told_as_the_rules_of_the_judge_tell_them(tmp_path):
    records = [
        record
        for number, response in enumerate(RESPONSES)
        for record in pair(1, "correct", "correct", response=response, model=f"{number:02}")
    ]
    study = study_of(tmp_path / "s.duckdb", records)
    gap.run(study)
    share = study.view("collapse").set_index("model")["no_steps_a"]
    told = [share[f"{number:02}"] == 0 for number in range(len(RESPONSES))]
    assert told == [steps.shown(text) for text in RESPONSES]
    assert 0 < sum(told) < len(told)


def test_reasoning_channel_counts_as_text_written(tmp_path):
    records = pair(1, "correct", "correct", response="B")
    records[0]["reasoning"] = "There are 3 + 4 = 7 of them."
    study = study_of(tmp_path / "s.duckdb", records)
    gap.run(study)
    row = study.view("collapse").iloc[0]
    assert (row["no_steps_a"], row["no_steps_b"]) == (0, 1)
    assert (row["chars_a"], row["chars_b"]) == (29, 1)


def test_shares_and_ratio(tmp_path):
    records = []
    for item, length in enumerate([99, 199, 399, 799]):
        records.append({"item": item, "modality": "text", "response": "x" * (2 * length + 1)})
        records.append({"item": item, "modality": "image", "response": "x" * length})
    records[1] |= {"status": "truncated"}
    records[3] |= {"status": "refusal"}
    records[5] |= {"outcome": "refused"}
    records += [
        {"item": 9, "modality": "text", "response": "x"},
        {"item": 9, "modality": "image", "response": None, "status": "api_error"},
    ]
    study = study_of(tmp_path / "s.duckdb", records)
    gap.run(study)
    row = study.view("collapse").iloc[0]
    assert row["pairs"] == 4
    assert row["length_ratio"] == pytest.approx(0.5)
    assert (row["ratio_low"], row["ratio_high"]) == pytest.approx((0.5, 0.5))
    assert (row["truncated_b"], row["refused_b"], row["empty_b"]) == (0.25, 0.5, 0)
    assert (row["truncated_a"], row["refused_a"]) == (0, 0)


def test_hostile_text_is_read_in_linear_time(tmp_path):
    long = ("a b c " * 200_000) + "\n" * 100_000 + "1 = " * 50_000
    study = study_of(tmp_path / "s.duckdb", pair(1, "correct", "correct", response=long))
    gap.run(study)
    assert study.view("collapse")["chars_a"].iloc[0] == len(long)


# Cases ------------------------------------------------------------------------------------------


def test_discordant_pairs_carry_both_texts(tmp_path):
    records = table(2, 2, 1, 1) + pair(99, "correct", "ungradable")
    for record in records:
        record["response"] = f"{record['modality']} of {record['item']}"
    study = study_of(tmp_path / "s.duckdb", records)
    frame = gap.discordant(study)
    assert frame["correct_a"].tolist() == [True, True, False]
    assert (frame["response_a"] == "text of " + frame["item_id"].str[6:]).all()
    assert (frame["response_b"] == "image of " + frame["item_id"].str[6:]).all()
    other = gap.discordant(study, order="image-right-first", limit=1)
    assert other["correct_b"].tolist() == [True]
    with pytest.raises(StageError, match="imported"):
        gap.discordant(study, scorer="imported")
