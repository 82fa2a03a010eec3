from __future__ import annotations

import numpy as np
import ot
import pytest

from core.transport.class_distances import LabelDistanceConfig, label_distances

TIGHT = LabelDistanceConfig(tolerance=1e-5, max_iterations=2000)


def classes(seed: int, sizes: list[int], d: int = 4) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(sizes)), sizes)
    centers = np.random.default_rng(99).standard_normal((len(sizes), d))
    points = centers[labels] + 0.5 * rng.standard_normal((len(labels), d))
    order = rng.permutation(len(labels))
    return points[order].astype(np.float32), labels[order]


def pot_distance(x: np.ndarray, y: np.ndarray, p: int) -> float:
    matrix = np.linalg.norm(x[:, None].astype(float) - y[None], axis=2) ** p / p
    plan = ot.sinkhorn(
        ot.unif(len(x)), ot.unif(len(y)), matrix, 0.1, method="sinkhorn_log",
        numItermax=20000, stopThr=1e-10,
    )  # fmt: skip
    entropy = plan * np.log(np.maximum(plan, 1e-300) * len(x) * len(y))
    return float((plan * matrix).sum() + 0.1 * entropy.sum())


@pytest.mark.parametrize("p", [1, 2])
def test_agrees_with_pot_for_classes_of_unequal_size(p: int) -> None:
    x, x_labels = classes(1, [12, 5, 30])
    y, y_labels = classes(2, [9, 20, 4])
    config = LabelDistanceConfig(tolerance=1e-5, max_iterations=2000, p=p)
    w = label_distances(x, x_labels, y, y_labels, 3, config)
    for u in range(3):
        for v in range(3):
            expected = pot_distance(x[x_labels == u], y[y_labels == v], p)
            np.testing.assert_allclose(w[u, v], expected, rtol=1e-3, atol=1e-4)


def test_default_tolerance_is_close_to_the_tight_solution() -> None:
    x, x_labels = classes(3, [40, 40, 40])
    y, y_labels = classes(4, [30, 30, 30])
    loose = label_distances(x, x_labels, y, y_labels, 3)
    tight = label_distances(x, x_labels, y, y_labels, 3, TIGHT)
    np.testing.assert_allclose(loose, tight, rtol=0.01)


def test_empty_classes_have_no_distance_and_disturb_no_other() -> None:
    x, x_labels = classes(5, [6, 7, 8])
    y, y_labels = classes(6, [6, 7, 8])
    full = label_distances(x, x_labels, y, y_labels, 3, TIGHT)
    here, there = x_labels != 1, y_labels != 2
    w = label_distances(x[here], x_labels[here], y[there], y_labels[there], 4, TIGHT)
    assert np.isnan(w[1]).all()
    assert np.isnan(w[:, 2]).all()
    assert np.isnan(w[3]).all()
    rest = np.ix_([0, 2], [0, 1])
    np.testing.assert_allclose(w[rest], full[rest], atol=1e-4)


def test_one_image_a_class_has_a_closed_form() -> None:
    x, y = np.array([[0.0, 0.0], [3.0, 4.0]], np.float32), np.array([[0.0, 0.0]], np.float32)
    w = label_distances(x, np.array([0, 1]), y, np.array([0]), 2)
    np.testing.assert_allclose(w[:, 0], [0.0, 12.5], atol=1e-5)


def test_row_order_changes_nothing_even_when_classes_are_subsampled() -> None:
    x, x_labels = classes(7, [50, 60])
    y, y_labels = classes(8, [40, 30])
    config = LabelDistanceConfig(max_class_size=20)
    order = np.random.default_rng(0).permutation(len(x))
    plain = label_distances(x, x_labels, y, y_labels, 2, config)
    shuffled = label_distances(x[order], x_labels[order], y, y_labels, 2, config)
    np.testing.assert_allclose(plain, shuffled, rtol=1e-5)


def test_duplicating_a_side_changes_nothing_even_when_classes_are_subsampled() -> None:
    x, x_labels = classes(9, [50, 60])
    y, y_labels = classes(10, [40, 30])
    config = LabelDistanceConfig(max_class_size=45)
    once = label_distances(x, x_labels, y, y_labels, 2, config)
    twice = label_distances(np.r_[x, x], np.r_[x_labels, x_labels], y, y_labels, 2, config)
    np.testing.assert_allclose(twice, once, rtol=1e-5)
