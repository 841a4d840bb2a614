"""How far coders agree, code by code, on the units that two of them have both coded."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from erranal.rounds.cases import drawn
from erranal.rounds.form import GAP, NONE

if TYPE_CHECKING:
    import pandas as pd

ALL_ARMS = "all"


class Twice(NamedTuple):
    """A unit that two coders have coded, with the codes of each; ``none`` is an answer too."""

    unit_id: str
    arm: str
    a: frozenset[str]
    b: frozenset[str]
    same_primary: bool


def twice(rows: Iterable[Mapping[str, Any]]) -> list[Twice]:
    """Return the units that two coders or more have coded.

    Parameters
    ----------
    rows
        One row a unit and coder: unit_id, arm, coder_id, primary_code, codes, codebook_gap.

    Returns
    -------
    list of Twice
        Ordered by unit. The first coder is the one whose alias comes first, so that it is the same
        one throughout where there are two; of more than two, a hash of the unit draws two.
    """
    by_unit: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        by_unit[row["unit_id"]].append(row)
    return [_twice(unit_id, coded) for unit_id, coded in sorted(by_unit.items()) if len(coded) > 1]


def _twice(unit_id: str, coded: Sequence[Mapping[str, Any]]) -> Twice:
    two = sorted(coded, key=lambda row: drawn(0, unit_id, row["coder_id"]))[:2]
    a, b = sorted(two, key=lambda row: str(row["coder_id"]))
    return Twice(unit_id, a["arm"], _said(a), _said(b), _primary(a) == _primary(b))


def _said(row: Mapping[str, Any]) -> frozenset[str]:
    special = {GAP} if row["codebook_gap"] else set()
    return frozenset({*row["codes"], *special} or {NONE})


def _primary(row: Mapping[str, Any]) -> str:
    return row["primary_code"] or (GAP if row["codebook_gap"] else NONE)


def by_code(units: Sequence[Twice], codes: Sequence[str], *, level: float = 0.95) -> pd.DataFrame:
    """Return the agreement on each code, on ``none`` and on ``codebook gap``.

    Parameters
    ----------
    units
        As :func:`twice` returns them.
    codes
        The codes of the book in its order.
    level
        Nominal coverage of the intervals.

    Returns
    -------
    DataFrame
        One row a code and arm (``all``, then each arm where there are several), as
        :func:`erranal.stats.agreement.agreement_table` gives it; ``n`` counts units.
    """
    import pandas as pd

    from erranal.stats import agreement

    arms = sorted({unit.arm for unit in units})
    rows = [
        {
            "code": code,
            "arm": arm,
            **agreement.agreement_table(*_cells(units, code, arm), level=level),
        }
        for arm in [ALL_ARMS, *(arms if len(arms) > 1 else [])]
        for code in (*codes, NONE, GAP)
    ]
    return pd.DataFrame(rows)


Cells = tuple[int, int, int, int]


def _cells(units: Iterable[Twice], code: str, arm: str) -> Cells:
    counts = dict.fromkeys([(True, True), (True, False), (False, True), (False, False)], 0)
    for unit in units:
        if arm in (ALL_ARMS, unit.arm):
            counts[code in unit.a, code in unit.b] += 1
    both, only_a, only_b, neither = counts.values()
    return both, only_a, only_b, neither
