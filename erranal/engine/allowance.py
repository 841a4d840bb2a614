"""Requests or tokens per minute: never more in any 60 seconds, and evenly spread."""

from __future__ import annotations

import math
from collections import deque

MINUTE_S = 60.0
BIN_S = 0.25
SLACK_S = 0.1  # what a late timer may catch up on


class Allowance:
    """A limit per minute.

    The sum over any 60 seconds is kept by bins of a quarter of a second, so memory does not depend
    on the rate; sends are spaced besides, because providers enforce a minute's limit by the second.

    Parameters
    ----------
    per_minute
        The limit.
    """

    def __init__(self, per_minute: int) -> None:
        self._limit = per_minute
        self._bins: deque[list[float]] = deque()  # [end, amount], oldest first
        self._total = 0.0
        self._next_at = -math.inf

    def delay(self, now: float, amount: float) -> float:
        """Return in how many seconds ``amount`` may be sent.

        More than the limit is let through when nothing else was sent for a minute.
        """
        while self._bins and self._bins[0][0] + MINUTE_S <= now:
            self._total -= self._bins.popleft()[1]
        wait = self._next_at - now
        if self._bins and self._total + amount > self._limit:
            wait = max(wait, self._bins[0][0] + MINUTE_S - now)
        return max(wait, 0.0)

    def take(self, now: float, amount: float) -> None:
        """Note that ``amount`` is sent."""
        end = (math.floor(now / BIN_S) + 1) * BIN_S
        if not self._bins or self._bins[-1][0] != end:
            self._bins.append([end, 0.0])
        self._bins[-1][1] += amount
        self._total += amount
        self._next_at = max(self._next_at, now - SLACK_S) + amount * MINUTE_S / self._limit

    def correct(self, sent_at: float, difference: float) -> None:
        """Put right what was taken at ``sent_at`` by what it turned out to be."""
        end = (math.floor(sent_at / BIN_S) + 1) * BIN_S
        for one in reversed(self._bins):
            if one[0] <= end:
                if one[0] == end:
                    one[1] += difference
                    self._total += difference
                break
        self._next_at += difference * MINUTE_S / self._limit
