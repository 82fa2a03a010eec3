"""The solvers that the published code of LAVA and SAVA runs, as functions to be compared with.

Written from the description of what github.com/skezle/sava (commit 1b71642) does, on embeddings
that are made already, and in its favour wherever it wastes time:

* geomloss `SamplesLoss`, backend "tensorized", p = 2, blur = sqrt(0.1), scaling 0.5, not debiased,
  potentials asked for: one call a pair of batches. The published code makes the same cost up to
  three times a pair and solves it a second time, with POT, for the plan.
* label distances by the same solver, cached. The published code takes them from the first pair of
  batches; `images_a_class` says how many images a class they are made of here.
* the batch cost is <plan, cost> of the potentials at hand; the published code divides it by the sum
  of the two batch sizes, and takes the plan of a problem at epsilon = 0.1 max(cost).
* the plan between batches is POT's Sinkhorn on cost / max(cost) at epsilon = 0.01, with masses 1.

Results depend on the machine's load: compare only what ran in the same process.
"""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass
from functools import partial

import numpy as np
import ot
import torch
from geomloss import SamplesLoss

EPSILON = 0.1
OUTER_EPSILON = 0.01


@dataclass(frozen=True, kw_only=True)
class Published:
    """What the published loop found, and what it took.

    Attributes
    ----------
    value : shape (n,), minus the weighted calibrated gradients, higher is better; None where not
        all pairs were solved
    batchwise_value : the same with the plain mean over validation batches (without the tanh that
        the published batch-wise baseline puts around each gradient)
    batch_cost, plan : shape (K_t, K_v); the plan None where not all pairs were solved
    label_distances : shape (v, v)
    label_seconds, pair_seconds, outer_seconds : wall-clock time of the parts that were run
    pairs, all_pairs : solved, and in all
    """

    value: np.ndarray | None
    batchwise_value: np.ndarray | None
    batch_cost: np.ndarray
    plan: np.ndarray | None
    label_distances: np.ndarray
    label_seconds: float
    pair_seconds: float
    outer_seconds: float
    pairs: int
    all_pairs: int

    @property
    def seconds(self) -> float:
        """Return the time of the whole loop, extrapolated where only some pairs were solved."""
        pairs = self.pair_seconds * self.all_pairs / self.pairs
        return self.label_seconds + pairs + self.outer_seconds


def published_label_distances(
    x: np.ndarray,
    x_labels: np.ndarray,
    y: np.ndarray,
    y_labels: np.ndarray,
    n_classes: int,
    *,
    epsilon: float = EPSILON,
    images_a_class: int = 1000,
) -> np.ndarray:
    """Return W[u, v] by one geomloss call a pair of classes; NaN where a class is empty."""
    loss = _loss(epsilon)
    result = np.full((n_classes, n_classes), np.nan, dtype=np.float32)
    left = [torch.tensor(x[x_labels == u][:images_a_class]) for u in range(n_classes)]
    right = [torch.tensor(y[y_labels == v][:images_a_class]) for v in range(n_classes)]
    for u in range(n_classes):
        for v in range(n_classes):
            if len(left[u]) and len(right[v]):
                with torch.no_grad():
                    result[u, v] = float(loss(left[u], right[v]))
    return result


def published_sava(
    x: np.ndarray,
    x_labels: np.ndarray,
    y: np.ndarray,
    y_labels: np.ndarray,
    n_classes: int,
    *,
    epsilon: float = EPSILON,
    batch_size: int = 1024,
    images_a_class: int = 1000,
    label_distances: np.ndarray | None = None,
    max_pairs: int | None = None,
    seed: int = 0,
) -> Published:
    """Run the published loop: one geomloss call a pair of random batches, then the outer plan.

    Parameters
    ----------
    x, y : embeddings, float32, shapes (n, d) and (m, d)
    label_distances : computed and timed if None
    max_pairs : solve only so many pairs, spread evenly, and extrapolate the time
    seed : of the order of the images
    """
    started = time.perf_counter()
    if label_distances is None:
        label_distances = published_label_distances(
            x, x_labels, y, y_labels, n_classes, epsilon=epsilon, images_a_class=images_a_class
        )
    label_seconds = time.perf_counter() - started
    rng = np.random.default_rng(seed)
    left = _batches(len(x), batch_size, rng)
    right = _batches(len(y), batch_size, rng)
    loss = _loss(epsilon, cost=partial(_augmented_cost, _both_ways(label_distances)))
    loss.potentials = True
    all_pairs = len(left) * len(right)
    chosen = set(np.linspace(0, all_pairs - 1, min(max_pairs or all_pairs, all_pairs)).astype(int))
    batch_cost = np.full((len(left), len(right)), np.nan)
    gradients = np.zeros((len(right), len(x)))
    started = time.perf_counter()
    for pair in sorted(chosen):
        i, j = divmod(int(pair), len(right))
        z = _augmented(x[left[i]], x_labels[left[i]])
        z_val = _augmented(y[right[j]], y_labels[right[j]] + n_classes)
        with torch.no_grad():
            f, g = loss(z, z_val)
            cost = _augmented_cost(_both_ways(label_distances), z[None], z_val[None])[0]
            f, g = f.flatten(), g.flatten()
            plan = ((f[:, None] + g[None, :] - cost) / epsilon).exp_() / cost.numel()
            batch_cost[i, j] = float((plan * cost).sum())
        gradients[j, left[i]] = _calibrated(f.numpy())
    pair_seconds = time.perf_counter() - started
    started = time.perf_counter()
    outer = _outer_plan(batch_cost) if len(chosen) == all_pairs else None
    outer_seconds = time.perf_counter() - started
    value = batchwise = None
    if outer is not None:
        value, batchwise = np.empty(len(x)), -gradients.mean(axis=0)
        for i, rows in enumerate(left):
            value[rows] = -(outer[i] @ gradients[:, rows])
    return Published(
        value=value,
        batchwise_value=batchwise,
        batch_cost=batch_cost,
        plan=outer,
        label_distances=label_distances,
        label_seconds=label_seconds,
        pair_seconds=pair_seconds,
        outer_seconds=outer_seconds,
        pairs=len(chosen),
        all_pairs=all_pairs,
    )


def _loss(epsilon: float, **settings: object) -> SamplesLoss:
    return SamplesLoss(
        "sinkhorn",
        p=2,
        blur=epsilon**0.5,
        scaling=0.5,
        debias=False,
        backend="tensorized",
        **settings,
    )


def _batches(count: int, size: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Cut a random order into batches; the last one may be smaller, as a data loader makes it."""
    order = rng.permutation(count)
    return [order[start : start + size] for start in range(0, count, size)]


def _augmented(x: np.ndarray, labels: np.ndarray) -> torch.Tensor:
    """Append the labels to the embeddings as a last column."""
    return torch.tensor(np.column_stack([x, labels]), dtype=torch.float32)


def _both_ways(distances: np.ndarray) -> torch.Tensor:
    """Return [[0, W], [W.T, 0]]: validation classes are numbered after the training classes."""
    w = np.nan_to_num(distances)
    zero = np.zeros_like(w)
    return torch.tensor(np.block([[zero, w], [w.T, zero]]), dtype=torch.float32)


def _augmented_cost(w: torch.Tensor, z1: torch.Tensor, z2: torch.Tensor) -> torch.Tensor:
    """Return |x - y|^2 / 2 + W[label, label'] / 2, shape (1, n, m)."""
    x, y = z1[..., :-1], z2[..., :-1]
    squares = x.square().sum(2)[:, :, None] + y.square().sum(2)[:, None, :]
    features = (squares - 2 * x @ y.mT) / 2
    row, column = z1[0, :, -1].long(), z2[0, :, -1].long()
    return features + w[row][:, column][None] / 2


def _calibrated(f: np.ndarray) -> np.ndarray:
    n = len(f)
    return (f - f.mean()) * (n / max(n - 1, 1))


def _outer_plan(cost: np.ndarray) -> np.ndarray:
    with warnings.catch_warnings():
        # Masses 1 have different sums on the two sides: the last row update alone holds.
        warnings.simplefilter("ignore")
        return np.asarray(
            ot.sinkhorn(
                np.ones(len(cost)), np.ones(cost.shape[1]), cost / cost.max(), OUTER_EPSILON
            )
        )
