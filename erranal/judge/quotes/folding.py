"""Texts folded for comparison, with the way back to the original code points.

Two texts fold to the same when they differ in nothing but compatibility forms (full width,
ligatures, precomposed letters), white space beside punctuation, kinds of dashes and quotation
marks, invisible characters, LaTeX spacing and math delimiters, or Markdown emphasis. Digits are
never merged or dropped: a superscript folds to ``^`` and a digit, a fraction keeps its distance
from the number before it, and white space between two words or numbers stays.
"""

from __future__ import annotations

import re
import unicodedata
from array import array
from dataclasses import dataclass
from functools import lru_cache

FOLD_LIMIT = 200_000

_PIECE = re.compile(
    # Printable ASCII, without what may be markup; one space between two words is kept anyhow.
    r"([!-#%-)+-\[\]-_a-~]+(?:(?<=[0-9A-Za-z]) [0-9A-Za-z][!-#%-)+-\[\]-_a-~]*)*)"
    r"|((?:[\s$`\u2409-\u240d\u241c-\u241f]|\*\*+|\\[,;:! ()\[\]\\])++)"
    r"|\\(times|cdot|div|leq?|geq?|neq?|pm|approx)(?![A-Za-z])"
    r"|\\([%&#_{}])"
    r"|(.)",
    re.DOTALL,
)
_PLAIN, _SPACE, _COMMAND, _OTHER = 1, 2, 3, 5
_TEX = {
    "times": "*", "cdot": "*", "div": "/", "le": "≤", "leq": "≤", "ge": "≥", "geq": "≥",
    "ne": "=\u0338", "neq": "=\u0338", "pm": "±", "approx": "≈",
}  # fmt: skip
_SAME = {
    **dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\u00b4\u02bc", "'"),
    **dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb", '"'),
    **dict.fromkeys("\u2212\u2043\u2010\u2011", "-"),
    **dict.fromkeys("‹＜", "<"), **dict.fromkeys("›＞", ">"), "⟦": "[", "⟧": "]",
    **dict.fromkeys("×·⋅∙", "*"), "÷": "/", "⁄": "/", "∕": "/", "…": "...", "\u00ad": "",
}  # fmt: skip
_DROPPED = ("Cc", "Cf", "Cs")
_RAISED = {"<super>": "^", "<sub>": "_"}
_SPACED = ("<fraction>", "<circle>")
# From here on, scripts are written without spaces between words.
_UNSPACED = "\u2e80"


@dataclass(frozen=True, slots=True)
class Folded:
    """A folded text; ``starts`` and ``ends`` give for each character its span in the original."""

    text: str
    starts: array[int]
    ends: array[int]

    def original(self, start: int, end: int) -> tuple[int, int]:
        """Return the span of the original that a span of the folded text comes from."""
        return self.starts[start], self.ends[end - 1]

    def whole(self, start: int, end: int) -> bool:
        """Return whether a span begins and ends between characters of the original."""
        starts, text = self.starts, self.text
        if start and starts[start - 1] == starts[start]:
            return False
        if end < len(text) and starts[end] == starts[end - 1]:
            return False
        after = text[end] if end < len(text) else " "
        return not (unicodedata.combining(after) or unicodedata.combining(text[start]))


class _Builder:
    def __init__(self) -> None:
        self.out: list[str] = []
        self.starts = array("I")
        self.ends = array("I")
        self._last = " "
        self._space: int | None = None
        self._raised = ""

    def run(self, text: str, start: int, end: int) -> None:
        """Add a run of characters that stand for themselves."""
        if self._space is not None:
            self._close_up(text[0], start)
        self.out.append(text)
        self.starts.extend(range(start, end))
        self.ends.extend(range(start + 1, end + 1))
        self._last, self._raised = text[-1], ""

    def piece(self, text: str, start: int, end: int) -> None:
        """Add a text that stands for one character, or one command, of the original."""
        if self._space is not None:
            self._close_up(text[0], start)
        self.out.append(text)
        self.starts.extend([start] * len(text))
        self.ends.extend([end] * len(text))
        self._last, self._raised = text[-1], ""

    def space(self, start: int) -> None:
        if self._space is None:
            self._space = start

    def char(self, char: str, start: int) -> None:
        """Add one character that does not simply stand for itself."""
        folded, raised = _folded(char)
        if raised and raised == self._raised:
            folded = folded[1:]
        if folded.startswith(" "):
            self.space(start)
        if folded.strip():
            self.piece(folded.strip(), start, start + 1)
            self._raised = raised
        if len(folded) > 1 and folded.endswith(" "):
            self.space(start)

    def _close_up(self, first: str, start: int) -> None:
        """Keep the white space before ``first`` only where it parts two words or numbers."""
        if self._space is not None and _parts(self._last, first):
            self.out.append(" ")
            self.starts.append(self._space)
            self.ends.append(max(start, self._space + 1))
        self._space = None


def _parts(last: str, first: str) -> bool:
    return last.isalnum() and first.isalnum() and last < _UNSPACED and first < _UNSPACED


@lru_cache(maxsize=8_192)
def _folded(char: str) -> tuple[str, str]:
    """Return what a character folds to, and the sign of being raised or lowered, if it is."""
    if char in _SAME:
        return _SAME[char], ""
    category = unicodedata.category(char)
    if category in _DROPPED or "\ufe00" <= char <= "\ufe0f" or "\u2400" <= char <= "\u2421":
        return "", ""
    if char == "\ufffd":
        return "", ""
    if category == "Pd":
        return "-", ""
    kind = unicodedata.decomposition(char).partition(" ")[0]
    plain = "".join(_SAME.get(c, c) for c in unicodedata.normalize("NFKD", char) if c != " ")
    if kind in _RAISED:
        return _RAISED[kind] + plain, _RAISED[kind]
    return (f" {plain} " if kind in _SPACED else plain), ""


@lru_cache(maxsize=24)
def fold(text: str) -> Folded:
    """Return a text folded; of one beyond ``FOLD_LIMIT`` characters, its beginning."""
    builder = _Builder()
    for match in _PIECE.finditer(text[:FOLD_LIMIT]):
        kind, start = match.lastindex, match.start()
        if kind == _PLAIN:
            builder.run(match[1], start, match.end())
        elif kind == _SPACE:
            builder.space(start)
        elif kind == _OTHER:
            builder.char(match[5], start)
        else:
            command = _TEX[match[3]] if kind == _COMMAND else match[4]
            builder.piece(command, start, match.end())
    folded = Folded("".join(builder.out), builder.starts, builder.ends)
    return folded if folded.text.isascii() else _in_canonical_order(folded)


def _in_canonical_order(folded: Folded) -> Folded:
    """Sort combining marks behind their letter, so that the order they were typed in is gone."""
    text = folded.text
    order: list[int] = []
    pending: list[int] = []
    for position, char in enumerate(text):
        if unicodedata.combining(char):
            pending.append(position)
            continue
        order += sorted(pending, key=lambda at: unicodedata.combining(text[at]))
        pending = []
        order.append(position)
    order += sorted(pending, key=lambda at: unicodedata.combining(text[at]))
    if order == sorted(order):
        return folded
    return Folded(
        "".join(text[at] for at in order),
        array("I", (folded.starts[at] for at in order)),
        array("I", (folded.ends[at] for at in order)),
    )
