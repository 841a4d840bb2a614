"""The readers, and which of them understands a file.

A reader is a module with ``NAME``, ``recognises(record)``, ``plan(mapping, file)``, which completes
the mapping given, and ``prepare(records)``, which may add fields to the records of a document.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from erranal.errors import IngestError
from erranal.ingest import isobench, mmmu_pro, table

if TYPE_CHECKING:
    from erranal.ingest.formats import DataFile
    from erranal.ingest.mapping import Mapping


class Reader(Protocol):
    """What the readers have in common."""

    NAME: str

    def recognises(self, record: dict[str, Any]) -> bool:
        """Whether this reader understands a record."""
        ...

    def plan(self, given: Mapping, file: DataFile) -> tuple[Mapping, list[str]]:
        """Return the whole mapping of a file and what was guessed, in words."""
        ...

    def prepare(self, records: list[Any]) -> None:
        """Add what the records of a document say only together."""
        ...


# In the order they are asked; the last one takes any record.
READERS: tuple[Reader, ...] = (mmmu_pro, isobench, table)


def choose(name: str, file: DataFile) -> Reader:
    """Return the reader of that name, or for ``auto`` the one that recognises the first record.

    Raises
    ------
    IngestError
        When there is no reader of that name, or it does not recognise the file.
    """
    first = file.head[0]
    if name == "auto":
        return next((reader for reader in READERS if reader.recognises(first)), READERS[-1])
    found = {reader.NAME: reader for reader in READERS}.get(name.replace("_", "-"))
    if found is None:
        names = ", ".join(reader.NAME for reader in READERS)
        raise IngestError(f"there is no reader {name!r}: readers are auto, {names}")
    if not found.recognises(first):
        raise IngestError(
            f"{file.path} is not a file of {found.NAME}: its records have "
            f"{', '.join(map(str, file.fields[:20]))}; leave --reader out to have it recognised"
        )
    return found
