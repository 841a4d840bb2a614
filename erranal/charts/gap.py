"""Charts of paired accuracy gaps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import altair as alt

from erranal.charts import rows
from erranal.charts.theme import NEUTRAL, Theme, themed

if TYPE_CHECKING:
    import pandas as pd

KEYS = ("model", "prompt_style", "benchmark", "subject", "arm_b")


def _in_points(gaps: pd.DataFrame) -> pd.DataFrame:
    measures = ["accuracy_a", "accuracy_b", "difference", "low", "high"]
    frame = gaps[gaps["pairs"] > 0].reset_index(drop=True)
    frame[measures] = frame[measures] * 100
    frame["label"] = rows.row_labels(frame, KEYS)
    frame["estimate"] = frame["difference"]
    frame["hue"] = rows.interval_hues(frame, 0)
    return frame


def _minus(number: float) -> str:
    text = f"{number:+.1f}".replace("-", "−")
    return "0.0" if text[1:] == "0.0" else text


def _interval_note(row: pd.Series) -> str:
    return f"{_minus(row['difference'])}  [{_minus(row['low'])}, {_minus(row['high'])}]"


def gap_chart(gaps: pd.DataFrame, *, theme: Theme = NEUTRAL) -> alt.HConcatChart:
    """Return accuracies of both arms beside their difference with its interval, one row a gap.

    Parameters
    ----------
    gaps
        Rows of table ``gaps`` of one scorer, one way of counting failures and one grouping;
        they are drawn in the order given.
    theme
        Colours of the ink.
    """
    frame = _in_points(gaps)
    order = list(frame["label"])
    height = rows.ROW_PX * max(len(order), 1)
    level = f"{frame['level'].iloc[0] * 100:g}" if len(frame) else "95"
    accuracy = alt.X("value:Q", title="accuracy, %", scale=alt.Scale(zero=False, padding=40))
    difference = alt.X(
        "low:Q", axis=rows.signed_axis("difference, points"), scale=alt.Scale(padding=12)
    )
    frame["note"] = [_interval_note(row) for _, row in frame.iterrows()]
    left = rows.dumbbell(rows.two_arms(frame, "accuracy"), order, accuracy, ".1f")
    right = rows.intervals(frame, order, difference, 0)
    words = rows.notes(frame, order, f"points [{level} %]")
    panels = [left.properties(width=300, height=height), right.properties(width=240, height=height)]
    chart = alt.hconcat(*panels, words.properties(height=height), spacing=28)
    return themed(chart, theme)


def subject_gap_chart(gaps: pd.DataFrame, *, theme: Theme = NEUTRAL) -> alt.HConcatChart:
    """Return a forest plot: differences with intervals, most negative first.

    Parameters
    ----------
    gaps
        Rows of table ``gaps`` of one scorer, one way of counting failures and the grouping
        ``subject`` (or any other with many rows).
    theme
        Colours of the ink.
    """
    frame = _in_points(gaps).sort_values("difference", kind="stable", ignore_index=True)
    order = list(frame["label"])
    height = 22 * max(len(order), 1)
    frame["note"] = [f"{pairs:,}" for pairs in frame["pairs"]]
    x = alt.X("low:Q", axis=rows.signed_axis("difference, points", orient="top"))
    forest = rows.intervals(frame, order, x, 0, labels=True).properties(width=420, height=height)
    words = rows.notes(frame, order, "pairs").properties(height=height, width=50)
    return themed(alt.hconcat(forest, words, spacing=16), theme)
