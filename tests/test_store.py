"""The study survives other processes, crashes, old and new schemas."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import duckdb
import pandas as pd
import pytest

import erranal
from erranal.errors import StoreError
from erranal.store import Study, connection, migrate


@pytest.fixture
def study(tmp_path):
    return Study(tmp_path / "study.duckdb")


def planted_rate(code: str) -> pd.DataFrame:
    return pd.DataFrame([{"model": "m", "arm": "text", "code": code, "rate": 0.1}])


def test_a_missing_study_is_named_with_the_next_step(tmp_path):
    with pytest.raises(StoreError, match=r"there is no study at .*nope\.duckdb.*erranal run"):
        erranal.open(tmp_path / "nope.duckdb")


def test_a_write_lands_whole_or_not_at_all(study):
    two = pd.concat([planted_rate("a"), planted_rate("b").assign(model=None)])
    with pytest.raises(duckdb.ConstraintException), study.write() as tx:
        tx.append("planted_rates", two)
    assert study.count("planted_rates") == 0
    with study.write() as tx:
        tx.append("planted_rates", planted_rate("a"))
    assert study.count("planted_rates") == 1


def test_a_refused_row_keeps_its_reason(study):
    with pytest.raises(duckdb.ConstraintException, match="NOT NULL"), study.write() as tx:
        tx.append("planted_rates", planted_rate("a").assign(code=None))


def test_a_conflict_is_an_error_ignored_or_replaced_as_asked(study):
    row = {"encoder_id": "e", "name": "n", "fingerprint": "f", "dimension": 3, "kind": "lexical"}
    steps = [("error", "a", "a"), ("ignore", "b", "a"), ("replace", "c", "c")]
    for conflict, name, expected in steps:
        with study.write() as tx:
            tx.append("encoders", pd.DataFrame([row | {"name": name}]), on_conflict=conflict)
        assert study.view("encoders")["name"].tolist() == [expected]
    with pytest.raises(duckdb.ConstraintException), study.write() as tx:
        tx.append("encoders", pd.DataFrame([row]))


def test_reads_inside_a_write_see_the_transaction(study):
    with study.write() as tx:
        tx.append("planted_rates", planted_rate("a"))
        assert study.count("planted_rates") == 1


def test_a_bad_query_is_the_users_to_fix(study):
    with pytest.raises(StoreError, match="no_such_column"):
        study.query("SELECT no_such_column FROM items")


def test_queries_cannot_reach_other_files(study, tmp_path):
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n")
    with pytest.raises(StoreError):
        study.query(f"SELECT * FROM read_csv('{secret}')")


@pytest.mark.parametrize("ending", ["done", "failed", "interrupted"])
def test_the_journal_says_how_a_stage_ended(study, ending):
    errors = {"failed": ValueError("no"), "interrupted": KeyboardInterrupt()}
    try:
        with study.journal("score", {"limit": 3}) as entry:
            entry.count(outputs=7)
            if ending in errors:
                raise errors[ending]
    except (ValueError, KeyboardInterrupt):
        pass
    row = study.view("journal").iloc[0]
    assert row["status"] == ending
    assert row["seconds"] > 0
    assert '"limit": 3' in row["parameters"]
    assert '"outputs": 7' in row["counts"]
    assert "erranal" in row["versions"]


# -- other files and other versions ---------------------------------------------------------------


def test_a_file_that_is_no_database_is_refused(tmp_path):
    path = tmp_path / "notes.duckdb"
    path.write_text("hello, this is not a database" * 500)
    with pytest.raises(StoreError, match="cannot be opened as a study database"):
        Study(path)
    assert path.read_text().startswith("hello")


def test_a_foreign_database_is_refused_untouched(tmp_path):
    path = tmp_path / "other.duckdb"
    with duckdb.connect(str(path)) as db:
        db.execute("CREATE TABLE mine AS SELECT 1 AS x")
    with pytest.raises(StoreError, match="not an erranal study"):
        Study(path)
    with duckdb.connect(str(path), read_only=True) as db:
        assert db.execute("SELECT count(*) FROM duckdb_tables()").fetchone() == (1,)


def test_a_newer_schema_is_refused(study):
    with duckdb.connect(str(study.path)) as db:
        db.execute("INSERT INTO schema_migrations (version, name) VALUES (999, 'future')")
    with pytest.raises(StoreError, match=r"schema 999, newer than.*upgrade erranal"):
        Study(study.path)


def test_an_older_schema_is_migrated_after_a_backup(study, monkeypatch):
    with study.write() as tx:
        tx.append("planted_rates", planted_rate("a"))
    newer = [*migrate.migrations(), (900, "extra", "CREATE TABLE extra (x INTEGER)")]
    monkeypatch.setattr(migrate, "migrations", lambda: newer)
    migrated = Study(study.path)
    assert migrated.count("extra") == 0
    assert migrated.count("planted_rates") == 1
    backups = list(study.path.parent.glob("*.backup-*"))
    assert len(backups) == 1
    with duckdb.connect(str(backups[0]), read_only=True) as db:
        assert db.execute("SELECT count(*) FROM planted_rates").fetchone() == (1,)


def test_a_failing_migration_leaves_the_study_as_it_was(study, monkeypatch):
    good = migrate.migrations()
    broken = [*good, (900, "broken", "CREATE TABLE half (x INTEGER); SELECT * FROM nowhere")]
    monkeypatch.setattr(migrate, "migrations", lambda: broken)
    with pytest.raises(duckdb.Error):
        Study(study.path)
    monkeypatch.setattr(migrate, "migrations", lambda: good)
    tables = Study(study.path).query("SELECT table_name FROM duckdb_tables()")["table_name"]
    assert "half" not in set(tables)


def test_changed_views_are_rebuilt(study):
    with duckdb.connect(str(study.path)) as db:
        db.execute("UPDATE schema_views SET hash = 'old'; DROP VIEW discordant")
    assert Study(study.path).count("discordant") == 0


# -- two processes --------------------------------------------------------------------------------

WRITER = """
import sys, time, pandas as pd, erranal
study = erranal.open(sys.argv[1])
print("ready", flush=True)
for step in range(int(sys.argv[2])):
    with study.write() as tx:
        row = {"model": sys.argv[3], "arm": "text", "code": str(step), "rate": 0.5}
        tx.append("planted_rates", pd.DataFrame([row]))
        time.sleep(0.02)
    time.sleep(0.02)
"""


def start_writer(study: Study, steps: int, name: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(study.path), str(steps), name],
        stdout=subprocess.PIPE,
        text=True,
    )


def test_a_notebook_reads_while_a_command_writes(study):
    with start_writer(study, 40, "w") as writer:
        assert writer.stdout.readline() == "ready\n"
        seen = []
        while writer.poll() is None:
            seen.append(study.count("planted_rates"))
            time.sleep(0.01)
    assert writer.returncode == 0
    assert seen == sorted(seen)
    assert len(set(seen)) > 3, "the reader was shut out while the writer worked"
    assert study.count("planted_rates") == 40


def test_two_writers_take_turns_and_lose_nothing(study):
    writers = [start_writer(study, 25, name) for name in "ab"]
    for writer in writers:
        with writer:
            writer.stdout.read()
        assert writer.returncode == 0
    counts = study.query("SELECT model, count(*) AS n FROM planted_rates GROUP BY model ORDER BY 1")
    assert counts["n"].tolist() == [25, 25]


def test_kill_in_a_transaction_loses_only_that(study):
    with start_writer(study, 1000, "w") as writer:
        writer.stdout.readline()
        time.sleep(0.6)
        writer.send_signal(signal.SIGKILL)
    rows = study.view("planted_rates")
    assert len(rows) > 2
    assert rows["code"].astype(int).sort_values().tolist() == list(range(len(rows)))
    with study.write() as tx:
        tx.append("planted_rates", planted_rate("after"))


HOLDER = """
import sys, time, duckdb
db = duckdb.connect(sys.argv[1])
print("held", flush=True)
time.sleep(30)
"""


def test_a_locked_study_says_who_to_ask(study, monkeypatch):
    monkeypatch.setattr(connection, "PATIENCE_S", 0.3)
    command = [sys.executable, "-c", HOLDER, str(study.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        holder.stdout.readline()
        with pytest.raises(StoreError, match="held by another process"):
            study.count("items")
        holder.kill()


FULL_DISK = """
import resource, signal, sys
import numpy as np, pandas as pd
import erranal
from erranal.errors import StoreError
study = erranal.open(sys.argv[1])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (8 << 20, 8 << 20))
rng = np.random.default_rng(0)
landed = 0
try:
    while True:
        text = [rng.bytes(500).hex() for _ in range(1000)]
        rows = pd.DataFrame({"model": "m", "arm": "text", "code": text, "rate": 0.1})
        with study.write() as tx:
            tx.append("planted_rates", rows)
        landed += 1000
except StoreError as error:
    print(landed, error)
"""


def test_a_full_disk_stops_clearly_and_keeps_what_landed(study):
    # A limit on file size is what a full disk looks like to a process, without filling a disk.
    command = [sys.executable, "-c", FULL_DISK, str(study.path)]
    result = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
    landed, message = result.stdout.split(" ", 1)
    assert "could not be written" in message
    assert "make room" in message
    assert int(landed) >= 1000
    assert study.count("planted_rates") == int(landed)


def test_what_needs_more_than_little_memory_gets_it(study):
    rates = pd.concat([planted_rate(f"{i}{'x' * 100_000}") for i in range(500)])  # 50 MB
    limits = []

    def write(sparing):
        limits.append(sparing.query("SELECT current_setting('memory_limit') AS most")["most"][0])
        with sparing.write() as tx:
            tx.append("planted_rates", rates)

    study.sparingly(24, write)
    assert limits[0] == "22.8 MiB" != limits[1]
    assert study.count("planted_rates") == 500
    assert study.sparingly(64, lambda sparing: sparing.count("planted_rates")) == 500


def test_other_failures_are_not_tried_again(study):
    tries = []

    def fail(sparing):
        tries.append(sparing)
        raise StoreError("no")

    with pytest.raises(StoreError, match="no"):
        study.sparingly(64, fail)
    assert len(tries) == 1


def test_a_damaged_file_is_said_to_be_damaged(study):
    with study.write() as tx:
        texts = [f"{i:06d}" * 40 for i in range(20_000)]
        rows = {"model": "m", "arm": "text", "code": texts, "rate": 0.1}
        tx.append("planted_rates", pd.DataFrame(rows))
    migrate._backup(study.path, 1)  # folds the log into the file
    content = bytearray(study.path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 4096] = bytes(4096)
    study.path.write_bytes(content)
    with pytest.raises(StoreError, match=r"damaged|cannot be opened"):
        study.view("planted_rates")


def test_a_study_is_a_file():
    with pytest.raises(StoreError, match="a study is a file"):
        Study(":memory:")
