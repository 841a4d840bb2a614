"""How much an endpoint takes, learnt from its rate limits.

Single 429s slow nothing down but the call they hit. When the smoothed share of 429s passes
``CLOSE``, the endpoint is at its limit: the gate closes for as long as the server says, the window
of calls under way is halved (it grows back by one per window of answers), and sends are spaced at
the rate that was answered lately. That pace then creeps up, and down again at the first 429s.
"""

from __future__ import annotations

import math

from erranal.engine.backoff import Backoff

CLOSE = 0.3
SMOOTHING = 0.05
BUSY, CALM = 0.08, 0.03  # shares of 429s within a second or more
CREEP = 0.03  # per second
EASE = 0.9


class Window:
    """Concurrency by additive increase and multiplicative decrease, and a pace once limited.

    Times are those of the event loop, in seconds.

    Parameters
    ----------
    most
        Calls under way at once, at most.
    """

    def __init__(self, most: int, now: float) -> None:
        self._most = most
        self.size = float(most)
        self._share = 0.0
        self._backoff = Backoff()
        self._closed_at = now
        self._open_at = now
        self._answered = 0  # since the gate last closed
        self._pace: Pace | None = None

    def delay(self, now: float) -> float:
        """Return in how many seconds the next call may go out."""
        wait = self._open_at - now
        if self._pace is not None:
            wait = max(wait, self._pace.next_at - now)
        return max(wait, 0.0)

    def sent(self, now: float) -> None:
        """Note that a call goes out."""
        if self._pace is not None:
            self._pace.sent(now)

    def answered(self, now: float) -> None:
        """Note that the endpoint took a call."""
        self._share -= SMOOTHING * self._share
        self._answered += 1
        if self.size < self._most:
            self.size = min(self._most, self.size + 1.0 / self.size)
        if self._pace is not None:
            self._backoff.reset()
            self._pace.heard(now, limited=False)
            if self._pace.is_idle(now):
                self._pace = None

    def rate_limited(self, now: float, sent_at: float, retry_after_s: float | None) -> None:
        """Note a 429 to a call sent at ``sent_at``."""
        if sent_at <= self._closed_at:
            self._keep_closed(now, retry_after_s)
            return
        self._share += SMOOTHING * (1.0 - self._share)
        if self._pace is not None:
            self._pace.heard(now, limited=True)
        if self._share > CLOSE:
            self._close(now, retry_after_s)

    def _close(self, now: float, retry_after_s: float | None) -> None:
        rate = self._answered / max(now - self._closed_at, 0.1)
        self._pace = Pace(max(rate, 0.05), now)
        self.size = max(1.0, self.size / 2.0)
        self._share = 0.0
        self._answered = 0
        self._closed_at = now
        self._open_at = now + max(self._backoff.next(), retry_after_s or 0.0)

    def _keep_closed(self, now: float, retry_after_s: float | None) -> None:
        if self._open_at > now and retry_after_s is not None:
            self._open_at = max(self._open_at, now + retry_after_s)


class Pace:
    """Sends per second, kept near what the endpoint lately took."""

    def __init__(self, rate: float, now: float) -> None:
        self._rate = rate
        self._least = 0.8 * rate
        self.next_at = now
        self._heard_at = now
        self._since, self._right, self._limited, self._sent = now, 0, 0, 0

    def sent(self, now: float) -> None:
        """Note that a call goes out; late timers may catch up a little."""
        self._sent += 1
        self.next_at = max(self.next_at, now - max(0.05, 1.0 / self._rate)) + 1.0 / self._rate

    def heard(self, now: float, *, limited: bool) -> None:
        """Note how a call went, and change the rate accordingly."""
        self._limited += limited
        self._right += not limited
        share = self._limited / (self._limited + self._right)
        if not limited and share <= CALM:
            self._rate *= math.exp(CREEP * min(now - self._heard_at, 1.0))
        self._heard_at = now
        if now - self._since >= 1.0 and self._limited + self._right >= 10:
            if share > BUSY:
                self._rate = max(self._rate * EASE, self._least)
            self._since, self._right, self._limited, self._sent = now, 0, 0, 0

    def is_idle(self, now: float) -> bool:
        """Return whether calls have long gone out more slowly than the pace allows."""
        return self._rate > 4.0 * max(self._least, self._sent / max(now - self._since, 1.0))
