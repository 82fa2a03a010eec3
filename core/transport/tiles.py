"""Tiles of the ground cost, made when they are needed and never kept.

For p = 2 a tile of (h_j - C_ij) / epsilon is a single matrix product, because the squared norms
are absorbed by the potentials and the label term is a product with a one-hot matrix.
"""

from __future__ import annotations

import numpy as np
import torch

from core.transport.cost import GroundCost

# exp of arguments below about -87 is denormal in float32 and runs 50 times slower.
LOWEST_EXPONENT = -80.0


class CostTiles:
    """Yields tiles of (h_j - C_ij) / epsilon on a device, h being any vector over columns.

    The tiles are written into one buffer: each replaces the one before. Memory is O(tile * m)
    beyond the embeddings.
    """

    def __init__(
        self, cost: GroundCost, *, device: torch.device, dtype: torch.dtype, tile: int
    ) -> None:
        # The cost depends on differences only; centering spares digits in the products below.
        center = cost.y.mean(axis=0, dtype=np.float64)
        precision = str(dtype).removeprefix("torch.")
        root = cost.feature_weight**0.5 if cost.p == 2 else cost.feature_weight
        x, y = (
            torch.as_tensor(np.subtract(z, center, dtype=precision), device=device).mul_(root)
            for z in (cost.x, cost.y)
        )
        self.p, self.tile, self.n, self.m = cost.p, tile, len(x), len(y)
        self._half_x, self._half_y = x.square().sum(1) / 2, y.square().sum(1) / 2
        self._u, self._v = x, y.T.contiguous()
        self._label_u: torch.Tensor | None = None
        if cost.labels_matter:
            self._add_labels(cost, x, y)
        self._buffer = torch.empty((min(tile, self.n), self.m), dtype=dtype, device=device)

    def _add_labels(self, cost: GroundCost, x: torch.Tensor, y: torch.Tensor) -> None:
        assert cost.label_distances is not None  # noqa: S101 - for the type checker
        weighted = np.nan_to_num(cost.label_distances.astype(np.float64)) * (
            -cost.label_weight / cost.p
        )
        table = torch.as_tensor(weighted, dtype=x.dtype, device=x.device)
        label_u = table[torch.tensor(cost.x_labels, device=x.device)]
        classes = torch.arange(table.shape[1], device=x.device)
        one_hot = (classes[:, None] == torch.tensor(cost.y_labels, device=x.device)).to(x.dtype)
        if self.p == 2:
            self._u = torch.cat([x, label_u], dim=1)
            self._v = torch.cat([self._v, one_hot])
        else:
            self._label_u, self._one_hot = label_u, one_hot

    def spans(self) -> list[tuple[int, int]]:
        """Return the (start, stop) of each tile of rows."""
        return [(start, min(start + self.tile, self.n)) for start in range(0, self.n, self.tile)]

    def scores(self, span: tuple[int, int], h: torch.Tensor, epsilon: float) -> torch.Tensor:
        """Return (h_j - C_ij + `row_offset`_i) / epsilon for a span of rows, shape (rows, m)."""
        start, stop = span
        out = self._buffer[: stop - start]
        if self.p == 2:
            bias = (h - self._half_y) / epsilon
            return torch.addmm(bias, self._u[start:stop], self._v, alpha=1 / epsilon, out=out)
        torch.addmm(self._half_y, self._u[start:stop], self._v, alpha=-1, out=out)
        out.add_(self._half_x[start:stop, None]).mul_(2).clamp_(min=0).sqrt_().neg_()
        if self._label_u is not None:
            out.addmm_(self._label_u[start:stop], self._one_hot)
        return out.add_(h).mul_(1 / epsilon)

    def row_offset(self, span: tuple[int, int]) -> torch.Tensor:
        """Return what `scores` left out of the cost of each row (p = 2: half its squared norm)."""
        start, stop = span
        if self.p == 2:
            return self._half_x[start:stop]
        return torch.zeros_like(self._half_x[start:stop])
