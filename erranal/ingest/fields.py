"""Fields of records by the sources of a mapping: names, dotted paths and templates."""

from __future__ import annotations

from operator import itemgetter
from typing import Any

from erranal.ingest.mapping import parts_of


class Fields:
    """Columns of a batch of records, by source.

    Parameters
    ----------
    records
        The records.
    around
        Fields of the object around them.
    sources
        Sources that will be asked for; plain names among them are taken in one pass.
    """

    def __init__(
        self, records: list[dict[str, Any]], around: dict[str, Any], sources: list[str]
    ) -> None:
        self._records = records
        self._around = around
        self._plain = _take(records, sorted({s for s in sources if is_plain(s)}))

    def __len__(self) -> int:
        return len(self._records)

    def column(self, source: str, absent: Any = None) -> list[Any]:
        """Return one value a record; ``absent`` where a record has no such field."""
        if source in self._plain:
            return self._plain[source]
        if source.startswith("^"):
            return [walk(self._around, source[1:], absent)] * len(self._records)
        if "{" in source:
            parts = [(part, self.column(part)) for part in parts_of(source)]
            return [_fill(source, parts, row) for row in range(len(self._records))]
        if "." in source:
            return [walk(record, source, absent) for record in self._records]
        return [record.get(source, absent) for record in self._records]


def is_plain(source: str) -> bool:
    """Whether a source is just the name of a field."""
    return not source.startswith("^") and "{" not in source and "." not in source


def _take(records: list[dict[str, Any]], names: list[str]) -> dict[str, list[Any]]:
    """Take several fields of all records at once; nothing where a record lacks one of them."""
    if len(names) < 2:
        return {}
    try:
        rows = list(map(itemgetter(*names), records))
    except KeyError:
        return {}
    return dict(zip(names, map(list, zip(*rows, strict=True)), strict=False))


def walk(value: Any, path: str, absent: Any = None) -> Any:
    """Follow a dotted path into nested objects and lists; a field of that very name comes first.

    Examples
    --------
    >>> walk({"a": [{"b": 1}]}, "a.0.b"), walk({"a.b": 2}, "a.b"), walk({}, "a.b")
    (1, 2, None)
    """
    if isinstance(value, dict) and path in value:
        return value[path]
    for step in path.split("."):
        if isinstance(value, dict):
            value = value.get(step, absent)
        elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            return absent
    return value


def _fill(template: str, parts: list[tuple[str, list[Any]]], row: int) -> str | None:
    filled = template
    for name, column in parts:
        value = column[row]
        if value is None:
            return None
        filled = filled.replace("{" + name + "}", str(value), 1)
    return filled
