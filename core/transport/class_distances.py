"""Distances between classes: entropic OT between their images (LAVA section 2.1)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch

from core.errors import ConfigError
from core.progress import Progress, silent
from core.transport.batched import BatchedConfig, solve_batched
from core.transport.cost import require_embeddings, require_labels
from core.transport.precision import full_precision
from core.transport.scale import largest_radius, suited_to
from core.transport.sinkhorn import representative_rows

# Pairs in one batch: cost and kernel then stay in the cache of a core.
_BATCH_PAIRS = 1_500_000


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

    def __post_init__(self) -> None:
        """Check the ranges; the solver checks the rest."""
        if self.p not in (1, 2):
            raise ConfigError(f"p must be 1 or 2, got {self.p}.")
        if self.max_class_size < 1:
            raise ConfigError(f"max_class_size must be at least 1, got {self.max_class_size}.")
        if not (np.isfinite(self.epsilon) and self.epsilon > 0):
            raise ConfigError(f"epsilon must be a positive number, got {self.epsilon}.")


@full_precision()
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

    Raises
    ------
    ConfigError : epsilon is too small for the scale of the embeddings
    DataError : a side has no images, an embedding is not finite, or a label is no class

    Notes
    -----
    For each class of x the classes of y are solved in padded batches: time O(n m d), memory
    O((n + m) d + max_class_size^2), at any number of classes.
    """
    config = config or LabelDistanceConfig()
    for side, points, labels in (("training", x, x_labels), ("validation", y, y_labels)):
        require_embeddings(points, side)
        require_labels(labels, n_classes, side)
    epsilon, precision = suited_to(
        largest_radius(x, y), config.p, 1.0, 0.0, config.epsilon, "float32", config.device
    )
    config = replace(config, epsilon=epsilon)
    present = [v for v in range(n_classes) if (y_labels == v).any()]
    columns = _Columns([_class_measure(y, y_labels, v, config) for v in present], config, precision)
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


@dataclass(frozen=True, slots=True)
class _Batch:
    """Classes padded to one size: their points, shape (c, k, d), and masses, shape (c, k)."""

    classes: np.ndarray
    points: torch.Tensor
    masses: torch.Tensor


class _Columns:
    """The classes of one side in padded batches of similar sizes, small enough for the cache."""

    def __init__(
        self, classes: list[_Measure], config: LabelDistanceConfig, precision: str
    ) -> None:
        self._config, self._precision = config, precision
        self._solver = BatchedConfig(
            epsilon=config.epsilon,
            tolerance=config.tolerance,
            max_iterations=config.max_iterations,
        )
        self._device = torch.device(config.device)
        self._center = np.concatenate([c.points for c in classes]).mean(axis=0, dtype=np.float64)
        self._classes = classes
        self._by_size = np.argsort([len(c.points) for c in classes], kind="stable")
        self._batches: dict[int, list[_Batch]] = {}

    def distances_from(self, measure: _Measure) -> np.ndarray:
        """Return the distance of one class of the other side to each class, shape (c,)."""
        x = self._tensor(measure.points - self._center)
        a = self._tensor(measure.masses)
        result = np.empty(len(self._classes), dtype=np.float32)
        for batch in self._batches_for(len(x)):
            cost = _cost(x, batch.points, self._config.p)
            solved = solve_batched(cost, a.expand(len(cost), -1), batch.masses, self._solver)
            result[batch.classes] = solved.value.cpu().numpy()
        return result

    def _batches_for(self, rows: int) -> list[_Batch]:
        # Made once for each power of two, not for each number of rows.
        rows = 1 << (rows - 1).bit_length()
        if rows not in self._batches:
            self._batches[rows] = [self._batch(group) for group in self._groups(rows)]
        return self._batches[rows]

    def _groups(self, rows: int) -> Iterator[np.ndarray]:
        """Yield classes, smallest first, whose padded costs to `rows` points fit the batch."""
        group: list[int] = []
        for c in self._by_size:
            if group and (len(group) + 1) * rows * len(self._classes[c].points) > _BATCH_PAIRS:
                yield np.array(group)
                group = []
            group.append(int(c))
        yield np.array(group)

    def _batch(self, group: np.ndarray) -> _Batch:
        members = [self._classes[c] for c in group]
        size = max(len(member.points) for member in members)
        points = np.zeros((len(group), size, len(self._center)))
        masses = np.zeros((len(group), size))
        for row, member in enumerate(members):
            points[row, : len(member.points)] = member.points - self._center
            masses[row, : len(member.points)] = member.masses
        return _Batch(group, self._tensor(points), self._tensor(masses))

    def _tensor(self, array: np.ndarray) -> torch.Tensor:
        # Narrowed before it travels: mps takes no float64.
        return torch.as_tensor(array.astype(self._precision), device=self._device)


def _cost(x: torch.Tensor, points: torch.Tensor, p: int) -> torch.Tensor:
    """Return |x - point|^p / p, shape (c, n, k), of n against c times k points."""
    # Two more columns let the product add the squares.
    left = torch.cat([x, x.square().sum(1, keepdim=True) / 2, x.new_ones(len(x), 1)], dim=1)
    squares = points.square().sum(2, keepdim=True) / 2
    right = torch.cat([-points, torch.ones_like(squares), squares], dim=2)
    half = torch.bmm(left.expand(len(points), -1, -1), right.mT).clamp_(min=0)
    return half if p == 2 else half.mul_(2).sqrt_()
