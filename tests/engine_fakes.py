"""Fakes for the engine's tests: models with faults and limits, time that leaps, a child to kill.

Run as a program it is the child: it asks a fake model about numbered items, lands in SQLite, and
takes up what an earlier child left behind.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import selectors
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from erranal.engine import Answer, Ask, Call, Limits, Report, Spool, landing, run
from erranal.engine.asking import Asker
from erranal.engine.budget import Budget
from erranal.engine.gate import Gate
from erranal.engine.stop import Stop
from erranal.models.chat import ChatFailure, ChatReply, ChatRequest, Message, Trouble


def request(text: str = "Is it right?", max_tokens: int = 100) -> ChatRequest:
    return ChatRequest((Message("user", (text,)),), max_tokens=max_tokens)


def call(number: int, text: str = "") -> Call:
    return Call(f"k{number}", request(f"{number} {text}"), {"item": number})


async def ask_once(number: int, ask: Ask) -> tuple[int, str | None]:
    answer = await ask(call(number))
    return number, answer.reply.text if answer.reply else None


class LeapingSelector(selectors.SelectSelector):
    """Waits for nothing: time leaps to the next timer."""

    now = 0.0

    def select(self, timeout=None):
        ready = super().select(0)
        if not ready:
            assert timeout is not None, "nothing is left to wait for: this would hang"
            self.now += timeout + 1e-6
        return ready


class LeapingLoop(asyncio.SelectorEventLoop):
    def __init__(self):
        self._leap = LeapingSelector()
        super().__init__(self._leap)

    def time(self):
        return self._leap.now


Fault = Callable[[str, int, float], ChatFailure | None]


@dataclass
class FakeChat:
    """A chat model in process that answers with what it was asked.

    ``fault(text, attempt, now)`` says how an attempt (1 for the first at this text) fails, if it
    does. ``rate`` and ``burst`` make it a server with a token bucket.
    """

    latency_s: float = 0.0
    rate: float | None = None
    burst: float = 50.0
    retry_after_s: float | None = 1.0
    fault: Fault | None = None
    usage: Callable[[ChatRequest], tuple[int, int] | None] = lambda request: (100, 20)
    name: str = "fake:chat"
    address: str = "in process"
    closed: int = 0
    sent: list[tuple[float, str]] = field(default_factory=list)
    turned_away: int = 0
    busy: int = 0
    busiest: int = 0
    _attempts: dict[str, int] = field(default_factory=dict)
    _tokens: tuple[float, float] | None = None

    async def ask(self, request: ChatRequest) -> ChatReply:
        text = request.messages[0].parts[0]
        now = asyncio.get_running_loop().time()
        self.sent.append((now, text))
        self.busy += 1
        self.busiest = max(self.busiest, self.busy)
        try:
            return await self._reply(request, text, now)
        finally:
            self.busy -= 1

    async def _reply(self, request, text, now):
        if self.rate and not self._admits(now):
            self.turned_away += 1
            await asyncio.sleep(min(0.01, self.latency_s))
            raise ChatFailure("rate_limited", "slow down", retry_after_s=self.retry_after_s)
        attempt = self._attempts[text] = self._attempts.get(text, 0) + 1
        failure = self.fault(text, attempt, now) if self.fault else None
        await asyncio.sleep(self.latency_s)
        if failure is not None:
            raise failure
        used = self.usage(request)
        return ChatReply(f"re: {text}", "stop", "fake", *((used[0], 0, used[1]) if used else ()))

    def _admits(self, now):
        level, before = self._tokens or (self.burst, now)
        level = min(self.burst, level + (now - before) * self.rate)
        admitted = level >= 1.0
        self._tokens = (level - admitted, now)
        return admitted

    async def close(self) -> None:
        self.closed += 1


def failing(trouble: Trouble, when: Callable[[str, int, float], bool]) -> Fault:
    """Return a fault of one kind for the attempts that ``when`` picks."""
    return lambda text, attempt, now: (
        ChatFailure(trouble, f"fake {trouble}") if when(text, attempt, now) else None
    )


@dataclass
class Outcome:
    """What came of calls asked in leaping time."""

    answers: list[Answer]
    report: Report
    stop: Stop
    seconds: float
    gate: Gate


def leap(model: FakeChat, calls: int, limits: Limits, *, price=None, estimate=None) -> Outcome:
    """Ask about items 0 to ``calls`` in time that leaps, without threads, spool or landing."""
    kept: list[Answer] = []

    async def ask_all() -> Outcome:
        loop = asyncio.get_running_loop()
        stop, report = Stop(), Report()
        budget = Budget(limits.budget_usd, price, estimate, counts_tokens=limits.tpm is not None)
        gate = Gate(limits, budget, stop)
        asker = Asker(model, gate, kept.append, limits=limits, report=report, stop=stop)
        numbers = iter(range(calls))

        async def work() -> None:
            for number in numbers:
                try:
                    await asker.ask(call(number))
                except asyncio.CancelledError:
                    return

        await asyncio.gather(*(work() for _ in range(2 * limits.concurrency)))
        return Outcome(kept, report, stop, loop.time(), gate)

    with asyncio.Runner(loop_factory=LeapingLoop) as runner:
        return runner.run(ask_all())


class Landed:
    """A place for answers and results; lands like a database, in SQLite."""

    def __init__(self, path: Path):
        self.path = path
        with self._open() as db:
            db.execute("CREATE TABLE IF NOT EXISTS answers (key PRIMARY KEY, text)")
            db.execute("CREATE TABLE IF NOT EXISTS results (item PRIMARY KEY, text)")

    def _open(self):
        db = sqlite3.connect(self.path, isolation_level="IMMEDIATE")
        db.execute("PRAGMA synchronous = OFF")
        return db

    def __call__(self, answers, results):
        rows = [(one.key, one.reply and one.reply.text) for one in answers]
        with self._open() as db:
            db.executemany("INSERT OR REPLACE INTO answers VALUES (?, ?)", rows)
            db.executemany("INSERT OR REPLACE INTO results VALUES (?, ?)", results)
        db.close()

    def answers(self):
        return dict(self._open().execute("SELECT * FROM answers"))

    def results(self):
        return dict(self._open().execute("SELECT * FROM results"))


class LoggedChat(FakeChat):
    """Notes every call that it receives in a file, so that a killed process leaves its trace."""

    def __init__(self, log: Path, **given):
        super().__init__(**given)
        self._log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    async def ask(self, request):
        os.write(self._log, request.messages[0].parts[0].encode() + b"\n")
        return await super().ask(request)


def child(folder: Path, items: int, latency_s: float, concurrency: int, every_s: float) -> None:
    """Resume the work in ``folder``; every fourth item takes two calls, one after the other."""
    landing.EVERY_S = every_s
    landed = Landed(folder / "landed.sqlite")
    with Spool(folder / "spool", "calls") as spool:
        landed(list(spool.recover()), [])
        spool.clear_recovered()
        known, done = landed.answers(), landed.results()

        def due() -> Iterator[int]:
            return (item for item in range(items) if item not in done)

        async def work(item: int, ask: Ask) -> tuple[int, str]:
            texts = []
            for part in range(2 if item % 4 == 0 else 1):
                key = f"{item}.{part}"
                if key not in known:
                    answer = await ask(Call(key, request(key)))
                    texts.append(answer.reply.text)
                else:
                    texts.append(known[key])
            return item, " ".join(texts)

        model = LoggedChat(folder / "asked.log", latency_s=latency_s)
        print("ready", flush=True)
        limits = Limits(concurrency=concurrency)
        began = time.monotonic()
        report = run(due(), work, model, spool=spool, land=landed, limits=limits)
    print(json.dumps({"stopped": report.stopped, "took": time.monotonic() - began}), flush=True)


def main() -> None:
    folder, items, latency_s, concurrency, every_s = sys.argv[1:]
    child(Path(folder), int(items), float(latency_s), int(concurrency), float(every_s))


def noisy(seed: int, share: float, troubles: tuple[Trouble, ...]) -> Fault:
    """Return faults at random, the same for the same attempt at the same text."""

    def fault(text: str, attempt: int, now: float) -> ChatFailure | None:
        draw = random.Random(f"{seed} {text} {attempt}")
        return ChatFailure(draw.choice(troubles), "fake") if draw.random() < share else None

    return fault


if __name__ == "__main__":
    main()
