"""Loops: a passage repeated over and over, found in time linear in the length of the text."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from erranal.judge.verdict import Evidence, Record, span

CODE = "collapse.repetition"
MIN_ROUNDS = 5
MIN_CHARS = 100
MIN_CHARS_WITHOUT_WORDS = 300  # zeros of a matrix and rules of a table repeat by nature
TAIL = 800
MAX_CHARS = 60_000
COMPRESSIBLE = 0.35

# Short pieces, so that a loop without spaces is seen too.
_PIECE = re.compile(r"\w{1,8}|[^\w\s]")
_LETTERS = re.compile(r"[^\W\d_]{2}")


class Loop(NamedTuple):
    """A stretch in which every piece equals the one a fixed number of pieces earlier."""

    start: int
    end: int
    rounds: int


def assess(record: Record) -> list[Evidence]:
    """Return the stretch of the response that repeats itself."""
    found = longest_loop(record.response[:MAX_CHARS])
    if found is None:
        return []
    note = f"the same passage {found.rounds} times, over {found.end - found.start} characters"
    return [span(CODE, record, "response", (found.start, found.end), note)]


def longest_loop(text: str) -> Loop | None:
    """Return the longest loop of a text, or None."""
    if len(text) < MIN_CHARS or not _suspicious(text):
        return None
    loops = [
        _placed(text, first, last, period)
        for first, last, period in periodic(_PIECE.findall(text))
        if (last - first + 1) // period >= MIN_ROUNDS
    ]
    long_enough = [loop for loop in loops if _counts(text, loop)]
    return max(long_enough, key=lambda loop: loop.end - loop.start, default=None)


def _placed(text: str, first: int, last: int, period: int) -> Loop:
    """Return the loop of these pieces; places are looked up for the few that need them."""
    ends = list(islice(_PIECE.finditer(text), first, last + 1))
    return Loop(ends[0].start(), ends[-1].end(), (last - first + 1) // period)


def _suspicious(text: str) -> bool:
    """Tell cheaply whether the end, or the whole, is far more compressible than prose."""
    tail = text[-TAIL:].encode("utf-8", "replace")
    if len(zlib.compress(tail, 1)) < COMPRESSIBLE * len(tail):
        return True
    whole = text.encode("utf-8", "replace") if len(text) > 2 * TAIL else tail
    return len(zlib.compress(whole, 1)) < COMPRESSIBLE * len(whole)


def _counts(text: str, loop: Loop) -> bool:
    has_words = _LETTERS.search(text, loop.start, loop.end) is not None
    return loop.end - loop.start >= (MIN_CHARS if has_words else MIN_CHARS_WITHOUT_WORDS)


def periodic(pieces: Sequence[str]) -> Iterator[tuple[int, int, int]]:
    """Yield (first, last, period) of the stretches of pieces with a fixed period, in one pass.

    The previous place of every three pieces proposes a period; it is kept as long as pieces agree
    with those one period earlier.
    """
    seen: dict[tuple[str, str, str], int] = {}
    period, first = 0, 0
    for index, gram in enumerate(zip(pieces, pieces[1:], pieces[2:], strict=False), start=2):
        if period and gram[2] != pieces[index - period]:
            yield first, index - 1, period
            period = 0
        if not period and (before := seen.get(gram)) is not None:
            period, first = index - before, before - 2
        seen[gram] = index
    if period:
        yield first, len(pieces) - 1, period
