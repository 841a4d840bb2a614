"""Values of a file as values of the study: texts, numbers, choices, modalities, right or wrong.

Every function takes one value and returns what it means, or raises :class:`Unusable`.
"""

from __future__ import annotations

import ast
import math
import warnings
from collections.abc import Callable
from itertools import chain
from typing import Any

MODALITIES = ("text", "text+image", "instruction+image", "ocr-1p", "ocr-2p", "image", "none")

_OTHER_NAMES = {
    "text-only": "text",
    "text_only": "text",
    "textual": "text",
    "txt": "text",
    "vision": "image",
    "visual": "image",
    "img": "image",
    "image-only": "image",
    "image_only": "image",
    "text_image": "text+image",
    "text-image": "text+image",
    "image+text": "text+image",
}
_ANSWER_TYPES = {
    "choice": "choice mc multiple-choice multiple_choice mcq",
    "numeric": "numeric number integer float int",
    "text": "text free-form free_form open open-ended string",
}
_RIGHT = {"true", "1", "1.0", "correct", "right", "yes", "c"}
_WRONG = {"false", "0", "0.0", "incorrect", "wrong", "no", "i"}

_LARGEST_INTEGER = 2**63 - 1
_EXACT_FLOAT = 2.0**53  # whole numbers above this are no longer told apart as floats
_LONGEST_LITERAL = 100_000


class Unusable(ValueError):  # noqa: N818 - a finding about a value, not a failure
    """A value that a row cannot land with; carries the reason of the reject."""

    def __init__(self, reason: str, detail: object) -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail


def text(value: Any) -> str | None:
    """Return a text; numbers and truth values are written out."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        try:
            return str(value)
        except ValueError as error:  # Python refuses to write thousands of digits
            raise Unusable("wrong_type", "a number of thousands of digits") from error
    if isinstance(value, float):
        return None if math.isnan(value) else repr(value)
    raise Unusable("wrong_type", f"a {type(value).__name__} where a text should be: {value!r:.80}")


def text_or_json(value: Any) -> str | None:
    """Return a text, with lists and objects written as compact JSON."""
    if not isinstance(value, list | dict):
        return text(value)
    import orjson

    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
    except TypeError as error:
        raise Unusable("wrong_type", error) from error


def identifier(value: Any) -> str:
    """Return an item's identifier; 7, 7.0 and "7" are the same one."""
    if isinstance(value, float):
        if abs(value) > _EXACT_FLOAT:
            raise Unusable(
                "wrong_type", f"{value!r} is too large to be told apart: write ids as text"
            )
        value = None if math.isnan(value) else int(value) if value.is_integer() else value
    if isinstance(value, bool) or not isinstance(value, str | int | None):
        raise Unusable("wrong_type", f"an identifier of type {type(value).__name__}: {value!r:.80}")
    if value is None or not str(value).strip():
        raise Unusable("missing_id", "the identifier is missing or blank")
    return str(value)


def integer(value: Any) -> int | None:
    """Return a whole number that fits 64 bits and is not negative."""
    number = _number(value)
    if number is None:
        return None
    if number != int(number) or not 0 <= number <= _LARGEST_INTEGER:
        raise Unusable("wrong_type", f"{value!r:.80} is no count")
    return int(number)


def number(value: Any) -> float | None:
    """Return a finite number."""
    found = _number(value)
    return None if found is None else float(found)


def _number(value: Any) -> int | float | None:
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise Unusable("wrong_type", f"a {type(value).__name__} where a number should be")
    try:
        found = float(value) if not isinstance(value, int) else value
    except ValueError as error:
        raise Unusable("wrong_type", f"{value!r:.80} is no number") from error
    if isinstance(found, float) and math.isnan(found) and not isinstance(value, str):
        return None  # Parquet files written from pandas have NaN for null
    if isinstance(found, float) and not math.isfinite(found):
        raise Unusable("not_a_number", f"{value!r:.80}")
    if abs(found) > 2 * _LARGEST_INTEGER:
        raise Unusable("wrong_type", f"{value!r:.80} is too large")
    return found


def choices(value: Any) -> list[str] | None:
    """Return the options in order, from a list, an object by letter, or a list written as text."""
    if value is None or value == "":
        return None
    if isinstance(value, str):
        value = _literal(value)
    if isinstance(value, dict):
        value = [value[key] for key in sorted(value, key=_option_order)]
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], list):
        value = value[0]  # MMMU-Pro writes one item's options as a list in a list
    if not isinstance(value, list | tuple):
        raise Unusable("bad_choices", f"a {type(value).__name__}: {value!r:.80}")
    found = [text(option) if not isinstance(option, list | dict) else None for option in value]
    if any(option is None for option in found):
        raise Unusable("bad_choices", f"an option is no text: {value!r:.80}")
    options = [option or "" for option in found]
    if any(not option.isprintable() and _is_broken(option) for option in options):
        raise Unusable("bad_choices", "an option holds half of a surrogate pair")
    return options or None


def _is_broken(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return True
    return False


def _option_order(key: Any) -> tuple[int, str]:
    # Letters in their order, and numbers by size: "2" comes before "10".
    name = str(key)
    return (int(name), "") if name.isdecimal() and len(name) < 10 else (-1, name)


def _literal(value: str) -> Any:
    """Parse a list written as text: JSON, or Python's way of writing literals (never evaluated)."""
    import orjson

    if len(value) > _LONGEST_LITERAL:
        raise Unusable("bad_choices", f"{len(value)} characters are too many for a list of options")
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        pass
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a backslash in an option is no concern of the user's
            return ast.literal_eval(value)
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError) as error:
        raise Unusable("bad_choices", f"not a list: {value!r:.80}") from error


def modality_of(value: str) -> str | None:
    """Return the study's name of a modality, or None for a value that names none."""
    name = value.strip().lower()
    return name if name in MODALITIES else _OTHER_NAMES.get(name)


def modality(value: Any) -> str:
    """Return the study's name of a modality."""
    found = modality_of(value) if isinstance(value, str) else None
    if found is None:
        raise Unusable(
            "unknown_modality",
            f"{value!r:.80} is none of {', '.join(MODALITIES)}; translate it "
            "in the mapping's [values.modality]",
        )
    return found


def answer_type(value: Any) -> str | None:
    """Return choice, numeric or text; None (the scorer decides) for any other word."""
    said = str(value).strip().lower()
    return next((kind for kind, words in _ANSWER_TYPES.items() if said in words.split()), None)


def outcome(value: Any) -> str | None:
    """Return correct or incorrect as the file's scorer said; None when it said neither."""
    if isinstance(value, bool | int | float | str):
        said = str(value).strip().lower()
        return "correct" if said in _RIGHT else "incorrect" if said in _WRONG else None
    return None


# The same for a whole column at once, where all values are of the usual types; None otherwise.

_NONE = type(None)


def _texts(raw: list[Any], kinds: set[type]) -> list[Any] | None:
    return raw if kinds <= {str, _NONE} else None


def _identifiers(raw: list[Any], kinds: set[type]) -> list[Any] | None:
    return raw if kinds == {str} and all(map(str.strip, raw)) else None


def _integers(raw: list[Any], kinds: set[type]) -> list[Any] | None:
    if kinds == {int} and min(raw) >= 0 and max(raw) <= _LARGEST_INTEGER:
        return raw
    return raw if kinds == {_NONE} else None


def _numbers(raw: list[Any], kinds: set[type]) -> list[Any] | None:
    return raw if kinds == {float} and all(map(math.isfinite, raw)) else None


def _choices(raw: list[Any], kinds: set[type]) -> list[Any] | None:
    if kinds == {list} and all(raw) and set(map(type, chain.from_iterable(raw))) == {str}:
        return raw
    return None


def _outcomes(raw: list[Any], kinds: set[type]) -> list[Any] | None:
    if not kinds <= {bool, _NONE}:
        return None
    names = {True: "correct", False: "incorrect", None: None}
    return [names[value] for value in raw]


WHOLE: dict[Callable[[Any], Any], Callable[[list[Any], set[type]], list[Any] | None]] = {
    text: _texts,
    text_or_json: _texts,
    identifier: _identifiers,
    integer: _integers,
    number: _numbers,
    choices: _choices,
    outcome: _outcomes,
}
