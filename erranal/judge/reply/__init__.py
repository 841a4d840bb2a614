"""Reading a judge's reply, strictly: what it says, or why it cannot be read.

Nothing is guessed. A reply that leaves a code out, names one that is not in the book, contradicts
itself or can be read in two ways is :class:`Unreadable`, and its message says what to put right.
An unreadable reply is asked for again, and otherwise counts as missing, never as "no error".
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from erranal.judge.prompt.style import GAP, NONE, SOURCES, Style, asked
from erranal.judge.reply.document import Unreadable, find_object, named
from erranal.judge.reply.yes import probability_of_yes

if TYPE_CHECKING:
    from erranal.codebook import Codebook
    from erranal.models.chat import Token

__all__ = ["Quote", "Reading", "Unreadable", "parse_all", "parse_one"]

MOST_QUOTES = 60
LONGEST_RATIONALE = 4_000
LONGEST_NOTE = 500


@dataclass(frozen=True, slots=True)
class Quote:
    """What a judge quotes for a code, and the text that it says it comes from."""

    code: str
    source: str
    text: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What one readable reply says.

    ``asked`` is the one code that it was about, None when it was about all. ``primary`` is a code,
    ``none`` or ``codebook gap``, None when one code was asked about; so is ``gap``.
    ``confidence`` is stated by the judge; ``probability`` is of yes, from the log-probabilities,
    where one code was asked about and there are any.
    """

    rationale: str
    codes: tuple[str, ...]
    confidence: float
    quotes: tuple[Quote, ...] = ()
    primary: str | None = None
    gap: bool | None = None
    gap_note: str | None = None
    asked: str | None = None
    probability: float | None = None


def parse_all(text: str, book: Codebook, style: Style) -> Reading:
    """Read a reply about all codes at once.

    Raises
    ------
    Unreadable
        When it cannot be read in exactly one way, or breaks the form that was asked for.
    """
    found = find_object(text, {"codes", "primary"})
    codes = asked(book, style)
    given = _given(_of(found, "codes", dict), (*codes, GAP))
    primary = _of(found, "primary", str)
    _check_primary(primary, given, codes)
    gap = GAP in given
    note = _of(found, "gap_note", str).strip() if gap else ""
    return Reading(
        rationale=_rationale(found),
        codes=tuple(code for code in codes if code in given),
        confidence=_confidence(found),
        quotes=_quotes(found, given, {*codes, GAP, NONE}),
        primary=primary,
        gap=gap,
        gap_note=_clean(note)[:LONGEST_NOTE] or None,
    )


def parse_one(text: str, code: str, logprobs: Sequence[Token] = ()) -> Reading:
    """Read a reply about one code.

    Raises
    ------
    Unreadable
        When it cannot be read in exactly one way, or breaks the form that was asked for.
    """
    found = find_object(text, {"applies"})
    applies = _of(found, "applies", bool)
    quotes = [_quote(item, code) for item in _items(found)]
    return Reading(
        rationale=_rationale(found),
        codes=(code,) if applies else (),
        confidence=_confidence(found),
        quotes=tuple(quote for quote in quotes if quote.text) if applies else (),
        asked=code,
        probability=probability_of_yes(logprobs, applies=applies),
    )


def _given(answers: dict[str, Any], codes: tuple[str, ...]) -> frozenset[str]:
    """Return the codes that are true; every code must be answered, and no other."""
    if answers.keys() != set(codes):
        for code in answers:
            if code not in codes:
                raise Unreadable(f'{named(code)} in "codes" is no code of the codebook')
        missing = [code for code in codes if code not in answers]
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        raise Unreadable(f'"codes" leaves out {", ".join(map(named, missing[:3]))}{more}')
    for code, answer in answers.items():
        if answer is not True and answer is not False:
            raise Unreadable(f"{named(code)} is {named(answer)}; it must be true or false")
    return frozenset(code for code, answer in answers.items() if answer)


def _check_primary(primary: str, given: frozenset[str], codes: tuple[str, ...]) -> None:
    if primary in given:
        return
    if primary == NONE:
        if given:
            first = next(code for code in (*codes, GAP) if code in given)
            raise Unreadable(f'"primary" is "none", but {named(first)} is true')
    elif primary in codes or primary == GAP:
        raise Unreadable(f'"primary" is {named(primary)}, which is false in "codes"')
    else:
        raise Unreadable(f"the primary {named(primary)} is no code of the codebook")


def _quotes(found: Mapping[str, Any], given: frozenset[str], known: set[str]) -> tuple[Quote, ...]:
    """Return the quotes of codes that are true; those of others show nothing."""
    quotes = []
    for item in _items(found):
        code = _of(item, "code", str)
        if code not in known:
            raise Unreadable(f'{named(code)} in "evidence" is no code of the codebook')
        quote = _quote(item, code)
        if code in given and quote.text:
            quotes.append(quote)
    return tuple(quotes)


def _items(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = _of(found, "evidence", list)
    if len(items) > MOST_QUOTES:
        raise Unreadable(f'"evidence" has {len(items):,} entries; {MOST_QUOTES} are plenty')
    for item in items:
        if not isinstance(item, dict):
            raise Unreadable(f'an entry of "evidence" is {named(item)}; it must be an object')
    return items


def _quote(item: Mapping[str, Any], code: str) -> Quote:
    source = _of(item, "source", str)
    if source not in SOURCES:
        listed = ", ".join(SOURCES)
        raise Unreadable(f"the source {named(source)} is not known; it must be one of {listed}")
    # Not cleaned: what is searched for must be what was quoted.
    return Quote(code, source, _of(item, "quote", str))


_WORDS = {str: "a string", bool: "true or false", list: "an array", dict: "an object"}


def _of(found: Mapping[str, Any], name: str, kind: type) -> Any:
    if name not in found:
        raise Unreadable(f'"{name}" is missing')
    value = found[name]
    if type(value) is not kind:
        raise Unreadable(f'"{name}" is {named(value)}; it must be {_WORDS[kind]}')
    return value


def _confidence(found: Mapping[str, Any]) -> float:
    value = found.get("confidence")
    if not isinstance(value, int | float) or isinstance(value, bool):
        said = "missing" if value is None else named(value)
        raise Unreadable(f'"confidence" is {said}; it must be a number from 0 to 1')
    if not (0 <= value <= 1 and math.isfinite(value)):
        raise Unreadable(f'"confidence" is {named(value)}; it must lie from 0 to 1')
    return float(value)


def _rationale(found: Mapping[str, Any]) -> str:
    text = _clean(_of(found, "rationale", str).strip())
    return text if len(text) <= LONGEST_RATIONALE else f"{text[: LONGEST_RATIONALE - 1]}…"


def _clean(text: str) -> str:
    """Return a text that can be stored: lone surrogates and NUL are no characters."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\ufffd")
