"""JSON schemas of replies, generated from a codebook.

They keep to what every server takes: all properties required, none besides, no limits on lengths
and numbers. Limits are checked when a reply is read (:mod:`erranal.judge.reply`). Properties come
in the order in which they are to be written: grounds before the verdict.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from erranal.judge.prompt.style import GAP, NONE, SOURCES, Style, asked, sources

if TYPE_CHECKING:
    from erranal.codebook import Codebook

_STRING: dict[str, Any] = {"type": "string"}
_TRUTH: dict[str, Any] = {"type": "boolean"}
_NUMBER: dict[str, Any] = {"type": "number"}


def verdict_schema(book: Codebook, style: Style) -> dict[str, Any]:
    """Return the schema of a reply about all codes at once: a boolean for each."""
    codes = [*asked(book, style), GAP]
    quote = {"code": _one_of(codes), "source": _one_of(sources(style)), "quote": _STRING}
    return _object(
        {
            "rationale": _STRING,
            "codes": _object(dict.fromkeys(codes, _TRUTH)),
            "evidence": {"type": "array", "items": _object(quote)},
            "primary": _one_of([*codes, NONE]),
            "gap_note": _STRING,
            "confidence": _NUMBER,
        }
    )


def answer_schema(code: str) -> dict[str, Any]:
    """Return the schema of a reply about one code."""
    quote = {"source": _one_of(SOURCES), "quote": _STRING}
    return _object(
        {
            "rationale": _STRING,
            "evidence": {"type": "array", "items": _object(quote)},
            "applies": {**_TRUTH, "description": f"whether {code} applies"},
            "confidence": _NUMBER,
        }
    )


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _one_of(values: Iterable[str]) -> dict[str, Any]:
    return {"type": "string", "enum": list(values)}
