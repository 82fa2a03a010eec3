"""Feature vectors of both sets in the plane, by UMAP: neighbours stay neighbours."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.errors import ConfigError, DataError
from core.progress import Progress, silent

# Fewer points than this have no neighbourhood worth the name: their principal plane is shown.
_LEAST_POINTS = 8
# Points from which the principal axes are found.
_AXES_ROWS = 10_000
# Rows of features in memory at a time.
_ROWS_AT_A_TIME = 20_000
# Starting positions span this range, as UMAP's own do, with noise that tells equal rows apart.
_START_RANGE, _START_NOISE = 10.0, 1e-4
_TURN_DEGREES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class LayoutConfig:
    """Settings of `lay_out`.

    Attributes
    ----------
    neighbours : images that each is kept near, >= 2; more shows the whole, fewer the detail
    min_dist : least distance of points in the plane, 0 to 1; less packs them closer
    components : wider features are reduced to this many principal components first, >= 2
    most_fitted : above this many images of both sets, UMAP is fitted to a random subset of this
        size, and the rest is placed in it, >= 100
    seed : 0 to 2**32 - 1

    Raises
    ------
    ConfigError : a setting is out of its range
    """

    neighbours: int = 15
    min_dist: float = 0.1
    components: int = 64
    most_fitted: int = 60_000
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        if not 2 <= self.neighbours <= 200:
            raise ConfigError(f"Neighbours must be 2 to 200, got {self.neighbours}.")
        if not 0 <= self.min_dist <= 1:
            raise ConfigError(f"Min dist must be 0 to 1, got {self.min_dist}.")
        if self.components < 2 or self.most_fitted < 100:
            raise ConfigError("components must be 2 or more, most_fitted 100 or more.")
        if not 0 <= self.seed < 2**32:
            raise ConfigError(f"Seed must be 0 to {2**32 - 1}, got {self.seed}.")


@dataclass(frozen=True, slots=True)
class Layout:
    """Positions in the plane.

    Attributes
    ----------
    train, validation : float32, shapes (n, 2) and (m, 2), read-only; centred, the longer side of
        their bounding box from -1 to 1. Only nearness means something, neither axis does.
    fitted : how many of the images the map was fitted to; the rest was placed in it
    """

    train: np.ndarray
    validation: np.ndarray
    fitted: int


def lay_out(
    x: np.ndarray, y: np.ndarray, config: LayoutConfig, progress: Progress = silent
) -> Layout:
    """Place the images of both sets in one plane.

    Parameters
    ----------
    x, y : features, shapes (n, d) and (m, d); may be mapped from disk
    progress : asked between steps of UMAP; raising `Cancelled` from it stops the work

    Raises
    ------
    DataError : the features are not finite

    Notes
    -----
    Equal input and seed give equal positions on one machine. O(N log N) time for the N fitted
    images, O(N) for the rest; memory is N times `components` and UMAP's graph.

    References
    ----------
    McInnes, Healy, Melville: UMAP, arXiv:1802.03426.
    """
    rng = np.random.default_rng(config.seed)
    points = _principal(x, y, config, rng, progress)
    total = len(points)
    if total < _LEAST_POINTS:
        return _split(_first_two(points), len(x), total)
    if total <= config.most_fitted:
        return _split(_fit(points, config, rng, progress)[0], len(x), total)
    chosen = np.sort(rng.choice(total, config.most_fitted, replace=False))
    fitted, model = _fit(points[chosen], config, rng, progress)
    placed = np.empty((total, 2), np.float32)
    placed[chosen] = fitted
    rest = np.setdiff1d(np.arange(total), chosen)
    for start in range(0, len(rest), _ROWS_AT_A_TIME):
        progress("Placing the rest", start / len(rest), f"{start:,} of {len(rest):,} images")
        rows = rest[start : start + _ROWS_AT_A_TIME]
        placed[rows] = model.transform(points[rows])
    return _split(placed, len(x), len(chosen))


def _principal(
    x: np.ndarray, y: np.ndarray, config: LayoutConfig, rng: np.random.Generator, progress: Progress
) -> np.ndarray:
    """Return both sets' features, centred, in few enough dimensions; float32, (n + m, components).

    Narrow features keep all their dimensions: distances are then exactly the features' own.
    """
    total = len(x) + len(y)
    sample = np.sort(rng.choice(total, min(total, _AXES_ROWS), replace=False))
    some = np.concatenate([x[sample[sample < len(x)]], y[sample[sample >= len(x)] - len(x)]])
    some = some.astype(np.float64)
    mean = some.mean(axis=0)
    axes = None
    if x.shape[1] > config.components:
        progress("Principal components", 0.0)
        _, vectors = np.linalg.eigh(np.cov(some, rowvar=False))
        axes = vectors[:, ::-1][:, : config.components]
    width = x.shape[1] if axes is None else config.components
    points = np.empty((total, width), np.float32)
    for part, offset in ((x, 0), (y, len(x))):
        for start in range(0, len(part), _ROWS_AT_A_TIME):
            progress("Reading the embeddings", (offset + start) / total)
            rows = part[start : start + _ROWS_AT_A_TIME] - mean
            rows = rows if axes is None else rows @ axes
            points[offset + start : offset + start + len(rows)] = rows
    if not np.isfinite(points).all():
        raise DataError("The embeddings hold numbers that are not finite; value the set again.")
    return points


def _first_two(points: np.ndarray) -> np.ndarray:
    """Return the first two principal components, shape (n, 2), each with a sign of its own."""
    centred = points.astype(np.float64) - points.mean(axis=0)
    _, vectors = np.linalg.eigh(centred.T @ centred)
    axes = np.zeros((points.shape[1], 2))
    axes[:, : min(2, points.shape[1])] = vectors[:, ::-1][:, :2]
    # An eigenvector has no sign: its largest entry is made positive.
    largest = np.take_along_axis(axes, np.abs(axes).argmax(axis=0)[None], axis=0)
    return centred @ np.where(largest < 0, -axes, axes)


def _fit(
    points: np.ndarray, config: LayoutConfig, rng: np.random.Generator, progress: Progress
) -> tuple[np.ndarray, Any]:
    """Return positions in the plane, shape (n, 2), and the fitted model that places more."""
    progress("Loading UMAP", 0.0, "Part of it is compiled first, once for each map")
    from umap import UMAP
    from umap.umap_ import nearest_neighbors

    seed = int(rng.integers(2**31))
    k = min(config.neighbours, len(points) - 1)
    detail = f"{k} of each of {len(points):,} images; compiling the search comes first"
    progress("Nearest neighbours", 0.0, detail)
    with warnings.catch_warnings():
        # Of the number of threads and of few points: neither is for whoever looks at a map.
        warnings.simplefilter("ignore")
        neighbours = nearest_neighbors(
            points,
            k,
            metric="euclidean",
            metric_kwds={},
            angular=False,
            random_state=np.random.RandomState(seed),
            low_memory=True,
            n_jobs=1,
        )
        progress("Neighbourhood graph", 0.0, "The layout is compiled next, once")
        model = UMAP(
            n_neighbors=k,
            min_dist=config.min_dist,
            metric="euclidean",
            init=_start(points, rng),
            precomputed_knn=neighbours,
            random_state=seed,
            n_jobs=1,
            low_memory=True,
            tqdm_kwds=_reports(progress),
        )
        return model.fit_transform(points), model


def _start(points: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return where the points begin: their principal plane, which keeps the whole in shape."""
    plane = _first_two(points)
    start = plane * (_START_RANGE / max(float(np.abs(plane).max()), 1e-12))
    noisy: np.ndarray = start + _START_NOISE * rng.standard_normal(start.shape)
    return noisy.astype(np.float32)


def _reports(progress: Progress) -> dict[str, Any]:
    """Return what makes UMAP's own progress bar report to `progress`.

    The bar writes its line to a file; what `progress` raises comes out of UMAP.
    """

    class Line:
        def write(self, text: str) -> None:
            done, _, of = text.strip().partition("/")
            if done.isdigit() and of.isdigit():
                progress("Layout", int(done) / int(of), f"round {done} of {of}")

        def flush(self) -> None:
            pass

    return {
        "file": Line(),
        "disable": False,
        "mininterval": 0.2,
        "miniters": 1,
        "bar_format": "{n:d}/{total:d}",
    }


def _turned(positions: np.ndarray) -> np.ndarray:
    """Return the positions turned by the angle at which the longer side of their box is shortest.

    Neither axis of the map means anything, so this loses nothing.
    """
    angles = np.deg2rad(np.arange(0, 90, _TURN_DEGREES))
    turns = np.array([[np.cos(angles), -np.sin(angles)], [np.sin(angles), np.cos(angles)]])
    sides = [np.ptp(positions @ turn, axis=0).max() for turn in np.moveaxis(turns, 2, 0)]
    turned: np.ndarray = positions @ turns[:, :, int(np.argmin(sides))]
    return turned


def _split(positions: np.ndarray, n: int, fitted: int) -> Layout:
    """Turn the positions so that they fill a square best, scale it to [-1, 1], part the sets."""
    positions = _turned(positions.astype(np.float64))
    low, high = positions.min(axis=0), positions.max(axis=0)
    half = max(float((high - low).max()) / 2, 1e-12)
    scaled = ((positions - (low + high) / 2) / half).astype(np.float32)
    train, validation = scaled[:n].copy(), scaled[n:].copy()
    for part in (train, validation):
        part.setflags(write=False)
    return Layout(train, validation, fitted)
