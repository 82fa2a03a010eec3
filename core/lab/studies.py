"""Studies of the LAVA and SAVA papers as functions of arrays, for the scripts that report them.

Each returns a table with one row a setting; nothing is written or read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from core.errors import ConfigError
from core.progress import Progress, silent
from core.valuation import METHODS

if TYPE_CHECKING:
    from core.evaluation import Effect

Settings = Mapping[str, Any]
# Whose images a batch's label distances are made of: see `detection_by_label_distances`.
LABEL_DISTANCE_SOURCES = ("whole sets", "first pair", "each pair")


@dataclass(frozen=True, eq=False, kw_only=True)
class Study:
    """Two embedded sets, and which training images are faulty.

    Attributes
    ----------
    x, labels : features, shape (n, d), and labels, int64, of the training images
    y, y_labels : the same of the validation images, m
    n_classes : number of classes
    faulty : bool, shape (n,); None where nothing is known
    """

    x: np.ndarray
    labels: np.ndarray
    y: np.ndarray
    y_labels: np.ndarray
    n_classes: int
    faulty: np.ndarray | None = None

    def take(self, rows: np.ndarray) -> Study:
        """Return the study of some of the training images; rows may come more than once."""
        faulty = None if self.faulty is None else self.faulty[rows]
        return replace(self, x=self.x[rows], labels=self.labels[rows], faulty=faulty)

    def value(self, method: str, settings: Settings, progress: Progress = silent) -> np.ndarray:
        """Return the training images' values by a method with these settings, shape (n,)."""
        used = METHODS[method]
        config = used.configure(settings)
        found = used(
            self.x,
            self.labels,
            self.y,
            self.y_labels,
            self.n_classes,
            config,
            progress=progress,
        )
        return found.value


def detection_by_setting(
    study: Study, method: str, variants: Iterable[Settings], progress: Progress = silent
) -> pd.DataFrame:
    """Return how well faults are found with each of several settings of a method.

    Weights of features and labels (LAVA, B.2.2 and B.2.3), batch sizes (SAVA, G.2), or any other.

    Returns
    -------
    the settings of each variant, auroc, average_precision, recall_at_0.1 and recall_at_0.5
    """
    return pd.DataFrame(
        [{**one, **_detection(study, study.value(method, one, progress))} for one in variants]
    )


def detection_by_validation_size(
    study: Study,
    method: str,
    sizes: Sequence[int],
    *,
    settings: Settings | None = None,
    seed: int = 0,
    progress: Progress = silent,
) -> pd.DataFrame:
    """Return how well faults are found with fewer validation images (LAVA, B.2.1).

    Smaller sets are parts of larger ones, with the classes' shares.

    Returns
    -------
    validation_images, auroc, average_precision, recall_at_0.1, recall_at_0.5

    Raises
    ------
    ConfigError : a size is less than 1, or more than there are
    """
    order = _even_order(study.y_labels, np.random.default_rng(seed))
    rows = []
    for size in sizes:
        if not 1 <= size <= len(order):
            raise ConfigError(f"There are {len(order):,} validation images, not {size:,}.")
        kept = np.sort(order[:size])
        part = replace(study, y=study.y[kept], y_labels=study.y_labels[kept])
        value = part.value(method, settings or {}, progress)
        rows.append({"validation_images": size, **_detection(part, value)})
    return pd.DataFrame(rows)


def detection_by_embedder(
    studies: Mapping[str, Study],
    method: str,
    *,
    settings: Settings | None = None,
    progress: Progress = silent,
) -> pd.DataFrame:
    """Return how well the same faults are found in several embeddings (LAVA, figure 10).

    Returns
    -------
    embedder, auroc, average_precision, recall_at_0.1, recall_at_0.5
    """
    return pd.DataFrame(
        [
            {"embedder": name, **_detection(one, one.value(method, settings or {}, progress))}
            for name, one in studies.items()
        ]
    )


def detection_by_label_distances(
    study: Study,
    sources: Sequence[str] = LABEL_DISTANCE_SOURCES,
    *,
    batch_size: int = 1024,
    seed: int = 0,
) -> pd.DataFrame:
    """Return what SAVA finds with label distances cached, and made anew (SAVA, G.3 and figure 9).

    Parameters
    ----------
    sources : of `LABEL_DISTANCE_SOURCES`: made once of the whole sets, as `value_sava` does; once
        of the first pair of batches, as the paper's caching does; or anew for each pair
    batch_size, seed : as in `SavaConfig`; batches are random, other settings the defaults

    Returns
    -------
    label_distances (the source), problems (how many transports between classes were solved),
    auroc, average_precision, recall_at_0.1, recall_at_0.5

    Raises
    ------
    ConfigError : the first pair lacks a class that another has
    """
    rows = []
    for source in sources:
        value, problems = _value_in_batches(study, source, batch_size, seed)
        found = _detection(study, value)
        rows.append({"label_distances": source, "problems": problems, **found})
    return pd.DataFrame(rows)


def distance_against_accuracy(
    studies: Iterable[tuple[float, Study]],
    measure: Callable[[Study], float],
    *,
    settings: Settings | None = None,
    progress: Progress = silent,
) -> pd.DataFrame:
    """Return OT distance and accuracy of training sets of growing corruption (LAVA, figure 1).

    Parameters
    ----------
    studies : pairs of the share that is corrupted and the set
    measure : trains a learner on a study's training images and returns its accuracy

    Returns
    -------
    corrupted, distance (units of cost, the regularizer not included), accuracy
    """
    from core.valuation import set_distance

    config = METHODS["lava"].configure(settings or {})
    rows = []
    for share, one in studies:
        found = set_distance(
            one.x, one.labels, one.y, one.y_labels, one.n_classes, config, progress=progress
        )
        rows.append(
            {"corrupted": share, "distance": found.transport_cost, "accuracy": measure(one)}
        )
    return pd.DataFrame(rows)


def reduction(
    values: Mapping[str, np.ndarray],
    measure: Callable[[np.ndarray], Effect],
    shares: Sequence[float],
    *,
    seed: int = 0,
) -> pd.DataFrame:
    """Return accuracy when only the best images are kept, by each ranking and at random.

    On a clean set this is reducing it (LAVA, B.4), on an unbalanced one rebalancing it (B.3); with
    small shares kept, data summarization (B.5), whose measure is `gain`.

    Parameters
    ----------
    values : of the training images, shape (n,), by the name of the ranking
    measure : trains on the rows given and says what the learner does
    shares : of the images that are kept, above 0, to 1

    Returns
    -------
    order (a name, or "random"), kept, images, accuracy, and gain (accuracy less that of as many
    images at random)
    """
    from core.evaluation import removal_curve

    removed = [1.0 - share for share in shares]
    n = len(next(iter(values.values())))
    by_chance = removal_curve(np.zeros(n), measure, removed, seed=seed)
    rows = []
    for order in (*values, "random"):
        points = by_chance
        if order != "random":
            points = removal_curve(values[order], measure, removed, seed=seed)
        rows += [
            {
                "order": order,
                "kept": share,
                "images": n - point.removed,
                "accuracy": point.accuracy,
                "gain": point.accuracy - chance.accuracy,
            }
            for share, point, chance in zip(shares, points, by_chance, strict=True)
        ]
    return pd.DataFrame(rows)


def duplication(
    study: Study,
    times: Sequence[int],
    *,
    single: Sequence[int] | None = None,
    noise: float = 0.01,
    settings: Settings | None = None,
    seed: int = 0,
    progress: Progress = silent,
) -> pd.DataFrame:
    """Return what copies do to the OT distance (LAVA, B.8 and table 3).

    Three ways to copy: the whole set, the whole set with noise in the features, and one image: the
    one of the highest value, as somebody would who wants to profit from it.

    Parameters
    ----------
    times : how often everything is there in the end
    single : how many hundredths of the set the copies of the single image are; None for `times`
    noise : standard deviation of the noise, as a share of each feature's

    Returns
    -------
    what ("whole set", "whole set with noise", "one image"), times, images, distance
    """
    rng = np.random.default_rng(seed)
    n = len(study.x)
    best = int(study.value("lava", settings or {}, progress).argmax())
    spread = noise * study.x.std(axis=0)

    def made() -> Iterable[tuple[str, int, Study]]:
        for count in times:
            whole = study.take(np.tile(np.arange(n), count))
            yield "whole set", count, whole
            added = spread * rng.standard_normal(whole.x.shape)
            added[:n] = 0.0
            yield "whole set with noise", count, replace(whole, x=_like(whole.x + added, study.x))
        for count in times if single is None else single:
            copies = np.full(round(count * n / 100), best)
            yield "one image", count, study.take(np.concatenate([np.arange(n), copies]))

    rows = list(made())
    table = distance_against_accuracy(
        [(0.0, one) for _, _, one in rows],
        lambda _: float("nan"),
        settings=settings,
        progress=progress,
    )
    return pd.DataFrame(
        {
            "what": [what for what, _, _ in rows],
            "times": [count for _, count, _ in rows],
            "images": [len(one.x) for _, _, one in rows],
            "distance": table["distance"],
        }
    )


def unbalanced_rows(
    labels: np.ndarray, favored: int, factor: float, rng: np.random.Generator
) -> np.ndarray:
    """Return rows of a set in which one class has `factor` times the images of the others.

    The favored class keeps all of its images; of each other as many stay, picked at random, as make
    it so, or all where there are no more (LAVA, B.3: the class Frog with a factor of 2).

    Raises
    ------
    ConfigError : `factor` is below 1, or the class has no images
    """
    count = int((labels == favored).sum())
    if factor < 1 or count == 0:
        raise ConfigError(f"Expected a factor of 1 or more of a class with images, got {factor}.")
    most = round(count / factor)
    kept = [
        rows if label == favored else rng.permutation(rows)[:most]
        for label in np.unique(labels)
        for rows in (np.flatnonzero(labels == label),)
    ]
    return np.sort(np.concatenate(kept))


def _value_in_batches(
    study: Study, source: str, batch_size: int, seed: int
) -> tuple[np.ndarray, int]:
    """Return SAVA's values, shape (n,), and how many transports between classes they took."""
    from core.transport import (
        BatchPairConfig,
        GroundCost,
        LabelDistanceConfig,
        batch_plan,
        label_distances,
        make_batches,
        solve_batch_pairs,
    )
    from core.valuation import LavaConfig, calibrated_gradient

    config = LavaConfig()
    between = LabelDistanceConfig(epsilon=config.epsilon, p=config.p)
    settings = BatchPairConfig(epsilon=config.epsilon)
    rng = np.random.default_rng(seed)
    left = make_batches(study.labels, batch_size, "random", rng)
    right = make_batches(study.y_labels, batch_size, "random", rng)
    potentials = np.empty((len(right), len(study.x)))
    costs = np.empty((len(left), len(right)))
    distances, problems = None, 0
    for i, j in product(range(len(left)), range(len(right))):
        part = study.take(left[i])
        part = replace(part, y=study.y[right[j]], y_labels=study.y_labels[right[j]])
        if distances is None or source == "each pair":
            whose = study if source == "whole sets" else part
            sides = whose.x, whose.labels, whose.y, whose.y_labels
            distances = label_distances(*sides, study.n_classes, between)
            problems += int(np.isfinite(distances).sum())
        if np.isnan(distances[np.ix_(np.unique(part.labels), np.unique(part.y_labels))]).any():
            raise ConfigError("The first pair of batches lacks a class; take larger batches.")
        cost = GroundCost(
            x=part.x,
            y=part.y,
            x_labels=part.labels,
            y_labels=part.y_labels,
            label_distances=distances,
        )
        n, m = cost.shape
        a, b = np.full(n, 1 / n), np.full(m, 1 / m)
        solved = solve_batch_pairs(cost, [np.arange(n)], [np.arange(m)], settings, a=a, b=b)
        potentials[j, left[i]] = solved.f[0]
        costs[i, j] = solved.cost[0, 0]
    sizes = (np.array([len(one) for one in side], dtype=np.float64) for side in (left, right))
    plan = batch_plan(costs, *(size / size.sum() for size in sizes))
    weights = plan / plan.sum(axis=1, keepdims=True)
    value = np.empty(len(study.x))
    for weight, batch in zip(weights, left, strict=True):
        value[batch] = -calibrated_gradient(weight @ potentials[:, batch])
    return value, problems


def _detection(study: Study, value: np.ndarray) -> dict[str, float]:
    from core.evaluation import detection_curve

    if study.faulty is None:
        raise ConfigError("Detection needs to know which images are faulty.")
    curve = detection_curve(value, study.faulty)
    return {
        "auroc": curve.auroc,
        "average_precision": curve.average_precision,
        "recall_at_0.1": curve.recall_at(0.1),
        "recall_at_0.5": curve.recall_at(0.5),
    }


def _even_order(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a random order any start of which has the classes' shares, as far as can be."""
    place = np.empty(len(labels))
    for label in np.unique(labels):
        rows = rng.permutation(np.flatnonzero(labels == label))
        place[rows] = (np.arange(len(rows)) + rng.random()) / len(rows)
    return np.argsort(place, kind="stable")


def _like(array: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(array, dtype=other.dtype)
