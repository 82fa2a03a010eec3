from __future__ import annotations

from threading import Event, Thread

import pytest
import torch
from threadpoolctl import threadpool_info

from core.threads import one_thread


def threads() -> set[int]:
    return {pool["num_threads"] for pool in threadpool_info()}


def test_everything_computes_on_one_thread_until_the_end() -> None:
    before, torch_before = threads(), torch.get_num_threads()
    with pytest.raises(ValueError, match="stop"), one_thread():
        assert threads() == {1}
        assert torch.get_num_threads() == 1
        raise ValueError("stop")
    assert threads() == before
    assert torch.get_num_threads() == torch_before


def test_blocks_of_threads_that_overlap_leave_nothing_behind() -> None:
    """The one that came second leaves last: it found one thread, and must not keep to that."""
    before, torch_before = threads(), torch.get_num_threads()
    first_left, second_came = Event(), Event()

    def second() -> None:
        with one_thread():
            second_came.set()
            assert first_left.wait(60)

    other = Thread(target=second)
    with one_thread():
        other.start()
        assert second_came.wait(60)
    first_left.set()
    other.join()
    assert threads() == before
    assert torch.get_num_threads() == torch_before
