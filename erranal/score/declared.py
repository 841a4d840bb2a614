r"""Answers that a response marks as such: ``<answer>``, ``\boxed{}``, "Answer: X", "#### n".

Scanning goes backwards with ``str.rfind`` from mark to mark, so the cost follows the number of
marks and not the square of the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

MARKS = 12  # marks of one kind that are looked at, from the last one back
BOX = 1_500  # characters a box may hold
LINE = 600  # characters of a final line that are kept


class Declared(NamedTuple):
    """A marked answer: the rule, where its fragment starts, and the fragment."""

    rule: str
    start: int
    fragment: str


_GAP = r"[\s*_`\"'“”]{0,4}"
_SOFTENER = (
    r"(?:(?:therefore|thus|hence|indeed|then|clearly|most likely|likely|probably|approximately"
    r"|about|simply|given by|option|choice|letter)\b[ ,:*_]{0,4}){0,2}"
)
_ANSWER = re.compile(
    r"answers?(?: (?:choice|option|letter))?"
    r"(?: (?:to|for|of) (?:the|this|your) (?:\w{1,12} ){0,2}(?:question|problem))?"
    r"(?:"
    rf"{_GAP}(?:[:：=]|(?:is|was|would be|should be|must be|will be)\b|->|→|⇒){_GAP}[:=]?{_GAP}"
    rf"{_SOFTENER}"
    r"|[*_ \t]{0,6}\n\s{0,4}"
    r"|[*_ ]{0,5}(?=\([a-z]\)|\\boxed|\*\*[a-z]\b)"
    r")"
)
_CLAIM = re.compile(r"^\W*(?:not\b|none of these|[$\[<{]{1,2}(?:letter|answer|option|x)\b)", re.I)
_BLANK = re.compile(r"[\s*_`$\\{}\[\]().:<>\"-]*")
_HASHES = re.compile(r"#### ?([^\n]{1,120})")
_NUMBER_ONLY = re.compile(r"\W{0,4}\d[\d,./]*\s?[^\s\d]{0,12}\W*$")


def declared(text: str, low: str) -> list[Declared]:
    """Return the marked answers of a response, the latest first."""
    found: list[Declared] = []
    if "</answer>" in low or "<answer>" in low:
        found.extend(_tags(text, low))
    if "boxed" in low:
        found.extend(_boxes(text, low))
    if "answer" in low:
        found.extend(_lines(text, low))
    if "####" in low:
        found.extend(_hashes(text))
    if len(found) > 1:
        found.sort(key=lambda mark: mark.start, reverse=True)
    return found


def _tags(text: str, low: str) -> Iterator[Declared]:
    start = low.rfind("<answer>")
    if start >= 0:
        begin = start + len("<answer>")
        end = low.find("</answer>", begin)
        inner = text[begin : end if end >= 0 else begin + LINE]
        if inner.strip():
            yield Declared("answer_tag", begin, inner.strip()[:LINE])


def _boxes(text: str, low: str) -> Iterator[Declared]:
    at = len(low)
    for _ in range(MARKS):
        at = low.rfind("boxed", 0, at)
        if at < 0:
            return
        begin = at + len("boxed")
        if low[at - 1 : at] in ("\\", "f"):
            inner = _braced(text, begin)
            if inner:
                yield Declared("boxed", begin, inner)


def _braced(text: str, begin: int) -> str:
    """Return what the braces (or the one token) after a box hold; empty when they never close."""
    rest = text[begin : begin + BOX].lstrip()
    if not rest.startswith("{"):
        return rest.split(maxsplit=1)[0].rstrip("$.,") if rest[:1].isalnum() else ""
    depth = 0
    for index, character in enumerate(rest):
        if character == "{" and rest[index - 1 : index] != "\\":
            depth += 1
        elif character == "}" and rest[index - 1 : index] != "\\":
            depth -= 1
            if depth == 0:
                return rest[1:index].strip()
    return ""


def _lines(text: str, low: str) -> Iterator[Declared]:
    at = len(low)
    for _ in range(MARKS):
        at = low.rfind("answer", 0, at)
        if at < 0:
            return
        match = _ANSWER.match(low, at)
        if match is None:
            continue
        fragment = _rest_of_line(text, match.end())
        if fragment and not _CLAIM.match(fragment) and not _conditional(low, at):
            yield Declared("final_line", match.end(), fragment)


def _conditional(low: str, at: int) -> bool:
    """Whether the sentence up to ``at`` is a condition: "If it is 3, the answer is no"."""
    sentence = low[max(0, at - 160) : at]
    begin = max(sentence.rfind("\n"), sentence.rfind(". "), sentence.rfind("; ")) + 1
    return sentence[begin:].lstrip(" *-").startswith("if ")


def _rest_of_line(text: str, begin: int) -> str:
    r"""Return the line from ``begin``, or the next that holds something (``**Answer:**\n\[``)."""
    for _ in range(3):
        end = text.find("\n", begin)
        line = text[begin : end if end >= 0 else None][:LINE]
        if not _BLANK.fullmatch(line):
            return line.strip()
        if end < 0:
            return ""
        begin = end + 1
    return ""


def _hashes(text: str) -> Iterator[Declared]:
    """Yield ``#### n``: it closes a worked solution; further up only a number counts."""
    last = text.rstrip().rfind("\n") + 1
    for match in list(_HASHES.finditer(text))[-MARKS:]:
        fragment = match[1].strip()
        if fragment and (match.start() >= last or _NUMBER_ONLY.match(fragment)):
            yield Declared("final_line", match.start(1), fragment)
