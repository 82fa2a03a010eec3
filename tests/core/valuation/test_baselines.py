"""What all simple baselines have in common, and the formulas of each."""

from __future__ import annotations

import numpy as np
import pytest

from core.errors import ConfigError, DataError
from core.valuation import FAMILIES, METHODS, Method, TransportValuation
from core.valuation.confident import adjusted_probabilities, confident_thresholds, label_issues
from core.valuation.knn import KnnConfig
from core.valuation.simple_methods import REFERENCE_METHODS, SIMPLE_METHODS

Sets = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
ALL = [*SIMPLE_METHODS, *REFERENCE_METHODS]


def clear_classes(n: int = 150, m: int = 60, seed: int = 0) -> tuple[Sets, np.ndarray]:
    """Return three classes well apart, and which labels are wrong: every tenth."""
    rng = np.random.default_rng(seed)
    truth, y_labels = np.arange(n) % 3, np.arange(m) % 3
    centers = 4 * np.eye(3, 6)
    x = (centers[truth] + rng.standard_normal((n, 6))).astype(np.float32)
    y = (centers[y_labels] + rng.standard_normal((m, 6))).astype(np.float32)
    wrong = np.arange(n) % 10 == 0
    return (x, np.where(wrong, (truth + 1) % 3, truth), y, y_labels), wrong


@pytest.mark.parametrize("name", ALL)
def test_the_result_is_whole_and_the_same_again(name: str) -> None:
    sets, _ = clear_classes()
    first, again = METHODS[name](*sets, 3), METHODS[name](*sets, 3)
    assert not isinstance(first, TransportValuation)
    assert first.value.shape == first.looks_like.shape == (150,)
    assert np.isfinite(first.value).all()
    np.testing.assert_array_equal(first.value, again.value)
    np.testing.assert_array_equal(first.value, -first.score)


@pytest.mark.parametrize("name", SIMPLE_METHODS)
def test_wrong_labels_have_the_lowest_values(name: str) -> None:
    sets, wrong = clear_classes()
    value = METHODS[name](*sets, 3).value
    worst = np.argsort(value)[: wrong.sum()]
    assert wrong[worst].mean() > 0.85


@pytest.mark.parametrize("name", SIMPLE_METHODS)
def test_a_class_that_the_validation_set_lacks_gives_finite_values(name: str) -> None:
    (x, x_labels, y, y_labels), _ = clear_classes()
    kept = y_labels != 2
    assert np.isfinite(METHODS[name](x, x_labels, y[kept], y_labels[kept], 4).value).all()


@pytest.mark.parametrize("name", ["knn-shapley", "knn-disagreement", "prototypes"])
def test_the_order_of_the_images_does_not_matter(name: str) -> None:
    (x, x_labels, y, y_labels), _ = clear_classes()
    shuffled = np.random.default_rng(1).permutation(len(x))
    value = METHODS[name](x, x_labels, y, y_labels, 3).value
    other = METHODS[name](x[shuffled], x_labels[shuffled], y, y_labels, 3).value
    np.testing.assert_allclose(other, value[shuffled], atol=1e-6)  # sums in another order


@pytest.mark.parametrize("name", ALL)
def test_embeddings_that_are_not_finite_are_refused(name: str) -> None:
    (x, x_labels, y, y_labels), _ = clear_classes()
    x[3, 1] = np.nan
    with pytest.raises(DataError):
        METHODS[name](x, x_labels, y, y_labels, 3)


@pytest.mark.parametrize("k", [1, 3, 100])
def test_disagreement_is_what_a_loop_over_neighbors_finds(k: int) -> None:
    (x, x_labels, y, y_labels), _ = clear_classes(20, 12)
    found = METHODS["knn-disagreement"](x, x_labels, y, y_labels, 3, KnnConfig(k=k)).score
    for i in range(20):
        squared = ((x[i].astype(np.float64) - y) ** 2).sum(axis=1)
        order = np.argsort(squared)
        reach = squared[order[k]] if k < 12 else 2 * squared.max()
        weight = {j: 1 - squared[j] / reach for j in order[:k]}
        own = sum(w for j, w in weight.items() if y_labels[j] == x_labels[i])
        np.testing.assert_allclose(found[i], 1 - own / sum(weight.values()), atol=1e-5)


def test_neighbors_at_no_distance_count_alike() -> None:
    x, labels = np.zeros((1, 2), np.float32), np.zeros(1, np.int64)
    y, y_labels = np.zeros((4, 2), np.float32), np.array([0, 0, 0, 1])
    found = METHODS["knn-disagreement"](x, labels, y, y_labels, 2, KnnConfig(k=4))
    np.testing.assert_allclose(found.score, [0.25])


def test_a_prototype_is_a_direction() -> None:
    x = np.array([[2.0, 0.0], [0.0, 3.0], [-1.0, 0.0], [0.0, 0.0]], np.float32)
    y = np.array([[1.0, 0.0], [5.0, 0.0]], np.float32)
    zeros = np.zeros(4, np.int64)
    found = METHODS["prototypes"](x, zeros, y, zeros[:2], 1)
    np.testing.assert_allclose(found.score, [0.0, 1.0, 2.0, 1.0], atol=1e-12)


def test_thresholds_and_issues_of_confident_learning_by_hand() -> None:
    p = np.array([[0.9, 0.1], [0.7, 0.3], [0.2, 0.8], [0.85, 0.15]])
    labels = np.array([0, 0, 1, 1])
    np.testing.assert_allclose(confident_thresholds(p, labels), [0.8, 0.475])
    # The second is confidently of no class; the last confidently of class 0 and labelled 1.
    np.testing.assert_array_equal(label_issues(p, labels), [False, False, False, True])
    adjusted = adjusted_probabilities(p, labels)
    np.testing.assert_allclose(adjusted[0], np.array([0.9, 0.425]) / 1.325)


def test_confident_learning_is_that_of_cleanlab() -> None:
    pytest.importorskip("cleanlab", reason="cleanlab is not installed: it is compared with only")
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores

    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.full(4, 0.4), 400)
    labels = np.array([rng.choice(4, p=row) for row in p])
    theirs = get_label_quality_scores(labels, p, adjust_pred_probs=True)
    ours = adjusted_probabilities(p, labels)[np.arange(400), labels]
    np.testing.assert_allclose(ours, theirs, rtol=1e-12)
    found = find_label_issues(labels, p, filter_by="confident_learning", min_examples_per_class=0)
    np.testing.assert_array_equal(label_issues(p, labels), found)


def test_the_wrong_images_of_a_flooded_label_keep_a_share_of_confidence() -> None:
    sure, flood, doubt = [0.98, 0.01, 0.01], [0.0, 0.99, 0.01], [0.0, 0.9, 0.1]
    # Three images of label 0 in four are wrong; one of label 2 is doubtful.
    p = np.array([sure] + [flood] * 3 + [sure[::-1]] * 9 + [doubt])
    labels = np.array([0] * 4 + [2] * 10)
    own = np.arange(14), labels
    assert p[own].argmin() in (1, 2, 3)
    adjusted = adjusted_probabilities(p, labels)[own]
    assert adjusted.argmin() == 13
    # Threshold of label 0: 0.245; of the others: 1 (there is none) and 0.892.
    np.testing.assert_allclose(adjusted[1:4], 0.755 / (1 + 3 - 2.137))


def test_every_method_is_described() -> None:
    families = [method.family for method in METHODS.values()]
    assert sorted(set(families), key=FAMILIES.index) == list(dict.fromkeys(families))
    for method in METHODS.values():
        assert all((method.title, method.summary, method.needs, method.cost, method.source))


def test_a_missing_package_and_too_many_images_are_refused_in_words() -> None:
    parts = METHODS["random"]
    fields = {name: getattr(parts, name) for name in Method.__slots__}
    with pytest.raises(ConfigError, match="no_such_package, which is not installed"):
        Method(**{**fields, "package": "no_such_package"}).require_usable()
    with pytest.raises(ConfigError, match="10 training images at most"):
        Method(**{**fields, "most_images": 10}).require_usable(11)
