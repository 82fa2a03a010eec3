"""How a batch is computed in parts, on as many threads, with the same result on any number."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

import torch

A = TypeVar("A")
B = TypeVar("B")


@dataclass(frozen=True, slots=True)
class Parts:
    """Work in `count` parts, side by side where there are threads for them.

    Attributes
    ----------
    count : parts that a batch is cut into; it decides the result, the number of threads does not
    """

    count: int = 1
    _pool: ThreadPoolExecutor | None = field(default=None, repr=False)

    def map(self, function: Callable[[int, A], B], items: list[A]) -> list[B]:
        """Return `function(i, item)` of each item, in their order."""
        if self._pool is None or len(items) == 1:
            return [function(number, item) for number, item in enumerate(items)]
        return list(self._pool.map(function, range(len(items)), items))


@contextmanager
def repeatable(parts: int, device: str) -> Iterator[Parts]:
    """Compute without TF32 and in a fixed order of sums, whatever the machine is doing.

    On the CPU each operator keeps to one thread: sums then do not depend on how many there are.
    Work is spread by giving each of `parts` a thread of its own instead. That costs little, because
    the layers are small, and where other work takes the cores it saves a lot: OpenMP's threads
    wait for each other by spinning at every operator, which was measured to turn 10 s into 200 s,
    while these wait for each other once a step, asleep. A GPU takes batches whole.

    Parameters
    ----------
    parts : into how many a batch is cut, at least 1
    device : cpu, cuda or mps
    """
    threads = torch.get_num_threads()
    parts = parts if device == "cpu" else 1
    torch.set_num_threads(1)
    try:
        with (
            torch.backends.cudnn.flags(
                enabled=True, benchmark=False, deterministic=True, allow_tf32=False
            ),
            ThreadPoolExecutor(max(1, min(threads, parts)), "assay-network") as pool,
        ):
            yield Parts(parts, pool if parts > 1 else None)
    finally:
        torch.set_num_threads(threads)
