"""The label posterior of the plan as a method of its own: values from labels that do not fit.

Under the cost of features alone, row i of the entropic plan is a distribution over validation
images; summed by class it is a posterior P_i over labels (engine notes, section 7). The score is
-log P_i(y_i). It needs no label distances and no trained head, finds wrong labels better than the
calibrated gradient, and is blind to faults that leave the label plausible.
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
    label_distances,
    label_posterior,
    solve_sinkhorn,
)
from core.valuation.evidence import RESEMBLANCE_EPSILON
from core.valuation.fusion import surprise_of
from core.valuation.lava import entropic_valuation, solver_settings
from core.valuation.result import TransportValuation

# Label distances at the posterior's own epsilon would be those of one blurred class to another.
_SHARPER_LABELS = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PosteriorConfig:
    """Settings of the label posterior.

    Attributes
    ----------
    epsilon : entropic regularization in units of cost, > 0; None for `relative_epsilon`
    relative_epsilon : the same as a share of the mean feature cost, > 0; None for 0.12
    p : 1 or 2, the exponent of the feature cost
    tolerance, max_passes, device : as for LAVA
    """

    epsilon: float | None = None
    relative_epsilon: float | None = None
    p: int = 2
    tolerance: float | None = None
    max_passes: int = 500
    device: str = "auto"

    def __post_init__(self) -> None:
        """Check the ranges."""
        for name in ("epsilon", "relative_epsilon"):
            number = getattr(self, name)
            if number is not None and not (np.isfinite(number) and number > 0):
                raise ConfigError(f"{name} must be a positive number, got {number}.")


def value_label_posterior(
    x: np.ndarray,
    x_labels: np.ndarray,
    y: np.ndarray,
    y_labels: np.ndarray,
    n_classes: int,
    config: PosteriorConfig | None = None,
    *,
    a: np.ndarray | None = None,
    b: np.ndarray | None = None,
    progress: Progress = silent,
) -> TransportValuation:
    """Value n training images by how well their labels fit, parameters as `value_lava`.

    Returns
    -------
    TransportValuation
        The score is -log P_i(y_i) in nats, 0 to 20, under the plan of OT on features alone; its
        potentials, and the calibrated gradient that follows from them, are those of that OT.
        The label distances are there to be looked at: they count for nothing.
        Columns: `suggested_label` (a position in the list of classes), its
        `suggested_probability`, and `own_probability`, that of the label given.

    Raises
    ------
    ConfigError, DataError
        As `value_lava`.

    Notes
    -----
    Time O(n m d) a pass, memory linear in n + m. The regularization is large, so few are needed.
    """
    config = config or PosteriorConfig()
    device = resolve_device(config.device)
    cost = GroundCost(x=x, y=y, x_labels=x_labels, y_labels=y_labels, p=config.p)
    epsilon = _epsilon(config, cost)
    settings = solver_settings(
        *cost.shape,
        epsilon=epsilon,
        tolerance=config.tolerance,
        max_passes=config.max_passes,
        device=device,
    )
    solution = solve_sinkhorn(cost, settings, a=a, b=b, progress=progress)
    g = _weighted(solution.g, b, epsilon)
    found = label_posterior(cost, n_classes, epsilon=epsilon, g=g, device=device, progress=progress)
    distances = label_distances(
        x,
        x_labels,
        y,
        y_labels,
        n_classes,
        LabelDistanceConfig(epsilon=epsilon / _SHARPER_LABELS, p=config.p, device=device),
        progress=progress,
    )
    return replace(
        entropic_valuation(solution, settings, distances, found),
        score=surprise_of(found.own_probability),
        columns={
            "suggested_label": found.label,
            "suggested_probability": found.probability,
            "own_probability": found.own_probability,
        },
    )


def _weighted(g: np.ndarray, b: np.ndarray | None, epsilon: float) -> np.ndarray:
    """Return the potential that weighs rows of the plan by the masses; none where these are 0."""
    if b is None:
        return g
    with np.errstate(divide="ignore"):
        return np.maximum(g + epsilon * np.log(b / b.mean()), g.min() - 1e3 * epsilon)


def _epsilon(config: PosteriorConfig, cost: GroundCost) -> float:
    """Return the regularization in units of cost."""
    if config.epsilon is not None and config.relative_epsilon is None:
        return config.epsilon
    share = RESEMBLANCE_EPSILON if config.relative_epsilon is None else config.relative_epsilon
    return share * (cost.mean() or 1.0)
