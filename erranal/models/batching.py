"""Requests that arrive together are answered together, on one thread of their own."""

from __future__ import annotations

import time
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from typing import TYPE_CHECKING

from erranal.models.chat import ChatFailure, ChatReply

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from erranal.models.chat import ChatRequest

    Outcome = ChatReply | ChatFailure

GATHER_S = 0.03  # how long a batch waits for company


class Batcher:
    """Gathers requests into batches of one kind.

    Parameters
    ----------
    serve
        Answers a batch, one outcome per request in order; it never raises.
    size
        The largest batch.
    kind
        What requests must have in common to share a batch.
    """

    def __init__(
        self,
        serve: Callable[[list[ChatRequest]], list[Outcome]],
        size: int,
        kind: Callable[[ChatRequest], Hashable],
    ) -> None:
        self.closing = False
        self._serve = serve
        self.size = size
        self._kind = kind
        self._waiting: deque[tuple[ChatRequest, Future[ChatReply]]] = deque()
        self._lock = Lock()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="chat-model")

    def submit(self, request: ChatRequest) -> Future[ChatReply]:
        """Queue a request; the future gives its reply or raises its ChatFailure."""
        future: Future[ChatReply] = Future()
        with self._lock:
            if self.closing:
                raise closed()
            self._waiting.append((request, future))
            self._thread.submit(self._work)
        return future

    def close(self) -> None:
        """Fail what waits, end what is being written, and wait for the thread."""
        with self._lock:
            self.closing = True
            waiting = list(self._waiting)
            self._waiting.clear()
        for _, future in waiting:
            if future.set_running_or_notify_cancel():
                future.set_exception(closed())
        self._thread.shutdown(wait=True)

    def _work(self) -> None:
        """Answer one batch, if an earlier one has not taken everything."""
        batch = self._gather()
        if not batch:
            return
        outcomes = self._serve([request for request, _ in batch])
        for (_, future), outcome in zip(batch, outcomes, strict=True):
            if isinstance(outcome, ChatFailure):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)

    def _gather(self) -> list[tuple[ChatRequest, Future[ChatReply]]]:
        patience = time.monotonic() + GATHER_S
        while 0 < len(self._waiting) < self.size and time.monotonic() < patience:
            time.sleep(GATHER_S / 10)
        with self._lock:
            waiting, self._waiting = self._waiting, deque()
            batch: list[tuple[ChatRequest, Future[ChatReply]]] = []
            for request, future in waiting:
                alike = not batch or self._kind(request) == self._kind(batch[0][0])
                if len(batch) >= self.size or not alike:
                    self._waiting.append((request, future))
                elif future.set_running_or_notify_cancel():
                    batch.append((request, future))
        return batch


def closed() -> ChatFailure:
    """Return the failure of a request that came after the end."""
    return ChatFailure("unusable", "the model has been closed: load it again")
