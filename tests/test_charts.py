"""What the charts claim: right numbers, readable on both backgrounds, safe with hostile text."""

from __future__ import annotations

import csv
import io
import json

import numpy as np
import pandas as pd
import pytest

from erranal import charts
from erranal.charts import theme as look

GAPS = pd.DataFrame(
    {
        "model": ["GPT-4o", "GPT-4o", "nano"],
        "prompt_style": ["cot", "direct", "cot"],
        "benchmark": None,
        "subject": None,
        "arm_a": ["text+image", "text+image", "text"],
        "arm_b": "image",
        "pairs": [1730, 1730, 1687],
        "both_right": [696, 435, 1344],
        "only_a": [256, 259, 298],
        "only_b": [170, 299, 21],
        "both_wrong": [608, 737, 24],
        "accuracy_a": [0.5503, 0.4012, 0.9733],
        "accuracy_b": [0.5006, 0.4243, 0.8091],
        "difference": [-0.0497, 0.0231, -0.1642],
        "low": [-0.0727, -0.0039, -0.1842],
        "high": [-0.0265, 0.0501, -0.1456],
        "level": 0.95,
    }
)
SUBJECTS = GAPS.assign(subject=["Art", "Music", "Physics"])
RENDERS = GAPS.assign(arm_a="image:C1", arm_b=["image:C2", "image:C3", "image:C4"])
COLLAPSE = GAPS[["model", "prompt_style", "arm_a", "arm_b"]].assign(
    chars_a=[1134.0, 102, 608],
    chars_b=[1135.0, 149, 483],
    length_ratio=[1.02, 2.04, 0.69],
    ratio_low=[1.0, 1.85, np.nan],
    ratio_high=[1.04, 2.25, np.nan],
    no_steps_a=[0.004, 0.9, 0.002],
    no_steps_b=[0.001, 0.77, 0.04],
)
OUTCOMES = pd.DataFrame(
    [
        ("m", arm, outcome, 10 * (i + 1))
        for arm in ("text", "image")
        for i, outcome in enumerate(["correct", "incorrect", "refused"])
    ],
    columns=["model", "arm", "outcome", "outputs"],
)
PROFILE = pd.DataFrame(
    [
        (f"{family}.{title}", title, family, arm, 0.1, 0.05, 0.18)
        for family, title in [("reading", "Value misread"), ("thinking", "Calculation")]
        for arm in ("text", "image")
    ],
    columns=["code", "title", "family", "arm", "rate", "low", "high"],
)
AGREEMENT = pd.DataFrame(
    [
        ("a.misread", "Value misread", "text", 50, 6, 2, 4),
        ("a.misread", "Value misread", "image", 100, 20, 5, 15),
        ("b.slip", "Calculation", "text", 50, 3, 0, 0),
        ("b.slip", "Calculation", "image", 100, 0, 9, 1),
        ("c.never", "Never given", "text", 50, 0, 0, 0),
        ("c.never", "Never given", "image", 100, 0, 0, 0),
    ],
    columns=["code", "title", "arm", "n", "both", "only_a", "only_b"],
)


def points(n=300, clusters=6):
    rng = np.random.default_rng(0)
    cluster = rng.integers(-1, clusters, n)
    return pd.DataFrame(
        {
            "x": rng.normal(size=n) + 8 * np.cos(cluster),
            "y": rng.normal(size=n) + 8 * np.sin(cluster),
            "cluster": cluster,
            "label": [None if c < 0 else f"cluster {c}" for c in cluster],
            "modality": rng.choice(["text", "image"], n),
            "text": 'He said "no",\n<script>alert(1)</script>, 1;2',
        }
    )


DRAWN = {
    "gap": lambda theme: charts.gap_chart(GAPS, theme=theme),
    "gap of renders": lambda theme: charts.gap_chart(RENDERS, theme=theme),
    "subject": lambda theme: charts.subject_gap_chart(SUBJECTS, theme=theme),
    "transition": lambda theme: charts.transition_chart(GAPS, theme=theme),
    "outcome": lambda theme: charts.outcome_chart(OUTCOMES, theme=theme),
    "collapse": lambda theme: charts.collapse_chart(COLLAPSE, theme=theme),
    "code profile": lambda theme: charts.code_profile_chart(PROFILE, theme=theme),
    "judges": lambda theme: charts.judge_agreement_chart(
        AGREEMENT, ("model", "rules"), theme=theme
    ),
    "map": lambda theme: charts.cluster_map(points(), theme=theme),
    "map by modality": lambda theme: charts.cluster_map(points(), colour="modality", theme=theme),
}


def datasets(spec):
    return [pd.DataFrame(rows) for rows in spec["datasets"].values()]


def the_dataset(spec, *columns):
    """Return the one data set of a chart that has these columns."""
    return next(data for data in datasets(spec) if set(columns) <= set(data.columns))


# Every chart ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", DRAWN)
def test_renders_to_an_image_with_something_on_it(name):
    vl_convert = pytest.importorskip("vl_convert")
    svg = vl_convert.vegalite_to_svg(DRAWN[name](charts.NEUTRAL).to_json())
    assert svg.count("<path") + svg.count("<circle") > 5
    assert "NaN" not in svg
    assert "#4c78a8" not in svg, "a mark fell back to the default blue"


@pytest.mark.parametrize("name", DRAWN)
def test_theme_is_in_the_configuration_alone(name):
    light, dark = (DRAWN[name](theme).to_dict() for theme in (charts.LIGHT, charts.DARK))
    assert light.pop("config") != dark.pop("config")
    assert light == dark


@pytest.mark.parametrize("name", sorted(set(DRAWN) - {"map", "map by modality"}))
def test_no_frame_given_is_changed(name):
    before = [frame.copy(deep=True) for frame in (GAPS, RENDERS, OUTCOMES, COLLAPSE, PROFILE)]
    DRAWN[name](charts.NEUTRAL)
    for old, new in zip(before, (GAPS, RENDERS, OUTCOMES, COLLAPSE, PROFILE), strict=True):
        pd.testing.assert_frame_equal(old, new)


# Colour -----------------------------------------------------------------------------------------


def linear(colour):
    value = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def contrast(one, other):
    """Contrast ratio of WCAG 2.1."""
    low, high = sorted(float(linear(c) @ [0.2126, 0.7152, 0.0722]) for c in (one, other))
    return (high + 0.05) / (low + 0.05)


WHITE, NEAR_BLACK = "#ffffff", "#14181c"


@pytest.mark.parametrize("hue", ["text", "text+image", "image", "ocr-1p", "ocr-2p"])
def test_hues_show_on_white_and_on_near_black(hue):
    for background in (WHITE, NEAR_BLACK):
        assert contrast(look.MODALITY_HUES[hue], background) > 3


def test_words_are_readable():
    assert contrast(charts.LIGHT.ink, WHITE) > 7
    assert contrast(charts.DARK.ink, NEAR_BLACK) > 7
    for background in (WHITE, NEAR_BLACK):
        # No single grey reaches 4.5 on both; 4 is close to the most there is.
        assert contrast(charts.NEUTRAL.ink, background) > 4
    for theme in (charts.NEUTRAL, charts.LIGHT, charts.DARK):
        assert contrast(theme.label, theme.halo) > 7


# Machado, Oliveira and Fernandes (2009), severity 1.0, on linear RGB.
DEFICIENCIES = {
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


def lab(rgb):
    matrix = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    xyz = np.array(matrix) @ np.clip(rgb, 0, 1) / [0.9505, 1, 1.089]
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("deficiency", DEFICIENCIES)
@pytest.mark.parametrize(
    "pair", [("text", "image"), ("text", "text+image"), ("text+image", "image")]
)
def test_arms_stay_apart_for_colour_blind_readers(deficiency, pair):
    seen = [
        lab(np.array(DEFICIENCIES[deficiency]) @ linear(look.MODALITY_HUES[arm])) for arm in pair
    ]
    assert np.linalg.norm(seen[0] - seen[1]) > 20


def test_an_arm_has_its_hue_whatever_the_render():
    assert look.arm_hue("image:C3") == look.arm_hue("image") != look.arm_hue("text")


# Numbers ----------------------------------------------------------------------------------------


def test_gap_chart_shows_percent_and_points():
    spec = charts.gap_chart(GAPS).to_dict()
    dots = the_dataset(spec, "value", "side").set_index(["label", "arm"])["value"]
    assert dots["GPT-4o · cot", "text+image"] == pytest.approx(55.03)
    notes = the_dataset(spec, "note").set_index("label")["note"]
    assert notes["GPT-4o · cot"] == "−5.0  [−7.3, −2.6]"
    assert notes["GPT-4o · direct"] == "+2.3  [−0.4, +5.0]"


def test_hue_of_a_difference_needs_the_interval_off_zero():
    spec = charts.gap_chart(GAPS).to_dict()
    hues = the_dataset(spec, "note", "hue").set_index("label")["hue"]
    assert hues["GPT-4o · direct"] == look.UNDECIDED
    assert hues["nano · cot"] == look.arm_hue("text")


def test_reference_of_the_same_modality_is_a_ring():
    renders = the_dataset(charts.gap_chart(RENDERS).to_dict(), "filled")
    assert renders.set_index("arm")["filled"].to_dict() == {
        "image:C1": 0,
        "image:C2": 1,
        "image:C3": 1,
        "image:C4": 1,
    }
    assert (the_dataset(charts.gap_chart(GAPS).to_dict(), "filled")["filled"] == 1).all()


def test_forest_is_sorted_by_difference():
    labels = the_dataset(charts.subject_gap_chart(SUBJECTS).to_dict(), "note")["label"]
    assert [label.split(" · ")[-1] for label in labels] == ["Physics", "Art", "Music"]


def test_transition_segments_add_up():
    bars = the_dataset(charts.transition_chart(GAPS).to_dict(), "share")
    assert bars.groupby("label")["share"].sum().tolist() == pytest.approx([1, 1, 1])
    nano = bars[bars["label"] == "nano · cot"].set_index("part")["count"]
    assert nano["only reference right"] == 298
    alone = the_dataset(charts.transition_chart(GAPS.iloc[:1]).to_dict(), "part")
    assert "only text+image right" in set(alone["part"])


def test_outcomes_that_do_not_occur_have_no_legend_entry():
    spec = charts.outcome_chart(OUTCOMES).to_dict()
    scale = spec["layer"][0]["encoding"]["color"]["scale"]
    assert scale["domain"] == ["correct", "incorrect", "refused"]


def test_rates_are_per_hundred_items():
    rates = pd.concat(datasets(charts.code_profile_chart(PROFILE).to_dict()))
    assert set(rates["rate"]) == {10.0}


def test_two_judges_have_their_own_rates_and_the_shares_of_a_code_add_up():
    spec = charts.judge_agreement_chart(AGREEMENT, ("model", "rules")).to_dict()
    rates = the_dataset(spec, "judge").set_index(["title", "arm", "judge"])["rate"]
    assert rates["Value misread", "image", "model"] == 25.0
    assert rates["Value misread", "image", "rules"] == 35.0
    shares = the_dataset(spec, "share")
    assert shares.groupby("title")["share"].sum().tolist() == pytest.approx([1, 1])
    misread = shares[shares["title"] == "Value misread"].set_index("part")["records"]
    assert misread.to_dict() == {"both": 26, "only model": 7, "only rules": 19}


def test_codes_that_neither_judge_gave_are_not_drawn():
    spec = charts.judge_agreement_chart(AGREEMENT, ("model", "rules")).to_dict()
    assert "Never given" not in set(pd.concat(datasets(spec))["title"])


def test_rows_that_would_share_a_label_are_kept_apart():
    twice = pd.concat([GAPS.iloc[:1]] * 2)
    labels = the_dataset(charts.gap_chart(twice).to_dict(), "note")["label"]
    assert labels.is_unique


def test_groups_without_pairs_are_not_drawn():
    empty = pd.concat([GAPS, GAPS.iloc[:1].assign(model="none", pairs=0, low=np.nan)])
    labels = the_dataset(charts.gap_chart(empty).to_dict(), "note")["label"]
    assert not labels.str.contains("none").any()


# Map --------------------------------------------------------------------------------------------


def rows_of(spec, layer):
    name = spec["layer"][layer]["data"]["name"]
    return list(csv.DictReader(io.StringIO(spec["datasets"][name])))


def test_hostile_text_survives_as_text():
    rows = rows_of(charts.cluster_map(points()).to_dict(), 0)
    assert len(rows) == 300
    assert {row["text"] for row in rows} == {'He said "no", <script>alert(1)</script>, 1;2'}


def test_fifty_thousand_points_stay_small_and_lose_only_their_texts():
    spec = charts.cluster_map(points(50_000)).to_dict()
    assert len(json.dumps(spec)) < 2_500_000
    tooltip = spec["layer"][0]["encoding"]["tooltip"]
    assert [tip["field"] for tip in tooltip] == ["label", "modality"]
    assert len(rows_of(spec, 0)) == 50_000
    assert spec["usermeta"]["embedOptions"]["renderer"] == "canvas"


def test_labels_of_one_place_do_not_overlap():
    frame = points(400).assign(x=0.0, y=0.0)
    labelled = rows_of(charts.cluster_map(frame).to_dict(), 1)
    assert len(labelled) == 1
    spread = rows_of(charts.cluster_map(points(400)).to_dict(), 1)
    assert {row["label"] for row in spread} == {f"cluster {c}" for c in range(6)}


def test_map_of_nothing_but_noise():
    spec = charts.cluster_map(points(20).assign(cluster=-1, label=None)).to_dict()
    assert rows_of(spec, 1) == []
