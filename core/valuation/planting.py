"""Faults planted in held-out validation images: the truth that calibration may use."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.transport import representative_rows

SOUND = -1
KINDS = ("wrong label", "noise", "irrelevant")
_NOISE = (0.5, 1.0)
_FOLDS = 5
# Copies with a fault, as a share of the held-out images.
_WRONG, _NOISY, _FOREIGN = 2 / 3, 1 / 3, 1 / 3


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOut:
    """Validation images that play the training set, and those that stay.

    Attributes
    ----------
    x, x_labels : the embeddings held out, float32, shape (h, d), and their labels
    y, y_labels : those kept
    noisy : embeddings of copies of the same pictures with noise in them, shape (h, d); None where
        there are no pictures: the noise is then planted in the embeddings
    y_noisy : the same of those kept, shape (k, d): by them the direction of noise is known
    """

    x: np.ndarray
    x_labels: np.ndarray
    y: np.ndarray
    y_labels: np.ndarray
    noisy: np.ndarray | None = None
    y_noisy: np.ndarray | None = None

    def at_most(self, most: int) -> HeldOut:
        """Return a part of at most `most` images a side, spread evenly."""
        held, kept = (
            representative_rows(z, labels, min(most, len(z)))
            for z, labels in ((self.x, self.x_labels), (self.y, self.y_labels))
        )
        return HeldOut(
            x=self.x[held],
            x_labels=self.x_labels[held],
            y=self.y[kept],
            y_labels=self.y_labels[kept],
            noisy=None if self.noisy is None else self.noisy[held],
            y_noisy=None if self.y_noisy is None else self.y_noisy[kept],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Bag:
    """Held-out images with faults planted in copies of them, against kept ones.

    Attributes
    ----------
    x, x_labels : embeddings, float32, shape (k, d), and the labels given to them
    kind : int64, shape (k,), a position in `KINDS`; `SOUND` for images left as they are
    y, y_labels : the kept images
    y_noisy : copies of them with noise in their pictures, where there are pictures
    """

    x: np.ndarray
    x_labels: np.ndarray
    kind: np.ndarray
    y: np.ndarray
    y_labels: np.ndarray
    y_noisy: np.ndarray | None = None


def split_in_halves(
    y: np.ndarray, y_labels: np.ndarray, *, most: int, repeats: int, rng: np.random.Generator
) -> list[HeldOut]:
    """Split at most `most` validation images into halves, class by class, `repeats` times."""
    if len(y) > most:
        rows = representative_rows(y, y_labels, most)
        y, y_labels = y[rows], y_labels[rows]
    return [_halves(y, y_labels, rng) for _ in range(repeats)]


def _halves(y: np.ndarray, y_labels: np.ndarray, rng: np.random.Generator) -> HeldOut:
    kept, held = stratified(y_labels, 0.5, rng)
    return HeldOut(x=y[held], x_labels=y_labels[held], y=y[kept], y_labels=y_labels[kept])


def stratified(
    labels: np.ndarray, share: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return rows to keep and rows to hold out: `share` of each class is held out, at random.

    A class of one image is kept.
    """
    order = rng.permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    _, starts, counts = np.unique(labels[order], return_index=True, return_counts=True)
    position = np.arange(len(labels)) - np.repeat(starts, counts)
    held = position < np.repeat(np.floor(counts * share), counts)
    return np.sort(order[~held]), np.sort(order[held])


def plant(part: HeldOut, number: int, rng: np.random.Generator) -> Bag:
    """Plant every kind of fault in copies of the held-out images.

    Wrong labels are drawn half uniformly, half as the classes resemble each other. Noise is that
    of the pictures where there are any, else white in the space of the embeddings, of half and of
    one deviation. Foreign images are those of classes that the kept images then lack, with a random
    label of another class; each repetition (`number`) leaves out other classes. Sets of fewer than
    three classes have none.
    """
    classes = np.unique(part.y_labels)
    left_out = np.random.default_rng(0).permutation(classes)[number % _FOLDS :: _FOLDS]
    if len(classes) - len(left_out) < 2:
        left_out = left_out[:0]
    kept = ~np.isin(part.y_labels, left_out)
    y, y_labels = part.y[kept], part.y_labels[kept]
    classes = np.unique(y_labels)
    # The kept images may lack rare classes of their own accord: they are a part of a larger set.
    here = np.isin(part.x_labels, classes)
    x, labels = part.x[here], part.x_labels[here]
    pieces = [(x, labels, SOUND)]
    rows = _some(len(x), _WRONG, rng)
    half = len(rows) // 2
    drawn = np.ones((len(classes), len(classes)))
    pieces.append((x[rows[:half]], _relabelled(labels[rows[:half]], classes, drawn, rng), 0))
    drawn = _confusion(y, y_labels, classes)
    pieces.append((x[rows[half:]], _relabelled(labels[rows[half:]], classes, drawn, rng), 0))
    rows = _some(len(x), _NOISY, rng)
    if part.noisy is None:
        strength = np.where(np.arange(len(rows)) % 2, *_NOISE)[:, None]
        noise = strength * y.std(axis=0) * rng.standard_normal((len(rows), x.shape[1]))
        noisy = (x[rows] + noise).astype(np.float32)
    else:
        noisy = part.noisy[here][rows]
    pieces.append((noisy, labels[rows], 1))
    foreign = part.x[~here]
    rows = rng.permutation(len(foreign))[: round(_FOREIGN * len(x))]
    pieces.append((foreign[rows], rng.choice(classes, len(rows)), 2))
    return Bag(
        x=np.concatenate([piece[0] for piece in pieces]),
        x_labels=np.concatenate([piece[1] for piece in pieces]),
        kind=np.concatenate([np.full(len(piece[0]), piece[2]) for piece in pieces]),
        y=y,
        y_labels=y_labels,
        y_noisy=None if part.y_noisy is None else part.y_noisy[kept],
    )


def _some(count: int, share: float, rng: np.random.Generator) -> np.ndarray:
    return rng.permutation(count)[: round(share * count)]


def _relabelled(
    labels: np.ndarray, classes: np.ndarray, drawn: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Return another class for each label, drawn with the weights of its row of `drawn`."""
    weights = drawn.copy()
    np.fill_diagonal(weights, 0)
    cumulative = np.cumsum(weights / weights.sum(axis=1, keepdims=True), axis=1)
    cumulative[:, -1] = 1.0
    position = np.searchsorted(classes, labels)
    picked = (rng.random(len(labels))[:, None] > cumulative[position]).sum(axis=1)
    # The last class may be the image's own, where rounding left a gap below 1.
    clash = picked == position
    picked[clash] = (picked[clash] + 1) % len(classes)
    return np.asarray(classes[picked])


def _confusion(y: np.ndarray, y_labels: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Return how much the classes resemble each other: exp of minus the distance of their means.

    Distances in units of their own deviation among the pairs.
    """
    means = np.stack([y[y_labels == label].mean(axis=0) for label in classes]).astype(np.float64)
    apart = np.square(means[:, None] - means[None]).sum(axis=2) / 2
    other = apart[~np.eye(len(classes), dtype=bool)]
    return np.asarray(np.exp(-3 * apart / (other.mean() or 1.0)))
