"""Items for the workers, read a little ahead by a thread."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from erranal.engine.stop import Stop

T = TypeVar("T")
CHUNK = 64  # items may carry pictures
PATIENCE_S = 0.1  # a slow source is not waited on for a whole chunk


class End:
    """What :meth:`Feed.next` returns when there are no more items."""


END = End()


class Feed(Generic[T]):
    """Reads items in chunks; while one is worked off, the next is read.

    Parameters
    ----------
    items
        Advanced in threads, never twice at once, never on the event loop.
    """

    def __init__(self, items: Iterable[T], threads: Executor, stop: Stop) -> None:
        self._loop = asyncio.get_running_loop()
        self._items = items
        self._iterator: Iterator[T] | None = None
        self._threads = threads
        self._stop = stop
        self._ready: deque[T] = deque()
        self._arrived = asyncio.Event()
        self._reading: asyncio.Future[tuple[list[T], bool]] | None = None
        self._ended = False
        stop.tell(self._arrived.set)

    async def next(self) -> T | End:
        """Return the next item, or END."""
        while not self._stop:
            if len(self._ready) < CHUNK // 2:
                self._read_ahead()
            if self._ready:
                return self._ready.popleft()
            if self._ended:
                return END
            self._arrived.clear()
            await self._arrived.wait()
        return END

    async def close(self) -> None:
        """Let the source go, e.g. a generator that reads a database."""
        if self._reading is not None:
            await asyncio.wait({self._reading})
        self._ready.clear()
        close = getattr(self._iterator, "close", None)
        if close is not None:
            await self._loop.run_in_executor(self._threads, close)

    def _read_ahead(self) -> None:
        if self._reading is None and not self._ended:
            self._reading = self._loop.run_in_executor(self._threads, self._chunk)
            self._reading.add_done_callback(self._take)

    def _take(self, read: asyncio.Future[tuple[list[T], bool]]) -> None:
        self._reading = None
        if error := read.exception():
            self._stop.fail(error)
        else:
            chunk, self._ended = read.result()
            self._ready.extend(chunk)
        self._arrived.set()

    def _chunk(self) -> tuple[list[T], bool]:
        if self._iterator is None:
            self._iterator = iter(self._items)
        until = time.monotonic() + PATIENCE_S
        chunk: list[T] = []
        for item in self._iterator:
            chunk.append(item)
            if len(chunk) == CHUNK or time.monotonic() > until:
                return chunk, False
        return chunk, True
