"""CSV and TSV files: one header line, quotes by doubling, UTF-8."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from erranal.errors import IngestError
from erranal.ingest.batch import BATCH_BYTES, BATCH_ROWS, Batch, reject
from erranal.ingest.lines import BLOCK, LONGEST_LINE, blocks

_DELIMITERS = ",;\t|"


class _Lines:
    """Decoded lines for the csv module, which counts them; one that is too long reads as blank."""

    def __init__(self, path: Path, size: int) -> None:
        self._blocks = blocks(path, size)
        self.read = 0
        self.too_long: list[int] = []

    def __iter__(self) -> Iterator[str]:
        for first, lines in self._blocks:
            for number, line in enumerate(lines, first):
                if line is None:
                    self.too_long.append(number)
                    yield "\n"
                else:
                    self.read += len(line) + 1
                    # Bytes that are not UTF-8 come back as lone surrogates, and are found below.
                    yield line.decode("utf-8", "surrogateescape") + "\n"


def batches(path: Path, *, rows: int = BATCH_ROWS, size: int = BLOCK) -> Iterator[Batch]:
    """Yield the records of a CSV or TSV file, batch by batch; empty cells are null.

    Raises
    ------
    IngestError
        When the header line cannot be read or names a column twice.
    """
    csv.field_size_limit(LONGEST_LINE)
    lines = _Lines(path, size)
    text = iter(lines)
    header_line = next(text, "")
    if "\x00" in header_line or not _is_unicode([header_line]):
        raise IngestError(f"{path} is not a UTF-8 text file; save it as UTF-8 CSV first")
    delimiter = max(_DELIMITERS, key=header_line.count)
    header = _header(path, header_line, delimiter)
    rows_of_cells = csv.reader(text, delimiter=delimiter, strict=True)
    batch, held = Batch(), 0
    while _one(rows_of_cells, header, batch):
        if len(batch) >= rows or lines.read - held >= BATCH_BYTES:
            batch.offset, held = lines.read, lines.read
            yield batch
            batch = Batch()
    _too_long(lines, batch)
    batch.offset = lines.read
    yield batch


def _header(path: Path, line: str, delimiter: str) -> list[str]:
    try:
        header = next(csv.reader([line], delimiter=delimiter, strict=True), [])
    except csv.Error as error:
        raise IngestError(f"{path} has no readable header line: {error}") from error
    header = [name.strip() for name in header]
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice or not any(header):
        what = f"names columns twice: {', '.join(map(repr, twice))}" if twice else "is no header"
        raise IngestError(f"{path}: the first line {what}; give every column one name")
    return header


def _one(rows: Any, header: list[str], batch: Batch) -> bool:
    """Read one row into the batch; False at the end of the file."""
    first = rows.line_num + 2  # the header is line 1 and was read before
    try:
        cells = next(rows)
    except StopIteration:
        return False
    except csv.Error as error:
        last = rows.line_num + 1
        batch.rejects.append(reject(first, "broken_csv", f"{error} (to line {last})"))
        return True
    if not cells:
        return True
    if len(cells) != len(header):
        detail = f"{len(cells)} cells under {len(header)} columns"
        batch.rejects.append(reject(first, "ragged_row", detail))
    elif not _is_unicode(cells):
        batch.rejects.append(reject(first, "invalid_utf8", "bytes that are not UTF-8"))
    else:
        batch.lines.append(first)
        batch.records.append({name: cell or None for name, cell in zip(header, cells, strict=True)})
    return True


def _is_unicode(cells: list[str]) -> bool:
    try:
        for cell in cells:
            if not cell.isascii():
                cell.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _too_long(lines: _Lines, batch: Batch) -> None:
    for number in lines.too_long:
        detail = f"over {LONGEST_LINE >> 20} MiB"
        batch.rejects.append(reject(number, "line_too_long", detail))
