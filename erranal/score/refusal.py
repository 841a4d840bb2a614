"""Telling a refusal (or "I cannot see the image") from an answer."""

from __future__ import annotations

import re

HEAD = 300  # characters: a refusal says so at once
_CUES = ("sorry", "apolog", "can't", "cannot", "can not", "unable", "not able", "won't", "as an ai")
_ABLE = (
    r"(?:can't|can not|cannot|could not|couldn't|won't|will not|am unable to|'m unable to"
    r"|am not able to|'m not able to|don't have the ability to|was unable to)"
)
_ACT = (
    r"(?:directly |currently |fully |clearly |accurately |actually )?"
    r"(?:assist|help|provide|answer|view|see|read|analy[sz]e|interpret|process|display|access"
    r"|identify|solve|determine|transcribe|extract|comply|do that|fulfil|engage|discuss|support"
    r"|complete|make|give|recogni[sz]e|tell|describe|offer|continue|select|choose)"
)
_REFUSAL = re.compile(
    r"^\W{0,5}(?:i'm |i am |we're |we are )?(?:very |so |really )?"
    r"(?:sorry|afraid|unable to (?:assist|help|view|see|answer|provide))\b"
    r"|^\W{0,5}(?:my |i )?apolog(?:ies|ize|ise)\b"
    rf"|\bi ?{_ABLE} {_ACT}"
    r"|\bas an ai\b.{0,60}\b(?:can't|cannot|unable|not able|don't)\b"
)
_LACKS = ("i need", "i require", "i still", "but ", "can't", " you ", "please")
# "I can judge the position, but I need to know whose move it is": no answer, and no refusal.
_ASKS_BACK = re.compile(
    r"^\W{0,5}i (?:still )?(?:need|require) (?:to know|the|you|more|one|a|some|exactly)\b"
    r"|\bi(?:'m|'d| am| would| can| could| want)\b[^.\n]{0,140}\bbut (?:first )?i"
    r"(?: need|'d need|(?:'m| am) not (?:\w+ )?(?:sure|certain|confident))\b"
    r"|^\W{0,5}i can't (?:reliably|confidently|definitively) (?:determine|tell|give|say)\b"
    r"|^\W{0,5}i can't [^.\n]{1,80} without (?:knowing|seeing|more|the|further|additional)\b"
    r"|^\W{0,5}(?:could|can|would) you (?:please )?(?:provide|share|confirm|specify|tell|clarify)"
    r"|^\W{0,5}please (?:provide|share|specify|upload|confirm)\b"
)


def asks_back(low: str) -> bool:
    """Return whether a response (in lower case) opens by asking for what it says it lacks."""
    head = low[:HEAD].replace("’", "'")
    return any(cue in head for cue in _LACKS) and _ASKS_BACK.search(head) is not None


def is_refusal(low: str) -> bool:
    """Return whether a response (in lower case) declines or says that it cannot look.

    Only the head counts: a long solution that ends in "I cannot determine which" is no refusal.
    """
    head = low[:HEAD]
    if not head.isascii():
        head = head.replace("’", "'")
    if not any(cue in head for cue in _CUES):
        return False
    return _REFUSAL.search(head) is not None
