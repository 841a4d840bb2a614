"""Ctrl-C during a run: the first asks it to come to an end, the second cuts it short."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def on_interrupt(act: Callable[[], None]) -> Iterator[None]:
    """Call ``act`` at each SIGINT instead of raising KeyboardInterrupt.

    Only the main thread can do that; elsewhere, and where SIGINT is ignored, nothing changes.
    """

    def handle(number: int, frame: FrameType | None) -> None:
        act()

    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield
        return
    signal.signal(signal.SIGINT, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
