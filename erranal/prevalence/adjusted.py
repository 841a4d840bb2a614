"""What is left of image minus text at equal length: collapse of the reasoning as a covariate.

A response that gives up its steps is shorter, and errors of other kinds may come with that. The
change of each family over pairs is regressed on how much longer the image response is and on
whether it was cut; the intercept is the change between responses of equal length. This describes
and explains nothing by itself: length is a consequence of the input too (a mediator).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from erranal import labelled

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from erranal.labelled import Basis, Pairs
    from erranal.prevalence.groups import Group
    from erranal.store import Study

    Array = NDArray[np.float64]

FEW = 30  # labelled pairs, below which no regression is made
DOUBLING = 0.6931471805599453  # ln 2: a coefficient is given for twice the length
ESTIMANDS = {
    "intercept": "difference at equal length",
    "longer": "change of the difference when image responses are twice as long",
    "truncated": "change of the difference when image responses are cut",
}


def adjusted(study: Study, basis: Basis, group: Group, *, level: float) -> Iterator[dict[str, Any]]:
    """Yield the rows of table ``estimates`` on families at equal length, over a whole study.

    Parameters
    ----------
    study
        The study.
    basis
        Whose judge it is.
    group
        The group of all pairs of two arms.
    level
        Nominal coverage.
    """
    from erranal.stats import pseudo

    drawn = labelled.pairs(group.sample, group.reference, group.arm)
    families = [name for name in basis.families if basis.can_give(name)]
    if len(drawn.human) < FEW or not families:
        return
    table = study.arrow(
        "population_lengths",
        basis.condition,
        **basis.population,
        **basis.judged,
        reference=group.reference,
        arm=group.arm,
    ).to_pandas()
    human, judge, probability = _outcomes(
        table, drawn, families, group.population.total()["either"]
    )
    covariates, x = _covariates(table)
    fit = pseudo.regression_pseudo(
        human, judge, probability, x, cluster=table["item_id"].to_numpy(), level=level
    )
    for row in fit.rows(covariates, families):
        factor = DOUBLING if row["covariate"] == "longer" else 1.0
        yield group.columns | {
            "analysis": "adjusted",
            "estimand": ESTIMANDS[str(row["covariate"])],
            "source": "corrected",
            "reference": group.reference,
            "arm": group.arm,
            "code": row["code"],
            **{name: factor * float(row[_OF[name]]) for name in ("estimate", "low", "high")},
            "p": row["p"],
            "level": level,
            "method": "regression on pseudo-outcomes, clustered by item",
            "n": len(drawn.human),
            "excluded": drawn.unsettled,
            "pool": len(table),
        }


_OF = {"estimate": "coefficient", "low": "low", "high": "high"}


def _outcomes(
    table: pd.DataFrame, drawn: Pairs, families: list[str], wrong: int
) -> tuple[Array, Array, Array]:
    """Return human and judge changes of every pair and family, and how likely it was drawn."""
    import numpy as np

    judge = np.column_stack(
        [_given(table["names_b"], name) - _given(table["names_a"], name) for name in families]
    )
    human = np.full(judge.shape, np.nan)
    probability = np.ones(len(table))
    place = {pair: i for i, pair in enumerate(table["pair_id"])}
    known = [i for i, pair in enumerate(drawn.ids) if pair in place]
    rows = [place[drawn.ids[i]] for i in known]
    for column, name in enumerate(families):
        said = drawn.of(name)[0][known].astype(float)
        human[rows, column] = said[:, 1] - said[:, 0]
    # Pairs without a settled label are stood for by the others.
    weight = drawn.weight[known] * wrong / drawn.weight[known].sum()
    probability[rows] = np.minimum(1 / weight, 1.0)
    return human, judge, probability


def _given(names: pd.Series, name: str) -> Array:
    import numpy as np

    return np.array([float(some is not None and name in some) for some in names])


def _covariates(table: pd.DataFrame) -> tuple[list[str], Array]:
    """Return those covariates that vary, after the intercept."""
    import numpy as np

    kept = [name for name in ("longer", "truncated") if table[name].nunique() > 1]
    columns = [np.ones(len(table)), *(table[name].to_numpy(dtype=float) for name in kept)]
    return ["intercept", *kept], np.column_stack(columns)
