"""The OT distance of two sets is the one that valuing them finds."""

from __future__ import annotations

import numpy as np
import pytest

from core.valuation import LavaConfig, set_distance, value_lava


@pytest.fixture(scope="module")
def sets():
    rng = np.random.default_rng(0)
    x_labels, y_labels = np.arange(60) % 3, np.arange(30) % 3
    x = (np.eye(3, 5)[x_labels] + 0.2 * rng.standard_normal((60, 5))).astype(np.float32)
    y = (np.eye(3, 5)[y_labels] + 0.2 * rng.standard_normal((30, 5))).astype(np.float32)
    return x, x_labels, y, y_labels, 3


@pytest.mark.parametrize("kind", ["training", "validation"])
def test_it_is_the_distance_that_a_valuation_reports(sets, kind):
    config = LavaConfig(label_distance_kind=kind)
    found, valued = set_distance(*sets, config), value_lava(*sets, config)
    assert found.converged
    assert found.transport_cost == pytest.approx(valued.transport_cost, rel=1e-9)


def test_label_distances_are_between_the_sets_whatever_the_cost_compares(sets):
    by_training = set_distance(*sets, LavaConfig(label_distance_kind="training"))
    by_validation = set_distance(*sets, LavaConfig(label_distance_kind="validation"))
    np.testing.assert_allclose(
        by_validation.label_distances, by_training.label_distances, rtol=1e-5
    )
