"""LAVA: values from the potentials of the class-wise Wasserstein distance.

Just et al., "LAVA: Data valuation without pre-specified learning algorithms", ICLR 2023, Eq. 1.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from core.device import resolve_device
from core.errors import ConfigError
from core.progress import Progress, silent
from core.transport import (
    GroundCost,
    LabelDistanceConfig,
    LabelPosterior,
    Potentials,
    SinkhornConfig,
    label_distances,
    label_posterior,
    representative_rows,
    solve_sinkhorn,
)
from core.valuation.evidence import RESEMBLANCE_EPSILON
from core.valuation.fusion import Fusion
from core.valuation.methods import LABEL_DISTANCE_KINDS
from core.valuation.result import TransportValuation

# Problems of no more pairs are solved in double precision.
_SMALL_PAIRS = 2e7
# Of more classes most pairs have no wrong label to be seen; and 400 MB of float32.
_MOST_CLASSES = 256
_MOST_KEPT = 1e8


@dataclass(frozen=True, slots=True, kw_only=True)
class LavaConfig:
    """Settings of a LAVA valuation.

    Attributes
    ----------
    epsilon : entropic regularization in units of cost, > 0; 0.1 as in the published code
    relative_epsilon : the same as a share of the mean feature cost |x - y|^p / p, > 0; replaces
        `epsilon`
    feature_weight, label_weight : >= 0, not both 0
    label_distance_kind : "training": between training and validation classes, as published;
        "validation": between validation classes only, which faults in the training set cannot bias
    p : 1 or 2; the papers write 1, the published code runs 2
    tolerance : L1 error of the validation marginal to stop at, 0 to 2; None for one that fits the
        size (`solver_settings`)
    max_passes : upper bound on passes over all pairs
    device : "auto", "cpu", "cuda" or "mps"
    fusion : constants to fuse the calibrated gradient with other signals by; the ranking then
        follows the fused score. None: it follows the gradient, as published
    """

    epsilon: float = 0.1
    relative_epsilon: float | None = None
    feature_weight: float = 1.0
    label_weight: float = 1.0
    label_distance_kind: str = "training"
    p: int = 2
    tolerance: float | None = None
    max_passes: int = 500
    device: str = "auto"
    fusion: Fusion | None = None

    def __post_init__(self) -> None:
        """Check the weights; the solver checks the rest where it is used."""
        weights = (self.feature_weight, self.label_weight)
        if not all(np.isfinite(w) and w >= 0 for w in weights) or not any(weights):
            raise ConfigError(
                f"feature_weight and label_weight must be 0 or more and not both 0, got {weights}."
            )
        if self.label_distance_kind not in LABEL_DISTANCE_KINDS:
            raise ConfigError(
                f"label_distance_kind must be one of: {', '.join(LABEL_DISTANCE_KINDS)}; "
                f"got {self.label_distance_kind!r}."
            )
        for name in ("epsilon", "relative_epsilon"):
            number = getattr(self, name)
            if number is not None and not (np.isfinite(number) and number > 0):
                raise ConfigError(f"{name} must be a positive number, got {number}.")


def calibrated_gradient(potential: np.ndarray) -> np.ndarray:
    """Return f_i - mean of the others = n / (n - 1) * (f_i - mean f), float64 (LAVA Eq. 1).

    Higher is worse. Sum 0; adding a constant to the potential changes nothing. One image alone
    has gradient 0.
    """
    centered = np.asarray(potential, dtype=np.float64) - np.mean(potential, dtype=np.float64)
    n = len(centered)
    return centered * (n / (n - 1)) if n > 1 else centered


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What every method on the ground cost starts from.

    Attributes
    ----------
    features : the cost of features alone, of weight 1
    cost : the ground cost, label distances and weights included
    epsilon : regularization in units of cost
    device : a torch device
    """

    features: GroundCost
    cost: GroundCost
    epsilon: float
    device: str

    @property
    def distances(self) -> np.ndarray:
        """Return the label distances, float32, shape (v, v)."""
        assert self.cost.label_distances is not None  # noqa: S101 - for the type checker
        return self.cost.label_distances

    def solver(self, config: LavaConfig) -> SinkhornConfig:
        """Return how to solve it."""
        return solver_settings(
            *self.cost.shape,
            epsilon=self.epsilon,
            tolerance=config.tolerance,
            max_passes=config.max_passes,
            device=self.device,
        )

    def resemblance(
        self,
        n_classes: int,
        *,
        epsilon: float | None = None,
        keep_classes: bool = False,
        progress: Progress = silent,
    ) -> LabelPosterior:
        """Return what each training image looks like, by its features alone."""
        return label_posterior(
            self.features,
            n_classes,
            epsilon=epsilon or RESEMBLANCE_EPSILON * (self.features.mean() or 1.0),
            keep_classes=keep_classes,
            device=self.device,
            progress=progress,
        )


def pose_problem(
    x: np.ndarray,
    x_labels: np.ndarray,
    y: np.ndarray,
    y_labels: np.ndarray,
    n_classes: int,
    config: LavaConfig,
    *,
    progress: Progress = silent,
) -> Problem:
    """Compute the label distances and put the ground cost together; parameters as `value_lava`."""
    device = resolve_device(config.device)
    features = GroundCost(x=x, y=y, x_labels=x_labels, y_labels=y_labels, p=config.p)
    epsilon = _epsilon(config, features)
    settings = LabelDistanceConfig(epsilon=epsilon, p=config.p, device=device)
    measure = label_distances if config.label_distance_kind == "training" else among_validation
    distances = measure(x, x_labels, y, y_labels, n_classes, settings, progress=progress)
    cost = replace(
        features,
        label_distances=distances,
        feature_weight=config.feature_weight,
        label_weight=config.label_weight,
    )
    return Problem(features=features, cost=cost, epsilon=epsilon, device=device)


def among_validation(
    x: np.ndarray,
    x_labels: np.ndarray,
    y: np.ndarray,
    y_labels: np.ndarray,
    n_classes: int,
    config: LabelDistanceConfig,
    *,
    progress: Progress = silent,
) -> np.ndarray:
    """Return label distances in which the training images play no part.

    W[u, v] is the distance between the validation classes u and v; on the diagonal it is that
    between two halves of the class, as a distance to itself would be too small. A class of the
    training set that the validation set lacks keeps the distance of its training images.

    Returns
    -------
    float32, shape (n_classes, n_classes), in units of cost; NaN where a class is empty
    """
    w = label_distances(y, y_labels, y, y_labels, n_classes, config, progress=progress)
    present = np.unique(y_labels)
    for u in present:
        points = y[y_labels == u]
        if len(points) < 2:
            continue
        # Every second along a fixed direction: halves alike, whatever the order of the rows.
        one_class = np.zeros(len(points), dtype=np.int64)
        order = representative_rows(points, one_class, len(points))
        first, second = points[order[::2]], points[order[1::2]]
        halves = label_distances(
            first, one_class[: len(first)], second, one_class[: len(second)], 1, config
        )
        w[u, u] = halves[0, 0]
    missing = ~np.isin(x_labels, present)
    if missing.any():
        theirs = label_distances(x[missing], x_labels[missing], y, y_labels, n_classes, config)
        rows = np.unique(x_labels[missing])
        w[rows] = theirs[rows]
    return w


def value_lava(
    x: np.ndarray,
    x_labels: np.ndarray,
    y: np.ndarray,
    y_labels: np.ndarray,
    n_classes: int,
    config: LavaConfig | None = None,
    *,
    a: np.ndarray | None = None,
    b: np.ndarray | None = None,
    progress: Progress = silent,
) -> TransportValuation:
    """Value n training images against m validation images.

    Parameters
    ----------
    x, y : embeddings, float32 or float64, shapes (n, d) and (m, d), finite
    x_labels, y_labels : int64, shapes (n,) and (m,), 0 to n_classes - 1
    a, b : masses, shapes (n,) and (m,); uniform if None
    progress : told of the stages "Label distances", "Potentials", "Resemblance"

    Raises
    ------
    ConfigError, DataError
        For settings out of range, masses or embeddings that cannot be used.

    Notes
    -----
    A class that one side lacks has no distance to itself; its images are compared with the classes
    that are there. Time O(n m (d + v)) a pass, memory linear in n + m.
    """
    config = config or LavaConfig()
    problem = pose_problem(x, x_labels, y, y_labels, n_classes, config, progress=progress)
    settings = problem.solver(config)
    solution = solve_sinkhorn(problem.cost, settings, a=a, b=b, progress=progress)
    fusion = config.fusion
    resemblance = problem.resemblance(
        n_classes,
        epsilon=None if fusion is None else fusion.epsilon,
        keep_classes=fusion is not None and ways_are_told_apart(len(x), n_classes),
        progress=progress,
    )
    valuation = entropic_valuation(solution, settings, problem.distances, resemblance)
    return valuation if fusion is None else _fused(valuation, problem.cost, resemblance, fusion, b)


def entropic_valuation(
    solution: Potentials,
    settings: SinkhornConfig,
    label_distances: np.ndarray,
    resemblance: LabelPosterior,
) -> TransportValuation:
    """Return the valuation by the calibrated gradients of an entropic solution."""
    gradient = calibrated_gradient(solution.f)
    return TransportValuation(
        score=gradient,
        calibrated_gradient=gradient,
        validation_gradient=calibrated_gradient(solution.g),
        f=solution.f,
        g=solution.g,
        label_distances=label_distances,
        looks_like=resemblance.label,
        looks_like_probability=resemblance.probability,
        epsilon=settings.epsilon,
        primal=solution.primal,
        dual=solution.dual,
        transport_cost=solution.transport_cost,
        marginal_error=solution.marginal_error,
        tolerance=settings.tolerance,
        passes=solution.passes,
        converged=solution.converged,
        columns={"own_probability": resemblance.own_probability},
        details={"backend": solution.backend},
    )


def ways_are_told_apart(n: int, n_classes: int) -> bool:
    """Return whether what n images look like is kept class by class, to find who is mislabelled."""
    return n_classes <= _MOST_CLASSES and n * n_classes <= _MOST_KEPT


def _fused(
    valuation: TransportValuation,
    cost: GroundCost,
    resemblance: LabelPosterior,
    fusion: Fusion,
    b: np.ndarray | None,
) -> TransportValuation:
    """Return the valuation ranked by the fused score, and what that needs for new images."""
    signals = fusion.signals(cost, resemblance, valuation.f, valuation.g, b)
    fusion = fusion.fitted_to(signals)
    fused = fusion.fused(signals)
    return replace(
        valuation,
        score=fused.score,
        columns={
            **valuation.columns,
            "fault_probability": fused.probability.astype(np.float32),
            "likely_fault": fused.kind,
        },
        details={**valuation.details, "fusion": fusion.to_json()},
    )


def solver_settings(
    n: int, m: int, *, epsilon: float, tolerance: float | None, max_passes: int, device: str
) -> SinkhornConfig:
    """Return how to solve a problem of n * m pairs; a tolerance of None is one that fits the size.

    Small problems are solved in double precision: where classes hardly touch, an error of 1e-5 in
    the marginals, about what float32 can do, still moves single values by a thousandth of their
    spread. Beyond 20 million pairs ranks are settled long before.
    """
    small = n * m <= _SMALL_PAIRS
    return SinkhornConfig(
        epsilon=epsilon,
        tolerance=(1e-6 if small else 0.002) if tolerance is None else tolerance,
        max_passes=max_passes,
        precision="float64" if small and device != "mps" else "float32",
        device=device,
    )


def _epsilon(config: LavaConfig, features: GroundCost) -> float:
    """Return the regularization in units of cost."""
    if config.relative_epsilon is None:
        return config.epsilon
    mean = features.mean()
    if not mean > 0:
        raise ConfigError(
            "relative_epsilon needs embeddings that differ; these are all equal. Set epsilon."
        )
    return config.relative_epsilon * mean
