"""Dividing labelled items into tune and test so that rare codes are in both."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping

Labels = Mapping[str, frozenset[str]]
PARTS = ("tune", "test")


def stratified(
    labels: Labels, parts: Mapping[str, str] | None = None, *, test_share: float, seed: int
) -> dict[str, str]:
    """Return the part of every item, ``tune`` or ``test``.

    The code with the fewest items left is divided first: each of its items goes where the code is
    missed most. Of a code with two items or more, each part is owed one at least. The same labels
    and seed give the same parts, in whatever order they come.

    Parameters
    ----------
    labels
        The codes of every item; an item without any needs a code that says so.
    parts
        Items that have a part and keep it.
    test_share
        Share of each code's items that is owed to the test.
    seed
        Of the order among equals.

    References
    ----------
    Sechidis, Tsoumakas and Vlahavas (2011), On the stratification of multi-label data, ECML PKDD.
    """
    given = dict(parts or {})
    items = Counter(code for codes in labels.values() for code in codes)
    owed = {code: _owed(count, test_share) for code, count in items.items()}
    total = {"test": len(labels) * test_share, "tune": len(labels) * (1 - test_share)}
    for item, part in given.items():
        _count(owed, total, labels[item], part)
    order = sorted(set(labels) - given.keys(), key=lambda item: _drawn(seed, item))
    left = Counter(code for item in order for code in labels[item])
    while left:
        code = min(left, key=lambda code: (left[code], code))
        for item in [item for item in order if code in labels[item] and item not in given]:
            part = max(PARTS, key=lambda part: (owed[code][part], total[part]))
            given[item] = part
            _count(owed, total, labels[item], part)
            left -= Counter(labels[item])
    return {item: given[item] for item in sorted(given)}


def _owed(items: int, test_share: float) -> dict[str, float]:
    test = items * test_share
    if items > 1:
        test = min(max(test, 1.0), items - 1.0)
    return {"test": test, "tune": items - test}


def _count(
    owed: dict[str, dict[str, float]], total: dict[str, float], codes: frozenset[str], part: str
) -> None:
    total[part] -= 1
    for code in codes:
        owed[code][part] -= 1


def _drawn(seed: int, item: str) -> str:
    return hashlib.sha256(f"{seed}\x1f{item}".encode()).hexdigest()
