"""What a clustering is made with, and what is taken where nobody said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from erranal.errors import StageError

if TYPE_CHECKING:
    from collections.abc import Sequence

RESOLUTIONS = (0.5, 1.0, 2.0, 4.0)
NEIGHBOURS = 15
LARGE = 8_000  # outputs; more hold more groups and are dense enough for fewer neighbours
LARGE_RESOLUTIONS = (1.0, 2.0, 4.0, 8.0)
LARGE_NEIGHBOURS = 10
MIN_SIZE = 5


@dataclass(frozen=True)
class Settings:
    """What determines the clusterings of a population.

    Attributes
    ----------
    resolutions
        One clustering each; larger ones give more and smaller clusters.
    neighbours
        Nearest texts that each is joined with, at most.
    seed
        Of everything random.
    min_size
        Groups of fewer outputs are noise.
    """

    resolutions: tuple[float, ...]
    neighbours: int
    seed: int
    min_size: int


def check(resolutions: Sequence[float] | None, min_size: int) -> None:
    """Refuse what makes no sense.

    Raises
    ------
    StageError
        When a resolution is not positive, there is none, or min_size is below 2.
    """
    if resolutions is not None and (len(resolutions) == 0 or min(resolutions) <= 0):
        raise StageError(f"resolutions {list(resolutions)} must be positive numbers, one at least")
    if min_size < 2:
        raise StageError(f"min_size {min_size} is too small for a group: give 2 or more")


def settle(
    outputs: int, resolutions: Sequence[float] | None, *, seed: int, min_size: int
) -> Settings:
    """Return the settings for a population of so many outputs."""
    large = outputs > LARGE
    usual = LARGE_RESOLUTIONS if large else RESOLUTIONS
    neighbours = LARGE_NEIGHBOURS if large else NEIGHBOURS
    return Settings(tuple(resolutions or usual), neighbours, seed, min_size)
