"""One answer from those of several coders.

Adjudicate disagreements where it can be done; the majority is the rule otherwise. The model of
Dawid and Skene is a diagnostic: it shows which coder takes which class for which.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

Array = np.ndarray[Any, np.dtype[np.float64]]

# Logarithm of a chance that was estimated as 0: finite, so that no count times it is undefined.
_NEVER = -700.0


def class_majority(counts: ArrayLike) -> NDArray[np.int64]:
    """Return the class that more coders gave than any other.

    Parameters
    ----------
    counts
        How many coders gave each item each class, shape (n, k).

    Returns
    -------
    ndarray
        Place of the class, shape (n,); -1 where two classes tie or nobody said anything.
    """
    votes = np.asarray(counts, dtype=float)
    if votes.size == 0:
        return np.full(len(votes), -1)
    most = votes.max(axis=1)
    alone = ((votes == most[:, None]).sum(axis=1) == 1) & (most > 0)
    return np.where(alone, votes.argmax(axis=1), -1)


@dataclass(frozen=True)
class DawidSkene:
    """Latent classes of items and errors of coders.

    Parameters
    ----------
    posterior
        Probability of each class for each item, shape (n, k).
    prevalence
        Of the classes, shape (k,).
    confusion
        Chance that a coder gives a class (last axis) to an item of a class (middle axis), shape
        (coders, k, k); equal chances for a class of which a coder saw nothing.
    log_likelihood
        Of the ratings, without the multinomial constant.
    iterations
        Steps that were taken.
    converged
        Whether the last step gained less than the tolerance.
    """

    posterior: Array
    prevalence: Array
    confusion: Array
    log_likelihood: float
    iterations: int
    converged: bool

    @property
    def classes(self) -> NDArray[np.int64]:
        """Most probable class of each item, shape (n,)."""
        return np.asarray(self.posterior.argmax(axis=1))


def classes_dawid_skene(
    counts: ArrayLike, *, iterations: int = 1_000, tolerance: float = 1e-8
) -> DawidSkene:
    """Estimate true classes and the errors of each coder by maximum likelihood.

    Ratings of an item are taken as independent of each other given its class, which coders who
    share a blind spot violate. EM from the shares of votes; all products are sums of logarithms.

    Parameters
    ----------
    counts
        How often each coder gave each item each class, shape (n, coders, k): zeros where a coder
        said nothing, more than one where a coder was asked again.
    iterations
        Most steps to take.
    tolerance
        Gain in log-likelihood at which to stop.

    Returns
    -------
    DawidSkene
        Items without ratings have the prevalence as posterior. Without any rating all classes are
        as likely and the log-likelihood is 0.

    References
    ----------
    Dawid and Skene (1979), Appl. Stat. 28:20.
    """
    votes = np.asarray(counts, dtype=float)
    rated = votes.sum(axis=(1, 2)) > 0
    ratings = votes[rated]
    posterior = _shares(ratings.sum(axis=1))
    likelihood, step, gained = -np.inf, 0, np.inf
    prevalence, confusion = _maximise(ratings, posterior)
    while step < iterations and gained > tolerance:
        step += 1
        posterior, now = _expect(ratings, prevalence, confusion)
        prevalence, confusion = _maximise(ratings, posterior)
        gained, likelihood = now - likelihood, now
    whole = np.tile(prevalence, (len(votes), 1))
    whole[rated] = posterior
    return DawidSkene(whole, prevalence, confusion, likelihood, step, gained <= tolerance)


def _expect(ratings: Array, prevalence: Array, confusion: Array) -> tuple[Array, float]:
    joint = _log(prevalence) + np.einsum("icl,cjl->ij", ratings, _log(confusion))
    evidence = special.logsumexp(joint, axis=1) if joint.size else np.zeros(len(joint))
    return np.exp(joint - evidence[:, None]), float(evidence.sum())


def _maximise(ratings: Array, posterior: Array) -> tuple[Array, Array]:
    confusion = np.einsum("ij,icl->cjl", posterior, ratings)
    return _shares(posterior.sum(axis=0)), _shares(confusion)


def _log(chances: Array) -> Array:
    return np.log(chances, out=np.full_like(chances, _NEVER), where=chances > 0)


def _shares(counts: Array) -> Array:
    """Return counts over their sum along the last axis; equal shares where there is nothing."""
    total, size = counts.sum(axis=-1, keepdims=True), counts.shape[-1]
    equal = np.full_like(counts, 1 / max(size, 1))
    return np.asarray(np.divide(counts, total, out=equal, where=total > 0))
