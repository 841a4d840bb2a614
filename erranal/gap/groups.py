"""Which groups of pairs get a row of their own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

ALWAYS = ("model+prompt_style", "all")


@dataclass(frozen=True)
class Grouping:
    """Columns that define a group, and where the counting query holds its counts.

    ``pooled`` is the bit mask of what is pooled (2 models, 1 prompt styles), ``part`` how items
    are split.
    """

    name: str
    columns: frozenset[str]
    pooled: int
    part: str


def _grouping(name: str, pooled: int, part: str) -> Grouping:
    columns = set(name.split("+")) - {"all"}
    # A subject belongs to a benchmark: two benchmarks may both have one called Physics.
    columns |= {"benchmark"} if "subject" in columns else set()
    return Grouping(name, frozenset(columns), pooled, part)


# The order decides which of two equal groupings stays: the first.
GROUPINGS = (
    _grouping("model+prompt_style", 0, "whole"),
    _grouping("all", 3, "whole"),
    _grouping("model", 1, "whole"),
    _grouping("prompt_style", 2, "whole"),
    _grouping("benchmark", 3, "benchmark"),
    _grouping("benchmark+prompt_style", 2, "benchmark"),
    _grouping("model+benchmark+prompt_style", 0, "benchmark"),
    _grouping("subject", 3, "subject"),
    _grouping("subject+prompt_style", 2, "subject"),
)


def distinct_groupings(counts: pd.DataFrame) -> list[Grouping]:
    """Return the groupings worth a row: those that split the pairs in a way of their own.

    A column with a single value in the whole study splits nothing, so a grouping that without
    such columns equals an earlier one is left out. The groupings in ``ALWAYS`` stay, because
    charts and reports ask for them by name.

    Parameters
    ----------
    counts
        Result of the counting query: columns model, prompt_style, benchmark, subject, pooled, part.
    """
    splitting = _splitting_columns(counts)
    seen: set[frozenset[str]] = set()
    kept = []
    for grouping in GROUPINGS:
        effective = grouping.columns & splitting
        if grouping.name in ALWAYS or effective not in seen:
            kept.append(grouping)
        seen.add(effective)
    return kept


def _splitting_columns(counts: pd.DataFrame) -> frozenset[str]:
    columns = {
        name
        for name in ("model", "prompt_style", "benchmark")
        if counts[name].nunique(dropna=True) > 1
    }
    subjects = counts.loc[counts["part"] == "subject", ["benchmark", "subject"]].drop_duplicates()
    if len(subjects) > subjects["benchmark"].nunique():
        columns.add("subject")
    return frozenset(columns)
