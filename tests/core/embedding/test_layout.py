"""The layout in the plane: near stays near, equal seeds give equal maps, and it can be stopped."""

from __future__ import annotations

import numpy as np
import pytest

from core.embedding import Layout, LayoutConfig, lay_out
from core.errors import Cancelled, ConfigError, DataError

N, M, CLASSES = 240, 60, 4


def clusters(n: int, seed: int, width: int = 10) -> tuple[np.ndarray, np.ndarray]:
    """Return points around one of four far centers each, and which."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % CLASSES
    points = 12 * np.eye(CLASSES, width)[labels] + rng.standard_normal((n, width))
    return points.astype(np.float32), labels


@pytest.fixture(scope="module")
def layout() -> Layout:
    return lay_out(clusters(N, 0)[0], clusters(M, 1)[0], LayoutConfig())


def agreement(positions: np.ndarray, labels: np.ndarray) -> float:
    """Return the share of points whose nearest neighbour in the plane is of their cluster."""
    distances = ((positions[:, None] - positions[None]) ** 2).sum(axis=2)
    np.fill_diagonal(distances, np.inf)
    return float((labels[distances.argmin(axis=1)] == labels).mean())


def test_clusters_stay_together_over_both_sets(layout: Layout) -> None:
    positions = np.concatenate([layout.train, layout.validation])
    labels = np.concatenate([clusters(N, 0)[1], clusters(M, 1)[1]])
    assert agreement(positions, labels) > 0.98
    shuffled = np.random.default_rng(0).permutation(labels)
    assert agreement(positions, shuffled) < 0.5, "the measure can fail"


def test_positions_fill_the_unit_square_and_cannot_be_written(layout: Layout) -> None:
    positions = np.concatenate([layout.train, layout.validation])
    assert layout.train.shape == (N, 2)
    assert layout.validation.shape == (M, 2)
    assert positions.dtype == np.float32
    # Exact but for the rounding of a division in float32.
    np.testing.assert_allclose(np.ptp(positions, axis=0).max(), 2.0, rtol=1e-6)
    assert np.abs(positions).max() <= 1 + 1e-6
    assert not layout.train.flags.writeable
    assert layout.fitted == N + M


def test_equal_seeds_give_equal_maps_and_others_do_not(layout: Layout) -> None:
    again = lay_out(clusters(N, 0)[0], clusters(M, 1)[0], LayoutConfig())
    np.testing.assert_array_equal(again.train, layout.train)
    other = lay_out(clusters(N, 0)[0], clusters(M, 1)[0], LayoutConfig(seed=1))
    assert not np.array_equal(other.train, layout.train)


def test_above_the_limit_the_rest_is_placed_among_what_was_fitted() -> None:
    layout = lay_out(clusters(N, 0)[0], clusters(M, 1)[0], LayoutConfig(most_fitted=150))
    assert layout.fitted == 150
    positions = np.concatenate([layout.train, layout.validation])
    labels = np.concatenate([clusters(N, 0)[1], clusters(M, 1)[1]])
    assert np.isfinite(positions).all()
    assert agreement(positions, labels) > 0.95


def test_wide_features_are_reduced_without_losing_the_clusters() -> None:
    x, labels = clusters(120, 0, width=300)
    y, _ = clusters(30, 1, width=300)
    layout = lay_out(x, y, LayoutConfig(components=8))
    assert agreement(layout.train, labels) > 0.95


@pytest.mark.parametrize("n", [1, 2, 5])
def test_very_few_images_are_shown_in_their_principal_plane(n: int) -> None:
    layout = lay_out(clusters(n, 0)[0], clusters(1, 1)[0], LayoutConfig())
    assert layout.train.shape == (n, 2)
    assert np.isfinite(layout.train).all()


@pytest.mark.parametrize("width", [1, 3])
def test_equal_images_get_finite_positions(width: int) -> None:
    layout = lay_out(np.ones((30, width), np.float32), np.ones((5, width), np.float32), CONFIG)
    assert np.isfinite(layout.train).all()
    assert np.isfinite(layout.validation).all()


CONFIG = LayoutConfig()


def test_the_layout_reports_and_stops_when_asked_in_the_middle_of_it() -> None:
    seen: list[tuple[str, float]] = []

    def stop(stage: str, done: float, detail: str = "") -> None:
        seen.append((stage, done))
        if stage == "Layout" and done > 0:
            raise Cancelled("enough")

    with pytest.raises(Cancelled, match="enough"):
        lay_out(clusters(2000, 0)[0], clusters(M, 1)[0], CONFIG, stop)
    assert "Nearest neighbours" in {stage for stage, _ in seen}
    assert 0 < seen[-1][1] < 1


def test_features_that_are_not_finite_are_refused() -> None:
    x, _ = clusters(20, 0)
    x[3, 1] = np.nan
    with pytest.raises(DataError, match="not finite"):
        lay_out(x, clusters(5, 1)[0], CONFIG)


@pytest.mark.parametrize(
    "wrong",
    [{"neighbours": 1}, {"min_dist": 1.5}, {"components": 1}, {"most_fitted": 5}, {"seed": -1}],
)
def test_settings_out_of_range_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ConfigError):
        LayoutConfig(**wrong)


def test_a_long_map_is_turned_into_the_diagonal() -> None:
    long = np.stack([np.linspace(-1, 1, 6), np.zeros(6)], axis=1).astype(np.float32)
    positions = lay_out(long, np.zeros((1, 2), np.float32), CONFIG).train
    # A line turned by 45 degrees spans the square both ways.
    np.testing.assert_allclose(np.ptp(positions, axis=0), [2.0, 2.0], rtol=1e-5)
