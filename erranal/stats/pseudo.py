"""Regression on codes where people labelled a sample and a judge labelled everything.

Regressing the judge's labels gives coefficients of the judge: its errors differ by modality, and so
become effects of modality. Each unit gets a pseudo-outcome instead, the judge's label corrected
where people looked,

    y = judge + [labelled] (human - judge) / pi,

with pi the probability of being in the sample. Over samples its mean is the human label whatever
the judge does, so that least squares on it estimate what they would on human labels of all units.
The standard errors are clustered (CR1), and t has as many degrees of freedom as there are clusters
with labels, less the coefficients: it is those that the corrections rest on.

References
----------
Egami, Hinck, Stewart and Wei (2023), Using imperfect surrogates for downstream inference, NeurIPS
(design-based supervised learning); Liang and Zeger (1986), Biometrika 73:13 (clusters).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from erranal.stats.interval import require_level
from erranal.stats.weighted import Array

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


@dataclass(frozen=True)
class Coefficients:
    """Coefficients of several codes on the same covariates; the arrays have shape (p, k).

    Parameters
    ----------
    coefficient
        Change of a code's rate with a covariate.
    error
        Standard error, infinite where the outcomes do not vary at all.
    low, high
        Limits.
    p
        Two-sided p values of no change, 1 where the error is infinite.
    level
        Nominal coverage.
    clusters
        Clusters with labels.
    """

    coefficient: Array
    error: Array
    low: Array
    high: Array
    p: Array
    level: float
    clusters: int

    def rows(self, covariates: Sequence[str], codes: Sequence[str]) -> list[dict[str, float | str]]:
        """Return one row a code and covariate, to make a table of."""
        names = ("coefficient", "error", "low", "high", "p")
        columns = (self.coefficient, self.error, self.low, self.high, self.p)
        return [
            {"code": code, "covariate": covariate}
            | {name: float(of[i, j]) for name, of in zip(names, columns, strict=True)}
            for j, code in enumerate(codes)
            for i, covariate in enumerate(covariates)
        ]


def outcomes_pseudo(human: ArrayLike, judge: ArrayLike, probability: ArrayLike) -> Array:
    """Return pseudo-outcomes of all units.

    Parameters
    ----------
    human
        Human labels, NaN where nobody looked, shape (N, k).
    judge
        Labels of the judge, or rates that were predicted from them without these human labels,
        shape (N, k).
    probability
        Of each unit to be in the sample, shape (N,); it matters where units are labelled.

    Raises
    ------
    ValueError
        When a judge label is missing, or a labelled unit has no probability in (0, 1].

    Examples
    --------
    >>> outcomes_pseudo([[1], [0], [np.nan]], [[0], [0], [1]], [0.5, 0.5, 0.5]).ravel().tolist()
    [2.0, 0.0, 1.0]
    """
    people, machine = np.asarray(human, dtype=float), np.asarray(judge, dtype=float)
    pi = np.asarray(probability, dtype=float)
    if people.ndim != 2 or people.shape != machine.shape or pi.shape != people.shape[:1]:
        raise ValueError(
            f"human labels {people.shape}, judge labels {machine.shape} and probabilities "
            f"{pi.shape} have to be (N, k), (N, k) and (N,)"
        )
    if np.isnan(machine).any():
        raise ValueError("every unit needs labels of the judge: leave out those without")
    known = ~np.isnan(people)
    labelled = known.any(axis=1)
    if not ((pi[labelled] > 0) & (pi[labelled] <= 1)).all():
        raise ValueError("a labelled unit was sampled with a probability above 0, and at most 1")
    safe = np.where(labelled, pi, 1.0)[:, None]
    return np.where(known, machine + (np.nan_to_num(people) - machine) / safe, machine)


def regression_pseudo(
    human: ArrayLike,
    judge: ArrayLike,
    probability: ArrayLike,
    covariates: ArrayLike,
    *,
    cluster: ArrayLike | None = None,
    level: float = 0.95,
) -> Coefficients:
    """Regress several codes on covariates by least squares, the judge corrected by people.

    Parameters
    ----------
    human, judge, probability
        As in :func:`outcomes_pseudo`. Units that were sampled have labels for all codes.
    covariates
        One column each, a column of ones among them for an intercept, shape (N, p).
    cluster
        What was sampled together or is alike, such as the item, shape (N,); by default each unit
        is its own.
    level
        Nominal coverage.

    Returns
    -------
    Coefficients
        For each covariate and code. With no more clusters that have labels than covariates, one
        degree of freedom is left.

    Raises
    ------
    ValueError
        When covariates are missing or one is a combination of others, or shapes differ.
    """
    require_level(level)
    y, x = outcomes_pseudo(human, judge, probability), np.asarray(covariates, dtype=float)
    groups = np.arange(len(y)) if cluster is None else np.asarray(cluster)
    if x.shape[:1] != y.shape[:1] or groups.shape != y.shape[:1] or x.ndim != 2:
        raise ValueError(f"{len(y)} units, covariates {x.shape} and clusters {groups.shape} differ")
    if not np.isfinite(x).all() or np.linalg.matrix_rank(x) < x.shape[1]:
        raise ValueError("covariates are missing, or one is a combination of others: leave it out")
    _, index = np.unique(groups, return_inverse=True)
    inverse = np.linalg.inv(x.T @ x)
    coefficient: Array = inverse @ (x.T @ y)
    variance = _variances(x, y - x @ coefficient, inverse, index)
    flat = variance < 1e-24 * (1 + np.abs(coefficient)) ** 2
    error: Array = np.where(flat, np.inf, np.sqrt(np.maximum(variance, 0.0)))
    labelled = ~np.isnan(np.asarray(human, dtype=float)).all(axis=1)
    clusters = len(np.unique(index[labelled]))
    freedom = max(clusters - x.shape[1], 1)
    reach = float(special.stdtrit(freedom, 0.5 + level / 2)) * error
    p: Array = 2 * special.stdtr(freedom, -np.abs(coefficient) / error)
    low, high = coefficient - reach, coefficient + reach
    return Coefficients(coefficient, error, low, high, p, level, clusters)


def _variances(x: Array, residual: Array, inverse: Array, index: Array) -> Array:
    """Return CR1 variances of the coefficients, shape (p, k)."""
    n, groups = len(x), int(index.max(initial=-1)) + 1
    if groups < 2:
        return np.zeros((x.shape[1], residual.shape[1]))
    scores: Array = (x @ inverse)[:, :, None] * residual[:, None, :]
    order = np.argsort(index, kind="stable")
    starts = np.flatnonzero(np.diff(index[order], prepend=-1))
    sums = np.add.reduceat(scores[order], starts, axis=0)
    factor = groups / (groups - 1) * (n - 1) / max(n - x.shape[1], 1)
    variances: Array = factor * (sums**2).sum(axis=0)
    return variances
