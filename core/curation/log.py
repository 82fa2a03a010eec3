"""The log of decisions in memory: one array a column, read again only as far as it has grown.

What stands now is a view over the log. It is worked out from these arrays at once for all images,
in milliseconds for a hundred thousand decisions, so that the database holds the log and no second
truth beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
from sqlalchemy import Connection, select

from core.curation.schema import LOG
from core.curation.words import NOTHING, Words

# Rows turned into arrays at once: as Python objects they take a kilobyte each.
_CHUNK = 10_000
NO_NOTE, ERASED, NOTED = 0, 1, 2


@dataclass(frozen=True)
class Columns:
    """Rows of the log, in its order, as arrays of one length k. Texts are numbers of `Words`.

    Attributes
    ----------
    seq : position in the log, rising
    event : event ids, object
    dataset, image, given : data set, image id and label that the image had when it was decided
    content : what the image showed (`Run.content`, its bits as int64), 0 where that is not known
    verdict, label : what was decided
    note : texts, object; None where nothing was said
    says : `NO_NOTE`, `ERASED` or `NOTED`
    reviewer : who
    at : when, datetime64[us], UTC
    run, value : the run looked at, and the image's value in it; NaN where not known
    stroke : batch id; shared by the rows that are undone together, `NOTHING` for a single one
    was_verdict, was_label : state just before; `NOTHING` where undecided
    undoes : index of the row that this one takes back, -1 for a decision of its own
    """

    seq: np.ndarray
    event: np.ndarray
    dataset: np.ndarray
    image: np.ndarray
    given: np.ndarray
    content: np.ndarray
    verdict: np.ndarray
    label: np.ndarray
    note: np.ndarray
    says: np.ndarray
    reviewer: np.ndarray
    at: np.ndarray
    run: np.ndarray
    value: np.ndarray
    stroke: np.ndarray
    was_verdict: np.ndarray
    was_label: np.ndarray
    undoes: np.ndarray


@dataclass(frozen=True)
class LogView(Columns):
    """The whole log as it was at one moment; never changed.

    Attributes
    ----------
    words : numbers of the texts
    events : index of each event id; use `find`
    """

    words: Words
    events: dict[str, int]

    @classmethod
    def empty(cls, words: Words) -> LogView:
        """Return the view of a log without rows."""
        events: dict[str, int] = {}
        columns = _columns([], words, events, 0)
        return cls(**_parts(columns), words=words, events=events)

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.seq)

    def find(self, event_id: str) -> int:
        """Return the index of the row with this event id, -1 where there is none."""
        index = self.events.get(event_id, -1)
        # It may have been met in a transaction that came to nothing.
        known = 0 <= index < len(self) and self.event[index] == event_id
        return index if known else -1

    def refreshed(self, connection: Connection) -> LogView:
        """Return the view of the log as `connection` sees it now: what has come since is read."""
        last = int(self.seq[-1]) if len(self) else 0
        query = select(LOG).where(LOG.c.seq >= last).order_by(LOG.c.seq)
        parts, size = [_parts(self)], len(self)
        with connection.execute(query) as result:
            for rows in result.partitions(_CHUNK):
                if last and (rows[0].seq, rows[0].event_id) == (last, self.event[-1]):
                    rows, last = rows[1:], 0
                if last:
                    break
                parts.append(_parts(_columns(rows, self.words, self.events, size)))
                size += len(rows)
        if last:
            # Another database stands where this one was: a backup was put back.
            return LogView.empty(self.words).refreshed(connection)
        if size == len(self):
            return self
        grown = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        return LogView(**grown, words=self.words, events=self.events)

    @cached_property
    def active(self) -> np.ndarray:
        """Which rows no active row takes back, bool, shape (k,)."""
        return self.active_without(np.zeros(0, dtype=np.int64))

    def active_without(self, taken: np.ndarray) -> np.ndarray:
        """Return `active` as it will be once the rows at `taken` are taken back.

        A row is active unless an active one takes it back. Undo and redo form chains from newer
        rows to older ones; each round settles one more link of every chain.
        """
        undoing = np.flatnonzero(self.undoes >= 0)
        targets = self.undoes[undoing]
        active = np.ones(len(self), dtype=bool)
        while True:
            new = np.ones(len(self), dtype=bool)
            new[targets[active[undoing]]] = False
            new[taken] = False
            if np.array_equal(new, active):
                return new
            active = new

    def stroke_of(self, index: int) -> np.ndarray:
        """Return the indices of the rows written together with the one at `index`, rising."""
        if self.stroke[index] == NOTHING:
            return np.array([index], dtype=np.int64)
        return np.flatnonzero(self.stroke == self.stroke[index])


def _parts(columns: Columns) -> dict[str, np.ndarray]:
    return {item.name: getattr(columns, item.name) for item in fields(Columns)}


def _columns(rows: Sequence[Any], words: Words, events: dict[str, int], start: int) -> Columns:
    """Return rows of the table as arrays; the first has the index `start`."""
    names = [column.name for column in LOG.columns]
    listed = zip(*rows, strict=True) if rows else [()] * len(names)
    table: dict[str, Sequence[Any]] = dict(zip(names, listed, strict=True))
    events.update(zip(table["event_id"], range(start, start + len(rows)), strict=True))
    notes = table["note"]
    return Columns(
        seq=np.array(table["seq"], dtype=np.int64),
        event=np.array(table["event_id"], dtype=object),
        dataset=words.codes(table["dataset"]),
        image=words.codes(table["image_id"]),
        given=words.codes(table["given_label"]),
        content=np.array([content or 0 for content in table["content"]], dtype=np.int64),
        verdict=words.codes(table["verdict"]),
        label=words.codes(table["new_label"]),
        note=np.array(notes, dtype=object),
        says=np.array(
            [NO_NOTE if note is None else NOTED if note else ERASED for note in notes],
            dtype=np.uint8,
        ),
        reviewer=words.codes(table["reviewer"]),
        # Written in UTC and to the microsecond: what follows says only that.
        at=np.array([moment[:26] for moment in table["at"]], dtype="datetime64[us]"),
        run=words.codes(table["run_id"]),
        value=np.array(table["value"], dtype=np.float64),
        stroke=words.codes(table["batch_id"]),
        was_verdict=words.codes(table["previous_verdict"]),
        was_label=words.codes(table["previous_label"]),
        undoes=np.array(
            [-1 if event is None else events[event] for event in table["undoes"]], dtype=np.int64
        ),
    )
