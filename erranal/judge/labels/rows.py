"""From a record of a label file to the output it names and the label it gives."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from erranal.errors import StageError
from erranal.judge.labels.cells import NOT_GIVEN, NOTHING, Names, Unfit, answer_of, text_of

# What a row may say, and the columns it is looked for in, first match first.
FIELDS: dict[str, tuple[str, ...]] = {
    "output_id": ("output_id",),
    "item": ("item_id", "item", "native_id", "question_id", "id"),
    "benchmark": ("benchmark",),
    "model": ("model",),
    "arm": ("arm", "modality", "condition"),
    "render": ("render",),
    "prompt_style": ("prompt_style",),
    "sample": ("sample",),
    "codes": ("codes", "labels", "error_codes", "code", "label"),
    "primary": ("primary", "primary_code"),
    "looked_for": ("looked_for", "assessed"),
    "rationale": ("rationale", "memo", "comment", "notes", "note"),
    "confidence": ("confidence",),
    "evidence": ("evidence", "quotes", "quote"),
}


class Place(NamedTuple):
    """What a row says about which output it labels; None where it says nothing."""

    output_id: str | None
    item: str | None
    benchmark: str | None
    model: str | None
    arm: str | None
    prompt_style: str | None
    sample: int | None


@dataclass(frozen=True, slots=True)
class Label:
    """What a row says about its output.

    ``answers`` has the codes that were looked for one by one, and whether each applies; None means
    that the whole book was. ``quotes`` are (code, quote).
    """

    codes: tuple[str, ...]
    answers: Mapping[str, bool] | None
    primary: str | None
    rationale: str
    confidence: float | None
    quotes: tuple[tuple[str, str], ...]


class Reader:
    """Reads records with one meaning of their columns.

    Parameters
    ----------
    names
        The codes.
    fields
        Columns that hold what :data:`FIELDS` lists, where they have other names.
    constant
        Values that hold for every row.

    Raises
    ------
    StageError
        When a field is not one of :data:`FIELDS`.
    """

    def __init__(
        self,
        names: Names,
        fields: Mapping[str, str] | None = None,
        constant: Mapping[str, Any] | None = None,
    ) -> None:
        self._names, self._constant = names, dict(constant or {})
        for name in (*(fields or {}), *self._constant):
            if name not in FIELDS:
                raise StageError(f"labels have no field {name!r}: use {', '.join(FIELDS)}")
        self._columns = FIELDS | {name: (column,) for name, column in (fields or {}).items()}

    def require(self, record: Mapping[str, Any], path: object) -> None:
        """Refuse a file whose first record names no output or gives no label.

        Raises
        ------
        StageError
            The message lists the columns there are.
        """
        known = {name for name in FIELDS if self._has(record, name)}
        answers = any(self._names.column(column) for column in record)
        missing = [] if known & {"output_id", "item"} else ["which output is meant (output_id)"]
        if not known & {"codes", "primary"} and not answers:
            missing.append("the label (codes, primary, or one column a code)")
        if missing:
            raise StageError(
                f"{path} does not say {' or '.join(missing)}: its columns are "
                f"{', '.join(map(str, list(record)[:40]))}; say which of them holds it"
            )

    def _has(self, record: Mapping[str, Any], name: str) -> bool:
        return name in self._constant or any(column in record for column in self._columns[name])

    def _get(self, record: Mapping[str, Any], name: str) -> Any:
        for column in self._columns[name]:
            if column in record:
                return record[column]
        return self._constant.get(name)

    def place(self, record: Mapping[str, Any]) -> Place:
        """Return which output a record names.

        Raises
        ------
        Unfit
            When it names none, or not as text.
        """
        text = {
            name: text_of(self._get(record, name), name)
            for name in (*Place._fields[:-1], "render", "sample")
        }
        if text["output_id"] is None and text["item"] is None:
            raise Unfit("missing_id", "neither output_id nor an item is given")
        render, sample = text.pop("render"), text.pop("sample")
        if text["arm"] and render and ":" not in text["arm"]:
            text["arm"] = f"{text['arm']}:{render}"
        if sample is not None and not re.fullmatch(r"\d{1,9}", sample):
            raise Unfit("wrong_type", f"sample is no number: {sample[:100]!r}")
        return Place(**text, sample=None if sample is None else int(sample))

    def label(self, record: Mapping[str, Any]) -> Label | None:
        """Return what a record says about its output; None where it says nothing.

        Raises
        ------
        Unfit
            When it names a code that the book does not have, or contradicts itself.
        """
        primary, nothing = self._primary(record)
        listed = self._names.codes(self._get(record, "codes"))
        listed = () if listed is None and nothing else listed
        answers = dict(self._answers(record))
        if listed is None and primary is None and not answers:
            return None
        given = {*(listed or ()), *(code for code, yes in answers.items() if yes)}
        given |= {primary} if primary else set()
        if denied := sorted(code for code in given if answers.get(code) is False):
            raise Unfit("contradiction", f"{denied[0]} is given and denied")
        codes = tuple(code for code in self._names.all if code in given)
        return Label(
            codes=codes,
            answers=self._looked_for(record, codes, answers, whole=listed is not None),
            primary=primary or (codes[0] if len(codes) == 1 else None),
            rationale=text_of(self._get(record, "rationale"), "the rationale") or "",
            confidence=_confidence(self._get(record, "confidence")),
            quotes=tuple(self._quotes(record, codes, primary)),
        )

    def _primary(self, record: Mapping[str, Any]) -> tuple[str | None, bool]:
        """Return the primary code, and whether the record says that there is none."""
        text = text_of(self._get(record, "primary"), "the primary code") or ""
        if text.casefold() in NOT_GIVEN | NOTHING:
            return None, text.casefold() in NOTHING
        return self._names.code(text), False

    def _answers(self, record: Mapping[str, Any]) -> Iterator[tuple[str, bool]]:
        for column, value in record.items():
            code = self._names.column(column)
            if code is not None and (yes := answer_of(value, column)) is not None:
                yield code, yes

    def _looked_for(
        self,
        record: Mapping[str, Any],
        codes: tuple[str, ...],
        answers: Mapping[str, bool],
        *,
        whole: bool,
    ) -> dict[str, bool] | None:
        said = self._names.codes(self._get(record, "looked_for"))
        if said is None and whole:
            return None
        asked = {*(said or ()), *answers, *codes}
        return {code: code in codes for code in self._names.all if code in asked}

    def _quotes(
        self, record: Mapping[str, Any], codes: tuple[str, ...], primary: str | None
    ) -> Iterator[tuple[str, str]]:
        for name, quote in _pairs(self._get(record, "evidence")):
            if name is not None:
                code = self._names.code(name)
            elif primary or len(codes) == 1:
                code = primary or codes[0]
            else:
                raise Unfit("wrong_type", "a quote does not say which of the codes it shows")
            if code not in codes:
                raise Unfit("contradiction", f"a quote shows {code}, which is not given")
            yield code, quote


def _pairs(value: Any) -> Iterator[tuple[str | None, str]]:
    """Yield (name of a code or None, quote) of every shape that evidence comes in."""
    if isinstance(value, str):
        value = _decoded(value)
    if isinstance(value, dict) and "quote" not in value:
        for name, quotes in value.items():
            for quote in quotes if isinstance(quotes, list) else [quotes]:
                yield from _pair(name, quote)
    else:
        for one in value if isinstance(value, list) else [value]:
            named = one if isinstance(one, dict) else {"quote": one}
            yield from _pair(named.get("code"), named.get("quote"))


def _pair(name: Any, quote: Any) -> Iterator[tuple[str | None, str]]:
    text = text_of(quote, "a quote")
    if text is not None:
        yield text_of(name, "the code of a quote"), text


def _decoded(text: str) -> Any:
    import orjson

    if text.lstrip()[:1] in ("[", "{"):
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError:
            return text  # a quote may begin with a bracket
    return text


def _confidence(value: Any) -> float | None:
    text = text_of(value, "the confidence")
    if text is None or text.casefold() in NOT_GIVEN:
        return None
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 <= number <= 1:
        raise Unfit("wrong_type", f"the confidence is no number from 0 to 1: {text[:100]!r}")
    return number
