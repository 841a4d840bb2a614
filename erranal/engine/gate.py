"""The gate that every call passes: concurrency, rate limits, the breaker and the budget."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from erranal.engine.allowance import Allowance
from erranal.engine.breaker import Breaker
from erranal.engine.call import Stopped
from erranal.engine.window import Window

if TYPE_CHECKING:
    from erranal.engine.budget import Budget, Need
    from erranal.engine.call import Limits
    from erranal.engine.stop import Stop

RATE, DEAD, MONEY = "rate limit", "endpoint not answering", "budget"


@dataclass(frozen=True, slots=True)
class Ticket:
    """Leave to send one call; handed back when it is over."""

    sent_at: float
    need: Need
    trial: bool


class Gate:
    """Lets calls through in turn, as soon as nothing stands against it.

    Attributes
    ----------
    in_flight
        Calls under way.
    waited_s
        Seconds in which calls waited for a rate limit, the endpoint's or one's own.
    why
        What the first in line waits for; empty when it is only its turn.
    """

    def __init__(self, limits: Limits, budget: Budget, stop: Stop) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = stop
        self.budget = budget
        self.breaker = Breaker(limits.patience_s)
        self.window = Window(limits.concurrency, self._loop.time())
        self._requests = Allowance(limits.rpm) if limits.rpm else None
        self._tokens = Allowance(limits.tpm) if limits.tpm else None
        self._waiting: deque[tuple[Need, asyncio.Future[Ticket]]] = deque()
        self._sleeping: set[asyncio.Future[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._held_since: float | None = None
        self.in_flight = 0
        self.waited_s = 0.0
        self.why = ""
        stop.tell(self._turn_away)

    async def enter(self, need: Need) -> Ticket:
        """Wait for leave to send a call.

        Raises
        ------
        Stopped
            When the run is being stopped.
        """
        if self._stop:
            raise Stopped
        if not self._waiting and not self._hindrance(self._loop.time(), need):
            return self._admit(need)
        future: asyncio.Future[Ticket] = self._loop.create_future()
        self._waiting.append((need, future))
        self._pump()
        try:
            return await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled() and future.exception() is None:
                self.leave(future.result())
                self.budget.release(need)
            raise

    def leave(self, ticket: Ticket) -> None:
        """Hand the ticket back; whoever is next may go."""
        self.in_flight -= 1
        if ticket.trial:
            self.breaker.ended()
        if self._waiting:
            self._pump()

    def correct_tokens(self, ticket: Ticket, tokens: int) -> None:
        """Replace the tokens that a call was expected to take by those that it took."""
        if self._tokens is not None:
            self._tokens.correct(ticket.sent_at, tokens - ticket.need.tokens)

    async def sleep(self, seconds: float) -> None:
        """Wait, unless the run is stopped.

        Raises
        ------
        Stopped
            When it is.
        """
        if self._stop:
            raise Stopped
        future: asyncio.Future[None] = self._loop.create_future()
        timer = self._loop.call_later(seconds, _wake, future)
        self._sleeping.add(future)
        try:
            await future
        finally:
            timer.cancel()
            self._sleeping.discard(future)

    def waits_for(self) -> str:
        """Say what keeps calls from being sent; empty when they are."""
        now = self._loop.time()
        if self.breaker.is_open:
            return f"{DEAD}, trying again in {self.breaker.delay(now):.0f} s"
        if self.why == RATE and (seconds := self.window.delay(now)) >= 1.0:
            return f"{RATE}, going on in {seconds:.0f} s"
        if not self.in_flight and self._sleeping and not self._waiting:
            return "waiting to ask again"
        return self.why

    def _hindrance(self, now: float, need: Need) -> float:
        """Return for how many seconds a call must wait, infinite until another ends."""
        self.why = ""
        if self.in_flight >= int(self.window.size):
            return math.inf
        for why, delay in self._delays(now, need):
            if delay > 0.0:
                self.why = why
                return delay
        return 0.0

    def _delays(self, now: float, need: Need) -> list[tuple[str, float]]:
        delays = [(DEAD, self.breaker.delay(now)), (RATE, self.window.delay(now))]
        if self._requests is not None:
            delays.append(("requests per minute", self._requests.delay(now, 1.0)))
        if self._tokens is not None:
            delays.append(("tokens per minute", self._tokens.delay(now, need.tokens)))
        if not self.budget.fits(need):
            delays.append((MONEY, math.inf))
        return delays

    def _admit(self, need: Need) -> Ticket:
        now = self._loop.time()
        self.in_flight += 1
        self.window.sent(now)
        self.budget.reserve(need)
        if self._requests is not None:
            self._requests.take(now, 1.0)
        if self._tokens is not None:
            self._tokens.take(now, need.tokens)
        return Ticket(now, need, self.breaker.sent())

    def _pump(self) -> None:
        """Let through whoever can go, and come back when the next may."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._waiting and not self._stop:
            need, future = self._waiting[0]
            if future.done():  # whoever waited was cancelled
                self._waiting.popleft()
                continue
            now = self._loop.time()
            if seconds := self._hindrance(now, need):
                self._hold(now, seconds)
                return
            self._count_wait(now)
            self._waiting.popleft()
            future.set_result(self._admit(need))

    def _hold(self, now: float, seconds: float) -> None:
        if self.breaker.given_up(now):
            self._stop.because(self._obituary())
        elif self.why == MONEY and not self.in_flight:
            self._stop.because(MONEY)
        elif seconds < math.inf:
            self._timer = self._loop.call_later(seconds, self._pump)
        limited = self.why not in ("", DEAD, MONEY)
        if limited and self._held_since is None:
            self._held_since = now

    def _count_wait(self, now: float) -> None:
        if self._held_since is not None:
            self.waited_s += now - self._held_since
            self._held_since = None

    def _obituary(self) -> str:
        return (
            f"the endpoint gave no answer for {self.breaker.patience_s:.0f} s "
            f"({self.breaker.last_failure})"
        )

    def _turn_away(self) -> None:
        self._count_wait(self._loop.time())
        held: list[asyncio.Future[Any]] = [future for _, future in self._waiting]
        self._waiting.clear()
        for future in [*held, *self._sleeping]:
            if not future.done():
                future.set_exception(Stopped())


def _wake(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
