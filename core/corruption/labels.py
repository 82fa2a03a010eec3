"""Faults of the label alone: wrong labels, and images of a class that is none."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from core.corruption.change import Change, Scene
from core.errors import ConfigError, DataError
from core.paths import absolute_path


@dataclass(frozen=True, slots=True, kw_only=True)
class NoisyLabelsConfig:
    """How labels become wrong; at most one of the two, else every other class is as likely.

    Attributes
    ----------
    confusion : CSV file: a row a true class, named in the first column; a column a class that its
        images are labelled; probabilities, or counts
    pair : "cat>dog": images of class cat are labelled dog; several are parted by ";"
    """

    confusion: str | None = None
    pair: str | None = None

    def __post_init__(self) -> None:
        """Refuse both at once."""
        if self.confusion and self.pair:
            raise ConfigError("Wrong labels follow a confusion table or a pair, not both.")


@dataclass(frozen=True, slots=True, kw_only=True)
class IrrelevantConfig:
    """Which class is taken out of the classes.

    Attributes
    ----------
    removed : its name; the last class where none is given
    into : the class that its images go to; spread evenly over all others where none is given
    """

    removed: str | None = None
    into: str | None = None


def plant_noisy_labels(scene: Scene, fraction: float, config: NoisyLabelsConfig) -> Change:
    """Give images the label of another class.

    DEVIATION: LAVA draws from all classes, so that one in v of the "wrong" labels is right; here
    each image in the truth has a label that is not its own.

    With a confusion table the images are taken class by class, as often as the table says that
    the class is mistaken, scaled so that they are the fraction asked for in all; with the table's
    own rate of error as the fraction, labels are as the table has them.
    """
    if config.confusion:
        return _by_confusion(scene, fraction, absolute_path(config.confusion))
    if config.pair:
        return _by_pair(scene, fraction, config.pair)
    if len(scene.classes) < 2:
        raise ConfigError(f"{scene.name}: a wrong label needs at least two classes.")
    rows = scene.pick(fraction, np.isin(scene.data.labels, scene.classes))
    v = len(scene.classes)
    own = np.searchsorted(scene.classes, scene.data.labels[rows])
    step = 1 + (scene.draws.uniform(scene.data.ids[rows], "label") * (v - 1)).astype(np.int64)
    return Change(rows=rows, labels=scene.classes[(own + step) % v])


def _by_pair(scene: Scene, fraction: float, text: str) -> Change:
    becomes = np.full(len(scene.data.class_names), -1, dtype=np.int64)
    for part in filter(None, (part.strip() for part in text.split(";"))):
        source, arrow, target = (piece.strip() for piece in part.partition(">"))
        if not arrow or source == target:
            raise ConfigError(f"A pair of two classes is written as cat>dog, got {part!r}.")
        position = scene.class_position(source, "pair")
        if becomes[position] >= 0:
            raise ConfigError(f"The pairs {text!r} say twice what {source!r} becomes.")
        becomes[position] = scene.class_position(target, "pair")
    rows = scene.pick(
        fraction, becomes[scene.data.labels] >= 0, f"images of the classes to mistake in {text!r}"
    )
    return Change(rows=rows, labels=becomes[scene.data.labels[rows]])


def _by_confusion(scene: Scene, fraction: float, path: Path) -> Change:
    table = read_confusion(path, scene.data.class_names)[np.ix_(scene.classes, scene.classes)]
    np.fill_diagonal(table, 0)
    here = [
        np.flatnonzero(scene.free & (scene.data.labels == position)) for position in scene.classes
    ]
    expected = table.sum(axis=1) * [len(rows) for rows in here]
    if not expected.sum():
        raise DataError(f"{path}: it mistakes no class of this set for another.")
    quota = _apportioned(expected, scene.count(fraction))
    short = np.flatnonzero(quota > [len(rows) for rows in here])
    if len(short):
        name = scene.data.class_names[scene.classes[short[0]]]
        raise ConfigError(
            f"{scene.name}: a fraction of {fraction:g} takes {quota[short[0]]:,} images of class "
            f"{name} by {path.name}; {len(here[short[0]]):,} are free. Take a smaller fraction."
        )
    ids, picked, drawn = scene.data.ids, [], []
    for chances, rows, count in zip(table, here, quota.tolist(), strict=True):
        if count == 0:
            continue
        some = scene.draws.first(ids, rows, count)
        cumulative = np.cumsum(chances)
        thrown = scene.draws.uniform(ids[some], "label") * cumulative[-1]
        picked.append(some)
        drawn.append(scene.classes[np.searchsorted(cumulative, thrown, side="right")])
    rows, labels = np.concatenate(picked), np.concatenate(drawn)
    order = np.argsort(rows)
    return Change(rows=rows[order], labels=labels[order], facts={"confusion": str(path)})


def _apportioned(weights: np.ndarray, total: int) -> np.ndarray:
    """Return whole numbers that sum to `total`, as near to proportional as may be, int64."""
    ideal = weights * (total / weights.sum())
    quota = np.floor(ideal).astype(np.int64)
    # The largest remainders get what rounding down left.
    order = np.argsort(quota - ideal, kind="stable")
    quota[order[: total - int(quota.sum())]] += 1
    return quota


def read_confusion(path: Path, class_names: tuple[str, ...]) -> np.ndarray:
    """Return how often the images of each class are labelled each class, rows summing to 1.

    Parameters
    ----------
    path : CSV as in `NoisyLabelsConfig.confusion`; classes that it has beside these are left out

    Returns
    -------
    float64, shape (v, v), in the order of `class_names`

    Raises
    ------
    DataError : it cannot be read, lacks a class, or holds something else than numbers >= 0
    """
    try:
        table = pd.read_csv(path, index_col=0, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise DataError(
            f"{path}: this table of mistaken classes cannot be read: {error}."
        ) from error
    table.index = table.index.astype(str)
    for names, where in ((table.index, "row"), (table.columns, "column")):
        missing = [name for name in class_names if name not in names]
        if missing:
            raise DataError(f"{path}: it has no {where} for the class {missing[0]!r}.")
        if not names.is_unique:
            raise DataError(f"{path}: it has two {where}s of one name.")
    chosen = table.loc[list(class_names), list(class_names)]
    try:
        found = chosen.to_numpy().astype(np.float64)
    except ValueError as error:
        raise DataError(f"{path}: expected numbers only ({error}).") from error
    bad = np.argwhere(~np.isfinite(found) | (found < 0))
    if len(bad):
        row, column = (class_names[position] for position in bad[0])
        raise DataError(f"{path}: expected numbers of 0 and more, row {row}, column {column}.")
    sums = found.sum(axis=1, keepdims=True)
    if not sums.all():
        raise DataError(f"{path}: the row {class_names[int(sums.argmin())]} holds only zeros.")
    return np.asarray(found / sums)


def plant_irrelevant(scene: Scene, fraction: float, config: IrrelevantConfig) -> Change:
    """Take a class out of the classes and put its images into the others, evenly.

    At most all images of the class become irrelevant ones; where the fraction asks for fewer, the
    others leave the set, as their class is no longer one.
    """
    if len(scene.classes) < 2 + (config.into is None):
        raise ConfigError(f"{scene.name}: there are too few classes to take one out.")
    names = scene.data.class_names
    removed = config.removed or names[int(scene.classes[-1])]
    position = scene.class_position(removed, "removed")
    here = np.flatnonzero(scene.free & (scene.data.labels == position))
    if not len(here):
        raise ConfigError(f"{scene.name}: there are no images of class {removed!r}.")
    rows = scene.draws.first(scene.data.ids, here, min(scene.count(fraction), len(here)))
    if config.into is None:
        others = scene.classes[scene.classes != position]
        # Dealt out in a random order: every class gets as many, give or take one.
        deal = np.argsort(scene.draws.keys(scene.data.ids[rows], "dealt"), kind="stable")
        labels = np.empty(len(rows), dtype=np.int64)
        labels[deal] = others[np.arange(len(rows)) % len(others)]
    else:
        target = scene.class_position(config.into, "into")
        if target == position:
            raise ConfigError(f"{scene.name}: {removed!r} cannot go into itself.")
        labels = np.full(len(rows), target, dtype=np.int64)
    return Change(
        rows=rows,
        labels=labels,
        left_out=np.setdiff1d(here, rows),
        removed_classes=(position,),
        facts={"removed": removed},
    )
