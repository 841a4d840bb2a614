"""Charts of what became of pairs and of outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import altair as alt
import pandas as pd

from erranal.charts import rows
from erranal.charts.theme import (
    BOTH_RIGHT,
    BOTH_WRONG,
    NEUTRAL,
    OUTCOME_HUES,
    UNDECIDED,
    Theme,
    arm_hue,
    themed,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

# Dark words on light segments and light words on dark ones, in any theme.
ON_LIGHT, ON_DARK = "#14181c", "#ffffff"
LIGHT_SEGMENTS = {BOTH_RIGHT, OUTCOME_HUES["no_answer"], OUTCOME_HUES["ungradable"]}
# Narrower segments have no room for their number.
LEAST_LABELLED = 0.035


def _stacked(
    long: pd.DataFrame, hues: Mapping[str, str], order: list[str], theme: Theme
) -> alt.LayerChart:
    """Draw shares: ``long`` has label, part and count; parts stack in the order of ``hues``."""
    long = long[long["count"] > 0].copy()
    long["rank"] = long["part"].map({part: i for i, part in enumerate(hues)})
    long = long.sort_values(["label", "rank"], kind="stable")
    total = long.groupby("label")["count"].transform("sum")
    long["share"] = long["count"] / total
    long["end"] = long.groupby("label")["share"].cumsum()
    long["middle"] = long["end"] - long["share"] / 2
    light = long["part"].map(hues).isin(LIGHT_SEGMENTS)
    long["word_hue"] = light.map({True: ON_LIGHT, False: ON_DARK})
    base = alt.Chart(long).encode(y=rows.row_axis(order))
    scale = alt.Scale(domain=list(hues), range=list(hues.values()))
    legend = alt.Legend(symbolType="square", title=None)
    x = alt.X("share:Q", stack="zero", axis=alt.Axis(format="%", title=None, grid=False))
    bars = base.mark_bar(height=rows.ROW_PX * 0.66, cornerRadius=1).encode(
        x=x,
        color=alt.Color("part:N", scale=scale, legend=legend),
        order=alt.Order("rank:Q"),
        tooltip=[
            alt.Tooltip("label:N", title="Row"),
            alt.Tooltip("part:N", title="Outcome"),
            alt.Tooltip("count:Q", title="Count", format=","),
            alt.Tooltip("share:Q", title="Share", format=".1%"),
        ],
    )
    words = (
        base.transform_filter(alt.datum.share >= LEAST_LABELLED)
        .mark_text(fontSize=11)
        .encode(
            x="middle:Q",
            text=alt.Text("count:Q", format=","),
            color=alt.Color("word_hue:N", scale=None),
        )
    )
    height = rows.ROW_PX * max(len(order), 1)
    return themed(rows.layered(bars, words).properties(width=620, height=height), theme)


def transition_chart(gaps: pd.DataFrame, *, theme: Theme = NEUTRAL) -> alt.LayerChart:
    """Return how pairs split: both right, only one arm right, both wrong.

    Parameters
    ----------
    gaps
        Rows of table ``gaps``; uses both_right, only_a, only_b, both_wrong and the names.
    theme
        Colours of the ink.
    """
    frame = gaps.reset_index(drop=True)
    frame["label"] = rows.row_labels(
        frame, ("model", "prompt_style", "benchmark", "subject", "arm_b")
    )
    (name_a, hue_a), (name_b, hue_b) = _sides(frame)
    hues = {
        "both right": BOTH_RIGHT,
        f"only {name_a} right": hue_a,
        f"only {name_b} right": hue_b,
        "both wrong": BOTH_WRONG,
    }
    columns = ["both_right", "only_a", "only_b", "both_wrong"]
    long = frame.melt("label", columns, var_name="part", value_name="count")
    long["part"] = long["part"].map(dict(zip(columns, hues, strict=True)))
    return _stacked(long, hues, list(frame["label"]), theme)


def _sides(frame: pd.DataFrame) -> list[tuple[str, str]]:
    """Return name and hue of both arms; where rows differ, what part the arm plays."""
    sides = []
    for arm, part, usual in (("arm_a", "reference", "text"), ("arm_b", "compared", "image")):
        names = frame[arm].unique()
        sides.append(
            (str(names[0]), arm_hue(names[0])) if len(names) == 1 else (part, arm_hue(usual))
        )
    if sides[0][1] == sides[1][1]:
        sides[0] = (sides[0][0], UNDECIDED)
    return sides


def outcome_chart(outcomes: pd.DataFrame, *, theme: Theme = NEUTRAL) -> alt.LayerChart:
    """Return the shares of outcomes, so that refusals and failures show apart from wrong answers.

    Parameters
    ----------
    outcomes
        Columns outcome and outputs (a count), and any of model, prompt_style and arm, which make
        the rows in the order given.
    theme
        Colours of the ink.
    """
    keys = [name for name in ("model", "prompt_style", "arm") if name in outcomes]
    groups = outcomes[keys].drop_duplicates().reset_index(drop=True)
    groups["label"] = rows.row_labels(groups, keys)
    long = outcomes.merge(groups, on=keys).rename(columns={"outcome": "part", "outputs": "count"})
    long = long.groupby(["label", "part"])["count"].sum().reset_index()
    present = {
        outcome: hue for outcome, hue in OUTCOME_HUES.items() if outcome in set(long["part"])
    }
    return _stacked(long, present, list(groups["label"]), theme)
