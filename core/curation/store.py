"""The log of decisions: append-only, safe across threads and processes.

The log is the one truth: what stands now is worked out from it (`core.curation.standing`), and undo
and redo append to it. It is kept in memory, too, and each question reads what has come since.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from core.curation.log import LogView
from core.curation.schema import BUSY_TIMEOUT_S, LOG, make_engine, read_url
from core.curation.words import Words
from core.errors import StoreError

# Any two programs that write decisions must wait for each other; the number stands for "assay".
_LOCK = 0x6173736179
DATABASE_VARIABLE = "ASSAY_DATABASE"


class LogWriter:
    """The log within a transaction that nobody else can write in.

    Attributes
    ----------
    view : the log, with what was appended in this transaction
    """

    def __init__(self, connection: Connection, view: LogView, now: str) -> None:
        self._connection = connection
        self._now = now
        self.view = view.refreshed(connection)

    def append(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Append `rows`, by the names of the table's columns; seq and time are added.

        Every row must have the same columns.
        """
        if rows:
            self._connection.execute(insert(LOG), [{**row, "at": self._now} for row in rows])
            self.view = self.view.refreshed(self._connection)


class DecisionStore:
    """Decisions of all data sets in one database. `RunDecisions` reads and makes those of a run.

    Parameters
    ----------
    url : database URL; `sqlite:////abs/path/assay.db` (its folder is made), or
        `postgresql://name:password@host:5432/assay` for a team
    clock : gives the time of a row, UTC

    Attributes
    ----------
    words : numbers of the texts in the log

    Raises
    ------
    ConfigError
        `url` is none, or of another kind of database.
    DataError
        The database was written by a newer version of Assay.
    StoreError
        It cannot be reached or read.

    Notes
    -----
    What is written has been committed when the call returns: SQLite in WAL mode with
    `synchronous=FULL`, PostgreSQL with `synchronous_commit=on`, so neither a killed process or
    server nor a power cut loses a decision. Writers wait up to 15 s for each other. Safe to share
    between threads. In memory the log takes about 400 bytes a row.
    """

    def __init__(self, url: str, *, clock: Callable[[], datetime] | None = None) -> None:
        self._clock = clock or (lambda: datetime.now(UTC))
        self._url = read_url(url)
        self._engine = make_engine(self._url)
        self._lock = threading.Lock()
        self.words = Words()
        self._view = LogView.empty(self.words)
        with self._explained(), self._locked() as connection:
            # It takes a while to import, and only who opens a database needs it.
            from core.curation.migrations import upgrade

            upgrade(connection)

    def close(self) -> None:
        """Close the pooled connections; the store can be used again afterwards."""
        self._engine.dispose()

    @property
    def place(self) -> str:
        """Return where the decisions are, for people; without a password."""
        if self._url.get_backend_name() == "sqlite":
            return self._url.database or "memory"
        return self._url.render_as_string(hide_password=True)

    def log(self) -> LogView:
        """Return the log as it is now; raises `StoreError` where that cannot be read."""
        with self._explained(), self._engine.connect() as connection:
            return self._remembered(connection)

    @contextmanager
    def writing(self) -> Iterator[LogWriter]:
        """Open a transaction that nobody else can write in; it is committed at the end.

        Raises
        ------
        StoreError
            It cannot be written; none of the transaction is then in the log, or, where the
            connection was lost at its very end, all of it may be: record it again, which changes
            nothing where it is there.
        """
        now = self._clock().astimezone(UTC).isoformat(timespec="microseconds")
        with self._explained(), self._locked() as connection:
            writer = LogWriter(connection, self._view, now)
            yield writer
        with self._lock:
            if len(writer.view) > len(self._view):
                self._view = writer.view

    def _remembered(self, connection: Connection) -> LogView:
        """Return the log, reading only what has come since it was read last."""
        with self._lock:
            self._view = self._view.refreshed(connection)
            return self._view

    @contextmanager
    def _locked(self) -> Iterator[Connection]:
        """Open a transaction that holds the write lock from its first statement."""
        with (
            self._engine.connect().execution_options(assay_write=True) as connection,
            connection.begin(),
        ):
            if connection.dialect.name == "postgresql":
                # The state before a row is read, then written: one writer at a time. It also makes
                # rows visible in the order of their numbers. A server may be set to confirm before
                # it has written; decisions are not to be lost.
                connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{BUSY_TIMEOUT_S}s'")
                connection.exec_driver_sql("SET LOCAL synchronous_commit = on")
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
            yield connection

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn what the database raises into a sentence."""
        try:
            yield
        except (DBAPIError, PoolTimeoutError) as error:
            cause = error.orig if isinstance(error, DBAPIError) else error
            reason = str(cause).strip().splitlines() or ["no reason given"]
            advice = (
                "Check that its disk is not full and that nothing else holds it open"
                if self._url.get_backend_name() == "sqlite"
                else f"Check that the server runs and that {DATABASE_VARIABLE} is right"
            )
            raise StoreError(
                f"The decisions in {self.place} cannot be read or written ({reason[0]}). {advice}, "
                "then try again."
            ) from error


def open_store(home: Path) -> DecisionStore:
    """Return the store of the state folder `home`, one for each process.

    The environment variable ASSAY_DATABASE may name a database for a team; else it is `assay.db`
    in `home`. Raises as `DecisionStore` does.
    """
    given = os.environ.get(DATABASE_VARIABLE)
    return _opened(given or f"sqlite:///{(home / 'assay.db').absolute()}")


@lru_cache(maxsize=8)
def _opened(url: str) -> DecisionStore:
    return DecisionStore(url)
