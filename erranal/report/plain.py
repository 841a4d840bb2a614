"""Frames as plain JSON values: no numpy, no NaN, times as ISO text."""

from __future__ import annotations

import json
import math
from datetime import date
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

Row = dict[str, Any]


def rows(frame: pd.DataFrame) -> list[Row]:
    """Return the rows of a frame as dicts of plain values; missing is None."""
    known = frame.astype(object).where(frame.notna(), None)
    columns = [[value(v) for v in known[name]] for name in known.columns]
    return [dict(zip(frame.columns, cells, strict=True)) for cells in zip(*columns, strict=True)]


def value(cell: Any) -> Any:
    """Return one cell as a plain value: None, bool, int, float, str or a list of these."""
    if cell is None or isinstance(cell, str | bool | int):
        return cell
    if hasattr(cell, "tolist"):
        cell = cell.tolist()
    if isinstance(cell, list | tuple):
        return [value(v) for v in cell]
    if isinstance(cell, float):
        return cell if math.isfinite(cell) else None
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, dict | str | bool | int):
        return cell
    raise TypeError(f"{type(cell).__name__} is no plain value: {cell!r}")


def document(cell: Any) -> Any:
    """Return what a JSON column holds, or None."""
    return json.loads(cell) if isinstance(cell, str) and cell else None
