"""The text a coder is shown of an output, and how its spans map to the texts of the study.

A response is shown as it is. Where a file keeps the reasoning apart, both are shown in one text
under headings, since coders judge the whole; spans are mapped back to the text they lie in.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

_REASONING = "[Reasoning]\n"
_ANSWER = "\n\n[Answer]\n"


class Span(NamedTuple):
    """A piece of one of the study's texts, in Unicode code points, end exclusive."""

    field: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Shown:
    """A text on the screen and the pieces of it that are texts of the study."""

    text: str
    pieces: tuple[Span, ...]

    def place(self, field: str, start: int, end: int) -> tuple[int, int] | None:
        """Return where a span of a text of the study is on the screen, None where it is not."""
        for piece in self.pieces:
            if piece.field == field and 0 <= start < end <= piece.end - piece.start:
                return piece.start + start, piece.start + end
        return None

    def quote(self, span: Span) -> str:
        """Return the text of a span of one of the study's texts, as it is on the screen."""
        placed = self.place(*span)
        return self.text[slice(*placed)] if placed else ""

    def spans(self, start: int, end: int) -> Iterator[Span]:
        """Yield the spans of the study's texts that a span of the screen covers."""
        for piece in self.pieces:
            first, last = max(start, piece.start), min(end, piece.end)
            if first < last:
                yield Span(piece.field, first - piece.start, last - piece.start)


def shown(response: str | None, reasoning: str | None, *, field: str = "response") -> Shown:
    """Return what is shown of one output.

    Parameters
    ----------
    response, reasoning
        Its texts, None where there is none.
    field
        ``response``, or ``reference`` for the output beside it.
    """
    answer, steps = _clean(response), _clean(reasoning)
    if not steps:
        return Shown(answer, (Span(field, 0, len(answer)),))
    start = len(_REASONING)
    second = start + len(steps) + len(_ANSWER)
    named = "reasoning" if field == "response" else f"{field}_reasoning"
    pieces = (Span(named, start, start + len(steps)), Span(field, second, second + len(answer)))
    return Shown(_REASONING + steps + _ANSWER + answer, pieces)


def _clean(text: str | None) -> str:
    # Servers on PostgreSQL refuse NUL; one sign for another keeps every offset.
    return (text or "").replace("\x00", "�")
