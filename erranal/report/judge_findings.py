"""What two judges say of each other, in plain words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from erranal.report import judge_words
from erranal.report import wording as w

if TYPE_CHECKING:
    from erranal.report.plain import Row

# A code that the judges gave to fewer errors is not named as one they differ on.
_WORTH_NAMING = 10
_NAMED = 3


def judge_findings(summary: dict[str, Any]) -> Iterator[str]:
    """Say how often the judge in force and each other gave the same codes, and where they differ.

    Two judges that agree may both be wrong, so agreement is not called correctness.
    """
    if not summary["judges"]:
        return
    for compared in summary["judges"]["comparisons"]:
        yield _agreement(compared)


def _agreement(compared: Row) -> str:
    a, b = (judge_words.noun(compared[side]) for side in "ab")
    if not compared["records"]:
        return f"No error has been judged by both {a} and {b}."
    if not compared["codes"]:
        return f"No code can be given by both {a} and {b}."
    read = w.count(compared["records"], "error")
    same = w.percent(compared["same"] / compared["records"])
    codes = w.count(len(compared["codes"]), "code")
    sentence = (
        f"Of {read} that both {a} and {b} judged, {same} were given the same of the {codes} "
        f"that both can give{_empty(compared)}."
    )
    worst = _worst(compared["codes"])
    if not worst:
        return sentence
    named = w.listed(
        f"{code['title'].lower()} (both {code['both']:,}, only {a} {code['only_a']:,}, only {b} "
        f"{code['only_b']:,})"
        for code in worst
    )
    return f"{sentence} They agree least on {named}."


def _empty(compared: Row) -> str:
    share = w.percent(compared["neither"] / compared["records"])
    return f", {share} by being given none" if compared["neither"] else ""


def _worst(codes: list[Row]) -> list[Row]:
    some = [c for c in codes if c["given"] >= _WORTH_NAMING and c["both"] < c["given"]]
    return sorted(some, key=lambda code: (code["positive"], -code["given"]))[:_NAMED]
