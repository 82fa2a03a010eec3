"""The decisions about a run's images, wherever they were made.

A decision is keyed by the data set that an image is from and the image's id in it. The training set
of a run that images were added to is made up of several data sets; so what was decided on the
run before, or on the new images by themselves, holds in it, and what is decided in it holds there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from functools import cached_property

import numpy as np
import pandas as pd

from core.curation.decisions import (
    DEFAULT_REVIEWER,
    Decision,
    NewDecision,
    NewStroke,
    Recorded,
    Stroke,
    TakeBack,
)
from core.curation.schema import COLUMNS
from core.curation.store import DecisionStore
from core.errors import DataError
from core.runs import Run

CURRENT = [
    "row", "image_id", "verdict", "new_label", "note", "reviewer", "at", "run_id", "value",
    "event_id", "disputed", "reviewers", "carried_from",
]  # fmt: skip
HISTORY = [
    "at", "reviewer", "verdict", "new_label", "note", "value", "run_id", "undone",
    "before_verdict", "before_label", "event_id", "undoes",
]  # fmt: skip
States = dict[str, tuple[str, str | None]]


class RunDecisions:
    """What was decided about the images of one run.

    Parameters
    ----------
    store : the log of all decisions
    run : the run that is looked at
    """

    def __init__(self, store: DecisionStore, run: Run) -> None:
        self._store, self._run = store, run

    @property
    def datasets(self) -> tuple[str, ...]:
        """Return the fingerprints of the data sets that the run's images are from."""
        return tuple(part.fingerprint for part in self._run.record.training_parts)

    @cached_property
    def _home(self) -> dict[str, str]:
        """The data set of each image of a run that is made up of several, by id."""
        home, start = {}, 0
        ids = self._run.values["id"].tolist()
        for part in self._run.record.training_parts:
            home.update(dict.fromkeys(ids[start : start + part.images], part.fingerprint))
            start += part.images
        return home

    def dataset_of(self, image_id: str) -> str:
        """Return the fingerprint of the data set that an image of the run is from."""
        return self.datasets[0] if len(self.datasets) == 1 else self._home[image_id]

    def current(self, rows: Sequence[int] | np.ndarray | None = None) -> pd.DataFrame:
        """Return one row for each image of the run that is decided or noted now, rising by row.

        Parameters
        ----------
        rows : positions of the images that are asked for; all by default

        Returns
        -------
        pandas.DataFrame
            row (int64), image_id, verdict (keep, remove, relabel, unsure; "clear" where the image
            is only noted), new_label, note ("" where none), reviewer (of the verdict), at (UTC),
            run_id, value, event_id, disputed (bool: standing opinions differ), reviewers (tuple of
            the names with a standing opinion), carried_from (fingerprint of the data set that the
            decision was made on, where that is not one of this run's). Missing texts are NaN.
        """
        frame = self._current()
        frame = frame.assign(
            row=self._rows_of(frame["image_id"]),
            disputed=False,
            reviewers=pd.Series([(name,) for name in frame["reviewer"]], dtype="object"),
            carried_from=pd.Series([None] * len(frame), dtype="str"),
        )
        frame = frame[frame["row"] >= 0]
        if rows is not None:
            frame = frame[frame["row"].isin(np.asarray(rows))]
        return frame[CURRENT].sort_values("row", ignore_index=True)

    def opinions(self) -> pd.DataFrame:
        """Return one row for each image and reviewer with a standing opinion or note.

        Columns: row (int64), image_id, reviewer, verdict ("clear" where only noted), new_label,
        note, at (UTC).
        """
        return self.current()[["row", "image_id", "reviewer", "verdict", "new_label", "note", "at"]]

    def history(self, row: int) -> pd.DataFrame:
        """Return all that was said about the image at `row`, oldest first.

        Columns: at (UTC), reviewer, verdict, new_label, note, value, run_id, undone (bool: taken
        back and not restored), before_verdict ("clear" where undecided), before_label, event_id,
        undoes.
        """
        image_id = str(self._run.values["id"].iloc[row])
        found = self._store.history(self.dataset_of(image_id), image_id)
        frame = pd.DataFrame([asdict(entry) for entry in found], columns=COLUMNS)
        return frame.assign(
            undone=frame["event_id"].isin(frame["undoes"]),
            before_verdict=frame["previous_verdict"].fillna("clear"),
            before_label=frame["previous_label"],
        )[HISTORY]

    def record(self, events: Sequence[NewStroke | TakeBack]) -> Recorded:
        """Write `events` to the log in order; what cannot be written holds up none of the others.

        All that is `saved` has been committed when this returns; an event that is known already is
        saved, too, and changes nothing.
        """
        rejected: list[tuple[str, str]] = []
        touched: list[int] = []
        for event in events:
            try:
                if isinstance(event, TakeBack):
                    taken = self.take_back(
                        event.undoes, event_id=event.event_id, reviewer=event.reviewer
                    )
                    touched += self._rows_of([entry.image_id for entry in taken]).tolist()
                else:
                    self._store.record_many(self._new(event))
                    touched += [int(row) for row in event.rows]
            except DataError as error:
                rejected.append((event.event_id, str(error)))
        return Recorded(len(events) - len(rejected), tuple(rejected), np.unique(touched))

    def _new(self, event: NewStroke) -> list[NewDecision]:
        ids = self._run.values["id"].iloc[list(event.rows)].tolist()
        values = self._run.values["value"].iloc[list(event.rows)].tolist()
        return [
            NewDecision(
                event_id=event.event_id if number == 0 else f"{event.event_id}/{number}",
                dataset=self.dataset_of(image_id),
                image_id=image_id,
                verdict=event.verdict,
                new_label=event.new_label,
                note=event.note or "",
                reviewer=event.reviewer,
                run_id=self._run.id,
                value=value,
                batch_id=event.event_id if len(ids) > 1 else None,
            )
            for number, (image_id, value) in enumerate(zip(ids, values, strict=True))
        ]

    def strokes(self, reviewer: str = DEFAULT_REVIEWER, limit: int = 200) -> list[Stroke]:
        """Return the reviewer's latest strokes that still stand, oldest first."""
        return [
            Stroke(
                entry.event_id,
                self._rows_of([entry.image_id]),
                (entry.verdict,),
                (entry.new_label,),
                ((entry.previous_verdict or "clear", entry.previous_label),),
            )
            for entry in self.undoable(reviewer, limit)
        ]

    def find_notes(self, text: str) -> np.ndarray:
        """Return the rows whose note holds `text`, whatever the case; int64, rising."""
        frame = self.current()
        found = frame["note"].str.contains(text, case=False, regex=False)
        return frame["row"].to_numpy()[found.to_numpy(dtype=bool)]

    def carried(self) -> dict[str, int]:
        """Return how many decided or noted images have that from which other data set."""
        counts = self.current()["carried_from"].dropna().value_counts()
        return {str(name): int(count) for name, count in counts.items()}

    @cached_property
    def _index(self) -> pd.Index:
        return pd.Index(self._run.values["id"])

    def _rows_of(self, ids: Iterable[str]) -> np.ndarray:
        """Return the position in the run of each image, int64; -1 where there is none."""
        return self._index.get_indexer(pd.Index(list(ids), dtype="str")).astype(np.int64)

    def _current(self) -> pd.DataFrame:
        if len(self.datasets) == 1:
            return self._store.current(self.datasets[0])
        frames = []
        for dataset in dict.fromkeys(self.datasets):
            frame = self._store.current(dataset)
            frames.append(frame[[self._home.get(i) == dataset for i in frame["image_id"]]])
        frames = [frame for frame in frames if len(frame)] or frames[:1]
        return pd.concat(frames, ignore_index=True)

    def states(self, image_ids: Iterable[str] | None = None) -> States:
        """Return verdict and new label by image id, as `DecisionStore.states` does."""
        if len(self.datasets) == 1:
            return self._store.states(self.datasets[0], image_ids)
        asked = None if image_ids is None else list(image_ids)
        found: States = {}
        for dataset in dict.fromkeys(self.datasets):
            ids = None if asked is None else [i for i in asked if self._home.get(i) == dataset]
            for image_id, state in self._store.states(dataset, ids).items():
                # A set may hold more images than the run took from it.
                if self._home.get(image_id) == dataset:
                    found[image_id] = state
        return found

    def counts(self) -> dict[str, int]:
        """Return how many images stand at each verdict now: keep, remove, relabel, unsure."""
        counts = {"keep": 0, "remove": 0, "relabel": 0, "unsure": 0}
        for verdict, _ in self.states().values():
            counts[verdict] += 1
        return counts

    def undoable(self, reviewer: str = DEFAULT_REVIEWER, limit: int = 200) -> list[Decision]:
        """Return the reviewer's latest decisions that still stand, oldest first."""
        rows = [
            row
            for dataset in dict.fromkeys(self.datasets)
            for row in self._store.undoable(dataset, reviewer, limit)
            if len(self.datasets) == 1 or self._home.get(row.image_id) == dataset
        ]
        return sorted(rows, key=lambda row: row.seq)[-limit:]

    def take_back(
        self, undoes: str, *, event_id: str, reviewer: str = DEFAULT_REVIEWER
    ) -> list[Decision]:
        """Undo the stroke that the row `undoes` belongs to, as `DecisionStore.take_back` does.

        A stroke over images of several of the run's data sets is taken back whole.
        """
        return self._store.take_back(self.datasets, undoes, event_id=event_id, reviewer=reviewer)
