"""KNN-Shapley against the definition of the Shapley value, and against pyDVL."""

from __future__ import annotations

from itertools import combinations
from math import comb

import numpy as np
import pytest

from core.errors import ConfigError
from core.valuation.knn_shapley import KnnShapleyConfig, _by_distance, knn_shapley

Sets = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def some_sets(n: int, m: int, seed: int = 0) -> Sets:
    rng = np.random.default_rng(seed)
    x, y = rng.standard_normal((n, 2)), rng.standard_normal((m, 2))
    return x, rng.integers(0, 2, n), y, rng.integers(0, 2, m)


def worth(sets: Sets, chosen: tuple[int, ...], at: int, k: int) -> float:
    """Return the share of right votes for validation image `at` among the nearest of `chosen`."""
    x, x_labels, y, y_labels = sets
    order = sorted(chosen, key=lambda i: (((x[i] - y[at]) ** 2).sum(), i))[:k]
    return float(sum(x_labels[i] == y_labels[at] for i in order)) / k


def brute_force(sets: Sets, k: int) -> np.ndarray:
    """Return Shapley values by their definition: all coalitions."""
    n, m = len(sets[0]), len(sets[2])
    found = np.zeros(n)
    for at in range(m):
        for i in range(n):
            rest = [j for j in range(n) if j != i]
            for size in range(n):
                for others in combinations(rest, size):
                    gain = worth(sets, (*others, i), at, k) - worth(sets, others, at, k)
                    found[i] += gain / (n * comb(n - 1, size)) / m
    return found


@pytest.mark.parametrize(("n", "k"), [(7, 1), (7, 3), (5, 5), (4, 6), (1, 2)])
def test_the_recursion_is_the_shapley_value(n: int, k: int) -> None:
    sets = some_sets(n, 3, seed=n + k)
    np.testing.assert_allclose(knn_shapley(*sets, k), brute_force(sets, k), rtol=0, atol=1e-10)


def test_equal_distances_are_taken_in_the_order_of_the_rows() -> None:
    x, x_labels, y, y_labels = some_sets(6, 2)
    x[3:] = x[:3]
    sets = (x, x_labels, y, y_labels)
    np.testing.assert_allclose(knn_shapley(*sets, 2), brute_force(sets, 2), rtol=0, atol=1e-10)


def test_values_add_up_to_the_worth_of_the_whole_set() -> None:
    sets = some_sets(300, 40)
    whole = np.mean([worth(sets, tuple(range(300)), at, 7) for at in range(40)])
    np.testing.assert_allclose(knn_shapley(*sets, 7).sum(), whole, rtol=1e-12)


def test_large_problems_are_sorted_alike_in_single_precision() -> None:
    distance = np.random.default_rng(0).integers(0, 50, 2000).astype(np.float32) / 7
    np.testing.assert_array_equal(_by_distance(distance), np.argsort(distance, kind="stable"))


def test_blocks_of_validation_images_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    sets = some_sets(50, 23)
    whole = knn_shapley(*sets, 3)
    monkeypatch.setattr("core.valuation.knn_shapley._PAIRS_AT_ONCE", 200)
    np.testing.assert_allclose(knn_shapley(*sets, 3), whole, rtol=0, atol=1e-14)


def test_it_agrees_with_pydvl() -> None:
    pytest.importorskip("pydvl", reason="pyDVL is not installed: it is optional")
    from pydvl.valuation import Dataset
    from pydvl.valuation.methods import KNNShapleyValuation
    from sklearn.neighbors import KNeighborsClassifier

    x, x_labels, y, y_labels = some_sets(40, 15)
    classifier = KNeighborsClassifier(n_neighbors=4)
    theirs = KNNShapleyValuation(classifier, Dataset(y, y_labels), progress=False)
    theirs.fit(Dataset(x, x_labels))
    found = theirs.result.sort(key="index")
    np.testing.assert_allclose(
        found.values, knn_shapley(x, x_labels, y, y_labels, 4), rtol=0, atol=1e-10
    )


def test_k_must_be_positive() -> None:
    with pytest.raises(ConfigError, match="k must be 1 or more"):
        KnnShapleyConfig(k=0)
