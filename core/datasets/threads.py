"""Work on many pictures in several threads, in order, stopping when asked."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

A = TypeVar("A")
B = TypeVar("B")

# Pictures a task: small ones take 0.1 ms each, about what handing over costs; eight photographs
# take about half a second, which is how long a cancelled work goes on.
CHUNK = 8


def thread_count() -> int:
    """Return how many threads decode: the cores this process may use, at most 8."""
    return min(8, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 4)


def chunks(n: int, size: int = CHUNK) -> Iterator[range]:
    """Cut 0 to n into ranges of `size`."""
    return (range(start, min(start + size, n)) for start in range(0, n, size))


def ordered_map(function: Callable[[A], B], items: Iterable[A]) -> Iterator[B]:
    """Yield `function(item)` for each item, in order, computed ahead in threads.

    At most two items a thread are under way, so results do not pile up. When the consumer stops,
    what has not begun is dropped.
    """
    workers = thread_count()
    with ThreadPoolExecutor(workers, thread_name_prefix="assay-decode") as pool:
        waiting: deque[Future[B]] = deque()
        try:
            for item in items:
                waiting.append(pool.submit(function, item))
                if len(waiting) >= 2 * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
