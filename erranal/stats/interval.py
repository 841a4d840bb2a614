"""The one result record of the statistics: an estimate with its interval."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate and the interval around it.

    Parameters
    ----------
    estimate
        Point estimate; NaN when there is no observation.
    low, high
        Limits of the interval, in the unit of the estimate.
    level
        Nominal coverage, e.g. 0.95.
    method
        Name of the method, as it is printed beside the number.
    n
        Independent units behind the estimate (pairs, or clusters where pairs are clustered).
    excluded
        Units left out, such as those with fewer than two ratings where agreement is estimated.

    Examples
    --------
    >>> print(Interval(-0.0497, -0.0727, -0.0265, 0.95, "Tango", 1730))
    -0.050 [-0.073, -0.026] (95 % Tango, n = 1730)
    """

    estimate: float
    low: float
    high: float
    level: float
    method: str
    n: int
    excluded: int = 0

    def __str__(self) -> str:
        limits = f"[{self.low:.3f}, {self.high:.3f}]"
        return f"{self.estimate:.3f} {limits} ({self.level * 100:g} % {self.method}, n = {self.n})"

    @property
    def width(self) -> float:
        """Distance between the limits."""
        return self.high - self.low


def require_level(level: float) -> None:
    """Refuse a level outside (0, 1).

    Raises
    ------
    ValueError
        When ``level`` is not strictly between 0 and 1.
    """
    if not 0 < level < 1:
        raise ValueError(f"the level must lie between 0 and 1, e.g. 0.95; got {level}")
