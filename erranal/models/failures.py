"""What an HTTP answer that is no reply means: one place for all endpoints."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

from erranal.models.chat import ChatFailure, Trouble

OVERLOADED = 529  # Anthropic's own status
LONGEST_WAIT_S = 7 * 86_400.0
_UNUSABLE_CODES = {
    "insufficient_quota",
    "billing_hard_limit_reached",
    "billing_not_active",
    "enforced_spend_limit_reached",
    "account_deactivated",
    "invalid_api_key",
    "model_not_found",
}
_OUT_OF_CREDIT = re.compile(r"credit balance is too low|exceeded your current quota", re.IGNORECASE)
_FILTERED = re.compile(
    r"content[ _-]?(?:filter|policy|management)|responsible ?ai|usage polic|moderation|flagged",
    re.IGNORECASE,
)
_TROUBLES: dict[int, Trouble] = {
    HTTPStatus.UNAUTHORIZED: "unusable",
    HTTPStatus.PAYMENT_REQUIRED: "unusable",
    HTTPStatus.FORBIDDEN: "unusable",
    HTTPStatus.NOT_FOUND: "unusable",
    HTTPStatus.METHOD_NOT_ALLOWED: "unusable",
    HTTPStatus.REQUEST_TIMEOUT: "server",
    HTTPStatus.CONFLICT: "server",
    HTTPStatus.TOO_EARLY: "server",
    HTTPStatus.TOO_MANY_REQUESTS: "rate_limited",
    OVERLOADED: "rate_limited",
}
_SPAN = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)(ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}


def said(payload: Any) -> tuple[str, set[str]]:
    """Return the message of an error body and the codes and types it carries."""
    error = payload.get("error", payload) if isinstance(payload, dict) else payload
    if not isinstance(error, dict):
        return (error if isinstance(error, str) else ""), set()
    details = error.get("details")
    extra = details.get("error_code") if isinstance(details, dict) else None
    found = (error.get("code"), error.get("type"), extra)
    message = error.get("message") or error.get("detail") or ""
    return str(message), {code for code in found if isinstance(code, str)}


def trouble_of(status: int, message: str, codes: set[str]) -> Trouble:
    """Return what kind of trouble a status and an error body are."""
    if status < HTTPStatus.INTERNAL_SERVER_ERROR and (
        codes & _UNUSABLE_CODES or _OUT_OF_CREDIT.search(message)
    ):
        return "unusable"
    may_filter = status in (HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN)
    if may_filter and ("content_filter" in codes or _FILTERED.search(message)):
        return "refused"
    if trouble := _TROUBLES.get(status):
        return trouble
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return "server"
    return "bad_request" if status >= HTTPStatus.BAD_REQUEST else "unusable"  # a redirect


def failure(
    status: int, headers: Mapping[str, str], message: str, codes: set[str], hint: str = ""
) -> ChatFailure:
    """Return the failure that an HTTP error is.

    Parameters
    ----------
    message
        What the server said, without any key.
    hint
        The next step, said after the message where nothing else will work either.
    """
    trouble = trouble_of(status, message, codes)
    text = f"status {status}" + (f": {message}" if message else "")
    if trouble == "unusable" and hint:
        text = f"{text} ({hint})"
    return ChatFailure(trouble, text, status=status, retry_after_s=retry_after(headers))


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Return the seconds that a server asks to wait, or None where it names none.

    Reads ``retry-after-ms``, ``Retry-After`` as seconds or as an HTTP date (RFC 9110), and
    ``x-ratelimit-reset-requests`` and ``-tokens`` of the limits that are used up.
    """
    now = now or datetime.now(UTC)
    wait = _number(headers.get("retry-after-ms"), 0.001)
    if wait is None:
        wait = _wait_of(headers.get("Retry-After"), now)
    if wait is None:
        waits = [
            _span(headers.get(f"x-ratelimit-reset-{what}"))
            for what in ("requests", "tokens")
            if (_number(headers.get(f"x-ratelimit-remaining-{what}")) or 0) <= 0
        ]
        wait = max((w for w in waits if w is not None), default=None)
    return None if wait is None else min(max(wait, 0.0), LONGEST_WAIT_S)


def _number(text: str | None, unit: float = 1.0) -> float | None:
    try:
        value = float(text) * unit if text else math.nan
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _wait_of(text: str | None, now: datetime) -> float | None:
    seconds = _number(text)
    if seconds is not None or not text:
        return seconds
    try:
        date = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - now.timestamp()


def _span(text: str | None) -> float | None:
    """Read a Go duration such as 6m0s or 200ms, or plain seconds."""
    if not text:
        return None
    found = _SPAN.findall(text[:64])
    return sum(float(n) * _SECONDS[unit] for n, unit in found) if found else _number(text)
