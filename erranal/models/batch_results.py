"""Results of the batch services of OpenAI and Anthropic, read line by line.

Lines come in any order, from any number of files, and from hands that may have changed them: one
that cannot be read is reported and left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from erranal.errors import ModelError
from erranal.models import anthropic, failures, openai
from erranal.models.batch_files import NAME
from erranal.models.chat import ChatFailure, ChatReply, ChatRequest
from erranal.models.endpoint import decode
from erranal.models.keys import Key

if TYPE_CHECKING:
    from pathlib import Path

LONGEST_LINE = 16 * 1024**2  # bytes
_SKIPPED_AT_ONCE = 64 * 1024
# Both say by these words that a request was not worked on, and charge nothing for it.
_NOT_TRIED = {"batch_expired", "batch_cancelled", "expired", "canceled"}
_STATUS = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "timeout_error": 504,
    "overloaded_error": failures.OVERLOADED,
}
# Log-probabilities are read wherever they are.
_ASKED = ChatRequest((), top_logprobs=1)


class Result(NamedTuple):
    """What came of one request, by its name in the file that was sent.

    ``rate_limited`` is the trouble of one that was never tried.
    """

    name: str
    outcome: ChatReply | ChatFailure
    line: int


class BadLine(NamedTuple):
    """A line of a result file, counted from 1, that says nothing of any request."""

    path: Path
    line: int
    problem: str


def read(path: Path, bad: Callable[[BadLine], None]) -> Iterator[Result]:
    """Yield what a file of results says, of either service, in its order, one line at a time.

    Parameters
    ----------
    path
        Output or error file of OpenAI's service or a server like it, or results of Anthropic's.
    bad
        Told of every line that cannot be read.

    Raises
    ------
    ModelError
        When the file cannot be read at all.
    """
    try:
        with path.open("rb") as file:
            for number, raw in _lines(file):
                found = f"longer than {LONGEST_LINE:,} bytes" if raw is None else _outcome(raw)
                if isinstance(found, str):
                    bad(BadLine(path, number, found))
                elif found:
                    yield Result(*found, number)
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}") from error


def _lines(file: Any) -> Iterator[tuple[int, bytes | None]]:
    """Yield numbered lines; None for one that is too long, of which no more than that is held."""
    number = 0
    while raw := file.readline(LONGEST_LINE + 1):
        number += 1
        if len(raw) <= LONGEST_LINE:
            yield number, raw
            continue
        while raw and not raw.endswith(b"\n"):
            raw = file.readline(_SKIPPED_AT_ONCE)
        yield number, None


def _outcome(raw: bytes) -> tuple[str, ChatReply | ChatFailure] | str | None:
    """Return the name and outcome of a line, None for an empty one, or what is wrong with it."""
    raw = raw.removeprefix(b"\xef\xbb\xbf").strip()
    if not raw:
        return None
    payload = decode(raw)
    if not isinstance(payload, dict):
        return "not JSON" if payload is None else "not an object"
    name = payload.get("custom_id")
    if not isinstance(name, str) or not NAME.fullmatch(name):
        return "no custom_id that could be ours"
    if "body" in payload or "params" in payload:
        return "a request: this is a file that was exported, not one of results"
    found = _of_anthropic(payload) if "result" in payload else _of_openai(payload)
    return found if isinstance(found, str) else (name, found)


def _of_openai(payload: dict[str, Any]) -> ChatReply | ChatFailure | str:
    response = payload.get("response")
    if response is None:
        message, codes = failures.said(payload.get("error"))
        if not message and not codes:
            return "neither a response nor an error"
        return _failure(500, message, codes)
    if not isinstance(response, dict):
        return "the response is no object"
    status, body = response.get("status_code"), response.get("body")
    if type(status) is not int:
        return "the response has no status_code"
    if status != 200 or not isinstance(body, dict) or body.get("error"):
        return _failure(500 if status == 200 else status, *failures.said(body))
    return _read(lambda: openai.read(body, _ASKED))


def _of_anthropic(payload: dict[str, Any]) -> ChatReply | ChatFailure | str:
    result = payload["result"]
    kind = result.get("type") if isinstance(result, dict) else None
    if kind in ("canceled", "expired"):
        return _failure(500, "", {kind})
    if kind == "errored":
        error = result.get("error")
        inner = error.get("error", error) if isinstance(error, dict) else error
        message, codes = failures.said(inner)
        status = next((_STATUS[code] for code in sorted(codes & _STATUS.keys())), 500)
        return _failure(status, message, codes)
    if kind != "succeeded" or not isinstance(result.get("message"), dict):
        return "the result is of no known type"
    return _read(lambda: anthropic.read(result["message"]))


def _read(reader: Callable[[], ChatReply]) -> ChatReply | ChatFailure:
    try:
        return reader()
    except ChatFailure as failure:
        return failure.with_traceback(None)


def _failure(status: int, message: str, codes: set[str]) -> ChatFailure:
    if never := codes & _NOT_TRIED:
        return ChatFailure("rate_limited", f"never tried: {min(never)}")
    return failures.failure(status, {}, Key().clean(message), codes)
