"""Image minus text: the difference of a code's rates over pairs, the judge corrected by people.

Each pair of responses to one item has the human labels of both, and the difference D between them
is -1, 0 or 1. People label a sample of the pairs, the judge labels all N of a pool, and D is
estimated by regression on both labels of the judge (:mod:`erranal.stats.greg`). A judge that errs
more on one side than on the other makes a difference of its own labels, and none of these.

In every function labels have the reference (text) in column 0 and what is compared with it (image)
in column 1, so that a difference is positive where the code is more frequent on images.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf, isnan
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

from erranal.stats.clustered import difference_clustered
from erranal.stats.equivalence import Equivalence, is_inside
from erranal.stats.greg import Difference, mean_greg
from erranal.stats.interval import Interval
from erranal.stats.paired import difference_tango
from erranal.stats.weighted import labels_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

Labels = np.ndarray[Any, np.dtype[np.bool_]]


def difference_greg(
    human: ArrayLike,
    judge: ArrayLike,
    pool: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    pool_cluster: ArrayLike | None = None,
    certain: int = 0,
    level: float = 0.95,
) -> Difference:
    """Return the difference of a code's rates, the judge corrected by people.

    Parameters
    ----------
    human
        Whether people gave the code to either side of the labelled pairs, shape (n, 2).
    judge
        Whether the judge did, shape (n, 2).
    pool
        Whether the judge did in all pairs of the pool, labelled ones included, shape (N, 2).
    weight
        1 / probability of being in the sample, shape (n,); equal by default.
    cluster, pool_cluster
        What pairs have in common, such as the item of several samples, shapes (n,) and (N,).
    certain
        How many more pairs there are that cannot have the code on either side, such as those that
        are right on both.
    level
        Nominal coverage.

    Returns
    -------
    Difference
        Within -1 and 1; ``n`` counts labelled pairs, or their clusters.

    Raises
    ------
    ValueError
        When shapes do not go together, or labels are missing.

    Examples
    --------
    >>> human = [[0, 1]] * 12 + [[1, 1]] * 6 + [[0, 0]] * 32
    >>> judge = [[0, 1]] * 10 + [[1, 1]] * 8 + [[0, 0]] * 32
    >>> print(difference_greg(human, judge, judge * 20))
    0.240 [0.163, 0.317] (95 % GREG add-2, n = 50)
    """
    people, machine, all_ = (_sides(labels, 1)[:, 0] for labels in (human, judge, pool))
    return mean_greg(
        _rise(people)[:, None],
        machine,
        all_,
        weight=weight,
        cluster=cluster,
        pool_cluster=pool_cluster,
        certain=certain,
        level=level,
    )


def contrast_greg(
    human: ArrayLike,
    judge: ArrayLike,
    pool: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    pool_cluster: ArrayLike | None = None,
    certain: int = 0,
    level: float = 0.95,
) -> Difference:
    """Return how much more one code rises from text to image than another does, on the same pairs.

    The difference of the first code minus that of the second, estimated as one outcome, so that
    what they share in a pair cancels.

    Parameters
    ----------
    human, judge, pool
        As in :func:`difference_greg`, of the first and the second code: shapes (n, 2, 2),
        (n, 2, 2) and (N, 2, 2), codes along axis 1 and sides along axis 2.
    weight, cluster, pool_cluster, certain, level
        As in :func:`difference_greg`.

    Returns
    -------
    Difference
        Within -2 and 2.
    """
    people, machine, all_ = (_sides(labels, 2) for labels in (human, judge, pool))
    rises = _rise(people)
    return mean_greg(
        np.stack([rises[:, 0], -rises[:, 1]], axis=1),
        machine.reshape(-1, 4),
        all_.reshape(-1, 4),
        weight=weight,
        cluster=cluster,
        pool_cluster=pool_cluster,
        certain=certain,
        level=level,
    )


def difference_human(
    human: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    pool: int = 0,
    certain: int = 0,
    level: float = 0.95,
) -> Difference:
    """Return the difference of a code's rates from human labels alone: GREG without predictors.

    Parameters
    ----------
    human, weight, cluster, level
        As in :func:`difference_greg`.
    pool, certain
        How many pairs the sample was drawn from, and how many more cannot have the code; the
        former does not matter without the latter.
    """
    people = _sides(human, 1)[:, 0]
    if certain and not pool:
        raise ValueError("to count pairs that are certain, say how many the others are")
    result = mean_greg(
        _rise(people)[:, None],
        np.empty((len(people), 0)),
        np.empty((max(pool, len(people)), 0)),
        weight=weight,
        cluster=cluster,
        certain=certain,
        level=level,
    )
    return replace(result, method="humans add-2")


def difference_judge(
    pool: ArrayLike,
    *,
    cluster: ArrayLike | None = None,
    certain: int = 0,
    level: float = 0.95,
) -> Interval:
    """Return the difference of the rates at which the judge gives a code: no estimate of D.

    A judge that is merely worse on images makes such a difference without any; it is there to be
    compared with the corrected one.

    Parameters
    ----------
    pool
        The judge's labels of all pairs, shape (N, 2).
    cluster
        What pairs have in common, shape (N,).
    certain
        How many more pairs there are that cannot have the code on either side.
    level
        Nominal coverage.
    """
    labels = _sides(pool, 1)[:, 0]
    rises = _rise(labels)
    if cluster is None or len(rises) == 0:
        lost, won = int((rises < 0).sum()), int((rises > 0).sum())
        both = int(labels.all(axis=1).sum())
        neither = len(rises) - both - lost - won + certain
        found = difference_tango(both, lost, won, neither, level=level)
    else:
        _, index = np.unique(np.asarray(cluster), return_inverse=True)
        alone = np.arange(certain) + index.max() + 1
        found = difference_clustered(
            np.concatenate([rises, np.zeros(certain)]), np.concatenate([index, alone]), level=level
        )
    return replace(found, method=f"{found.method}, judge uncorrected")


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoOneSidedTests(Equivalence):
    """An equivalence test with both its halves.

    Parameters
    ----------
    p_below, p_above
        p values of a difference of -margin or less, and of margin or more.
    """

    p_below: float
    p_above: float

    @property
    def verdict(self) -> str:
        """``equivalent``, or ``not shown``: which is not that there is a difference."""
        return "equivalent" if self.shown else "not shown"


def difference_equivalence(
    found: Difference | tuple[float, float], margin: float, *, alpha: float = 0.05
) -> TwoOneSidedTests:
    """Test that a difference is smaller than a margin that was fixed beforehand.

    Parameters
    ----------
    found
        A difference, or any estimate with its standard error, taken as normal.
    margin
        Largest difference that is as good as none, between 0 and 1.
    alpha
        Chance to call a difference of the margin none, below 1/2.

    Returns
    -------
    TwoOneSidedTests
        With the interval at level ``1 - 2 alpha``. It lies inside the margin exactly where both p
        values are below alpha. Without an estimate both are 1, and nothing is shown.

    Raises
    ------
    ValueError
        When the margin, alpha or the standard error is out of range.

    References
    ----------
    Schuirmann (1987), J. Pharmacokinet. Biopharm. 15:657.

    Examples
    --------
    >>> tests = difference_equivalence((0.01, 0.02), 0.05)
    >>> print(tests.verdict, tests.interval)
    equivalent 0.010 [-0.023, 0.043] (90 % normal, n = 0)
    """
    if not 0 < alpha < 0.5:
        raise ValueError(f"alpha must lie between 0 and 0.5, e.g. 0.05; got {alpha}")
    if not isinstance(found, Difference):
        estimate, error = found
        if not error > 0:
            raise ValueError(f"a standard error is a positive number, not {error}")
        found = Difference(estimate, -1, 1, 0.95, "normal", 0, error=error, freedom=inf)
    interval = found.at(1 - 2 * alpha)
    shown = is_inside(interval, margin)
    below, above = 1.0, 1.0
    if not isnan(found.estimate):
        below, above = (
            float(special.stdtr(found.freedom, (side * found.estimate - margin) / found.error))
            for side in (-1, 1)
        )
    return TwoOneSidedTests(
        interval, margin, max(below, above), shown, p_below=below, p_above=above
    )


def _sides(labels: ArrayLike, codes: int) -> Labels:
    """Return labels as shape (n, codes, 2)."""
    values = np.asarray(labels)
    shape = (2,) if codes == 1 else (codes, 2)
    if len(values) and values.shape[1:] != shape:
        raise ValueError(f"labels of pairs have shape (n, {shape}), not {values.shape}")
    return labels_of(values).reshape(-1, codes, 2)


def _rise(labels: Labels) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the second side minus the first."""
    return labels[..., 1].astype(float) - labels[..., 0]
