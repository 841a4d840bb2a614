"""Tables as they fit a terminal of 80 columns: what tells no rows apart is left to ``--json``."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def without_empty(frame: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """Return the frame without those of these columns that hold nothing, or zero throughout."""
    empty = [name for name in columns if not _holds_something(frame[name])]
    return frame.drop(columns=empty)


def _holds_something(column: pd.Series) -> bool:
    return bool((column.notna() & (column != 0) & (column != "")).any())


def without_same(frame: pd.DataFrame, *columns: str) -> tuple[pd.DataFrame, str]:
    """Return the frame without those of these columns that say the same in all rows, and that."""
    same = [name for name in columns if len(frame) and frame[name].nunique(dropna=False) == 1]
    said = [str(frame[name].iloc[0]) for name in same]
    return frame.drop(columns=same), ", ".join(said)


def minutes(times: pd.Series) -> pd.Series:
    """Return points in time as text, to the minute; empty where there is none."""
    text: pd.Series = times.dt.strftime("%Y-%m-%d %H:%M").fillna("")
    return text
