"""Batches of images: how a set is cut, how large a batch may be. NumPy alone."""

from __future__ import annotations

import numpy as np

from core.errors import ConfigError

BATCH_KINDS = ("random", "stratified")
# SAVA's default (section 5.1).
DEFAULT_BATCH_SIZE = 1024
# Entries of cost solved in one call: on a processor cost and kernel then stay in the cache of a
# core, an accelerator has more to do at once.
PAIRS_ON_PROCESSOR = 2_000_000
PAIRS_ON_ACCELERATOR = 64_000_000
_SMALLEST_BATCH = 16


def make_batches(
    labels: np.ndarray, size: int, kind: str, rng: np.random.Generator
) -> list[np.ndarray]:
    """Cut n images into ceil(n / size) batches whose sizes differ by one at most.

    Parameters
    ----------
    labels : int64, shape (n,)
    size : most images a batch, >= 1
    kind : "random", or "stratified": the images of a class, too, are spread over the batches so
        that their numbers differ by one at most
    rng : decides who comes where

    Returns
    -------
    Rows of each batch, int64.

    Notes
    -----
    A data loader, as in the published code, makes full batches and a smaller last one, whose images
    are compared with few others (SAVA, appendix G.5); here no batch is much smaller than another.
    """
    if kind not in BATCH_KINDS:
        raise ConfigError(f"Batches must be one of: {', '.join(BATCH_KINDS)}; got {kind!r}.")
    if size < 1:
        raise ConfigError(f"The batch size must be 1 or more, got {size}.")
    count = -(-len(labels) // size)
    order = rng.permutation(len(labels))
    if kind == "stratified":
        order = order[np.argsort(labels[order], kind="stable")]
    # Dealt out like cards: one by one, round after round.
    return [order[k::count] for k in range(count)]


def pairs_in_flight(batch_entries: int, device: str) -> int:
    """Return how many pairs of batches, of so many entries of cost each, one call solves."""
    room = PAIRS_ON_PROCESSOR if device == "cpu" else PAIRS_ON_ACCELERATOR
    return max(1, room // batch_entries)


def batch_memory(n: int, m: int, size: int, device: str = "cpu") -> int:
    """Return the bytes that n against m images in batches of `size` take, beside the embeddings.

    Cost and kernel of the pairs in flight and the label part of one; the potentials of every pair,
    which wait for the plan between batches: O(pairs in flight * size^2 + n m / size).
    """
    rows, columns = min(size, n), min(size, m)
    left, right = -(-n // size), -(-m // size)
    flying = min(right, pairs_in_flight(rows * columns, device))
    dense = 4 * rows * columns * (2 * flying + 1)
    potentials = 4 * (n * right + m * left)
    outer = 6 * 8 * left * right
    return dense + potentials + outer


def largest_batch(n: int, m: int, allowed: int, device: str = "cpu") -> int:
    """Return the largest batch size whose `batch_memory` is within `allowed` bytes.

    Larger batches come closer to the transport between the whole sets (SAVA, section 4).

    Raises
    ------
    ConfigError : no size fits; it names the least memory that would do
    """
    sizes = _sizes(n, m)
    needed = [batch_memory(n, m, size, device) for size in sizes]
    fitting = [size for size, bytes_ in zip(sizes, needed, strict=True) if bytes_ <= allowed]
    if not fitting:
        raise ConfigError(
            f"{allowed / 1e6:,.0f} MB are too little for batches of any size: {n:,} against {m:,} "
            f"images need {np.ceil(min(needed) / 1e6):,.0f} MB at least."
        )
    return max(fitting)


def choose_batch_size(
    n: int, m: int, size: int | None, memory_limit: float | None, device: str = "cpu"
) -> int:
    """Return the batch size: the one asked for, else the largest within the limit, else 1024.

    Parameters
    ----------
    size : most images a batch, or None
    memory_limit : megabytes that the solver may take beside the embeddings, or None

    Raises
    ------
    ConfigError : the size asked for, or any size, needs more than the limit
    """
    if memory_limit is None:
        return DEFAULT_BATCH_SIZE if size is None else size
    if size is None:
        return largest_batch(n, m, int(1e6 * memory_limit), device)
    needed = batch_memory(n, m, size, device) / 1e6
    if needed > memory_limit:
        raise ConfigError(
            f"Batches of {size:,} images need {np.ceil(needed):,.0f} MB, above the limit of "
            f"{memory_limit:,.0f} MB. Leave the batch size out to get the largest that fits."
        )
    return size


def _sizes(n: int, m: int) -> list[int]:
    """Return sizes from small to the whole set, 3 % apart."""
    top = max(n, m)
    low = min(_SMALLEST_BATCH, top)
    steps = int(np.ceil(np.log(top / low) / np.log(1.03))) + 1
    return sorted({int(size) for size in np.geomspace(low, top, steps).round()})
