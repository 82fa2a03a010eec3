from __future__ import annotations

import subprocess
import sys
from math import gcd
from pathlib import Path

import numpy as np
import pytest

from core.errors import ConfigError
from core.transport import (
    GroundCost,
    SinkhornConfig,
    cost_matrix,
    entropic_curve,
    exact_curve,
    solve_dense,
    solve_sinkhorn,
)
from core.valuation import SensitivityConfig, analyze_sensitivity, prepare_sensitivity
from tests.core.transport.problems import random_cost

ROOT = Path(__file__).resolve().parents[3]
SHARES = np.linspace(-1, 1, 21)


def solved(cost: GroundCost) -> tuple[np.ndarray, np.ndarray]:
    config = SinkhornConfig(epsilon=0.2, tolerance=1e-6, max_passes=3000, precision="float64")
    found = solve_sinkhorn(cost, config)
    return found.f, found.g


def test_a_small_run_is_resolved_as_a_whole() -> None:
    cost = random_cost(0, n=61)
    f, g = solved(cost)
    found = analyze_sensitivity(prepare_sensitivity(cost, f, g, 0.2), 7)
    assert found.whole
    assert found.linear_whole
    assert found.images == found.linear_images == (61, 45)
    gradient = f[7] - np.delete(f, 7).mean()
    np.testing.assert_allclose(found.curve.gradient, gradient, rtol=1e-3)
    assert found.holds == found.curve.holds_within(0.05)


def test_a_start_that_has_not_converged_changes_nothing() -> None:
    cost = random_cost(1)
    f, g = solved(cost)
    noise = np.random.default_rng(0).standard_normal(45)
    ours, other = (
        analyze_sensitivity(prepare_sensitivity(cost, f, start, 0.2), 3).curve
        for start in (g, g + noise)
    )
    np.testing.assert_allclose(other.actual, ours.actual, atol=1e-9)


@pytest.mark.parametrize("row", range(0, 600, 37))
def test_a_large_run_is_resolved_on_a_part_that_holds_the_image(row: int) -> None:
    cost = random_cost(2, n=600, m=150)
    f, g = np.zeros(600), np.zeros(150)
    f[:] = np.random.default_rng(0).standard_normal(600)
    config = SensitivityConfig(whole_pairs=1000, part_pairs=3600, exact_pairs=2000)
    problem = prepare_sensitivity(cost, f, g, 0.2, config)
    found = analyze_sensitivity(problem, row)
    assert not found.whole
    assert not found.linear_whole
    assert found.images[0] - (row not in problem.rows) == 120
    assert found.images[1] == 30
    assert gcd(*found.linear_images) == 1
    inside = problem.rows if row in problem.rows else np.append(problem.rows, row)
    matrix = cost_matrix(cost.rows(inside).columns(problem.columns))
    place = int(np.flatnonzero(inside == row)[0])
    direct = entropic_curve(solve_dense(matrix, 0.2), place, SHARES)
    np.testing.assert_allclose(found.curve.actual, direct.actual, atol=1e-8)


def test_the_part_has_the_classes_of_the_whole() -> None:
    cost = random_cost(3, n=900, m=300)
    config = SensitivityConfig(whole_pairs=1000, part_pairs=3000)
    problem = prepare_sensitivity(cost, np.zeros(900), np.zeros(300), 0.2, config)
    for part, whole in (
        (cost.x_labels[problem.rows], cost.x_labels),
        (cost.y_labels[problem.columns], cost.y_labels),
    ):
        shares = (np.bincount(labels, minlength=3) / len(labels) for labels in (part, whole))
        np.testing.assert_allclose(*shares, atol=1 / len(part))
        assert len(np.unique(part)) == len(np.unique(whole))


def test_a_run_without_regularization_is_resolved_by_the_linear_program() -> None:
    cost = random_cost(4, n=61)
    problem = prepare_sensitivity(cost, np.zeros(61), np.zeros(45), 0.0)
    found = analyze_sensitivity(problem, 5)
    direct = exact_curve(cost_matrix(cost), 5, SHARES)
    np.testing.assert_allclose(found.curve.actual, direct.actual, atol=1e-12)
    assert found.holds[0] <= found.linear.low + 1e-6
    assert found.holds[1] >= found.linear.high - 1e-6


def test_more_validation_than_training_images_keep_the_hessian_small() -> None:
    cost = random_cost(5, n=4, m=300)
    config = SensitivityConfig(most_columns=50)
    problem = prepare_sensitivity(cost, np.zeros(4), np.zeros(300), 0.2, config)
    assert len(problem.columns) == 50
    assert np.isfinite(analyze_sensitivity(problem, 0).curve.actual).all()


@pytest.mark.parametrize("row", [-1, 60])
def test_a_row_that_is_not_there_is_an_index_error(row: int) -> None:
    problem = prepare_sensitivity(random_cost(6), np.zeros(60), np.zeros(45), 0.2)
    with pytest.raises(IndexError, match="0 to 59"):
        analyze_sensitivity(problem, row)


def test_one_image_alone_is_refused() -> None:
    with pytest.raises(ConfigError, match="single training image"):
        prepare_sensitivity(random_cost(7, n=1), np.zeros(1), np.zeros(45), 0.2)


def test_the_analysis_brings_no_torch() -> None:
    code = (
        "import sys, numpy as np\n"
        "sys.modules['geomloss'] = None\n"  # only tests have it; POT would load it, and torch
        "from core.transport import GroundCost\n"
        "from core.valuation import analyze_sensitivity, prepare_sensitivity\n"
        "z = np.random.default_rng(0).random((9, 2))\n"
        "l = np.zeros(9, int)\n"
        "c = GroundCost(x=z, y=z[:7] + 1, x_labels=l, y_labels=l[:7])\n"
        "analyze_sensitivity(prepare_sensitivity(c, l, l[:7], 0.1), 0)\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
