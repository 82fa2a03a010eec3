"""Which label a training image of a run should have instead of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from core.runs.folder import Run

if TYPE_CHECKING:
    from core.valuation import Suggestions

_WRONG_LABEL = "wrong label"


def suggestions(run: Run) -> Suggestions:
    """Return the label suggested for each training image of `run`, and how sure that is.

    A calibrated run says how likely a fault is, and of which kind; a run by the label posterior or
    by plain LAVA says how well the features fit the label given. Time O(n).
    """
    from core.valuation import suggest

    values = run.values

    def column(name: str) -> np.ndarray | None:
        return values[name].to_numpy() if name in values.columns else None

    wrong = column("fault_probability")
    if wrong is not None:
        wrong = np.where(values["likely_fault"].to_numpy() == _WRONG_LABEL, wrong, 0.0)
    return suggest(
        values["label"].to_numpy(),
        values["looks_like"].to_numpy(),
        values["looks_like_probability"].to_numpy(),
        column("own_probability"),
        len(run.class_names),
        wrong_label=wrong,
    )
