"""Whether a text that a judge is shown holds the question or the response of a test record.

Texts are compared without case, marks and spacing, whole or in part. A text that several items
share, such as "Answer the question in the image" or a standard refusal, gives none of them away,
and neither does a short one. A question counts together with its options. A text whose words were
changed is not found.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from erranal.judge.shots import LEFT_OUT
from erranal.judge.verdict import Record

if TYPE_CHECKING:
    from erranal.codebook import Example

# Characters, normalised, from which on a text is taken to be one record's own.
LONG_QUESTION = 25
LONG_RESPONSE = 60
_PLAIN = re.compile(r"[^\w]+")


class Leak(NamedTuple):
    """A text of a test record that was found."""

    output_id: str
    field: str
    text: str


class Index(NamedTuple):
    """The texts of test records, normalised, each with the output that it is of."""

    questions: dict[str, str]
    responses: dict[str, str]


def normalised(text: str) -> str:
    """Return a text as it is compared.

    Examples
    --------
    >>> normalised("What  is 2/3 of **60**?")
    'what is 2 3 of 60'
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    return _PLAIN.sub(" ", folded).strip()


def index(records: Iterable[Record], items: Mapping[str, str]) -> Index:
    """Return what is looked for of test records.

    Parameters
    ----------
    records
        The records.
    items
        Item of each output: a text of two items is not looked for.
    """
    questions, responses = _Owned(items), _Owned(items)
    for record in records:
        questions.add(_question(record.question, record.choices), record, LONG_QUESTION)
        for text in (record.response, record.reasoning):
            responses.add(normalised(text), record, LONG_RESPONSE)
    return Index(questions.single(), responses.single())


class _Owned:
    """Texts with the one item that has them."""

    def __init__(self, items: Mapping[str, str]) -> None:
        self._items = items
        self._found: dict[str, str | None] = {}

    def add(self, text: str, record: Record, shortest: int) -> None:
        if len(text) < shortest:
            return
        owner = self._found.setdefault(text, record.output_id)
        if owner is not None and self._items.get(owner) != self._items.get(record.output_id):
            self._found[text] = None

    def single(self) -> dict[str, str]:
        return {text: owner for text, owner in self._found.items() if owner is not None}


def _question(question: str, choices: Sequence[str]) -> str:
    return normalised(" ".join([question, *choices]))


def in_record(known: Index, shown: Record) -> Leak | None:
    """Return a test record's text that an example drawn from a study holds, if there is one."""
    responses = (shown.response, shown.reasoning, shown.reference, shown.reference_reasoning)
    return _find(known, _pieces(shown.question, shown.choices), responses)


def in_example(known: Index, shown: Example) -> Leak | None:
    """Return a test record's text that an example of a codebook holds, if there is one."""
    return _find(known, _pieces(shown.question, shown.choices), (shown.text, shown.image))


def _pieces(question: str, choices: Sequence[str]) -> list[str]:
    head, *rest = question.split(LEFT_OUT)
    if rest:  # the options stand behind the end, not behind the beginning
        return [normalised(head), *map(normalised, rest[:-1]), _question(rest[-1], choices)]
    return [_question(question, choices)]


def _find(known: Index, questions: list[str], responses: Iterable[str]) -> Leak | None:
    plain = [normalised(piece) for text in responses for piece in text.split(LEFT_OUT)]
    return _held(known.questions, "question", questions, LONG_QUESTION) or _held(
        known.responses, "response", plain, LONG_RESPONSE
    )


def _held(known: Mapping[str, str], field: str, shown: list[str], shortest: int) -> Leak | None:
    for piece in shown:
        if piece in known:
            return Leak(known[piece], field, piece)
        for text, output_id in known.items():
            if text in piece or (len(piece) >= shortest and piece in text):
                return Leak(output_id, field, min(text, piece, key=len))
    return None
