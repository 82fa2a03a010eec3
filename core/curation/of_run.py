"""The decisions about a run's images, wherever they were made.

A decision is keyed by the data set that an image is from and the image's id in it. The training set
of a run that images were added to is made up of several data sets; so what was decided on the
run before, or on the new images by themselves, holds in it, and what is decided in it holds there.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

import pandas as pd

from core.curation.decisions import DEFAULT_REVIEWER, Decision
from core.curation.store import DecisionStore
from core.runs import Run

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

    def current(self) -> pd.DataFrame:
        """Return the images that are decided now, as `DecisionStore.current` does."""
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
