"""The log of decisions: append-only, safe across threads and processes.

The present state of an image is a view over the log: its latest row. A row that takes another one
back (`undoes`) repeats the state that it restores, so this holds for undo and redo, too. A row is
*active* unless an active row takes it back; undoing restores the latest active decision that the
image still has, so nobody's undo overwrites what somebody else decided in the meantime.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

import pandas as pd
from sqlalchemy import Connection, Row, insert, select

from core.curation import queries
from core.curation.decisions import DEFAULT_REVIEWER, Decision, NewDecision
from core.curation.schema import CURRENT_COLUMNS, LOG, create_schema, make_engine
from core.errors import DataError


class DecisionStore:
    """Decisions of all data sets in one database.

    Parameters
    ----------
    url : SQLAlchemy database URL; `sqlite:////abs/path/assay.db` (its folder is made), or
        PostgreSQL for a team
    clock : gives the time of a row, UTC

    Raises
    ------
    DataError
        Where the database was written by a newer version of Assay.

    Notes
    -----
    Every call opens a short transaction of its own and has committed when it returns: SQLite in WAL
    mode with `synchronous=FULL`, so neither a killed process nor a power cut loses a decision.
    Writers wait up to 15 s for each other. Safe to share between threads.
    """

    def __init__(self, url: str, *, clock: Callable[[], datetime] | None = None) -> None:
        self._clock = clock or (lambda: datetime.now(UTC))
        self._engine = make_engine(url)
        with self._write() as connection:
            create_schema(connection)

    def close(self) -> None:
        """Close the pooled connections; the store can be used again afterwards."""
        self._engine.dispose()

    # -- writing ---------------------------------------------------------------------------------

    def record(self, decision: NewDecision) -> Decision:
        """Append `decision` and return its row; the first row again if `event_id` is known.

        Raises `DataError` where the event id is known from a different decision.
        """
        return self.record_many([decision])[0]

    def record_many(self, decisions: Sequence[NewDecision]) -> list[Decision]:
        """Append all of `decisions` in one transaction, in order: all are written or none."""
        with self._write() as connection:
            return [self._append(connection, decision) for decision in decisions]

    def undo(self, dataset: str, reviewer: str = DEFAULT_REVIEWER) -> list[Decision]:
        """Take back the reviewer's last stroke that still stands; a batch goes as one.

        Returns the rows appended; empty where there is nothing to undo.
        """
        with self._write() as connection:
            inactive = queries.inactive(connection, dataset)
            target = queries.last(connection, dataset, reviewer, inactive, undo_rows=False)
            if target is None:
                return []
            return self._take_back(connection, target, reviewer, f"undo-{target.seq}-{_tick()}")

    def redo(self, dataset: str, reviewer: str = DEFAULT_REVIEWER) -> list[Decision]:
        """Take back the reviewer's last undo, unless something was decided since.

        Returns the rows appended; empty where there is nothing to redo.
        """
        with self._write() as connection:
            inactive = queries.inactive(connection, dataset)
            target = queries.last(connection, dataset, reviewer, inactive, undo_rows=True)
            newest = queries.last(connection, dataset, reviewer, set(), undo_rows=False)
            if target is None or (newest is not None and newest.seq > target.seq):
                return []
            return self._take_back(connection, target, reviewer, f"redo-{target.seq}-{_tick()}")

    def take_back(
        self,
        dataset: str | Sequence[str],
        undoes: str,
        *,
        event_id: str,
        reviewer: str = DEFAULT_REVIEWER,
    ) -> list[Decision]:
        """Undo the stroke that the row `undoes` belongs to; redo it if that row is an undo.

        Idempotent by `event_id`. Returns the rows appended, empty where it was taken back before.

        Parameters
        ----------
        dataset : the data set that is looked at, or several, where their images are looked at
            together: a stroke over images of several is then taken back whole

        Raises
        ------
        DataError
            Where no row of the data sets has the event id `undoes`.
        """
        datasets = [dataset] if isinstance(dataset, str) else list(dict.fromkeys(dataset))
        with self._write() as connection:
            if queries.by_event(connection, event_id) is not None:
                return []
            target = queries.by_event(connection, undoes)
            if target is None or target.dataset not in datasets:
                raise DataError("The decision to undo is not in the log.")
            others = queries.elsewhere(connection, target, datasets)
            if not others:
                return self._take_back(connection, target, reviewer, event_id)
            # One batch again, so that taking this back takes all of it back.
            rows: list[Decision] = []
            for number, part in enumerate([target, *others]):
                name = event_id if number == 0 else f"{event_id}+{number}"
                rows += self._take_back(connection, part, reviewer, name, batch_id=event_id)
            return rows

    # -- reading ---------------------------------------------------------------------------------

    def current(self, dataset: str) -> pd.DataFrame:
        """Return the images of `dataset` that are decided now, in the order of decision.

        Columns: image_id, verdict (keep, remove, relabel, unsure), new_label, note, reviewer,
        at (UTC), run_id, value, event_id. Undecided images are not in it.
        """
        with self._engine.connect() as connection:
            rows = connection.execute(queries.current_rows(dataset)).all()
        frame = pd.DataFrame([tuple(row) for row in rows], columns=CURRENT_COLUMNS)
        return frame.assign(at=pd.to_datetime(frame["at"], utc=True, format="ISO8601"))

    def states(
        self, dataset: str, image_ids: Iterable[str] | None = None
    ) -> dict[str, tuple[str, str | None]]:
        """Return verdict and new label by image id, for all decided images or those given.

        Of the ids given, undecided ones map to ("clear", None) if they were ever decided.
        """
        with self._engine.connect() as connection:
            if image_ids is None:
                rows = connection.execute(queries.current_rows(dataset)).all()
                return {row.image_id: (row.verdict, row.new_label) for row in rows}
            latest = queries.latest(connection, dataset, list(image_ids))
        return {key: (row.verdict, row.new_label) for key, row in latest.items()}

    def counts(self, dataset: str) -> dict[str, int]:
        """Return how many images stand at each verdict now: keep, remove, relabel, unsure."""
        counts = {"keep": 0, "remove": 0, "relabel": 0, "unsure": 0}
        for verdict, _ in self.states(dataset).values():
            counts[verdict] += 1
        return counts

    def history(self, dataset: str, image_id: str) -> list[Decision]:
        """Return all rows about one image, oldest first."""
        where = (LOG.c.dataset == dataset) & (LOG.c.image_id == image_id)
        with self._engine.connect() as connection:
            rows = connection.execute(select(LOG).where(where).order_by(LOG.c.seq)).all()
        return [queries.decision(row) for row in rows]

    def undoable(
        self, dataset: str, reviewer: str = DEFAULT_REVIEWER, limit: int = 200
    ) -> list[Decision]:
        """Return the reviewer's latest decisions that still stand, oldest first."""
        with self._engine.connect() as connection:
            inactive = queries.inactive(connection, dataset)
            rows = connection.execute(
                queries.own_rows(dataset, reviewer, undo_rows=False)
            ).yield_per(200)
            found: list[Decision] = []
            for row in rows:
                if row.event_id not in inactive:
                    found.append(queries.decision(row))
                    if len(found) == limit:
                        break
        return found[::-1]

    # -- inside ----------------------------------------------------------------------------------

    @contextmanager
    def _write(self) -> Iterator[Connection]:
        """Open a transaction that holds the write lock from its first statement."""
        with (
            self._engine.connect().execution_options(assay_write=True) as connection,
            connection.begin(),
        ):
            if connection.dialect.name == "postgresql":
                # The state before a row is read, then written: one writer at a time.
                connection.exec_driver_sql(
                    "SELECT pg_advisory_xact_lock(hashtext('assay.decision_log'))"
                )
            yield connection

    def _append(self, connection: Connection, new: NewDecision) -> Decision:
        known = queries.by_event(connection, new.event_id)
        if known is not None:
            same = (known.dataset, known.image_id, known.verdict, known.new_label)
            if same != (new.dataset, new.image_id, new.verdict, new.new_label):
                raise DataError(
                    f"Event id {new.event_id!r} is known from another decision; make a new one."
                )
            return known
        before = queries.latest(connection, new.dataset, [new.image_id]).get(new.image_id)
        fields = {name: getattr(new, name) for name in NewDecision.__slots__}
        return self._insert(connection, fields, before)

    def _insert(
        self, connection: Connection, fields: dict[str, Any], before: Row[Any] | None
    ) -> Decision:
        """Write one row; `before` is the image's latest row, from which its old state comes."""
        decided = before is not None and before.verdict != "clear"
        fields = {
            "undoes": None,
            **fields,
            "at": self._clock().astimezone(UTC).isoformat(timespec="microseconds"),
            "previous_verdict": before.verdict if before is not None and decided else None,
            "previous_label": before.new_label if before is not None and decided else None,
        }
        result = connection.execute(insert(LOG).values(**fields))
        primary_key = cast(Row[Any], result.inserted_primary_key)
        return queries.decision_from({**fields, "seq": int(primary_key[0])})

    def _take_back(
        self,
        connection: Connection,
        target: Decision,
        reviewer: str,
        event_id: str,
        *,
        batch_id: str | None = None,
    ) -> list[Decision]:
        """Append the rows that make the stroke of `target` inactive; none if it is already.

        Of a stroke over several data sets only the part in the target's; `batch_id` joins the
        parts.
        """
        inactive = queries.inactive(connection, target.dataset)
        stroke = [
            row for row in queries.stroke(connection, target) if row.event_id not in inactive
        ]  # in the order of the log; taken back in the reverse
        if not stroke:
            return []
        inactive_after = queries.inactive(
            connection, target.dataset, extra=[row.event_id for row in stroke]
        )
        ids = list(dict.fromkeys(row.image_id for row in stroke))
        standing = queries.standing(connection, target.dataset, ids, inactive_after)
        before = queries.latest(connection, target.dataset, ids)
        rows: list[Decision] = []
        for position, row in enumerate(reversed(stroke)):
            state = standing.get(row.image_id)
            fields = {
                "event_id": event_id if position == 0 else f"{event_id}/{position}",
                "dataset": row.dataset,
                "image_id": row.image_id,
                "verdict": "clear" if state is None else state.verdict,
                "new_label": None if state is None else state.new_label,
                "note": "" if state is None else state.note,
                "reviewer": reviewer,
                "run_id": row.run_id,
                "value": row.value,
                "batch_id": batch_id or (event_id if len(stroke) > 1 else None),
                "undoes": row.event_id,
            }
            rows.append(self._insert(connection, fields, before.get(row.image_id)))
        return rows


@lru_cache(maxsize=8)
def open_store(home: Path) -> DecisionStore:
    """Return the store of the state folder `home` (`assay.db` in it), one for each process."""
    return DecisionStore(f"sqlite:///{(home / 'assay.db').absolute()}")


def _tick() -> str:
    """Return a suffix that makes an event id of our own unique."""
    return f"{time.time_ns():x}"
