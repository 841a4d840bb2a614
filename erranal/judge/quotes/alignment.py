"""Quotes that are almost there: the best window of a text, if it says the same."""

from __future__ import annotations

import re
from collections.abc import Iterator

from erranal.judge.quotes.folding import Folded, fold
from erranal.judge.quotes.guard import splits_number, telling

# Share of equal characters, in per cent, from which a quote counts as found.
THRESHOLD = 90.0
# Shorter quotes are alike by chance; longer ones and longer texts cost more than they tell.
SHORTEST = 12
LONGEST = 600
LONGEST_TEXT = 60_000
_WINDOWS = 4
_NEAR = 40
_WORD = re.compile(r"\d+(?:[.,]\d+)*|\w+")


def align(quote: str, text: str) -> tuple[int, int, float] | None:
    """Return the span of a text that a quote almost equals, and how far, in per cent.

    A window counts when at least ``THRESHOLD`` per cent of it is equal and its numbers, signs,
    single letters and negations are those of the quote, in order.
    """
    wanted = fold(quote).text
    folded = fold(text)
    if not SHORTEST <= len(wanted) <= LONGEST:
        return None
    needed = telling(wanted)
    for start, end in _windows(wanted, folded.text[:LONGEST_TEXT]):
        found = _best(wanted, needed, folded, start, end)
        if found:
            first, last = folded.original(found[0], found[1])
            if not splits_number(text, first, last):
                return first, last, found[2]
    return None


def _windows(wanted: str, text: str) -> Iterator[tuple[int, int]]:
    """Yield the best window, then the best beside it, a few times."""
    from rapidfuzz.fuzz import partial_ratio_alignment

    if len(text) < len(wanted):
        yield 0, len(text)
        return
    ranges = [(0, len(text))]
    for _ in range(_WINDOWS):
        if not ranges:
            return
        low, high = ranges.pop(0)
        # The alignment would swap the two if the text were the shorter one.
        if high - low < len(wanted):
            continue
        found = partial_ratio_alignment(wanted, text[low:high], score_cutoff=THRESHOLD)
        if found is None or found.dest_end <= found.dest_start:
            continue
        start, end = low + found.dest_start, low + found.dest_end
        yield start, end
        ranges += [(end, high), (low, start)]


def _best(
    wanted: str, needed: tuple[str, ...], folded: Folded, start: int, end: int
) -> tuple[int, int, float] | None:
    """Return the window with its ends moved to where words end, the way that fits best."""
    from rapidfuzz.fuzz import ratio

    text = folded.text
    best: tuple[int, int, float] | None = None
    for first in _starts(wanted, text, start):
        for last in _stops(wanted, text, end):
            if first >= last or telling(text[first:last]) != needed:
                continue
            score = ratio(wanted, text[first:last], score_cutoff=THRESHOLD)
            if score and folded.whole(first, last) and (best is None or score > best[2]):
                best = first, last, score
    return best


def _starts(wanted: str, text: str, at: int) -> set[int]:
    """Return where a window may begin: at a word, without punctuation that the quote has not."""
    ends = _ends(text, at)
    if wanted[0].isalnum():
        ends |= {_first_word(text, end) for end in ends}
    return ends


def _stops(wanted: str, text: str, at: int) -> set[int]:
    """Return where a window may end, likewise."""
    ends = _ends(text, at)
    if wanted[-1].isalnum():
        back = text[max(0, at - _NEAR) : at + _NEAR][::-1]
        offset = max(0, at - _NEAR) + len(back)
        ends |= {offset - _first_word(back, offset - end) for end in ends}
    return ends


def _first_word(text: str, at: int) -> int:
    found = _WORD.search(text, at, min(len(text), at + _NEAR))
    return found.start() if found else at


def _ends(text: str, at: int) -> set[int]:
    """Return the word boundaries on both sides of a position, or the position if it is one."""
    for word in _WORD.finditer(text, max(0, at - _NEAR), min(len(text), at + _NEAR)):
        if word.start() < at < word.end():
            return {word.start(), word.end()}
    return {at}
