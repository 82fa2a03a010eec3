"""Settings of the entropic solver."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkhornConfig:
    """Settings of the solver.

    Attributes
    ----------
    epsilon : regularization in units of cost, > 0
    tolerance : stop at this L1 error of the validation marginal, 0 to 2
    max_passes : upper bound on passes over all n * m pairs
    warm_rows : size of the subsample that is solved first; 0 for none
    memory : number of earlier passes that Anderson acceleration combines; 0 for plain Sinkhorn
    tile : most rows a tile; a tile holds tile * m numbers; None for one that suits the processor
    precision : "float32" or "float64": the least
    device : a torch device
    """

    epsilon: float = 0.1
    tolerance: float = 0.005
    max_passes: int = 100
    warm_rows: int = 8192
    memory: int = 15
    tile: int | None = None
    precision: str = "float32"
    device: str = "cpu"

    def __post_init__(self) -> None:
        """Check the ranges."""
        if not (np.isfinite(self.epsilon) and self.epsilon > 0):
            raise ConfigError(f"epsilon must be a positive number, got {self.epsilon}.")
        if not 0 < self.tolerance <= 2:
            raise ConfigError(f"tolerance must lie in (0, 2], got {self.tolerance}.")
        if self.max_passes < 1 or (self.tile or 1) < 1 or self.warm_rows < 0 or self.memory < 0:
            raise ConfigError("max_passes and tile must be at least 1, warm_rows and memory 0.")
        if self.precision not in ("float32", "float64"):
            raise ConfigError(f'precision must be "float32" or "float64", got {self.precision!r}.')
        if self.precision == "float64" and self.device.startswith("mps"):
            raise ConfigError("mps knows no float64; take float32, or the device cpu.")
