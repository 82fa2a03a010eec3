"""What the best mix can gain over the even one where sources have wrong labels, by learner.

A part of `benchmarks/projektor.py`. The even mix of three sources with no, 25 % and 50 % uniformly
wrong labels has 25 % wrong ones; nothing can beat it by more than what these cost the learner.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benchmarks.common import CIFAR
from core.datasets import decode_batches, open_source
from core.projection import counts_of, learn

EVEN = np.full(3, 1 / 3)
CLEAN = np.array([1.0, 0.0, 0.0])
SIZES = (500, 2_000, 10_000)
DRAWS = 3
UNSEEN = 8_000
LINEAR, SIDEWAYS, NETWORK = (
    "linear head, test images as above",
    "linear head, images that the embedder never saw",
    "small convnet on the pictures, test images as above",
)
# The network takes a minute a model, so it is trained for one seed and twice.
NETWORK_DRAWS = 2

Keep = Callable[[str, Callable[[], list[float]]], list[float]]


@dataclass(frozen=True)
class Sources:
    """What three sellers have, by rows of the training set, and where accuracy is measured.

    Attributes
    ----------
    seed : of the market
    rows, labels : of each source; rows are those of the training set
    x : embeddings of the training set
    true : labels of the training set
    test, test_labels, test_rows : embeddings, labels and rows of the test images
    """

    seed: int
    rows: list[np.ndarray]
    labels: list[np.ndarray]
    x: np.ndarray
    true: np.ndarray
    test: np.ndarray
    test_labels: np.ndarray
    test_rows: np.ndarray

    def drawn(self, p: np.ndarray, n: int, draw: int) -> tuple[np.ndarray, np.ndarray]:
        """Return rows and claimed labels of a purchase."""
        counts = counts_of(p, n)
        rng = np.random.default_rng([self.seed, draw, *counts.tolist()])
        chosen = [
            rng.permutation(len(rows))[:count]
            for rows, count in zip(self.rows, counts, strict=True)
        ]
        return (
            np.concatenate([rows[one] for rows, one in zip(self.rows, chosen, strict=True)]),
            np.concatenate([given[one] for given, one in zip(self.labels, chosen, strict=True)]),
        )

    def unseen(self) -> np.ndarray:
        """Return rows of the training set that nobody sells."""
        left = np.setdiff1d(np.arange(len(self.true)), np.concatenate(self.rows))
        return np.random.default_rng(self.seed).permutation(left)[:UNSEEN]


def pictures(part: str, rows: np.ndarray) -> np.ndarray:
    """Return pictures of CIFAR-10, uint8, shape (k, 3, 32, 32)."""
    source = open_source(str(CIFAR / f"{part}.parquet")).take(rows)
    return np.concatenate(list(decode_batches(source, 32, 3, 500)))


def reached(where: Sources, learner: str, p: np.ndarray, n: int, draw: int) -> list[float]:
    """Return the accuracy of one model."""
    rows, labels = where.drawn(p, n, draw)
    if learner == NETWORK:
        x, y = pictures("train", rows), pictures("test", where.test_rows)
        found = learn(
            x, labels, y, where.test_labels, 10, learner="convnet", seed=draw, device="cpu"
        )
    elif learner == LINEAR:
        found = learn(where.x[rows], labels, where.test, where.test_labels, 10)
    else:
        held = where.unseen()
        found = learn(where.x[rows], labels, where.x[held], where.true[held], 10)
    return [found.accuracy]


def gains_table(markets: list[Sources], keep: Keep) -> str:
    """Return accuracies of the clean source alone and of the even mix, by learner and size.

    Parameters
    ----------
    keep : gives what is known by a name, or works it out and writes it down
    """
    lines = [
        "| learner | images | all from the clean source | even mix | gain |",
        "|---|---|---|---|---|",
    ]
    for learner in (LINEAR, SIDEWAYS, NETWORK):
        draws = NETWORK_DRAWS if learner == NETWORK else DRAWS
        asked = markets[:1] if learner == NETWORK else markets
        for n in SIZES:
            means = []
            for p in (CLEAN, EVEN):
                found = [
                    keep(
                        f"gain {learner} {where.seed} {p.round(2).tolist()} {n} {draw}",
                        lambda where=where, p=p, n=n, draw=draw, learner=learner: reached(
                            where, learner, p, n, draw
                        ),
                    )[0]
                    for where in asked
                    for draw in range(1, draws + 1)
                ]
                means.append(100 * float(np.mean(found)))
            clean, even = means
            lines.append(
                f"| {learner} | {n:,} | {clean:.1f}% | {even:.1f}% | {clean - even:+.1f} |"
            )
    return "\n".join(lines)
