"""What the codes say, in plain words: which kinds of errors differ, and what nobody looked at."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from erranal.report import judge_words
from erranal.report import wording as w

if TYPE_CHECKING:
    from erranal.report.plain import Row

ALPHA = 0.05
# More codes than this are counted, not spelled out.
_CODES = 4


def by_rules(summary: dict[str, Any]) -> bool:
    """Return whether the labels are by hand-written rules."""
    return bool(summary["codes"].get("judge", {}).get("kind") == "rules")


def code_findings(summary: dict[str, Any]) -> Iterator[str]:
    """Say which codes are more or less frequent under the compared arm, over all models."""
    codes = summary["codes"]
    if "missing" in codes:
        return
    titles = {code["code"]: code["title"].lower() for code in codes["codes"]}
    pooled = [p for p in codes["pairs"] if p["model"] is None and p["code"] in titles]
    sure = [p for p in pooled if p["p_adjusted"] is not None and p["p_adjusted"] < ALPHA]
    sure.sort(key=lambda p: -abs(p["difference"]))
    who = _who(codes["judge"])
    for more, word in ((True, "more"), (False, "less")):
        some = [pair for pair in sure if (pair["difference"] > 0) == more]
        yield from _code_sentences(who, word, some, titles)
    if pooled and not sure:
        yield f"{who}: no code's rate per item differs detectably between the arms."
    blind = [code["title"].lower() for code in codes["codes"] if not code["assessed"]]
    if blind:
        yield (
            f"{judge_words.cannot(codes['judge'])} {w.count(len(blind), 'code')} of the codebook "
            f"({w.listed(blind)}); nothing is said about them."
        )


def _who(judge: Row) -> str:
    if judge["kind"] == "rules":
        return "By rules, not a model, and uncorrected for the rules' own errors"
    if judge["kind"] == "imported":
        return f"By the imported labels {judge['label']}, uncorrected for their own errors"
    return f"By the language model {judge['label']}, uncorrected for its own errors"


def _code_sentences(who: str, word: str, pairs: list[Row], titles: dict[str, str]) -> Iterator[str]:
    arms = {(pair["arm_a"], pair["arm_b"]) for pair in pairs}
    for arm_a, arm_b in sorted(arms):
        here = [pair for pair in pairs if (pair["arm_a"], pair["arm_b"]) == (arm_a, arm_b)]
        parts = [
            f"{titles[pair['code']]} in {w.percent(pair['rate_b'])} against "
            f"{w.percent(pair['rate_a'])} of items ({w.signed(pair['difference'])} points, "
            f"{w.limits(pair['low'], pair['high'])})"
            for pair in here[:_CODES]
        ]
        rest = f", and {w.count(len(here) - _CODES, 'other code')}" if len(here) > _CODES else ""
        yield (
            f"{who}, {word} frequent from {arm_b} than from {arm_a}: {'; '.join(parts)}{rest} "
            "(95 % intervals; p < .05 after Holm's adjustment over the codes)."
        )


def planted_findings(summary: dict[str, Any]) -> Iterator[str]:
    """Say how many planted rates the labels recover (simulated studies only)."""
    planted = summary["planted"]
    if planted and "missing" not in planted:
        yield (
            f"Of {w.count(planted['of'], 'planted rate')}, {planted['inside']} lie inside the "
            "95 % interval of the rate estimated from the labels and "
            f"{planted['of'] - planted['inside']} do not: there the "
            f"{'rules overlook' if by_rules(summary) else 'judge overlooks'} an error or "
            f"{'take' if by_rules(summary) else 'takes'} another for it. The section lists how "
            "many planted errors of each kind were found."
        )
