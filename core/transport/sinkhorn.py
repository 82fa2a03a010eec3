"""Entropic optimal transport in linear memory, with a certificate.

With the regularizer epsilon * KL(plan | a x b) the potentials of the optimum satisfy
(engine notes, section 2)::

    f_i = -eps log sum_j b_j exp((g_j - C_ij) / eps)
    g_j = -eps log sum_i a_i exp((f_i - C_ij) / eps)

so f is a function of g (a soft c-transform) and the state is one vector of length m. A pass over
tiles of rows yields f from g, the column marginals r of the plan of (f, g), and so the next g:
g + eps log(b / r). The fixed point is found by Anderson acceleration (Walker and Ni, SIAM J.
Numer. Anal. 49, 2011) of that map, started on a subsample of the rows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from core.errors import ConfigError, DataError
from core.progress import Progress, silent
from core.transport.cost import GroundCost
from core.transport.tiles import LOWEST_EXPONENT, CostTiles

# Passes at each step of the epsilon-scaling, at most.
_SCALING_PASSES = 25


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
    tile : rows a tile; a tile holds tile * m numbers
    precision : "float32" or "float64"
    device : a torch device
    """

    epsilon: float = 0.1
    tolerance: float = 0.005
    max_passes: int = 100
    warm_rows: int = 8192
    memory: int = 15
    tile: int = 256
    precision: str = "float32"
    device: str = "cpu"

    def __post_init__(self) -> None:
        """Check the ranges."""
        if not (np.isfinite(self.epsilon) and self.epsilon > 0):
            raise ConfigError(f"epsilon must be a positive number, got {self.epsilon}.")
        if not 0 < self.tolerance <= 2:
            raise ConfigError(f"tolerance must lie in (0, 2], got {self.tolerance}.")
        if self.max_passes < 1 or self.tile < 1 or self.warm_rows < 0 or self.memory < 0:
            raise ConfigError("max_passes and tile must be at least 1, warm_rows and memory 0.")
        if self.precision not in ("float32", "float64"):
            raise ConfigError(f'precision must be "float32" or "float64", got {self.precision!r}.')


@dataclass(frozen=True, slots=True, kw_only=True)
class Potentials:
    """The dual solution and what certifies it.

    Attributes
    ----------
    f, g : potentials, float64, shapes (n,) and (m,); defined up to f + c, g - c
    epsilon : regularization, in units of cost
    marginal_error : sum_j |b_j - sum_i plan_ij| of the plan of (f, g); its row marginals are exact
    primal, dual : value of the entropic problem at that plan and at (f, g); dual <= optimum
    transport_cost : <plan, cost>, the value without its regularizer
    passes : passes over all pairs from the warm start on, without the last one for the certificate
    converged : marginal_error <= tolerance
    """

    f: np.ndarray
    g: np.ndarray
    epsilon: float
    marginal_error: float
    primal: float
    dual: float
    transport_cost: float
    passes: int
    converged: bool


def solve_sinkhorn(
    cost: GroundCost,
    config: SinkhornConfig | None = None,
    *,
    a: np.ndarray | None = None,
    b: np.ndarray | None = None,
    start: np.ndarray | None = None,
    progress: Progress = silent,
) -> Potentials:
    """Solve min <plan, C> + epsilon KL(plan | a x b) over plans with marginals a and b.

    Parameters
    ----------
    cost : the ground cost of n training and m validation images
    config : settings of the solver
    a, b : masses, non-negative, shapes (n,) and (m,); scaled to sum 1; uniform if None
    start : a validation potential near the solution, shape (m,), in place of the warm start
    progress : told of each pass under the stage "Potentials"; may raise `Cancelled`

    Raises
    ------
    ConfigError
        For masses that are negative, not finite, of the wrong length, or all zero.

    Notes
    -----
    Time O(n m (d + v)) a pass, memory O((n + m)(d + v) + tile m). The result does not depend on
    the order of the rows beyond rounding: the subsample is chosen by content.
    """
    config = config or SinkhornConfig()
    n, m = cost.shape
    a, b = masses(a, n, "training"), masses(b, m, "validation")
    if (b == 0).any():
        return _solve_on_support(cost, config, a, b, start, progress)
    if start is None and 0 < config.warm_rows < n:
        start = _warm_potential(cost, config, a, b, progress)
    solver = _Solver(cost, config, a, b)
    if start is None:
        start = solver.scale_down(np.zeros(m), progress)
    return solver.certify(solver.solve(start, progress, share=(0.5, 0.95)))


def _warm_potential(
    cost: GroundCost, config: SinkhornConfig, a: np.ndarray, b: np.ndarray, progress: Progress
) -> np.ndarray:
    """Return the validation potential of the problem on a subsample of the training images."""
    rows = representative_rows(cost.x, cost.x_labels, config.warm_rows)
    if a[rows].sum() == 0:
        rows = np.flatnonzero(a)[: config.warm_rows]
    solver = _Solver(cost.rows(rows), config, masses(a[rows], len(rows), "training"), b)
    start = solver.scale_down(np.zeros(len(b)), progress)
    return solver.solve(start, progress, share=(0.1, 0.5)).g


def masses(given: np.ndarray | None, count: int, side: str) -> np.ndarray:
    """Return masses of sum 1, float64, shape (count,): those given, or uniform ones."""
    if given is None:
        return np.full(count, 1 / count)
    given = np.asarray(given, dtype=np.float64)
    if given.shape != (count,):
        raise ConfigError(f"Expected {count} {side} masses, got an array of shape {given.shape}.")
    if not np.isfinite(given).all() or (given < 0).any():
        row = int(np.flatnonzero(~(np.isfinite(given) & (given >= 0)))[0])
        raise ConfigError(f"The {side} mass in row {row} is {given[row]}; masses are 0 or more.")
    if given.sum() == 0:
        raise ConfigError(f"All {side} masses are zero.")
    return given / given.sum()


def representative_rows(x: np.ndarray, labels: np.ndarray, count: int) -> np.ndarray:
    """Return `count` rows spread evenly over the classes and over a fixed direction of x.

    Chosen by content, so that neither the order of the rows nor a duplication of the whole set
    changes which points are taken.
    """
    direction = np.asarray(np.random.default_rng(0).standard_normal(x.shape[1]), dtype=x.dtype)
    order = np.lexsort((x @ direction, labels))
    picks = np.floor((np.arange(count) + 0.5) * (len(x) / count)).astype(np.int64)
    return order[picks]


@dataclass(frozen=True, slots=True)
class _State:
    f: torch.Tensor
    g: np.ndarray
    columns: np.ndarray
    error: float
    passes: int


class _Solver:
    """One problem on one device: its tiles, its masses, its passes."""

    def __init__(
        self, cost: GroundCost, config: SinkhornConfig, a: np.ndarray, b: np.ndarray
    ) -> None:
        self.config = config
        self._device = torch.device(config.device)
        self._dtype = getattr(torch, config.precision)
        # Sums over all rows are kept in float64 wherever the device knows it.
        self._sums = torch.float32 if self._device.type == "mps" else torch.float64
        self._tiles = CostTiles(cost, device=self._device, dtype=self._dtype, tile=config.tile)
        self._mean_cost = max(cost.mean(), config.epsilon)
        self._a, self._b = a, b
        # Weights of mean 1 keep every partial sum in the normal range of float32.
        self._row_weight = self._tensor(a * len(a))
        self._log_b = np.log(b)

    def _tensor(self, array: np.ndarray) -> torch.Tensor:
        return torch.as_tensor(array, dtype=self._dtype, device=self._device)

    def sweep(self, g: np.ndarray, epsilon: float) -> tuple[torch.Tensor, np.ndarray]:
        """Make one pass: f of g, shape (n,), and the column marginals of the plan of (f, g)."""
        tiles = self._tiles
        h = self._tensor(g + epsilon * self._log_b)
        f = torch.empty(tiles.n, dtype=self._dtype, device=self._device)
        columns = torch.zeros(tiles.m, dtype=self._sums, device=self._device)
        for span in tiles.spans():
            rows = slice(*span)
            scores = tiles.scores(span, h, epsilon)
            peak = scores.amax(dim=1)
            weights = scores.sub_(peak[:, None]).clamp_(min=LOWEST_EXPONENT).exp_()
            total = weights.sum(dim=1)
            f[rows] = tiles.row_offset(span) - epsilon * (peak + total.log())
            columns += (self._row_weight[rows] / total) @ weights
        return f, (columns.cpu().double() / tiles.n).numpy()

    def scale_down(self, g: np.ndarray, progress: Progress) -> np.ndarray:
        """Lower the regularization from the mean cost to epsilon, a few passes a step.

        Mass that must leave one class for another is moved while the regularization is high: at a
        small epsilon, plain Sinkhorn would need thousands of passes for it.
        """
        epsilon = self._mean_cost
        while epsilon > self.config.epsilon:
            accelerator = _Anderson(self.config.memory)
            for number in range(_SCALING_PASSES):
                progress("Potentials", 0.05, f"regularization {epsilon:.3g}, pass {number + 1}")
                _, columns = self.sweep(g, epsilon)
                g = accelerator.next(g, epsilon * (self._log_b - np.log(columns)))
                if np.abs(self._b - columns).sum() <= self.config.tolerance:
                    break
            epsilon /= 3
        return g

    def solve(self, g: np.ndarray, progress: Progress, *, share: tuple[float, float]) -> _State:
        """Iterate from g until the tolerance or the last pass; return the best state seen."""
        config = self.config
        accelerator = _Anderson(config.memory)
        best: _State | None = None
        for number in range(1, config.max_passes + 1):
            f, columns = self.sweep(g, config.epsilon)
            error = float(np.abs(self._b - columns).sum())
            if not np.isfinite(error):
                raise DataError(
                    "The ground cost is beyond what float32 can hold; scale the embeddings down."
                )
            if best is not None and not error < 4 * best.error:
                # The extrapolation overshot: fall back to plain steps from the best point.
                accelerator.forget()
                g, columns = best.g, best.columns
            elif best is None or error <= best.error:
                best = _State(f, g, columns, error, number)
            done = share[0] + (share[1] - share[0]) * _closeness(best.error, config.tolerance)
            progress("Potentials", done, f"pass {number}, marginal error {error:.3g}")
            if best.error <= config.tolerance:
                break
            residual = config.epsilon * (self._log_b - np.log(columns))
            g = accelerator.next(g, residual)
        assert best is not None  # noqa: S101 - max_passes is at least 1
        return replace(best, passes=number)

    def certify(self, state: _State) -> Potentials:
        """Make a last pass for the transport cost, and put the certificate together."""
        tiles, epsilon = self._tiles, self.config.epsilon
        h = self._tensor(state.g + epsilon * self._log_b)
        negative_entropy = 0.0
        columns = torch.zeros(tiles.m, dtype=self._sums, device=self._device)
        for span in tiles.spans():
            rows = slice(*span)
            scores = tiles.scores(span, h, epsilon)
            exponents = scores.sub_(scores.amax(dim=1, keepdim=True)).clamp_(min=LOWEST_EXPONENT)
            weights = exponents.exp()
            total = weights.sum(dim=1)
            columns += (self._row_weight[rows] / total) @ weights
            # sum_j p log p of a row, with p = weights / total.
            entropies = exponents.mul_(weights).sum(dim=1) / total - total.log()
            negative_entropy += float(self._row_weight[rows] @ entropies)
        f = state.f.cpu().double().numpy()
        marginal = (columns.cpu().double() / tiles.n).numpy()
        primal = float(self._a @ f + marginal @ state.g)
        # Each row of the plan is scaled to sum 1, so its a_i cancels against that of a x b.
        relative_entropy = negative_entropy / tiles.n - float(marginal @ self._log_b)
        return Potentials(
            f=f,
            g=state.g,
            epsilon=epsilon,
            marginal_error=state.error,
            primal=primal,
            dual=float(self._a @ f + self._b @ state.g),
            transport_cost=primal - epsilon * relative_entropy,
            passes=state.passes,
            converged=state.error <= self.config.tolerance,
        )


def _closeness(error: float, tolerance: float) -> float:
    """Return how far the error has come from 1 to the tolerance, on a log scale, 0 to 1."""
    if error <= tolerance:
        return 1.0
    return float(np.clip(np.log(error) / np.log(min(tolerance, 0.5)), 0, 1))


class _Anderson:
    """Anderson acceleration of a fixed-point map g -> g + residual(g)."""

    def __init__(self, memory: int) -> None:
        self._memory = memory
        self._points: list[np.ndarray] = []
        self._residuals: list[np.ndarray] = []

    def forget(self) -> None:
        """Drop the history: the next step is a plain one."""
        self._points.clear()
        self._residuals.clear()

    def next(self, point: np.ndarray, residual: np.ndarray) -> np.ndarray:
        """Return the next iterate from the newest point and its residual."""
        self._points = [*self._points, point][-self._memory - 1 :]
        self._residuals = [*self._residuals, residual][-self._memory - 1 :]
        if len(self._points) < 2 or self._memory == 0:
            return point + residual
        steps = np.diff(np.stack(self._points), axis=0)
        changes = np.diff(np.stack(self._residuals), axis=0)
        gram = changes @ changes.T
        gram[np.diag_indices_from(gram)] += 1e-8 * gram.diagonal().max() + np.finfo(float).tiny
        weights = np.linalg.solve(gram, changes @ residual)
        return np.asarray(point + residual - (steps + changes).T @ weights)


def soft_transform(
    cost: GroundCost, g: np.ndarray, b: np.ndarray, config: SinkhornConfig
) -> np.ndarray:
    """Return f_i = -epsilon log sum_j b_j exp((g_j - C_ij) / epsilon), float64, shape (n,).

    Shifts of g shift f the other way. Columns of zero mass play no part.
    """
    keep = b > 0
    solver = _Solver(cost.columns(keep), config, masses(None, len(cost.x), "training"), b[keep])
    return solver.sweep(g[keep], config.epsilon)[0].cpu().double().numpy()


def _solve_on_support(
    cost: GroundCost,
    config: SinkhornConfig,
    a: np.ndarray,
    b: np.ndarray,
    start: np.ndarray | None,
    progress: Progress,
) -> Potentials:
    """Solve where b > 0; the other columns get the potential that the c-transform assigns."""
    keep = np.flatnonzero(b > 0)
    inner = solve_sinkhorn(
        cost.columns(keep),
        config,
        a=a,
        b=b[keep],
        start=None if start is None else start[keep],
        progress=progress,
    )
    rest = np.flatnonzero(b == 0)
    g = np.empty(len(b))
    g[keep] = inner.g
    g[rest] = soft_transform(cost.columns(rest).transposed(), inner.f, a, config)
    return replace(inner, g=g)
