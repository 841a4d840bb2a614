"""How many tokens a request may take, before anybody has counted them."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from erranal.models.chat import ChatRequest

# English has about four bytes to a token, mathematics and Chinese about three. The estimate is
# used to stay under limits and budgets, so it leans to the large side.
BYTES_PER_TOKEN = 3.0
# What the large providers charge for a picture of about a megapixel; they count differently.
PER_PICTURE = 1_600


def estimate(request: ChatRequest) -> tuple[int, int]:
    """Return the tokens that a request may take in, and the most that its reply may have."""
    own = sum(
        _of(part)
        for message in request.messages
        for part in message.parts
        if isinstance(part, str) and message.role != "system"
    )
    return of_prefix(request) + own + PER_PICTURE * pictures(request), request.max_tokens


def of_prefix(request: ChatRequest) -> int:
    """Return the tokens that are the same for every record, and may come from a cache."""
    return sum(
        _of_cached(part)
        for message in request.messages
        for part in message.parts
        if isinstance(part, str) and message.role == "system"
    )


def pictures(request: ChatRequest) -> int:
    """Return how many pictures a request shows."""
    return sum(not isinstance(part, str) for message in request.messages for part in message.parts)


def _of(text: str) -> int:
    return int(len(text.encode("utf-8", "replace")) / BYTES_PER_TOKEN) + 1


@lru_cache(maxsize=8)
def _of_cached(text: str) -> int:
    return _of(text)
