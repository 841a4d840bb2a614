"""Whether the compared arm thinks less aloud: lengths, missing steps, truncation, refusals.

A response shows no reasoning step when it has fewer than two sentences or lines of four words or
more, no calculation, and fewer than two list lines. So "C. 10.9 mm" and "The correct answer is B."
show none, and any worked solution shows some. It is a rule about form: it does not tell whether
the steps are right, nor whether the model reasoned silently.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from erranal.gap.estimates import identity

if TYPE_CHECKING:
    import pandas as pd

    from erranal.store import Study

# RE2 syntax: linear in the length of the text, whatever the text.
_FOUR_WORDS = r"(?:\S+[ \t]+){3}\S"
# A letter before a full stop ("B. The spread") labels an option and ends no sentence.
_END = r"(?:[\pL\pN)\]*]{2}[.!?;:]\s|\n)"
SENTENCES = rf"(?s){_FOUR_WORDS}[^\n]*?{_END}.*?{_FOUR_WORDS}|[。！？].+?[。！？]"
CALCULATION = r"[0-9)}%]\s*(?:=|≈|\\approx)\s*[-+$(\\]*[0-9]"
_ITEM = r"^[ \t]*(?:[-*•]|[0-9]+[.)])[ \t]+\S"
LISTING = rf"(?ms){_ITEM}.*?{_ITEM}"
SHARES = ["no_steps", "truncated", "refused", "empty"]


def measure(study: Study, chosen: list[dict[str, str]]) -> pd.DataFrame:
    """Return lengths and shares of every comparison, counted in the database."""
    return study.read(
        "gap_collapse",
        comparisons=chosen,
        sentences=SENTENCES,
        calculation=CALCULATION,
        listing=LISTING,
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
