"""Adjusting p values for many comparisons."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def p_holm(p: ArrayLike) -> NDArray[np.float64]:
    """Return p values adjusted by Holm's step-down method (family-wise error rate).

    With p sorted upwards, the adjusted value of rank i of m is the running maximum of
    ``(m - i + 1) p``, cut at 1. Valid under any dependence. NaN stays NaN and is not counted.

    Parameters
    ----------
    p
        p values, shape (m,).

    References
    ----------
    Holm (1979), Scandinavian Journal of Statistics 6:65.

    Examples
    --------
    >>> [round(float(p), 3) for p in p_holm([0.01, 0.04, 0.03])]
    [0.03, 0.06, 0.06]
    """
    values = np.asarray(p, dtype=float)
    adjusted = np.full(values.shape, np.nan)
    known = np.flatnonzero(~np.isnan(values))
    order = known[np.argsort(values[known], kind="stable")]
    scaled = values[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(scaled), 1.0)
    return adjusted


def p_benjamini_hochberg(p: ArrayLike) -> NDArray[np.float64]:
    """Return p values adjusted by Benjamini and Hochberg's method (false discovery rate).

    For exploratory families. NaN stays NaN and is not counted.

    Parameters
    ----------
    p
        p values, shape (m,).

    References
    ----------
    Benjamini and Hochberg (1995), Journal of the Royal Statistical Society B 57:289.
    """
    from scipy import stats

    values = np.asarray(p, dtype=float)
    adjusted = np.full(values.shape, np.nan)
    known = ~np.isnan(values)
    if known.any():
        adjusted[known] = stats.false_discovery_control(values[known], method="bh")
    return adjusted
