from __future__ import annotations

import numpy as np
import ot
import pytest
import torch

from core.transport.anderson import Anderson
from core.transport.kernels import DenseKernel, Kernel, SparseKernel, settle
from core.transport.passes import Passes
from tests.core.transport.problems import dense, random_cost

N, M = 60, 45


def filled(kernel: Kernel, plan: np.ndarray) -> Kernel:
    """Hand `plan` to a kernel in three spans, unscaled."""
    for span in ((0, 10), (10, 45), (45, len(plan))):
        weights = torch.as_tensor(plan[slice(*span)], dtype=torch.float32)
        kernel.add(span, 3 * weights, 3 * weights.sum(1))
    kernel.close()
    return kernel


def random_plan(seed: int) -> np.ndarray:
    plan = np.random.default_rng(seed).exponential(size=(N, M)) ** 4
    return plan / plan.sum(axis=1, keepdims=True)


def kernels() -> list[Kernel]:
    return [
        DenseKernel(N, M, torch.float32, torch.device("cpu")),
        SparseKernel(M, share=0.0, room=N * M),
    ]


@pytest.mark.parametrize("kernel", kernels(), ids=["dense", "sparse"])
def test_products_are_those_of_the_plan(kernel: Kernel) -> None:
    plan = random_plan(0)
    filled(kernel, plan)
    v, u = np.random.default_rng(1).uniform(size=M), np.random.default_rng(2).uniform(size=N)
    np.testing.assert_allclose(kernel.rows(v), plan @ v, rtol=1e-5)
    np.testing.assert_allclose(kernel.columns(u), u @ plan, rtol=1e-5)


def test_a_sparse_kernel_keeps_the_entries_above_the_share() -> None:
    plan = random_plan(3)
    kernel = filled(SparseKernel(M, share=0.01, room=N * M), plan)
    kept = np.where(plan > 0.01, plan, 0.0)
    np.testing.assert_allclose(kernel.rows(np.ones(M)), kept.sum(axis=1), rtol=1e-5)


@pytest.mark.parametrize(("room", "every"), [(N * M, 1), (N * M // 2, 2), (N * M // 5, 8)])
def test_a_sparse_kernel_keeps_as_many_rows_as_there_is_room_for(room: int, every: int) -> None:
    plan = random_plan(11)
    kernel = filled(SparseKernel(M, share=0.0, room=room), plan)
    assert kernel.every == every
    v, u = np.random.default_rng(1).uniform(size=M), np.random.default_rng(2).uniform(size=N)
    np.testing.assert_allclose(kernel.rows(v), plan[::every] @ v, rtol=1e-5)
    np.testing.assert_allclose(kernel.columns(u[::every]), u[::every] @ plan[::every], rtol=1e-5)


def test_a_part_of_the_rows_moves_the_whole_towards_its_marginal() -> None:
    """What each column lacks on the whole is what the part is to gain."""
    plan = np.repeat(random_plan(12), 8, axis=0)
    plan *= np.random.default_rng(13).uniform(0.7, 1.4, plan.shape)
    plan /= plan.sum(axis=1, keepdims=True)
    a, b = np.full(len(plan), 1 / len(plan)), np.full(M, 1 / M)
    kernel = SparseKernel(M, share=0.0, room=len(plan) * M // 4)
    weights = torch.as_tensor(plan, dtype=torch.float32)
    kernel.add((0, len(plan)), weights, weights.sum(1))
    kernel.close()
    columns = a @ plan
    shift = settle(kernel, a, b, columns=columns, tolerance=1e-6, memory=10, most=200)
    moved = plan * np.exp(shift)
    moved *= (a / moved.sum(axis=1))[:, None]
    assert np.abs(moved.sum(axis=0) - b).sum() < 0.25 * np.abs(columns - b).sum()


@pytest.mark.parametrize("kernel", kernels(), ids=["dense", "sparse"])
def test_settling_scales_the_columns_as_pot_does(kernel: Kernel) -> None:
    plan = random_plan(4)
    rng = np.random.default_rng(5)
    a, b = (masses / masses.sum() for masses in (rng.uniform(1, 2, N), rng.uniform(1, 2, M)))
    filled(kernel, plan)
    shift = settle(kernel, a, b, columns=a @ plan, tolerance=1e-6, memory=10, most=200)
    ours = plan * np.exp(shift)
    ours *= (a / ours.sum(axis=1))[:, None]
    peer = ot.sinkhorn(a, b, -np.log(plan), 1.0, stopThr=1e-12, numItermax=20000)
    np.testing.assert_allclose(ours, peer, rtol=1e-4, atol=1e-9)


def test_settling_leaves_columns_that_a_truncated_kernel_has_no_entry_of() -> None:
    plan = random_plan(6)
    plan[:, 7] = 1e-9
    plan /= plan.sum(axis=1, keepdims=True)
    kernel = filled(SparseKernel(M, share=1e-6, room=N * M), plan)
    a, b = np.full(N, 1 / N), np.full(M, 1 / M)
    shift = settle(kernel, a, b, columns=a @ plan, tolerance=1e-6, memory=10, most=50)
    assert np.isfinite(shift).all()
    columns = np.exp(shift) * kernel.columns(a / kernel.rows(np.exp(shift)))
    kept = np.arange(M) != 7
    np.testing.assert_allclose(columns[kept] / columns[kept].sum(), 1 / (M - 1), rtol=5e-3)


def test_a_pass_gives_the_kernel_and_the_entropy_of_its_plan() -> None:
    cost = random_cost(7)
    rng = np.random.default_rng(8)
    a, b = (masses / masses.sum() for masses in (rng.uniform(1, 2, N), rng.uniform(1, 2, M)))
    g = rng.standard_normal(M)
    passes = Passes(cost, a, b, device="cpu", precision="float64", tile=11)
    sweep = passes.sweep(g, 0.3, keep=1e-6, certify=True)
    scores = (g - dense(cost)) / 0.3 + np.log(b)
    rows = np.exp(scores - np.logaddexp.reduce(scores, axis=1)[:, None])
    np.testing.assert_allclose(sweep.f, -0.3 * np.logaddexp.reduce(scores, axis=1), rtol=1e-9)
    np.testing.assert_allclose(sweep.columns, a @ rows, rtol=1e-9)
    np.testing.assert_allclose(sweep.error, np.abs(a @ rows - b).sum(), rtol=1e-9)
    np.testing.assert_allclose(sweep.negative_entropy, a @ (rows * np.log(rows)).sum(axis=1))
    assert sweep.kernel is not None
    expected = rows @ np.arange(M)
    np.testing.assert_allclose(
        sweep.kernel.rows(np.arange(M)), expected[passes.tiles.order], rtol=1e-9
    )


def test_a_pass_forgets_a_guess_that_is_far_off() -> None:
    cost = random_cost(9)
    a, b, g = np.full(N, 1 / N), np.full(M, 1 / M), np.zeros(M)
    passes = Passes(cost, a, b, device="cpu", precision="float32", tile=None)
    before = passes.sweep(g, 0.1).f
    for far in (-1e4, 1e4):
        passes.sweep(g + far, 0.1)
        np.testing.assert_allclose(passes.sweep(g, 0.1).f, before, atol=5e-3)


def test_anderson_solves_a_linear_fixed_point_in_as_many_steps_as_it_has_unknowns() -> None:
    rng = np.random.default_rng(10)
    matrix = torch.as_tensor(0.3 * rng.standard_normal((2, 5, 5)))
    offset = torch.as_tensor(rng.standard_normal((2, 5)))
    solution = torch.linalg.solve(torch.eye(5, dtype=torch.float64) - matrix, offset)
    accelerator, point = Anderson(6, ridge=1e-14), torch.zeros(2, 5, dtype=torch.float64)
    for _ in range(8):
        residual = (matrix @ point[:, :, None])[:, :, 0] + offset - point
        point = accelerator.next(point, residual)
    np.testing.assert_allclose(point, solution, rtol=1e-5, atol=1e-6)
