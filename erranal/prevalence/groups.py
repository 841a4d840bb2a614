"""The parts of a study that rates are given for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from erranal.labelled import Population, Sample

GROUPINGS = (
    (),
    ("model", "prompt_style"),
    ("benchmark",),
    ("model", "prompt_style", "benchmark"),
)


@dataclass(frozen=True)
class Group:
    """Pairs of two arms in one part of the study.

    Attributes
    ----------
    grouping
        Columns that define the part, e.g. ``model+prompt_style``, or ``all``.
    values
        Their values.
    reference, arm
        The arm nearest to text, and the one compared with it.
    population, sample
        What is known of this part. The sample holds units of either arm, of pairs that have a
        response under both.
    """

    grouping: str
    values: dict[str, str]
    reference: str
    arm: str
    population: Population
    sample: Sample

    @property
    def columns(self) -> dict[str, str]:
        """What names it in a table."""
        return {"grouping": self.grouping, **self.values}

    def side(self, arm: str) -> Sample:
        """Return the settled units of one arm."""
        return self._sides[arm]

    @cached_property
    def _sides(self) -> dict[str, Sample]:
        settled = self.sample.settled
        arms = (self.reference, self.arm)
        return {arm: settled.where(_equal(settled, {"arm": arm})) for arm in arms}


def groups(population: Population, sample: Sample) -> Iterator[Group]:
    """Yield all parts, from the whole study down; a grouping that divides nothing is left out."""
    errors = population.errors
    arms = errors[["arm_a", "arm_b"]].drop_duplicates().sort_values(["arm_a", "arm_b"])
    for reference, arm in arms.itertuples(index=False):
        of_arms = population.where(arm_a=reference, arm_b=arm)
        units = sample.where(_in_pair(sample, reference, arm))
        for columns in _dividing(of_arms.errors):
            parts = of_arms.errors[list(columns)].drop_duplicates().itertuples(index=False)
            for part in parts if columns else [()]:
                values = dict(zip(columns, part, strict=True))
                yield Group(
                    "+".join(columns) or "all",
                    values,
                    reference,
                    arm,
                    of_arms.where(**values),
                    units.where(_equal(units, values)),
                )


def _dividing(errors: pd.DataFrame) -> list[tuple[str, ...]]:
    """Return the groupings that divide more than every coarser one does."""
    parts = {one: len(errors[list(one)].drop_duplicates()) if one else 1 for one in GROUPINGS}
    return [
        one
        for one in GROUPINGS
        if all(parts[one] > parts[other] for other in GROUPINGS if set(other) < set(one))
    ]


def _equal(sample: Sample, values: dict[str, str]) -> NDArray[np.bool_]:
    import numpy as np

    keep = np.ones(len(sample.units), dtype=bool)
    for column, value in values.items():
        keep &= (sample.units[column] == value).to_numpy()
    return keep


def _in_pair(sample: Sample, reference: str, arm: str) -> NDArray[np.bool_]:
    import numpy as np

    both = [reference in arms and arm in arms for arms in sample.units["arms"]]
    own = sample.units["arm"].isin([reference, arm]).to_numpy()
    return np.array(both, dtype=bool) & own
