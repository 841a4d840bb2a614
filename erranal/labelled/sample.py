"""The sampled units: what humans settled and what the judge says, code by code."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from erranal.labelled import weights

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from erranal.labelled.basis import Basis
    from erranal.store import Study

    Flags = NDArray[np.bool_]


UNSETTLED = "no settled label"


@dataclass(frozen=True)
class Sample:
    """The sampled units that can be used, settled or not.

    Attributes
    ----------
    units
        One row a unit: round, pair_id, output_id, item_id, model, prompt_style, benchmark, arm,
        rank, sample, arms (those that it can be compared under), shown (``suggested`` or
        ``blind``), weight, settled (whether it has a label that humans agree on).
    names
        Families and codes: what the columns of the arrays are.
    human, judge
        Whether humans, or the judge, gave it; shape (units, names). What the judge did not read it
        has not given: the corrections stay unbiased, and ``judged`` says of how many it is so.
    judged
        Whether the judge has a readable verdict; shape (units,).
    excluded
        Units left out, by reason; those without a settled label are counted, and kept.
    """

    units: pd.DataFrame
    names: tuple[str, ...]
    human: Flags
    judge: Flags
    judged: Flags
    excluded: dict[str, int]

    def of(self, name: str) -> tuple[Flags, Flags]:
        """Return what humans and the judge say of one code or family."""
        column = self.names.index(name)
        return self.human[:, column], self.judge[:, column]

    @property
    def settled(self) -> Sample:
        """The units with a settled label."""
        return self.where(self.units["settled"].to_numpy(dtype=bool))

    def where(self, keep: Flags) -> Sample:
        """Return the units for which ``keep`` is true."""
        return replace(
            self,
            units=self.units[keep].reset_index(drop=True),
            human=self.human[keep],
            judge=self.judge[keep],
            judged=self.judged[keep],
        )


def sample(study: Study, basis: Basis) -> Sample:
    """Read the sample of a basis; see :func:`erranal.labelled.weights.weigh` for the weights."""
    given = basis.population | basis.judged | {"rounds": list(basis.rounds)}
    units = study.arrow("labelled_units", basis.condition, **given).to_pandas()
    items = study.arrow("population_items", basis.condition, **basis.population).to_pandas()
    units["of_item"] = units["item_id"].map(items.set_index("item_id")["pairs"])
    units["settled"] = units["gold"].notna()
    reasons = _reasons(units)
    kept = units[(reasons == "") | (reasons == UNSETTLED)].reset_index(drop=True)
    left = reasons[reasons != ""].value_counts()
    pairs = int(items["pairs"].sum())
    kept["weight"] = weights.weigh(kept, basis.rounds, pairs, again=basis.again)
    return Sample(
        units=kept,
        names=basis.names,
        human=_flags(kept["gold"], basis),
        judge=_flags(kept["judged"], basis),
        judged=kept["judged"].notna().to_numpy(dtype=bool),
        excluded={str(reason): int(count) for reason, count in left.items()},
    )


def _reasons(units: pd.DataFrame) -> pd.Series:
    import numpy as np
    import pandas as pd

    reasons = np.select(
        [
            units["tuned"],
            units["replaced"],
            units["later"],
            units["arms"].isna(),
            ~units["settled"],
        ],
        [
            "used for tuning",
            "response replaced since",
            "not there at the first round",
            "scores or pairs changed since",
            UNSETTLED,
        ],
        "",
    )
    return pd.Series(reasons, index=units.index)


def _flags(given: Iterable[Any], basis: Basis) -> Flags:
    import numpy as np

    given = list(given)
    flags = np.zeros((len(given), len(basis.names)), dtype=bool)
    for row, codes in enumerate(given):
        for code in codes if codes is not None else ():
            flags[row, basis.columns(code)] = True
    return flags
