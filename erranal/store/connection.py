"""Opening DuckDB safely beside other processes.

DuckDB lets one process write, and shuts readers of other processes out meanwhile. So connections
here are short: open, do one thing, close; and an occupied file is tried again with jittered
back-off until a patience runs out.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from erranal.errors import StoreError

PATIENCE_S = float(os.environ.get("ERRANAL_LOCK_PATIENCE_S", "90"))

# In one process all connections to a file must be of one mode: they take turns.
_turns: dict[Path, threading.RLock] = {}
_turns_guard = threading.Lock()


def _turn(path: Path) -> threading.RLock:
    with _turns_guard:
        return _turns.setdefault(path.resolve(), threading.RLock())


def _occupied(error: duckdb.Error) -> bool:
    text = str(error)
    return "Could not set lock" in text or "different configuration" in text


def _open(path: Path, *, read_only: bool, patience_s: float) -> duckdb.DuckDBPyConnection:
    deadline = time.monotonic() + patience_s
    pause = 0.01
    while True:
        try:
            return duckdb.connect(str(path), read_only=read_only)
        except (duckdb.IOException, duckdb.ConnectionException) as error:
            if not _occupied(error):
                raise StoreError(_explain(path, error)) from error
            if time.monotonic() > deadline:
                raise StoreError(
                    f"{path} is held by another process for more than {patience_s:.0f} s "
                    "(a notebook or program with an open write connection?): close it there, "
                    "or set ERRANAL_LOCK_PATIENCE_S to wait longer"
                ) from error
        except duckdb.Error as error:
            raise StoreError(_explain(path, error)) from error
        time.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - jitter, not a secret
        pause = min(pause * 1.6, 0.5)


def _explain(path: Path, error: Exception) -> str:
    first_line = str(error).splitlines()[0]
    return f"{path} cannot be opened as a study database: {first_line}"


@contextmanager
def connect(
    path: Path, *, read_only: bool, sparing_mb: int | None = None, patience_s: float | None = None
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Hold one connection for the length of a ``with`` block.

    With ``sparing_mb`` it has one thread, and only so much memory for what it reads, joins and
    rewrites.

    Raises
    ------
    StoreError
        When the file is not a DuckDB database, or stays locked longer than the patience (seconds).
    """
    with _turn(path):
        patience = PATIENCE_S if patience_s is None else patience_s
        db = _open(path, read_only=read_only, patience_s=patience)
        try:
            db.execute("SET TimeZone = 'UTC'")
            db.execute("SET preserve_insertion_order = false")
            if sparing_mb is not None:
                db.execute(f"SET threads = 1; SET memory_limit = '{sparing_mb}MB'")
            # Nothing a study holds may reach another file or the network through SQL.
            db.execute("SET enable_external_access = false; SET lock_configuration = true")
            yield db
        finally:
            db.close()
