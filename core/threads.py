"""Computing on one thread, for work in many small steps."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock, Thread
from typing import Any


class _Limits:
    """One thread, set now; and what takes it back.

    Libraries differ in what they count: OpenMP has a number for each thread, others one for the
    whole process. Of those threadpoolctl lets a single thread decide until it ends, or leaves the
    `with` block.
    """

    def __init__(self) -> None:
        from threadpoolctl import threadpool_limits

        # Torch's matrix products are those of a library that is linked into it, which it alone
        # limits. Where nobody has loaded torch, it is not worth the second that this takes. It is
        # asked first: its OpenMP is among what is limited next.
        self._torch: Any = sys.modules.get("torch")
        self._of_torch = self._torch.get_num_threads() if self._torch else 1
        self._limits = threadpool_limits(limits=1).__enter__()
        if self._torch:
            self._torch.set_num_threads(1)

    def end(self) -> None:
        """Take back what was set, in the thread that set it."""
        self._limits.__exit__(None, None, None)
        self._restore_torch()

    def end_elsewhere(self) -> None:
        """Take back what was set, in the thread of a block that ends later."""
        _in_a_thread(self._limits.restore_original_limits)
        self._restore_torch()

    def _restore_torch(self) -> None:
        if self._torch:
            self._torch.set_num_threads(self._of_torch)


@dataclass
class _Blocks:
    """The blocks that are open now.

    Attributes
    ----------
    count : how many are
    first : what the first of them set; the others found that when they came
    """

    count: int = 0
    first: _Limits | None = None
    lock: Lock = field(default_factory=Lock)


_blocks = _Blocks()


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep NumPy, SciPy and torch to one thread each, in this process, until the end of the block.

    Threads that share a step of a millisecond gain little on a quiet machine. On a busy one they
    wait for each other by spinning: 10 s were measured to become 170. Results then do not depend on
    the number of cores either. Blocks of several threads may overlap: until the last of them ends,
    one thread it is, and after that all is as it was before the first.
    """
    with _blocks.lock:
        own = _Limits()
        if _blocks.first is None:
            _blocks.first = own
        _blocks.count += 1
    try:
        yield
    finally:
        with _blocks.lock:
            _blocks.count -= 1
            _end(own)


def _end(own: _Limits) -> None:
    """Take back what a block set, but not from the others that are open."""
    own.end()
    if _blocks.count:
        _in_a_thread(_Limits)
        return
    if _blocks.first is not None and _blocks.first is not own:
        _blocks.first.end_elsewhere()
    _blocks.first = None


def _in_a_thread(work: Callable[[], object]) -> None:
    """Do something to the whole process that does nothing to this thread."""
    thread = Thread(target=work)
    thread.start()
    thread.join()
