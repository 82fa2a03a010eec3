from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import Event, Thread

import pytest
import torch
from threadpoolctl import threadpool_info, threadpool_limits

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


def of_process() -> set[int]:
    """The threads of libraries whose number is one for all threads."""
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


def in_a_thread(work: Callable[[], object]) -> None:
    thread = Thread(target=work)
    thread.start()
    thread.join()


@pytest.fixture
def two_threads() -> Iterator[None]:
    """Set two, whatever the machine and the environment have; by nobody who is still there."""
    before, of_torch = of_process(), torch.get_num_threads()
    torch.set_num_threads(2)
    in_a_thread(lambda: threadpool_limits(limits=2))
    assert of_process() == {2}
    yield
    in_a_thread(lambda: threadpool_limits(limits=max(before)))
    torch.set_num_threads(of_torch)


def test_torch_is_as_it_was_after_a_block(two_threads: None) -> None:
    with one_thread():
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 2


def test_a_block_keeps_to_one_thread_though_another_one_ends(two_threads: None) -> None:
    seen: list[set[int]] = []
    first_left, second_came = Event(), Event()

    def second() -> None:
        with one_thread():
            second_came.set()
            assert first_left.wait(60)
            seen.append(of_process())

    other = Thread(target=second)
    with one_thread():
        other.start()
        assert second_came.wait(60)
    assert torch.get_num_threads() == 2  # here no block is open
    first_left.set()
    other.join()
    assert seen == [{1}]
    assert of_process() == {2}
