"""Optimal transport on arrays: cost, entropic solver, label distances, resemblance.

The solvers need torch, which takes seconds to import; they load when they are first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from core.transport.cost import GroundCost

if TYPE_CHECKING:
    from core.transport.class_distances import LabelDistanceConfig, label_distances
    from core.transport.posterior import LabelPosterior, label_posterior
    from core.transport.sinkhorn import (
        Potentials,
        SinkhornConfig,
        representative_rows,
        soft_transform,
        solve_sinkhorn,
    )

__all__ = [
    "GroundCost",
    "LabelDistanceConfig",
    "LabelPosterior",
    "Potentials",
    "SinkhornConfig",
    "label_distances",
    "label_posterior",
    "representative_rows",
    "soft_transform",
    "solve_sinkhorn",
]

_HOME = {
    "LabelDistanceConfig": "class_distances",
    "label_distances": "class_distances",
    "LabelPosterior": "posterior",
    "label_posterior": "posterior",
}


def __getattr__(name: str) -> Any:
    """Load a solver on first use."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(f"{__name__}.{_HOME.get(name, 'sinkhorn')}")
    # Importing a module makes it an attribute here: `label_distances` must stay the function.
    globals().update({key: vars(module)[key] for key in __all__ if key in vars(module)})
    return globals()[name]
