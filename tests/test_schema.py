"""``db/schema.sql`` is what a fresh study has; tables, views and queries are described."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from erranal.store import Study, migrate, named, schema

ROOT = Path(__file__).parent.parent


def test_dump_is_up_to_date():
    text = (ROOT / "db" / "schema.sql").read_text("utf-8")
    assert text == schema.dump(), "run: python -m erranal.store.schema > db/schema.sql"


def test_everything_has_a_comment(tmp_path):
    study = Study(tmp_path / "s.duckdb")
    bare = study.query(
        "SELECT table_name FROM duckdb_tables() WHERE comment IS NULL AND NOT internal "
        "UNION ALL SELECT view_name FROM duckdb_views() WHERE comment IS NULL AND NOT internal"
    )
    assert bare.empty, bare


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    path = tmp_path_factory.mktemp("schema") / "s.duckdb"
    migrate.ensure(path)
    with duckdb.connect(str(path)) as db:
        yield db


@pytest.mark.parametrize("name", sorted(named.queries()))
def test_every_query_is_described_and_prepares(database, name):
    block = named.queries()[name]
    assert len(block.description) > 10
    for frame in named.frames(block):
        database.execute(f"CREATE OR REPLACE TEMP VIEW {frame.name} AS {frame.sql}")
    database.execute(f"PREPARE probe AS {block.sql}")
    database.execute("DEALLOCATE probe")


@pytest.mark.parametrize("name", sorted(named.views()))
def test_every_view_runs(database, name):
    assert len(named.views()[name].description) > 10
    database.execute(f"SELECT * FROM {name} LIMIT 1")
