"""Finding the one JSON object of a reply, in whatever it was wrapped."""

from __future__ import annotations

import json
import re
from collections.abc import Set
from typing import Any

LONGEST = 200_000
_TRIES = 200
_NAMED = 60

_THOUGHT = re.compile(r"</(?:think|thinking|thought|reasoning)>", re.IGNORECASE)
# In strings, a backslash that begins no escape; outside of them, a comma before a closing bracket.
# A string that is never closed runs to the end, so the whole takes one pass.
_STRING = r'"(?:[^"\\]|\\.)*+(?:"|\Z)'
_PIECE = re.compile(rf"({_STRING})|,(\s*[}}\]])", re.DOTALL)
_ESCAPE = re.compile(r'\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})|(\\)')
_BACKSLASH = "\\\\"


class Unreadable(Exception):  # noqa: N818 - it is the reply that is
    """A reply that cannot be read; the message says why, in words that a judge can act on."""


def find_object(text: str, wanted: Set[str]) -> dict[str, Any]:
    """Return the one object in a reply that has all the wanted properties.

    Code fences, words around it, thoughts before it, raw control characters, trailing commas and
    single backslashes in LaTeX are put up with; two different objects are not.

    Raises
    ------
    Unreadable
        When there is no such object or more than one, or a key is given twice.
    """
    if len(text) > LONGEST:
        raise Unreadable(f"it is {len(text):,} characters long; {LONGEST:,} are the limit")
    text = text.strip().removeprefix("\ufeff")
    if not text:
        raise Unreadable("it is empty")
    try:
        found, problem = _objects_after_thoughts(text, wanted)
        if not found:
            mended = _mended(text)
            if mended != text:
                found, problem = _objects_after_thoughts(mended, wanted)
    except RecursionError:
        raise Unreadable("its JSON is nested too deeply") from None
    if not found:
        raise Unreadable(problem or _nothing(text))
    if any(other != found[0] for other in found[1:]):
        raise Unreadable("it holds more than one JSON object with a verdict")
    return found[0]


def _objects_after_thoughts(text: str, wanted: Set[str]) -> tuple[list[dict[str, Any]], str | None]:
    """Return the objects behind the model's thoughts; a closing tag in a string closes none."""
    *thoughts, rest = _THOUGHT.split(text)
    if thoughts:
        found, problem = _objects(rest, wanted)
        if found:
            return found, problem
    return _objects(text, wanted)


def named(value: object) -> str:
    """Return a value of a reply for a message: as short JSON."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 10**_NAMED:
        return "an enormous number"
    text = json.dumps(value, ensure_ascii=True, default=str)
    return text if len(text) <= _NAMED else f"{text[: _NAMED - 1]}…"


def _objects(text: str, wanted: Set[str]) -> tuple[list[dict[str, Any]], str | None]:
    """Return every outermost object with the wanted properties, and what was wrong with others."""
    found: list[dict[str, Any]] = []
    problem: str | None = None
    at = text.find("{")
    for _ in range(_TRIES):
        if at < 0:
            break
        try:
            value, end = _DECODER.raw_decode(text, at)
        except json.JSONDecodeError as error:
            problem = problem or _broken(text, at, error)
            at = text.find("{", at + 1)
            continue
        except ValueError as error:  # an integer of thousands of digits
            raise Unreadable(f"its JSON holds a number that is too long: {error}") from None
        if wanted <= value.keys():
            found.append(value)
        elif len(value) > 1:
            lacking = next(name for name in sorted(wanted) if name not in value)
            problem = problem or f'"{lacking}" is missing'
        at = text.find("{", end)
    return found, problem


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise Unreadable(f"the key {named(key)} is given twice")
            seen.add(key)
    return value


def _constant(name: str) -> float:
    raise Unreadable(f"{name} is no number in JSON")


# Raw line breaks in strings are common and have one meaning only.
_DECODER = json.JSONDecoder(strict=False, object_pairs_hook=_pairs, parse_constant=_constant)


def _broken(text: str, at: int, error: json.JSONDecodeError) -> str | None:
    """Return what is wrong with what looks like the reply's object; brackets in prose are not."""
    if not re.match(r'\{\s*"', text[at : at + 40]):
        return None
    if error.pos >= len(text.rstrip()) - 1 or "Unterminated" in error.msg:
        return "its JSON ends before the object is closed"
    return f"its JSON is broken at character {error.pos - at + 1:,} of the object ({error.msg})"


def _nothing(text: str) -> str:
    return "it holds no JSON object" if "{" not in text else "it holds no JSON object of the form"


def _mended(text: str) -> str:
    """Return a text without trailing commas, and with lone backslashes doubled in its strings."""
    return _PIECE.sub(_mend, text)


def _mend(match: re.Match[str]) -> str:
    if match[1] is None:
        return match[2]
    if "\\" not in match[1]:
        return match[1]
    return _ESCAPE.sub(lambda escape: _BACKSLASH if escape[1] else escape[0], match[1])
