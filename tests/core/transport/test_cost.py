from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from core.errors import ConfigError, DataError
from core.transport.tiles import CostTiles
from tests.core.transport.problems import dense, random_cost


@pytest.mark.parametrize("p", [1, 2])
@pytest.mark.parametrize("labels", [True, False])
@pytest.mark.parametrize("tile", [7, 256])
def test_tiles_hold_the_cost_of_the_definition(p: int, labels: bool, tile: int) -> None:
    cost = random_cost(1, p=p, labels=labels)
    tiles = CostTiles(cost, device=torch.device("cpu"), dtype=torch.float64, tile=tile)
    f, h = (torch.linspace(-1, k, size, dtype=torch.float64) for k, size in enumerate(cost.shape))
    found = np.empty(cost.shape)
    for span in tiles.spans:
        rows = slice(*span)
        exponents = tiles.exponents(span, f[rows], h, 0.25)
        found[tiles.order[rows]] = (f[rows, None] + h - exponents * 0.25).numpy()
    np.testing.assert_allclose(found, dense(cost), rtol=1e-6, atol=1e-6)


def test_tiles_hold_one_class_and_no_more_rows_than_asked_for() -> None:
    cost = random_cost(1)
    tiles = CostTiles(cost, device=torch.device("cpu"), dtype=torch.float32, tile=7)
    labels = cost.x_labels[tiles.order]
    assert all(len(set(labels[slice(*span)])) == 1 for span in tiles.spans)
    assert all(0 < stop - start <= 7 for start, stop in tiles.spans)
    assert [row for span in tiles.spans for row in range(*span)] == list(range(cost.shape[0]))


@pytest.mark.parametrize("p", [1, 2])
def test_rows_split_into_a_feature_and_a_label_part(p: int) -> None:
    cost = random_cost(2, p=p)
    both = np.stack([cost.features(i) + cost.labels(i) for i in range(cost.shape[0])])
    np.testing.assert_allclose(both, dense(cost), rtol=1e-6)


@pytest.mark.parametrize("p", [1, 2])
def test_mean_is_the_mean_of_all_pairs(p: int) -> None:
    cost = random_cost(3, p=p)
    np.testing.assert_allclose(cost.mean(), dense(cost).mean(), rtol=1e-6)


def test_transposed_is_the_transpose() -> None:
    cost = random_cost(4, v=2)
    np.testing.assert_allclose(
        dense(replace(cost, label_distances=None).transposed()),
        dense(replace(cost, label_distances=None)).T,
    )


def test_embeddings_of_different_width_are_refused() -> None:
    cost = random_cost(5)
    with pytest.raises(DataError, match="same width"):
        replace(cost, x=cost.x[:, :2])


def test_nan_is_refused_with_its_row() -> None:
    cost = random_cost(6)
    x = cost.x.copy()
    x[17, 2] = np.nan
    with pytest.raises(DataError, match="row 17"):
        replace(cost, x=x)


def test_other_exponents_are_refused() -> None:
    with pytest.raises(ConfigError, match="1 or 2"):
        replace(random_cost(7), p=3)
