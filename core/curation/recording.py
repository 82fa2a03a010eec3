"""From strokes to rows of the log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from core.curation.decisions import NewStroke, Recorded, TakeBack
from core.curation.log import LogView
from core.curation.matching import RunImages
from core.curation.standing import opinions, states
from core.curation.store import LogWriter
from core.errors import DataError
from core.runs import Run

# Verdict and label of images, as numbers; undecided is -1, -1.
_State = tuple[np.ndarray, np.ndarray]


class Recorder:
    """Writes events about the images of a run, in one transaction and in order.

    Decisions about different images don't depend on each other: they are gathered and written at
    once, up to the next event that might ask for them.

    Parameters
    ----------
    log : the log within the transaction
    run : the run that the events' rows are rows of
    images : its images in the log
    """

    def __init__(self, log: LogWriter, run: Run, images: RunImages) -> None:
        self._log, self._run, self._images = log, run, images
        self._waiting: dict[str, tuple[NewStroke, np.ndarray]] = {}
        self._waiting_rows: set[int] = set()
        self._rejected: list[tuple[str, str]] = []
        self._touched: list[np.ndarray] = [np.zeros(0, dtype=np.int64)]
        self._saved = 0

    def add(self, event: NewStroke | TakeBack) -> None:
        """Write `event`, or note why it cannot be."""
        try:
            if isinstance(event, TakeBack):
                self._flush()
                self._take_back(event)
            else:
                self._decide(event)
        except DataError as error:
            self._rejected.append((event.event_id, str(error)))
        else:
            self._saved += 1

    def finish(self) -> Recorded:
        """Write what waits, and return what became of the events."""
        self._flush()
        rows = np.unique(np.concatenate(self._touched))
        return Recorded(self._saved, tuple(self._rejected), rows[rows >= 0])

    # -- decisions -------------------------------------------------------------------------------

    def _decide(self, stroke: NewStroke) -> None:
        rows = self._checked_rows(stroke)
        listed = rows.tolist()
        if stroke.event_id in self._waiting or not self._waiting_rows.isdisjoint(listed):
            self._flush()
        self._touched.append(rows)
        if self._is_known(stroke, listed):
            return
        self._waiting[stroke.event_id] = (stroke, rows)
        self._waiting_rows.update(listed)

    def _checked_rows(self, stroke: NewStroke) -> np.ndarray:
        """Return the rows of a stroke, each once, rising."""
        rows = np.unique(np.asarray(stroke.rows))
        if rows.dtype.kind not in "iu" or rows[0] < 0 or rows[-1] >= len(self._run.values):
            raise DataError("The decision is about an image that this run does not hold.")
        if stroke.new_label is not None and stroke.new_label not in self._run.class_names:
            raise DataError(f"The new label {stroke.new_label!r} is not a class of this run.")
        return rows.astype(np.int64)

    def _is_known(self, stroke: NewStroke, rows: list[int]) -> bool:
        """Return whether the log holds the stroke; its id must not stand for another one."""
        view = self._log.view
        index = view.find(stroke.event_id)
        if index < 0:
            return False
        written = view.stroke_of(index)
        words = view.words
        known = (
            words.text(view.verdict[index]),
            words.text(view.label[index]),
            words.text(view.reviewer[index]),
            int(view.undoes[index]),
            np.sort(self._images.places(view)[written]).tolist(),
        )
        if known != (stroke.verdict, stroke.new_label, stroke.reviewer, -1, rows):
            raise DataError(
                f"Event id {stroke.event_id!r} is known from another decision; make a new one."
            )
        return True

    def _flush(self) -> None:
        """Write the strokes that wait."""
        if not self._waiting:
            return
        all_rows = np.concatenate([rows for _, rows in self._waiting.values()])
        view = self._log.view
        places = self._images.places(view)
        places = np.where(np.isin(places, all_rows), places, -1)
        before = _found(_states(view, places, view.active), all_rows)
        was_verdict, was_label = (view.words.texts(codes) for codes in before)
        values = self._run.values
        facts = zip(
            self._numbered_ids(),
            view.words.texts(self._images.home(all_rows)),
            values["id"].iloc[all_rows].tolist(),
            values["class_name"].iloc[all_rows].tolist(),
            [content or None for content in self._images.content(all_rows).tolist()],
            values["value"].iloc[all_rows].tolist(),
            was_verdict,
            was_label,
            strict=True,
        )
        self._log.append(
            [
                {
                    "event_id": event_id,
                    "dataset": dataset,
                    "image_id": image_id,
                    "given_label": given,
                    "content": content,
                    "value": value,
                    "previous_verdict": verdict,
                    "previous_label": label,
                    "batch_id": stroke.event_id if many else None,
                    "verdict": stroke.verdict,
                    "new_label": stroke.new_label,
                    "note": stroke.note,
                    "reviewer": stroke.reviewer,
                    "run_id": self._run.id,
                    "undoes": None,
                }
                for (event_id, stroke, many), dataset, image_id, given, content, value, verdict,
                label in facts
            ]
        )  # fmt: skip
        self._waiting.clear()
        self._waiting_rows.clear()

    def _numbered_ids(self) -> list[tuple[str, NewStroke, bool]]:
        """Return event id, stroke and whether it has several rows, for each row that waits."""
        return [
            (_event_id(stroke.event_id, number), stroke, len(rows) > 1)
            for stroke, rows in self._waiting.values()
            for number in range(len(rows))
        ]

    # -- undo and redo ---------------------------------------------------------------------------

    def _take_back(self, event: TakeBack) -> None:
        """Append rows that make a stroke inactive; none where it is already."""
        view = self._log.view
        target = view.find(event.undoes)
        places = self._images.places(view)
        stroke = view.stroke_of(target) if target >= 0 else np.zeros(0, dtype=np.int64)
        if not (places[stroke] >= 0).any():
            raise DataError("The decision to undo is not in the log of this run's images.")
        known = view.find(event.event_id)
        if known >= 0:
            if view.undoes[known] not in stroke:
                raise DataError(
                    f"Event id {event.event_id!r} is known from another decision; make a new one."
                )
            self._touched.append(places[stroke])
            return
        owner = view.words.text(view.reviewer[target])
        if owner != event.reviewer:
            raise DataError(
                f"This was decided by {owner}, who alone can take it back. Decide otherwise "
                "yourself: both opinions are kept."
            )
        self._touched.append(places[stroke])
        stroke = stroke[view.active[stroke]]
        if len(stroke):
            self._log.append(self._undo_rows(view, places, stroke, event))

    def _undo_rows(
        self, view: LogView, places: np.ndarray, stroke: np.ndarray, event: TakeBack
    ) -> list[dict[str, Any]]:
        # A stroke is taken back whole; its images outside this run are told apart by set and id.
        elsewhere = (
            len(self._run.values) + view.dataset.astype(np.int64) * len(view.words) + view.image
        )
        places = np.where(places >= 0, places, elsewhere)
        asked = places[stroke]
        places = np.where(np.isin(places, asked), places, -1)
        before = _found(_states(view, places, view.active), asked)
        after = _found(_states(view, places, view.active_without(stroke)), asked)
        texts = view.words.texts
        facts = zip(
            range(len(stroke)),
            view.event[stroke].tolist(),
            texts(view.dataset[stroke]),
            texts(view.image[stroke]),
            texts(view.given[stroke]),
            view.content[stroke].tolist(),
            texts(view.run[stroke]),
            view.value[stroke].tolist(),
            *(texts(codes) for codes in (*before, *after)),
            strict=True,
        )
        return [
            {
                "event_id": _event_id(event.event_id, number),
                "dataset": dataset,
                "image_id": image_id,
                "given_label": given,
                "content": content or None,
                "run_id": run_id,
                "value": None if value != value else value,
                "previous_verdict": was_verdict,
                "previous_label": was_label,
                "verdict": verdict or "clear",
                "new_label": label,
                "batch_id": event.event_id if len(stroke) > 1 else None,
                "note": None,
                "reviewer": event.reviewer,
                "undoes": undoes,
            }
            for number, undoes, dataset, image_id, given, content, run_id, value, was_verdict,
            was_label, verdict, label in facts
        ]  # fmt: skip


def _event_id(stroke: str, number: int) -> str:
    """Return the event id of row `number` of a stroke; the first has the stroke's own."""
    return f"{stroke}/{number}" if number else stroke


def _states(view: LogView, places: np.ndarray, active: np.ndarray) -> tuple[np.ndarray, _State]:
    """Return the places that are decided, rising, and their states."""
    now = states(view, opinions(view, places, active))
    decided = now.decided >= 0
    source = now.decided[decided]
    return now.place[decided], (view.verdict[source], view.label[source])


def _found(known: tuple[np.ndarray, _State], places: np.ndarray | Sequence[int]) -> _State:
    """Return the states at `places`, which may be undecided."""
    at, (verdict, label) = known
    if not len(at):
        nothing = np.full(len(places), -1, dtype=np.int64)
        return nothing, nothing
    index = np.minimum(np.searchsorted(at, places), len(at) - 1)
    there = at[index] == places
    return np.where(there, verdict[index], -1), np.where(there, label[index], -1)
