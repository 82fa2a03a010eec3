"""Images that come later, valued against a finished valuation in one pass.

f_i is a function of the validation potential g alone (engine notes, section 2), so an image that
was not there when g was solved for gets its value from its own row of the cost. The images that
were there keep their potentials. How far that is from a new valuation is estimated, not assumed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.stats import rankdata

from core.device import resolve_device
from core.errors import DataError
from core.progress import Progress, silent
from core.transport import (
    GroundCost,
    LabelPosterior,
    SinkhornConfig,
    label_posterior,
    predicted_change,
    representative_rows,
    transform_fixed,
)
from core.valuation.evidence import RESEMBLANCE_EPSILON
from core.valuation.fusion import Fusion, Signals, surprise_of
from core.valuation.lava import calibrated_gradient
from core.valuation.result import TransportValuation

# What the valuation keeps for the next addition: names in `.arrays` and `.details` of it.
COLUMNS, ADDED = "added_columns", "added"
# The column by which a valuation by the label posterior is known.
_OWN = "own_probability"
# What only the label posterior as a method of its own says.
_SUGGESTED = "suggested_label"
# Images of each kind, old and new, from which the distance to a re-solve is estimated.
_SAMPLE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How close values with a fixed potential are to those of a new valuation: an estimate.

    Attributes
    ----------
    shift : standard deviation of the difference between the calibrated gradients of all images, as
        a share of their own
    rank_correlation : of the new images' values with those of a new valuation (Spearman), -1 to 1;
        1 where there is one new image, or the ranking does not follow the potentials
    """

    shift: float
    rank_correlation: float


def value_new(
    new: GroundCost,
    old: GroundCost,
    before: TransportValuation,
    n_classes: int,
    *,
    device: str = "auto",
    progress: Progress = silent,
) -> TransportValuation:
    """Value k new training images against a finished valuation, with its potential g fixed.

    Parameters
    ----------
    new : the ground cost of the k new images and the m validation images, with the valuation's
        label distances, weights and p
    old : the same of the n images valued before
    before : that valuation; masses were uniform
    n_classes : length of the list of classes
    device : auto, cpu, cuda or mps
    progress : told of the stages "New images" and "Resemblance"

    Returns
    -------
    TransportValuation
        Of all n + k images, the old ones first. Their f is as it was, so that all calibrated
        gradients move by one constant, and the order among the old images is kept. Primal, dual and
        transport cost are those of the joined set at (f, g); `marginal_error` is an upper bound of
        its. `details["added"]` says how many images were added, and how far the values are from
        those of a new valuation (`Agreement`).

    Raises
    ------
    DataError : a new image's class has no label distances

    Notes
    -----
    Label distances are not computed anew: they are among what a new valuation would change, beyond
    the estimate of `Agreement`. Time O(k m (d + v)) and a sample of 2,000 rows.
    """
    _require_distances(new)
    device = resolve_device(device)
    config = SinkhornConfig(epsilon=before.epsilon, device=device)
    n, k = old.shape[0], new.shape[0]
    solved, solved_error = _solved(before, n)
    progress("New images", 0.0, f"{k:,} against {new.shape[1]:,}")
    found = transform_fixed(new, before.g, config)
    columns = k * found.columns + before.arrays.get(COLUMNS, 0.0)
    f = np.concatenate([before.f, found.f])
    # Of the images that g was solved with only the norm of what they lack is known: it is small.
    residual = ((n + k - solved) / new.shape[1] - columns) / (n + k)
    scale = _resemblance_scale(before, old, solved)
    seen = _resemblance(new, before, scale, n_classes, device, progress)
    scorer = _scorer(before, new, seen)
    progress("New images", 0.6, "distance to a new valuation")
    agreement = estimate_agreement(new, old, f, before.g, residual, config, scorer)
    error = min(2.0, solved / (n + k) * solved_error + float(np.abs(residual).sum()))
    added = _details(before.details, solved, solved_error, k, agreement)
    gradient = calibrated_gradient(f)
    return replace(
        before,
        score=gradient
        if before.ranks_by_gradient
        else np.concatenate([before.score, scorer(found.f)]),
        calibrated_gradient=gradient,
        f=f,
        looks_like=np.concatenate([before.looks_like, scorer.posterior.label]),
        looks_like_probability=np.concatenate(
            [before.looks_like_probability, scorer.posterior.probability]
        ),
        # Both are means over the rows.
        primal=(n * before.primal + k * found.primal) / (n + k),
        transport_cost=(n * before.transport_cost + k * found.transport_cost) / (n + k),
        dual=float(f.mean() + before.g.mean()),
        marginal_error=error,
        converged=error <= before.tolerance,
        columns={
            name: np.concatenate([before.columns[name], part])
            for name, part in scorer.columns(found.f).items()
            if name in before.columns  # an older run has fewer
        },
        arrays={**before.arrays, COLUMNS: columns},
        details={**before.details, ADDED: added},
    )


def estimate_agreement(
    new: GroundCost,
    old: GroundCost,
    f: np.ndarray,
    g: np.ndarray,
    residual: np.ndarray,
    config: SinkhornConfig,
    scorer: Scorer,
) -> Agreement:
    """Estimate how far f with the fixed g is from the potential of a new solution.

    Parameters
    ----------
    new, old : ground costs of k and n training images
    f, g : potentials, shapes (n + k,), the old images first, and (m,)
    residual : what the column marginals of all n + k images lack, shape (m,)
    scorer : turns potentials of the new images into what the ranking follows
    """
    n, k = old.shape[0], new.shape[0]
    parts = [
        (cost, representative_rows(np.asarray(cost.x), cost.x_labels, min(count, _SAMPLE)))
        for cost, count in ((old, n), (new, k))
    ]
    (_, before), (_, later) = parts
    sample = GroundCost(
        x=np.concatenate([cost.x[rows] for cost, rows in parts]),
        x_labels=np.concatenate([cost.x_labels[rows] for cost, rows in parts]),
        y=new.y,
        y_labels=new.y_labels,
        label_distances=new.label_distances,
        feature_weight=new.feature_weight,
        label_weight=new.label_weight,
        p=new.p,
    )
    weights = np.concatenate(
        [np.full(len(before), n / len(before)), np.full(len(later), k / len(later))]
    )
    change = predicted_change(sample, weights, g, residual, config)
    spread = float(f.std())
    moved = float(np.sqrt(weights @ change**2 / weights.sum()))
    anew = f[n:].copy()
    anew[later] += change[len(before) :]
    return Agreement(
        shift=moved / spread if spread > 0 else 0.0,
        rank_correlation=_rank_correlation(scorer(f[n:])[later], scorer(anew)[later]),
    )


def _require_distances(new: GroundCost) -> None:
    """Refuse labels that the valuation has no distances for: they would count as no distance."""
    if new.label_distances is None or not new.labels_matter:
        return
    there = np.unique(new.y_labels)
    missing = ~np.isfinite(new.label_distances[:, there]).all(axis=1)
    bad = np.flatnonzero(missing[new.x_labels])
    if len(bad):
        raise DataError(
            f"Class {new.x_labels[bad[0]]} had no training images when the run was made, so its "
            "distance to the validation classes is not known. Value all images together instead."
        )


def _solved(before: TransportValuation, n: int) -> tuple[int, float]:
    """Return how many images g was solved with, the first ones, and their marginal error."""
    added = before.details.get(ADDED)
    if added is None:
        return n, before.marginal_error
    return int(added["solved_images"]), float(added["solved_marginal_error"])


def _resemblance_scale(before: TransportValuation, old: GroundCost, solved: int) -> float:
    """Return the regularization at which labels were compared, in units of cost."""
    if "fusion" in before.details:
        return float(before.details["fusion"]["epsilon"])
    if _SUGGESTED in before.columns:
        return before.epsilon
    # That of the images solved with, so that the same picture gets the same answer.
    features = replace(
        old,
        x=np.asarray(old.x[:solved]),
        x_labels=old.x_labels[:solved],
        label_distances=None,
        feature_weight=1.0,
    )
    return RESEMBLANCE_EPSILON * (features.mean() or 1.0)


def _resemblance(
    new: GroundCost,
    before: TransportValuation,
    epsilon: float,
    n_classes: int,
    device: str,
    progress: Progress,
) -> LabelPosterior:
    """Return what each new image looks like, as it was found for the old ones."""
    return label_posterior(
        replace(new, label_distances=None, feature_weight=1.0),
        n_classes,
        epsilon=epsilon,
        g=before.g if _SUGGESTED in before.columns else None,
        keep_classes=before.details.get("fusion", {}).get("mislabelling") is not None,
        device=device,
        progress=progress,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorer:
    """What the ranking of a valuation follows, for k new images and any potential of theirs.

    Attributes
    ----------
    cost : the ground cost of the new images
    posterior : what they look like
    g : validation potential
    fusion : the valuation's constants, where it ranks by a fused score
    by_posterior : it ranks by the label posterior
    """

    cost: GroundCost
    posterior: LabelPosterior
    g: np.ndarray
    fusion: Fusion | None = None
    by_posterior: bool = False

    def __call__(self, f: np.ndarray) -> np.ndarray:
        """Return the score, float64, shape (k,), of potentials of shape (k,); higher is worse."""
        if self.fusion is not None:
            return self.fusion.fused(self._signals(f)).score
        if self.by_posterior:
            return surprise_of(self.posterior.own_probability)
        return f

    def columns(self, f: np.ndarray) -> dict[str, np.ndarray]:
        """Return what the valuation says of each image beside, by name."""
        said = {_OWN: self.posterior.own_probability}
        if self.fusion is not None:
            fused = self.fusion.fused(self._signals(f))
            said["fault_probability"] = fused.probability.astype(np.float32)
            said["likely_fault"] = fused.kind
        elif self.by_posterior:
            said[_SUGGESTED] = self.posterior.label
            said["suggested_probability"] = self.posterior.probability
        return said

    def _signals(self, f: np.ndarray) -> Signals:
        assert self.fusion is not None  # noqa: S101 - for the type checker
        return self.fusion.signals(self.cost, self.posterior, f, self.g)


def _scorer(before: TransportValuation, new: GroundCost, posterior: LabelPosterior) -> Scorer:
    """Return the scorer of a finished valuation.

    Raises
    ------
    DataError : it ranks by a score that new images cannot be given
    """
    by_posterior = _SUGGESTED in before.columns
    fusion = before.details.get("fusion")
    if not before.ranks_by_gradient and fusion is None and not by_posterior:
        raise DataError(
            "This run ranks by a score of its own that new images cannot be given. Value all "
            "images together instead."
        )
    return Scorer(
        cost=new,
        posterior=posterior,
        g=before.g,
        fusion=None if fusion is None else Fusion.from_json(fusion),
        by_posterior=by_posterior,
    )


def _details(
    details: Mapping[str, Any], solved: int, solved_error: float, k: int, agreement: Agreement
) -> dict[str, Any]:
    earlier = details.get(ADDED, {})
    return {
        "solved_images": solved,
        "solved_marginal_error": solved_error,
        "images": int(earlier.get("images", 0)) + k,
        "shift": agreement.shift,
        "rank_correlation": agreement.rank_correlation,
    }


def _rank_correlation(left: np.ndarray, right: np.ndarray) -> float:
    """Return Spearman's rank correlation; 1 where nothing can be ranked."""
    if len(left) < 2 or np.ptp(left) == 0 or np.ptp(right) == 0:
        return 1.0
    return float(np.corrcoef(rankdata(left), rankdata(right))[0, 1])
