"""A naive scorer, as many harnesses have one: the last number or the last capital letter counts.

It misreads "1,250" (as 250), "Answer: 18 (checked with 3 steps)" (as 3) and "Answer: C (I also
considered B)" (as B); the example files carry its opinion as ``official_correct``.
"""

from __future__ import annotations

import re

NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
LETTER = re.compile(r"\b[A-E]\b")


def official(response: str, gold: str, *, choice: bool) -> tuple[str | None, bool]:
    """Return what the naive scorer reads as the answer, and whether it takes it for right."""
    found = (LETTER if choice else NUMBER).findall(response)
    if not found:
        return None, False
    last = found[-1]
    return last, last == gold if choice else float(last) == float(gold)
