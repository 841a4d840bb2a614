"""What coders said, as numbers: places among the declared categories, and counts of them."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def rating_places(
    ratings: Iterable[Iterable[Hashable]], categories: Sequence[Hashable]
) -> NDArray[np.int64]:
    """Return the place of every rating among the categories.

    Parameters
    ----------
    ratings
        What each coder said of each unit, coders x units; None or NaN where nothing.
    categories
        All that could be said, also what nobody did.

    Returns
    -------
    ndarray
        Shape (coders, units), -1 for no rating.

    Raises
    ------
    ValueError
        When a rating is none of the categories, or the coders have not as many units each.
    """
    place = {category: i for i, category in enumerate(categories)}
    rows = [[_place(rating, place) for rating in coder] for coder in ratings]
    if len({len(row) for row in rows}) > 1:
        raise ValueError("every coder needs one entry a unit: give None where there is no rating")
    return np.array(rows, dtype=np.int64).reshape(len(rows), len(rows[0]) if rows else 0)


def _place(rating: Hashable, place: dict[Hashable, int]) -> int:
    if is_missing(rating):
        return -1
    if rating not in place:
        raise ValueError(f"the rating {rating!r} is none of the declared categories")
    return place[rating]


def is_missing(rating: object) -> bool:
    """Tell whether a rating is none: None or NaN."""
    return rating is None or (isinstance(rating, float) and rating != rating)  # noqa: PLR0124


def rating_counts(
    ratings: Iterable[Iterable[Hashable]], categories: Sequence[Hashable]
) -> NDArray[np.float64]:
    """Return how many coders put each unit in each category, shape (units, k).

    See :func:`rating_places` for the arguments and errors.
    """
    places = rating_places(ratings, categories)
    units, size = places.shape[1], len(categories)
    cells = (np.arange(units) * size + places)[places >= 0]
    return np.bincount(cells, minlength=units * size).reshape(units, size).astype(float)


def pair_counts(table: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the cells of a table of two raters as coefficients of many raters take them.

    Parameters
    ----------
    table
        Shape (k, k).

    Returns
    -------
    tuple of ndarray
        How many raters chose each category in a cell, shape (k * k, k), and how many units are in
        the cell, shape (k * k,).
    """
    units = np.asarray(table, dtype=float)
    one = np.eye(len(units))
    counts = one[:, None, :] + one[None, :, :]
    return counts.reshape(-1, len(units)), units.ravel()
