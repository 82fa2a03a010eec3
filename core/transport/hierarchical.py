"""Hierarchical optimal transport: between the images of two batches, and between batches.

SAVA, section 3 (Eq. 7): the sets are cut into batches, every pair of batches (i, j) is a problem of
its own with cost C^(ij), its value is the cost C̄_ij of sending batch i to batch j, and a second
problem on C̄ says which batches are sent where. Compared with one problem on the whole sets the plan
is restricted, so the value is an upper bound, reached where each set is one batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from core.errors import ConfigError, DataError
from core.progress import Progress, silent
from core.transport.batched import BatchedConfig, BatchedPotentials, solve_batched
from core.transport.batches import pairs_in_flight
from core.transport.cost import GroundCost
from core.transport.measure import NEGLIGIBLE, masses
from core.transport.precision import full_precision
from core.transport.scale import suited


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchPairConfig:
    """Settings of the problems between batches.

    Attributes
    ----------
    epsilon : regularization in units of cost, > 0
    tolerance : L1 error of the column marginal at which a call's pairs are settled
    max_iterations : upper bound on iterations at the final epsilon
    device : a torch device
    """

    epsilon: float = 0.1
    tolerance: float = 1e-4
    max_iterations: int = 500
    device: str = "cpu"


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchPairs:
    """The solutions of all pairs of K_t training and K_v validation batches.

    Attributes
    ----------
    f : float32, shape (K_v, n); row j holds the training potentials against validation batch j,
        shifted to mean 0 (under the masses) within each training batch
    g : float32, shape (K_t, m); the validation potentials that belong to them
    cost : shape (K_t, K_v), <plan, C>: the transport cost of each pair, without the regularizer
    primal, dual : shape (K_t, K_v), value of each entropic problem at its plan and potentials
    marginal_error : shape (K_t, K_v), L1 error of each plan's validation marginal
    iterations : the most that a call took at the final epsilon
    """

    f: np.ndarray
    g: np.ndarray
    cost: np.ndarray
    primal: np.ndarray
    dual: np.ndarray
    marginal_error: np.ndarray
    iterations: int


@full_precision()
def solve_batch_pairs(
    cost: GroundCost,
    rows: Sequence[np.ndarray],
    columns: Sequence[np.ndarray],
    config: BatchPairConfig,
    *,
    a: np.ndarray,
    b: np.ndarray,
    progress: Progress = silent,
) -> BatchPairs:
    """Solve the entropic problem between every training and every validation batch.

    Parameters
    ----------
    cost : the ground cost of n training and m validation images
    rows, columns : the images of each batch, a partition of each set (`make_batches`)
    a, b : masses above 0, shapes (n,) and (m,); within a batch they are scaled to sum 1
    progress : told of each call under the stage "Potentials"; may raise `Cancelled`

    Raises
    ------
    ConfigError : epsilon is too small for the cost
    DataError : the cost is beyond what float64 can hold

    Notes
    -----
    A call solves one training batch against as many validation batches as fit the cache. Time
    O(n m) an iteration, memory O(batch size^2 * pairs in flight + n m / batch size).
    """
    left, right = len(rows), len(columns)
    result = BatchPairs(
        f=np.empty((right, len(a)), dtype=np.float32),
        g=np.empty((left, len(b)), dtype=np.float32),
        cost=np.empty((left, right)),
        primal=np.empty((left, right)),
        dual=np.empty((left, right)),
        marginal_error=np.empty((left, right)),
        iterations=0,
    )
    epsilon, precision = suited(cost, config.epsilon, "float32", config.device)
    config = replace(config, epsilon=epsilon)
    solver = _PairSolver(cost, rows, columns, config, a, b, precision)
    most, done = 0, 0
    for i, group in solver.calls():
        detail = f"pair of batches {done + 1:,} of {left * right:,}"
        progress("Potentials", done / (left * right), detail)
        most = max(most, solver.solve(i, group, result))
        done += len(group)
    progress("Potentials", 1.0)
    return BatchPairs(
        **{
            name: getattr(result, name)
            for name in ("f", "g", "cost", "primal", "dual", "marginal_error")
        },
        iterations=most,
    )


class _PairSolver:
    """The batches of both sets on a device, the validation side padded to one size."""

    def __init__(
        self,
        cost: GroundCost,
        rows: Sequence[np.ndarray],
        columns: Sequence[np.ndarray],
        config: BatchPairConfig,
        a: np.ndarray,
        b: np.ndarray,
        precision: str,
    ) -> None:
        self._precision, self._dtype = precision, getattr(torch, precision)
        self._cost, self._rows, self._columns = cost, rows, columns
        self._a = a
        self._device = torch.device(config.device)
        self._config = BatchedConfig(
            epsilon=config.epsilon,
            # The last kernel is rounded anew: what was just within may come out above.
            tolerance=0.9 * config.tolerance,
            max_iterations=config.max_iterations,
        )
        self._center = cost.y.mean(axis=0, dtype=np.float64)
        self._root = cost.feature_weight**0.5 if cost.p == 2 else cost.feature_weight
        width = max(len(batch) for batch in columns)
        self._y = torch.zeros(
            (len(columns), width, cost.y.shape[1]), dtype=self._dtype, device=self._device
        )
        self._b = torch.zeros((len(columns), width), dtype=self._dtype, device=self._device)
        self._y_labels = torch.zeros((len(columns), width), dtype=torch.int64, device=self._device)
        for j, batch in enumerate(columns):
            self._y[j, : len(batch)] = self._points(cost.y[batch])
            self._b[j, : len(batch)] = self._tensor(b[batch] / b[batch].sum())
            self._y_labels[j, : len(batch)] = torch.as_tensor(
                cost.y_labels[batch], device=self._device
            )
        self._half_y = self._y.square().sum(2) / 2
        table = cost.label_table()
        self._table = None if table is None else self._tensor(table)
        deepest = max(len(batch) for batch in rows)
        flying = min(len(columns), pairs_in_flight(deepest * width, self._device.type))
        self._groups = [
            range(start, min(start + flying, len(columns)))
            for start in range(0, len(columns), flying)
        ]
        self._room = torch.empty(
            (2, flying * deepest * width), dtype=self._dtype, device=self._device
        )

    def _tensor(self, array: np.ndarray) -> torch.Tensor:
        # Narrowed before it travels: mps takes no float64.
        return torch.as_tensor(np.asarray(array, dtype=self._precision), device=self._device)

    def _points(self, x: np.ndarray) -> torch.Tensor:
        # The cost depends on differences only; centering spares digits in the products.
        return self._tensor((x - self._center) * self._root)

    def calls(self) -> Iterator[tuple[int, range]]:
        """Yield each call: a training batch, and the validation batches it is solved against."""
        for i in range(len(self._rows)):
            for group in self._groups:
                yield i, group

    def solve(self, i: int, group: range, result: BatchPairs) -> int:
        """Solve training batch i against a group; write the result; return the iterations."""
        batch = self._rows[i]
        cost, scratch = (
            room[: len(group) * len(batch) * self._y.shape[1]].view(len(group), len(batch), -1)
            for room in self._room
        )
        self._fill(cost, batch, group)
        a = self._tensor(self._a[batch] / self._a[batch].sum()).expand(len(group), -1)
        b = self._b[group.start : group.stop]
        solved = solve_batched(cost, a, b, self._config, scratch=scratch)
        if not (torch.isfinite(solved.f).all() and torch.isfinite(solved.g).all()):
            raise DataError(
                "The ground cost is beyond what float32 can hold; scale the embeddings down."
            )
        self._write(i, group, solved, cost, a, b, result)
        return solved.iterations

    def _fill(self, cost: torch.Tensor, batch: np.ndarray, group: range) -> None:
        """Write the ground cost of a training batch against a group, shape (k, n_i, width)."""
        x = self._points(self._cost.x[batch])
        some = slice(group.start, group.stop)
        torch.baddbmm(
            self._half_y[some, None, :],
            x.expand(len(group), -1, -1),
            self._y[some].mT,
            alpha=-1,
            out=cost,
        )
        cost.add_(x.square().sum(1)[None, :, None], alpha=0.5).clamp_(min=0)
        if self._cost.p == 1:
            cost.mul_(2).sqrt_()
        if self._table is not None:
            labels = torch.as_tensor(self._cost.x_labels[batch], device=self._device)
            of_rows = self._table[labels]
            for k, j in enumerate(group):
                cost[k] += of_rows[:, self._y_labels[j]]

    def _write(
        self,
        i: int,
        group: range,
        solved: BatchedPotentials,
        cost: torch.Tensor,
        a: torch.Tensor,
        b: torch.Tensor,
        result: BatchPairs,
    ) -> None:
        columns = torch.bmm(a[:, None, :], solved.plan)[:, 0, :]
        # The plan is not needed afterwards: it makes room for its product with the cost.
        transported = torch.bmm(a[:, None, :], solved.plan.mul_(cost)).sum((1, 2))
        # The plan's validation marginal is `columns`, so its own entropic value is that of the
        # potentials at `columns` where the dual has b.
        level = (solved.f * a).sum(1)
        f = solved.f - level[:, None]
        g = solved.g + level[:, None]
        some = slice(group.start, group.stop)
        result.f[some, self._rows[i]] = f.cpu().numpy()
        for k, j in enumerate(group):
            result.g[i, self._columns[j]] = g[k, : len(self._columns[j])].cpu().numpy()
        result.cost[i, some] = transported.cpu().numpy()
        result.dual[i, some] = (g * b).sum(1).cpu().numpy()
        result.primal[i, some] = (g * columns).sum(1).cpu().numpy()
        result.marginal_error[i, some] = solved.marginal_error.cpu().numpy()


def positive_masses(given: np.ndarray | None, count: int, side: str) -> np.ndarray:
    """Return masses of sum 1, float64, shape (count,): those given, or uniform ones.

    Raises
    ------
    ConfigError : a mass is 0 or next to nothing (a batch may hold nothing else), negative, or not
        finite
    """
    found = masses(given, count, side)
    little = found < NEGLIGIBLE / count
    if little.any():
        row = int(np.flatnonzero(little)[0])
        share = "0" if found[row] == 0 else "less than a billionth of the mean"
        raise ConfigError(
            f"The {side} mass in row {row} is {share}; a valuation in batches needs masses above "
            "0. Leave such images out, or use LAVA."
        )
    return found


def batch_plan(
    cost: np.ndarray,
    a: np.ndarray,
    b: np.ndarray,
    *,
    relative_epsilon: float = 0.01,
    tolerance: float = 1e-9,
    max_iterations: int = 10_000,
) -> np.ndarray:
    """Return the entropic plan between batches, float64, shape (K_t, K_v); rows sum to a exactly.

    Parameters
    ----------
    cost : shape (K_t, K_v), the cost C̄ of each pair
    a, b : masses of the batches, above 0, each of sum 1
    relative_epsilon : regularization as a share of the largest cost; 0.01 as in the published code
    tolerance : L1 error of the column marginal to stop at
    max_iterations : upper bound on iterations
    """
    scale = float(np.abs(cost).max()) or 1.0
    left, right = (torch.as_tensor(mass)[None] for mass in (a, b))
    config = BatchedConfig(
        epsilon=relative_epsilon, tolerance=tolerance, max_iterations=max_iterations
    )
    solved = solve_batched(torch.as_tensor(cost / scale)[None], left, right, config)
    return a[:, None] * solved.plan[0].numpy()
