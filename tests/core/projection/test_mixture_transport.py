"""The distance of mixtures: its value, its gradient, its shape in p."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import ot
import pytest

from core.errors import ConfigError, DataError
from core.projection import MixtureTransport, draw, lattice
from core.transport import (
    MassSolutions,
    Potentials,
    cost_matrix,
    solve_masses,
    solve_sinkhorn,
)
from core.valuation import LavaConfig
from tests.core.projection.sources import pilots_of, points

PILOTS = pilots_of([40, 30, 25], wrong=[0.0, 0.3, 0.6])
Y, Y_LABELS = points(35, np.random.default_rng(7))
TIGHT = LavaConfig(tolerance=1e-9, device="cpu")
P = np.array([0.5, 0.3, 0.2])
POT = {"method": "sinkhorn_log", "stopThr": 1e-10, "numItermax": 10_000}
SMOOTH = replace(TIGHT, epsilon=0.5)  # POT needs thousands of iterations at less.


@pytest.fixture(scope="module")
def transport() -> MixtureTransport:
    return MixtureTransport(PILOTS, Y, Y_LABELS, TIGHT)


def masses(p: np.ndarray) -> np.ndarray:
    return (p / PILOTS.counts)[PILOTS.source]


def test_the_distance_is_that_of_pot() -> None:
    transport = MixtureTransport(PILOTS, Y, Y_LABELS, SMOOTH)
    cost, a, b = cost_matrix(transport.cost), masses(P), np.full(len(Y), 1 / len(Y))
    plan = ot.sinkhorn(a, b, cost, transport.epsilon, **POT)
    entropy = float((plan * np.log(plan / np.outer(a, b)))[plan > 0].sum())
    found = transport.solve(P)
    expected = float((plan * cost).sum()) + transport.epsilon * entropy
    # Both stop at marginal errors below 1e-8; a value is then exact to about its square.
    np.testing.assert_allclose(found.distance, expected, rtol=1e-6)
    np.testing.assert_allclose(found.certificate.transport_cost, (plan * cost).sum(), rtol=1e-5)


def test_with_little_regularization_it_is_the_exact_distance() -> None:
    transport = MixtureTransport(PILOTS, Y, Y_LABELS, replace(TIGHT, epsilon=1e-3, tolerance=1e-6))
    exact = ot.emd2(masses(P), np.full(len(Y), 1 / len(Y)), cost_matrix(transport.cost))
    found = transport.solve(P)
    assert found.certificate.converged
    np.testing.assert_allclose(found.certificate.transport_cost, exact, rtol=2e-3)


@pytest.mark.parametrize("p", [P, np.array([0.02, 0.03, 0.95])])
@pytest.mark.parametrize("kind", ["training", "validation"])
def test_the_gradient_agrees_with_central_differences(p: np.ndarray, kind: str) -> None:
    transport = MixtureTransport(PILOTS, Y, Y_LABELS, replace(TIGHT, label_distance_kind=kind))
    gradient, step = transport.solve(p).gradient, 5e-4
    for i, j in [(0, 1), (1, 2), (2, 0)]:
        way = np.zeros(3)
        way[i], way[j] = 1, -1
        up, down = (z.distance for z in transport.solve_all(p + np.outer([step, -step], way)))
        np.testing.assert_allclose(gradient @ way, (up - down) / (2 * step), rtol=1e-3)


def test_the_gradient_is_the_mean_potential_of_each_source(transport: MixtureTransport) -> None:
    point, b = transport.solve(P), np.full(len(Y), 1 / len(Y))
    exponents = (point.g - cost_matrix(transport.cost)) / transport.epsilon
    f = -transport.epsilon * np.log(np.exp(exponents) @ b)
    means = np.array([f[PILOTS.source == s].mean() for s in range(3)])
    constant = point.gradient - means
    np.testing.assert_allclose(constant - constant[0], 0, atol=1e-9)
    np.testing.assert_allclose(point.distance, point.gradient @ P, rtol=1e-12)


def test_the_distance_is_convex_and_above_every_tangent(transport: MixtureTransport) -> None:
    solved = transport.solve_all(lattice(3, 4))
    between = {tuple(np.round(z.p * 4).astype(int)): z.distance for z in solved}
    for one in solved:
        for other in solved:
            assert one.gradient @ other.p <= other.distance + 1e-6
            middle = tuple(np.round((one.p + other.p) * 2).astype(int))
            if np.allclose(np.array(middle) / 4, (one.p + other.p) / 2):
                assert between[middle] <= (one.distance + other.distance) / 2 + 1e-6


def test_ratios_solved_together_are_those_solved_alone(transport: MixtureTransport) -> None:
    ratios = [*np.eye(3), P, np.array([0.0, 0.5, 0.5])]
    for point, p in zip(transport.solve_all(ratios), ratios, strict=True):
        alone = transport.solve(p)
        np.testing.assert_array_equal(point.p, p)
        assert point.certificate.converged
        np.testing.assert_allclose(point.distance, alone.distance, rtol=1e-7)
        np.testing.assert_allclose(point.gradient, alone.gradient, rtol=1e-5)
        np.testing.assert_allclose(
            point.certificate.transport_cost, alone.certificate.transport_cost, rtol=1e-5
        )


def test_ratios_are_solved_one_by_one_where_memory_is_short(
    transport: MixtureTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.projection.mixture_transport.SHARED_PAIRS", 10)
    monkeypatch.setattr("core.projection.mixture_transport.solve_masses", None)
    found = transport.solve_all([P, np.eye(3)[0]])
    np.testing.assert_allclose(found[0].distance, transport.solve(P).distance, rtol=1e-7)
    np.testing.assert_array_equal(found[1].p, np.eye(3)[0])


def test_what_does_not_converge_together_is_solved_alone(
    transport: MixtureTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.transport.shared_kernel._ITERATIONS", 2)
    point = transport.solve_all([np.eye(3)[2], P])[0]
    assert point.certificate.converged
    np.testing.assert_allclose(point.distance, transport.solve(np.eye(3)[2]).distance, rtol=1e-7)


def test_what_one_kernel_does_not_reach_is_reached_from_the_nearest_miss(
    transport: MixtureTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In rounds: not one by one, which takes an order of magnitude longer."""
    monkeypatch.setattr("core.transport.shared_kernel._ITERATIONS", 60)
    rounds, single, ratios = [], [], lattice(3, 4)
    alone = {tuple(p): transport.solve(p).distance for p in ratios}

    def together(*given: object, **settings: object) -> MassSolutions:
        rounds.append(len(given[2]))  # type: ignore[arg-type]
        return solve_masses(*given, **settings)  # type: ignore[arg-type]

    def one(*given: object, **settings: object) -> Potentials:
        single.append(settings["a"])
        return solve_sinkhorn(*given, **settings)  # type: ignore[arg-type]

    monkeypatch.setattr("core.projection.mixture_transport.solve_masses", together)
    monkeypatch.setattr("core.projection.mixture_transport.solve_sinkhorn", one)
    points = transport.solve_all(ratios)
    assert rounds[0] == len(ratios) > rounds[1]
    # The first is that of the mean, where all start.
    assert len(single) - 1 < rounds[1]
    for p, point in zip(ratios, points, strict=True):
        np.testing.assert_allclose(point.p, p)
        assert point.certificate.converged
        np.testing.assert_allclose(point.distance, alone[tuple(p)], rtol=1e-7)


def test_a_warm_start_changes_no_distance(transport: MixtureTransport) -> None:
    cold, other = transport.solve(P), transport.solve(np.array([0.1, 0.1, 0.8]))
    warm = transport.solve(P, other.g)
    np.testing.assert_allclose(warm.distance, cold.distance, rtol=1e-6)
    np.testing.assert_allclose(warm.gradient, cold.gradient, rtol=1e-4)


def test_the_order_of_the_images_does_not_matter(transport: MixtureTransport) -> None:
    order = np.random.default_rng(1).permutation(len(PILOTS.x))
    mixed = replace(
        PILOTS, x=PILOTS.x[order], labels=PILOTS.labels[order], source=PILOTS.source[order]
    )
    again = MixtureTransport(mixed, Y, Y_LABELS, TIGHT).solve(P)
    np.testing.assert_allclose(again.distance, transport.solve(P).distance, rtol=1e-5)


def test_more_wrong_labels_are_further(transport: MixtureTransport) -> None:
    alone = [transport.solve(p).distance for p in np.eye(3)]
    assert alone[0] < alone[1] < alone[2]


def test_a_source_without_a_share_has_no_effect_but_a_gradient(
    transport: MixtureTransport,
) -> None:
    """Its gradient says what a first image of it would do: the one-sided difference."""
    p = np.array([0.6, 0.4, 0.0])
    kept = PILOTS.source < 2
    two = replace(
        PILOTS,
        x=PILOTS.x[kept],
        labels=PILOTS.labels[kept],
        source=PILOTS.source[kept],
        names=PILOTS.names[:2],
        capacity=PILOTS.capacity[:2],
        price=PILOTS.price[:2],
    )
    point = transport.solve(p)
    alone = MixtureTransport(two, Y, Y_LABELS, TIGHT).solve(p[:2])
    np.testing.assert_allclose(point.distance, alone.distance, rtol=1e-6)
    step = 1e-4
    moved = transport.solve(np.array([0.6 - step, 0.4, step]), point.g)
    slope = (moved.distance - point.distance) / step
    np.testing.assert_allclose(point.gradient[2] - point.gradient[0], slope, rtol=0.02)


def test_identical_sources_can_be_exchanged() -> None:
    one = pilots_of([30])
    twice = replace(
        one,
        x=np.vstack([one.x, one.x]),
        labels=np.tile(one.labels, 2),
        source=np.repeat([0, 1], 30),
        names=("a", "b"),
        capacity=np.full(2, np.inf),
        price=np.zeros(2),
    )
    transport = MixtureTransport(twice, Y, Y_LABELS, TIGHT)
    points = [transport.solve(np.array([q, 1 - q])) for q in (0.0, 0.3, 1.0)]
    distances = [point.distance for point in points]
    np.testing.assert_allclose(distances, distances[0], rtol=1e-6)
    np.testing.assert_allclose(points[1].gradient[0], points[1].gradient[1], rtol=1e-6)
    alone = MixtureTransport(one, Y, Y_LABELS, TIGHT).solve(np.ones(1))
    np.testing.assert_allclose(alone.distance, distances[0], rtol=1e-6)


def test_the_validation_set_itself_is_nearest() -> None:
    """Its distance is that of the regularizer alone, and no other mix comes closer."""
    pilots = replace(
        PILOTS,
        x=np.vstack([PILOTS.x[PILOTS.source < 2], Y]),
        labels=np.concatenate([PILOTS.labels[PILOTS.source < 2], Y_LABELS]),
        source=np.concatenate([PILOTS.source[PILOTS.source < 2], np.full(len(Y), 2)]),
    )
    transport = MixtureTransport(pilots, Y, Y_LABELS, replace(TIGHT, tolerance=1e-5))
    distances = np.array([z.distance for z in transport.solve_all(lattice(3, 3))])
    assert lattice(3, 3)[np.argmin(distances)][2] == 1
    assert distances.min() < 0.3 * distances.max()


def test_what_was_drawn_as_a_whole_is_the_mixture(transport: MixtureTransport) -> None:
    everything = transport.solve_drawn(np.arange(len(PILOTS.x)))
    mixture = transport.solve(PILOTS.counts / PILOTS.counts.sum())
    np.testing.assert_allclose(everything.distance, mixture.distance, rtol=1e-6)
    np.testing.assert_allclose(everything.gradient, mixture.gradient, rtol=1e-4)


def test_a_draw_is_a_measure_on_what_was_drawn() -> None:
    transport = MixtureTransport(PILOTS, Y, Y_LABELS, SMOOTH)
    rows = draw(PILOTS, np.array([0.6, 0.4, 0.0]), 30, np.random.default_rng(0))
    found = transport.solve_drawn(rows)
    cost, b = cost_matrix(transport.cost)[rows], np.full(len(Y), 1 / len(Y))
    plan = ot.sinkhorn(np.full(30, 1 / 30), b, cost, transport.epsilon, **POT)
    np.testing.assert_allclose(found.certificate.transport_cost, (plan * cost).sum(), rtol=1e-4)
    np.testing.assert_allclose(found.p, [0.6, 0.4, 0.0])
    np.testing.assert_allclose(found.gradient @ found.p, found.distance, rtol=1e-12)
    assert np.isfinite(found.gradient).all()


def test_a_source_of_one_class_is_solved() -> None:
    one_class = replace(PILOTS, labels=np.where(PILOTS.source == 1, 2, PILOTS.labels))
    transport = MixtureTransport(one_class, Y, Y_LABELS, TIGHT)
    assert np.isfinite(transport.solve(P).gradient).all()
    assert transport.solve(np.eye(3)[1]).distance > transport.solve(np.eye(3)[0]).distance


def test_what_cannot_be_compared_is_refused(transport: MixtureTransport) -> None:
    with pytest.raises(DataError, match="4 numbers each"):
        MixtureTransport(PILOTS, Y[:, :3], Y_LABELS, TIGHT)
    with pytest.raises(DataError, match="validation label"):
        MixtureTransport(PILOTS, Y, Y_LABELS + 1, TIGHT)
    with pytest.raises(ConfigError, match="each of 3 sources"):
        transport.solve(np.array([0.5, 0.5]))
    with pytest.raises(ConfigError, match="sum 1"):
        transport.solve(np.array([0.5, 0.5, 0.5]))
    with pytest.raises(ConfigError, match="an image"):
        transport.solve_drawn(np.array([], dtype=np.int64))
