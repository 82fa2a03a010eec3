"""One pass over all pairs: what a validation potential yields, in linear memory."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from core.errors import DataError
from core.transport.cost import GroundCost
from core.transport.kernels import DenseKernel, Kernel, SparseKernel
from core.transport.precision import full_precision
from core.transport.tiles import LOWEST_EXPONENT, CostTiles

# A guess of f is of use while the sum of a row stays within these bounds.
_TOTALS = (1e-25, 1e25)
# A plan of so many pairs is kept whole; of a larger one the entries beyond a share of their row.
DENSE_PAIRS = 30_000_000
# At most so many entries are kept (8 bytes each), and no more than this part of all pairs, beyond
# which products with them would take as long as a pass.
_SPARSE_ENTRIES = 48_000_000
_SPARSE_PART = 0.15


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """What a pass found; its potentials and columns are those of the g that it was given.

    Attributes
    ----------
    f : float64, shape (n,), the soft c-transform of g
    columns : float64, shape (m,), column marginals of the plan of (f, g); its rows are exact
    error : L1 distance of `columns` from b
    kernel : that plan, if it was asked for and there is room; its rows in the order of the tiles
    negative_entropy : sum_i a_i sum_j p_ij log p_ij of the rows p_i = plan_i / a_i, if asked for
    """

    f: np.ndarray
    columns: np.ndarray
    error: float
    kernel: Kernel | None
    negative_entropy: float | None


class Passes:
    """A problem on a device; each pass starts from the f of the one before.

    Parameters
    ----------
    cost : n against m images
    a, b : masses of sum 1, shapes (n,) and (m,), b > 0

    Attributes
    ----------
    backend : what makes the passes, in words
    """

    def __init__(
        self,
        cost: GroundCost,
        a: np.ndarray,
        b: np.ndarray,
        *,
        device: str,
        precision: str,
        tile: int | None,
    ) -> None:
        self.device = torch.device(device)
        self._dtype = getattr(torch, precision)
        self._trusts_guess = self.device.type == "cpu"
        self._swept = False
        # Sums over all rows are kept in float64 wherever the device knows it.
        self._sums = torch.float32 if self.device.type == "mps" else torch.float64
        self.tiles = CostTiles(cost, device=self.device, dtype=self._dtype, tile=tile)
        self.a, self.b, self.log_b = a[self.tiles.order], b, np.log(b)
        # Weights of mean 1 keep every partial sum in the normal range of float32.
        self._row_weight = self._tensor(self.a * len(a))
        self._f = torch.zeros(self.tiles.n, dtype=self._dtype, device=self.device)

    @property
    def backend(self) -> str:
        """Return the device, and the library where that is not torch."""
        return str(self.device)

    def _tensor(self, array: np.ndarray) -> torch.Tensor:
        # Narrowed before it travels: mps takes no float64.
        return torch.as_tensor(array).to(self._dtype).to(self.device)

    @full_precision()
    def sweep(
        self, g: np.ndarray, epsilon: float, *, keep: float | None = None, certify: bool = False
    ) -> Sweep:
        """Make one pass with the validation potential g, shape (m,).

        Parameters
        ----------
        keep : keep the plan as a kernel, where there is room: as a whole, or the entries above
            this share of their row; None for no kernel
        certify : sum up the entropy of the plan

        Raises
        ------
        DataError : costs are beyond what the precision can hold
        """
        tiles = self.tiles
        h = self._tensor(g + epsilon * self.log_b)
        columns = torch.zeros(tiles.m, dtype=self._sums, device=self.device)
        kernel = None if keep is None else self._kernel(keep)
        negative_entropy = torch.zeros((), dtype=self._sums, device=self.device)
        for span in tiles.spans:
            weights, total, exponents = self._weights(span, h, epsilon, certify)
            weight = self._row_weight[slice(*span)]
            columns += (weight / total) @ weights
            if kernel is not None:
                kernel.add(span, weights, total)
            if certify:
                # sum_j p log p of a row, with p = weights / total.
                entropies = exponents.mul_(weights).sum(dim=1) / total - total.log()
                negative_entropy += weight @ entropies
        self._swept = True
        if kernel is not None:
            kernel.close()
        entropy = float(negative_entropy) / tiles.n if certify else None
        return self._found((columns.cpu().double() / tiles.n).numpy(), kernel, entropy)

    def _found(
        self, marginal: np.ndarray, kernel: Kernel | None, negative_entropy: float | None
    ) -> Sweep:
        """Return the pass that set f and left this column marginal."""
        error = float(np.abs(self.b - marginal).sum())
        f = np.empty(self.tiles.n)
        f[self.tiles.order] = self._f.cpu().double().numpy()
        if not np.isfinite(error + f.sum()):
            raise DataError(
                "The ground cost is beyond what float32 can hold; scale the embeddings down."
            )
        return Sweep(
            f=f,
            columns=marginal,
            error=error,
            kernel=kernel,
            negative_entropy=negative_entropy,
        )

    def _kernel(self, share: float) -> Kernel | None:
        n, m = self.tiles.n, self.tiles.m
        if n * m <= DENSE_PAIRS:
            return DenseKernel(n, m, self._dtype, self.device)
        if self.device.type != "cpu":
            return None  # A pass costs less there than products with sparse matrices.
        room = int(min(_SPARSE_ENTRIES, _SPARSE_PART * n * m))
        return SparseKernel(m, share=share, room=room)

    def _weights(
        self, span: tuple[int, int], h: torch.Tensor, epsilon: float, both: bool
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Set f of the span; return its rows of the plan, their sums, and, if `both`, their logs.

        With the f of the pass before as a guess the largest entries are about 1, and no row must be
        searched for its peak. To see that the guess was good, though, an accelerator would have to
        wait for each tile: there the search costs less.
        """
        rows = slice(*span)
        f = self._f[rows]
        exponents = self.tiles.exponents(span, f, h, epsilon)
        out = self.tiles.second(span) if both else exponents
        if self._trusts_guess and self._swept:
            weights = torch.exp(exponents.clamp_(LOWEST_EXPONENT, -LOWEST_EXPONENT), out=out)
            total = weights.sum(dim=1)
            low, high = torch.aminmax(total)
            if float(low) > _TOTALS[0] and float(high) < _TOTALS[1]:
                f -= epsilon * total.log()
                return weights, total, exponents
            exponents = self.tiles.exponents(span, f, h, epsilon)
        peak = exponents.amax(dim=1)
        exponents.sub_(peak[:, None]).clamp_(min=LOWEST_EXPONENT)
        weights = torch.exp(exponents, out=out)
        total = weights.sum(dim=1)
        f -= epsilon * (peak + total.log())
        return weights, total, exponents
