"""Association of two nominal variables, and likeness of two ways to group the same things.

Normalised mutual information is left out on purpose: it grows with the number of groups, also of
random ones.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from math import nan
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def cramer_v_bergsma(table: ArrayLike) -> float:
    """Return Cramer's V corrected for its bias, which is large in sparse tables.

    ``sqrt(phi2 / min(r' - 1, c' - 1))`` with ``phi2 = max(0, chi2/n - (r-1)(c-1)/(n-1))`` and
    ``r' = r - (r-1)^2/(n-1)``, likewise c'. Independent variables give values near 0, whatever
    the number of categories.

    Parameters
    ----------
    table
        Counts, shape (r, c). Empty rows and columns are left out.

    Returns
    -------
    float
        Between 0 and 1; 0 for a table with a single row, column or observation.

    References
    ----------
    Bergsma (2013), Journal of the Korean Statistical Society 42:323.
    """
    counts, phi2 = _mean_square_contingency(table)
    n = counts.sum()
    rows, columns = counts.shape
    if n < 2 or min(rows, columns) < 2:
        return 0.0
    corrected = max(0.0, phi2 - (rows - 1) * (columns - 1) / (n - 1))
    shrunk = min(size - (size - 1) ** 2 / (n - 1) for size in (rows, columns)) - 1
    return float(min(1.0, np.sqrt(corrected / shrunk))) if shrunk > 0 else 0.0


def cramer_v_pearson(table: ArrayLike) -> float:
    """Return Cramer's V without correction: ``sqrt(chi2 / (n min(r - 1, c - 1)))``.

    Parameters
    ----------
    table
        Counts, shape (r, c). Empty rows and columns are left out.

    Returns
    -------
    float
        Between 0 and 1; 0 for a table with a single row or column.

    References
    ----------
    Cramer (1946), Mathematical Methods of Statistics.
    """
    counts, phi2 = _mean_square_contingency(table)
    smaller = min(counts.shape) - 1
    return float(np.sqrt(phi2 / smaller)) if smaller > 0 else 0.0


def rand_adjusted(first: Iterable[Hashable], second: Iterable[Hashable]) -> float:
    """Return the adjusted Rand index of two groupings.

    The share of pairs that are together in both or apart in both, corrected so that random
    groupings have 0 on average.

    Parameters
    ----------
    first, second
        Group of each thing, shape (n,), any hashable labels.

    Returns
    -------
    float
        1 for the same grouping, whatever the labels; NaN for fewer than two things.

    Raises
    ------
    ValueError
        When the two are not equally long.

    References
    ----------
    Hubert and Arabie (1985), J. Classif. 2:193.

    Examples
    --------
    >>> round(rand_adjusted("aabc", "xxyy"), 3)
    0.571
    """
    from sklearn.metrics import adjusted_rand_score

    a, b = _groups(first), _groups(second)
    return float(adjusted_rand_score(a, b)) if len(a) > 1 else nan


def information_adjusted(first: Iterable[Hashable], second: Iterable[Hashable]) -> float:
    """Return the adjusted mutual information of two groupings.

    Mutual information over the mean of both entropies, corrected so that random groupings have 0 on
    average. Arguments, result and errors as for :func:`rand_adjusted`. It tells more than the Rand
    index where groups are small and uneven.

    References
    ----------
    Vinh, Epps and Bailey (2010), JMLR 11:2837.
    """
    from sklearn.metrics import adjusted_mutual_info_score

    a, b = _groups(first), _groups(second)
    return float(adjusted_mutual_info_score(a, b)) if len(a) > 1 else nan


def _groups(labels: Iterable[Hashable]) -> list[int]:
    number: dict[Hashable, int] = {}
    return [number.setdefault(label, len(number)) for label in labels]


def _mean_square_contingency(table: ArrayLike) -> tuple[NDArray[np.float64], float]:
    counts = np.asarray(table, dtype=float)
    counts = counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0]
    n = counts.sum()
    if n == 0:
        return counts, 0.0
    expected = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / n
    return counts, float(((counts - expected) ** 2 / expected).sum() / n)
