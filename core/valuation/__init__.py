"""What each image is worth: methods, their result, and the evidence behind a value.

The methods need torch, which takes seconds to import; they load when they are first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from core.valuation.evidence import Evidence, explain
from core.valuation.methods import METHODS, Method
from core.valuation.result import Valuation, value_from_score

if TYPE_CHECKING:
    from core.valuation.lava import LavaConfig, calibrated_gradient, value_lava

__all__ = [
    "METHODS",
    "Evidence",
    "LavaConfig",
    "Method",
    "Valuation",
    "calibrated_gradient",
    "explain",
    "value_from_score",
    "value_lava",
]


def __getattr__(name: str) -> Any:
    """Load a method on first use."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.lava"), name)
