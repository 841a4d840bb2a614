"""From a codebook and a record to the request that a judge is sent.

The part that is the same for every record comes first, so that a provider's prompt cache holds it.
When each code is asked about by itself, the record comes before the question, for the same reason.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from erranal.judge import schema
from erranal.judge.prompt import instructions as say
from erranal.judge.prompt.codes import codebook_text, decision_text
from erranal.judge.prompt.data import mark, section, show
from erranal.judge.prompt.record import blinded, body
from erranal.judge.prompt.style import GAP, NONE, Style, asked, sources
from erranal.judge.verdict import Record
from erranal.models.chat import ChatRequest, Message, Mode, Picture

if TYPE_CHECKING:
    from erranal.codebook import Codebook
    from erranal.judge.shots import Shot

__all__ = ["GAP", "NONE", "VERSION", "Style", "asked", "blinded", "prefix", "repair", "request"]

# Raise it whenever a wording changes: verdicts of another version are not mixed up with these.
VERSION = "1"

REPLY_LIMIT = 4_000
_SHOT_KEY = b"coded records"
_KEPT = 64
_kept: dict[tuple[object, ...], Any] = {}


def prefix(book: Codebook, style: Style) -> str:
    """Return the part of the prompt that does not depend on the record.

    Raises
    ------
    StageError
        When the style asks about a code that is not in the book.
    """
    key = ("prefix", book.hash, book.source_text, style)
    return str(_keep(key, lambda: _prefix(book, style)))


def request(
    book: Codebook,
    style: Style,
    record: Record,
    *,
    marker_key: bytes,
    picture: Picture | None = None,
    code: str | None = None,
    mode: Mode = "json_schema",
    sample: int = 0,
) -> ChatRequest:
    """Return the request about one record.

    Parameters
    ----------
    marker_key
        Secret of the study; the marks that border the record's texts are derived from it.
    picture
        What the item looks like, for a judge that can see.
    code
        The one code to ask about when the style is ``each``; None when it is ``all``.
    sample
        Index of the sample; it moves the seed, where there is one.
    """
    shown, sign = body(style, record, key=marker_key, picture=picture is not None)
    close = _close(book, code).replace("MARK", sign, 1)
    parts = (shown, picture, close) if picture else (f"{shown}\n\n{close}",)
    return ChatRequest(
        messages=(Message("system", (prefix(book, style),)), Message("user", parts)),
        schema=_schema(book, style, code),
        mode=mode,
        max_tokens=style.max_tokens,
        temperature=style.temperature,
        top_p=style.top_p,
        seed=None if style.seed is None else style.seed + sample,
        top_logprobs=style.top_logprobs if code else 0,
    )


def repair(request: ChatRequest, reply_text: str, problem: str) -> ChatRequest:
    """Return the request that asks once more, showing the unreadable reply as data."""
    *before, last = request.messages
    shown, why = show(reply_text), show(problem).text
    texts = [part for part in last.parts if isinstance(part, str)]
    # The record's own mark is among the texts, so this one cannot be foreseen either.
    sign = mark(_SHOT_KEY, [*texts, shown.text, why])
    reply = section("unreadable reply", shown, REPLY_LIMIT, sign)
    again = _filled(say.REPAIR, PROBLEM=why.rstrip("."), MARK=sign, REPLY=reply)
    return replace(request, messages=(*before, Message(last.role, _with_text(last.parts, again))))


def _with_text(parts: tuple[str | Picture, ...], more: str) -> tuple[str | Picture, ...]:
    """Return the parts with a text added, to the last one where that is a text."""
    last = parts[-1]
    return (*parts[:-1], f"{last}\n\n{more}") if isinstance(last, str) else (*parts, more)


def _prefix(book: Codebook, style: Style) -> str:
    everything = style.ask == "all"
    reference = say.REFERENCE if style.reference else say.NO_REFERENCE
    parts = [
        say.TASK,
        "" if everything else say.EACH,
        say.DESIGN,
        reference,
        say.STEPS_ALL if everything else say.STEPS_EACH,
        codebook_text(book, style),
        f"{say.ORDER}\n{decision_text(book, style)}" if everything else "",
        say.EVIDENCE.replace("SOURCES", ", ".join(sources(style)), 1),
        say.DATA,
        _reply(book, style) if everything else say.REPLY_EACH,
        _shots(book, style),
    ]
    return "\n\n".join(part for part in parts if part)


def _reply(book: Codebook, style: Style) -> str:
    keys = [*asked(book, style), GAP]
    listed = ", ".join(f'"{key}"' for key in keys)
    return _filled(say.REPLY_ALL, KEYS=str(len(keys)), LIST=listed, FIRST=keys[0])


def _shots(book: Codebook, style: Style) -> str:
    if not style.shots:
        return ""
    plain = replace(style, shots=())
    parts = [say.SHOTS]
    for shot in style.shots:
        shown, _ = body(plain, shot.record, key=_SHOT_KEY, picture=False)
        parts.append(f"{shown}\n{_coded(book, style, shot)}")
    return "\n\n".join(parts)


def _coded(book: Codebook, style: Style, shot: Shot) -> str:
    """Return what people coded, in words: a reply without quotes would teach to give none."""
    keys = asked(book, style)
    codes = [code for code in keys if code in shot.codes]
    primary = shot.primary if shot.primary in codes else book.primary(codes)
    told = f"Coded by people: {', '.join(codes) or NONE}; primary: {primary or NONE}."
    return f"{told} {show(shot.rationale).text}".rstrip()


def _close(book: Codebook, code: str | None) -> str:
    if code is None:
        return say.CLOSE_ALL
    entry = book[code]
    told = {"CODE": code, "TITLE": entry.title, "DEFINITION": entry.definition}
    return str(_keep(("close", book.hash, code), lambda: _filled(say.CLOSE_EACH, **told)))


def _schema(book: Codebook, style: Style, code: str | None) -> dict[str, Any]:
    key = ("schema", book.hash, style.codes, style.reference, style.exact, code)

    def make() -> dict[str, Any]:
        if code:
            return schema.answer_schema(code, exact=style.exact)
        return schema.verdict_schema(book, style)

    found: dict[str, Any] = _keep(key, make)
    return found


def _filled(template: str, **values: str) -> str:
    """Return a template with its words in capitals filled in; values are left as they are."""
    words = re.compile("|".join(rf"\b{name}\b" for name in values))
    return words.sub(lambda match: values[match[0]], template)


def _keep(key: tuple[object, ...], make: Callable[[], Any]) -> Any:
    """Return what was made for this key before, or make it."""
    found = _kept.get(key)
    if found is None:
        if len(_kept) >= _KEPT:
            _kept.clear()
        found = _kept[key] = make()
    return found
