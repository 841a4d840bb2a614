"""JSON schemas of replies, generated from a codebook.

They keep to what every server takes: all properties required, none besides, no limits on lengths
and numbers. For a model in process they are exact: every reply that fits can be read. Limits are
checked when a reply is read (:mod:`erranal.judge.reply`). Properties come in the order in which
they are to be written: grounds before the verdict.
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
_SHARE: dict[str, Any] = {"type": "number", "minimum": 0, "maximum": 1}


def verdict_schema(book: Codebook, style: Style) -> dict[str, Any]:
    """Return the schema of a reply about all codes at once: a boolean for each."""
    codes = [*asked(book, style), GAP]
    quote = {"code": _one_of(codes), "source": _one_of(sources(style)), "quote": _STRING}
    schema = _object(
        {
            "rationale": _STRING,
            "codes": _object(dict.fromkeys(codes, _TRUTH)),
            "evidence": {"type": "array", "items": _object(quote)},
            "primary": _one_of([*codes, NONE]),
            "gap_note": _STRING,
            "confidence": _SHARE if style.exact else _NUMBER,
        }
    )
    return (
        {"anyOf": [_agreeing(schema, name) for name in (*codes, NONE)]} if style.exact else schema
    )


def _agreeing(schema: dict[str, Any], primary: str) -> dict[str, Any]:
    """Return the schema of the replies with this primary, in which the codes agree with it."""
    properties = schema["properties"]
    codes = properties["codes"]["properties"]
    if primary == NONE:
        agreeing = {name: {"const": False} for name in codes}
    else:
        agreeing = codes | {primary: {"const": True}}
    changed = {"codes": _object(agreeing), "primary": {"const": primary}}
    return _object(properties | changed)


def answer_schema(code: str, *, exact: bool = False) -> dict[str, Any]:
    """Return the schema of a reply about one code."""
    quote = {"source": _one_of(SOURCES), "quote": _STRING}
    return _object(
        {
            "rationale": _STRING,
            "evidence": {"type": "array", "items": _object(quote)},
            "applies": {**_TRUTH, "description": f"whether {code} applies"},
            "confidence": _SHARE if exact else _NUMBER,
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
