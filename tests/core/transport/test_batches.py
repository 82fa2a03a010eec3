"""How sets are cut into batches, and how large a batch may be."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import ConfigError
from core.transport import BATCH_KINDS, batch_memory, choose_batch_size, make_batches


@given(
    labels=st.lists(st.integers(0, 6), min_size=1, max_size=200).map(np.array),
    size=st.integers(1, 60),
    kind=st.sampled_from(BATCH_KINDS),
    seed=st.integers(0, 5),
)
def test_each_image_is_in_one_batch_and_batches_are_of_one_size(
    labels: np.ndarray, size: int, kind: str, seed: int
) -> None:
    batches = make_batches(labels, size, kind, np.random.default_rng(seed))
    np.testing.assert_array_equal(np.sort(np.concatenate(batches)), np.arange(len(labels)))
    sizes = [len(batch) for batch in batches]
    assert max(sizes) <= size
    assert max(sizes) - min(sizes) <= 1
    assert len(batches) == -(-len(labels) // size)


@given(
    labels=st.lists(st.integers(0, 6), min_size=1, max_size=200).map(np.array),
    size=st.integers(1, 60),
)
def test_stratified_batches_share_every_class_evenly(labels: np.ndarray, size: int) -> None:
    batches = make_batches(labels, size, "stratified", np.random.default_rng(0))
    counts = np.array([np.bincount(labels[batch], minlength=7) for batch in batches])
    assert (np.ptp(counts, axis=0) <= 1).all()


def test_random_batches_of_a_sorted_set_mix_its_classes() -> None:
    labels = np.repeat(np.arange(10), 100)
    for batch in make_batches(labels, 100, "random", np.random.default_rng(0)):
        assert len(np.unique(labels[batch])) >= 9


def test_the_generator_decides_who_comes_where() -> None:
    labels = np.zeros(50, dtype=np.int64)
    first, again, other = (
        make_batches(labels, 10, "random", np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    assert all((one == two).all() for one, two in zip(first, again, strict=True))
    assert any((one != two).any() for one, two in zip(first, other, strict=True))


@given(
    n=st.integers(1, 2_000_000),
    m=st.integers(1, 100_000),
    limit=st.floats(1.0, 20_000.0),
)
def test_the_batch_size_chosen_stays_within_the_limit_and_one_step_more_does_not(
    n: int, m: int, limit: float
) -> None:
    try:
        size = choose_batch_size(n, m, None, limit)
    except ConfigError as error:
        assert "at least" in str(error)
        assert batch_memory(n, m, max(n, m)) > 1e6 * limit
        return
    assert batch_memory(n, m, size) <= 1e6 * limit
    larger = min(int(1.05 * size) + 1, max(n, m))
    if larger > size:
        assert batch_memory(n, m, larger) > 1e6 * limit


def test_a_limit_too_small_for_any_batches_says_what_would_do() -> None:
    wanted = r"1,000,000 against 10,000 images need \d+ MB"
    with pytest.raises(ConfigError, match=wanted) as error:
        choose_batch_size(1_000_000, 10_000, None, 1.0)
    needed = float(str(error.value).split(" MB at least")[0].split()[-1])
    assert choose_batch_size(1_000_000, 10_000, None, needed) > 0


def test_a_batch_size_beyond_the_limit_is_refused_with_what_it_needs() -> None:
    with pytest.raises(ConfigError, match=r"Batches of 8,192 images need \d+ MB, above"):
        choose_batch_size(50_000, 10_000, 8192, 100.0)


def test_without_limit_or_size_the_batches_are_those_of_the_paper() -> None:
    assert choose_batch_size(50_000, 10_000, None, None) == 1024
    assert choose_batch_size(50_000, 10_000, 256, None) == 256


def test_unknown_kinds_are_refused() -> None:
    with pytest.raises(ConfigError, match="random, stratified"):
        make_batches(np.zeros(3, dtype=np.int64), 2, "sorted", np.random.default_rng(0))
