"""How far a training set is from a validation set, without valuing its images."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.progress import Progress, silent
from core.transport import LabelDistanceConfig, label_distances, solve_sinkhorn
from core.valuation.lava import LavaConfig, pose_problem


@dataclass(frozen=True, eq=False, kw_only=True)
class SetDistance:
    """The OT distance between two labelled sets.

    Attributes
    ----------
    transport_cost : mean cost under the plan, its regularizer not included, units of cost
    marginal_error : 0 to 2; how far the plan is from the marginals
    converged : whether the solver met its tolerance
    label_distances : between training and validation classes, also where the cost compares
        validation classes alone; float32, shape (v, v), units of cost; NaN where a class is empty
    """

    transport_cost: float
    marginal_error: float
    converged: bool
    label_distances: np.ndarray


def set_distance(
    x: np.ndarray,
    x_labels: np.ndarray,
    y: np.ndarray,
    y_labels: np.ndarray,
    n_classes: int,
    config: LavaConfig | None = None,
    *,
    progress: Progress = silent,
) -> SetDistance:
    """Solve for the OT distance that `value_lava` finds; parameters and errors are its own.

    Notes
    -----
    Time O(n m (d + v)) a pass, memory linear in n + m. What the images resemble, which a valuation
    also asks, is left out.
    """
    config = config or LavaConfig()
    problem = pose_problem(x, x_labels, y, y_labels, n_classes, config, progress=progress)
    settings = problem.solver(config)
    solution = solve_sinkhorn(problem.cost, settings, progress=progress)
    distances = problem.distances
    if config.label_distance_kind != "training":
        between = LabelDistanceConfig(epsilon=problem.epsilon, p=config.p, device=problem.device)
        distances = label_distances(x, x_labels, y, y_labels, n_classes, between, progress=progress)
    return SetDistance(
        transport_cost=solution.transport_cost,
        marginal_error=solution.marginal_error,
        converged=solution.converged,
        label_distances=distances,
    )
