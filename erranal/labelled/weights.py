"""How many pairs of the population a sampled one stands for, over one round or several."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray


def weigh(units: pd.DataFrame, rounds: Sequence[str], pairs: int) -> NDArray[np.float64]:
    """Return the weight of each unit, which is that of its pair.

    A round after the first draws from what the rounds before have left. With s_k the pairs of
    round k and 1 / pi their inverse probabilities, scaled to add up to the number of pairs left,
    each round gives an estimate of a total,

        T_k = sum over s_1 .. s_(k-1) of y + sum over s_k of y / pi,

    and the rounds together give ``sum_k lambda_k T_k``, with lambda_k the share of the round in all
    sampled pairs. A pair of round j so weighs ``lambda_j / pi + sum_(k > j) lambda_k``.

    Parameters
    ----------
    units
        round, pair_id and probability, that of being drawn from what was left; one row a unit.
    rounds
        Names of the rounds in the order in which they were drawn.
    pairs
        Pairs with an error in the population.

    References
    ----------
    Horvitz and Thompson (1952), JASA 47:663; Hajek (1971) on scaling to a known size.
    """
    import numpy as np

    order = list(rounds)
    drawn = units.drop_duplicates(["round", "pair_id"])
    of_round = drawn.groupby("round")
    sizes = of_round.size().reindex(order, fill_value=0)
    share = sizes / max(int(sizes.sum()), 1)
    left = np.maximum(pairs - (sizes.cumsum() - sizes), sizes)
    stands_for = (1 / drawn["probability"]).groupby(drawn["round"]).sum().reindex(order)
    scale = units["round"].map(left / stands_for)
    later = units["round"].map(share[::-1].cumsum()[::-1] - share)
    weight = units["round"].map(share) * scale / units["probability"] + later
    return weight.to_numpy(dtype=float)
