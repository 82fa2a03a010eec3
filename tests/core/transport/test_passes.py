"""What holds for a pass on any device, seen without one.

Tensors on torch's device "meta" have shapes and no content: whatever mixes them with tensors of the
processor, or wants to see a number, fails.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from core.errors import ConfigError
from core.transport import SinkhornConfig
from core.transport.passes import Passes
from tests.core.transport.problems import random_cost


def passes_on(device: str, *, p: int = 2, scale: float = 1.0) -> Passes:
    cost = random_cost(1, n=100, p=p)
    cost = replace(cost, x=cost.x * np.float32(scale))
    masses = np.full(100, 1 / 100), np.full(45, 1 / 45)
    return Passes(cost, *masses, device=device, precision="float32", tile=16)


@pytest.mark.parametrize("p", [1, 2])
def test_tiles_stay_on_their_device_and_wait_for_no_number(
    monkeypatch: pytest.MonkeyPatch, p: int
) -> None:
    passes = passes_on("meta", p=p)
    reached = []

    def found(self: torch.Tensor) -> torch.Tensor:
        reached.append(self.shape)
        return torch.zeros(self.shape)

    def number(self: torch.Tensor) -> float:
        reached.append(self.shape)
        return 0.5

    # Other looks at a number, and copies, fail on this device by themselves.
    monkeypatch.setattr(torch.Tensor, "__float__", number)
    monkeypatch.setattr(torch.Tensor, "cpu", found)
    passes.sweep(np.zeros(45), 0.1, keep=1e-6, certify=True)
    assert len(passes.tiles.spans) > 6
    # Once a pass, after the last tile: the entropy, the columns, f.
    assert reached == [(), (45,), (100,)]
    passes._trusts_guess = True
    passes.sweep(np.zeros(45), 0.1)
    assert len(reached) > 3 + len(passes.tiles.spans), "this test can fail"


@pytest.mark.parametrize("p", [1, 2])
@pytest.mark.parametrize("scale", [1.0, 30.0])
def test_a_row_searched_for_its_peak_gives_what_a_guess_gives(p: int, scale: float) -> None:
    """Accelerators search each row; the processor does so where the guess of f was poor."""
    guessing, searching = passes_on("cpu", p=p, scale=scale), passes_on("cpu", p=p, scale=scale)
    searching._trusts_guess = False
    for seed in range(3):
        g = np.random.default_rng(seed).standard_normal(45)
        one, other = (
            passes.sweep(g, 0.3, keep=1e-6, certify=True) for passes in (guessing, searching)
        )
        np.testing.assert_allclose(other.f, one.f, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(other.columns, one.columns, rtol=2e-3, atol=1e-6)
        assert one.negative_entropy is not None
        np.testing.assert_allclose(other.negative_entropy, one.negative_entropy, atol=1e-3)


def test_mps_has_no_float64() -> None:
    with pytest.raises(ConfigError, match="mps"):
        SinkhornConfig(device="mps", precision="float64")
