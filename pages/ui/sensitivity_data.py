"""What the inspector shows on demand: how the OT distance changes with one image's weight."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np

from core.valuation import (
    Sensitivity,
    SensitivityProblem,
    analyze_sensitivity,
    prepare_sensitivity,
)
from pages.ui.review_data import OpenedRun

# The gradient of a run and the one found here agree where they differ by less than this share.
_SAME = 0.02


class Sensitivities:
    """The run asked about last, made ready: the next image of it takes a fraction of the time.

    One answer at a time: each uses all it can of a core, and the pictures go first.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._path: Path | None = None
        self._problem: SensitivityProblem | None = None

    def answer(self, opened: OpenedRun, row: int) -> dict[str, Any]:
        """Return the analysis of training image `row`, ready for JSON.

        Raises
        ------
        IndexError : there is no such row
        ConfigError : the run has a single training image
        RunError : the run's method has no transport plan
        """
        if not 0 <= row < len(opened.run.values):
            raise IndexError(row)
        with self._lock:
            return _described(opened, row, analyze_sensitivity(self._ready(opened), row))

    def _ready(self, opened: OpenedRun) -> SensitivityProblem:
        run = opened.run
        epsilon = run.require_plan().epsilon
        if self._problem is None or self._path != run.path:
            # Two problems at once would need twice the memory.
            self._path, self._problem = None, None
            self._problem = prepare_sensitivity(
                opened.evidence.cost, run.potentials.f, run.potentials.g, epsilon
            )
            self._path = run.path
        return self._problem


def _described(opened: OpenedRun, row: int, found: Sensitivity) -> dict[str, Any]:
    run, curve, linear = opened.run, found.curve, found.linear
    gradients = run.values["calibrated_gradient"].to_numpy()
    scale = float(np.median(np.abs(gradients)))
    own = float(gradients[row])
    return {
        "row": row,
        "shares": curve.shares.tolist(),
        "predicted": curve.predicted.tolist(),
        "actual": curve.actual.tolist(),
        "distance": curve.value,
        "holds": list(found.holds),
        # Of no weight beside the others: a relative error says nothing then.
        "slight": abs(curve.gradient) < scale / 4,
        # Many runs rank by something else, and a part of a run has a gradient of its own.
        "same": run.ranks_by_gradient and abs(own - curve.gradient) <= _SAME * max(abs(own), scale),
        "exact": run.record.epsilon == 0,
        "images": list(found.images),
        "whole": found.whole,
        "linear": {
            "low": linear.low,
            "high": linear.high,
            "kink": linear.kink,
            "images": list(found.linear_images),
            "whole": found.linear_whole,
        },
    }
