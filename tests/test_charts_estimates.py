"""What the charts of estimates claim: right numbers, safe with hostile text, one look."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from erranal import charts
from erranal.charts import theme as look

HOSTILE = '<script>alert(1)</script> "x", {{ 7 }}'
CODES = {
    "reading": (0.05, 0.30),
    "thinking": (0.25, 0.26),
    "reading.value_misread": (0.04, 0.24),
    "thinking.calculation": (0.20, 0.17),
    "output.refusal": (0.0, 0.0),
}


def row(analysis, code, estimate, half=0.02, **more):
    known = {"analysis": analysis, "code": code, "source": "corrected", "n": 200}
    known |= {"estimate": estimate, "low": estimate - half, "high": estimate + half}
    empty = {"reference": None, "arm": None, "estimand": "", "p": np.nan, "p_adjusted": np.nan}
    return empty | known | more


def estimates() -> pd.DataFrame:
    rows = []
    for code, rates in CODES.items():
        for source, error in (("corrected", 0.0), ("humans", 0.01), ("judge", -0.03)):
            bias = error if any(rates) else 0.0
            for arm, rate in zip(("text", "image"), rates, strict=True):
                reference = "text" if arm == "image" else None
                given = {"arm": arm, "source": source, "reference": reference}
                rows.append(row("prevalence", code, rate + bias, **given))
            given = {"source": source, "reference": "text", "arm": "image", "p_adjusted": 0.0004}
            rows.append(row("effect", code, rates[1] - rates[0] + bias, **given))
        for arm, rate in (("text", 0.9), ("image", 0.6)):
            for estimand in ("sensitivity", "specificity", "PPV", "F1"):
                value = rate if any(rates) or estimand != "sensitivity" else np.nan
                rows.append(row("trust", code, value, estimand=estimand, arm=arm, source="judge"))
    given = {"reference": "text", "arm": "image", "p": 0.03}
    rows.append(row("contrast", "reading − thinking", 0.24, 0.05, **given))
    titles = {"reading.value_misread": HOSTILE}
    return pd.DataFrame(rows).assign(title=lambda frame: frame["code"].map(titles))


ESTIMATES = estimates()
DRAWN = {
    "rates": lambda theme: charts.code_rates_chart(ESTIMATES, theme=theme),
    "changes": lambda theme: charts.code_changes_chart(ESTIMATES, theme=theme),
    "trust": lambda theme: charts.judge_trust_chart(ESTIMATES, theme=theme),
}


def datasets(spec):
    return [pd.DataFrame(rows) for rows in spec["datasets"].values()]


def the_dataset(spec, *columns):
    return next(data for data in datasets(spec) if set(columns) <= set(data.columns))


def order_of(spec):
    """Return the labels from top to bottom, as the y channel sorts them."""
    if isinstance(spec, dict):
        if isinstance(spec.get("y"), dict) and "sort" in spec["y"]:
            return spec["y"]["sort"]
        spec = list(spec.values())
    found = (order_of(part) for part in spec if isinstance(part, dict | list))
    return next((order for order in found if order), None)


@pytest.mark.parametrize("name", DRAWN)
def test_renders_to_an_image_with_something_on_it(name):
    vl_convert = pytest.importorskip("vl_convert")
    svg = vl_convert.vegalite_to_svg(DRAWN[name](charts.NEUTRAL).to_json())
    assert svg.count("<path") + svg.count("<line") > 10
    assert "NaN" not in svg
    assert "#4c78a8" not in svg, "a mark fell back to the default blue"
    assert "<script>" not in svg


@pytest.mark.parametrize("name", DRAWN)
def test_theme_is_in_the_configuration_alone_and_no_frame_is_changed(name):
    before = ESTIMATES.copy(deep=True)
    light, dark = (DRAWN[name](theme).to_dict() for theme in (charts.LIGHT, charts.DARK))
    assert light.pop("config") != dark.pop("config")
    assert light == dark
    pd.testing.assert_frame_equal(before, ESTIMATES)


def test_rates_are_in_percent_and_say_by_whom():
    rates = the_dataset(charts.code_rates_chart(ESTIMATES).to_dict(), "source", "filled")
    found = rates.set_index(["code", "arm", "source"])["estimate"]
    assert found["reading", "image", "corrected"] == pytest.approx(30)
    assert found["reading", "image", "judge"] == pytest.approx(27)
    assert set(rates[rates["filled"] == 1]["source"]) == {"corrected"}
    hues = rates.set_index("arm")["hue"].to_dict()
    assert hues == {arm: look.arm_hue(arm) for arm in ("text", "image")}


def test_families_come_first_then_what_changes_most_and_what_nobody_gave_is_not_drawn():
    rates = order_of(charts.code_rates_chart(ESTIMATES).to_dict())
    assert rates == ["reading", "thinking", HOSTILE, "thinking.calculation"]
    changes = order_of(charts.code_changes_chart(ESTIMATES).to_dict())
    assert changes == ["reading − thinking", *rates]


def test_changes_are_in_points_with_their_p_in_words():
    spec = charts.code_changes_chart(ESTIMATES).to_dict()
    words = the_dataset(spec, "note").set_index("code")["note"]
    assert words["reading"] == "+25.0  [+23.0, +27.0]  p < .001"
    assert words["thinking.calculation"] == "−3.0  [−5.0, −1.0]  p < .001"
    assert words["reading − thinking"] == "+24.0  [+19.0, +29.0]  p = .030"


def test_the_hue_of_a_change_needs_the_corrected_interval_off_zero():
    drawn = the_dataset(charts.code_changes_chart(ESTIMATES).to_dict(), "hue", "filled")
    hues = drawn.drop_duplicates("code").set_index("code")["hue"]
    assert hues["reading"] == look.arm_hue("image")
    assert hues["thinking.calculation"] == look.arm_hue("text")
    assert hues["thinking"] == look.UNDECIDED
    # By the judge alone thinking falls, and it takes the hue of the corrected change all the same.
    assert set(drawn[drawn["code"] == "thinking"]["hue"]) == {look.UNDECIDED}


def test_trust_shows_three_rates_of_codes_that_people_gave():
    spec = charts.judge_trust_chart(ESTIMATES).to_dict()
    assert [panel["title"]["text"] for panel in spec["hconcat"]] == [
        "finds, %",
        "spares, %",
        "is right, %",
    ]
    drawn = pd.concat(datasets(spec))
    assert set(drawn["estimand"]) == {"sensitivity", "specificity", "PPV"}
    assert "output.refusal" not in set(drawn["code"])
    assert set(drawn["estimate"].round(6)) == {90.0, 60.0}


def test_titles_may_be_left_out():
    untitled = ESTIMATES.drop(columns="title")
    assert "reading.value_misread" in order_of(charts.code_rates_chart(untitled).to_dict())
    assert HOSTILE in order_of(charts.judge_trust_chart(ESTIMATES).to_dict())
