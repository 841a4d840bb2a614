"""Drawing pairs for human coding, with an inclusion probability that is known exactly.

The design. N pairs lie in strata of N_h; n of them are drawn. A share u of the sample is allotted
to the strata by their size, the rest by a power of it:

    x_h = u n N_h / N + (1 - u) n N_h^(1 - e) / sum_g N_g^(1 - e),

where e = 0 is proportional and e = 1 equal allocation; no stratum gets more than it has, and what
it cannot take goes to the others. The x_h are fractions: they are rounded up or down at random so
that they are right on average and their sum is n whatever happens. In each stratum a simple random
sample is drawn. Every pair of stratum h is then in the sample with probability exactly

    pi = x_h / N_h  >=  u n / N,

however small its stratum, so that a weight 1 / pi is at most 1 / u times that of a uniform sample.

Chance comes from a keyed hash of names, not from a generator: the same names and the same key give
the same sample with any version of any library and in any order of the rows, and nobody can choose
what is drawn but by choosing the key.

References
----------
Horvitz and Thompson (1952), J. Am. Stat. Assoc. 47:663 (weights); Bankier (1988), The American
Statistician 42:174 (allocation by a power of the size); Cox (1987), J. Am. Stat. Assoc. 82:520
(rounding at random with a fixed sum); Ohlsson (1995), in Business Survey Methods, ch. 9 (samples
from random numbers that belong to the units).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

Array = np.ndarray[Any, np.dtype[np.float64]]

LEAST_UNIFORM = 0.3
# Below this a fraction is the trace of rounding in the allocation, and not a chance of one more.
_TRACE = 1e-9


@dataclass(frozen=True)
class Sample:
    """A sample without replacement and what it was drawn from.

    Attributes
    ----------
    chosen
        Whether each of the N is in the sample, shape (N,).
    probability
        Probability of each to be in a sample of this design, shape (N,).
    strata
        Names of the strata, sorted, shape (k,).
    sizes
        How many each stratum has, shape (k,).
    expected
        How many of each are drawn on average, shape (k,).
    drawn
        How many were drawn, shape (k,): ``expected`` rounded down or up.
    """

    chosen: NDArray[np.bool_]
    probability: Array
    strata: NDArray[np.str_]
    sizes: NDArray[np.int64]
    expected: Array
    drawn: NDArray[np.int64]


def hashed(names: Iterable[str], key: str) -> NDArray[np.uint64]:
    """Return a number for each name that looks uniform over 64 bits and depends on the key."""
    secret = hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
    digests = b"".join(
        hashlib.blake2b(
            name.encode("utf-8", "surrogatepass"), digest_size=8, key=secret
        ).digest()
        for name in names
    )  # fmt: skip
    return np.frombuffer(digests, dtype=">u8").astype(np.uint64)


def require_shares(uniform_share: float, equality: float) -> None:
    """Refuse a design that is hardly uniform at all, or an allocation that is none.

    Raises
    ------
    ValueError
        When ``uniform_share`` is not in [0.3, 1] or ``equality`` not in [0, 1].
    """
    if not LEAST_UNIFORM <= uniform_share <= 1:
        raise ValueError(
            f"a uniform share of {uniform_share} is not possible: give {LEAST_UNIFORM} to 1, so "
            "that no weight grows out of proportion"
        )
    if not 0 <= equality <= 1:
        raise ValueError(f"equality goes from 0 (proportional) to 1 (equal), not {equality}")


def allocation_mixed(
    sizes: ArrayLike, n: int, *, uniform_share: float = 0.4, equality: float = 0.5
) -> Array:
    """Return how many to draw from each stratum on average.

    Parameters
    ----------
    sizes
        How many each stratum has, at least 1, shape (k,).
    n
        Size of the sample; more than there are means all.
    uniform_share
        Share of the sample that is allotted by size, 0.3 to 1.
    equality
        Of the rest: 0 by size, 1 the same to each stratum.

    Returns
    -------
    ndarray
        Shape (k,), adding up to ``min(n, sum(sizes))``, none above its stratum's size.

    Raises
    ------
    ValueError
        As :func:`require_shares`, or when a stratum is empty or n is negative.
    """
    require_shares(uniform_share, equality)
    counts: Array = np.asarray(sizes, dtype=float)
    if n < 0 or (counts < 1).any():
        raise ValueError("a sample needs strata with 1 or more each, and a size of 0 or more")
    total = counts.sum()
    if n >= total:
        return counts
    uniform: Array = uniform_share * n * counts / total
    return uniform + _poured(counts ** (1 - equality), counts - uniform, n - uniform.sum())


def _poured(weights: Array, room: Array, amount: float) -> Array:
    """Divide an amount in proportion to weights where there is room, and the rest elsewhere."""
    # Strata fill up in the order in which their room per weight is used up.
    order = np.argsort(room / weights, kind="stable")
    w, r = weights[order], room[order]
    open_weight = np.cumsum(w[::-1])[::-1]
    filled = np.concatenate(([0.0], np.cumsum(r)[:-1]))
    levels = (amount - filled) / open_weight
    # The level is that of the first stratum which it does not fill.
    first = int(np.argmax(levels * w <= r))
    poured: Array = np.minimum(room, levels[first] * weights)
    return poured


def rounded_at_random(expected: ArrayLike, start: float) -> NDArray[np.int64]:
    """Round down or up at random, keeping the sum.

    The fractions lie end to end on a line, and each rounds up that one of the points
    ``start, start + 1, ...`` falls into: with probability its fraction, for a ``start`` uniform in
    [0, 1).

    Parameters
    ----------
    expected
        Numbers of 0 or more whose sum is whole, shape (k,).
    start
        In [0, 1).
    """
    values = np.asarray(expected, dtype=float)
    whole = np.floor(values + _TRACE)
    fractions = np.maximum(values - whole, 0.0)
    fractions[fractions < _TRACE] = 0.0
    ends = np.cumsum(fractions)
    if len(ends):
        # The last end is whole but for rounding; whoever has no fraction keeps an equal end.
        last = np.round(ends[-1])
        ends = np.where(ends == ends[-1], last, np.minimum(ends, last))
    # Points before each end, without a difference that would round.
    points = np.floor(ends) + (ends % 1 > start)
    ups = np.diff(points, prepend=0)
    rounded: NDArray[np.int64] = (whole + ups).astype(np.int64)
    return rounded


def sample_stratified(
    names: Sequence[str],
    strata: Sequence[str],
    n: int,
    *,
    uniform_share: float = 0.4,
    equality: float = 0.5,
    key: str = "0",
) -> Sample:
    """Draw n of N without replacement, mildly stratified.

    Parameters
    ----------
    names
        What there is to draw from, each name once, shape (N,).
    strata
        The stratum of each, shape (N,).
    n
        Size of the sample, exactly; all are drawn when there are not more.
    uniform_share, equality
        The allocation, as in :func:`allocation_mixed`.
    key
        Determines the sample; another one gives an independent sample.

    Raises
    ------
    ValueError
        When a name is there twice, or as :func:`allocation_mixed`.

    Examples
    --------
    >>> sample = sample_stratified(list("abcdefgh"), list("xxxxxxyy"), 4, uniform_share=0.5)
    >>> int(sample.chosen.sum()), sample.strata.tolist(), sample.expected.round(2).tolist()
    (4, ['x', 'y'], [2.77, 1.23])
    """
    if len(set(names)) != len(names):
        raise ValueError("a name is there twice: each can be drawn once only")
    labels, index = np.unique(np.asarray(strata, dtype=str), return_inverse=True)
    sizes = np.bincount(index, minlength=len(labels)).astype(np.int64)
    expected = allocation_mixed(sizes, n, uniform_share=uniform_share, equality=equality)
    drawn = _rounded_by_key(labels, expected, key)
    chosen = _lowest(hashed(names, f"unit {key}"), index, sizes, drawn)
    # By more than rounding error none can be above one.
    probability = np.minimum(expected / sizes, 1.0)[index]
    return Sample(chosen, probability, labels, sizes, expected, drawn)


def _rounded_by_key(labels: NDArray[np.str_], expected: Array, key: str) -> NDArray[np.int64]:
    # In a random order, so that it is not always the same strata that cannot both be rounded up.
    order = np.argsort(hashed(labels.tolist(), f"stratum {key}"), kind="stable")
    start = float(hashed(["start"], f"rounding {key}")[0] >> np.uint64(11)) / 2**53
    drawn = np.empty(len(labels), dtype=np.int64)
    drawn[order] = rounded_at_random(expected[order], start)
    return drawn


def _lowest(
    numbers: NDArray[np.uint64],
    index: NDArray[np.int64],
    sizes: NDArray[np.int64],
    wanted: NDArray[np.int64],
) -> NDArray[np.bool_]:
    """Mark those with the lowest numbers in each stratum, so many as are wanted of it."""
    order = np.lexsort((numbers, index))
    begins = np.cumsum(sizes) - sizes
    place = np.arange(len(order)) - begins[index[order]]
    chosen = np.zeros(len(order), dtype=bool)
    chosen[order] = place < wanted[index[order]]
    return chosen


def assigned(names: Sequence[str], share: float, *, key: str) -> NDArray[np.bool_]:
    """Mark a share of the names by their hash: nobody can choose which.

    Parameters
    ----------
    names
        Each once, shape (n,).
    share
        In [0, 1]; exactly ``round(share * n)`` are marked.
    key
        Says what is assigned, with a seed; another key gives an independent assignment.

    Raises
    ------
    ValueError
        When the share is not in [0, 1].
    """
    if not 0 <= share <= 1:
        raise ValueError(f"a share lies between 0 and 1, not {share}")
    return shuffled(names, key=key) < round(share * len(names))


def shuffled(names: Sequence[str], *, key: str) -> NDArray[np.int64]:
    """Return the place of each name in an order by hash, from 0, shape (n,)."""
    places = np.empty(len(names), dtype=np.int64)
    places[np.argsort(hashed(names, key), kind="stable")] = np.arange(len(names))
    return places
