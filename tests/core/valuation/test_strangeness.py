"""Distances in deviations of the classes, and the direction of damage."""

from __future__ import annotations

import numpy as np
import pytest

from core.valuation.strangeness import damage_direction, yardstick


def classes(n: int, seed: int = 0, d: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """Return three classes that vary a lot in the first direction and little in the others."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 3
    centers = np.random.default_rng(9).normal(0, 3, (3, d))
    spread = np.r_[5.0, np.full(d - 1, 0.5)]
    return centers[labels] + spread * rng.standard_normal((n, d)), labels


def test_images_of_the_classes_are_about_one_deviation_away() -> None:
    y, labels = classes(3000)
    found = yardstick(y, labels).strangeness(classes(500, seed=1)[0])
    assert 0.85 < np.sqrt(np.mean(found**2)) < 1.1


def test_a_step_where_classes_do_not_vary_is_strange_and_the_same_step_elsewhere_is_not() -> None:
    y, labels = classes(3000)
    step = np.zeros((2, 6))
    step[0, 0] = step[1, 3] = 4.0
    center = y[labels == 0].mean(axis=0)
    along, across = yardstick(y, labels).strangeness(center + step)
    assert along < 0.5 < 2 < across


def test_units_rotations_and_shifts_change_nothing_where_images_are_many() -> None:
    y, labels = classes(3000)
    x = classes(50, seed=1)[0]
    rotation = np.linalg.qr(np.random.default_rng(3).standard_normal((6, 6)))[0]
    plain = yardstick(y, labels).strangeness(x)
    moved = yardstick(7 * y @ rotation + 3, labels).strangeness(7 * x @ rotation + 3)
    np.testing.assert_allclose(plain, moved, rtol=1e-6)  # rounding of the decomposition


@pytest.mark.parametrize("n", [1, 3, 4])
def test_few_or_equal_images_give_finite_distances(n: int) -> None:
    y, labels = classes(n)
    for points in (y, np.zeros_like(y)):
        assert np.isfinite(yardstick(points, labels).strangeness(classes(5)[0])).all()


def test_the_direction_of_damage_tells_damaged_pictures_from_sound_ones() -> None:
    y, _ = classes(600)
    moved = np.r_[0, 0, 1.5, 0, 0, 0]
    found = damage_direction(y[:400], y[:400] + moved)
    assert found is not None
    sound, damaged = found(y[400:]), found(y[400:] + moved)
    assert abs(sound.mean()) < 0.5
    assert 0.7 < sound.std() < 1.4
    assert np.mean(damaged) > np.mean(sound) + 2


def test_damage_that_does_not_show_has_no_direction() -> None:
    y, _ = classes(50)
    assert damage_direction(y, y) is None
