"""How much an endpoint takes, learnt from its rate limits.

Single 429s slow nothing down but the call they hit. When the smoothed share of 429s passes
``CLOSE``, the endpoint is at its limit: the gate closes for as long as the server says, the window
of calls under way is halved (it grows back by a few per window of answers), and sends are spaced at
the rate that was taken lately. That pace then creeps up, and down again at the next 429s.
"""

from __future__ import annotations

import math

from erranal.engine.backoff import Backoff

CLOSE = 0.3
FIRST = 64  # calls under way at first; doubled per window of answers until the first close
GROWTH = 4.0  # calls under way more per window of answers
FEWEST = 20  # sends over which the share of 429s is smoothed, at least
MEASURED_S = 1.0  # a rate taken over less says more about a burst


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
        self.size = float(min(most, FIRST))
        self._starting = True
        self._share = 0.0
        self._backoff = Backoff()
        self._closed_at = -math.inf
        self._open_at = now
        self._since, self._taken = now, 0  # calls not turned away since the last close
        self._pace: Pace | None = None

    def delay(self, now: float) -> float:
        """Return in how many seconds the next call may go out."""
        wait = self._open_at - now
        if self._pace is not None:
            wait = max(wait, self._pace.next_at - now)
        return max(wait, 0.0)

    def sent(self, now: float) -> None:
        """Note that a call goes out: it is taken to be accepted until the server says no."""
        self._share -= self._share / max(self.size, FEWEST)
        self._taken += 1
        if self._pace is not None:
            self._pace.sent(now)

    def answered(self, now: float) -> None:
        """Note that the endpoint took a call."""
        if self.size < self._most:
            step = 1.0 if self._starting else min(1.0, GROWTH / self.size)
            self.size = min(self._most, self.size + step)
        if self._pace is not None:
            self._backoff.reset()
            self._pace.heard(now, limited=False)
            if self._pace.is_idle(now):
                self._pace = None

    def rate_limited(self, now: float, sent_at: float, retry_after_s: float | None) -> None:
        """Note a 429 to a call sent at ``sent_at``."""
        self._taken -= sent_at > self._since
        if sent_at <= self._closed_at:  # it was under way when the gate closed: known already
            if self._open_at > now:
                self._open_at = max(self._open_at, now + (retry_after_s or 0.0))
            return
        self._share += 1.0 / max(self.size, FEWEST)
        if self._pace is not None:
            self._pace.heard(now, limited=True)
        if self._share > CLOSE:
            self._close(now, retry_after_s)

    def _close(self, now: float, retry_after_s: float | None) -> None:
        elapsed = now - self._since
        if elapsed >= MEASURED_S:
            self._pace = Pace(max(self._taken, 1) / elapsed, now)
            self._since, self._taken = now, 0
        self._starting = False
        self.size = max(1.0, self.size / 2.0)
        self._share = 0.0
        self._closed_at = now
        self._open_at = now + max(self._backoff.next(), retry_after_s or 0.0)


BUSY, CALM = 0.08, 0.03  # shares of 429s within a second or more
EASE, LEAST = 0.9, 0.6
CREEP = 0.03  # per second, and that again for every CALM_S without a 429
CALM_S = 5.0
CATCH_UP_S = 0.05


class Pace:
    """Sends per second, kept near what the endpoint lately took."""

    def __init__(self, rate: float, now: float) -> None:
        self._rate = rate
        self._least = LEAST * rate
        self.next_at = now
        self._heard_at = self._limited_at = now
        self._since, self._right, self._limited = now, 0, 0

    def sent(self, now: float) -> None:
        """Note that a call goes out; late timers may catch up a little."""
        self.next_at = max(self.next_at, now - CATCH_UP_S) + 1.0 / self._rate

    def heard(self, now: float, *, limited: bool) -> None:
        """Note how a call went, and change the rate accordingly."""
        self._limited += limited
        self._right += not limited
        share = self._limited / (self._limited + self._right)
        if limited:
            self._limited_at = now
        elif share <= CALM:
            calm = 1.0 + (now - self._limited_at) / CALM_S
            self._rate *= math.exp(CREEP * calm * min(now - self._heard_at, 1.0))
        self._heard_at = now
        if now - self._since >= 1.0 and self._limited + self._right >= 10:
            if share > BUSY:
                self._rate = max(self._rate * EASE, self._least)
            self._since, self._right, self._limited = now, 0, 0

    def is_idle(self, now: float) -> bool:
        """Return whether calls have long gone out more slowly than the pace allows."""
        return now - self.next_at > 10.0 * CATCH_UP_S and now - self._limited_at > CALM_S
