"""Computing on one thread, for work in many small steps."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep NumPy, SciPy and torch to one thread each, in this process, until the end of the block.

    Threads that share a step of a millisecond gain little on a quiet machine. On a busy one they
    wait for each other by spinning: 10 s were measured to become 170. Results then do not depend on
    the number of cores either.
    """
    from threadpoolctl import threadpool_limits

    # Its matrix products are those of a library that is linked into it and seen by itself alone.
    # Where nobody has loaded it, it is not worth the second that this takes.
    torch = sys.modules.get("torch")
    threads = torch.get_num_threads() if torch else 1
    with threadpool_limits(limits=1):
        if torch:
            torch.set_num_threads(1)
        try:
            yield
        finally:
            if torch:
                torch.set_num_threads(threads)
