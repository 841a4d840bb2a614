"""Parquet files; only the columns that the mapping names are read."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from erranal.errors import IngestError
from erranal.ingest.batch import Batch

PARQUET_ROWS = 4_096


def _open(path: Path) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        raise IngestError(f"{path} is not a readable Parquet file: {_first(error)}") from error


def columns(path: Path) -> list[str]:
    """Return the names of the top-level columns.

    Raises
    ------
    IngestError
        When the file is not Parquet, is cut short, or names a column twice.
    """
    with _open(path) as file:
        names: list[str] = list(file.schema_arrow.names)
    if len(set(names)) < len(names):
        raise IngestError(f"{path} names a column twice: {', '.join(names)}; rename one")
    return names


def batches(
    path: Path, *, only: Collection[str] | None = None, rows: int = PARQUET_ROWS
) -> Iterator[Batch]:
    """Yield the records of a Parquet file; numbers are rows, 1-based."""
    import pyarrow as pa

    names = [name for name in columns(path) if only is None or name in only]
    number = 1
    with _open(path) as file:
        try:
            for chunk in file.iter_batches(batch_size=rows, columns=names):
                lines = list(range(number, number + len(chunk)))
                number += len(chunk)
                yield Batch(lines, chunk.to_pylist())
        except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
            raise IngestError(
                f"{path} is damaged after row {number - 1}: {_first(error)}; write it again"
            ) from error


def _first(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
