from __future__ import annotations

import numpy as np
import pandas as pd

from core.evaluation import class_order, class_summary, lookalikes

VALUES = pd.DataFrame(
    {
        "label": [0, 0, 0, 0, 2, 2],
        "class_name": ["a", "a", "a", "a", "c", "c"],
        "value": [1.0, -4.0, 2.0, 3.0, -5.0, 4.0],
        "looks_like": [0, 2, 2, 1, 2, 0],
    }
)
NAMES = ("a", "b", "c")
DISTANCES = np.array([[1.0, 3.0, 5.0], [np.nan] * 3, [4.0, 6.0, 2.0]])


def test_classes_with_the_largest_harmful_share_come_first():
    summary = class_summary(VALUES, np.array([False, True, False, False, True, False]))
    assert summary["class_name"].tolist() == ["c", "a"]
    assert summary["images"].tolist() == [2, 4]
    assert summary["harmful"].tolist() == [1, 1]
    assert summary["share"].tolist() == [0.5, 0.25]
    assert summary["median_value"].tolist() == [-0.5, 1.5]
    assert summary["lowest_value"].tolist() == [-5.0, -4.0]


def test_classes_of_equal_share_are_ordered_by_median_value():
    summary = class_summary(VALUES, np.zeros(6, dtype=bool))
    assert summary["class_name"].tolist() == ["c", "a"]


def test_images_are_counted_by_label_and_looks():
    pairs = lookalikes(VALUES, DISTANCES, NAMES)
    found = [tuple(row) for row in pairs[["class_name", "looks_like", "images"]].to_numpy()]
    # a->c twice; then c->a (distance 4) behind a->b (distance 3), then c->b without images.
    # b has no training images and no distances: its pairs are left out.
    assert found == [("a", "c", 2), ("a", "b", 1), ("c", "a", 1), ("c", "b", 0)]
    assert pairs["distance"].tolist() == [5.0, 3.0, 4.0, 6.0]
    assert pairs["own_distance"].tolist() == [1.0, 1.0, 2.0, 2.0]


def test_a_pair_with_images_but_without_a_distance_is_kept():
    unknown = np.full((3, 3), np.nan)
    pairs = lookalikes(VALUES, unknown, NAMES)
    assert pairs["images"].tolist() == [2, 1, 1]
    assert pairs["distance"].isna().all()


def test_one_class_has_no_pairs():
    one = VALUES[VALUES["label"] == 0].assign(looks_like=0)
    assert lookalikes(one, np.ones((1, 1)), ("a",)).empty


def test_similar_classes_become_neighbors():
    place = np.array([0.0, 10.0, 0.1, 10.1, 0.2, 10.2])
    distances = np.abs(place[:, None] - place[None])
    order = class_order(distances)
    assert sorted(order.tolist()) == list(range(6))
    assert {frozenset(order[:3].tolist()), frozenset(order[3:].tolist())} == {
        frozenset({0, 2, 4}),
        frozenset({1, 3, 5}),
    }
    assert order[1] in (2, 3)  # the middle one of three lies in the middle


def test_missing_distances_leave_a_permutation():
    distances = np.random.default_rng(0).random((7, 7))
    distances[3] = np.nan
    distances[:, 3] = np.nan
    assert sorted(class_order(distances).tolist()) == list(range(7))
    assert class_order(np.full((4, 4), np.nan)).tolist() == [0, 1, 2, 3]


def test_one_and_two_classes_keep_their_order():
    assert class_order(np.ones((1, 1))).tolist() == [0]
    assert class_order(np.ones((2, 2))).tolist() == [0, 1]
