"""Tiles of the ground cost, made when they are needed and never kept.

The rows are put in order of their class, and no tile holds two classes: the label part of a cost
is then one vector a tile. For p = 2 the squared norms are absorbed by the potentials, and a tile of
exponents is a single matrix product of the features, at any number of classes.
"""

from __future__ import annotations

import numpy as np
import torch

from core.transport.cost import GroundCost

# exp of arguments below about -87 is denormal in float32 and runs 50 times slower.
LOWEST_EXPONENT = -80.0
# Pairs a tile, where the caller asks for no number of rows: large enough for the matrix product,
# small enough for a shared cache.
_TILE_PAIRS = 4_000_000


class CostTiles:
    """Yields tiles of (f_i + h_j - C_ij) / epsilon on a device, f and h being any vectors.

    The tiles are written into one buffer: each replaces the one before. Memory is that of the
    embeddings and of a tile.

    Attributes
    ----------
    n, m : numbers of rows and columns
    order : int64, shape (n,); row r of the tiles is row order[r] of the cost
    spans : (start, stop) of the rows of each tile
    """

    def __init__(
        self,
        cost: GroundCost,
        *,
        device: torch.device,
        dtype: torch.dtype,
        tile: int | None = None,
    ) -> None:
        self.n, self.m = cost.shape
        self._p, self._device, self._dtype = cost.p, device, dtype
        rows = tile or max(32, _TILE_PAIRS // self.m)
        self._labels = cost.x_labels if cost.labels_matter else np.zeros(self.n, np.int64)
        sorted_already = bool((np.diff(self._labels) >= 0).all())
        self.order = (
            np.arange(self.n) if sorted_already else np.argsort(self._labels, kind="stable")
        )
        self._labels = self._labels[self.order]
        self.spans = _spans(self._labels, rows)
        # The cost depends on differences only; centering spares digits in the products below.
        center = cost.y.mean(axis=0, dtype=np.float64)
        root = cost.feature_weight**0.5 if cost.p == 2 else cost.feature_weight
        precision = str(dtype).removeprefix("torch.")
        x, y = (
            torch.as_tensor(_centered(z, center, precision), device=device).mul_(root)
            for z in (cost.x if sorted_already else cost.x[self.order], cost.y)
        )
        self._half_x, self._half_y = x.square().sum(1) / 2, y.square().sum(1) / 2
        # A last column for what is added to a whole row: the product adds it for nothing.
        self._x = torch.cat([x, x.new_zeros(self.n, 1)], dim=1)
        self._y = torch.cat([y, y.new_ones(self.m, 1)], dim=1).T.contiguous()
        table = cost.label_table()
        # Narrowed before it travels: mps takes no float64.
        self._label_costs = None if table is None else torch.as_tensor(table).to(dtype).to(device)
        self._y_labels = torch.tensor(cost.y_labels, device=device)
        self._buffer = self._scratch(min(rows, self.n))
        self._second: torch.Tensor | None = None

    def coordinates(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return u, v, alpha, beta with C_ij = alpha_i + beta_j - <u_i, v_j>, for p = 2.

        Shapes (n, w), (m, w), (n,), (m,); u and alpha in the order of the tiles. The width w is
        that of the embeddings and one for each class of the validation images: a label cost is the
        product of a row of costs with a one-hot vector.
        """
        u, v = self._x[:, :-1], self._y[:-1].T
        if self._label_costs is not None:
            present = np.unique(self._y_labels.cpu().numpy())
            classes, labels = (
                torch.as_tensor(part, device=self._device) for part in (present, self._labels)
            )
            u = torch.cat([u, -self._label_costs[labels][:, classes]], dim=1)
            one_hot = self._y_labels[:, None] == classes
            v = torch.cat([v, one_hot.to(self._dtype)], dim=1)
        return u, v, self._half_x, self._half_y

    def _scratch(self, rows: int) -> torch.Tensor:
        return torch.empty((rows, self.m), dtype=self._dtype, device=self._device)

    def second(self, span: tuple[int, int]) -> torch.Tensor:
        """Return room for a second tile of the size of this one, made when it is first needed."""
        if self._second is None:
            self._second = self._scratch(len(self._buffer))
        return self._second[: span[1] - span[0]]

    def exponents(
        self, span: tuple[int, int], f: torch.Tensor, h: torch.Tensor, epsilon: float
    ) -> torch.Tensor:
        """Return (f_i + h_j - C_ij) / epsilon for a span of rows, shape (rows, m).

        `f`, shape (rows,), is in the order of the tiles.
        """
        start, stop = span
        out, rows = self._buffer[: stop - start], self._x[start:stop]
        if self._label_costs is not None:
            h = h - self._label_costs[int(self._labels[start])][self._y_labels]
        if self._p == 2:
            rows[:, -1] = f - self._half_x[start:stop]
            bias = (h - self._half_y) / epsilon
            return torch.addmm(bias, rows, self._y, alpha=1 / epsilon, out=out)
        rows[:, -1] = -self._half_x[start:stop]
        torch.addmm(self._half_y, rows, self._y, alpha=-1, out=out)
        out.mul_(2).clamp_(min=0).sqrt_().neg_()
        return out.add_(h).add_(f[:, None]).mul_(1 / epsilon)


def _centered(z: np.ndarray, center: np.ndarray, precision: str) -> np.ndarray:
    """Return z - center, rounded after the subtraction where z has more digits than `precision`."""
    difference = np.subtract(z, center, dtype=np.promote_types(z.dtype, precision))
    return difference.astype(precision, copy=False)


def _spans(labels: np.ndarray, rows: int) -> list[tuple[int, int]]:
    """Cut sorted labels into spans of one label and at most `rows` rows."""
    edges = np.flatnonzero(np.diff(labels)) + 1
    spans = []
    for start, stop in zip(np.r_[0, edges], np.r_[edges, len(labels)], strict=True):
        cuts = np.linspace(start, stop, -(-(stop - start) // rows) + 1).astype(int)
        spans += list(zip(cuts[:-1].tolist(), cuts[1:].tolist(), strict=True))
    return spans
