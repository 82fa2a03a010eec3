"""The table that holds the log of decisions, and how its database is opened."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import Any

from sqlalchemy import (
    URL,
    BigInteger,
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
    make_url,
)
from sqlalchemy.exc import ArgumentError

from core.errors import ConfigError

BUSY_TIMEOUT_S = 15.0
CONNECT_TIMEOUT_S = 5
_EXAMPLE = "as in postgresql://name:password@host:5432/assay"

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
    Column("note", String),  # NULL leaves the note that is there, "" erases it
    Column("reviewer", String, nullable=False),
    Column("at", String, nullable=False),  # ISO 8601, UTC: reads the same in every database
    Column("run_id", String),
    Column("value", Float),
    Column("batch_id", String),
    Column("previous_verdict", String),
    Column("previous_label", String),
    Column("undoes", String),
    # With the id, what an image is known by in any data set: what it showed (`Run.content`, its
    # bits as a signed number) and the label that it had when it was decided.
    Column("content", BigInteger),
    Column("given_label", String),
    Index("decision_log_image", "dataset", "image_id", "seq"),
    sqlite_autoincrement=True,  # a seq is never used twice
)


def read_url(text: str) -> URL:
    """Return the database URL in `text`, for the driver that Assay comes with.

    Raises
    ------
    ConfigError
        It is no URL, or of a database other than SQLite and PostgreSQL.
    """
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        # Not shown, nor its cause: there may be a password in it.
        raise ConfigError(f"A database is given as a URL, {_EXAMPLE}; this is none.") from None
    kind = url.get_backend_name()
    if kind in ("postgres", "postgresql"):
        return url.set(drivername="postgresql+psycopg")
    if kind != "sqlite":
        raise ConfigError(
            f"Decisions are kept in SQLite or PostgreSQL, {_EXAMPLE}; {kind} is neither."
        )
    return url


def make_engine(url: URL) -> Engine:
    """Open the database at `url`: SQLite in WAL mode with full synchronization, or PostgreSQL."""
    if url.get_backend_name() != "sqlite":
        wait = {"connect_timeout": CONNECT_TIMEOUT_S} if "connect_timeout" not in url.query else {}
        return create_engine(url, pool_pre_ping=True, connect_args=wait)
    if url.database:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
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
