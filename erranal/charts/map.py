"""Map of responses: nearness means likeness, the axes mean nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import altair as alt
import numpy as np
import pandas as pd

from erranal.charts.rows import layered
from erranal.charts.theme import CLUSTER_HUES, NEUTRAL, UNDECIDED, Theme, arm_scale, themed

if TYPE_CHECKING:
    from collections.abc import Mapping

# With more points, tooltip texts would dominate the size of the page.
MOST_WITH_TEXT = 5_000
TEXT_CHARS = 160
MOST_LABELLED = 24
NOISE = -1
WIDTH, HEIGHT = 760, 560
# Room that a word of a label takes, generously.
CHARACTER_PX, LINE_PX = 7, 15


def cluster_map(
    frame: pd.DataFrame,
    *,
    colour: Literal["cluster", "modality"] = "cluster",
    theme: Theme = NEUTRAL,
) -> alt.LayerChart:
    """Return a scatter of responses on canvas, coloured by cluster or modality.

    Parameters
    ----------
    frame
        Columns x, y, cluster (-1 for none), label (of the cluster), modality and text. The largest
        clusters carry their label. Texts are shown on hover, cut, for up to 5,000 points; above
        that only label and modality are.
    colour
        What the hue shows.
    theme
        Colours of the ink.
    """
    points = _points(frame)
    hue = _modality_hue(points) if colour == "modality" else _cluster_hue(points)
    blank = alt.Axis(labels=False, grid=False, title=None)
    scale = alt.Scale(zero=False, nice=False, padding=24)
    x, y = alt.X("x:Q", axis=blank, scale=scale), alt.Y("y:Q", axis=blank, scale=scale)
    names = [name for name in ("label", "modality", "text") if name in points]
    dots = (
        alt.Chart(_inline(points))
        .mark_circle(size=_dot_size(len(points)), opacity=0.6)
        .encode(x=x, y=y, color=hue, tooltip=[f"{name}:N" for name in names])
    )
    centres = alt.Chart(_inline(_labelled(points))).encode(x=x, y=y, text="label:N")
    words = [centres.mark_text(style=style) for style in (["label", "halo"], "label")]
    chart = layered(dots, *words).properties(
        width=WIDTH, height=HEIGHT, usermeta={"embedOptions": {"renderer": "canvas"}}
    )
    return themed(chart, theme)


def _points(frame: pd.DataFrame) -> pd.DataFrame:
    points = frame[["x", "y", "cluster", "label", "modality"]].reset_index(drop=True)
    points[["x", "y"]] = points[["x", "y"]].astype(float)
    span = float(np.ptp(points[["x", "y"]].to_numpy())) if len(points) else 1.0
    # A tenth of a pixel: more digits only make the page larger.
    points[["x", "y"]] = points[["x", "y"]].round(4 - int(np.ceil(np.log10(span or 1.0))))
    points["label"] = points["label"].fillna("no cluster").astype(str)
    if len(frame) <= MOST_WITH_TEXT and "text" in frame:
        texts = frame["text"].fillna("").astype(str).reset_index(drop=True)
        points["text"] = texts.str.slice(0, TEXT_CHARS).str.replace(r"\s+", " ", regex=True)
    return points


def _inline(points: pd.DataFrame) -> alt.InlineData:
    # CSV names the columns once, and inline data is not held to Altair's limit of 5,000 rows.
    parse = {"x": "number", "y": "number", "cluster": "number", "label": "string"}
    return alt.InlineData(
        values=points.to_csv(index=False), format=alt.CsvDataFormat(type="csv", parse=parse)
    )


def _dot_size(n: int) -> float:
    return float(np.clip(60_000 / max(n, 1), 6, 60))


def _labelled(points: pd.DataFrame) -> pd.DataFrame:
    """Return centre and label of the largest clusters whose labels do not overlap."""
    inside = points[points["cluster"] != NOISE]
    sizes = inside["cluster"].value_counts()
    centres = inside.groupby("cluster")[["x", "y"]].median()
    labels = inside.drop_duplicates("cluster").set_index("cluster")["label"]
    span = points[["x", "y"]].max() - points[["x", "y"]].min()
    pixels = centres / span.replace(0, 1) * [WIDTH, HEIGHT]
    placed: list[tuple[float, float, int]] = []
    kept = []
    for cluster in sizes.index[:MOST_LABELLED]:
        x, y = pixels.loc[cluster]
        width = len(labels[cluster]) * CHARACTER_PX
        if all(abs(y - v) > LINE_PX or abs(x - u) > (width + w) / 2 for u, v, w in placed):
            placed.append((float(x), float(y), width))
            kept.append(cluster)
    named = centres.loc[kept].join(labels).reset_index()
    return named[["x", "y", "cluster", "label"]]


def _cluster_hue(points: pd.DataFrame) -> alt.Color:
    sizes = points["cluster"].value_counts()
    order = [int(cluster) for cluster in sizes.index if cluster != NOISE]
    hues: Mapping[int, str] = {c: CLUSTER_HUES[i % len(CLUSTER_HUES)] for i, c in enumerate(order)}
    scale = alt.Scale(domain=[NOISE, *order], range=[UNDECIDED, *hues.values()])
    return alt.Color("cluster:O", scale=scale, legend=None)


def _modality_hue(points: pd.DataFrame) -> alt.Color:
    return alt.Color("modality:N", scale=arm_scale(list(points["modality"].unique())), title=None)
