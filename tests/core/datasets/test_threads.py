from __future__ import annotations

import threading

from hypothesis import given
from hypothesis import strategies as st

from core.datasets.threads import chunks, ordered_map, thread_count


@given(st.integers(0, 100), st.integers(1, 20))
def test_chunks_cover_everything_once(n: int, size: int) -> None:
    assert [row for part in chunks(n, size) for row in part] == list(range(n))


@given(st.lists(st.integers()))
def test_results_come_in_order(items: list[int]) -> None:
    assert list(ordered_map(lambda item: item * 2, items)) == [item * 2 for item in items]


def test_work_runs_ahead_by_a_bounded_number_and_stops_with_its_reader() -> None:
    begun: list[int] = []
    lock = threading.Lock()

    def work(item: int) -> int:
        with lock:
            begun.append(item)
        return item

    results = ordered_map(work, range(10_000))
    assert next(results) == 0
    results.close()
    assert len(begun) <= 2 * thread_count()
