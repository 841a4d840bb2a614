"""What the numbers allow to say, in words, and why.

The bounds on alpha are those of Krippendorff (2004), Human Communication Research 30:411: at least
.800 for conclusions, at least .667 for tentative ones. They are held against the limits of the
interval, not against the estimate: a small round that happens to agree proves nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from erranal.stats.interval import Interval

RELIABLE, TENTATIVE = 0.8, 0.667
TRUSTED = 0.7  # of both rates, by the lower limits; corrected rates are valid below it too
NOT_ASSESSED = "not assessed by this judge"
FEW = 10  # units with a code, below which no coefficient on it says much


def of_coders(alpha: Interval, counts: Mapping[str, Any]) -> str:
    """Say how far coders can be trusted to mean the same by a code."""
    positives = counts["all gave it"] + counts["some did"]
    units = positives + counts["nobody did"]
    if not units:
        return "no unit was coded by two"
    if not positives:
        return f"cannot be said: nobody gave it to any of {units} units"
    if counts["all gave it"] == units:
        return f"cannot be said: all coders gave it to all {units} units"
    if positives < FEW:
        return f"cannot be said: only {positives} of {units} units have it"
    return of_sets(alpha)


def of_sets(alpha: Interval) -> str:
    """Say what an interval of alpha allows to conclude."""
    if alpha.estimate != alpha.estimate:  # NaN
        return "cannot be said: there is no variation"
    if alpha.low >= RELIABLE:
        return "reliable"
    if alpha.low >= TENTATIVE:
        return "reliable enough for tentative conclusions"
    if alpha.high < TENTATIVE:
        return "not reliable: coders do not mean the same by it"
    return f"open: alpha may be {alpha.low:.2f} or {alpha.high:.2f}"


def of_judge(sensitivity: Interval, specificity: Interval, counts: Mapping[str, int]) -> str:
    """Say how far a judge can be trusted with a code under one arm."""
    positives = counts["both"] + counts["humans only"]
    negatives = counts["judge only"] + counts["neither"]
    if not counts["both"] + counts["judge only"]:
        missed = f", while humans gave it to {positives}" if positives else ", nor did humans"
        return f"the judge never gave it to any of {positives + negatives} units{missed}"
    if not counts["humans only"] + counts["neither"]:
        return f"the judge gave it to all {positives + negatives} units"
    if positives < FEW:
        return f"what it misses cannot be said: humans gave it to only {positives} units"
    return _weighed(sensitivity, specificity)


def _weighed(sensitivity: Interval, specificity: Interval) -> str:
    if sensitivity.low >= TRUSTED and specificity.low >= TRUSTED:
        return "trustworthy"
    if sensitivity.high < TRUSTED:
        return f"not trustworthy alone: misses {1 - sensitivity.estimate:.0%} of it"
    if specificity.high < TRUSTED:
        return f"not trustworthy alone: gives it to {1 - specificity.estimate:.0%} of the others"
    weaker = min(sensitivity, specificity, key=lambda rate: rate.low)
    does = "finds" if weaker is sensitivity else "spares"
    return f"open: {does} at least {weaker.low:.0%}, at most {weaker.high:.0%}"
