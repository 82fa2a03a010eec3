"""The fixed point of g -> g + eps log(b / r), by passes and on the kernels that passes leave."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from core.progress import Progress
from core.transport.anderson import Anderson
from core.transport.kernels import settle
from core.transport.passes import Passes, Sweep
from core.transport.sinkhorn_config import SinkhornConfig

# Iterations on a kernel between two passes, at most.
_KERNEL_ITERATIONS = 300
# A kernel is worth its pass if that leaves no more than this part of the error.
_KERNEL_GAIN = 0.8
# Accelerated passes without gain, after which the solver gives up.
_PATIENCE = 60


@dataclass(frozen=True, slots=True)
class State:
    """A validation potential, the pass that was made with it, and passes made in all."""

    g: np.ndarray
    sweep: Sweep
    passes: int


def _residual(passes: Passes, sweep: Sweep, epsilon: float) -> np.ndarray:
    return np.asarray(epsilon * (passes.log_b - np.log(sweep.columns)))


def _step(accelerator: Anderson, g: np.ndarray, residual: np.ndarray) -> np.ndarray:
    point, change = (torch.as_tensor(part)[None] for part in (g, residual))
    return np.asarray(accelerator.next(point, change)[0].numpy())


def solve_fixed_point(
    passes: Passes,
    config: SinkhornConfig,
    g: np.ndarray,
    progress: Progress,
    share: tuple[float, float],
) -> State:
    """Iterate from g until the tolerance or the last pass; return the best state seen.

    Parameters
    ----------
    passes : the problem
    config : its epsilon is that of the passes
    g : validation potential to start from, shape (m,)
    progress, share : told of each pass, within this span of the whole work
    """
    path = _Path(passes, config)
    # Some 40 times this share of a row goes missing: too little to be seen beside the tolerance.
    smallest = float(np.clip(config.tolerance / 200, 1e-8, 1e-5))
    best: State | None = None
    goal, gained = np.inf, 0
    for number in range(1, config.max_passes + 1):
        sweep = passes.sweep(
            g, config.epsilon, keep=smallest if path.keep else None, certify=path.certify
        )
        if best is None or sweep.error <= best.sweep.error:
            best = State(g, sweep, number)
        done = share[0] + (share[1] - share[0]) * _closeness(best.sweep.error, config.tolerance)
        progress(
            "Potentials",
            done,
            f"{passes.tiles.n:,} images, regularization {config.epsilon:.3g}, pass {number}, "
            f"marginal error {best.sweep.error:.3g}",
        )
        if best.sweep.error <= goal:
            goal, gained = 0.9 * best.sweep.error, number
        # Rounding sets a floor: beyond it more passes only cost.
        stalled = config.memory > 0 and number - gained > _PATIENCE
        if best.sweep.error <= config.tolerance or stalled:
            break
        g = path.after(g, sweep, best)
    assert best is not None  # noqa: S101 - max_passes is at least 1
    return replace(best, passes=number)


class _Path:
    """The way to the fixed point: over kernels while they help, else over accelerated passes.

    Attributes
    ----------
    keep, certify : what the next pass should do beside
    """

    def __init__(self, passes: Passes, config: SinkhornConfig) -> None:
        self._passes, self._config = passes, config
        self._accelerator = Anderson(config.memory)
        self._error_before = np.inf
        self.keep, self.certify = config.memory > 0, False

    def after(self, g: np.ndarray, sweep: Sweep, best: State) -> np.ndarray:
        """Return where to go from g and the pass that was made with it."""
        config = self._config
        helps = sweep.error < _KERNEL_GAIN * self._error_before
        if sweep.kernel is not None and helps:
            # Where a part of the plan stood for the whole, or where a first kernel was not enough,
            # the next pass may not be the last.
            self.keep = sweep.kernel.every > 1 or np.isfinite(self._error_before)
            self.certify, self._error_before = True, sweep.error
            return g + config.epsilon * settle(
                sweep.kernel,
                self._passes.a,
                self._passes.b,
                columns=sweep.columns,
                tolerance=config.tolerance / 2,
                memory=config.memory,
                most=_KERNEL_ITERATIONS,
            )
        overshot = sweep.error >= 4 * best.sweep.error
        if self.certify or overshot:
            self._accelerator.forget()
            self.keep = self.certify and helps
            g, sweep = best.g, best.sweep
        else:
            self.keep = False
        self.certify = False
        return _step(self._accelerator, g, _residual(self._passes, sweep, config.epsilon))


def _closeness(error: float, tolerance: float) -> float:
    """Return how far the error has come from 1 to the tolerance, on a log scale, 0 to 1."""
    if error <= tolerance:
        return 1.0
    return float(np.clip(np.log(error) / np.log(min(tolerance, 0.5)), 0, 1))
