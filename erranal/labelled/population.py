"""What a sample stands for: every pair it could have drawn, counted by what a judge says of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from erranal.labelled.basis import Basis
    from erranal.store import Study

CONTRAST = ("reading", "thinking")  # what image input is thought to amplify, and what it is not
GIVEN = ["either", "in_a", "in_b", "in_both"]
COUNTS = ["pairs", "items", "either", "in_a", "in_b", "in_both", "unjudged_a", "unjudged_b"]


@dataclass(frozen=True)
class Population:
    """Pairs of the reference arm (a) and a compared arm (b), counted.

    Attributes
    ----------
    errors
        One row a model, prompt style, benchmark and pair of arms: pairs and their items, and of
        the pairs those wrong in either, in a, in b, in both; unjudged_a and unjudged_b are wrong
        ones that the judge has not read.
    codes
        The same with a code or family: pairs of which the judge gives it in either, a, b, both.
    contrast
        Pairs that are wrong in either arm, by what the judge says of the families ``reading`` and
        ``thinking`` in both: first_a, first_b, second_a, second_b, pairs. Empty where the codebook
        has no such families.
    """

    errors: pd.DataFrame
    codes: pd.DataFrame
    contrast: pd.DataFrame

    def where(self, **equal: Any) -> Population:
        """Return the part whose columns have these values."""
        parts = (self.errors, self.codes, self.contrast)
        return Population(*(_where(part, equal) for part in parts))

    def total(self) -> dict[str, int]:
        """Return the counts of errors, added up; items are those of the model that has most."""
        return self._total

    @cached_property
    def _total(self) -> dict[str, int]:
        items = int(self.errors.groupby("benchmark")["items"].max().sum())
        return {name: int(self.errors[name].sum()) for name in COUNTS} | {"items": items}

    def given(self, code: str) -> dict[str, int]:
        """Return how often the judge gives a code or family, added up."""
        return self._given.get(code, dict.fromkeys(GIVEN, 0))

    @cached_property
    def _given(self) -> dict[str, dict[str, int]]:
        added = self.codes.groupby("code")[GIVEN].sum()
        return {str(code): dict(zip(GIVEN, map(int, row), strict=True))
                for code, row in zip(added.index, added.to_numpy(), strict=True)}  # fmt: skip


def _where(frame: pd.DataFrame, equal: dict[str, Any]) -> pd.DataFrame:
    for column, value in equal.items():
        frame = frame[frame[column] == value]
    return frame


def population(study: Study, basis: Basis) -> Population:
    """Count the population of a basis.

    Items that a judge may have been tuned on are in it, though they are in no sample: they were
    drawn for an error, and without them there would seem to be fewer of these.
    """
    asked = basis.population | basis.judged
    counts = study.arrow("population_pairs", basis.condition, **asked).to_pandas()
    first, second = CONTRAST
    contrast = study.arrow(
        "population_contrast", basis.condition, **asked, first=first, second=second
    ).to_pandas()
    counts[COUNTS] = counts[COUNTS].fillna(0).astype("int64")
    everything = counts["code"].isna()
    return Population(
        counts[everything].drop(columns="code").reset_index(drop=True),
        counts[~everything].reset_index(drop=True),
        contrast if set(CONTRAST) <= set(basis.families) else contrast[:0],
    )
