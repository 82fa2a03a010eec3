"""What the papers' studies have in common: sets, faults in them, how a claim is judged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.common import cifar
from core.evaluation import accuracy, learner_named
from core.lab.studies import (
    Study,
)

CLASSES = 10
FROG = 6
WRONG = 0.25
PRECOMPUTED = "precomputed"


@dataclass(frozen=True)
class Verdict:
    """Whether what was measured agrees with a claim, in one word and in a sentence."""

    agrees: str
    said: str


def judged(said: str, *parts: bool) -> Verdict:
    """Return a verdict on a claim of several parts: "agrees", "in part" or "disagrees"."""
    word = "agrees" if all(parts) else "in part" if any(parts) else "disagrees"
    return Verdict(word, said)


@dataclass(frozen=True)
class Sets:
    """CIFAR-10 for the studies: 40,000 images to draw from, 10,000 to test on, and validation.

    Attributes
    ----------
    seeds : repetitions; each draws other images and other faults
    embedders : those of the study of embedders, beside the precomputed embeddings
    home : where networks and embeddings are kept
    """

    seeds: tuple[int, ...]
    embedders: tuple[str, ...]
    home: Path

    @cached_property
    def clean(self) -> Study:
        """Return the precomputed embeddings, every label as it should be."""
        data = cifar(0.0)
        return Study(
            x=data.x,
            labels=data.x_labels,
            y=data.y,
            y_labels=data.y_labels,
            n_classes=CLASSES,
            faulty=data.wrong,
        )

    @cached_property
    def rows(self) -> np.ndarray:
        """Return the training images in one random order; the last 10,000 are for tests."""
        return np.random.default_rng(0).permutation(len(self.clean.x))

    def draw(self, n: int, m: int, seed: int) -> Study:
        """Return n clean training images, never of those for tests, and m validation images."""
        rng = np.random.default_rng(seed)
        part = self.clean.take(rng.permutation(self.rows[:40_000])[:n])
        kept = rng.permutation(len(self.clean.y))[:m]
        return replace(part, y=self.clean.y[kept], y_labels=self.clean.y_labels[kept])

    def measure(self, study: Study) -> float:
        """Return the accuracy of a linear head trained on the study, on the images for tests."""
        test = self.clean.take(self.rows[40_000:])
        predict = learner_named("linear").fit(study.x, study.labels, CLASSES)
        return accuracy(predict(test.x), test.labels)


def mislabelled(study: Study, share: float, seed: int) -> Study:
    """Return the study with so many uniformly wrong labels; those of more include those of less."""
    rng = np.random.default_rng(seed)
    faulty = rng.permutation(len(study.x)) < round(share * len(study.x))
    other = (study.labels + rng.integers(1, study.n_classes, len(faulty))) % study.n_classes
    return replace(study, labels=np.where(faulty, other, study.labels), faulty=faulty)


def noisy(study: Study, share: float, seed: int, strength: float = 1.0) -> Study:
    """Return the study with noise, in deviations of each feature, in so many of the embeddings."""
    rng = np.random.default_rng(seed)
    faulty = rng.permutation(len(study.x)) < round(share * len(study.x))
    noise = strength * study.x.std(axis=0) * rng.standard_normal(study.x.shape)
    x = np.where(faulty[:, None], study.x + noise, study.x).astype(study.x.dtype)
    return replace(study, x=x, faulty=faulty)


def repeated(sets: Sets, measure: Callable[[int], pd.DataFrame]) -> pd.DataFrame:
    """Return the tables of all seeds, one below the other."""
    tables = [measure(seed).assign(seed=seed) for seed in sets.seeds]
    return pd.concat(tables, ignore_index=True)


def listed(numbers: Sequence[float], form: str = "g") -> str:
    """Return numbers in a row of words."""
    return ", ".join(f"{one:{form}}" for one in numbers)


def falls(numbers: Sequence[float]) -> bool:
    """Return whether each number is below the one before."""
    return all(one > other for one, other in pairwise(numbers))
