"""Growing waits between attempts, with jitter so that many callers do not come back together."""

from __future__ import annotations

import random

FIRST_S = 0.5


class Backoff:
    """Doubles from half a second to ``longest_s``; each wait is between half and all of that."""

    def __init__(self, longest_s: float = 30.0) -> None:
        self._longest_s = longest_s
        self._times = 0

    def next(self) -> float:
        """Return how long to wait now, in seconds."""
        whole = min(self._longest_s, FIRST_S * 2.0 ** min(self._times, 30))
        self._times += 1
        return whole * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, not a secret

    def reset(self) -> None:
        """Start again at the shortest wait."""
        self._times = 0
