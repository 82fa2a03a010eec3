"""One cost, many masses: entropic transport for several mass vectors at once, on one kernel.

The plan of any masses is the kernel of one potential with its columns scaled and its rows scaled to
their masses (as in `core.transport.kernels`). What differs between mass vectors is the scaling
alone, so an iteration for k of them is two matrix products, an order of magnitude cheaper than k
iterations. In float64 a kernel leaves room for potentials that differ by hundreds of epsilon.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from core.progress import Progress, silent
from core.transport.anderson import Anderson
from core.transport.cost import GroundCost
from core.transport.matrix import cost_matrix

# A kernel of more pairs is not made; twice 8 bytes a pair are held.
SHARED_PAIRS = 20_000_000
# Entries of less than exp(-650) of their row would be denormal: slow, and nothing.
_LOWEST_EXPONENT = -650.0
_LARGEST_SHIFT = 300.0
_MEMORY = 15
_ITERATIONS = 300
# So many mass vectors at once, so that what is held for them stays below the kernel.
_AT_ONCE = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class MassSolutions:
    """The dual solutions for k mass vectors.

    Attributes
    ----------
    f, g : potentials, float64, shapes (k, n) and (k, m); f is the soft c-transform of g
    transport_cost : <plan, cost>, shape (k,), in units of cost
    marginal_error : L1 error of the plan's validation marginal, shape (k,)
    iterations : that each of them took, shape (k,)
    """

    f: np.ndarray
    g: np.ndarray
    transport_cost: np.ndarray
    marginal_error: np.ndarray
    iterations: np.ndarray


def solve_masses(
    cost: GroundCost,
    g: np.ndarray,
    a: np.ndarray,
    b: np.ndarray,
    *,
    epsilon: float,
    tolerance: float,
    progress: Progress = silent,
) -> MassSolutions:
    """Solve for each row of `a`, all from the validation potential g.

    Parameters
    ----------
    cost : n against m images, of at most `SHARED_PAIRS` pairs
    g : the solution for masses between those asked for, shape (m,)
    a : training masses, each row >= 0 with sum 1, shape (k, n)
    b : validation masses > 0 of sum 1, shape (m,)
    epsilon, tolerance : as in `SinkhornConfig`
    progress : told of the stage "Potentials"

    Returns
    -------
    The best met in 300 iterations. **Look at its marginal errors**: masses whose potentials are
    further than 300 epsilon from g are not reached.

    Notes
    -----
    Time O(n m k) an iteration, memory O(n m).
    """
    kernel, f = _kernel(cost, g, b, epsilon)
    parts = [
        _settle(
            torch.as_tensor(kernel),
            torch.as_tensor(a[rows]),
            torch.as_tensor(b),
            tolerance,
            (rows.start / len(a), rows.stop / len(a)),
            progress,
        )
        for rows in _at_once(len(a))
    ]
    shift, error, iterations = (np.concatenate(column) for column in zip(*parts, strict=True))
    totals = np.concatenate([np.exp(shift[rows]) @ kernel.T for rows in _at_once(len(a))])
    kernel *= cost_matrix(cost)
    spent = [
        np.einsum("km,km->k", (a[rows] / totals[rows]) @ kernel, np.exp(shift[rows]))
        for rows in _at_once(len(a))
    ]
    return MassSolutions(
        f=f - epsilon * np.log(totals),
        g=g + epsilon * shift,
        transport_cost=np.concatenate(spent),
        marginal_error=error,
        iterations=iterations,
    )


def _kernel(
    cost: GroundCost, g: np.ndarray, b: np.ndarray, epsilon: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the plan of g with rows of sum 1, shape (n, m), and f of g, shape (n,)."""
    exponents = cost_matrix(cost)
    np.subtract(g + epsilon * np.log(b), exponents, out=exponents)
    exponents /= epsilon
    peak = exponents.max(axis=1)
    exponents -= peak[:, None]
    none = exponents < _LOWEST_EXPONENT
    np.maximum(exponents, _LOWEST_EXPONENT, out=exponents)
    kernel = np.exp(exponents, out=exponents)
    kernel[none] = 0.0
    total = kernel.sum(axis=1)
    kernel /= total[:, None]
    return kernel, -epsilon * (peak + np.log(total))


def _settle(
    kernel: torch.Tensor,
    a: torch.Tensor,
    b: torch.Tensor,
    tolerance: float,
    span: tuple[float, float],
    progress: Progress,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return shifts of g / epsilon, shape (k, m), their marginal errors, and iterations taken."""
    best = torch.zeros(len(a), len(b), dtype=torch.float64)
    best_error = torch.full((len(a),), torch.inf, dtype=torch.float64)
    taken = torch.zeros(len(a), dtype=torch.int64)
    shift, accelerator, open_rows = best.clone(), Anderson(_MEMORY), torch.arange(len(a))
    for number in range(1, _ITERATIONS + 1):
        columns = _columns(kernel, a[open_rows], shift)
        error = (columns - b).abs().sum(dim=1)
        better = error < best_error[open_rows]
        best[open_rows[better]] = shift[better]
        best_error[open_rows[better]] = error[better]
        taken[open_rows] = number
        settled = best_error[open_rows] <= tolerance
        done = span[0] + (span[1] - span[0]) * float((best_error <= tolerance).double().mean())
        progress("Potentials", done, f"{len(open_rows)} mixtures are open")
        if settled.all():
            break
        shift = accelerator.next(shift, b.log() - columns.clamp_min(1e-300).log())
        shift = (shift - shift @ b[:, None]).clamp(-_LARGEST_SHIFT, _LARGEST_SHIFT)
        if settled.double().mean() > 0.5:
            # Half of the work is for nothing now. What is open goes on without its history.
            open_rows, shift = open_rows[~settled], shift[~settled]
            accelerator.forget()
    return best.numpy(), best_error.numpy(), taken.numpy()


def _columns(kernel: torch.Tensor, a: torch.Tensor, shift: torch.Tensor) -> torch.Tensor:
    """Return the validation marginals, shape (k, m), at shifts of that shape."""
    scaling = shift.exp()
    return scaling * ((a / (scaling @ kernel.T)) @ kernel)


def _at_once(rows: int) -> Iterator[slice]:
    """Yield the spans of rows that are worked on together."""
    for start in range(0, rows, _AT_ONCE):
        yield slice(start, min(start + _AT_ONCE, rows))
