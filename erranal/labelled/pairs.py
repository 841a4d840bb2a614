"""Sampled pairs of two arms: what humans and the judge say of either side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from erranal.labelled.sample import Sample

    Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Pairs:
    """Pairs of which every wrong side has a settled label.

    Attributes
    ----------
    human, judge
        Whether humans, or the judge, gave it to the reference arm and to the other; shape
        (pairs, 2, names). A right response has no code.
    names
        Families and codes.
    weight, items, ids
        Shape (pairs,).
    unsettled
        Pairs left out, because a wrong side has no settled label.
    """

    human: Flags
    judge: Flags
    names: tuple[str, ...]
    weight: NDArray[np.float64]
    items: NDArray[np.str_]
    ids: NDArray[np.str_]
    unsettled: int

    def of(self, name: str) -> tuple[Flags, Flags]:
        """Return what humans and the judge say of one code or family, shape (pairs, 2) each."""
        column = self.names.index(name)
        return self.human[:, :, column], self.judge[:, :, column]


def pairs(sample: Sample, reference: str, arm: str) -> Pairs:
    """Put the units of two arms together.

    Parameters
    ----------
    sample
        Units of these arms, of pairs that have a response under both.
    reference, arm
        The arms.
    """
    import numpy as np

    units = sample.units
    drawn = units["round"].astype(str) + "\x1f" + units["pair_id"].astype(str)
    keys, first, place = np.unique(drawn.to_numpy(str), return_index=True, return_inverse=True)
    side = (units["arm"] == arm).to_numpy().astype(int)
    human = np.zeros((len(keys), 2, len(sample.names)), dtype=bool)
    judge = np.zeros_like(human)
    human[place, side] = sample.human
    judge[place, side] = sample.judge
    settled = np.ones(len(keys), dtype=bool)
    settled[place[~units["settled"].to_numpy(dtype=bool)]] = False
    return Pairs(
        human[settled],
        judge[settled],
        sample.names,
        units["weight"].to_numpy(dtype=float)[first][settled],
        units["item_id"].to_numpy(dtype=str)[first][settled],
        units["pair_id"].to_numpy(dtype=str)[first][settled],
        int((~settled).sum()),
    )
