"""Numbered, transactional migrations; views are rebuilt whenever their text changed."""

from __future__ import annotations

import hashlib
import shutil
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from erranal.errors import StoreError
from erranal.store import named
from erranal.store.connection import connect

if TYPE_CHECKING:
    import duckdb

_SCHEMA_TABLE = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    version INTEGER PRIMARY KEY, name VARCHAR NOT NULL,
    applied_at TIMESTAMPTZ NOT NULL DEFAULT current_timestamp);
COMMENT ON TABLE schema_migrations IS 'Migrations applied to this database';
CREATE TABLE IF NOT EXISTS schema_views (hash VARCHAR NOT NULL);
COMMENT ON TABLE schema_views IS 'Hash of the view definitions in force'
"""


@cache
def migrations() -> list[tuple[int, str, str]]:
    """Return (version, name, SQL) of every migration, in order."""
    folder = resources.files("erranal.store").joinpath("migrations")
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".sql")), key=lambda f: f.name)
    return [(int(f.name[:3]), f.name[4:-4], f.read_text("utf-8")) for f in files]


@cache
def _views_hash() -> str:
    blocks = named.views()
    return hashlib.sha256(
        "\n".join(f"{b.name}:{b.sql}" for b in blocks.values()).encode()
    ).hexdigest()


def ensure(path: Path) -> None:
    """Create the database, or bring an older one up to date after a backup.

    Raises
    ------
    StoreError
        When the file was written by a newer erranal, or is a DuckDB file but not a study.
    """
    newest = migrations()[-1][0]
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with connect(path, read_only=False) as db:
            _apply(db)
        return
    with connect(path, read_only=True) as db:
        version, views = _state(db, path)
    if version > newest:
        raise StoreError(
            f"{path} has schema {version}, newer than the {newest} this erranal knows: "
            "upgrade erranal, or point --db at another file"
        )
    if version == newest and views == _views_hash():
        return
    if 0 < version < newest:
        _backup(path, version)
    with connect(path, read_only=False) as db:
        _apply(db)


def _state(db: duckdb.DuckDBPyConnection, path: Path) -> tuple[int, str | None]:
    tables = {row[0] for row in db.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
    if "schema_migrations" not in tables:
        if tables:
            raise StoreError(
                f"{path} is a DuckDB database but not an erranal study: choose another --db path"
            )
        return 0, None
    version = db.execute("SELECT coalesce(max(version), 0) FROM schema_migrations").fetchone()
    views = db.execute("SELECT hash FROM schema_views").fetchone()
    return (version[0] if version else 0), (views[0] if views else None)


def _backup(path: Path, version: int) -> Path:
    # A read-write open folds the WAL into the file first: a copy without its WAL is silently empty.
    with connect(path, read_only=False) as db:
        db.execute("CHECKPOINT")
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
    target = path.with_name(f"{path.name}.backup-v{version:03d}-{stamp}")
    shutil.copy2(path, target)
    return target


def _apply(db: duckdb.DuckDBPyConnection) -> None:
    db.execute("BEGIN")
    try:
        db.execute(_SCHEMA_TABLE)
        done = {row[0] for row in db.execute("SELECT version FROM schema_migrations").fetchall()}
        views = db.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal").fetchall()
        for (view,) in views:
            db.execute(f'DROP VIEW IF EXISTS "{view}"')
        for version, name, sql in migrations():
            if version not in done:
                db.execute(sql)
                db.execute(
                    "INSERT INTO schema_migrations (version, name) VALUES (?, ?)", [version, name]
                )
        for block in named.views().values():
            db.execute(f"CREATE OR REPLACE VIEW {block.name} AS {block.sql}")
            description = block.description.replace("'", "''")
            db.execute(f"COMMENT ON VIEW {block.name} IS '{description}'")
        db.execute("DELETE FROM schema_views")
        db.execute("INSERT INTO schema_views VALUES (?)", [_views_hash()])
        db.execute("COMMIT")
    except BaseException:
        db.execute("ROLLBACK")
        raise
