"""How well a ranking finds known faults."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score, roc_auc_score

from core.errors import DataError


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectionCurve:
    """Faults found against images inspected, worst first.

    Images of equal value share their faults evenly, as if in random order, so that no order of the
    input flatters a ranking with ties.

    Attributes
    ----------
    inspected : int64, shape (n + 1,), 0 to n
    found : float64, shape (n + 1,), expected number of faults among the images inspected
    faults, images : how many there are
    auroc : area under the ROC curve, 0 to 1; random gives 0.5
    average_precision : 0 to 1; random gives faults / images
    """

    inspected: np.ndarray
    found: np.ndarray
    faults: int
    images: int
    auroc: float
    average_precision: float

    @property
    def random(self) -> np.ndarray:
        """Return what a random order finds on average, float64, shape (n + 1,)."""
        return self.inspected * (self.faults / self.images)

    @property
    def optimal(self) -> np.ndarray:
        """Return what a perfect order finds, int64, shape (n + 1,)."""
        return np.minimum(self.inspected, self.faults)

    def recall_at(self, share: float) -> float:
        """Return the share of the faults found in the first `share` (0 to 1) of the images."""
        return float(self.found[round(share * self.images)] / self.faults)

    def precision_at(self, share: float) -> float:
        """Return the share of faults among the first `share` (above 0, to 1) of the images."""
        count = max(1, round(share * self.images))
        return float(self.found[count] / count)


def detection_curve(value: np.ndarray, faulty: np.ndarray) -> DetectionCurve:
    """Return the detection curve of a ranking by value, lowest first.

    Parameters
    ----------
    value : shape (n,), finite; higher is better
    faulty : bool, shape (n,); both kinds must occur

    Raises
    ------
    DataError
        All images are faulty, or none is.
    """
    faulty = np.asarray(faulty, dtype=bool)
    faults, images = int(faulty.sum()), len(faulty)
    if faults in (0, images):
        which = "None" if faults == 0 else "All"
        raise DataError(f"{which} of the {images} images are faulty: there is nothing to detect.")
    _, group = np.unique(value, return_inverse=True)
    size = np.bincount(group)
    rate = np.bincount(group, weights=faulty) / size
    found = np.concatenate([[0.0], np.cumsum(np.repeat(rate, size))])
    return DetectionCurve(
        inspected=np.arange(images + 1),
        found=found,
        faults=faults,
        images=images,
        auroc=float(roc_auc_score(faulty, -np.asarray(value))),
        average_precision=float(average_precision_score(faulty, -np.asarray(value))),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """A ranking held against the truth.

    Attributes
    ----------
    overall : the curve of all faults
    by_fault : the curve of each kind, against the sound images only (other faults are left out)
    unmatched : ids of the truth that the run does not know
    """

    overall: DetectionCurve
    by_fault: dict[str, DetectionCurve]
    unmatched: tuple[str, ...]

    def table(self, share: float = 0.1) -> pd.DataFrame:
        """Return one row for all faults and one a kind.

        Columns fault, faults, auroc, average_precision, recall (within the first `share` of the
        images ranked: all of them for the first row, this kind and the sound ones for the others)
        and random_average_precision; random gives an AUROC of 0.5 and a recall of `share`.
        """
        curves = {"all faults": self.overall, **self.by_fault}
        return pd.DataFrame(
            {
                "fault": list(curves),
                "faults": [curve.faults for curve in curves.values()],
                "auroc": [curve.auroc for curve in curves.values()],
                "average_precision": [curve.average_precision for curve in curves.values()],
                "recall": [curve.recall_at(share) for curve in curves.values()],
                "random_average_precision": [c.faults / c.images for c in curves.values()],
            }
        )


def evaluate(values: pd.DataFrame, truth: pd.DataFrame) -> Evaluation:
    """Hold a run's values against a truth table.

    Parameters
    ----------
    values : columns id and value
    truth : columns id and fault, one row a faulty image, as `read_truth` gives it

    Raises
    ------
    DataError
        No id of the truth occurs among the values, or all images are faulty.
    """
    fault = values["id"].map(truth.set_index("id")["fault"])
    value = values["value"].to_numpy()
    faulty = fault.notna().to_numpy()
    unmatched = tuple(truth.loc[~truth["id"].isin(values["id"]), "id"])
    if not faulty.any():
        example = f"{unmatched[0]!r} is not among the run's images" if unmatched else "it is empty"
        raise DataError(f"The truth names no image of this run; {example}.")
    by_fault = {}
    for kind in dict.fromkeys(truth["fault"]):
        member = (fault == kind).to_numpy(dtype=bool)
        rest = member | ~faulty
        if member.any() and not member[rest].all():
            by_fault[kind] = detection_curve(value[rest], member[rest])
    return Evaluation(
        overall=detection_curve(value, faulty), by_fault=by_fault, unmatched=unmatched
    )
