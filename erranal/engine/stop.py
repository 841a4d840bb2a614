"""One place that knows whether the run is being stopped, and why."""

from __future__ import annotations

from collections.abc import Callable


class Stop:
    """Set once; the first reason stays.

    Attributes
    ----------
    reason
        Why, for the report; None for an error and while the run goes on.
    error
        What will be raised at the end.
    """

    def __init__(self) -> None:
        self.reason: str | None = None
        self.error: BaseException | None = None
        self._told: list[Callable[[], None]] = []

    def __bool__(self) -> bool:
        return self.reason is not None or self.error is not None

    def tell(self, listener: Callable[[], None]) -> None:
        """Call ``listener`` once when the run is stopped."""
        self._told.append(listener)

    def because(self, reason: str) -> None:
        """Stop; the run ends with a report."""
        if not self:
            self.reason = reason
            self._tell_all()

    def fail(self, error: BaseException) -> None:
        """Stop; the run ends by raising ``error``."""
        if self.error is None:
            first = not self
            self.error = error
            if first:
                self._tell_all()

    def _tell_all(self) -> None:
        told, self._told = self._told, []
        for listener in told:
            listener()
