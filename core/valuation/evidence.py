"""Why an image has its value: what it is matched to, and what that costs.

NumPy alone, one row at a time, so that a web server can answer in milliseconds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.transport import GroundCost

# How sharply an image resembles a class, as a share of the mean feature cost: between 0.10 and
# 0.15 separated best on CIFAR-10 (engine notes, section 7).
RESEMBLANCE_EPSILON = 0.12


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The evidence on one training image; k is the number of neighbors asked for.

    Attributes
    ----------
    matched, matched_mass : validation rows that the plan sends the image to, heaviest first, and
        the share of the image's mass that each gets, 0 to 1; empty where there is no plan
    class_mass : the share of the image's mass that each validation class gets, shape (v,), or empty
    nearest, nearest_distance : validation rows nearest by features, and their distance
    own, own_distance : the same among the validation images of its own label; empty where the
        validation set lacks that class
    other, other_distance : the same among those of the class that it resembles; empty where that is
        its own, or none was named
    feature_cost, label_cost : the two parts of the image's expected cost under the plan, in units
        of cost; None where there is no plan
    """

    matched: np.ndarray
    matched_mass: np.ndarray
    class_mass: np.ndarray
    nearest: np.ndarray
    nearest_distance: np.ndarray
    own: np.ndarray
    own_distance: np.ndarray
    other: np.ndarray
    other_distance: np.ndarray
    feature_cost: float | None
    label_cost: float | None


def explain(
    cost: GroundCost,
    row: int,
    g: np.ndarray | None,
    epsilon: float | None,
    *,
    b: np.ndarray | None = None,
    plan: np.ndarray | None = None,
    resembles: int | None = None,
    k: int = 8,
) -> Evidence:
    """Return the evidence on training image `row`.

    Row i of the entropic plan is b_j exp((g_j - C_ij) / epsilon), scaled to sum 1.

    Parameters
    ----------
    cost : the run's ground cost, with its label distances and weights
    g : validation potential, shape (m,); None for a run without a transport plan
    epsilon : the run's regularization, in units of cost; None as above
    b : validation masses, shape (m,); uniform if None
    plan : the image's row of the plan, shape (m,), any sum above 0; for a run that keeps its plan
        (exact transport), in place of the one that follows from `g` and `epsilon`
    resembles : the class that the image's features resemble most
    k : number of neighbors of each kind

    Raises
    ------
    IndexError : there is no such row

    Notes
    -----
    Time O(m d).
    """
    if not 0 <= row < len(cost.x):
        raise IndexError(f"There is no training image {row}; rows are 0 to {len(cost.x) - 1}.")
    features, labels = cost.features(row), cost.labels(row)
    if plan is not None:
        plan = plan / plan.sum()
    elif g is not None and epsilon is not None:
        plan = _entropic_row(g - features - labels, epsilon, b)
    difference = cost.y.astype(np.float64, copy=False) - cost.x[row]
    distance = np.sqrt(np.einsum("jd,jd->j", difference, difference))
    matched = np.empty(0, dtype=np.int64) if plan is None else _first(-plan, k)
    nearest = _first(distance, k)
    label = int(cost.x_labels[row])
    own = _of_class(cost.y_labels, distance, label, k)
    other = _of_class(cost.y_labels, distance, -1 if resembles == label else resembles, k)
    return Evidence(
        matched=matched,
        matched_mass=np.empty(0) if plan is None else plan[matched],
        class_mass=np.empty(0)
        if plan is None
        else np.bincount(cost.y_labels, plan, minlength=_classes(cost)),
        nearest=nearest,
        nearest_distance=distance[nearest],
        own=own,
        own_distance=distance[own],
        other=other,
        other_distance=distance[other],
        feature_cost=None if plan is None else float(plan @ features),
        label_cost=None if plan is None else float(plan @ labels),
    )


def _classes(cost: GroundCost) -> int:
    if cost.label_distances is not None:
        return len(cost.label_distances)
    return int(max(cost.x_labels.max(), cost.y_labels.max())) + 1


def _of_class(labels: np.ndarray, distance: np.ndarray, label: int | None, k: int) -> np.ndarray:
    """Return the k nearest rows of class `label`, nearest first; none where there is no such."""
    rows = np.flatnonzero(labels == label) if label is not None else np.empty(0, np.int64)
    return rows[_first(distance[rows], k)]


def _entropic_row(reduced: np.ndarray, epsilon: float, b: np.ndarray | None) -> np.ndarray:
    """Return the row of the plan whose g_j - C_ij are given, scaled to sum 1."""
    scores = reduced / epsilon
    if b is not None:
        with np.errstate(divide="ignore"):
            scores = scores + np.log(b)
    weights = np.exp(scores - scores.max())
    return np.asarray(weights / weights.sum())


def _first(keys: np.ndarray, k: int) -> np.ndarray:
    """Return the positions of the k smallest keys, smallest first."""
    k = min(k, len(keys))
    if k == 0:
        return np.empty(0, dtype=np.int64)
    picked = np.argpartition(keys, k - 1)[:k]
    return np.asarray(picked[np.argsort(keys[picked], kind="stable")])
