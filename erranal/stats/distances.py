"""How far apart two answers are, and how much of an agreement two near ones are.

A distance matrix is what Krippendorff's alpha takes: zero on the diagonal, shape (k, k), in the
order of the k categories or label sets. A weight matrix is what weighted kappas and AC2 take: one
on the diagonal, less the further apart two categories are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

WEIGHTS = ("identity", "linear", "quadratic", "ordinal")

LabelSet = AbstractSet[str]


def distance_nominal(size: int) -> NDArray[np.float64]:
    """Return distances of k categories without order: 0 to itself, 1 to any other."""
    return np.asarray(1 - np.eye(size))


def distance_interval(values: ArrayLike) -> NDArray[np.float64]:
    """Return squared differences of k numbers."""
    numbers = np.asarray(values, dtype=float)
    return np.asarray(np.subtract.outer(numbers, numbers) ** 2)


def distance_ordinal(totals: ArrayLike) -> NDArray[np.float64]:
    """Return Krippendorff's distances of k ordered categories.

    ``(n_c / 2 + n_(c+1) + ... + n_(d-1) + n_d / 2)^2``: the squared number of ratings that lie
    between two categories, which is the squared difference of their mean ranks.

    Parameters
    ----------
    totals
        Ratings in each category in their order, shape (k,).

    References
    ----------
    Krippendorff (2011), Computing Krippendorff's Alpha-Reliability, section F.
    """
    counts = np.asarray(totals, dtype=float)
    return distance_interval(np.cumsum(counts) - counts / 2)


def distance_jaccard(sets: Sequence[LabelSet]) -> NDArray[np.float64]:
    """Return one minus the shared part of the union of two label sets; 0 for two empty sets.

    References
    ----------
    Jaccard (1912), New Phytologist 11:37.
    """
    shared, union, _ = _overlaps(sets)
    return np.asarray(1 - _part(shared, union))


def distance_masi(sets: Sequence[LabelSet]) -> NDArray[np.float64]:
    """Return MASI distances of label sets; 0 for two empty sets.

    ``1 - J M``, with J the Jaccard similarity and M 1 for equal sets, 2/3 where one holds the
    other, 1/3 where they overlap otherwise, and 0 where they share nothing.

    References
    ----------
    Passonneau (2006), Measuring Agreement on Set-valued Items (MASI), LREC.

    Examples
    --------
    >>> distance_masi([{"a", "b"}, {"b", "c"}]).round(3).tolist()
    [[0.0, 0.889], [0.889, 0.0]]
    """
    shared, union, smaller = _overlaps(sets)
    kinds = [shared == union, shared == smaller, shared > 0]
    near = np.select(kinds, [1.0, 2 / 3, 1 / 3], 0.0)
    return np.asarray(1 - _part(shared, union) * near)


def distance_hierarchical(sets: Sequence[LabelSet]) -> NDArray[np.float64]:
    """Return Jaccard distances of label sets in which a code also stands for all above it.

    Two codes of one family are nearer to each other than two of different ones.

    Examples
    --------
    >>> distance_hierarchical([{"reading.layout"}, {"reading.unseen"}]).round(3).tolist()
    [[0.0, 0.667], [0.667, 0.0]]
    """
    return distance_jaccard([expanded(labels) for labels in sets])


def expanded(labels: Iterable[str]) -> frozenset[str]:
    """Return codes with all that stand above them.

    Examples
    --------
    >>> sorted(expanded({"reading.value_misread"}))
    ['reading', 'reading.value_misread']
    """
    paths = [label.split(".") for label in labels]
    return frozenset(".".join(path[:end]) for path in paths for end in range(1, len(path) + 1))


def _overlaps(sets: Sequence[LabelSet]) -> tuple[NDArray[np.float64], ...]:
    """Return sizes of intersections, of unions, and of the smaller set of each two, (k, k)."""
    place = {
        label: i for i, label in enumerate(dict.fromkeys(x for labels in sets for x in labels))
    }
    member = np.zeros((len(sets), len(place)))
    for row, labels in zip(member, sets, strict=True):
        row[[place[label] for label in labels]] = 1
    shared, size = member @ member.T, member.sum(axis=1)
    return shared, np.add.outer(size, size) - shared, np.minimum.outer(size, size)


def _part(shared: NDArray[np.float64], union: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.divide(shared, union, out=np.ones_like(shared), where=union > 0))


def agreement_weights(weights: str | ArrayLike, size: int) -> NDArray[np.float64]:
    """Return how much of an agreement two ratings are, by the distance of their places.

    Parameters
    ----------
    weights
        ``identity`` (no part agreement), ``linear`` (``1 - |i - j| / (k - 1)``), ``quadratic``
        (``1 - (i - j)^2 / (k - 1)^2``), ``ordinal`` (``1 - m (m - 1) / (k (k - 1))`` with
        ``m = |i - j| + 1``, off the diagonal), or a symmetric matrix with ones on the diagonal.
    size
        Number of categories k.

    Returns
    -------
    ndarray
        Shape (k, k).

    Raises
    ------
    ValueError
        For a name or a matrix that is none of these.

    References
    ----------
    Gwet (2014), Handbook of Inter-Rater Reliability, 4th ed., chapter 3.
    """
    if not isinstance(weights, str):
        return _own_weights(weights, size)
    apart = np.abs(np.subtract.outer(np.arange(size), np.arange(size)))
    widest = max(size - 1, 1)
    match weights:
        case "identity":
            return np.eye(size)
        case "linear":
            return np.asarray(1 - apart / widest)
        case "quadratic":
            return np.asarray(1 - (apart / widest) ** 2)
        case "ordinal":
            steps = apart * (apart + 1)
            return np.asarray(1 - steps / max(size * (size - 1), 1))
    raise ValueError(f"no weights called {weights!r}: use one of {', '.join(WEIGHTS)}")


def _own_weights(weights: ArrayLike, size: int) -> NDArray[np.float64]:
    matrix = np.asarray(weights, dtype=float)
    if matrix.shape != (size, size) or (matrix != matrix.T).any() or (np.diag(matrix) != 1).any():
        raise ValueError(
            f"weights of {size} categories are a symmetric matrix of shape ({size}, {size}) "
            f"with ones on the diagonal; got shape {matrix.shape}"
        )
    return matrix
