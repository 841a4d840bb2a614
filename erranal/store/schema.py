"""The schema as text: ``db/schema.sql``, generated from a fresh database."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from erranal.store import migrate, named
from erranal.store.connection import connect

if TYPE_CHECKING:
    import duckdb

_HEAD = """\
-- Generated from the migrations and views of erranal/store; do not edit.
-- Write it anew with: python -m erranal.store.schema > db/schema.sql
"""
_TABLES = "SELECT table_name, comment FROM duckdb_tables() WHERE NOT internal ORDER BY 1"
_COLUMNS = """
SELECT column_name, data_type, is_nullable, column_default, comment FROM duckdb_columns()
WHERE table_name = ? ORDER BY column_index
"""
_KEYS = """
SELECT constraint_column_names FROM duckdb_constraints()
WHERE table_name = ? AND constraint_type = 'PRIMARY KEY'
"""


def dump() -> str:
    """Return the SQL of every table and view of a fresh study, with their comments."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "schema.duckdb"
        migrate.ensure(path)
        with connect(path, read_only=True) as db:
            tables = [_table(db, *row) for row in db.execute(_TABLES).fetchall()]
    views = [
        f"-- {view.description}\nCREATE VIEW {view.name} AS\n{view.sql};\n"
        for view in named.views().values()
    ]
    return "\n".join([_HEAD, *tables, *views])


def _table(db: duckdb.DuckDBPyConnection, table: str, comment: str) -> str:
    lines = []
    for name, kind, nullable, default, note in db.execute(_COLUMNS, [table]).fetchall():
        parts = [f"    {name} {kind}", "" if nullable else "NOT NULL"]
        parts.append(f"DEFAULT {default}" if default else "")
        lines.append((" ".join(part for part in parts if part), note))
    key = db.execute(_KEYS, [table]).fetchone()
    if key:
        lines.append((f"    PRIMARY KEY ({', '.join(key[0])})", None))
    body = [
        f"{text}{'' if last else ','}{f'  -- {note}' if note else ''}"
        for (text, note), last in zip(lines, [False] * (len(lines) - 1) + [True], strict=True)
    ]
    return "\n".join([f"-- {comment}", f"CREATE TABLE {table} (", *body, ");"]) + "\n"


if __name__ == "__main__":
    print(dump(), end="")  # the module is a command of one line
