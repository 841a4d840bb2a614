"""What a codebook is, once it has been read and checked."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

# What says where a book came from, but determines no verdict.
_NOT_CONTENT = {"hash", "history", "source_text"}


@dataclass(frozen=True, slots=True)
class Example:
    """One worked example: an item answered under two arms, and why the code applies or not.

    ``kind`` is ``positive`` or ``near_miss``; ``outcome`` and ``status`` are those of the image
    run, ``imported`` the outcome another scorer gave it; ``instead`` names the code that a near
    miss gets, if any.
    """

    kind: str
    question: str
    gold: str
    text: str
    image: str
    why: str
    choices: tuple[str, ...] = ()
    outcome: str = "incorrect"
    status: str = "ok"
    imported: str | None = None
    instead: str | None = None


@dataclass(frozen=True, slots=True)
class Family:
    """A group of codes that share a stage of answering; listed in the order of the book."""

    id: str
    title: str
    definition: str


@dataclass(frozen=True, slots=True)
class Code:
    """One code; ``code`` is its dotted path, ``parent`` the code above it, if there is one."""

    code: str
    family: str
    parent: str | None
    title: str
    definition: str
    include: tuple[str, ...]
    exclude: tuple[str, ...]
    rules: tuple[str, ...]
    examples: tuple[Example, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """One question of the decision order, and the codes it decides on, first match first."""

    ask: str
    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Revision:
    """What changed in one version of the book."""

    version: str
    note: str


@dataclass(frozen=True)
class Codebook:
    """One version of one codebook."""

    name: str
    version: str
    title: str
    description: str
    citation: str | None
    families: tuple[Family, ...]
    codes: tuple[Code, ...]
    decision: tuple[Step, ...]
    history: tuple[Revision, ...]
    source_text: str

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the content: comments, line breaks and the history do not change it."""
        content = {key: value for key, value in asdict(self).items() if key not in _NOT_CONTENT}
        text = json.dumps(_normalised(content), sort_keys=True, ensure_ascii=True)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def codebook_id(self) -> str:
        """``name@version#hash``, with the first eight digits of the hash."""
        return f"{self.name}@{self.version}#{self.hash[:8]}"

    @property
    def order(self) -> tuple[str, ...]:
        """Every code, in the order in which the decision steps reach it."""
        return tuple(code for step in self.decision for code in step.codes)

    def primary(self, codes: Iterable[str]) -> str | None:
        """Return the code that is the root cause among those that apply, or None for none."""
        given = set(codes)
        return next((code for code in self.order if code in given), None)

    def __getitem__(self, code: str) -> Code:
        for candidate in self.codes:
            if candidate.code == code:
                return candidate
        raise KeyError(code)


def _normalised(value: Any) -> Any:
    if isinstance(value, str):
        return " ".join(unicodedata.normalize("NFC", value).split())
    if isinstance(value, dict):
        return {key: _normalised(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_normalised(item) for item in value]
    return value
