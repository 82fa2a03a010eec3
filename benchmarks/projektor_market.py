"""The sellers of `projektor.py`: what they have, what they show, and models trained on a mix."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks.common import CIFAR
from benchmarks.even_mix import Sources
from core.projection import (
    Measured,
    Pilots,
    counts_of,
    design,
    draw,
    learn,
)

CLASSES = 10
POOL, PILOT, VALIDATION = 10_000, 1_000, 2_000
SETTINGS = ("wrong labels", "unbalanced")
WRONG = (0.0, 0.25, 0.5)
OWN_CLASSES = ((0, 1, 2, 3), (4, 5, 6), (7, 8, 9))
OWN_SHARE = 0.97


@dataclass(frozen=True)
class Market:
    """What three sellers have, what they show, and what a mix of it is measured on."""

    name: str
    seed: int
    x: list[np.ndarray]
    labels: list[np.ndarray]
    y: np.ndarray
    y_labels: np.ndarray
    test: np.ndarray
    test_labels: np.ndarray
    sources: Sources

    @property
    def pilots(self) -> Pilots:
        """Return the first images of each source, whose order is random."""
        return Pilots(
            x=np.concatenate([x[:PILOT] for x in self.x]),
            labels=np.concatenate([labels[:PILOT] for labels in self.labels]),
            source=np.repeat(np.arange(3), PILOT),
            names=("A", "B", "C"),
            n_classes=CLASSES,
            capacity=np.full(3, float(POOL)),
            price=np.zeros(3),
        )


def market(name: str, seed: int) -> Market:
    """Return the sources of a setting."""
    with np.load(CIFAR / "embeddings_train.npz") as train:
        x, labels = train["embeddings"], train["labels"].astype(np.int64)
    with np.load(CIFAR / "embeddings_test.npz") as test:
        y, y_labels = test["embeddings"], test["labels"].astype(np.int64)
    rng = np.random.default_rng([seed, SETTINGS.index(name)])
    free = rng.permutation(len(labels))
    rows, given = [], []
    for source in range(3):
        if name == "wrong labels":
            taken = free[:POOL]
        else:
            own = np.isin(labels[free], OWN_CLASSES[source])
            many = round(OWN_SHARE * POOL)
            taken = rng.permutation(np.append(free[own][:many], free[~own][: POOL - many]))
        free = free[~np.isin(free, taken)]
        share = WRONG[source] if name == "wrong labels" else 0.0
        wrong = rng.random(POOL) < share
        rows.append(taken)
        given.append(
            np.where(wrong, (labels[taken] + rng.integers(1, 10, POOL)) % 10, labels[taken])
        )
    order = rng.permutation(len(y))
    val, rest = order[:VALIDATION], order[VALIDATION:]
    return Market(
        name=name,
        seed=seed,
        x=[x[taken] for taken in rows],
        labels=given,
        y=y[val],
        y_labels=y_labels[val],
        test=y[rest],
        test_labels=y_labels[rest],
        sources=Sources(
            seed=seed,
            rows=rows,
            labels=given,
            x=x,
            true=labels,
            test=y[rest],
            test_labels=y_labels[rest],
            test_rows=rest,
        ),
    )


@dataclass
class Trained:
    """Accuracies that were trained, kept in a file."""

    path: Path
    known: dict[str, list[float]] = field(default_factory=dict)

    @classmethod
    def at(cls, path: Path) -> Trained:
        """Read what is there."""
        return cls(path, json.loads(path.read_text()) if path.is_file() else {})

    def of(self, key: str, work: Callable[[], list[float]]) -> list[float]:
        """Return what is known by that key, or work it out and keep it."""
        if key not in self.known:
            self.known[key] = work()
        return self.known[key]

    def keep(self) -> None:
        """Write everything."""
        self.path.write_text(json.dumps(self.known))


def train(where: Market, x: np.ndarray, labels: np.ndarray) -> list[float]:
    """Train a linear head; return its accuracy, then that of each class."""
    found = learn(x, labels, where.test, where.test_labels, CLASSES)
    return [found.accuracy, *found.per_class.tolist()]


def measure_pilots(where: Market, trained: Trained) -> Measured:
    """Train on the design."""
    pilots = where.pilots
    plan = design(pilots, seed=where.seed)
    found = []
    for row in range(len(plan)):
        rows = draw(pilots, plan.p[row], int(plan.n[row]), plan.rng(row))
        found.append(
            trained.of(
                f"{where.name} {where.seed} design {row}",
                lambda rows=rows: train(where, pilots.x[rows], pilots.labels[rows]),
            )
        )
    trained.keep()
    table = np.array(found)
    return Measured(
        p=plan.p, n=plan.n, repeat=plan.repeat, accuracy=table[:, 0], per_class=table[:, 1:]
    )


def buy(where: Market, trained: Trained, p: np.ndarray, n: int, repeat: int = 0) -> float:
    """Train on n images drawn from the sources themselves at ratio p."""
    counts = counts_of(p, n)
    key = f"{where.name} {where.seed} {counts.tolist()} {repeat}"

    def work() -> list[float]:
        rng = np.random.default_rng([where.seed, repeat, *counts.tolist()])
        rows = [rng.permutation(POOL)[:count] for count in counts]
        return train(
            where,
            np.concatenate([x[taken] for x, taken in zip(where.x, rows, strict=True)]),
            np.concatenate([one[taken] for one, taken in zip(where.labels, rows, strict=True)]),
        )

    return trained.of(key, work)[0]
