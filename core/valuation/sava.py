"""SAVA and batch-wise LAVA: values from transport between batches.

Kessler, Le and Nguyen, "SAVA: Scalable learning-agnostic data valuation", ICLR 2025, Algorithm 1.
The images are cut into batches B_i (training) and B'_j (validation); entropic transport between
every two, with label distances computed once, gives potentials f^(ij) and a cost C̄_ij; transport on
C̄ between batches, their masses proportional to their sizes, gives a plan; the value of an image of
batch i is minus the mean over j, weighted by plan_ij / sum_j plan_ij, of its calibrated gradient in
f^(ij). Batch-wise LAVA (section 5.1) weighs all j alike.

Where the published code (github.com/skezle/sava, commit 1b71642) departs from its paper, and what
is done here:

* C̄_ij: the code divides <plan, C> by the sum of the two batch sizes, which makes a smaller last
  batch dearer; and its plan is that of another problem, POT's Sinkhorn at epsilon = 0.1 max(C),
  not that of the potentials. Here: <plan, C> of the potentials' own plan.
* The transport between batches: the code gives every batch mass 1, whatever its size, and solves
  with epsilon = 0.01 max(C̄) where the paper writes an exact problem. Here: masses proportional to
  sizes, the same epsilon.
* The weights: the code does not divide the plan by its row sums. With masses 1 they are 1 anyway.
* The potentials: one round of geomloss at the final epsilon, whatever the error that is left. Here:
  to a tolerance, which is recorded.
* The label distances: both take them from the first pair of batches, about a hundred images a
  class at 1024; here from the whole sets, up to a thousand images a class.
* Batches: a data loader's, the last one smaller. Here their sizes differ by one at most.
* Batch-wise LAVA: the code maps each calibrated gradient to (tanh + 1) / 2 and scales the batch to
  sum 1 before the mean; the paper says nothing of it. Here: the plain mean.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.errors import ConfigError
from core.progress import Progress, silent
from core.transport import (
    BATCH_KINDS,
    BatchPairConfig,
    BatchPairs,
    batch_plan,
    choose_batch_size,
    make_batches,
    positive_masses,
    solve_batch_pairs,
)
from core.valuation.lava import LavaConfig, calibrated_gradient, pose_problem
from core.valuation.result import TransportValuation


@dataclass(frozen=True, slots=True, kw_only=True)
class SavaConfig(LavaConfig):
    """Settings of a valuation in batches; the rest as for LAVA.

    Attributes
    ----------
    batch_size : most images a batch, >= 2; None for 1024, or what `memory_limit` allows
    batches : "random", or "stratified" by class
    memory_limit : megabytes that the solver may take beside the embeddings; without a batch size,
        the largest that fits is taken
    seed : decides which image comes into which batch
    tolerance : L1 error of each pair's validation marginal to stop at; None for one that fits the
        size (`batch_tolerance`)
    max_passes : upper bound on the iterations of each pair
    """

    batch_size: int | None = None
    batches: str = "random"
    memory_limit: float | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the ranges."""
        # Not super(): a dataclass with slots is another class than the one written here.
        LavaConfig.__post_init__(self)
        if self.batch_size is not None and self.batch_size < 2:
            raise ConfigError(
                f"The batch size must be 2 or more, got {self.batch_size}: within its batch an "
                "image is compared with the others."
            )
        if self.batches not in BATCH_KINDS:
            raise ConfigError(
                f"Batches must be one of: {', '.join(BATCH_KINDS)}; got {self.batches!r}."
            )
        if self.fusion is not None:
            raise ConfigError("Signals are fused for LAVA only; valuations in batches rank alone.")
        if self.memory_limit is not None and not self.memory_limit > 0:
            raise ConfigError(f"The memory limit must be above 0 MB, got {self.memory_limit}.")


def value_sava(
    x: np.ndarray,
    x_labels: np.ndarray,
    y: np.ndarray,
    y_labels: np.ndarray,
    n_classes: int,
    config: SavaConfig | None = None,
    *,
    a: np.ndarray | None = None,
    b: np.ndarray | None = None,
    progress: Progress = silent,
) -> TransportValuation:
    """Value n training images against m validation images by hierarchical transport.

    Parameters, and what is returned, as `value_lava`, and beside it:

    * `arrays`: `batch_cost` and `batch_plan`, shape (K_t, K_v), the plan of sum 1;
      `batch_error`, the marginal error of each pair; `train_batch`, shape (n,), and
      `validation_batch`, shape (m,), the batch of each image
    * `f`, `g` are the mean potentials over batches under the plan (each pair shifted so that f has
      mean 0): <f, a> + <g, b> is the dual value. No plan between the whole sets belongs to them;
      that of exp((f + g - C) / epsilon) is near LAVA's and serves as evidence
    * `transport_cost`, `primal` and `dual` are means over the pairs under the plan. The transport
      cost is that of a plan between the sets that respects the batches
    * `marginal_error` is that of the worst pair, `passes` its iterations

    Raises
    ------
    ConfigError, DataError
        As `value_lava`; for masses of zero, which no batch can hold; and for batches beyond the
        memory limit.

    Notes
    -----
    Where one machine holds the sets, LAVA costs less: it solves one problem in linear memory.
    """
    return _value(x, x_labels, y, y_labels, n_classes, config, a, b, progress, by_plan=True)


def value_batchwise_lava(
    x: np.ndarray,
    x_labels: np.ndarray,
    y: np.ndarray,
    y_labels: np.ndarray,
    n_classes: int,
    config: SavaConfig | None = None,
    *,
    a: np.ndarray | None = None,
    b: np.ndarray | None = None,
    progress: Progress = silent,
) -> TransportValuation:
    """Value as `value_sava`, with every validation batch of a weight proportional to its mass.

    That is SAVA's baseline: the plan between batches is the product of their masses. Small batches
    hurt it more than SAVA (SAVA, appendix G.5).
    """
    return _value(x, x_labels, y, y_labels, n_classes, config, a, b, progress, by_plan=False)


def _value(
    x: np.ndarray,
    x_labels: np.ndarray,
    y: np.ndarray,
    y_labels: np.ndarray,
    n_classes: int,
    config: SavaConfig | None,
    a: np.ndarray | None,
    b: np.ndarray | None,
    progress: Progress,
    *,
    by_plan: bool,
) -> TransportValuation:
    config = config or SavaConfig()
    a, b = positive_masses(a, len(x), "training"), positive_masses(b, len(y), "validation")
    problem = pose_problem(x, x_labels, y, y_labels, n_classes, config, progress=progress)
    size = choose_batch_size(len(x), len(y), config.batch_size, config.memory_limit, problem.device)
    rng = np.random.default_rng(config.seed)
    rows = make_batches(x_labels, size, config.batches, rng)
    columns = make_batches(y_labels, size, config.batches, rng)
    settings = BatchPairConfig(
        epsilon=problem.epsilon,
        tolerance=config.tolerance or batch_tolerance(len(x), len(y)),
        max_iterations=config.max_passes,
        device=problem.device,
    )
    pairs = solve_batch_pairs(problem.cost, rows, columns, settings, a=a, b=b, progress=progress)
    plan = _plan_between(pairs, rows, columns, a, b, by_plan=by_plan)
    f, gradient = _mean_over_batches(pairs.f, rows, plan)
    g, validation_gradient = _mean_over_batches(pairs.g, columns, plan.T)
    resemblance = problem.resemblance(n_classes, progress=progress)
    error = float(pairs.marginal_error.max())
    return TransportValuation(
        score=gradient,
        calibrated_gradient=gradient,
        validation_gradient=validation_gradient,
        f=f,
        g=g,
        label_distances=problem.distances,
        looks_like=resemblance.label,
        looks_like_probability=resemblance.probability,
        epsilon=problem.epsilon,
        primal=float((plan * pairs.primal).sum()),
        dual=float((plan * pairs.dual).sum()),
        transport_cost=float((plan * pairs.cost).sum()),
        marginal_error=error,
        tolerance=settings.tolerance,
        passes=pairs.iterations,
        converged=error <= settings.tolerance,
        columns={"own_probability": resemblance.own_probability},
        arrays={
            "batch_cost": pairs.cost,
            "batch_plan": plan,
            "batch_error": pairs.marginal_error,
            "train_batch": _batch_of_each(rows),
            "validation_batch": _batch_of_each(columns),
        },
        details={
            "batches": config.batches,
            "batch_size": size,
            "training_batches": len(rows),
            "validation_batches": len(columns),
        },
    )


def batch_tolerance(n: int, m: int) -> float:
    """Return the marginal error of each pair of batches to stop at.

    It keeps values within 1e-3 of their standard deviation of those of pairs solved to the end, in
    the root mean square (benchmarks/sava.py). Small sets have few pairs for errors to cancel over.
    """
    return 1e-5 if n * m <= 2e7 else 1e-4


def _plan_between(
    pairs: BatchPairs,
    rows: list[np.ndarray],
    columns: list[np.ndarray],
    a: np.ndarray,
    b: np.ndarray,
    *,
    by_plan: bool,
) -> np.ndarray:
    """Return the plan between batches, shape (K_t, K_v), of sum 1."""
    left = np.array([a[batch].sum() for batch in rows])
    right = np.array([b[batch].sum() for batch in columns])
    return batch_plan(pairs.cost, left, right) if by_plan else np.outer(left, right)


def _mean_over_batches(
    potentials: np.ndarray, batches: list[np.ndarray], plan: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean of the potentials over the other side's batches, and its gradient.

    Parameters
    ----------
    potentials : shape (batches of the other side, images)
    batches : the images of each batch
    plan : shape (batches, batches of the other side)

    Returns
    -------
    float64, shape (images,), both. The calibrated gradient is linear in the potential, so that the
    gradient of the mean is the mean of the gradients (SAVA, Lemma 1).
    """
    mean = np.empty(potentials.shape[1])
    gradient = np.empty_like(mean)
    weights = plan / plan.sum(axis=1, keepdims=True)
    for weight, batch in zip(weights, batches, strict=True):
        mean[batch] = weight @ potentials[:, batch]
        gradient[batch] = calibrated_gradient(mean[batch])
    return mean, gradient


def _batch_of_each(batches: list[np.ndarray]) -> np.ndarray:
    """Return the batch of each image, int32."""
    of_each = np.empty(sum(len(batch) for batch in batches), dtype=np.int32)
    for number, batch in enumerate(batches):
        of_each[batch] = number
    return of_each
