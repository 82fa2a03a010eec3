from __future__ import annotations

import numpy as np
import pytest

from core.transport import SinkhornConfig, solve_sinkhorn
from core.valuation import explain
from tests.core.transport.problems import dense, random_cost


def test_matches_are_a_row_of_the_plan() -> None:
    cost = random_cost(1)
    config = SinkhornConfig(tolerance=1e-6, max_passes=2000, precision="float64")
    solution = solve_sinkhorn(cost, config)
    matrix = dense(cost)
    plan = np.exp((solution.f[:, None] + solution.g[None] - matrix) / 0.1) / 45
    found = explain(cost, 3, solution.g, solution.epsilon, k=45)
    np.testing.assert_allclose(found.matched_mass, np.sort(plan[3])[::-1], atol=1e-6)
    np.testing.assert_allclose(plan[3][found.matched], found.matched_mass, atol=1e-6)
    np.testing.assert_allclose(
        found.feature_cost + found.label_cost, plan[3] @ matrix[3], rtol=1e-5
    )


def test_neighbors_are_the_nearest_by_features() -> None:
    cost = random_cost(2)
    distance = np.linalg.norm(cost.y - cost.x[0], axis=1)
    found = explain(cost, 0, np.zeros(45), 0.1, k=4)
    np.testing.assert_array_equal(found.nearest, np.argsort(distance)[:4])
    np.testing.assert_allclose(found.nearest_distance, np.sort(distance)[:4], rtol=1e-5)
    own = np.flatnonzero(cost.y_labels == cost.x_labels[0])
    np.testing.assert_array_equal(found.own, own[np.argsort(distance[own])[:4]])


def test_neighbors_of_the_class_it_resembles_are_of_that_class_only() -> None:
    cost = random_cost(2)
    distance = np.linalg.norm(cost.y - cost.x[0], axis=1)
    other = 1 - int(cost.x_labels[0])
    found = explain(cost, 0, np.zeros(45), 0.1, resembles=other, k=4)
    rows = np.flatnonzero(cost.y_labels == other)
    np.testing.assert_array_equal(found.other, rows[np.argsort(distance[rows])[:4]])
    np.testing.assert_allclose(found.other_distance, distance[found.other], rtol=1e-5)


@pytest.mark.parametrize("resembles", [None, "its own"])
def test_an_image_that_resembles_its_own_class_has_no_other(resembles) -> None:
    cost = random_cost(2)
    own = int(cost.x_labels[0]) if resembles else None
    assert len(explain(cost, 0, np.zeros(45), 0.1, resembles=own).other) == 0


@pytest.mark.parametrize("labels", [True, False])
def test_the_mass_by_class_is_that_of_the_plan(labels: bool) -> None:
    cost = random_cost(7, labels=labels)
    found = explain(cost, 5, np.zeros(45), 0.3, k=45)
    expected = np.zeros(len(found.class_mass))
    np.add.at(expected, cost.y_labels[found.matched], found.matched_mass)
    np.testing.assert_allclose(found.class_mass, expected, atol=1e-12)
    np.testing.assert_allclose(found.class_mass.sum(), 1.0, rtol=1e-12)


def test_a_label_that_validation_lacks_has_no_neighbors_of_its_own() -> None:
    cost = random_cost(3)
    row = int(np.flatnonzero(cost.x_labels == 2)[0])
    found = explain(cost, row, np.zeros(45), 0.1)
    assert len(found.own) == len(found.own_distance) == 0


def test_masses_weigh_the_matches() -> None:
    cost = random_cost(4)
    b = np.zeros(45)
    b[[3, 9]] = 0.5
    found = explain(cost, 0, np.zeros(45), 0.1, b=b, k=2)
    assert set(found.matched.tolist()) == {3, 9}


def test_a_plan_that_the_run_keeps_goes_before_the_entropic_one() -> None:
    cost = random_cost(6)
    plan = np.zeros(45)
    plan[[3, 9]] = 0.01, 0.03
    found = explain(cost, 0, np.zeros(45), 0.0, plan=plan, k=2)
    np.testing.assert_array_equal(found.matched, [9, 3])
    np.testing.assert_allclose(found.matched_mass, [0.75, 0.25], rtol=1e-12)
    np.testing.assert_allclose(
        found.feature_cost + found.label_cost, plan @ dense(cost)[0] / 0.04, rtol=1e-6
    )


@pytest.mark.parametrize("row", [-1, 60])
def test_a_row_that_is_not_there_is_an_index_error(row: int) -> None:
    with pytest.raises(IndexError, match="0 to 59"):
        explain(random_cost(5), row, np.zeros(45), 0.1)
