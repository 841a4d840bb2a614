"""Many codes are tested at once: families by Holm, codes by Benjamini and Hochberg."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import product
from typing import Any

HOLM, BH = "Holm over families", "Benjamini-Hochberg over codes"


def adjusted(rows: Iterable[dict[str, Any]], families: Collection[str]) -> list[dict[str, Any]]:
    """Return the rows of one group and pair of arms with adjusted p values.

    Families are what a study is about, so that the chance of any false finding among them is held;
    codes are looked through, so that the share of false findings is.

    Parameters
    ----------
    rows
        Rows of table ``estimates``; those of analysis ``effect`` that have a p value are adjusted,
        those of humans alone and the corrected ones apart.
    families
        Names of the families.
    """
    import numpy as np

    from erranal.stats import multiplicity

    found = list(rows)
    tested = [
        i for i, row in enumerate(found) if row["analysis"] == "effect" and row.get("p", 2) <= 1
    ]
    ways = ((HOLM, multiplicity.p_holm, True), (BH, multiplicity.p_benjamini_hochberg, False))
    for source, (method, adjust, of_family) in product(("corrected", "humans"), ways):
        chosen = [
            i
            for i in tested
            if found[i]["source"] == source and (found[i]["code"] in families) == of_family
        ]
        p = adjust(np.array([found[i]["p"] for i in chosen]))
        for i, value in zip(chosen, p, strict=True):
            found[i] = found[i] | {"p_adjusted": float(value), "adjustment": method}
    return found
