"""Whether coders who see the judge's labels code otherwise than those who do not.

Who sees them was drawn by hash, so the two groups of units differ by chance alone, and what else
differs between their labels is what being shown a suggestion does.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from erranal.labelled import Basis, Sample

ANY = "(any)"
SUGGESTED, BLIND = "suggested", "blind"


def anchoring(basis: Basis, sample: Sample, *, level: float) -> Iterator[dict[str, Any]]:
    """Yield the rows of table ``estimates`` on anchoring: agreement with the judge, shown or not.

    The row ``(any)`` is about giving exactly the codes that the judge gives.

    Parameters
    ----------
    basis
        Whose judge it is.
    sample
        The units.
    level
        Nominal coverage.
    """
    settled = sample.settled
    read = settled.where(settled.judged)
    shown = (read.units["shown"] == SUGGESTED).to_numpy()
    if shown.all() or not shown.any():
        return
    codes = [read.names.index(code) for code in basis.codes]
    alike = (read.human[:, codes] == read.judge[:, codes]).all(axis=1)
    yield _row(ANY, alike, shown, level=level)
    for name in basis.names:
        if basis.can_give(name):
            human, judge = read.of(name)
            if human.any() or judge.any():
                yield _row(name, human == judge, shown, level=level)


def _row(
    name: str, alike: NDArray[np.bool_], shown: NDArray[np.bool_], *, level: float
) -> dict[str, Any]:
    from erranal.stats import proportion

    with_, n_with = int(alike[shown].sum()), int(shown.sum())
    without, n_without = int(alike[~shown].sum()), int((~shown).sum())
    found = proportion.difference_independent(with_, n_with, without, n_without, level=level)
    return {
        "analysis": "anchoring",
        "estimand": "agreement with the judge, shown minus blind",
        "source": "humans",
        "code": name,
        "estimate": found.estimate,
        "low": found.low,
        "high": found.high,
        "level": found.level,
        "method": found.method,
        "n": found.n,
        "excluded": 0,
        "counts": {
            SUGGESTED: n_with,
            f"{SUGGESTED}, as the judge": with_,
            BLIND: n_without,
            f"{BLIND}, as the judge": without,
        },
        "note": _said(found.low, found.high),
    }


def _said(low: float, high: float) -> str:
    if low > 0:
        return "anchored: coders follow what they are shown"
    if high < 0:
        return "coders go against what they are shown"
    return (
        f"no anchoring seen; an effect between {100 * low:+.0f} and {100 * high:+.0f} points fits"
    )
