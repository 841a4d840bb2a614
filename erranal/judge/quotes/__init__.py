"""Where a quote stands in a record's texts.

Judges often quote not quite verbatim. A quote is looked for as it is, then folded
(:mod:`erranal.judge.quotes.folding`), then by alignment. Alignment alone would take 99 of 100
quotes with changed digits, so what it finds must have the same numbers, signs, variables and
negations in the same order (:mod:`erranal.judge.quotes.guard`).

References
----------
Quotes by language models are often not verbatim: arXiv 2511.21401. Alignment of quotes with their
source: arXiv 2510.00276.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

from erranal.judge.prompt.record import choices_text, facts
from erranal.judge.quotes.alignment import align
from erranal.judge.quotes.folding import fold
from erranal.judge.quotes.guard import splits_letter, splits_number, splits_word
from erranal.judge.verdict import Record

__all__ = ["FIELDS", "Place", "locate"]

FIELDS = ("response", "reasoning", "question", "choices", "reference", "reference_reasoning")
# A longer quote may begin or end within a word; a shorter one would be found anywhere.
WORDS_WHOLE_BELOW = 12
# Of so short a quote, such as an option letter, the last place counts: answers come last.
LAST_BELOW = 3
_PLAIN = ("response", "reasoning", "question")
# Pieces joined by an ellipsis are one span where they stand so close together.
MAX_JOINED = 500
MAX_QUOTE_READ = 5_000
_TRIES = 200

_Find = Callable[[str, str], tuple[int, int] | None]
_ELLIPSIS = re.compile(r"\s*(?:[\[(]\s*(?:\.{3,}|…)\s*[\])]|\.{3,}|…)\s*")
_QUOTATION = (("\"'`", "\"'`"), ("“„«‘‚‹", "”“»’‘›"))
# What JSON makes of LaTeX whose backslash was not doubled: "\frac" reads as a form feed and "rac".
_EATEN = re.compile(r"[\x08\x0c\t\r]|\n(?=eq|abla|ot\b|u\b|e\b|i\b)")
_LETTER = {"\x08": "\\b", "\x0c": "\\f", "\t": "\\t", "\r": "\\r", "\n": "\\n"}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a quote was found.

    ``start`` and ``end`` are code points of the field's text, end exclusive; None when it was found
    nowhere, or in what has no offsets: the choices, and the facts about the call (``status``).
    ``quote`` is what stands there, ``score`` how alike it is, 0 to 100.
    """

    field: str
    start: int | None
    end: int | None
    match: str
    quote: str | None = None
    score: float = 100.0


def locate(
    quote: str, record: Record, source: str | None = None, *, reference: bool = True
) -> Place:
    """Return the first place of a quote: verbatim in any text before folded, folded before aligned.

    Parameters
    ----------
    source
        The text that the quote is said to come from; it is searched first, the others after it.
    reference
        Whether the judge was shown the reference; where not, it is not searched.
    """
    given = quote.strip(" \n")[:MAX_QUOTE_READ]
    found: Place | None = None
    if source in _PLAIN:
        found = _verbatim(given, record, source)
    elif source == "status":
        found = _told(given, record)
    found = found or _searched(given, _texts(record, source, reference=reference))
    if found is None and source != "status" and len(given) >= WORDS_WHOLE_BELOW:
        found = _told(given, record)
    named = source if source in FIELDS else "response"
    return found or Place(str(named), None, None, "unsupported", None, 0.0)


def _verbatim(quote: str, record: Record, source: str) -> Place | None:
    """Return the place that nearly every quote has, before any other is looked for."""
    if _EATEN.search(quote):
        return None
    text = str(getattr(record, source))
    found = _exact(quote, text)
    return _place(source, text, found, "exact") if found else None


def _searched(quote: str, texts: list[tuple[str, str]]) -> Place | None:
    if not quote:
        return None
    for match, find in _STAGES:
        for name, text in texts:
            found = find(quote, text)
            if found:
                return _place(name, text, found, match)
    for name, text in texts:
        aligned = align(_bare(quote), text)
        if aligned:
            return _place(name, text, aligned[:2], "fuzzy", aligned[2])
    return None


def _told(quote: str, record: Record) -> Place | None:
    """Return the place of a quote among the facts about the call and the scores."""
    wanted = fold(_bare(quote)).text.casefold()
    text = facts(record)
    told = fold(text).text.casefold()
    at = told.find(wanted) if wanted else -1
    if at < 0 or splits_word(told, at, at + len(wanted)):
        return None
    return Place("status", None, None, "exact" if quote in text else "normalised", quote)


def _place(name: str, text: str, found: tuple[int, int], match: str, score: float = 100.0) -> Place:
    start, end = found
    if name == "choices":
        return Place(name, None, None, match, text[start:end], score)
    return Place(name, start, end, match, text[start:end], score)


def _texts(record: Record, source: str | None, *, reference: bool) -> list[tuple[str, str]]:
    names = [name for name in FIELDS if reference or not name.startswith("reference")]
    if source in names:
        names = [name for name in names if name.startswith(str(source))] + [
            name for name in names if not name.startswith(str(source))
        ]
    texts = (
        (name, choices_text(record) if name == "choices" else str(getattr(record, name)))
        for name in names
    )
    return [(name, text) for name, text in texts if text]


def _exact(quote: str, text: str) -> tuple[int, int] | None:
    wanted = quote.strip()
    return next(_occurrences(wanted, text, wanted), None) if wanted else None


def _normalised(quote: str, text: str) -> tuple[int, int] | None:
    return _folded_from(_bare(quote), text, 0)


def _unescaped(quote: str, text: str) -> tuple[int, int] | None:
    restored = _EATEN.sub(lambda match: _LETTER[match[0]], quote)
    return _normalised(restored, text) if restored != quote else None


def _folded_from(quote: str, text: str, after: int) -> tuple[int, int] | None:
    """Return the first folded occurrence that begins at or after an offset of the original."""
    wanted, folded = fold(quote).text, fold(text)
    if not wanted:
        return None
    for start, end in _occurrences(wanted, folded.text, None):
        span = folded.original(start, end)
        if span[0] >= after and folded.whole(start, end) and _sound(text, span, len(quote)):
            return span
    return None


def _occurrences(wanted: str, text: str, quote: str | None) -> Iterator[tuple[int, int]]:
    """Yield the spans of a string, soundly cut ones only where ``quote`` is the original's."""
    spans = _found(wanted, text, last=len(wanted) < LAST_BELOW)
    for span in islice(spans, _TRIES):
        if quote is None or _sound(text, span, len(quote)):
            yield span


def _found(wanted: str, text: str, *, last: bool) -> Iterator[tuple[int, int]]:
    at = text.rfind(wanted) if last else text.find(wanted)
    while at >= 0:
        yield at, at + len(wanted)
        at = text.rfind(wanted, 0, at) if last else text.find(wanted, at + 1)


def _sound(text: str, span: tuple[int, int], length: int) -> bool:
    if splits_number(text, *span) or splits_letter(text, span[1]):
        return False
    return length >= WORDS_WHOLE_BELOW or not splits_word(text, *span)


def _joined(quote: str, text: str) -> tuple[int, int] | None:
    """Return the span of pieces that were joined by ellipses, or the longest where it is wide."""
    pieces = [piece for piece in _ELLIPSIS.split(_bare(quote)) if piece]
    if not 2 <= len(pieces) <= 6 or min(map(len, pieces)) < 4:
        return None
    spans: list[tuple[int, int]] = []
    for piece in pieces:
        found = _folded_from(piece, text, spans[-1][1] if spans else 0)
        if not found:
            return None
        spans.append(found)
    if spans[-1][1] - spans[0][0] <= MAX_JOINED:
        return spans[0][0], spans[-1][1]
    return max(spans, key=lambda span: span[1] - span[0])


def _bare(quote: str) -> str:
    """Return a quote without quotation marks and ellipses around it."""
    quote = quote.strip()
    for opening, closing in _QUOTATION:
        if len(quote) > 2 and quote[0] in opening and quote[-1] in closing:
            quote = quote[1:-1].strip()
    first, last = _ELLIPSIS.match(quote), re.search(r"(?:\s*(?:\[?\.{3,}\]?|\[?…\]?))$", quote)
    start = first.end() if first else 0
    end = last.start() if last else len(quote)
    return quote[start:end] if start < end else quote


_STAGES: tuple[tuple[str, _Find], ...] = (
    ("normalised", _unescaped),
    ("exact", _exact),
    ("normalised", _normalised),
    ("normalised", _joined),
)
