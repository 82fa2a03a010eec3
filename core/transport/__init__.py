"""Optimal transport on arrays: cost, entropic solver, label distances, resemblance.

The solvers need torch, which takes seconds to import; they load when they are first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from core.transport.batches import (
    BATCH_KINDS,
    batch_memory,
    choose_batch_size,
    make_batches,
)
from core.transport.cost import GroundCost

if TYPE_CHECKING:
    from core.transport.class_distances import LabelDistanceConfig, label_distances
    from core.transport.drift import predicted_change
    from core.transport.exact import (
        ExactConfig,
        ExactTransport,
        require_solvable,
        solve_exact,
    )
    from core.transport.fixed import FixedTransform, transform_fixed
    from core.transport.hierarchical import (
        BatchPairConfig,
        BatchPairs,
        batch_plan,
        positive_masses,
        solve_batch_pairs,
    )
    from core.transport.matrix import cost_matrix
    from core.transport.posterior import LabelPosterior, label_posterior
    from core.transport.recovery import exact_difference, log_density, recover_exact
    from core.transport.response import DenseSolution, entropic_curve, solve_dense, with_point
    from core.transport.sensitivity import LinearRange, MassCurve, exact_curve, linear_range
    from core.transport.sinkhorn import (
        Potentials,
        SinkhornConfig,
        representative_rows,
        soft_transform,
        solve_sinkhorn,
    )

__all__ = [
    "BATCH_KINDS",
    "BatchPairConfig",
    "BatchPairs",
    "DenseSolution",
    "ExactConfig",
    "ExactTransport",
    "FixedTransform",
    "GroundCost",
    "LabelDistanceConfig",
    "LabelPosterior",
    "LinearRange",
    "MassCurve",
    "Potentials",
    "SinkhornConfig",
    "batch_memory",
    "batch_plan",
    "choose_batch_size",
    "cost_matrix",
    "entropic_curve",
    "exact_curve",
    "exact_difference",
    "label_distances",
    "label_posterior",
    "linear_range",
    "log_density",
    "make_batches",
    "positive_masses",
    "predicted_change",
    "recover_exact",
    "representative_rows",
    "require_solvable",
    "soft_transform",
    "solve_batch_pairs",
    "solve_dense",
    "solve_exact",
    "solve_sinkhorn",
    "transform_fixed",
    "with_point",
]

_HOME = {
    "LabelDistanceConfig": "class_distances",
    "label_distances": "class_distances",
    "FixedTransform": "fixed",
    "transform_fixed": "fixed",
    "predicted_change": "drift",
    "LabelPosterior": "posterior",
    "label_posterior": "posterior",
    "ExactConfig": "exact",
    "ExactTransport": "exact",
    "require_solvable": "exact",
    "solve_exact": "exact",
    "cost_matrix": "matrix",
    "BatchPairConfig": "hierarchical",
    "BatchPairs": "hierarchical",
    "batch_plan": "hierarchical",
    "positive_masses": "hierarchical",
    "solve_batch_pairs": "hierarchical",
    "exact_difference": "recovery",
    "log_density": "recovery",
    "recover_exact": "recovery",
    "DenseSolution": "response",
    "entropic_curve": "response",
    "solve_dense": "response",
    "with_point": "response",
    "LinearRange": "sensitivity",
    "MassCurve": "sensitivity",
    "exact_curve": "sensitivity",
    "linear_range": "sensitivity",
}


def __getattr__(name: str) -> Any:
    """Load a solver on first use."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(f"{__name__}.{_HOME.get(name, 'sinkhorn')}")
    # Importing a module makes it an attribute here: `label_distances` must stay the function.
    globals().update({key: vars(module)[key] for key in __all__ if key in vars(module)})
    return globals()[name]
