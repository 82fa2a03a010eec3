"""The decisions about a run's images, wherever they were made.

An image is known again in two ways. By the data set that it is from and its id there: so what was
decided on a run holds in every other run of that set, and where images were added to one, on both
sides. And by its id, what it shows and the label that it was given: so decisions carry over to a
re-ordered, extended or thinned copy of the data, and end where the picture or the label changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from core.curation.decisions import (
    DEFAULT_REVIEWER,
    NewStroke,
    Recorded,
    Stroke,
    TakeBack,
)
from core.curation.log import LogView
from core.curation.matching import RunImages
from core.curation.recording import Recorder
from core.curation.standing import Opinions, States, opinions, states
from core.curation.store import DecisionStore
from core.runs import Run

CURRENT = [
    "row", "image_id", "verdict", "new_label", "note", "reviewer", "at", "run_id", "value",
    "event_id", "disputed", "reviewers", "carried_from",
]  # fmt: skip
OPINIONS = ["row", "image_id", "reviewer", "verdict", "new_label", "note", "at"]
HISTORY = [
    "at", "reviewer", "verdict", "new_label", "note", "value", "run_id", "undone",
    "before_verdict", "before_label", "event_id", "undoes",
]  # fmt: skip

Rows = Sequence[int] | np.ndarray


class RunDecisions:
    """What was decided about the images of one run; every call asks the log anew.

    Parameters
    ----------
    store : the log of all decisions
    run : the run that is looked at

    Notes
    -----
    Calls raise `StoreError` where the database cannot be reached, read or written. They may come
    from several threads. O(k) time and memory for k rows in the log.
    """

    def __init__(self, store: DecisionStore, run: Run) -> None:
        self._store, self._run = store, run
        self._images = RunImages.of(store, run)

    def current(self, rows: Rows | None = None) -> pd.DataFrame:
        """Return one row for each image of the run that is decided or noted now, rising by row.

        Parameters
        ----------
        rows : positions of the images that are asked for; all by default

        Returns
        -------
        pandas.DataFrame
            row (int64), image_id, verdict (keep, remove, relabel, unsure; "clear" where the image
            is only noted), new_label, note (the latest that stands, "" where none), reviewer, at
            (UTC), run_id, value and event_id of the decision (or of the note), disputed (bool:
            standing opinions differ in verdict or label), reviewers (tuple of the names with a
            standing opinion, in the order of the log), carried_from (fingerprint of the data set
            that it was decided on, where that is not the one that the image is from). Missing
            texts are NaN.
        """
        view = self._store.log()
        held, now = self._standing(view, rows)
        # What says when, who and in which run: the decision, or for want of one the note.
        source = np.where(now.decided >= 0, now.decided, now.noted)
        decided = now.decided >= 0
        frame = self._frame(view, now.place, source)
        frame["verdict"] = frame["verdict"].where(decided, "clear")
        frame["new_label"] = frame["new_label"].where(decided)
        home = self._images.home(now.place)
        carried = np.where(home == view.dataset[source], -1, view.dataset[source])
        return frame.assign(
            note=_notes(view, now.noted),
            run_id=_texts(view, view.run[source]),
            value=view.value[source],
            event_id=pd.Series(view.event[source], dtype="str"),
            disputed=now.disputed,
            reviewers=_reviewers(view, held, now),
            carried_from=_texts(view, carried),
        )[CURRENT]

    def opinions(self) -> pd.DataFrame:
        """Return one row for each image and reviewer with a standing opinion or note.

        Columns: row (int64, rising), image_id, reviewer, verdict ("clear" where only noted),
        new_label, note ("" where none), at (UTC).
        """
        view = self._store.log()
        held, _ = self._standing(view, None)
        source = np.where(held.decided >= 0, held.decided, held.noted)
        frame = self._frame(view, held.place, source)
        frame["verdict"] = frame["verdict"].where(held.decided >= 0, "clear")
        frame["new_label"] = frame["new_label"].where(held.decided >= 0)
        return frame.assign(note=_notes(view, held.noted))[OPINIONS]

    def history(self, row: int) -> pd.DataFrame:
        """Return all that the log holds about the image at `row`, oldest first.

        Columns: at (UTC), reviewer, verdict and new_label (what was decided, "note" where nothing
        was, or for an undo what stood afterwards), note ("" where nothing was written, or erased),
        value, run_id, undone (bool: taken
        back and not restored), before_verdict ("clear" where undecided), before_label, event_id,
        undoes (event id of the row that this one took back, NaN for a decision).
        """
        view = self._store.log()
        about = np.flatnonzero(self._images.places(view) == row)
        frame = self._frame(view, np.full(len(about), row), about)
        undoes = view.undoes[about]
        return frame.assign(
            note=["" if note is None else note for note in view.note[about]],
            value=view.value[about],
            run_id=_texts(view, view.run[about]),
            undone=~view.active[about],
            before_verdict=_texts(view, view.was_verdict[about]).fillna("clear"),
            before_label=_texts(view, view.was_label[about]),
            event_id=pd.Series(view.event[about], dtype="str"),
            undoes=pd.Series([view.event[i] if i >= 0 else None for i in undoes], dtype="str"),
        )[HISTORY]

    def counts(self) -> dict[str, int]:
        """Return how many images stand at each verdict now: keep, remove, relabel, unsure."""
        view = self._store.log()
        _, now = self._standing(view, None)
        verdicts = view.verdict[now.decided[now.decided >= 0]]
        return {
            name: int((verdicts == view.words.code(name)).sum())
            for name in ("keep", "remove", "relabel", "unsure")
        }

    def carried(self) -> dict[str, int]:
        """Return how many images hold what was decided or noted on which other data set.

        By the fingerprint of that data set, the most frequent first.
        """
        counts = self.current()["carried_from"].dropna().value_counts()
        return {str(name): int(count) for name, count in counts.items()}

    def find_notes(self, text: str) -> np.ndarray:
        """Return the rows with a standing note that holds `text`, in any case; int64, rising."""
        view = self._store.log()
        held, _ = self._standing(view, None)
        sought = text.casefold()
        noted = np.flatnonzero(held.noted >= 0)
        found = [i for i in noted.tolist() if sought in view.note[held.noted[i]].casefold()]
        return np.unique(held.place[found])

    def strokes(self, reviewer: str = DEFAULT_REVIEWER, limit: int = 200) -> list[Stroke]:
        """Return the reviewer's latest strokes that still stand, oldest first: what undo takes.

        Of a stroke that is also about images outside the run, only those in it are listed; taken
        back is all of it.
        """
        view = self._store.log()
        own = (view.undoes < 0) & (view.reviewer == view.words.code(reviewer)) & view.active
        return self._strokes(view, own, limit)

    def undone(self, reviewer: str = DEFAULT_REVIEWER, limit: int = 200) -> list[Stroke]:
        """Return the reviewer's latest undos with nothing decided since, oldest first.

        Taking one back is redo; its `before` is what it took back.
        """
        view = self._store.log()
        own = (view.reviewer == view.words.code(reviewer)) & (self._images.places(view) >= 0)
        decisions = np.flatnonzero(own & (view.undoes < 0))
        newest = int(decisions[-1]) if len(decisions) else -1
        undo = own & (view.undoes >= 0) & view.active & (np.arange(len(view)) > newest)
        # What takes back an undo is a redo, and undone by undoing the decision again.
        undo[undo] = view.undoes[view.undoes[undo]] < 0
        return self._strokes(view, undo, limit)

    def record(self, events: Sequence[NewStroke | TakeBack]) -> Recorded:
        """Write `events` to the log in order; what makes no sense holds up none of the others.

        All that is `saved` has been committed when this returns; an event that is known already is
        saved, too, and changes nothing.

        Raises
        ------
        StoreError
            Nothing could be written; the same events may be recorded again.
        """
        with self._store.writing() as log:
            recorder = Recorder(log, self._run, self._images)
            for event in events:
                recorder.add(event)
            return recorder.finish()

    # -- inside ----------------------------------------------------------------------------------

    def _standing(self, view: LogView, rows: Rows | None) -> tuple[Opinions, States]:
        places = self._images.places(view)
        if rows is not None:
            places = np.where(np.isin(places, np.asarray(rows)), places, -1)
        held = opinions(view, places)
        return held, states(view, held)

    def _frame(self, view: LogView, place: np.ndarray, source: np.ndarray) -> pd.DataFrame:
        """Return what the rows `source` of the log say about the images at `place`."""
        return pd.DataFrame(
            {
                "row": place,
                "image_id": _texts(view, view.image[source]),
                "verdict": _texts(view, view.verdict[source]),
                "new_label": _texts(view, view.label[source]),
                "reviewer": _texts(view, view.reviewer[source]),
                "at": pd.Series(view.at[source]).dt.tz_localize("UTC"),
            }
        )

    def _strokes(self, view: LogView, chosen: np.ndarray, limit: int) -> list[Stroke]:
        """Return the last `limit` strokes among the rows `chosen` that are about this run."""
        places = self._images.places(view)
        index = np.flatnonzero(chosen & (places >= 0))
        # A row of its own is a stroke; others are known by the name that they share.
        name = np.where(view.stroke[index] < 0, -2 - index, view.stroke[index])
        _, first, which = np.unique(name, return_index=True, return_inverse=True)
        latest = np.sort(first)[max(len(first) - limit, 0) :]
        order = np.argsort(which, kind="stable")
        starts = np.searchsorted(which[order], which[latest], side="left")
        ends = np.searchsorted(which[order], which[latest], side="right")
        return [
            _stroke(view, places, index[order[start:end]])
            for start, end in zip(starts, ends, strict=True)
        ]


def _stroke(view: LogView, places: np.ndarray, index: np.ndarray) -> Stroke:
    texts = view.words.texts
    noted = view.verdict[index] == view.words.code("note")
    # A note leaves the state as it was.
    after = np.where(noted, view.was_verdict[index], view.verdict[index])
    label = np.where(noted, view.was_label[index], view.label[index])
    was = [verdict or "clear" for verdict in texts(view.was_verdict[index])]
    return Stroke(
        event_id=str(view.event[index[0]]),
        rows=places[index],
        verdicts=tuple(verdict or "clear" for verdict in texts(after)),
        new_labels=tuple(texts(label)),
        before=tuple(zip(was, texts(view.was_label[index]), strict=True)),
    )


def _texts(view: LogView, codes: np.ndarray) -> pd.Series:
    return pd.Series(view.words.texts(codes), dtype="str")


def _notes(view: LogView, noted: np.ndarray) -> list[str]:
    return [view.note[i] if i >= 0 else "" for i in noted.tolist()]


def _reviewers(view: LogView, held: Opinions, now: States) -> pd.Series:
    """Return the names with a standing opinion of each image, in the order of the log."""
    stands = held.decided >= 0
    decided = held.decided[stands]
    names = view.words.texts(view.reviewer[decided])
    alone = {name: (name,) for name in set(names)}
    listed: list[tuple[Any, ...]] = []
    for first, count in zip(now.first.tolist(), now.count.tolist(), strict=True):
        if count == 1:
            listed.append(alone[names[first]])
        else:
            among = sorted(range(first, first + count), key=lambda i: decided[i])
            listed.append(tuple(names[i] for i in among))
    found = pd.Series(index=range(len(listed)), dtype="object")
    found[:] = listed
    return found
