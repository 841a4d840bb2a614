"""What must be equal in a quote and in what it is found as, however alike the two are."""

from __future__ import annotations

import re
import unicodedata

# In a folded text: numbers, operators, variables and option letters, words that turn a sentence
# around. A hyphen between two letters is none of these; neither are the articles "a" and "I".
_TELLING = re.compile(
    r"\d+(?:[.,]\d+)*"
    r"|[=<>≤≥≈]\u0338?|[±+*/^_%]"
    r"|(?<![^\W\d_])-|-(?![^\W\d_])"
    r"|(?<![^\W_])(?:[B-HJ-Zb-hj-z]|A|[^\W\d_a-zA-Z])(?![^\W_])"
    r"|\b(?:no|not|none|nor|never|neither|without|cannot|un(?:true|equal|able))\b|n't\b",
)
_ALSO = re.compile(r"\b(?:No|Not|None|Nor|Never|Neither|Without|Cannot)\b")


def telling(folded: str) -> tuple[str, ...]:
    """Return the numbers, signs, letters and negations of a folded text, in order."""
    return tuple(_TELLING.findall(_ALSO.sub(lambda match: match[0].lower(), folded)))


def splits_number(text: str, start: int, end: int) -> bool:
    """Return whether a span begins or ends within a number, or leaves off its sign or power."""
    return _cut_before(text, start) or _cut_after(text, end)


def splits_word(text: str, start: int, end: int) -> bool:
    """Return whether a span begins or ends within a word of a script that has spaces."""
    return _within(text, start) or _within(text, end)


def splits_letter(text: str, end: int) -> bool:
    """Return whether a span ends between a letter and its accent, or a sign and its stroke."""
    return end < len(text) and unicodedata.combining(text[end]) > 0


def _within(text: str, at: int) -> bool:
    if not 0 < at < len(text):
        return False
    before, after = text[at - 1], text[at]
    return before.isalnum() and after.isalnum() and max(before, after) < "\u2e80"


def _cut_before(text: str, start: int) -> bool:
    if not 0 < start < len(text) or not text[start].isdigit():
        return False
    before = text[start - 1]
    further = text[start - 2] if start > 1 else " "
    if before in "-\u2212":
        return not (further.isalnum() or further in ")]}")
    if before in ".,":
        return further.isdigit() or (before == "." and not further.isalpha())
    return before.isdigit() or before == "^"


def _cut_after(text: str, end: int) -> bool:
    if not 0 < end < len(text) or not text[end - 1].isdigit():
        return False
    after = text[end]
    further = text[end + 1] if end + 1 < len(text) else " "
    return after.isdigit() or after == "^" or (after in ".," and further.isdigit())
