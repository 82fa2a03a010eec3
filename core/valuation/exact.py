"""Values from exact optimal transport: the duals of the linear program, for small problems."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.progress import Progress, silent
from core.transport import ExactConfig, cost_matrix, require_solvable, solve_exact
from core.valuation.lava import LavaConfig, calibrated_gradient, pose_problem
from core.valuation.result import TransportValuation

# Of marginals that are met up to rounding.
_TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class ExactValueConfig(LavaConfig):
    """Settings of a valuation by exact transport; the rest as for LAVA.

    Attributes
    ----------
    epsilon, relative_epsilon : of the label distances alone
    tolerance, max_passes : without effect
    max_pairs : largest n * m
    """

    max_pairs: int = ExactConfig().max_pairs


def value_exact(
    x: np.ndarray,
    x_labels: np.ndarray,
    y: np.ndarray,
    y_labels: np.ndarray,
    n_classes: int,
    config: ExactValueConfig | None = None,
    *,
    a: np.ndarray | None = None,
    b: np.ndarray | None = None,
    progress: Progress = silent,
) -> TransportValuation:
    """Value n training images against m validation images, parameters as `value_lava`.

    The cost is LAVA's, label distances with their regularization included; the transport on it has
    none. Its potentials are a vertex of the dual: where `details["pieces"]` is above 1 (equal
    masses with n and m of a common divisor), they are one choice of many, and the order of the
    images decides which. Regularized values rank better in practice (engine notes, section 7);
    these are for comparison and for small sets.

    Returns
    -------
    TransportValuation
        With epsilon 0; the plan in `arrays` as plan_rows, plan_columns, plan_mass.

    Raises
    ------
    ConfigError, DataError
        As `value_lava`, and for more pairs than `max_pairs`.

    Notes
    -----
    Time about O((n m)^1.3), memory about 41 bytes a pair.
    """
    config = config or ExactValueConfig()
    settings = ExactConfig(max_pairs=config.max_pairs)
    require_solvable(len(x), len(y), settings)
    problem = pose_problem(x, x_labels, y, y_labels, n_classes, config, progress=progress)
    progress("Potentials", 0.0, "network simplex")
    solution = solve_exact(cost_matrix(problem.cost), settings, a=a, b=b)
    resemblance = problem.resemblance(n_classes, progress=progress)
    gradient = calibrated_gradient(solution.f)
    return TransportValuation(
        score=gradient,
        calibrated_gradient=gradient,
        validation_gradient=calibrated_gradient(solution.g),
        f=solution.f,
        g=solution.g,
        label_distances=problem.distances,
        looks_like=resemblance.label,
        looks_like_probability=resemblance.probability,
        epsilon=0.0,
        primal=solution.value,
        dual=solution.value - solution.gap,
        transport_cost=solution.value,
        marginal_error=solution.marginal_error,
        tolerance=_TOLERANCE,
        passes=0,
        converged=solution.marginal_error <= _TOLERANCE,
        columns={"own_probability": resemblance.own_probability},
        arrays={
            "plan_rows": solution.rows,
            "plan_columns": solution.columns,
            "plan_mass": solution.mass,
        },
        details={
            "pieces": solution.pieces,
            "gap": solution.gap,
            "label_epsilon": problem.epsilon,
        },
    )
