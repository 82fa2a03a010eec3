"""What each image is worth: methods, their result, and the evidence behind a value.

The methods need torch, which takes seconds to import; they load when they are first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from core.valuation.evidence import Evidence, explain
from core.valuation.fusion import Fused, Fusion, Signals, signals_of
from core.valuation.methods import LABEL_DISTANCE_KINDS, METHODS, Method
from core.valuation.result import Valuation, value_from_score

if TYPE_CHECKING:
    from core.valuation.calibration import (
        CALIBRATED,
        Calibration,
        CalibrationConfig,
        calibrate,
        too_small,
    )
    from core.valuation.exact import ExactValueConfig, value_exact
    from core.valuation.incremental import Agreement, value_new
    from core.valuation.lava import LavaConfig, calibrated_gradient, value_lava
    from core.valuation.planting import HeldOut, split_in_halves, stratified
    from core.valuation.posterior import PosteriorConfig, value_label_posterior
    from core.valuation.sava import SavaConfig, value_batchwise_lava, value_sava
    from core.valuation.sensitivity import (
        Sensitivity,
        SensitivityConfig,
        SensitivityProblem,
        analyze_sensitivity,
        prepare_sensitivity,
    )

__all__ = [
    "CALIBRATED",
    "LABEL_DISTANCE_KINDS",
    "METHODS",
    "Agreement",
    "Calibration",
    "CalibrationConfig",
    "Evidence",
    "ExactValueConfig",
    "Fused",
    "Fusion",
    "HeldOut",
    "LavaConfig",
    "Method",
    "PosteriorConfig",
    "SavaConfig",
    "Sensitivity",
    "SensitivityConfig",
    "SensitivityProblem",
    "Signals",
    "Valuation",
    "analyze_sensitivity",
    "calibrate",
    "calibrated_gradient",
    "explain",
    "prepare_sensitivity",
    "signals_of",
    "split_in_halves",
    "stratified",
    "too_small",
    "value_batchwise_lava",
    "value_exact",
    "value_from_score",
    "value_label_posterior",
    "value_lava",
    "value_new",
    "value_sava",
]

_HOME = {
    "Agreement": "incremental",
    "value_new": "incremental",
    "CALIBRATED": "calibration",
    "Calibration": "calibration",
    "CalibrationConfig": "calibration",
    "calibrate": "calibration",
    "too_small": "calibration",
    "HeldOut": "planting",
    "split_in_halves": "planting",
    "stratified": "planting",
    "PosteriorConfig": "posterior",
    "value_label_posterior": "posterior",
    "SavaConfig": "sava",
    "value_batchwise_lava": "sava",
    "value_sava": "sava",
    "ExactValueConfig": "exact",
    "value_exact": "exact",
    "Sensitivity": "sensitivity",
    "SensitivityConfig": "sensitivity",
    "SensitivityProblem": "sensitivity",
    "analyze_sensitivity": "sensitivity",
    "prepare_sensitivity": "sensitivity",
}


def __getattr__(name: str) -> Any:
    """Load a method on first use."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME.get(name, 'lava')}"), name)
