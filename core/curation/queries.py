"""What is asked of the log of decisions; every function works inside a transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select

from core.curation.decisions import Decision
from core.curation.schema import COLUMNS, CURRENT_COLUMNS, LOG

_CHUNK = 500  # ids in one IN (...); every SQLite allows at least 999 parameters


def latest_seqs(dataset: str) -> Any:
    """Select the position of the latest row of each image of `dataset`."""
    return select(func.max(LOG.c.seq)).where(LOG.c.dataset == dataset).group_by(LOG.c.image_id)


def current_rows(dataset: str) -> Any:
    """Select the latest row of each image of `dataset`, without those undecided again."""
    return (
        select(*(LOG.c[name] for name in CURRENT_COLUMNS))
        .where(LOG.c.seq.in_(latest_seqs(dataset)), LOG.c.verdict != "clear")
        .order_by(LOG.c.seq)
    )


def own_rows(dataset: str, reviewer: str, *, undo_rows: bool) -> Any:
    """Select a reviewer's own decisions, or what took some back, newest first."""
    kind = LOG.c.undoes.is_not(None) if undo_rows else LOG.c.undoes.is_(None)
    return (
        select(LOG)
        .where(LOG.c.dataset == dataset, LOG.c.reviewer == reviewer, kind)
        .order_by(LOG.c.seq.desc())
    )


def by_event(connection: Connection, event_id: str) -> Decision | None:
    """Return the row with `event_id`, if there is one."""
    row = connection.execute(select(LOG).where(LOG.c.event_id == event_id)).first()
    return None if row is None else decision(row)


def latest(connection: Connection, dataset: str, ids: Sequence[str]) -> dict[str, Row[Any]]:
    """Return the latest row of each of the images `ids` that has one."""
    found: dict[str, Row[Any]] = {}
    for start in range(0, len(ids), _CHUNK):
        seqs = latest_seqs(dataset).where(LOG.c.image_id.in_(ids[start : start + _CHUNK]))
        for row in connection.execute(select(LOG).where(LOG.c.seq.in_(seqs))):
            found[row.image_id] = row
    return found


def inactive(connection: Connection, dataset: str, extra: Sequence[str] = ()) -> set[str]:
    """Return the event ids taken back by an active row; `extra` are about to be taken back."""
    rows = connection.execute(
        select(LOG.c.event_id, LOG.c.undoes)
        .where(LOG.c.dataset == dataset, LOG.c.undoes.is_not(None))
        .order_by(LOG.c.seq.desc())
    )
    inactive = set(extra)
    for row in rows:  # newest first: what could take a row back has been seen before it
        if row.event_id not in inactive:
            inactive.add(row.undoes)
    return inactive


def last(
    connection: Connection, dataset: str, reviewer: str, inactive: set[str], *, undo_rows: bool
) -> Decision | None:
    """Return the reviewer's newest active row of one kind.

    Among undo rows only those count that take back a decision: a redo is not redone.
    """
    rows = connection.execute(own_rows(dataset, reviewer, undo_rows=undo_rows)).yield_per(200)
    for row in rows:
        if row.event_id in inactive:
            continue
        if undo_rows:
            target = by_event(connection, row.undoes)
            if target is None or target.undoes is not None:
                continue
        return decision(row)
    return None


def stroke(connection: Connection, target: Decision) -> list[Decision]:
    """Return the rows written together with `target`, itself included, in order."""
    if target.batch_id is None:
        return [target]
    where = (LOG.c.batch_id == target.batch_id) & (LOG.c.dataset == target.dataset)
    rows = connection.execute(select(LOG).where(where).order_by(LOG.c.seq)).all()
    return [decision(row) for row in rows]


def elsewhere(connection: Connection, target: Decision, datasets: Sequence[str]) -> list[Decision]:
    """Return one row of the stroke of `target` from each other of `datasets` that it is in."""
    if target.batch_id is None or len(datasets) == 1:
        return []
    rows = connection.execute(
        select(LOG)
        .where(
            LOG.c.batch_id == target.batch_id,
            LOG.c.dataset.in_(datasets),
            LOG.c.dataset != target.dataset,
        )
        .order_by(LOG.c.seq)
    ).all()
    first = {row.dataset: row for row in reversed(rows)}
    return [decision(row) for row in first.values()]


def standing(
    connection: Connection, dataset: str, ids: Sequence[str], inactive: set[str]
) -> dict[str, Row[Any]]:
    """Return the latest active decision of each of the images `ids` that has one."""
    found: dict[str, Row[Any]] = {}
    for start in range(0, len(ids), _CHUNK):
        rows = connection.execute(
            select(LOG)
            .where(
                LOG.c.dataset == dataset,
                LOG.c.undoes.is_(None),
                LOG.c.image_id.in_(ids[start : start + _CHUNK]),
            )
            .order_by(LOG.c.seq)
        )
        for row in rows:
            if row.event_id not in inactive:
                found[row.image_id] = row
    return found


def decision(row: Row[Any]) -> Decision:
    """Return a row of the log as a `Decision`."""
    return decision_from(dict(row._mapping))


def decision_from(fields: dict[str, Any]) -> Decision:
    """Return the columns of a row, by name, as a `Decision`."""
    return Decision(
        **{**{name: fields[name] for name in COLUMNS}, "at": datetime.fromisoformat(fields["at"])}
    )
