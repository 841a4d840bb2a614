"""Whether the compared arm thinks less aloud: lengths, missing steps, truncation, refusals.

What a reasoning step is, as a matter of form, is said in :mod:`erranal.steps`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from erranal import steps
from erranal.gap.estimates import identity

if TYPE_CHECKING:
    import pandas as pd

    from erranal.store import Study

SHARES = ["no_steps", "truncated", "refused", "empty"]


def measure(study: Study, chosen: list[dict[str, str]]) -> pd.DataFrame:
    """Return lengths and shares of every comparison, counted in the database."""
    return study.read(
        "gap_collapse",
        comparisons=chosen,
        long=steps.LONG,
        calculation=steps.CALCULATION,
        answer=steps.ANSWER,
        kept=steps.KEPT,
        step=steps.STEP,
    )


def collapse(measured: pd.DataFrame, *, level: float) -> pd.DataFrame:
    """Return the rows of table ``collapse`` from what :func:`measure` counted.

    The length ratio is the geometric mean of (compared + 1) / (reference + 1) over pairs, with a t
    interval on the log scale, clustered by item where an item gives several pairs.
    """
    import numpy as np

    from erranal.stats.clustered import ClusterSums
    from erranal.stats.ratio import ratio_limits

    columns = ["pairs", "items", "total", "squares", "cross", "sizes"]
    sums = ClusterSums(*(measured[name].to_numpy(dtype=float) for name in columns))
    low, high = ratio_limits(sums, level=level)
    unknown = sums.clusters < 2
    keys = ["model", "prompt_style", "arm_a", "arm_b"]
    return measured.assign(
        gap_id=[identity(*key) for key in measured[keys].itertuples(index=False, name=None)],
        pairs=measured["pairs"].astype("int64"),
        length_ratio=np.exp(sums.mean),
        ratio_low=np.where(unknown, np.nan, low),
        ratio_high=np.where(unknown, np.nan, high),
    )[
        ["gap_id", *keys, "pairs", "chars_a", "chars_b", "length_ratio", "ratio_low", "ratio_high"]
        + [f"{share}_{side}" for share in SHARES for side in "ab"]
    ]
