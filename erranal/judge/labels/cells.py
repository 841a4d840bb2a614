"""Cells of a label file: texts, answers, and codes under the names that people give them."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from erranal.codebook import Codebook
from erranal.errors import StageError
from erranal.judge.labels.files import Flaw

NOT_GIVEN = frozenset({"", "nan", "null", "na", "n/a", "-", "?"})
NOTHING = frozenset({"none", "(none)", "nothing", "[]"})
_YES = frozenset({"1", "1.0", "true", "t", "yes", "y", "x"})
_NO = frozenset({"0", "0.0", "false", "f", "no", "n"})
_SEPARATOR = re.compile(r"[;,|\n]")
_LONGEST_LIST = 10_000
_LONGEST_NAME = 500


class Unfit(Exception):  # noqa: N818 - it ends one row, not the run
    """A row that cannot land."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.flaw = Flaw(reason, detail)


class Names:
    """The codes of a book under every name that a file may give them.

    Parameters
    ----------
    book
        The codebook.
    rename
        The file's own names, and the codes they stand for.

    Attributes
    ----------
    all
        Every code, in the order of the book.

    Raises
    ------
    StageError
        When a name is said to stand for a code that the book does not have.
    """

    def __init__(self, book: Codebook, rename: Mapping[str, str] | None = None) -> None:
        self._book = book
        self.all = tuple(code.code for code in book.codes)
        self._exact = {_folded(code.code): code.code for code in book.codes}
        for name, code in (rename or {}).items():
            if code not in self._exact.values():
                raise StageError(
                    f"{name!r} is to be read as {code!r}, which {book.name} does not have: "
                    f"its codes are {', '.join(self._exact.values())}"
                )
            self._exact[_folded(name)] = code
        self._loose = dict(self._exact)
        for short in (
            [code.code.rpartition(".")[2] for code in book.codes],
            [code.title for code in book.codes],
        ):
            names = [_folded(name) for name in short]
            for name, known in zip(names, book.codes, strict=True):
                if names.count(name) == 1:
                    self._loose.setdefault(name, known.code)

    def column(self, name: str) -> str | None:
        """Return the code that a column answers; only a whole name makes a column one."""
        return _meant(self._exact, name)

    def code(self, text: str) -> str:
        """Return the code meant by its path, its last part or its title."""
        found = _meant(self._loose, text)
        if found is None:
            raise Unfit("unknown_code", f"{self._book.name} has no code {text[:100]!r}")
        return found

    def codes(self, value: Any) -> tuple[str, ...] | None:
        """Return the codes of a cell in the book's order; None where it does not say."""
        texts = self._listed(value)
        if texts is None:
            return None
        given = {self.code(text) for text in texts}
        return tuple(code for code in self.all if code in given)

    def _listed(self, value: Any) -> list[str] | None:
        if isinstance(value, list | tuple):
            return [text_of(part, "a list of codes") or "" for part in value]
        text = text_of(value, "the codes")
        if text is None or text.casefold() in NOT_GIVEN:
            return None
        if text.casefold() in NOTHING:
            return []
        if text.startswith("["):
            return [text_of(part, "a list of codes") or "" for part in _bracketed(text)]
        if _meant(self._loose, text):
            return [text]
        parts = [part.strip().strip("'\"") for part in _SEPARATOR.split(text)]
        return [part for part in parts if part]


def _meant(names: Mapping[str, str], text: str) -> str | None:
    return names.get(_folded(text)) if len(text) <= _LONGEST_NAME else None


@lru_cache(maxsize=4_096)
def _folded(name: str) -> str:
    return re.sub(r"[\s_\-]+", "_", name.strip().casefold())


def _bracketed(text: str) -> list[Any]:
    if len(text) <= _LONGEST_LIST:
        try:
            value = ast.literal_eval(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            value = None
        if isinstance(value, list):
            return value
    raise Unfit("wrong_type", f"no list of codes: {text[:100]!r}")


def text_of(value: Any, what: str) -> str | None:
    """Return a scalar as text without blanks around it; None where there is none."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # an id in a column that also has gaps
    if isinstance(value, str | int | float):
        return str(value).strip() or None
    raise Unfit("wrong_type", f"{what} cannot be a {type(value).__name__}")


def answer_of(value: Any, column: str) -> bool | None:
    """Return the yes or no of a cell; None where it is not answered."""
    text = (text_of(value, column) or "").casefold()
    if text in NOT_GIVEN:
        return None
    if text in _YES or text in _NO:
        return text in _YES
    raise Unfit("wrong_type", f"{column} is neither yes nor no: {text[:100]!r}")
