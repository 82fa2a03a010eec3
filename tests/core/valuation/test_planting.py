"""Faults planted in held-out images: each kind is what it says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.valuation.planting import SOUND, HeldOut, plant, split_in_halves, stratified


def held_out(v: int = 5, n: int = 300, seed: int = 0) -> HeldOut:
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % v
    x = (4 * np.eye(v, 6)[labels] + rng.standard_normal((n, 6))).astype(np.float32)
    return split_in_halves(x, labels, most=n, repeats=1, rng=rng)[0]


def test_halves_share_no_image_and_hold_every_class() -> None:
    part = held_out()
    both = np.concatenate([part.x, part.y])
    assert len(np.unique(both, axis=0)) == len(both) == 300
    np.testing.assert_array_equal(np.bincount(part.x_labels), [30] * 5)


def test_a_class_of_one_image_is_kept() -> None:
    labels = np.array([0, 0, 0, 0, 1])
    kept, held = stratified(labels, 0.5, np.random.default_rng(0))
    assert 4 in kept
    assert len(held) == 2


def test_wrong_labels_are_wrong_and_all_else_is_as_it_was() -> None:
    part = held_out()
    bag = plant(part, 0, np.random.default_rng(1))
    true = {row.tobytes(): label for row, label in zip(part.x, part.x_labels, strict=True)}
    for kind, same in ((SOUND, True), (0, False)):
        rows = bag.kind == kind
        assert rows.sum() > 20
        given = bag.x_labels[rows]
        was = np.array([true[row.tobytes()] for row in bag.x[rows]])
        assert ((given == was) == same).all()


def test_foreign_images_are_of_classes_that_are_not_kept() -> None:
    part = held_out()
    bag = plant(part, 2, np.random.default_rng(1))
    true = {row.tobytes(): label for row, label in zip(part.x, part.x_labels, strict=True)}
    foreign = [true[row.tobytes()] for row in bag.x[bag.kind == 2]]
    assert foreign
    assert not set(foreign) & set(bag.y_labels.tolist())
    assert set(bag.x_labels.tolist()) <= set(bag.y_labels.tolist())


def test_every_class_is_left_out_once_over_the_repetitions() -> None:
    part = held_out()
    left_out = [
        set(range(5)) - set(plant(part, i, np.random.default_rng(i)).y_labels.tolist())
        for i in range(5)
    ]
    assert sorted(label for labels in left_out for label in labels) == [0, 1, 2, 3, 4]


def test_two_classes_have_no_foreign_images() -> None:
    bag = plant(held_out(v=2), 0, np.random.default_rng(1))
    assert not (bag.kind == 2).any()
    assert (bag.kind == 0).any()


@pytest.mark.parametrize("rare", [1, 4])
def test_a_class_that_the_kept_images_lack_is_foreign(rare: int) -> None:
    """Of a large set only a part is used, and a rare class may be missing on one side of it."""
    part = held_out()
    there = part.y_labels != rare
    lacking = replace(part, y=part.y[there], y_labels=part.y_labels[there])
    bag = plant(lacking, 0, np.random.default_rng(1))
    theirs = {row.tobytes() for row in part.x[part.x_labels == rare]}
    assert {row.tobytes() for row in bag.x[bag.kind == 2]} & theirs
    assert not {row.tobytes() for row in bag.x[bag.kind != 2]} & theirs
    assert rare not in bag.x_labels


def test_noise_in_the_pictures_is_used_where_there_is_any() -> None:
    part = held_out()
    noisy = HeldOut(
        x=part.x, x_labels=part.x_labels, y=part.y, y_labels=part.y_labels, noisy=part.x + 100
    )
    bag = plant(noisy, 0, np.random.default_rng(1))
    assert bag.x[bag.kind == 1].min() > 50
