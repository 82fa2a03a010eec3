"""Computing on one thread, for work in many small steps."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock


@dataclass
class _Blocks:
    """The blocks that are open now.

    Attributes
    ----------
    count : how many are
    restore : takes back the limits of the first; the others found those when they came
    """

    count: int = 0
    restore: Callable[[], None] = lambda: None
    lock: Lock = field(default_factory=Lock)


_blocks = _Blocks()


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep NumPy, SciPy and torch to one thread each, in this process, until the end of the block.

    Threads that share a step of a millisecond gain little on a quiet machine. On a busy one they
    wait for each other by spinning: 10 s were measured to become 170. Results then do not depend on
    the number of cores either. Blocks of several threads may overlap: after the last of them all is
    as it was before the first.
    """
    with _blocks.lock:
        restore = _limit()
        if _blocks.count == 0:
            _blocks.restore = restore
        _blocks.count += 1
    try:
        yield
    finally:
        with _blocks.lock:
            restore()
            _blocks.count -= 1
            if _blocks.count == 0:
                _blocks.restore()


def _limit() -> Callable[[], None]:
    """Set the limits, and return what takes them back."""
    from threadpoolctl import threadpool_limits

    limits = threadpool_limits(limits=1)
    # Torch's matrix products are those of a library that is linked into it, which it alone limits.
    # Where nobody has loaded torch, it is not worth the second that this takes.
    torch = sys.modules.get("torch")
    threads = torch.get_num_threads() if torch else 1

    def restore() -> None:
        limits.restore_original_limits()
        if torch:
            torch.set_num_threads(threads)

    if torch:
        torch.set_num_threads(1)
    return restore
