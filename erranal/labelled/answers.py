"""What every coder says of every unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from erranal.labelled.basis import Basis
    from erranal.store import Study


@dataclass(frozen=True)
class Answers:
    """Coders by units by names.

    Attributes
    ----------
    units
        One row a unit that anybody has coded: round, unit_id, pair_id, model, prompt_style, arm,
        rank, shown.
    coders
        Aliases, in order.
    names
        Families and codes.
    given
        1 where a coder gave it, 0 where not, NaN where the coder did not code the unit; shape
        (coders, units, names).
    sets
        The codes that each coder gave, None where the coder did not code; coders x units.
    """

    units: pd.DataFrame
    coders: tuple[str, ...]
    names: tuple[str, ...]
    given: NDArray[np.float64]
    sets: list[list[frozenset[str] | None]]

    def where(self, keep: NDArray[np.bool_]) -> Answers:
        """Return the units for which ``keep`` is true."""
        sets = [[one for one, kept in zip(row, keep, strict=True) if kept] for row in self.sets]
        units = self.units[keep].reset_index(drop=True)
        return Answers(units, self.coders, self.names, self.given[:, keep], sets)


def answers(study: Study, basis: Basis) -> Answers:
    """Read what coders say of the units of a basis, as it stands, adjudicated or not."""
    import numpy as np

    rows = study.read("labelled_answers", rounds=list(basis.rounds))
    kept = ["round", "unit_id", "pair_id", "model", "prompt_style", "arm", "rank", "shown"]
    units = rows[kept].drop_duplicates(["round", "unit_id"]).reset_index(drop=True)
    coders = tuple(sorted(rows["coder_id"].unique()))
    place = {key: i for i, key in enumerate(zip(units["round"], units["unit_id"], strict=True))}
    given = np.full((len(coders), len(units), len(basis.names)), np.nan)
    sets: list[list[frozenset[str] | None]] = [[None] * len(units) for _ in coders]
    keys = ["round", "unit_id", "coder_id", "codes"]
    for of_round, unit_id, alias, said in rows[keys].itertuples(index=False):
        coder, unit = coders.index(alias), place[of_round, unit_id]
        sets[coder][unit] = frozenset(map(str, said))
        given[coder, unit] = 0
        for code in map(str, said):
            given[coder, unit, basis.columns(code)] = 1
    return Answers(units, coders, basis.names, given, sets)
