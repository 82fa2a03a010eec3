"""Databases of every version open, and nothing that was decided is lost on the way."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine

from core.curation import DecisionStore, NewStroke, RunDecisions, TakeBack
from core.curation.migrations import VERSION_TABLE
from core.curation.schema import METADATA, read_url
from core.errors import DataError
from core.runs import Run
from tests.postgres import PostgresServer

FIRST = (Path(__file__).parent / "assay-1.sql").read_text()


def write_first(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path)
    connection.executescript(FIRST)
    return connection


@pytest.fixture
def old_run(run: Run) -> Run:
    """A run of the set that the old database is about."""
    train = replace(run.record.train, fingerprint="set-1")
    return Run(run.path, replace(run.record, train=train))


def test_a_database_of_assay_1_keeps_every_row_and_state(tmp_path: Path, old_run: Run) -> None:
    path = tmp_path / "assay.db"
    with write_first(path) as before:
        rows = before.execute("SELECT * FROM decision_log ORDER BY seq").fetchall()
    before.close()
    decisions = RunDecisions(DecisionStore(f"sqlite:///{path}"), old_run)
    current = decisions.current().set_index("image_id")
    assert {image[-9:-4]: verdict for image, verdict in current["verdict"].items()} == {
        "00000": "remove",
        "00001": "keep",
        "00002": "relabel",
        "00003": "unsure",
        "00006": "unsure",
        "00007": "remove",
    }
    assert current.loc["bag/00001.png", "note"] == 'it\'s a bag; "really"'
    assert current.loc["bag/00002.png", ["new_label", "reviewer"]].tolist() == ["boot", "Ada"]
    undoable = {stroke.event_id: len(stroke.rows) for stroke in decisions.strokes()}
    assert undoable == {"a": 1, "b": 1, "f3": 2, "i": 1}
    with sqlite3.connect(path) as after:
        names = [row[1] for row in after.execute("PRAGMA table_info(decision_log)")]
        kept = after.execute("SELECT * FROM decision_log ORDER BY seq").fetchall()
        (sequence,) = after.execute("SELECT seq FROM sqlite_sequence").fetchone()
    note = names.index("note")
    restored = [(*row[:note], row[note] or "", *row[note + 1 : 15]) for row in kept]
    assert restored == rows
    assert sequence == len(rows)


def test_a_stroke_of_assay_1_is_taken_back_whole(tmp_path: Path, old_run: Run) -> None:
    write_first(tmp_path / "assay.db").close()
    decisions = RunDecisions(DecisionStore(f"sqlite:///{tmp_path / 'assay.db'}"), old_run)
    recorded = decisions.record([TakeBack(event_id="undo", undoes="f3")])
    assert recorded.rows.tolist() == [3, 6]
    assert not set(decisions.current()["row"]) & {3, 6}
    decisions.record([TakeBack(event_id="redo", undoes="undo")])
    assert set(decisions.current()["row"]) >= {3, 6}


def test_every_kind_of_database_ends_up_as_the_schema_says(url: str) -> None:
    DecisionStore(url).close()
    with create_engine(read_url(url)).connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        assert compare_metadata(context, METADATA) == []


def test_an_upgraded_database_ends_up_as_the_schema_says(tmp_path: Path) -> None:
    write_first(tmp_path / "assay.db").close()
    url = f"sqlite:///{tmp_path / 'assay.db'}"
    DecisionStore(url).close()
    with create_engine(url).connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        assert compare_metadata(context, METADATA) == []
        assert (
            "AUTOINCREMENT"
            in connection.exec_driver_sql(
                "SELECT sql FROM sqlite_master WHERE name = 'decision_log'"
            ).scalar_one()
        )


def test_a_database_that_was_opened_before_is_left_as_it_is(url: str, run: Run) -> None:
    first = DecisionStore(url)
    RunDecisions(first, run).record([NewStroke(event_id="e", rows=[1], verdict="keep")])
    first.close()
    assert RunDecisions(DecisionStore(url), run).counts()["keep"] == 1


@pytest.mark.parametrize("by", ["table", "user_version"])
def test_a_database_of_a_newer_version_is_refused_and_left_alone(tmp_path: Path, by: str) -> None:
    path = tmp_path / "assay.db"
    with sqlite3.connect(path) as connection:
        if by == "table":
            connection.execute(f"CREATE TABLE {VERSION_TABLE} (version_num VARCHAR(32))")
            connection.execute(f"INSERT INTO {VERSION_TABLE} VALUES ('99')")  # noqa: S608
        connection.execute("PRAGMA user_version=99")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(DataError, match=r"newer Assay \(schema 99, this one knows 2\)"):
        DecisionStore(f"sqlite:///{path}")
    with sqlite3.connect(path) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master").fetchall()
    assert tables == ([(VERSION_TABLE,)] if by == "table" else [])
    assert len(path.read_bytes()) == len(before)


def test_assay_1_would_refuse_an_upgraded_database(tmp_path: Path) -> None:
    """It looks at SQLite's user_version alone."""
    write_first(tmp_path / "assay.db").close()
    DecisionStore(f"sqlite:///{tmp_path / 'assay.db'}").close()
    with sqlite3.connect(tmp_path / "assay.db") as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (2,)


def test_an_upgrade_that_fails_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "assay.db"
    with write_first(path) as connection:
        before = list(connection.iterdump())
    connection.close()
    from alembic.operations import Operations

    def fail(*_: object, **__: object) -> None:
        raise OSError("switched off")

    # It comes last: the table has been copied by then.
    monkeypatch.setattr(Operations, "execute", fail)
    with pytest.raises(OSError, match="switched off"):
        DecisionStore(f"sqlite:///{path}")
    with sqlite3.connect(path) as connection:
        assert list(connection.iterdump()) == before
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)


def test_a_postgresql_log_without_versions_is_that_of_assay_1(
    postgres: PostgresServer, run: Run
) -> None:
    url = postgres.new_database()
    engine = create_engine(read_url(url))
    table = FIRST[FIRST.index("CREATE TABLE decision_log") :].split(";")[0]
    with engine.begin() as connection:
        connection.exec_driver_sql(
            table.replace("seq INTEGER NOT NULL", "seq SERIAL").replace("AUTOINCREMENT", "")
        )
        for index in ("undoes", "batch", "image"):
            connection.exec_driver_sql(
                f"CREATE INDEX decision_log_{index} ON decision_log (dataset)"
            )
        connection.exec_driver_sql(
            "INSERT INTO decision_log "  # noqa: S608
            "(event_id, dataset, image_id, verdict, note, reviewer, at) "
            f"VALUES ('e', '{run.record.train.fingerprint}', 'bag/00003.png', 'keep', '', 'Ada', "
            "'2026-11-20T09:00:01.250000+00:00')"
        )
    engine.dispose()
    current = RunDecisions(DecisionStore(url), run).current()
    assert current[["row", "verdict", "reviewer", "note"]].values.tolist() == [
        [3, "keep", "Ada", ""]
    ]
