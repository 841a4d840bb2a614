"""How many pairs of the population a sampled one stands for, over one round or several."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray


def weigh(
    units: pd.DataFrame, rounds: Sequence[str], pairs: int, *, again: Collection[str] = ()
) -> NDArray[np.float64]:
    """Return the weight of each unit, which is that of its pair.

    A round after the first draws from the items that the rounds before have left. With s_j the
    pairs of round j and pi their probability, each round k gives an estimate of a total,

        T_k = sum over j < k, s_j of y touched / pi + sum over s_k of y / pi,

    where touched is the probability that any of the m pairs of its item is drawn: a pair that was
    drawn stands for others of such items too, which no later round can draw. It is
    ``1 - (1 - pi) (1 - f)^(m - 1)``, the other pairs of the item being taken to be as likely as
    pairs of the round are on average, f. Where an item has one pair, it is pi: the pair stands for
    itself. The first sum is scaled to the pairs of the
    items drawn before, and the second to those left. The rounds together give
    ``sum_k lambda_k T_k``, with lambda_k the share of the round in all sampled pairs.

    Parameters
    ----------
    units
        round, pair_id, item_id, probability, that of being drawn from what was left, and of_item,
        how many pairs with an error the item has; one row a unit.
    rounds
        Names of the rounds in the order in which they were drawn.
    pairs
        Pairs with an error in the population.
    again
        The rounds that drew from everything, whatever rounds before had drawn.

    References
    ----------
    Horvitz and Thompson (1952), JASA 47:663; Hajek (1971) on scaling to a known size.
    """
    import numpy as np

    drawn = units.drop_duplicates(["round", "pair_id"])
    share = drawn["round"].value_counts(normalize=True)
    inverse = 1 / units["probability"]
    place = units["round"].map({name: i for i, name in enumerate(rounds)})
    first = place == place.groupby(units["item_id"]).transform("min")
    weight, touched = np.zeros(len(units)), inverse * 0.0
    for k, name in enumerate(rounds):
        if name in share:
            earlier = first & (place < (0 if name in again else k))
            before = int(units[earlier].drop_duplicates("item_id")["of_item"].sum())
            left = max(pairs - before, 1)
            parts = _scaled(units, touched, earlier, before) + _scaled(
                units, inverse, place == k, left
            )
            weight += share[name] * parts
            others = (1 - drawn["round"].eq(name).sum() / left) ** (units["of_item"] - 1)
            of_items = inverse * (1 - (1 - units["probability"]) * others)
            touched = touched.where(place != k, of_items)
    return weight


def _scaled(
    units: pd.DataFrame, weight: pd.Series, kept: pd.Series, pairs: int
) -> NDArray[np.float64]:
    """Return the weights of the kept units, adding up to the number of pairs, and 0 for others."""
    one = weight.where(kept, 0.0)
    total = one[~units.duplicated(["round", "pair_id"])].sum()
    return (one * (pairs / total if total else 0.0)).to_numpy(dtype=float)
