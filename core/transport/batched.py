"""Many small problems of entropic transport at once, as one dense tensor.

At a fixed epsilon the plan of potentials (f, g + eps d) is that of (f, g) with its columns scaled
by exp(d), so once the kernel of a good g is known, an iteration is two matrix-vector products and
no exponential ("absorption", Schmitzer, SIAM J. Sci. Comput. 41, 2019). The scalings are found by
Anderson acceleration, one problem independent of the next.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from core.errors import ConfigError, DataError
from core.transport.anderson import Anderson

# Scalings beyond exp(+-20) would leave too few digits of the kernel: it is made anew.
_LARGEST_SHIFT = 20.0
_FARTHEST = (-40.0, 40.0)
# An entry of the kernel is still multiplied by a mass and a scaling. Where such a product falls
# below float32's normal range, the matrix products run at half the speed.
_LOWEST_EXPONENT = -60.0
# The regularization falls by this factor, with so many iterations at each step.
_SCALING = 5
_SCALING_ITERATIONS = 2
# Meanwhile one row in so many stands for all, as long as enough are left.
_THINNING = 4
_FEWEST_ROWS = 48
_MEMORY = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchedConfig:
    """Settings of the batched solver.

    Attributes
    ----------
    epsilon : regularization in units of cost, > 0
    tolerance : L1 error of the column marginal at which a problem is settled
    max_iterations : upper bound on iterations at the final epsilon
    """

    epsilon: float = 0.1
    tolerance: float = 0.02
    max_iterations: int = 200

    def __post_init__(self) -> None:
        """Check the ranges."""
        if not (np.isfinite(self.epsilon) and self.epsilon > 0):
            raise ConfigError(f"epsilon must be a positive number, got {self.epsilon}.")
        if not self.tolerance > 0 or self.max_iterations < 1:
            raise ConfigError("tolerance must be above 0 and max_iterations at least 1.")


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchedPotentials:
    """The dual solutions of k problems, in units of cost, on the device of the cost.

    Attributes
    ----------
    f, g : shapes (k, n) and (k, m); g is 0 where b is 0
    plan : shape (k, n, m), row-stochastic: the transport plan is a_i times row i. It shares memory
        with the solver's scratch: it is gone after the next solve with the same scratch
    marginal_error : shape (k,), sum_j |b_j - sum_i a_i plan_ij|
    value : shape (k,), the dual value <f, a> + <g, b>
    iterations : at the final epsilon
    """

    f: torch.Tensor
    g: torch.Tensor
    plan: torch.Tensor
    marginal_error: torch.Tensor
    value: torch.Tensor
    iterations: int


def solve_batched(
    cost: torch.Tensor,
    a: torch.Tensor,
    b: torch.Tensor,
    config: BatchedConfig,
    *,
    scratch: torch.Tensor | None = None,
) -> BatchedPotentials:
    """Solve k problems min <plan, C> + epsilon KL(plan | a x b).

    Parameters
    ----------
    cost : shape (k, n, m), finite; left as it is
    a, b : masses, shapes (k, n) and (k, m), each of sum 1; columns of b = 0 are padding
    scratch : a tensor like `cost` to work in

    Raises
    ------
    DataError : a cost is NaN or infinite

    Notes
    -----
    Time O(k n m) an iteration; memory that of `cost` once more.
    """
    scratch = torch.empty_like(cost) if scratch is None else scratch
    g = torch.zeros_like(b)
    # Row by row: a sum over all of the cost could leave the range of float32.
    mean = float(cost.mean(2).double().mean() if cost.device.type != "mps" else cost.mean())
    if not np.isfinite(mean):
        raise DataError(
            f"The ground cost is beyond what {str(cost.dtype).removeprefix('torch.')} can hold; "
            "scale the embeddings down."
        )
    epsilon = max(mean, config.epsilon)
    thin = _Problem(*_thinned(cost, a), b, scratch)
    while epsilon > 1.5 * config.epsilon:
        g = thin.relax(g, epsilon, _SCALING_ITERATIONS)
        epsilon /= _SCALING
    problem = _Problem(cost, a, b, scratch)
    g, iterations = problem.settle(g, config.epsilon, config.tolerance, config.max_iterations)
    f, columns = problem.finish(config.epsilon)
    return BatchedPotentials(
        f=f,
        g=g,
        plan=problem.kernel,
        marginal_error=(b - columns).abs().sum(1),
        value=(f * a).sum(1) + (g * b).sum(1),
        iterations=iterations,
    )


def _thinned(cost: torch.Tensor, a: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return every so many rows of the cost and their masses, or all of them if they are few."""
    part = a[:, ::_THINNING]
    total = part.sum(1, keepdim=True)
    if part.shape[1] < _FEWEST_ROWS or float(total.min()) == 0:
        return cost, a
    return cost[:, ::_THINNING], part / total


class _Problem:
    """k problems, and the row-stochastic kernel of a column potential."""

    def __init__(
        self, cost: torch.Tensor, a: torch.Tensor, b: torch.Tensor, scratch: torch.Tensor
    ) -> None:
        self.cost, self.a, self.b = cost, a, b
        self.kernel = scratch.view(-1)[: cost.numel()].view(cost.shape)
        self.real = b > 0
        self.log_b = b.log()
        self._f, self._shift = torch.zeros_like(a), torch.zeros_like(b)

    def _absorb(self, g: torch.Tensor, epsilon: float) -> torch.Tensor:
        """Make the kernel of g, and f of it; return the column marginals."""
        h = g / epsilon + self.log_b
        scores = torch.add(h[:, None, :], self.cost, alpha=-1 / epsilon, out=self.kernel)
        peak = scores.amax(2)
        weights = scores.sub_(peak[:, :, None]).clamp_(min=_LOWEST_EXPONENT).exp_()
        total = weights.sum(2)
        weights.div_(total[:, :, None])
        self._f = -epsilon * (peak + total.log())
        return self._columns(self.a)

    def finish(self, epsilon: float) -> tuple[torch.Tensor, torch.Tensor]:
        """Bring kernel and f up to the last shift; return f and the column marginals."""
        total = self.kernel.mul_(self._shift.exp()[:, None, :]).sum(2)
        self.kernel.div_(total[:, :, None])
        return self._f - epsilon * total.log(), self._columns(self.a)

    def _columns(self, rows: torch.Tensor) -> torch.Tensor:
        return torch.bmm(rows[:, None, :], self.kernel)[:, 0, :]

    def relax(self, g: torch.Tensor, epsilon: float, count: int) -> torch.Tensor:
        """Make so many plain iterations from g at one epsilon; return the column potential."""
        columns = self._absorb(g, epsilon)
        shift = self._residual(columns)
        for _ in range(count - 1):
            shift = (shift + self._residual(self._scaled(shift))).clamp_(*_FARTHEST)
        return g + epsilon * shift

    def _residual(self, columns: torch.Tensor) -> torch.Tensor:
        return torch.where(self.real, self.log_b - columns.log(), 0.0)

    def _scaled(self, shift: torch.Tensor) -> torch.Tensor:
        """Return the column marginals of the kernel with its columns scaled by exp(shift)."""
        scaling = shift.exp()
        total = torch.bmm(self.kernel, scaling[:, :, None])[:, :, 0]
        return scaling * self._columns(self.a / total)

    def settle(
        self, g: torch.Tensor, epsilon: float, tolerance: float, most: int
    ) -> tuple[torch.Tensor, int]:
        """Iterate at one epsilon until all problems are within the tolerance, or so often.

        Return the column potential and the iterations made.
        """
        done = 0
        while done < most:
            columns = self._absorb(g, epsilon)
            self._shift, used = self._scale(columns, tolerance, most - done)
            done += used
            g = g + epsilon * self._shift
            if float(self._shift.abs().max()) <= _LARGEST_SHIFT:
                break
        return g, done

    def _scale(
        self, columns: torch.Tensor, tolerance: float, most: int
    ) -> tuple[torch.Tensor, int]:
        """Find the shift of g / epsilon that settles the kernel's columns."""
        shift = torch.zeros_like(self.b)
        accelerator = Anderson(_MEMORY, ridge=1e-6)
        best, best_error = shift, (self.b - columns).abs().sum(1)
        for number in range(1, most + 1):
            shift = accelerator.next(shift, self._residual(columns))
            if float(shift.abs().max()) > _LARGEST_SHIFT:
                return shift.clamp(*_FARTHEST), number
            columns = self._scaled(shift)
            error = (self.b - columns).abs().sum(1)
            better = error < best_error
            best = torch.where(better[:, None], shift, best)
            best_error = torch.where(better, error, best_error)
            if float(best_error.max()) <= tolerance:
                break
        return best, number
