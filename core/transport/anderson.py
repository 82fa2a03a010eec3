"""Anderson acceleration of fixed points (Walker and Ni, SIAM J. Numer. Anal. 49, 2011)."""

from __future__ import annotations

import torch


class Anderson:
    """Accelerates k maps point -> point + residual(point) at once, each on its own.

    Parameters
    ----------
    memory : number of earlier iterates that are combined; 0 for plain iterations
    ridge : regularization of the least squares, as a share of the largest squared change; about
        ten times the precision of the numbers
    """

    def __init__(self, memory: int, *, ridge: float = 1e-8) -> None:
        self._memory, self._ridge = memory, ridge
        self._points: list[torch.Tensor] = []
        self._residuals: list[torch.Tensor] = []

    def forget(self) -> None:
        """Drop the history: the next step is a plain one."""
        self._points.clear()
        self._residuals.clear()

    def next(self, point: torch.Tensor, residual: torch.Tensor) -> torch.Tensor:
        """Return the next iterates from the newest ones and their residuals, shapes (k, m)."""
        self._points = [*self._points, point][-self._memory - 1 :]
        self._residuals = [*self._residuals, residual][-self._memory - 1 :]
        if len(self._points) < 2 or self._memory == 0:
            return point + residual
        steps = torch.stack(self._points, 1).diff(dim=1)  # (k, memory, m)
        changes = torch.stack(self._residuals, 1).diff(dim=1)
        gram = changes @ changes.mT
        ridge = self._ridge * gram.diagonal(dim1=1, dim2=2).amax(1)
        ridge = ridge + torch.finfo(gram.dtype).tiny
        gram += ridge[:, None, None] * torch.eye(
            gram.shape[1], dtype=gram.dtype, device=gram.device
        )
        weights = torch.linalg.solve(gram, changes @ residual[:, :, None])
        return point + residual - ((steps + changes).mT @ weights)[:, :, 0]
