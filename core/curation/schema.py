"""The table that holds the log of decisions, and how its database is opened."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    create_engine,
    event,
)

from core.errors import DataError

SCHEMA_VERSION = 1
BUSY_TIMEOUT_S = 15.0

METADATA = MetaData()
LOG = Table(
    "decision_log",
    METADATA,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("event_id", String, nullable=False, unique=True),
    Column("dataset", String, nullable=False),
    Column("image_id", String, nullable=False),
    Column("verdict", String, nullable=False),
    Column("new_label", String),
    Column("note", String, nullable=False),
    Column("reviewer", String, nullable=False),
    Column("at", String, nullable=False),  # ISO 8601, UTC: reads the same in every database
    Column("run_id", String),
    Column("value", Float),
    Column("batch_id", String),
    Column("previous_verdict", String),
    Column("previous_label", String),
    Column("undoes", String),
    Index("decision_log_image", "dataset", "image_id", "seq"),
    Index("decision_log_undoes", "dataset", "undoes"),
    Index("decision_log_batch", "batch_id"),
    sqlite_autoincrement=True,  # a seq is never used twice
)
COLUMNS = [column.name for column in LOG.columns]
CURRENT_COLUMNS = [
    "image_id", "verdict", "new_label", "note", "reviewer", "at", "run_id", "value", "event_id",
]  # fmt: skip


def make_engine(url: str) -> Engine:
    """Open the database at `url`, SQLite in WAL mode with full synchronization."""
    if not url.startswith("sqlite"):
        return create_engine(url, pool_pre_ping=True)
    path = url.removeprefix("sqlite:///")
    if path and path != url:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, connect_args={"timeout": BUSY_TIMEOUT_S})

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves, see below
        _enter_wal(connection)
        connection.execute("PRAGMA synchronous=FULL")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A transaction that reads and then writes must take the lock at once: two that started
        # as readers could not both become writers.
        write = connection.get_execution_options().get("assay_write", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    return engine


def _enter_wal(connection: Any) -> None:
    """Switch to WAL; while another process switches SQLite answers "locked" without waiting."""
    deadline = time.monotonic() + BUSY_TIMEOUT_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


def create_schema(connection: Connection) -> None:
    """Make the table where it is missing; refuse one that a newer version wrote."""
    if connection.dialect.name != "sqlite":
        METADATA.create_all(connection)
        return
    found = int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())
    if found > SCHEMA_VERSION:
        raise DataError(
            f"The decisions were written by a newer Assay (schema {found}, this one knows "
            f"{SCHEMA_VERSION}). Update Assay to open them."
        )
    if found < SCHEMA_VERSION:
        METADATA.create_all(connection)
        connection.exec_driver_sql(f"PRAGMA user_version={SCHEMA_VERSION}")
