"""Numbers as they are printed: points, percentages, intervals, p values."""

from __future__ import annotations

import math
from collections.abc import Iterable

MINUS = "\N{MINUS SIGN}"
TO = " to "


def signed(value: float | None, digits: int = 1) -> str:
    """Format a fraction as signed points with a true minus sign, e.g. 0.0497 as ``+5.0``."""
    if value is None or math.isnan(value):
        return "–"
    rounded = round(100 * value, digits)
    sign = MINUS if rounded < 0 else "+" if rounded > 0 else ""
    return f"{sign}{abs(rounded):.{digits}f}"


def points(value: float, digits: int = 1) -> str:
    """Format the size of a fraction in points, without sign: ``14.2 points``."""
    size = f"{abs(100 * value):.{digits}f}"
    return f"{size} point{'' if float(size) == 1 else 's'}"


def percent(value: float | None, digits: int = 1) -> str:
    """Format a fraction as a percentage, e.g. ``30.8 %``."""
    if value is None or math.isnan(value):
        return "–"
    return f"{100 * value:.{digits}f} %"


def bare_percent(value: float | None) -> str:
    """Format a fraction as a percentage without its sign: ``30.8``."""
    return percent(value).removesuffix(" %")


def decimal(value: float, digits: int = 2) -> str:
    """Format a coefficient with a true minus sign, e.g. ``0.62``."""
    text = f"{abs(value):.{digits}f}"
    return f"{MINUS}{text}" if value < 0 and float(text) else text


def p_value(p: float | None) -> str:
    """Format a p value: ``p < .001`` or three digits without the leading zero."""
    if p is None or math.isnan(p):
        return ""
    if p < 0.001:
        return "p < .001"
    return f"p = {min(p, 1.0):.3f}".replace("0.", ".") if p < 0.9995 else "p = 1"


def level(value: float) -> str:
    """Format a confidence level: ``95 %``."""
    return f"{100 * value:g} %"


def limits(low: float, high: float, digits: int = 1) -> str:
    """Format an interval of fractions in signed points: ``−19.3 to −9.1``."""
    return f"{signed(low, digits)}{TO}{signed(high, digits)}"


def sizes(low: float, high: float) -> str:
    """Format an interval on one side of zero by its sizes, smaller first: ``9.1 to 19.3``."""
    near, far = sorted((abs(low), abs(high)))
    return f"{100 * near:.1f}{TO}{100 * far:.1f}"


def tied(text: str) -> str:
    """Hold each number and its percent sign, and each p value, on one line."""
    for loose in (" %", "p < ", "p = "):
        text = text.replace(loose, loose.replace(" ", "\N{NO-BREAK SPACE}"))
    return text


def count(n: int, noun: str, plural: str | None = None) -> str:
    """Format a count with its noun: ``1 item``, ``1,730 items``."""
    return f"{n:,} {noun if n == 1 else plural or noun + 's'}"


def listed(words: Iterable[str], last: str = "and") -> str:
    """Join words as in a sentence: ``a, b and c``."""
    words = list(words)
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"


def shorten(text: str, length: int) -> str:
    """Cut a text to a length on one line."""
    flat = " ".join(text.split())
    return flat if len(flat) <= length else flat[: length - 1].rstrip() + "…"


def bytes_size(n: float) -> str:
    """Format a file size: ``1.8 MB``."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if n < 1000 or unit == "GB":
            return f"{n:.0f} {unit}" if unit == "bytes" else f"{n:.1f} {unit}"
        n /= 1000
    raise AssertionError("unreachable")


def duration(seconds: float | None) -> str:
    """Format a duration: ``0.4 s``, ``3 min 20 s``."""
    if seconds is None:
        return "–"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"
