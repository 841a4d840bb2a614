"""What a model can do, found out by trying each thing with a tiny request.

Servers take parameters and silently ignore them, so a request that is not refused proves nothing:
each trial has an answer that only a server which does the thing can give.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from erranal.errors import ModelError
from erranal.models.chat import (
    Capabilities,
    ChatFailure,
    ChatReply,
    ChatRequest,
    Message,
    Mode,
    Picture,
)

if TYPE_CHECKING:
    from erranal.models.chat import ChatModel

SECRET = {"label_q7x": "amber-41"}  # neither is ever said in the prompt
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {name: {"type": "string", "enum": [value]} for name, value in SECRET.items()},
    "required": list(SECRET),
    "additionalProperties": False,
}
COLOUR = (255, 140, 0)
COLOUR_NAMES = ("orange", "amber")
SIDE = 224  # pixels: vision models refuse pictures smaller than a patch or two
# A picture costs dozens of tokens; the marks around one that is thrown away cost a few.
PICTURE_TOKENS = 8
# A reasoning model spends its first hundreds of tokens on thinking.
MAX_TOKENS = 2_048
TRIES_AT = {"rate_limited": 4, "server": 3, "network": 3, "timeout": 2, "unusable": 1}
LONGEST_PAUSE_S = 20.0


async def probe(model: ChatModel, *, image: bool) -> Capabilities:
    """Try a model and return what it was found to do.

    Parameters
    ----------
    image
        Whether to try a picture, too.

    Raises
    ------
    ModelError
        When the model cannot be used at all: no connection, no key, no such model.
    """
    notes: list[str] = []
    mode = await _mode(model, notes)
    logprobs = await _logprobs(model, notes)
    images = await _images(model, notes) if image else False
    notes += getattr(model, "adaptations", ())
    return Capabilities(mode=mode, logprobs=logprobs, images=images, notes=tuple(notes))


def probe_now(model: ChatModel, *, image: bool) -> Capabilities:
    """Return what :func:`probe` finds, from code that is not asynchronous.

    Inside a running event loop, as in a notebook, the trial is made in a thread of its own.
    """

    async def trial() -> Capabilities:
        try:
            return await probe(model, image=image)
        finally:
            await model.disconnect()

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(trial())  # so that Ctrl-C reaches it
    with ThreadPoolExecutor(1, "erranal-probe") as thread:
        return thread.submit(lambda: asyncio.run(trial())).result()


async def _mode(model: ChatModel, notes: list[str]) -> Mode:
    """Return how the server can be held to a schema."""
    # Temperature and seed come along, so that a server that refuses them is found out here.
    request = ChatRequest(
        _says("Describe the number seven as a JSON object."),
        schema=SCHEMA,
        mode="json_schema",
        max_tokens=MAX_TOKENS,
        temperature=0.0,
        seed=0,
    )
    reply = await _try(model, request)
    if isinstance(reply, ChatReply) and _object(reply.text) == SECRET:
        return "json_schema"
    notes.append(f"JSON schema: {_why(reply, 'the server ignored the schema')}")
    request = ChatRequest(
        _says("Name three colours, one on each line. JSON is not wanted."),
        mode="json_object",
        max_tokens=MAX_TOKENS,
    )
    reply = await _try(model, request)
    if isinstance(reply, ChatReply) and _object(reply.text) is not None:
        return "json_object"
    notes.append(f"JSON object: {_why(reply, 'the server ignored the wish')}")
    return "plain"


async def _logprobs(model: ChatModel, notes: list[str]) -> bool:
    """Return whether log-probabilities come back; a plain reply must, at the least."""
    messages = _says("Answer with the one word yes.")
    reply = await _try(model, ChatRequest(messages, max_tokens=MAX_TOKENS, top_logprobs=5))
    if isinstance(reply, ChatReply):
        if reply.logprobs and any(token.alternatives for token in reply.logprobs):
            return True
        notes.append("log-probabilities: none came back")
        return False
    notes.append(f"log-probabilities: {_why(reply, '')}")
    plain = await _try(model, ChatRequest(messages, max_tokens=MAX_TOKENS))
    if isinstance(plain, ChatFailure) and plain.trouble != "refused":
        raise _dead(model, plain)
    return False


async def _images(model: ChatModel, notes: list[str]) -> bool:
    """Return whether the model sees a picture.

    The right colour proves it. A wrong one may come from a weak model or from a server that drops
    pictures: then the prompt must have grown by what a picture costs.
    """
    question = "Which colour fills this picture? Answer with one word."
    shown = ChatRequest((Message("user", (picture(), question)),), max_tokens=MAX_TOKENS)
    reply = await _try(model, shown)
    if isinstance(reply, ChatFailure):
        notes.append(f"pictures: {_why(reply, '')}")
        return False
    if any(name in reply.text.lower() for name in COLOUR_NAMES):
        return True
    without = await _try(model, ChatRequest(_says(question), max_tokens=MAX_TOKENS))
    if _grew(reply, without):
        notes.append("pictures: taken, but the colour of a plain one was not recognised")
        return True
    notes.append("pictures: the server took one and did not show it to the model")
    return False


async def _try(model: ChatModel, request: ChatRequest) -> ChatReply | ChatFailure:
    """Ask a few times while the trouble may pass; return the reply or the last failure.

    Raises
    ------
    ModelError
        When no other request can succeed either.
    """
    attempt = 0
    while True:
        try:
            return await model.ask(request)
        except ChatFailure as caught:
            failure = caught
        if failure.trouble in ("bad_request", "refused"):
            return failure
        attempt += 1
        if attempt >= TRIES_AT[failure.trouble]:
            break
        pause = failure.retry_after_s or 0.25 * 2**attempt
        await asyncio.sleep(min(pause, LONGEST_PAUSE_S))
    if failure.trouble == "server":
        return failure  # some servers answer a parameter they do not know with 500
    raise _dead(model, failure)


def _grew(shown: ChatReply, without: ChatReply | ChatFailure) -> bool:
    """Return whether the prompt grew by what a picture costs."""
    if isinstance(without, ChatFailure) or shown.tokens_in is None or without.tokens_in is None:
        return False
    return shown.tokens_in - without.tokens_in >= PICTURE_TOKENS


def _dead(model: ChatModel, failure: ChatFailure) -> ModelError:
    steps = {
        "network": "is the server running, and is --url right?",
        "rate_limited": "its limits are used up: try again later",
        "timeout": "it takes longer than the time-out: try a larger one, or a smaller model",
        "server": "look into the server's own log",
        "bad_request": "the server takes no plain chat request: is it a chat model?",
    }
    step = steps.get(failure.trouble, "")
    said = f"{model.name} at {model.address} cannot be used: {failure}"
    return ModelError(f"{said}; {step}" if step else said)


def _why(reply: ChatReply | ChatFailure, ignored: str) -> str:
    if isinstance(reply, ChatReply):
        return ignored
    return f"refused ({reply})" if reply.trouble == "bad_request" else f"failed ({reply})"


def _object(text: str) -> dict[str, Any] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _says(text: str) -> tuple[Message, ...]:
    return (Message("user", (text,)),)


def picture() -> Picture:
    """Return a small PNG of one colour."""
    header = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 2, 0, 0, 0)
    rows = (b"\0" + bytes(COLOUR) * SIDE) * SIDE
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    data = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in chunks
    )
    return Picture(data, "image/png", hashlib.sha256(data).hexdigest())
