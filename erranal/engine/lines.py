"""An answer as one line of a file, with a checksum, and back."""

from __future__ import annotations

import json
import math
import zlib
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import orjson

from erranal.engine.call import Answer
from erranal.models.chat import ChatReply, Token


def encode(answer: Answer) -> bytes:
    """Return the line, newline included."""
    try:
        data = orjson.dumps(answer, default=_plain)
    except TypeError:  # lone surrogates and huge integers, which a hostile reply may hold
        data = json.dumps(asdict(answer), default=_plain).encode()
    return b"%08x %s\n" % (zlib.crc32(data), data)


def decode(line: bytes) -> Answer | None:
    """Return the answer, or None when the line is torn, changed or not one of ours."""
    data = line[9:].removesuffix(b"\n")
    if not line.endswith(b"\n") or line[:9] != b"%08x " % zlib.crc32(data):
        return None
    try:
        return _answer(json.loads(data))
    except (TypeError, ValueError, KeyError):
        return None


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else dict(value)


def _answer(read: dict[str, Any]) -> Answer:
    asked_at = datetime.fromisoformat(read["asked_at"]).astimezone(UTC)
    reply = None if read["reply"] is None else _reply(read["reply"])
    return Answer(**{**read, "asked_at": asked_at, "reply": reply})


def _reply(read: dict[str, Any]) -> ChatReply:
    tokens = tuple(
        Token(
            one["text"],
            _logprob(one["logprob"]),
            tuple((text, _logprob(value)) for text, value in one["alternatives"]),
        )
        for one in read["logprobs"]
    )
    return ChatReply(**{**read, "logprobs": tokens})


def _logprob(value: float | None) -> float:
    """JSON has no infinity: a probability of zero was written as null."""
    return -math.inf if value is None else value
