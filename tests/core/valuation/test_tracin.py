"""TracIn against automatic differentiation."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from core.errors import ConfigError
from core.valuation import METHODS, TracinConfig, value_tracin_clean, value_tracin_self
from tests.core.valuation.problems import clusters


def gradients(z: np.ndarray, labels: np.ndarray, w: torch.Tensor) -> torch.Tensor:
    """Return the gradient of each image's cross-entropy by torch, shape (n, v (d + 1))."""
    rows = []
    for row, label in zip(torch.tensor(z), torch.tensor(labels), strict=True):
        weights = w.clone().requires_grad_()
        loss = torch.nn.functional.cross_entropy((weights @ row)[None], label[None])
        rows.append(torch.autograd.grad(loss, weights)[0].ravel())
    return torch.stack(rows)


def by_torch(
    sets: tuple[np.ndarray, ...], v: int, config: TracinConfig
) -> tuple[np.ndarray, np.ndarray]:
    """Return TracIn-Clean and TracIn-Self by full gradient descent in torch (one batch a step)."""
    x, x_labels, y, y_labels = sets
    center, scale = x.mean(axis=0, dtype=np.float64), x.std(axis=0, dtype=np.float64)
    z, z_val = (np.c_[(part - center) / scale, np.ones(len(part))] for part in (x, y))
    step = config.learning_rate / (z**2).sum(axis=1).mean()
    w = torch.zeros((v, z.shape[1]), dtype=torch.float64)
    clean, own = np.zeros(len(x)), np.zeros(len(x))
    for _ in range(config.epochs):
        w = w - step * gradients(z, x_labels, w).mean(dim=0).reshape(w.shape)
        theirs = gradients(z, x_labels, w)
        clean += step * (theirs @ gradients(z_val, y_labels, w).mean(dim=0)).numpy()
        own += step * (theirs**2).sum(dim=1).numpy()
    return clean, own


def test_both_sums_are_those_of_automatic_differentiation() -> None:
    sets = clusters(n=24, m=15, v=3, d=4)
    config = TracinConfig(epochs=3, batch=100, learning_rate=1.5)
    clean, own = by_torch(sets, 3, config)
    found = value_tracin_clean(*sets, 3, config)
    np.testing.assert_allclose(found.value, clean, rtol=1e-6, atol=1e-12)
    found = value_tracin_self(*sets, 3, config)
    np.testing.assert_allclose(found.score, own, rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("name", ["tracin-clean", "tracin-self"])
def test_wrong_labels_are_worth_less(name: str) -> None:
    x, x_labels, y, y_labels = clusters(n=300, m=90, v=3, d=5)
    wrong = x_labels.copy()
    wrong[:30] = (x_labels[:30] + 1) % 3
    value = METHODS[name](x, wrong, y, y_labels, 3).value
    assert np.median(value[:30]) < np.quantile(value[30:], 0.1)


def test_the_seed_decides_and_rows_in_another_order_do_not_matter_without_batches() -> None:
    x, x_labels, y, y_labels = clusters(n=60, m=30, v=3, d=4)
    config = TracinConfig(batch=60)
    first = value_tracin_clean(x, x_labels, y, y_labels, 3, config).value
    order = np.random.default_rng(1).permutation(60)
    moved = value_tracin_clean(x[order], x_labels[order], y, y_labels, 3, config).value
    np.testing.assert_allclose(moved, first[order], rtol=1e-9, atol=1e-14)  # sums in another order
    small = TracinConfig(batch=8)
    again = [value_tracin_clean(x, x_labels, y, y_labels, 3, small).value for _ in range(2)]
    np.testing.assert_array_equal(*again)


def test_a_head_trained_on_the_validation_set_does_not_see_the_training_labels() -> None:
    """Then a change of one training label changes the value of that image alone."""
    x, x_labels, y, y_labels = clusters(n=60, m=30, v=3, d=4)
    other = x_labels.copy()
    other[7] = (other[7] + 1) % 3
    config = TracinConfig(trained_on="validation")
    before = value_tracin_clean(x, x_labels, y, y_labels, 3, config).value
    after = value_tracin_clean(x, other, y, y_labels, 3, config).value
    assert np.flatnonzero(before != after).tolist() == [7]


def test_what_an_image_looks_like_comes_along() -> None:
    sets = clusters(n=60, m=30, v=3, d=4)
    found = value_tracin_self(*sets, 3)
    assert (found.looks_like == sets[1]).mean() > 0.9
    assert found.looks_like_probability.dtype == np.float32


@pytest.mark.parametrize(
    "settings", [{"epochs": 0}, {"batch": 0}, {"learning_rate": 0.0}, {"trained_on": "both"}]
)
def test_settings_out_of_range_are_refused(settings: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=next(iter(settings))):
        TracinConfig(**settings)
