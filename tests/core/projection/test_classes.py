from __future__ import annotations

import numpy as np
import pytest

from core.errors import DataError
from core.projection import class_shares
from core.projection.classes import MOST_GROUPS


def drawn(shares: np.ndarray, size: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Labels and sources of pilots of one size."""
    rng = np.random.default_rng(seed)
    labels = np.concatenate([rng.choice(len(row), size=size, p=row) for row in shares])
    return labels, np.repeat(np.arange(len(shares)), size)


@pytest.mark.parametrize("seed", range(5))
def test_sources_that_differ_by_chance_count_as_alike(seed: int) -> None:
    labels, source = drawn(np.full((3, 10), 0.1), 500, seed)
    assert not class_shares(labels, source, labels, 10).differ


def test_sources_that_differ_keep_their_shares() -> None:
    truth = np.array([[0.45, 0.45, 0.05, 0.05], [0.1, 0.1, 0.4, 0.4]])
    found = class_shares(*drawn(truth, 2000), np.arange(4), 4)
    assert found.differ
    np.testing.assert_allclose(found.sources, truth, atol=0.04)
    np.testing.assert_allclose(found.sources.sum(axis=1), 1)
    np.testing.assert_allclose(found.validation, 0.25)


def test_a_class_that_a_source_lacks_is_rare_but_not_impossible() -> None:
    truth = np.array([[0.5, 0.5, 0.0], [1 / 3, 1 / 3, 1 / 3]])
    found = class_shares(*drawn(truth, 500), np.arange(3), 3)
    assert 0 < found.sources[0, 2] < 0.01


def test_many_classes_are_put_into_groups_that_sources_treat_alike() -> None:
    truth = np.ones((2, 200))
    truth[0, :100] = 19
    truth[1, 100:] = 19
    truth /= truth.sum(axis=1, keepdims=True)
    found = class_shares(*drawn(truth, 5000), np.arange(200), 200)
    assert found.v == 200
    assert found.width <= MOST_GROUPS
    np.testing.assert_allclose(found.validation.sum(), 1)
    members = np.bincount(found.group)
    np.testing.assert_allclose(found.sources @ members, 1)
    assert not set(found.group[:100]) & set(found.group[100:])


def test_one_source_differs_from_nobody() -> None:
    assert not class_shares(np.array([0, 0, 1]), np.zeros(3, dtype=int), np.array([0]), 2).differ


def test_nothing_to_count_is_refused() -> None:
    nothing = np.zeros(0, dtype=np.int64)
    with pytest.raises(DataError):
        class_shares(nothing, nothing, np.array([0]), 2)
