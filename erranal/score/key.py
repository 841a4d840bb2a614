"""The key of an item: its answer type and gold answer, worked out once for all its outputs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from string import ascii_uppercase

from erranal.score import number
from erranal.score.markup import normal
from erranal.score.number import Number
from erranal.score.options import Options, prepare
from erranal.score.outcome import AnswerType

_LETTER = re.compile(r"^\(?([A-Za-z])[).]?$")
_HASHES = "####"
# Questions answered by one of two words have options even where no file lists them.
_UNSAID = (("yes", "no"), ("true", "false"))
_EMPTY = {"", "nan", "null"}
_SOLUTION = 200  # characters beyond which a gold with #### is a worked solution


@dataclass(frozen=True)
class Key:
    """What answers of one item are compared with.

    Attributes
    ----------
    answer_type
        How the response is read.
    gold
        The gold answer as text; the part after ``####`` of a worked solution.
    index
        Index of the right option of a choice item.
    number
        Value of a numeric gold.
    unusable
        Why nothing can be graded against this gold; empty when it can.
    """

    answer_type: AnswerType
    gold: str
    options: Options | None = None
    index: int = -1
    number: Number | None = None
    unusable: str = ""

    @property
    def lettered(self) -> bool:
        """Whether the answer is an option's letter."""
        return self.options is not None and self.options.lettered


def key(
    gold: str | None,
    *,
    answer_type: AnswerType | None = None,
    choices: Sequence[str] | None = None,
) -> Key:
    """Return the key of an item, deriving the answer type where it is not given.

    A gold that is a letter within the options or equals one of them makes a choice item, a number
    a numeric one, anything else a text one.
    """
    return _key(gold, answer_type, tuple(choices or ()))


@lru_cache(maxsize=50_000)
def _key(gold: str | None, answer_type: AnswerType | None, choices: tuple[str, ...]) -> Key:
    text = _final(gold or "")
    if text.lower() in _EMPTY:
        return Key(answer_type or "text", text, unusable="no gold")
    if answer_type == "choice" and not choices:
        return _key(text, "text", choices)
    if not choices and answer_type is None:
        choices = next((pair for pair in _UNSAID if text.lower() in pair), ())
    if choices and answer_type in (None, "choice"):
        return _choice_key(text, choices)
    value = number.exact(text) if answer_type == "numeric" else number.pure(text)
    if answer_type != "text" and value is not None:
        return Key("numeric", text, number=value)
    return Key("text", text, number=value)


def _final(gold: str) -> str:
    if _HASHES in gold:
        return gold.rsplit(_HASHES, 1)[1].strip()
    return gold.strip()


def _choice_key(gold: str, choices: tuple[str, ...]) -> Key:
    letter = _LETTER.match(gold)
    index = ascii_uppercase.index(letter[1].upper()) if letter else len(choices)
    if letter and index < len(choices) and (letter[1].isupper() or gold not in choices):
        return Key("choice", gold, prepare(choices, lettered=True), index)
    options = prepare(choices, lettered=False)
    index = _gold_index(gold, options)
    if index < 0:
        return Key("choice", gold, options, unusable="the gold is not among the options")
    return Key("choice", gold, options, index)


def _gold_index(gold: str, options: Options) -> int:
    if gold in options.texts:
        return options.texts.index(gold)
    text = normal(gold)
    if text in options.normals:
        return options.normals.index(text)
    value = number.pure(gold)
    return -1 if value is None else options.by_value.get(value.value, -1)
