"""Tables of how far two judges agree."""

from __future__ import annotations

from collections.abc import Iterator
from math import nan
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from erranal.judge.compare.side_by_side import Pair

    Cells = tuple[int, int, int, int]

NONE, NOT_STATED = "(none)", "(not stated)"
_WHERE = ["output_id", "item_id", "model", "arm", "prompt_style", "sample"]


def by_code(pair: Pair) -> pd.DataFrame:
    """Return the agreement on each code, over all arms."""
    import numpy as np
    import pandas as pd

    from erranal.stats import agreement

    every = np.ones(len(pair.records), dtype=bool)
    return pd.DataFrame(
        {"code": code, **agreement.agreement_table(*cells)} for code, cells in _tables(pair, every)
    )


def by_arm(pair: Pair) -> pd.DataFrame:
    """Return the agreement on each code by arm; arms from text to image."""
    import pandas as pd

    from erranal.stats import agreement

    return pd.DataFrame(
        {"code": code, "arm": arm, **agreement.agreement_table(*cells)}
        for code, arm, cells in _by_arm(pair)
    )


def _by_arm(pair: Pair) -> Iterator[tuple[str, str, Cells]]:
    arms = pair.records.select(["rank", "arm"])
    of_record = arms["arm"].to_pandas()
    for arm in arms.to_pandas().drop_duplicates().sort_values(["rank", "arm"])["arm"]:
        for code, cells in _tables(pair, (of_record == arm).to_numpy()):
            yield code, arm, cells


def _tables(pair: Pair, rows: NDArray[np.bool_]) -> Iterator[tuple[str, Cells]]:
    """Yield both, only a, only b, neither of every code over some records."""
    seen = pair.compared & rows[:, None]
    a, b = pair.given_a, pair.given_b
    cells = [(seen & part).sum(axis=0) for part in (a & b, a & ~b, ~a & b, ~a & ~b)]
    for place, code in enumerate(pair.codes):
        both, only_a, only_b, neither = (int(count[place]) for count in cells)
        yield code, (both, only_a, only_b, neither)


def quality(pair: Pair) -> pd.DataFrame:
    """Return sensitivity, specificity and precision of a against b, by code and arm."""
    import pandas as pd

    from erranal.stats.proportion import proportion_wilson

    rows = []
    for code, arm, (both, only_a, only_b, neither) in _by_arm(pair):
        row: dict[str, Any] = {
            "code": code,
            "arm": arm,
            "n": both + only_a + only_b + neither,
            "gold": both + only_b,
        }
        for name, hits, of in (
            ("sensitivity", both, both + only_b),
            ("specificity", neither, neither + only_a),
            ("precision", both, both + only_a),
        ):
            share = proportion_wilson(hits, of)
            row |= {name: share.estimate, f"{name}_low": share.low, f"{name}_high": share.high}
        rows.append(row)
    return pd.DataFrame(rows)


def primary(pair: Pair) -> pd.DataFrame:
    """Return the primary codes of a by those of b; rows and columns in the order of the book.

    A judge that does not look for a code cannot name it: its row or column lacks it.
    """
    import pandas as pd

    order = [*dict.fromkeys((*pair.a.codes, *pair.b.codes)), NONE, NOT_STATED]
    a, b = (pd.Series(_primaries(pair, side), name=side) for side in "ab")
    table = pd.crosstab(a, b)
    rows = [name for name in order if name in table.index]
    columns = [name for name in order if name in table.columns]
    return table.loc[rows, columns].rename_axis(columns=None).reset_index()


def _primaries(pair: Pair, side: str) -> list[str]:
    """Return primary codes; none is one only where all compared codes were looked for."""
    import numpy as np
    import pyarrow.compute as pc

    codes = pc.list_value_length(pair.records[f"codes_{side}"]).to_pylist()
    whole = np.logical_and.reduce(pair.compared, axis=1)
    stated = pair.records[f"primary_{side}"].to_pylist()
    return [
        code or (NONE if every and not given else NOT_STATED)
        for code, given, every in zip(stated, codes, whole, strict=True)
    ]


def same_primary(pair: Pair) -> float:
    """Return the share of equal primary codes, where both judges could have given both of them.

    A record counts where each judge says none or names one of the compared codes; NaN where there
    is no such record.
    """
    fit = {*pair.codes, NONE}
    both = zip(_primaries(pair, "a"), _primaries(pair, "b"), strict=True)
    same = [a == b for a, b in both if a in fit and b in fit]
    return sum(same) / len(same) if same else nan


def same_codes(pair: Pair) -> float:
    """Return the share of records with the same codes, among those that can be compared in any."""
    comparable = pair.compared.any(axis=1)
    if not comparable.any():
        return nan
    return float((~_differing(pair)[comparable].any(axis=1)).mean())


def _differing(pair: Pair) -> NDArray[np.bool_]:
    differing: NDArray[np.bool_] = pair.compared & (pair.given_a != pair.given_b)
    return differing


def disagreements(pair: Pair) -> pd.DataFrame:
    """Return the records on which the judges differ in codes or primary code, most codes first.

    Columns: where the record is, ``differing`` (number of codes), ``only_a``, ``only_b``, and all
    codes and the primary code of both. Codes that are not compared do not make a difference.
    """
    import numpy as np

    marks = _differing(pair)
    a, b = (pair.records[f"primary_{side}"].to_pandas() for side in "ab")
    primaries = (a != b) & a.isin(pair.codes) & b.isin(pair.codes)
    (places,) = np.nonzero(marks.any(axis=1) | primaries.to_numpy())
    frame: pd.DataFrame = pair.records.select(_WHERE).take(places).to_pandas()
    frame["differing"] = marks[places].sum(axis=1)
    for side, given in (("a", pair.given_a), ("b", pair.given_b)):
        frame[f"only_{side}"] = _named(pair.codes, (marks & given)[places])
    for name in ("codes_a", "codes_b", "primary_a", "primary_b"):
        frame[name] = pair.records[name].take(places).to_pylist()
    order = ["differing", "output_id"]
    return frame.sort_values(order, ascending=[False, True], ignore_index=True)


def _named(codes: tuple[str, ...], marks: NDArray[np.bool_]) -> list[list[str]]:
    return [[code for code, yes in zip(codes, row, strict=True) if yes] for row in marks]
