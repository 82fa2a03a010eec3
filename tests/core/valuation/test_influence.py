"""Influence functions against automatic differentiation and against leaving images out."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from core.errors import ConfigError, DataError
from core.valuation import InfluenceConfig, value_influence
from core.valuation.influence import Curvature
from tests.core.valuation.problems import clusters

L2 = 1e-2


def loss(flat: torch.Tensor, z: torch.Tensor, labels: torch.Tensor, l2: float) -> torch.Tensor:
    """Return the penalized mean cross-entropy of the head `flat`, shape (v (d + 1),)."""
    w = flat.reshape(-1, z.shape[1])
    return torch.nn.functional.cross_entropy(z @ w.T, labels) + l2 / 2 * (w[:, :-1] ** 2).sum()


def fitted(
    z: torch.Tensor, labels: torch.Tensor, start: torch.Tensor | None = None
) -> torch.Tensor:
    """Return the optimal head of 3 classes by Newton's method on torch's own Hessian."""
    flat = torch.zeros(3 * z.shape[1], dtype=torch.float64) if start is None else start
    for _ in range(12 if start is None else 4):
        slope = torch.autograd.functional.jacobian(lambda f: loss(f, z, labels, L2), flat)
        curve = torch.autograd.functional.hessian(lambda f: loss(f, z, labels, L2), flat)
        flat = flat - torch.linalg.pinv(curve, rtol=1e-12) @ slope
    return flat


def inputs(sets: tuple[np.ndarray, ...]) -> tuple[torch.Tensor, ...]:
    x, x_labels, y, y_labels = sets
    center, scale = x.mean(axis=0, dtype=np.float64), x.std(axis=0, dtype=np.float64)
    z, z_val = (np.c_[(part - center) / scale, np.ones(len(part))] for part in (x, y))
    return tuple(map(torch.tensor, (z, x_labels, z_val, y_labels)))


def overlapping(n: int, m: int) -> tuple[np.ndarray, ...]:
    """Return classes that overlap, and a few wrong labels: what is left out then matters."""
    x, x_labels, y, y_labels = clusters(n=n, m=m, v=3, d=3, apart=1.0)
    x_labels = x_labels.copy()
    x_labels[:6] = (x_labels[:6] + 1) % 3
    return x, x_labels, y, y_labels


@pytest.fixture(scope="module")
def sets() -> tuple[np.ndarray, ...]:
    return overlapping(n=60, m=40)


def test_values_are_those_of_the_dense_hessian_of_automatic_differentiation(sets) -> None:
    z, labels, z_val, y_labels = inputs(sets)
    flat = fitted(z, labels)
    curve = torch.autograd.functional.hessian(lambda f: loss(f, z, labels, L2), flat)
    slope = torch.autograd.functional.jacobian(lambda f: loss(f, z_val, y_labels, 0.0), flat)
    s = torch.linalg.pinv(curve, rtol=1e-12) @ slope
    each = torch.stack(
        [
            torch.autograd.functional.jacobian(
                lambda f, i=i: loss(f, z[i : i + 1], labels[i : i + 1], 0.0), flat
            )
            for i in range(len(z))
        ]
    )
    found = value_influence(*sets, 3, InfluenceConfig(l2=L2, tolerance=1e-12))
    np.testing.assert_allclose(found.value, (each @ s).numpy() / len(z), rtol=1e-6, atol=1e-10)


def test_values_foretell_what_leaving_an_image_out_does() -> None:
    sets = overlapping(n=400, m=100)
    z, labels, z_val, y_labels = inputs(sets)
    whole = fitted(z, labels)
    before = loss(whole, z_val, y_labels, 0.0)
    kept = ~torch.eye(len(z), dtype=torch.bool)
    chosen = np.arange(0, len(z), 33)
    actual = [
        float(loss(fitted(z[kept[i]], labels[kept[i]], whole), z_val, y_labels, 0.0) - before)
        for i in chosen
    ]
    found = value_influence(*sets, 3, InfluenceConfig(l2=L2)).value[chosen]
    assert np.corrcoef(found, actual)[0, 1] > 0.99
    slope = float(found @ actual / (found @ found))
    assert slope == pytest.approx(1, abs=0.1)  # what is left is of second order in 1 / n


def test_the_hessian_is_that_of_automatic_differentiation() -> None:
    rng = np.random.default_rng(0)
    z = np.c_[rng.standard_normal((20, 3)), np.ones(20)]
    w = rng.standard_normal((4, 4))
    p = torch.softmax(torch.tensor(z @ w.T), dim=1).numpy()
    labels = torch.tensor(rng.integers(0, 4, 20))
    curve = torch.autograd.functional.hessian(
        lambda f: loss(f, torch.tensor(z), labels, L2), torch.tensor(w.ravel())
    ).numpy()
    direction = rng.standard_normal((4, 4))
    product = Curvature(z, p, L2).times(direction)
    np.testing.assert_allclose(product.ravel(), curve @ direction.ravel(), rtol=1e-9, atol=1e-12)


def test_it_says_how_well_the_system_and_the_optimum_are_met(sets) -> None:
    details = value_influence(*sets, 3).details
    assert details["residual"] <= 1e-8
    assert details["gradient_left"] <= 1e-8


def test_a_class_that_only_one_side_has_keeps_values_finite() -> None:
    x, x_labels, y, y_labels = clusters(n=60, m=40, v=4, d=3)
    found = value_influence(x[x_labels != 3], x_labels[x_labels != 3], y, y_labels, 4)
    assert np.isfinite(found.value).all()
    found = value_influence(x, x_labels, y[y_labels != 3], y_labels[y_labels != 3], 4)
    assert np.isfinite(found.value).all()


def test_sets_without_a_common_class_are_refused() -> None:
    x, x_labels, y, y_labels = clusters(n=12, m=8, v=2, d=3)
    with pytest.raises(DataError, match="no class in common"):
        value_influence(x, x_labels, y, y_labels + 2, 4)


@pytest.mark.parametrize("name", ["l2", "tolerance", "max_products"])
def test_settings_out_of_range_are_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=name):
        InfluenceConfig(**{name: 0})
