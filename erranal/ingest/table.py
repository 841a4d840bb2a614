"""Reader of any file with one response a record: fields by the mapping given, else guessed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from erranal.ingest.guess import complete

if TYPE_CHECKING:
    from erranal.ingest.formats import DataFile
    from erranal.ingest.mapping import Mapping

NAME = "table"


def recognises(record: dict[str, Any]) -> bool:
    """Whether this reader understands a record; it takes whatever the others leave."""
    return bool(record)


def plan(given: Mapping, file: DataFile) -> tuple[Mapping, list[str]]:
    """Return the whole mapping of a file, and what was guessed."""
    return complete(given, file)


def prepare(records: list[Any]) -> None:
    """Leave the records as they are."""
