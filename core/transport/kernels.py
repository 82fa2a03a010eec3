"""The plan of a good potential, kept, so that iterations from there need no exponential.

At a fixed epsilon the plan of g + eps d is that of g with its columns scaled by exp(d) and its rows
scaled to their mass again. An iteration is then two products with the plan ("absorption",
Schmitzer, SIAM J. Sci. Comput. 41, 2019). A plan that is too large is kept by the few entries of
each row that carry its mass ("truncation", ibid.), and, where those are too many, by every second
row, or fourth. Such a part stands for the whole: the share of a column that is missing on the whole
is what the part is to gain. What that leaves is seen by the full pass that follows, which also
certifies.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import numpy as np
import torch
from scipy import sparse

from core.transport.anderson import Anderson


class Kernel(Protocol):
    """Rows of a plan of n rows and m columns, each scaled to sum 1."""

    # One row in so many is kept, from the first on.
    every: int

    # Columns are scaled by at most exp(+-largest_shift) before the kernel must be made anew.
    largest_shift: float
    # So many iterations without gain, and a full pass will do more.
    patience: int

    def add(self, span: tuple[int, int], weights: torch.Tensor, total: torch.Tensor) -> None:
        """Take the rows of a span, `weights` of sum `total`; spans come in order."""
        ...

    def close(self) -> None:
        """Make ready for products, after the last span."""
        ...

    def rows(self, scaling: np.ndarray) -> np.ndarray:
        """Return kernel @ scaling, shape (rows kept,), for `scaling` of shape (m,)."""
        ...

    def columns(self, masses: np.ndarray) -> np.ndarray:
        """Return masses @ kernel, shape (m,), for `masses` of shape (rows kept,)."""
        ...


class DenseKernel:
    """All entries, n m numbers."""

    every = 1
    largest_shift = 20.0
    patience = 50

    def __init__(self, n: int, m: int, dtype: torch.dtype, device: torch.device) -> None:
        self._plan = torch.empty((n, m), dtype=dtype, device=device)

    def add(self, span: tuple[int, int], weights: torch.Tensor, total: torch.Tensor) -> None:
        """See `Kernel`."""
        torch.div(weights, total[:, None], out=self._plan[slice(*span)])

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
    """The entries that carry more than a given share of their row, of as many rows as have room.

    Parameters
    ----------
    m : number of columns
    share : entries up to this share of their row are left out
    room : most entries that are kept
    """

    largest_shift = 20.0

    def __init__(self, m: int, *, share: float, room: int) -> None:
        self._m, self._share = m, share
        # The first row always stays.
        self._room = max(room, m)
        self.every, self.patience = 1, 15
        # Each with the row that it starts with; its rows are `every` apart.
        self._parts: list[tuple[int, sparse.csr_array]] = []
        self._blocks: list[sparse.csr_array] = []
        # scipy works on one core and lets go of the interpreter while it does.
        self._pool = ThreadPoolExecutor(torch.get_num_threads())

    def add(self, span: tuple[int, int], weights: torch.Tensor, total: torch.Tensor) -> None:
        """See `Kernel`."""
        first = -span[0] % self.every
        weights, total = weights[first :: self.every].contiguous(), total[first :: self.every]
        flat = (weights > (self._share * total)[:, None]).view(-1).nonzero()[:, 0]
        row = torch.div(flat, self._m, rounding_mode="floor")
        columns = flat - row * self._m
        values = weights.view(-1)[flat] / total[row]
        starts = torch.searchsorted(flat, torch.arange(0, weights.numel() + 1, self._m)).int()
        part = sparse.csr_array(
            (values.numpy(), columns.to(torch.int32).numpy(), starts.numpy()),
            shape=(len(weights), self._m),
        )
        self._parts.append((span[0] + first, part))
        while sum(part.nnz for _, part in self._parts) > self._room:
            self._thin()

    def _thin(self) -> None:
        """Drop every second row."""
        self.every *= 2
        for k, (start, part) in enumerate(self._parts):
            skipped = int(start % self.every != 0)
            self._parts[k] = (start + skipped * self.every // 2, part[skipped::2])

    def close(self) -> None:
        """Join the spans to a few blocks a thread."""
        blocks = [part for _, part in self._parts]
        rows = sum(block.shape[0] for block in blocks)
        entries = max(1, sum(block.nnz for block in blocks))
        # A pass takes about as long as half as many iterations as there are entries to one kept.
        self.patience = int(np.clip(rows * self._m / (2 * entries), 15, 100))
        self._parts = []
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
    """Return the shift of g / epsilon that takes the column marginal of a plan to b.

    The kernel's own marginal is taken to own_j b_j / columns_j, which is b where it holds the plan
    as a whole.

    Parameters
    ----------
    kernel : what is kept of the plan
    a, b : masses, float64, shapes (n,) and (m,), b > 0
    columns : column marginals of the whole plan, shape (m,)
    tolerance : L1 error of the kernel's column marginal to stop at
    memory : of the acceleration
    most : upper bound on iterations

    Returns
    -------
    float64, shape (m,): the best shift met within the kernel's range; 0 in columns that the kernel
        has no entry of
    """
    a = a[:: kernel.every]
    if a.sum() == 0:
        return np.zeros(len(b))
    a = a / a.sum()
    own = kernel.columns(a / kernel.rows(np.ones(len(b))))
    held = own > 0
    target = own * b / columns
    target /= target.sum()
    accelerator = Anderson(memory)
    shift = best = np.zeros(len(b))
    found = own
    error = best_error = float(np.abs(target - found).sum())
    patience = kernel.patience
    for _ in range(most):
        if error > 4 * best_error:
            accelerator.forget()
        residual = np.zeros(len(b))
        residual[held] = np.log(target[held] / found[held])
        point, change = (torch.as_tensor(part)[None] for part in (shift, residual))
        shift = accelerator.next(point, change)[0].numpy()
        shift = np.clip(shift - b @ shift, -kernel.largest_shift, kernel.largest_shift)
        scaling = np.exp(shift)
        found = scaling * kernel.columns(a / kernel.rows(scaling))
        error = float(np.abs(target - found).sum())
        patience = kernel.patience if error < 0.9 * best_error else patience - 1
        if error < best_error:
            best, best_error = shift, error
        if error <= tolerance or patience == 0:
            break
    return np.asarray(best)
