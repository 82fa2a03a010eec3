"""Studies of the LAVA and SAVA papers as functions of arrays, for the scripts that report them.

Each returns a table with one row a setting; nothing is written or read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from core.errors import ConfigError
from core.progress import Progress, silent
from core.valuation import METHODS

if TYPE_CHECKING:
    from core.evaluation import Effect

Settings = Mapping[str, Any]


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
    the settings of each variant, auroc, average_precision and recall_at_0.1
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
    validation_images, auroc, average_precision, recall_at_0.1

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
    embedder, auroc, average_precision, recall_at_0.1
    """
    return pd.DataFrame(
        [
            {"embedder": name, **_detection(one, one.value(method, settings or {}, progress))}
            for name, one in studies.items()
        ]
    )


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
    times : how often everything is there in the end; for the single image, how many hundredths of
        the set its copies are
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


def _detection(study: Study, value: np.ndarray) -> dict[str, float]:
    from core.evaluation import detection_curve

    if study.faulty is None:
        raise ConfigError("Detection needs to know which images are faulty.")
    curve = detection_curve(value, study.faulty)
    return {
        "auroc": curve.auroc,
        "average_precision": curve.average_precision,
        "recall_at_0.1": curve.recall_at(0.1),
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
