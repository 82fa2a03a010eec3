"""Distances between classes: entropic OT between their images (LAVA section 2.1)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from core.progress import Progress, silent
from core.transport.sinkhorn import representative_rows
from core.transport.tiles import LOWEST_EXPONENT


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelDistanceConfig:
    """Settings of the label distances.

    Attributes
    ----------
    epsilon : regularization in units of cost, > 0
    p : 1 or 2, as in the ground cost
    max_class_size : a class of more distinct images is represented by so many of them
    tolerance : L1 marginal error at which a pair of classes is settled
    max_iterations : upper bound on iterations at the final epsilon
    device : a torch device
    """

    epsilon: float = 0.1
    p: int = 2
    max_class_size: int = 1000
    tolerance: float = 0.02
    max_iterations: int = 40
    device: str = "cpu"


def label_distances(
    x: np.ndarray,
    x_labels: np.ndarray,
    y: np.ndarray,
    y_labels: np.ndarray,
    n_classes: int,
    config: LabelDistanceConfig | None = None,
    *,
    progress: Progress = silent,
) -> np.ndarray:
    """Return W[u, v], the entropic OT cost between class u of x and class v of y.

    The cost is |x - y|^p / p, the masses are uniform, the value is the dual one (regularizer
    included, not debiased), as in the published LAVA code.

    Returns
    -------
    float32, shape (n_classes, n_classes), in units of cost; NaN where a class is empty.

    Notes
    -----
    For each class of x all classes of y are solved as one padded batch: time O(n m d) an
    iteration, memory O(max_class_size^2 * n_classes).
    """
    config = config or LabelDistanceConfig()
    present = [v for v in range(n_classes) if (y_labels == v).any()]
    columns = _Columns([_class_measure(y, y_labels, v, config) for v in present], config)
    result = np.full((n_classes, n_classes), np.nan, dtype=np.float32)
    for u in range(n_classes):
        progress("Label distances", u / n_classes, f"class {u + 1} of {n_classes}")
        measure = _class_measure(x, x_labels, u, config)
        if len(measure.points):
            result[u, present] = columns.distances_from(measure)
    progress("Label distances", 1.0)
    return result


@dataclass(frozen=True, slots=True)
class _Measure:
    """The images of a class: points, shape (k, d), and masses of sum 1, shape (k,)."""

    points: np.ndarray
    masses: np.ndarray


def _class_measure(
    x: np.ndarray, labels: np.ndarray, label: int, config: LabelDistanceConfig
) -> _Measure:
    # Copies become one point of more mass: they cost nothing, and a set that was duplicated as a
    # whole keeps its distances even where it is represented by a part.
    points, counts = np.unique(x[labels == label], axis=0, return_counts=True)
    if len(points) > config.max_class_size:
        one_class = np.zeros(len(points), dtype=np.int64)
        rows = representative_rows(points, one_class, config.max_class_size)
        points, counts = points[rows], counts[rows]
    return _Measure(points, counts / max(counts.sum(), 1))


class _Columns:
    """The classes of one side as one padded batch: c classes, k the size of the largest."""

    def __init__(self, classes: list[_Measure], config: LabelDistanceConfig) -> None:
        self._config = config
        self._device = torch.device(config.device)
        self._center = np.concatenate([c.points for c in classes]).mean(axis=0, dtype=np.float64)
        size = max(len(c.points) for c in classes)
        points = np.zeros((len(classes), size, classes[0].points.shape[1]), dtype=np.float32)
        masses = np.zeros((len(classes), size), dtype=np.float32)
        for row, c in enumerate(classes):
            points[row, : len(c.points)] = c.points - self._center
            masses[row, : len(c.points)] = c.masses
        self._points = torch.as_tensor(points, device=self._device)  # (c, k, d)
        self._half = self._points.square().sum(2) / 2  # (c, k)
        self._b = torch.as_tensor(masses, device=self._device)
        self._real = self._b > 0
        self._log_b = self._b.log()

    def distances_from(self, measure: _Measure) -> np.ndarray:
        """Return the distance of one class of the other side to each class, shape (c,)."""
        x = torch.as_tensor((measure.points - self._center).astype(np.float32), device=self._device)
        a = torch.as_tensor(measure.masses, dtype=torch.float32, device=self._device)
        cost = self._cost(x)  # (c, n, k)
        scratch = torch.empty_like(cost)
        g = torch.zeros_like(self._half)
        epsilon = max(float(cost.mean()), self._config.epsilon)
        while epsilon > self._config.epsilon:
            _, columns = self._iterate(cost, a, g, epsilon, scratch)
            g = self._updated(g, columns, epsilon)
            epsilon /= 2
        epsilon = self._config.epsilon
        for _ in range(self._config.max_iterations):
            f, columns = self._iterate(cost, a, g, epsilon, scratch)
            error = (self._b - columns).abs().sum(1).max()
            if float(error) <= self._config.tolerance:
                break
            g = self._updated(g, columns, epsilon)
        value = f @ a + (self._b * g).sum(1)
        return value.cpu().numpy()

    def _cost(self, x: torch.Tensor) -> torch.Tensor:
        products = torch.einsum("nd,ckd->cnk", x, self._points)
        squared = x.square().sum(1)[None, :, None] / 2 + self._half[:, None, :] - products
        squared.clamp_(min=0)
        return squared if self._config.p == 2 else squared.mul_(2).sqrt_()

    def _iterate(
        self,
        cost: torch.Tensor,
        a: torch.Tensor,
        g: torch.Tensor,
        epsilon: float,
        scratch: torch.Tensor,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return f of g, shape (c, n), and the column marginals, shape (c, k)."""
        h = g / epsilon + self._log_b
        scores = torch.add(h[:, None, :], cost, alpha=-1 / epsilon, out=scratch)
        peak = scores.amax(2)
        weights = scores.sub_(peak[:, :, None]).clamp_(min=LOWEST_EXPONENT).exp_()
        total = weights.sum(2)
        f = -epsilon * (peak + total.log())
        columns = torch.einsum("cn,cnk->ck", a / total, weights)
        return f, torch.where(self._real, columns, 0.0)

    def _updated(self, g: torch.Tensor, columns: torch.Tensor, epsilon: float) -> torch.Tensor:
        # Padding has mass zero: its potential plays no part and stays 0.
        ratio = torch.where(self._real, self._b / columns, 1.0)
        return g + epsilon * ratio.log()
