"""Files of model outputs into the study: items, conditions, runs, outputs and imported scores.

Formats are JSON Lines, JSON, CSV, TSV and Parquet (the text ones also packed with gzip). Bad rows
become rejects with their line and reason, good ones land. Which field is which is recognised,
guessed, or said in a mapping (:mod:`erranal.ingest.mapping`). Reading a file twice changes nothing;
a reading that was interrupted goes on where it is missing rows.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from collections.abc import Mapping as MappingOf
from pathlib import Path
from typing import TYPE_CHECKING, Any

from erranal.errors import IngestError
from erranal.ingest.files import readable

if TYPE_CHECKING:
    import pandas as pd

    from erranal.ingest.files import Found
    from erranal.ingest.mapping import Mapping
    from erranal.ingest.source import Preview
    from erranal.store import Study

    Given = Mapping | MappingOf[str, Any] | str | Path | None
    Progress = Callable[[int, int, str], None]

_COUNTS = ("rows_read", "landed", "unchanged", "new_versions", "rejected")


def preview(path: str | Path, *, reader: str = "auto", mapping: Given = None) -> Preview:
    """Return what reading a file would do: fields found, mapping, first record. Nothing is written.

    Raises
    ------
    IngestError
        When the file cannot be read, or its fields cannot be told.
    """
    from erranal.ingest import mapping as mappings
    from erranal.ingest import source

    return source.look(Path(path), mappings.load(mapping), reader)


def _look(found: Found, given: Mapping, reader: str) -> Iterator[dict[str, Any]]:
    """Yield what the first record of a file would become: one row for each target."""
    from erranal.ingest import source

    if found.beside:
        yield {"file": str(found.path), "source": "skipped: no records in a file of this name"}
        return
    seen = source.look(found.path, given, reader)
    known = {"file": str(found.path), "reader": seen.reader}
    fields, constant = seen.mapping.get("fields", {}), seen.mapping.get("constant", {})
    for target, value in seen.first.items():
        origin = fields.get(target) or ("constant" if target in constant else "default")
        yield known | {"target": target, "source": origin, "first_value": str(value)}
    if seen.rejected:
        yield known | {"source": f"the first record would be rejected: {seen.rejected}"}


def _read(
    study: Study,
    found: Found,
    given: Mapping,
    *,
    reader: str,
    limit: int | None,
    tell: Callable[[int], None],
) -> dict[str, Any]:
    from erranal.ingest import source
    from erranal.ingest.landing import Counts

    if found.beside:
        return _row(found.path, status="skipped", note="no records in a file of this name")
    started = time.monotonic()
    reading, name, notes = source.Reading(Counts()), "", list[str]()
    try:
        opened = source.open_source(found.path, given, reader)
        name, notes = opened.reader.NAME, opened.notes
        source.read(study, opened, reading, limit=limit, tell=tell)
    except IngestError as error:
        reading.note = str(error)
    counts = reading.counts
    said = [f"guessed {', '.join(notes)}"] if notes else []
    if counts.unscored:
        said.append(f"{counts.unscored} scores are neither right nor wrong and were left out")
    return _row(
        found.path,
        reader=name,
        rows_read=counts.read,
        landed=counts.landed,
        unchanged=counts.unchanged,
        new_versions=counts.new_versions,
        rejected=counts.rejected,
        seconds=time.monotonic() - started,
        status=reading.status,
        note="; ".join([*([reading.note] if reading.note else []), *said]),
    )


def _row(path: Path, *, status: str, note: str, **known: Any) -> dict[str, Any]:
    row = {"path": readable(path), "reader": "", **dict.fromkeys(_COUNTS, 0), "seconds": 0.0}
    return row | known | {"status": status, "note": note}


def plan(
    paths: str | Path | Iterable[str | Path], *, reader: str = "auto", mapping: Given = None
) -> pd.DataFrame:
    """Say what :func:`run` would read, from the first record of each file; nothing is written.

    Returns
    -------
    DataFrame
        One row a file and target: file, reader, target, the source of its value (a field, a
        constant of the mapping, or the default) and its value in the first record.

    Raises
    ------
    IngestError
        When the mapping is wrong, or a file cannot be read.
    """
    import pandas as pd

    from erranal.ingest import files
    from erranal.ingest import mapping as mappings

    given = mappings.load(mapping)
    rows = [row for file in files.expand(paths) for row in _look(file, given, reader)]
    columns = ["file", "reader", "target", "source", "first_value"]
    return pd.DataFrame(rows, columns=columns).fillna("")


def run(
    study: Study,
    paths: str | Path | Iterable[str | Path],
    *,
    reader: str = "auto",
    mapping: Given = None,
    limit: int | None = None,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Read result files into the study.

    Parameters
    ----------
    study
        Where to.
    paths
        Files, folders (their data files, also in folders below) or glob patterns.
    reader
        ``table``, ``mmmu-pro``, ``isobench``, or ``auto`` to go by the first record.
    mapping
        Which field is which: a TOML file or a dictionary of its shape.
    limit
        Read this many rows of each file only.
    progress
        Called with bytes done, bytes in all and the file's name.

    Returns
    -------
    DataFrame
        One row a file: path, reader, rows_read = landed + unchanged + rejected, new_versions (rows
        that replaced other content of their slot), seconds, status (done, unchanged, partial,
        skipped or failed) and a note.

    Raises
    ------
    IngestError
        When the mapping is wrong, or the only file cannot be read. Among several files the one
        that cannot be read is in the result with status ``failed``, and the others land.
    """
    import pandas as pd

    from erranal.ingest import files, integrity
    from erranal.ingest import mapping as mappings

    given, found = mappings.load(mapping), files.expand(paths)
    sizes = [file.path.stat().st_size if file.path.is_file() else 0 for file in found]
    parameters = {"paths": [str(file.path) for file in found], "reader": reader, "limit": limit}
    rows = []
    with study.journal("ingest", parameters | {"mapping": given.as_dict()}) as entry:
        for place, file in enumerate(found):
            tell = _teller(progress, sum(sizes[:place]), sum(sizes), file.path.name)
            rows.append(_read(study, file, given, reader=reader, limit=limit, tell=tell))
            tell(sizes[place])
        if any(row["status"] not in ("unchanged", "skipped") for row in rows):
            integrity.rebuild(study)
        entry.count(files=len(rows), **{name: sum(row[name] for row in rows) for name in _COUNTS})
        _raise_if_alone(rows)
    return pd.DataFrame(rows)


def _teller(
    progress: Progress | None, before: int, total: int, label: str
) -> Callable[[int], None]:
    def tell(done: int) -> None:
        if progress is not None:
            progress(before + done, total, label)

    return tell


def _raise_if_alone(rows: list[dict[str, Any]]) -> None:
    if len(rows) == 1 and rows[0]["status"] == "failed":
        raise IngestError(rows[0]["note"])
