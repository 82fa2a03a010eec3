"""Both ways to make a pass uphold the same claims.

"stub" is flash-sinkhorn's documented formula in torch, so that all around the kernel is tested
wherever tests run. "triton" is the kernel itself: on a CUDA device, or else by Triton's
interpreter, in a process of its own since Triton is told of that before its first import.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from core.errors import DataError
from core.transport import GroundCost, SinkhornConfig, flash, soft_transform, solve_sinkhorn
from core.transport.passes import Passes
from tests.core.transport.problems import dense, random_cost
from tests.core.transport.test_sinkhorn import (
    TIGHT,
    assert_same_potentials,
    centered,
    pot_potentials,
    unequal_masses,
)

INSTALLED = find_spec("flash_sinkhorn") is not None and find_spec("triton") is not None
NOT_INSTALLED = "flash-sinkhorn or triton is not installed"
INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"


def stub(
    x: torch.Tensor, y: torch.Tensor, bias: torch.Tensor, eps: float, **settings: Any
) -> torch.Tensor:
    assert settings["cost_scale"] == 0.5
    assert settings["allow_tf32"] is False
    assert x.dtype == y.dtype == bias.dtype == torch.float32
    assert x.shape[1] == y.shape[1] > settings["block_k"]
    return -eps * torch.logsumexp(x @ y.T / eps + bias, dim=1)


def in_tf32(
    x: torch.Tensor, y: torch.Tensor, bias: torch.Tensor, eps: float, **settings: Any
) -> torch.Tensor:
    x, y = (((z.view(torch.int32) + 0x1000) & ~0x1FFF).view(torch.float32) for z in (x, y))
    return stub(x, y, bias, eps, **settings)


@pytest.fixture(autouse=True)
def _trial_of_its_own() -> Iterator[None]:
    flash.flash_works.cache_clear()
    yield
    flash.flash_works.cache_clear()


def use_kernel(
    patch: pytest.MonkeyPatch, kernel: Callable[..., torch.Tensor], device: str = "cpu"
) -> None:
    """Let passes on `device` be made by `kernel`."""
    patch.setattr(flash, "_DEVICES", (device,))
    patch.setattr(flash, "_kernel", lambda: kernel)
    patch.setattr(flash, "_version", lambda: "0")
    # Where the plan of so small a problem can be kept, torch makes the passes.
    patch.setattr(flash, "DENSE_PAIRS", 0)
    flash.flash_works.cache_clear()


@pytest.fixture(params=["torch", "stub", "triton"])
def made_by(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Make passes one way for a test; yield the device to make them on, and see that they were."""
    if request.param == "torch":
        yield "cpu"
        return
    device, kernel, calls = "cpu", stub, []
    if request.param == "triton":
        device, kernel = real_kernel(monkeypatch)

    def counted(*arguments: Any, **settings: Any) -> torch.Tensor:
        calls.append(len(arguments[0]))
        return kernel(*arguments, **settings)

    use_kernel(monkeypatch, counted, device)
    yield device
    assert len(calls) > 1, "the trial, and passes"


def real_kernel(patch: pytest.MonkeyPatch) -> tuple[str, Callable[..., torch.Tensor]]:
    if not INSTALLED:
        pytest.skip(NOT_INSTALLED)
    if not (torch.cuda.is_available() or INTERPRETED):
        pytest.skip("no CUDA device; see test_the_interpreted_kernel_upholds_the_claims")
    kernel = flash._kernel()
    if not INTERPRETED:
        return "cuda", kernel
    # Under the interpreter tensors stay on the processor; the package asks for CUDA ones.
    patch.setattr(torch.Tensor, "is_cuda", property(lambda _: True), raising=False)
    return "cpu", kernel


@pytest.mark.skipif(not INSTALLED, reason=NOT_INSTALLED)
@pytest.mark.skipif(INTERPRETED, reason="this is that process")
@pytest.mark.skipif(torch.cuda.is_available(), reason="the device itself is tested")
@pytest.mark.slow
def test_the_interpreted_kernel_upholds_the_claims() -> None:
    command = [sys.executable, "-m", "pytest", "-rA", "-k", "triton", __file__]
    done = subprocess.run(
        command,
        env={**os.environ, "TRITON_INTERPRET": "1"},
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "PASSED" in done.stdout
    assert "SKIPPED" not in done.stdout


def passes_of(
    cost: GroundCost, a: np.ndarray, b: np.ndarray, device: str, precision: str = "float32"
) -> Passes:
    return flash.passes_for(cost, a, b, device=device, precision=precision, tile=None)


def by_definition(
    cost: GroundCost, a: np.ndarray, b: np.ndarray, g: np.ndarray, epsilon: float
) -> tuple[np.ndarray, np.ndarray]:
    exponents = (g - dense(cost)) / epsilon
    peak = exponents.max(axis=1)
    f = -epsilon * (peak + np.log((b * np.exp(exponents - peak[:, None])).sum(axis=1)))
    plan = a[:, None] * b * np.exp(exponents + f[:, None] / epsilon)
    return f, plan.sum(axis=0)


@pytest.mark.parametrize("labels", [True, False])
@pytest.mark.parametrize("epsilon", [1.0, 0.1, 0.01])
@pytest.mark.parametrize(("n", "m", "d"), [(60, 45, 5), (130, 70, 70), (1, 3, 2)])
def test_a_pass_is_its_formula(
    made_by: str, n: int, m: int, d: int, epsilon: float, labels: bool
) -> None:
    """Also where g is far away, some mass is 0, and a class is missing on one side."""
    cost = random_cost(3, n=n, m=m, d=d, labels=labels)
    a, b = unequal_masses(1, n), unequal_masses(2, m)
    if n > 1:
        a[:5] = 0.0
        a /= a.sum()
    made = passes_of(cost, a, b, made_by)
    # Exponents of a few hundred, in float32.
    tolerance = 1e-6 * dense(cost).max() / epsilon + 1e-6
    for scale in (0.0, 3.0, 100 * epsilon):
        g = scale * np.random.default_rng(4).standard_normal(m)
        sweep = made.sweep(g, epsilon)
        f, columns = by_definition(cost, a, b, g, epsilon)
        precision = 1e-6 * (np.abs(dense(cost)).max() + np.abs(g).max())
        np.testing.assert_allclose(sweep.f, f, atol=10 * precision)
        np.testing.assert_allclose(
            sweep.columns, columns, rtol=20 * tolerance * (1 + scale), atol=1e-6
        )
        np.testing.assert_allclose(sweep.error, np.abs(b - columns).sum(), atol=1e-3)


@pytest.mark.parametrize("memory", [0, 15])
def test_solutions_agree_with_pot(made_by: str, memory: int) -> None:
    cost = random_cost(2, n=70, m=50)
    a, b = unequal_masses(2, 70), unequal_masses(102, 50)
    config = replace(TIGHT, epsilon=0.3, memory=memory, device=made_by)
    ours = solve_sinkhorn(cost, config, a=a, b=b)
    matrix = dense(cost)
    assert ours.converged
    assert_same_potentials(ours, *pot_potentials(matrix, a, b, 0.3), matrix.mean())


def test_the_warm_start_leads_to_the_same_potentials(made_by: str) -> None:
    cost = random_cost(14, n=150)
    config = replace(TIGHT, epsilon=0.3, device=made_by)
    cold = solve_sinkhorn(cost, replace(TIGHT, epsilon=0.3))
    warm = solve_sinkhorn(cost, replace(config, warm_rows=50))
    np.testing.assert_allclose(centered(warm.f), centered(cold.f), atol=2e-4)


def test_the_certificate_matches_the_dense_plan(made_by: str) -> None:
    cost = random_cost(10)
    a, b = unequal_masses(1, 60), unequal_masses(2, 45)
    config = SinkhornConfig(epsilon=0.3, tolerance=0.05, memory=0, device=made_by)
    ours = solve_sinkhorn(cost, config, a=a, b=b)
    matrix = dense(cost)
    plan = a[:, None] * b * np.exp((ours.f[:, None] + ours.g - matrix) / 0.3)
    np.testing.assert_allclose(plan.sum(axis=1), a, rtol=1e-4)
    np.testing.assert_allclose(ours.marginal_error, np.abs(plan.sum(axis=0) - b).sum(), atol=1e-5)
    np.testing.assert_allclose(ours.transport_cost, (plan * matrix).sum(), rtol=1e-4)
    np.testing.assert_allclose(ours.dual, a @ ours.f + b @ ours.g, rtol=1e-12)


def test_soft_transform_is_its_formula(made_by: str) -> None:
    cost = random_cost(17)
    b, g = unequal_masses(5, 45), np.random.default_rng(1).standard_normal(45)
    expected, _ = by_definition(cost, np.full(60, 1 / 60), b, g, 0.1)
    found = soft_transform(cost, g, b, SinkhornConfig(epsilon=0.1, device=made_by))
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_costs_beyond_float32_are_refused(made_by: str) -> None:
    cost = random_cost(1)
    masses = np.full(60, 1 / 60), np.full(45, 1 / 45)
    made = passes_of(replace(cost, x=cost.x * np.float32(1e30)), *masses, made_by)
    with pytest.raises(DataError, match="scale the embeddings down"), np.errstate(all="ignore"):
        made.sweep(np.zeros(45), 0.1)


@pytest.mark.parametrize("p", [1, 2])
@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("classes", [3, 200])
def test_flash_is_for_squared_distances_in_float32_and_some_classes(
    monkeypatch: pytest.MonkeyPatch, p: int, precision: str, classes: int
) -> None:
    use_kernel(monkeypatch, stub)
    cost = random_cost(5, m=2000, v=classes, p=p)
    made = passes_of(cost, np.full(60, 1 / 60), np.full(2000, 1 / 2000), "cpu", precision)
    fits = p == 2 and precision == "float32" and classes == 3
    assert made.backend == ("cpu, flash-sinkhorn 0" if fits else "cpu")


def test_a_solution_says_what_made_its_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    assert solve_sinkhorn(random_cost(1)).backend == "cpu"
    use_kernel(monkeypatch, stub)
    assert solve_sinkhorn(random_cost(1)).backend == "cpu, flash-sinkhorn 0"


def broken(*arguments: Any, **settings: Any) -> torch.Tensor:
    raise RuntimeError("Failed to find C compiler.")


def test_a_kernel_that_is_right_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    use_kernel(monkeypatch, stub)
    assert flash.flash_works("cpu")


@pytest.mark.parametrize(("kernel", "why"), [(in_tf32, "may be TF32"), (broken, "C compiler")])
def test_a_kernel_that_fails_or_computes_in_tf32_is_not_used_and_that_is_said(
    monkeypatch: pytest.MonkeyPatch, kernel: Callable[..., torch.Tensor], why: str
) -> None:
    use_kernel(monkeypatch, kernel)
    with pytest.warns(UserWarning, match=why):
        assert not flash.flash_works("cpu")


def test_without_the_package_torch_makes_the_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flash, "_DEVICES", ("cpu",))
    flash._kernel.cache_clear()
    for name in [name for name in sys.modules if name.split(".")[0] == "flash_sinkhorn"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "flash_sinkhorn", None)
    assert solve_sinkhorn(random_cost(1)).backend == "cpu"


def test_the_processor_is_torchs() -> None:
    assert not flash.flash_works("cpu")


def test_a_pass_that_certifies_is_torchs(monkeypatch: pytest.MonkeyPatch) -> None:
    use_kernel(monkeypatch, stub)
    made = passes_of(random_cost(1), np.full(60, 1 / 60), np.full(45, 1 / 45), "cpu")
    use_kernel(monkeypatch, broken)
    assert made.sweep(np.zeros(45), 0.1, certify=True).negative_entropy is not None
    with pytest.raises(RuntimeError, match="C compiler"):
        made.sweep(np.zeros(45), 0.1)


def test_problems_whose_plan_can_be_kept_are_torchs(monkeypatch: pytest.MonkeyPatch) -> None:
    use_kernel(monkeypatch, stub)
    monkeypatch.setattr(flash, "DENSE_PAIRS", 60 * 45)
    assert solve_sinkhorn(random_cost(1)).backend == "cpu"
    assert solve_sinkhorn(random_cost(1, n=61)).backend == "cpu, flash-sinkhorn 0"
