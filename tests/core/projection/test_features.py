from __future__ import annotations

import numpy as np
import pytest

from core.projection.features import features, slopes
from tests.core.projection.planted import by_differences

BLOCKS = ("shares", "squares", "products", "logs")


@pytest.mark.parametrize("m", [1, 2, 5])
def test_slopes_are_the_derivatives_of_the_features(m: int) -> None:
    p = np.random.default_rng(m).dirichlet(np.ones(m), 4) + 0.01
    exact = slopes(p, BLOCKS)
    for column in range(exact.shape[1]):
        found = by_differences(lambda q, c=column: features(q, BLOCKS)[:, c], p)
        np.testing.assert_allclose(exact[:, column], found, rtol=1e-6, atol=1e-8)


def test_no_blocks_are_no_features() -> None:
    assert features(np.ones((3, 2)), ()).shape == (3, 0)
    assert slopes(np.ones((3, 2)), ()).shape == (3, 0, 2)
