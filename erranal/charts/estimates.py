"""Charts of codes that people and a judge have labelled: rates, their changes, trust in the judge.

Each takes rows of the table ``estimates`` as ``study.view("estimates")`` and the stages give them,
and draws those that it is about; a column ``title`` names the codes where there is one.
"""

from __future__ import annotations

import altair as alt
import pandas as pd

from erranal.charts.rows import interval_hues, layered, notes, row_axis, signed_axis
from erranal.charts.theme import NEUTRAL, Theme, arm_hue, arm_scale, themed

CODE_PX, CHANGE_PX = 46, 34
CORRECTED = "corrected"
SHAPES = {CORRECTED: "circle", "humans": "circle", "judge": "diamond"}
KEY = "filled: the judge corrected by people; ring: people alone; diamond: the judge, uncorrected"
MEASURES = {"sensitivity": "finds", "specificity": "spares", "PPV": "is right"}
_LIMITS = ["estimate", "low", "high"]


def code_rates_chart(estimates: pd.DataFrame, *, theme: Theme = NEUTRAL) -> alt.LayerChart:
    """Return rates per item of every code, one line an arm; families first, largest change first.

    Filled dots are corrected; below them, lighter, what people alone and the judge alone say. A
    code is drawn where people or the judge gave it at all.

    Parameters
    ----------
    estimates
        Rows of table ``estimates`` of one grouping and one pair of arms.
    theme
        Colours of the ink.
    """
    frame = _given(_part(estimates, "prevalence"))
    spread = _best(frame).groupby("code")["estimate"].agg(lambda rates: rates.max() - rates.min())
    order = _in_order(frame, spread)
    scale = arm_scale(list(frame["arm"].unique()))
    frame["hue"] = frame["arm"].map(arm_hue)
    frame["lane"] = frame["arm"] + frame["filled"].map({1: " ", 0: "  "})
    lanes = [f"{arm}{end}" for arm in scale.domain for end in (" ", "  ")]
    base = alt.Chart(frame).encode(y=row_axis(order), yOffset=alt.YOffset("lane:N", sort=lanes))
    axis = alt.Axis(title="rate per item, %")
    # The dots have their hue as it is; the legend is that of arms.
    legend = base.mark_circle(size=0).encode(color=alt.Color("arm:N", scale=scale, title=None))
    chart = layered(*_bars_and_dots(base, axis), legend).properties(
        title=_heading(KEY), width=480, height=CODE_PX * max(len(order), 1)
    )
    return themed(chart, theme)


def code_changes_chart(estimates: pd.DataFrame, *, theme: Theme = NEUTRAL) -> alt.HConcatChart:
    """Return a forest of the changes of rates between two arms: contrast, families, then codes.

    Filled dots are corrected, with their interval and adjusted p in words; lighter ones are what
    people alone and the judge alone say. The hue is that of the arm with the higher rate where the
    corrected interval leaves zero out, else grey.

    Parameters
    ----------
    estimates
        Rows of table ``estimates`` of one grouping and one pair of arms.
    theme
        Colours of the ink.
    """
    contrast = _part(estimates, "contrast").assign(place=0)
    frame = pd.concat([contrast, _given(_part(estimates, "effect"))], ignore_index=True)
    order = _in_order(frame, _best(frame).set_index("code")["estimate"])
    said = frame[frame["source"] == CORRECTED].reset_index(drop=True)
    sides = said.rename(columns={"reference": "arm_a", "arm": "arm_b"})
    hues = dict(zip(said["code"], interval_hues(sides, 0), strict=True))
    frame["hue"] = frame["code"].map(hues).fillna(arm_hue(""))
    base = alt.Chart(frame).encode(y=row_axis(order), yOffset=alt.YOffset("filled:N", sort=[1, 0]))
    zero = alt.Chart(pd.DataFrame({"null": [0]})).mark_rule(style="zero").encode(x="null:Q")
    axis, height = signed_axis("change of the rate, points"), CHANGE_PX * max(len(order), 1)
    forest = layered(zero, *_bars_and_dots(base, axis)).properties(
        title=_heading(KEY), width=480, height=height
    )
    said["note"] = [_change_words(row) for _, row in said.iterrows()]
    words = notes(said, order, "points [interval], p").properties(height=height, width=220)
    return themed(alt.hconcat(forest, words, spacing=22), theme)


def judge_trust_chart(estimates: pd.DataFrame, *, theme: Theme = NEUTRAL) -> alt.HConcatChart:
    """Return sensitivity, specificity and PPV of the judge on every code, one dot an arm.

    A code is drawn where the judge and people both have something to say of it under any arm.

    Parameters
    ----------
    estimates
        Rows of table ``estimates``.
    theme
        Colours of the ink.
    """
    frame = _part(estimates, "trust")
    frame = frame[frame["estimand"].isin(list(MEASURES)) & frame["estimate"].notna()]
    found = frame[frame["estimand"] == "sensitivity"]["code"]
    frame = frame[frame["code"].isin(set(found))].reset_index(drop=True)
    order = list(dict.fromkeys(frame["label"]))
    scale = arm_scale(list(frame["arm"].unique()))
    panels = [
        _measure(frame[frame["estimand"] == measure], words, order, scale, labels=place == 0)
        for place, (measure, words) in enumerate(MEASURES.items())
    ]
    return themed(alt.hconcat(*panels, spacing=20), theme)


def _part(estimates: pd.DataFrame, analysis: str) -> pd.DataFrame:
    """Return the rows of an analysis in percent, each with a label; families come first."""
    frame = estimates[estimates["analysis"] == analysis].reset_index(drop=True)
    frame[_LIMITS] = frame[_LIMITS].astype(float) * 100
    titles = frame["title"].fillna(frame["code"]) if "title" in frame else frame["code"]
    frame["label"] = titles.astype(str)
    families = {code.partition(".")[0] for code in frame["code"] if "." in code}
    frame["place"] = [1 if code in families else 2 for code in frame["code"]]
    frame["filled"] = (frame["source"] == CORRECTED).astype(int)
    kept = ["label", "code", "place", "reference", "arm", "source", "filled", "estimand", *_LIMITS]
    return frame[[*kept, "n", "p", "p_adjusted"]]


def _given(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of codes for which somebody's estimate is not zero."""
    most = frame["estimate"].abs().groupby(frame["code"]).max()
    return frame[frame["code"].map(most) > 0].reset_index(drop=True)


def _best(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the corrected rows with an estimate."""
    return frame[(frame["source"] == CORRECTED) & frame["estimate"].notna()]


def _in_order(frame: pd.DataFrame, size: pd.Series) -> list[str]:
    """Return labels: by place, then the largest first, those without a size last."""
    rows = frame.drop_duplicates("code").assign(size=lambda rows: rows["code"].map(size))
    rows = rows.sort_values(["place", "size"], ascending=[True, False], na_position="last")
    return list(rows["label"])


def _heading(text: str) -> alt.TitleParams:
    return alt.TitleParams(text, fontSize=12, fontWeight="normal", offset=6)


def _bars_and_dots(base: alt.Chart, axis: alt.Axis) -> list[alt.Chart]:
    """Return intervals and points, those that are not corrected lighter and hollow."""
    corrected = alt.datum.filled == 1
    hue = alt.Color("hue:N", scale=None)
    faint = alt.condition(corrected, alt.value(1), alt.value(0.6))
    tips = [alt.Tooltip("label:N", title="Code"), alt.Tooltip("source:N", title="By")]
    tips += [alt.Tooltip("arm:N", title="Arm"), alt.Tooltip("n:Q", title="n")]
    tips += [alt.Tooltip(f"{name}:Q", format=".1f") for name in _LIMITS]
    bars = base.mark_rule(strokeCap="round").encode(
        x=alt.X("low:Q", axis=axis),
        x2="high:Q",
        color=hue,
        opacity=faint,
        strokeWidth=alt.condition(corrected, alt.value(3), alt.value(1.2)),
    )
    scale = alt.Scale(domain=list(SHAPES), range=list(SHAPES.values()))
    dots = base.mark_point(strokeWidth=1.6).encode(
        x=alt.X("estimate:Q", axis=axis),
        color=hue,
        fill=alt.Fill("hue:N", scale=None),
        fillOpacity=alt.FillOpacity("filled:Q", scale=None),
        shape=alt.Shape("source:N", scale=scale, legend=None),
        opacity=faint,
        size=alt.condition(corrected, alt.value(95), alt.value(45)),
        tooltip=tips,
    )
    return [bars, dots]


def _change_words(row: pd.Series) -> str:
    if pd.isna(row["estimate"]):
        return "–"
    estimate, low, high = (f"{row[name]:+.1f}".replace("-", "−") for name in _LIMITS)
    p = row["p_adjusted"] if pd.notna(row["p_adjusted"]) else row["p"]
    said = "" if pd.isna(p) else "  p < .001" if p < 0.001 else f"  p = {p:.3f}".replace("0.", ".")
    return f"{estimate}  [{low}, {high}]{said}"


def _measure(
    frame: pd.DataFrame, words: str, order: list[str], scale: alt.Scale, *, labels: bool
) -> alt.LayerChart:
    x_scale = alt.Scale(domain=[0, 100])
    x = alt.X("estimate:Q", scale=x_scale, axis=alt.Axis(title=None, tickCount=4))
    base = alt.Chart(frame).encode(
        y=row_axis(order, labels=labels),
        yOffset=alt.YOffset("arm:N", sort=scale.domain),
        color=alt.Color("arm:N", scale=scale, title=None),
    )
    bars = base.mark_rule(strokeWidth=3, strokeCap="round", opacity=0.45).encode(
        x=alt.X("low:Q", scale=x_scale), x2="high:Q"
    )
    tips = [alt.Tooltip("label:N", title="Code"), alt.Tooltip("arm:N", title="Arm")]
    tips += [alt.Tooltip(f"{name}:Q", format=".1f") for name in _LIMITS]
    dots = base.mark_circle(size=85, opacity=1).encode(x=x, tooltip=[*tips, "n:Q"])
    return layered(bars, dots).properties(
        title=_heading(f"{words}, %"), width=190, height=CHANGE_PX * max(len(order), 1)
    )
