"""The generalised regression estimator: a mean over a pool from a sample, with predictors of all.

Of the N units of a pool n are labelled, each standing for ``w = 1 / pi`` of them. The outcome y is
predicted from what is known of all (the labels of a judge) by weighted least squares over the
sample, and the predictions are averaged over the pool:

    estimate = mean over the pool of x'b,  b = (sum w x x')^-1 sum w x y,  x = (1, predictors).

It is right on average however bad the predictors are. Its interval is
``estimate +- t sqrt(V + S^2 / N)``, with S^2 the variance of the predictions over the pool and V
that of the residuals e of the labelled units, among which two pseudo-residuals, +1 and -1, are
counted ("add-2"), so that a sample in which the rare thing did not happen is no proof that it
cannot:

    V = (n^2 sum g^2 e^2 + 2 c) / (n + 2)^2,   g = w x' (sum w x x')^-1 mean of x over the pool,

with c the mean of w^2 over the squared mean of w. With equal weights and no predictors, V is
``(sum e^2 + 2) / (n + 2)^2``. For a contrast of two differences it is two for each of them, and 4
in place of 2. The reference is t with n less the coefficients. Where units come in clusters, the
sum is multiplied, and n divided, by the ratio of the CR1 variance to the one of independent units,
and t counts clusters. The pool is taken as a sample of the units that might have been, so that
there is no finite population correction.

References
----------
Cassel, Sarndal and Wretman (1976), Biometrika 63:615 (the estimator); Sarndal, Swensson and
Wretman (1989), Biometrika 76:527 (g weights in the variance); Bonett and Price (2012), Journal of
Educational and Behavioral Statistics 37:479 (adding one pair of each discordant kind).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from math import inf, isnan, nan
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from erranal.stats.interval import Interval, require_level
from erranal.stats.weighted import Array, cluster_count, design_effect, weights_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


METHOD = "GREG add-2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference(Interval):
    """A difference with its interval and what a test of it takes.

    Parameters
    ----------
    error
        Standard error, infinite where nothing is known.
    freedom
        Degrees of freedom of the t distribution, infinite for the normal one.
    bound
        Largest difference that there can be.
    """

    error: float
    freedom: float
    bound: float = 1.0

    @property
    def p(self) -> float:
        """Two-sided p value of no difference; NaN without an estimate."""
        return 2 * float(special.stdtr(self.freedom, -abs(self.estimate) / self.error))

    def at(self, level: float) -> Difference:
        """Return the same difference with its interval at another level."""
        require_level(level)
        low, high = -self.bound, self.bound
        if not isnan(self.estimate):
            half = self.error * float(special.stdtrit(self.freedom, 0.5 + level / 2))
            low, high = max(self.estimate - half, low), min(self.estimate + half, high)
        return replace(self, low=low, high=high, level=level)


@dataclass(frozen=True)
class Regressions:
    """GREG estimates of many samples at once.

    Parameters
    ----------
    estimate
        Shape (...).
    scores
        ``g e`` of the labelled units, shape (..., n): their sum has the estimate's error.
    predicted
        x'b of the pool's kinds of units, shape (..., k).
    pool_variance
        S^2 / N, shape (...).
    share
        Of the pool among all units, certain ones included, shape (...).
    """

    estimate: Array
    scores: Array
    predicted: Array
    pool_variance: Array
    share: Array


def regressions_greg(
    outcome: Array, judge: Array, weight: Array, pool: Array, times: Array, certain: float = 0.0
) -> Regressions:
    """Return GREG estimates of the mean of an outcome.

    Parameters
    ----------
    outcome
        Of the labelled units, shape (..., n).
    judge
        Their judge labels, shape (..., n, q).
    weight
        1 / probability of being in the sample, shape (..., n).
    pool
        Judge labels of each kind of unit in the pool, shape (k, q).
    times
        How many units of the pool are of that kind, shape (..., k).
    certain
        How many more units there are whose outcome is 0 for certain.
    """
    x = np.concatenate([np.ones((*judge.shape[:-1], 1)), judge], axis=-1)
    z = np.concatenate([np.ones((len(pool), 1)), pool], axis=-1)
    w = weight / weight.mean(axis=-1, keepdims=True)
    weighted = x * w[..., None]
    # A label that the sample has only once in a kind leaves no unique solution: the shortest one.
    inverse = np.linalg.pinv(np.swapaxes(weighted, -1, -2) @ x, hermitian=True)
    slopes = inverse @ (np.swapaxes(weighted, -1, -2) @ outcome[..., None])
    residual = outcome - (x @ slopes)[..., 0]
    predicted = (z @ slopes)[..., 0]
    size = times.sum(axis=-1)
    total = size + certain
    gain = (weighted @ inverse @ (times @ z / total[..., None])[..., None])[..., 0]
    estimate = (times * predicted).sum(axis=-1) / total
    variance = (times * predicted**2).sum(axis=-1) / total - estimate**2
    spread = np.maximum(variance, 0.0) / total
    return Regressions(estimate, gain * residual, predicted, spread, size / total)


def error_add_two(
    scores: Array, weight: Array, share: Array, *, effect: float = 1.0, differences: int = 1
) -> Array:
    """Return ``sqrt(V)``: the error of the sum of scores with pseudo-residuals added.

    Parameters
    ----------
    scores, weight
        Of the labelled units, shape (..., n).
    share
        Of the pool among all units, shape (...).
    effect
        How many times larger the variance of the sum is because units come in clusters.
    differences
        How many differences are added up in the outcome.
    """
    n, more = weight.shape[-1] / max(effect, 1.0), 2 * differences
    uneven = (weight**2).mean(axis=-1) / weight.mean(axis=-1) ** 2
    total = effect * n**2 * (scores**2).sum(axis=-1) + more * share**2 * uneven
    error: Array = np.sqrt(total) / (n + more)
    return error


def mean_greg(
    outcome: ArrayLike,
    judge: ArrayLike,
    pool: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    pool_cluster: ArrayLike | None = None,
    certain: int = 0,
    level: float = 0.95,
) -> Difference:
    """Return the mean over a pool of a difference, or of a sum of several.

    Parameters
    ----------
    outcome
        Of the labelled units, the differences that are added up, each from -1 to 1, shape (n, d).
    judge, pool
        Predictors of the labelled units, shape (n, q), and of the whole pool, shape (N, q).
    weight, cluster, pool_cluster, certain, level
        As in :func:`erranal.stats.effects.difference_greg`.

    Returns
    -------
    Difference
        Within -d and d, which are the limits without labelled units; the estimate is NaN then.

    Raises
    ------
    ValueError
        When shapes do not go together, or the pool is smaller than the sample.
    """
    require_level(level)
    parts, x, z = (np.asarray(a, dtype=float) for a in (outcome, judge, pool))
    n, bound = parts.shape
    if x.shape[0] != n or x.shape[1:] != z.shape[1:] or len(z) < n or certain < 0:
        raise ValueError(
            f"{n} labelled pairs, judge labels of shape {x.shape} for them and {z.shape} for the "
            f"pool, which includes them, and {certain} certain ones do not go together"
        )
    w, groups = weights_of(weight, n), cluster_count(cluster, n)
    estimate, error, freedom = nan, inf, max(groups - 1 - x.shape[1], 1)
    if n:
        fit = regressions_greg(parts.sum(axis=1), x, w, z, np.ones(len(z)), certain)
        effect = design_effect(fit.scores, w / w.sum(), cluster)
        sampled = error_add_two(fit.scores, w, fit.share, effect=effect, differences=bound)
        around = fit.predicted - fit.estimate
        pooled = fit.pool_variance * design_effect(around, np.ones(len(z)), pool_cluster)
        error = float(np.sqrt(sampled**2 + pooled))
        estimate = min(max(float(fit.estimate), -bound), bound)
    whole = Interval(estimate, -bound, bound, level, METHOD, groups)
    return Difference(**asdict(whole), error=error, freedom=freedom, bound=bound).at(level)
