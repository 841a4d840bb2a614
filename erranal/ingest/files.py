"""Paths, folders and patterns as the user gives them, to the files they mean."""

from __future__ import annotations

import glob
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from erranal.errors import IngestError

_SUFFIXES = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet")
_PACKED = tuple(f"{suffix}.gz" for suffix in (".jsonl", ".ndjson", ".json", ".csv", ".tsv"))
# Files that evaluation tools put beside their records; they hold no records themselves.
_BESIDE = re.compile(r"summary|config|metrics|metadata|^status\.json$|^results_\d")


@dataclass(frozen=True)
class Found:
    """A file, and whether the user named it (rather than a folder or pattern it is in)."""

    path: Path
    named: bool

    @property
    def beside(self) -> bool:
        """Whether it is in a folder beside the records, by its name."""
        name = self.path.name.lower()
        return not self.named and name.endswith(".json") and _BESIDE.search(name) is not None


def expand(paths: str | Path | Iterable[str | Path]) -> list[Found]:
    """Return the files meant, each once, in the order given and sorted within folders.

    Raises
    ------
    IngestError
        When nothing was given. A path or folder without data is left for the reading to report.
    """
    given = [paths] if isinstance(paths, str | Path) else list(paths)
    if not given:
        raise IngestError("no files given: name result files or a folder with some")
    found: dict[Path, Found] = {}
    for path in map(Path, given):
        for file in _files(path):
            found.setdefault(file.path.absolute(), file)
    return list(found.values())


def readable(path: Path) -> str:
    """Return a path as text; bytes of a name that are no UTF-8 become question marks."""
    return str(path).encode("utf-8", "replace").decode()


def _files(path: Path) -> list[Found]:
    if path.is_dir():
        inside = [
            Found(file, named=False) for file in sorted(path.rglob("*")) if _is_data(file, path)
        ]
        return inside or [Found(path, named=True)]
    if not path.exists() and glob.has_magic(str(path)):
        matches = sorted(glob.glob(str(path), recursive=True))
        return [file for match in matches for file in _files(Path(match))] or [Found(path, True)]
    return [Found(path, named=True)]


def _is_data(file: Path, folder: Path) -> bool:
    hidden = any(part.startswith((".", "_")) for part in file.relative_to(folder).parts)
    return not hidden and file.is_file() and file.name.lower().endswith(_SUFFIXES + _PACKED)
