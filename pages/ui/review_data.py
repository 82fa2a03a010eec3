"""What the HTTP routes serve: opened runs and their evidence.

Nothing here knows HTTP or Streamlit; everything may be called from several threads at once.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from core.datasets import LabelledImages
from core.errors import DataError
from core.runs import Run, RunEvidence, find_run

_RETRY_S = 5.0  # a source that is gone is looked for again after this time
_OPEN_RUNS = 6

T = TypeVar("T")


class OpenedRun:
    """A run with what showing it needs, each part made once, when it is first asked for."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self._lock = threading.RLock()
        self._side_locks = {"train": threading.Lock(), "validation": threading.Lock()}
        self._images: dict[str, LabelledImages] = {}
        self._failed: dict[str, tuple[float, DataError]] = {}
        self._made: dict[str, Any] = {}

    @property
    def dataset(self) -> str:
        """Return the fingerprint of the training set, by which a page knows it again.

        Decisions are keyed by the set that an image is from: see `core.curation.matching`.
        """
        return self.run.record.train.fingerprint

    @property
    def n(self) -> int:
        """Return the number of training images."""
        return len(self.run.values)

    @cached_property
    def evidence(self) -> RunEvidence:
        """Return what explains any image of the run."""
        return RunEvidence(self.run, self.images)

    def images(self, side: str) -> LabelledImages:
        """Open the pictures of `side` ("train" or "validation"), row for row as in the run.

        Raises
        ------
        DataError
            The source is gone, has changed, or never had pictures.
        """
        with self._side_locks[side]:
            if side in self._images:
                return self._images[side]
            failed = self._failed.get(side)
            if failed is not None and time.monotonic() - failed[0] < _RETRY_S:
                raise failed[1]
            try:
                opened: LabelledImages = self.run.open_images(side)
                if opened.images is None:
                    raise DataError("This set is embeddings only: there are no pictures to show.")
            except DataError as error:
                self._failed[side] = (time.monotonic(), error)
                raise
            self._images[side] = opened
            return opened

    def once(self, name: str, make: Callable[[], T]) -> T:
        """Return what `make` gives, made when `name` is first asked for and kept."""
        with self._lock:
            if name not in self._made:
                self._made[name] = make()
            made: T = self._made[name]
            return made


class OpenedRuns:
    """The runs opened last, by home and id; the least recently used one goes first."""

    def __init__(self, limit: int = _OPEN_RUNS) -> None:
        self._limit = limit
        self._lock = threading.RLock()
        self._opened: OrderedDict[tuple[Path, str], OpenedRun] = OrderedDict()

    def get(self, home: Path, run_id: str) -> OpenedRun:
        """Return the run `run_id` of `home`; raises `RunError` where there is none."""
        key = (home, run_id)
        with self._lock:
            opened = self._opened.get(key)
            if opened is not None and (opened.run.path / "run.json").is_file():
                self._opened.move_to_end(key)
                return opened
            self._opened.pop(key, None)
            opened = OpenedRun(find_run(home, run_id))
            self._opened[key] = opened
            while len(self._opened) > self._limit:
                self._opened.popitem(last=False)
            return opened
