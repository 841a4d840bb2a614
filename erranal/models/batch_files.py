"""Files of requests for the batch services of OpenAI and Anthropic.

A service takes a file of requests, works through it within a day at half the price, and gives back
files of results, which :mod:`erranal.models.batch_results` reads. Limits and shapes are those of
https://platform.openai.com/docs/guides/batch and
https://docs.claude.com/en/docs/build-with-claude/batch-processing. OpenAI takes a file as it is;
for Anthropic its lines are the list ``requests`` of the call that creates a batch. No key is ever
in a file.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Literal, TypeVar

import orjson

from erranal.errors import ModelError
from erranal.models import anthropic, openai
from erranal.models.chat import ChatFailure

if TYPE_CHECKING:
    from pathlib import Path

    from erranal.models.chat import ChatRequest

Kind = Literal["openai", "anthropic"]
KINDS: tuple[Kind, ...] = ("openai", "anthropic")
SHARE = 0.5  # of the list price, with both services
_ROUTE = "/v1/chat/completions"
NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")  # what Anthropic takes; OpenAI takes more

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Limits:
    """What one file may hold: so many requests and bytes."""

    requests: int
    size: int


LIMITS: dict[Kind, Limits] = {
    "openai": Limits(50_000, 200_000_000),
    # The list around the requests counts, too.
    "anthropic": Limits(100_000, 256_000_000 - 1_000),
}


@dataclass(frozen=True, slots=True)
class Written(Generic[T]):
    """A file that is whole and on the disk: what its requests are, in order, and its bytes."""

    path: Path
    requests: tuple[T, ...]
    size: int


# Models before 4.5 know no output format, and newer ones refuse a forced tool: in a batch neither
# can be tried.
_WITHOUT_FORMATS = re.compile(
    r"claude-(?:[123]\b|instant|(?:opus|sonnet|haiku)-4-(?:[01]\b|20\d{6}))"
)


def line(
    kind: Kind, model: str, name: str, request: ChatRequest, *, own_url: bool = False
) -> bytes:
    """Return one request as a line of a batch file.

    Parameters
    ----------
    model
        As the provider calls it.
    name
        Comes back with the result: letters, digits, dashes and underscores, 64 at most.
    own_url
        Whether the file is for another server than the provider's own.

    Raises
    ------
    ModelError
        When this service cannot be asked like that.
    """
    if not NAME.fullmatch(name):
        raise ModelError(f"{name!r} cannot name a request: use 1 to 64 letters, digits, - and _")
    try:
        if kind == "anthropic":
            body = anthropic.body(model, request, tool=bool(_WITHOUT_FORMATS.match(model)))
            made = {"custom_id": name, "params": body}
        else:
            limit = openai.OLD_LIMIT if own_url else openai.NEW_LIMIT
            body = openai.body(model, request, limit=limit, without=frozenset())
            made = {"custom_id": name, "method": "POST", "url": _ROUTE, "body": body}
    except ChatFailure as failure:
        raise ModelError(f"{model} cannot be asked in a batch: {failure}") from None
    return orjson.dumps(made, default=dict, option=orjson.OPT_APPEND_NEWLINE)


def write(
    lines: Iterable[tuple[T, bytes]], name: Callable[[int], Path], limits: Limits
) -> Iterator[Written[T]]:
    """Write lines to as many files as the limits ask for; yield each once it is on the disk.

    A file has its name only when it is whole. One file's worth of names is held at a time.

    Parameters
    ----------
    lines
        What the caller knows a request by, and its line.
    name
        Gives the path of the n-th file, from 0.

    Raises
    ------
    ModelError
        When one line is beyond the limits, or a file cannot be written; files before it are whole.
    """
    left = iter(lines)
    ahead = next(left, None)
    number = 0
    while ahead is not None:
        taken: list[T] = []
        size = 0
        with _SideFile(name(number)) as file:
            while ahead is not None and len(taken) < limits.requests:
                known, content = ahead
                if len(content) > limits.size:
                    raise ModelError(
                        f"a request of {len(content):,} bytes is beyond the {limits.size:,} of a "
                        "batch file"
                    )
                if size + len(content) > limits.size:
                    break
                file.write(content)
                taken.append(known)
                size += len(content)
                ahead = next(left, None)
            file.finish()
        yield Written(file.path, tuple(taken), size)
        number += 1


class _SideFile:
    """A file beside the one that is wanted, which it becomes when it is finished."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._side = path.with_name(f".{path.name}.part")
        with self._told():
            self._file = self._side.open("wb")

    def __enter__(self) -> _SideFile:
        return self

    def __exit__(self, *error: object) -> None:
        with contextlib.suppress(OSError):
            self._file.close()
        self._side.unlink(missing_ok=True)

    def write(self, content: bytes) -> None:
        with self._told():
            self._file.write(content)

    def finish(self) -> None:
        """Bring the file to the disk and give it its name."""
        with self._told():
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            os.replace(self._side, self.path)
            folder = os.open(self.path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise ModelError(
                f"{self.path} cannot be written: {error.strerror}; the files before it are whole"
            ) from error
