from __future__ import annotations

import numpy as np
import ot
import pytest

from core.errors import ConfigError
from core.transport import GroundCost, cost_matrix
from core.valuation import METHODS, ExactValueConfig, LavaConfig, value_exact, value_lava


def problem(seed: int, n: int = 61, m: int = 30) -> tuple[np.ndarray, ...]:
    """Three clusters; one training image in ten has a wrong label."""
    rng = np.random.default_rng(seed)
    centers = 3 * rng.standard_normal((3, 6))
    x_true, y_labels = np.arange(n) % 3, np.arange(m) % 3
    x = (centers[x_true] + rng.standard_normal((n, 6))).astype(np.float32)
    y = (centers[y_labels] + rng.standard_normal((m, 6))).astype(np.float32)
    x_labels = np.where(np.arange(n) % 10 == 0, (x_true + 1) % 3, x_true)
    return x, x_labels, y, y_labels


def test_values_are_minus_the_calibrated_duals_of_pot() -> None:
    x, x_labels, y, y_labels = problem(0)
    found = value_exact(x, x_labels, y, y_labels, 3)
    cost = GroundCost(
        x=x, y=y, x_labels=x_labels, y_labels=y_labels, label_distances=found.label_distances
    )
    plan, log = ot.emd(ot.unif(61), ot.unif(30), cost_matrix(cost), log=True)
    expected = [np.delete(log["u"], i).mean() - log["u"][i] for i in range(61)]
    np.testing.assert_allclose(found.value, expected, atol=1e-9)
    np.testing.assert_allclose(found.transport_cost, log["cost"], rtol=1e-10)
    kept = np.zeros_like(plan)
    kept[found.arrays["plan_rows"], found.arrays["plan_columns"]] = found.arrays["plan_mass"]
    np.testing.assert_allclose(kept, plan, atol=1e-12)


def test_wrong_labels_are_worth_least() -> None:
    x, x_labels, y, y_labels = problem(1)
    found = value_exact(x, x_labels, y, y_labels, 3)
    wrong = np.arange(61) % 10 == 0
    below = found.value[wrong][:, None] < found.value[~wrong]
    assert below.mean() > 0.85  # the AUROC


def test_lava_approaches_the_exact_values_as_its_regularization_falls() -> None:
    x, x_labels, y, y_labels = problem(2)
    labels = LavaConfig(epsilon=0.1)
    exact = value_exact(x, x_labels, y, y_labels, 3, ExactValueConfig(label_weight=0.0))
    gaps = [
        np.abs(
            value_lava(
                x, x_labels, y, y_labels, 3,
                LavaConfig(epsilon=epsilon, label_weight=0.0, tolerance=1e-5),
            ).value - exact.value
        ).max()
        for epsilon in (3.0, labels.epsilon)
    ]  # fmt: skip
    assert gaps[1] < 0.2 * gaps[0]


def test_the_result_proves_itself_and_says_how_free_it_is() -> None:
    found = value_exact(*problem(3), 3)
    assert (found.epsilon, found.converged) == (0.0, True)
    assert found.details["pieces"] == 1
    assert abs(found.details["gap"]) < 1e-9
    assert value_exact(*problem(3, n=60), 3).details["pieces"] > 1


def test_the_registry_knows_it_and_passes_the_settings_on() -> None:
    method = METHODS["exact"]
    config = method.configure({"epsilon": 0.3, "label_weight": 2.0, "seed": 7})
    assert isinstance(config, ExactValueConfig)
    assert (config.epsilon, config.label_weight) == (0.3, 2.0)
    np.testing.assert_allclose(
        method(*problem(4), 3, config).value, value_exact(*problem(4), 3, config).value
    )


def test_a_problem_too_large_is_refused_before_any_work() -> None:
    def never(stage: str, done: float, detail: str = "") -> None:
        raise AssertionError(stage)

    with pytest.raises(ConfigError, match=r"1,830 pairs; the limit is 1,000"):
        value_exact(*problem(5), 3, ExactValueConfig(max_pairs=1000), progress=never)
