"""The plan of a good potential, kept, so that iterations from there need no exponential.

At a fixed epsilon the plan of g + eps d is that of g with its columns scaled by exp(d) and its rows
scaled to their mass again. Where the plan fits in memory, as a matrix or by the few entries of each
row that carry its mass, an iteration is then two products with it ("absorption" and "truncation",
Schmitzer, SIAM J. Sci. Comput. 41, 2019). What is truncated is made good by the full pass that
follows, which also certifies.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import numpy as np
import torch
from scipy import sparse

from core.transport.anderson import Anderson


class Kernel(Protocol):
    """A plan of n rows and m columns, each row of sum 1 (n, m as the problem has them)."""

    # Columns are scaled by at most exp(+-largest_shift) before the kernel must be made anew.
    largest_shift: float
    # So many iterations without gain, and a full pass will do more.
    patience: int

    def add(self, span: tuple[int, int], weights: torch.Tensor, total: torch.Tensor) -> bool:
        """Take the rows of a span, `weights` of sum `total`; return whether there is room."""
        ...

    def close(self) -> None:
        """Make ready for products, after the last span."""
        ...

    def rows(self, scaling: np.ndarray) -> np.ndarray:
        """Return kernel @ scaling, shape (n,), for `scaling` of shape (m,)."""
        ...

    def columns(self, masses: np.ndarray) -> np.ndarray:
        """Return masses @ kernel, shape (m,), for `masses` of shape (n,)."""
        ...


class DenseKernel:
    """All entries, n m numbers."""

    largest_shift = 20.0
    patience = 50

    def __init__(self, n: int, m: int, dtype: torch.dtype, device: torch.device) -> None:
        self._plan = torch.empty((n, m), dtype=dtype, device=device)

    def add(self, span: tuple[int, int], weights: torch.Tensor, total: torch.Tensor) -> bool:
        """Take the rows of a span, `weights` of sum `total`; return whether there is room."""
        torch.div(weights, total[:, None], out=self._plan[slice(*span)])
        return True

    def close(self) -> None:
        """Nothing is left to do."""

    def rows(self, scaling: np.ndarray) -> np.ndarray:
        """See `Kernel`."""
        return self._product(self._plan, scaling)

    def columns(self, masses: np.ndarray) -> np.ndarray:
        """See `Kernel`."""
        return self._product(self._plan.T, masses)

    def _product(self, matrix: torch.Tensor, vector: np.ndarray) -> np.ndarray:
        product = matrix @ torch.as_tensor(vector, dtype=matrix.dtype, device=matrix.device)
        return product.cpu().double().numpy()


class SparseKernel:
    """The entries that carry more than a given share of their row."""

    largest_shift = 12.0
    patience = 15

    def __init__(self, n: int, m: int, *, share: float, room: int) -> None:
        self._m, self._share, self._room, self._n = m, share, room, n
        self._blocks: list[sparse.csr_array] = []
        self._entries = 0
        # scipy works on one core and lets go of the interpreter while it does.
        self._pool = ThreadPoolExecutor(torch.get_num_threads())

    def add(self, span: tuple[int, int], weights: torch.Tensor, total: torch.Tensor) -> bool:
        """Take the rows of a span; return False once there will be no room for all rows."""
        flat = (weights > (self._share * total)[:, None]).view(-1).nonzero()[:, 0]
        row = torch.div(flat, self._m, rounding_mode="floor")
        values = weights.view(-1)[flat] / total[row]
        starts = torch.searchsorted(flat, torch.arange(0, weights.numel() + 1, self._m)).int()
        columns = (flat - row * self._m).to(torch.int32)
        self._blocks.append(
            sparse.csr_array(
                (values.numpy(), columns.numpy(), starts.numpy()), shape=(len(weights), self._m)
            )
        )
        self._entries += len(flat)
        return self._entries <= self._room * (span[1] / self._n) or span[1] < 0.05 * self._n

    def close(self) -> None:
        """Join the spans to a few blocks a thread."""
        blocks, self._blocks = self._blocks, []
        size = -(-len(blocks) // (4 * torch.get_num_threads()))
        while blocks:
            self._blocks.append(sparse.vstack(blocks[:size], format="csr"))
            del blocks[:size]

    def rows(self, scaling: np.ndarray) -> np.ndarray:
        """See `Kernel`."""
        vector = scaling.astype(np.float32)
        parts = self._pool.map(lambda block: block @ vector, self._blocks)
        return np.concatenate(list(parts)).astype(np.float64)

    def columns(self, masses: np.ndarray) -> np.ndarray:
        """See `Kernel`."""
        edges = np.cumsum([block.shape[0] for block in self._blocks])[:-1]
        vectors = np.split(masses.astype(np.float32), edges)
        result = np.zeros(self._m)
        for part in self._pool.map(lambda block, v: block.T @ v, self._blocks, vectors):
            result += part
        return result


def settle(
    kernel: Kernel,
    a: np.ndarray,
    b: np.ndarray,
    *,
    columns: np.ndarray,
    tolerance: float,
    memory: int,
    most: int,
) -> np.ndarray:
    """Return the shift of g / epsilon at which the kernel's plan has the marginals a and b.

    Parameters
    ----------
    a, b : masses, float64, shapes (n,) and (m,), b > 0
    columns : column marginals of the kernel as it is, shape (m,)
    tolerance : L1 error of the column marginal to stop at
    memory : of the acceleration
    most : upper bound on iterations

    Returns
    -------
    float64, shape (m,): the best shift met within the kernel's range; 0 in columns that a truncated
    kernel has no entry of
    """
    held = torch.as_tensor(kernel.columns(a) > 0)
    log_b = np.log(b)
    accelerator = Anderson(memory)
    shift = best = np.zeros(len(b))
    error = best_error = float(np.abs(b - columns).sum())
    patience = kernel.patience
    for _ in range(most):
        with np.errstate(divide="ignore"):
            residual = torch.where(held, torch.as_tensor(log_b - np.log(columns)), 0.0)
        if error > 4 * best_error:
            accelerator.forget()
        shift = accelerator.next(torch.as_tensor(shift)[None], residual[None])[0].numpy()
        shift = np.clip(shift - b @ shift, -kernel.largest_shift, kernel.largest_shift)
        scaling = np.exp(shift)
        columns = scaling * kernel.columns(a / kernel.rows(scaling))
        error = float(np.abs(b - columns).sum())
        patience = kernel.patience if error < 0.9 * best_error else patience - 1
        if error < best_error:
            best, best_error = shift, error
        if error <= tolerance or patience == 0:
            break
    return np.asarray(best)
