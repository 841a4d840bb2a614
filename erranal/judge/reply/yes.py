"""The probability of yes, from the log-probabilities of the tokens of a reply."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from erranal.models.chat import Token

# A quotation mark that is escaped belongs to a string, not to the form.
_ANSWER = re.compile(r'(?<!\\)"applies"\s*:\s*(true|false)')
_BEFORE = ' \t\r\n:"'


def probability_of_yes(tokens: Sequence[Token], *, applies: bool) -> float | None:
    """Return the probability that the answer is true, by the alternatives of its first token.

    The probability is that of ``true`` among ``true`` and ``false``. Where only one of them is
    listed, the other is at most as likely as the least likely alternative, and is taken to be that.

    Returns
    -------
    float or None
        None when there are no log-probabilities, or they belong to another text.
    """
    text = "".join(token.text for token in tokens)
    found = list(_ANSWER.finditer(text))
    if not found or (found[-1][1] == "true") is not applies:
        return None
    token, before = _covering(tokens, found[-1].start(1))
    mass = {True: 0.0, False: 0.0}
    for answer, logprob in _answers(token, before):
        mass[answer] += math.exp(min(logprob, 0.0))
    if not any(mass.values()):
        return None
    if not all(mass.values()):
        unseen = _unseen(token)
        return (mass[True] or unseen) / (sum(mass.values()) + unseen)
    return mass[True] / sum(mass.values())


def _covering(tokens: Sequence[Token], at: int) -> tuple[Token, str]:
    """Return the token that holds the character at an offset, and its text before that."""
    offset = 0
    for token in tokens:
        if offset + len(token.text) > at:
            return token, token.text[: at - offset]
        offset += len(token.text)
    raise AssertionError("the offset lies in the text of the tokens")


def _answers(token: Token, before: str) -> Iterator[tuple[bool, float]]:
    """Yield the alternatives that begin an answer, with their log-probabilities."""
    for text, logprob in token.alternatives or ((token.text, token.logprob),):
        rest = text[len(before) :] if text.startswith(before) else text.lstrip(_BEFORE)
        rest = rest.strip().rstrip(",}").strip()
        for answer, word in ((True, "true"), (False, "false")):
            if rest and (word.startswith(rest) or rest.startswith(word)):
                yield answer, logprob


def _unseen(token: Token) -> float:
    """Return the most that an alternative which is not listed can have."""
    if len(token.alternatives) > 1:
        return math.exp(min(logprob for _, logprob in token.alternatives))
    return max(0.0, 1.0 - math.exp(min(token.logprob, 0.0)))
