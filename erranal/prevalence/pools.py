"""The judge's labels of a whole population, as arrays made of counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Flags = NDArray[np.bool_]
    Clusters = NDArray[np.int64]


def responses(given: int, wrong: int) -> Flags:
    """Return which of the wrong responses of one arm the judge gave a code, shape (wrong,)."""
    import numpy as np

    return np.arange(wrong) < given


def both_sides(pairs: int, in_a: int, in_b: int, in_both: int) -> Flags:
    """Return which of the pairs the judge gave a code on either side, shape (pairs, 2)."""
    import numpy as np

    labels = np.zeros((pairs, 2), dtype=bool)
    labels[:in_a, 0] = True
    labels[in_a - in_both : in_a - in_both + in_b, 1] = True
    return labels


def two_codes(patterns: pd.DataFrame) -> Flags:
    """Return which of the pairs the judge gave two codes on either side, shape (pairs, 2, 2).

    Parameters
    ----------
    patterns
        first_a, first_b, second_a, second_b, and how many pairs are like that.
    """
    import numpy as np

    columns = ["first_a", "first_b", "second_a", "second_b"]
    labels = patterns[columns].to_numpy(dtype=bool).reshape(-1, 2, 2)
    return np.repeat(labels, patterns["pairs"].to_numpy(dtype=int), axis=0)


def of_one_item(units: int, items: int) -> Clusters | None:
    """Return which units may be of one item, None where each can have its own.

    Where several models or samples answered the same items, what is known is how many items there
    are. Units whose labels are alike lie side by side and are taken to be of one item, so that no
    interval gets narrower than it may.
    """
    import numpy as np

    return None if units <= items else np.arange(units) * items // units
