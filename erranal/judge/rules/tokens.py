r"""Cutting a line of worked mathematics into numbers, operators, units and the rest.

Plain text, calculator annotations and the common part of LaTeX (``\frac``, ``\times``, ``\text``)
come out as the same tokens, each with its place in the text. Every pattern is linear.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_PATTERN = re.compile(
    r"""
    (?P<number>\d{1,3}(?:(?:,|\{,\})\d{3})+(?![\d])(?:\.\d+)?|\d+(?:\.\d+)?|(?<![\w)}])\.\d+)
  | (?P<stop>[<>!=]==?|=>|[-=]>|[≠≤≥→⇒]|\\(?:neq?|leq?|geq?|to)\b|::)
  | (?P<equals>=|(?P<about>≈|≃|\\approx\b|\\simeq\b))
  | (?P<power>\^(?!\s*\{?\s*\\circ)|(?<=[\d)])\s?\*\*\s?(?=[\d(]))
  | (?P<degree>\^\s*\{?\s*\\circ\s*\}?|°)
  | (?P<gap>\s+|\*\*|\\[,;:!\ ()\[\]]|\\q?quad\b|&|\\displaystyle\b
      |\\(?:left|right)(?=[()])|\\(?=[$%]))
  | (?P<times>[*×·⋅∙]|\\times\b|\\cdot\b|\\ast\b|(?<=[\s\d)%])[xX](?=\s*[\d($\\]))
  | (?P<divide>[/÷]|\\div\b)
  | (?P<plus>\+)
  | (?P<minus>[-−–])
  | (?P<open>\()
  | (?P<close>\))
  | (?P<brace>\{)
  | (?P<unbrace>\})
  | (?P<fraction>\\[dt]?frac\b)
  | (?P<percent>%)
  | (?P<currency>[$€£])
  | (?P<label>\\(?:text|mathrm|textbf|mathbf)\s?\{[^{}\n]{0,60}\})
  | (?P<arrow>\\(?:implies|Rightarrow|therefore|rightarrow|iff)\b|∴)
  | (?P<command>\\[A-Za-z]+)
  | (?P<word>[^\W\d_]+(?:['’-][^\W\d_]+){0,3})
  | (?P<other>.)
    """,
    re.VERBOSE,
)

OPERATORS = frozenset({"times", "divide", "plus", "minus"})

# Words that may follow a number without being part of the calculation, beside those of 3 letters.
_SHORT = (
    "kg cm mm km ml hr hrs mi ft in lb oz mg hz kw mph kmh min sec dl cl nm mw kj ev V A N J W Ω"
)
_SHORT_UNITS = frozenset(_SHORT.split())
# Words after a number that continue the sentence, or change the number's value.
_CONTINUES = (
    "and are but for from has have into minus mod modulo more not per plus remainder so squared"
    " cubed than that the then there therefore thus times was were which with hence gives"
    " hundred thousand million billion trillion dozen percent over divided by of is or to"
)
_NO_UNIT = frozenset(_CONTINUES.split())


class Token(NamedTuple):
    """One piece of a text: what it is, its text, and its place in code points."""

    kind: str
    text: str
    start: int
    end: int


def tokenise(text: str, start: int, end: int) -> list[Token]:
    """Return the tokens of ``text[start:end]`` without the gaps between them."""
    tokens: list[Token] = []
    for match in _PATTERN.finditer(text, start, end):
        kind = match.lastgroup or "other"
        if kind == "about":
            kind = "equals"
        if kind == "gap":
            continue
        piece = match.group()
        if kind in {"word", "label"}:
            kind = _word_kind(piece, kind, tokens)
        tokens.append(Token(kind, piece, match.start(), match.end()))
    return tokens


_TAKES_UNIT = frozenset({"number", "percent", "degree", "close", "unbrace"})


def _word_kind(word: str, kind: str, before: list[Token]) -> str:
    """Return ``unit`` for a word that stands right after a number (two such words at most)."""
    if kind == "label":
        return "unit"
    if not before:
        return "word"
    last = before[-1]
    if last.kind == "percent" and word == "of":
        return "times"
    if not _names_a_unit(word):
        return "word"
    if last.kind in _TAKES_UNIT:
        return "unit"
    second = last.kind == "unit" and len(before) > 1 and before[-2].kind == "number"
    return "unit" if second and not last.text.startswith("\\") else "word"


def _names_a_unit(word: str) -> bool:
    lower = word.lower()
    return (len(word) > 2 and lower not in _NO_UNIT) or word in _SHORT_UNITS
