"""Who was mislabelled as what, found without a true label."""

from __future__ import annotations

import numpy as np

from core.valuation.mislabelling import find_mislabelling

V = 5


def seen(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return what n images look like, mostly rightly, and their true classes."""
    rng = np.random.default_rng(seed)
    true = rng.integers(0, V, n)
    scores = 1.5 * rng.standard_normal((n, V)) + 5 * np.eye(V)[true]
    weights = np.exp(scores)
    return weights / weights.sum(axis=1, keepdims=True), true


def flipped(true: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    wrong = rng.random(len(true)) < share
    return np.where(wrong, (true + rng.integers(1, V, len(true))) % V, true)


def test_every_second_dog_called_a_cat_makes_that_way_common() -> None:
    classes, true = seen(4000)
    labels = flipped(true, 0.05, np.random.default_rng(1))
    labels[(true == 3) & (np.arange(4000) % 2 == 0)] = 1
    found = find_mislabelling(classes, labels)
    ratio = np.array(found.ratio)
    off = ~np.eye(V, dtype=bool)
    assert ratio[3, 1] > 4
    assert ratio[3, 1] == ratio[off].max()
    assert not any(found.flooded)
    cats = labels == 1
    rate = found.log_commonness(classes, labels)
    assert rate[cats & (true == 3)].mean() > rate[cats & (true == 0)].mean() + 1


def test_a_label_given_to_images_of_all_other_classes_is_flooded() -> None:
    classes, true = seen(4000)
    rng = np.random.default_rng(2)
    labels = flipped(true, 0.04, rng)
    labels[rng.random(4000) < 0.1] = 2
    assert find_mislabelling(classes, labels).flooded == (False, False, True, False, False)


def test_evenly_wrong_labels_are_all_about_as_common() -> None:
    classes, true = seen(8000)
    found = find_mislabelling(classes, flipped(true, 0.25, np.random.default_rng(3)))
    off = ~np.eye(V, dtype=bool)
    assert 0.7 < np.array(found.ratio)[off].min() < np.array(found.ratio)[off].max() < 1.4
    assert not any(found.flooded)


def test_labels_that_all_fit_say_nothing() -> None:
    classes = np.eye(V)[np.arange(500) % V]
    found = find_mislabelling(classes, np.arange(500) % V)
    np.testing.assert_array_equal(found.ratio, np.ones((V, V)))
    np.testing.assert_allclose(found.log_commonness(classes, np.arange(500) % V), 0, atol=1e-9)


def test_two_classes_have_one_way_each_and_nothing_to_compare() -> None:
    found = find_mislabelling(np.full((50, 2), 0.5), np.arange(50) % 2)
    np.testing.assert_array_equal(found.ratio, np.ones((2, 2)))


def test_the_order_of_the_images_does_not_matter() -> None:
    classes, true = seen(1000)
    labels = flipped(true, 0.3, np.random.default_rng(4))
    order = np.random.default_rng(5).permutation(1000)
    one, other = (
        find_mislabelling(classes, labels),
        find_mislabelling(classes[order], labels[order]),
    )
    np.testing.assert_allclose(one.ratio, other.ratio, rtol=1e-9)  # sums in another order
