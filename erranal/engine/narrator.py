"""Progress in words: what was spent, how fast it goes, what it waits for."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from erranal.engine.call import Limits, Progress, Report
    from erranal.engine.gate import Gate

EVERY_S = 0.25
REMEMBERED_S = 5.0


class Narrator:
    """Tells a progress callable how a run goes.

    Parameters
    ----------
    progress
        Called with items done, their total or 0 where it is not known, and a label.
    total
        Number of items, 0 where it is not known.
    """

    def __init__(self, progress: Progress, total: int, limits: Limits, now: float) -> None:
        self._progress = progress
        self._total = total
        self._budget = limits.budget_usd
        self._before, self._answered = now, 0
        self._rate: float | None = None

    def tell(self, report: Report, gate: Gate, now: float) -> None:
        """Say how things are."""
        parts = [self._money(report), self._speed(report, now)]
        if waits_for := gate.waits_for():
            parts.append(f"waiting: {waits_for}")
        self._progress(report.items, self._total, " · ".join(part for part in parts if part))

    def _money(self, report: Report) -> str:
        if self._budget is not None:
            return f"${report.spent_usd:.2f} of ${self._budget:.2f}"
        return f"${report.spent_usd:.2f}" if report.spent_usd else ""

    def _speed(self, report: Report, now: float) -> str:
        elapsed = now - self._before
        if elapsed > 0:
            rate = (report.answered - self._answered) / elapsed
            weight = 1.0 if self._rate is None else min(1.0, elapsed / REMEMBERED_S)
            self._rate = (self._rate or 0.0) + weight * (rate - (self._rate or 0.0))
            self._before, self._answered = now, report.answered
        return f"{self._rate or 0.0:.3g} calls/s"
