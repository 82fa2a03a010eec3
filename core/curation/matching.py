"""Which rows of the log are about which image of a run."""

from __future__ import annotations

import threading
from weakref import WeakKeyDictionary, ref

import numpy as np

from core.curation.log import LogView
from core.curation.store import DecisionStore
from core.curation.words import Words
from core.runs import Run


class RunImages:
    """The images of a run, to be found in the log. Safe between threads.

    Parameters
    ----------
    run : the run
    words : numbers of the texts in the log
    """

    def __init__(self, run: Run, words: Words) -> None:
        # Not held: these are kept for as long as somebody looks at the run.
        self._run, self._words = ref(run), words
        self._lock = threading.Lock()
        self._row = np.zeros(0, dtype=np.int64)
        self._home = words.codes([part.fingerprint for part, _ in run.parts])
        self._part = run.part
        self._class = words.codes(run.class_names)
        self._label = run.values["label"].to_numpy()
        self._content = run.content.view(np.int64)

    @classmethod
    def of(cls, store: DecisionStore, run: Run) -> RunImages:
        """Return the images of `run` for the log of `store`, the same ones at each call."""
        with _KNOWN_LOCK:
            runs = _KNOWN.setdefault(store, WeakKeyDictionary())
            if run not in runs:
                runs[run] = cls(run, store.words)
            return runs[run]

    def places(self, view: LogView) -> np.ndarray:
        """Return which row of the run each row of the log is about, int64; -1 for none."""
        row = self._rows()[view.image]
        at = np.maximum(row, 0)
        same_set = self.home(at) == view.dataset
        content = self._content[at]
        same_image = (
            (content != 0)
            & (content == view.content)
            & (self._class[self._label[at]] == view.given)
        )
        return np.where((row >= 0) & (same_set | same_image), row, -1)

    def content(self, rows: np.ndarray) -> np.ndarray:
        """Return what the images at `rows` show, as the log holds it: int64, 0 where not known."""
        return self._content[rows]

    def home(self, rows: np.ndarray) -> np.ndarray:
        """Return the data set that each of the images at `rows` is from, as a number of `words`."""
        return self._home[self._part[rows]]

    def _rows(self) -> np.ndarray:
        """Return the row of the run that each text is the id of, -1 for none."""
        with self._lock:
            new = self._words.since(len(self._row))
            run = self._run()
            if new and run is not None:
                self._row = np.concatenate([self._row, run.rows_of(new)])
            return self._row


_KNOWN: WeakKeyDictionary[DecisionStore, WeakKeyDictionary[Run, RunImages]] = WeakKeyDictionary()
_KNOWN_LOCK = threading.Lock()
