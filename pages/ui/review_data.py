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

import numpy as np

from core.datasets import LabelledImages
from core.errors import DataError
from core.runs import Run, find_run, ground_cost
from core.transport import GroundCost
from core.valuation import explain

_RETRY_S = 5.0  # a source that is gone is looked for again after this time
_OPEN_RUNS = 6
STRIP = 7  # validation images in each row of the evidence

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

        Decisions are keyed by the set that an image is from: see `RunDecisions.dataset_of`.
        """
        return self.run.record.train.fingerprint

    @property
    def n(self) -> int:
        """Return the number of training images."""
        return len(self.run.values)

    @cached_property
    def cost(self) -> GroundCost:
        """Return the ground cost that the run was valued with; embeddings stay on disk."""
        return ground_cost(self.run, precise=True)

    def plan_row(self, row: int) -> np.ndarray | None:
        """Return row `row` of the plan, shape (m,), where the run keeps it, else None."""
        arrays = self.run.arrays
        if "plan_mass" not in arrays:
            return None
        ours = arrays["plan_rows"] == row
        size = len(self.run.potentials.g)
        plan = np.bincount(arrays["plan_columns"][ours], arrays["plan_mass"][ours], size)
        return plan if plan.any() else None

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


def evidence(opened: OpenedRun, row: int) -> dict[str, Any]:
    """Return what the inspector shows about training image `row`, ready for JSON.

    Raises `IndexError` where there is no such row.
    """
    run = opened.run
    found = explain(
        opened.cost,
        row,
        run.potentials.g,
        run.record.epsilon,
        plan=opened.plan_row(row),
        k=STRIP,
    )
    labels = run.validation["label"].to_numpy()
    ids = run.validation["id"]

    def listed(rows: np.ndarray, unit: str, amounts: np.ndarray) -> list[dict[str, Any]]:
        return [
            {"row": int(r), "id": ids.iloc[int(r)], "label": int(labels[r]), unit: float(amount)}
            for r, amount in zip(rows, amounts, strict=True)
        ]

    return {
        "row": row,
        "feature_cost": found.feature_cost,
        "label_cost": found.label_cost,
        "matched": listed(found.matched, "share", found.matched_mass),
        "own": listed(found.own, "distance", found.own_distance),
        "overall": listed(found.nearest, "distance", found.nearest_distance),
        **_judgement(run, row),
    }


def _judgement(run: Run, row: int) -> dict[str, Any]:
    """Return what a calibrated run says of a fault, or a label posterior of the label."""
    columns = run.values.columns
    if "fault_probability" in columns:
        image = run.values.iloc[row]
        probability = float(image["fault_probability"])
        return {"fault": {"kind": str(image["likely_fault"]), "probability": probability}}
    if "own_probability" in columns:
        image = run.values.iloc[row]
        suggested = float(image["suggested_probability"])
        return {
            "suggestion": {
                "label": int(image["suggested_label"]),
                "probability": suggested,
                "own": float(image["own_probability"]),
            }
        }
    return {}
