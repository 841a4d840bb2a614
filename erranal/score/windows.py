"""Which part of a response is read, and its lower-case twin of equal length.

Answers stand at the beginning or at the end, so a response of megabytes is cut to both, which also
bounds the work of every rule.
"""

from __future__ import annotations

import re

HEAD = 6_000  # characters
TAIL = 14_000  # characters
_CAPITALS = re.compile("[A-Z]+")
_THINK_OPEN = "<think>"
_THINK_CLOSE = "</think>"


def visible(response: str) -> str:
    """Return what the model said after thinking; empty when it was cut off while thinking."""
    if _THINK_CLOSE in response:
        return response[response.rindex(_THINK_CLOSE) + len(_THINK_CLOSE) :]
    if response[:200].lstrip().startswith(_THINK_OPEN):
        return ""
    return response


def clip(response: str) -> str:
    """Return head and tail of a long response, and a short one whole."""
    if len(response) <= HEAD + TAIL:
        return response
    return f"{response[:HEAD]}\n\n{response[-TAIL:]}"


def lower(text: str) -> str:
    """Return ``text`` in lower case with every character at its old index."""
    lowered = text.lower()
    if len(lowered) == len(text):
        return lowered
    return _CAPITALS.sub(lambda capitals: capitals[0].lower(), text)
