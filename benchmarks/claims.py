"""The papers' claims about faults on CIFAR-10: what is planted, and how what was found is measured.

Each claim is an experiment of `core.lab` on the 50,000 training pictures against the 10,000 test
pictures as the validation set, and a figure that the claim is about.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmarks.common import CIFAR
from core.corruption import PlantedFault
from core.lab import ALL_FAULTS, Experiment, ExperimentSpec, recall_column

EMBEDDER = "resnet-20"
SEEDS = (0, 1, 2)
METHODS = (
    "lava",
    "lava:published",
    "label-posterior",
    "self-confidence",
    "confident-learning",
    "knn-shapley",
    "knn-disagreement",
    "prototypes",
    "el2n",
    "tracin-clean",
    "tracin-self",
    "influence",
    "random",
)
Measure = Callable[[Experiment, str], np.ndarray]


def column(name: str) -> Measure:
    """Measure a column of the detection table, all faults, one figure a seed."""

    def measure(experiment: Experiment, method: str) -> np.ndarray:
        table = experiment.detection
        rows = table[(table["method"] == method) & (table["fault"] == ALL_FAULTS)]
        return rows.sort_values("seed")[name].to_numpy(dtype=float)

    return measure


def recall(share: float) -> Measure:
    """Measure the share of the faults within the first `share` of the images."""
    return column(recall_column(share))


def recall_anywhere(share: float) -> Measure:
    """Measure the same at a share for which the detection table has no column."""

    def measure(experiment: Experiment, method: str) -> np.ndarray:
        curves = experiment.curves
        found = curves.of(method)
        return np.array([np.interp(share, curves.share, one) for one in found])

    return measure


def precision_in_class(name: str, count: int) -> Measure:
    """Measure the share of faults among the worst `count` images labelled `name`."""

    def measure(experiment: Experiment, method: str) -> np.ndarray:
        ranked = experiment.ranked(method)
        of_class: pd.DataFrame = ranked[ranked["class_name"] == name]
        return np.array([(of_class["fault"].iloc[:count] != "").mean()])

    return measure


@dataclass(frozen=True)
class Claim:
    """What a paper says, and how it is measured here.

    Attributes
    ----------
    name : names its experiment
    title : what is planted
    measured : what the figure is, in words
    paper : what the paper has, in words; empty where it has no figure
    faults : what is planted, as `PlantedFault.parse` reads it
    measure : from the experiment and a method to one figure a seed; higher is better
    bar : what the default is to reach; None where there is no such figure
    seeds : repetitions
    """

    name: str
    title: str
    measured: str
    paper: str
    faults: tuple[str, ...]
    measure: Measure
    bar: float | None = None
    seeds: tuple[int, ...] = SEEDS

    def spec(self, images: int | None = None) -> ExperimentSpec:
        """Return the experiment."""
        return ExperimentSpec(
            train=str(CIFAR / "train.parquet"),
            validation=str(CIFAR / "test.parquet"),
            embedder=EMBEDDER,
            faults=tuple(map(PlantedFault.parse, self.faults)),
            methods=METHODS,
            seeds=self.seeds,
            images=images,
            removal=False,
        )


def _irrelevant(removed: str, into: str, bar: float) -> Claim:
    return Claim(
        name=f"irrelevant-{removed}",
        title=f"All {removed} pictures spread over the other nine classes",
        measured=f"faults among the worst 500 images labelled {into}",
        paper=f"LAVA figure 4: {bar:.0%}",
        faults=(f"irrelevant=0.1,removed={removed}",),
        measure=precision_in_class(into, 500),
        bar=bar,
        # Each seed would train networks of its own: the validation set lacks the class.
        seeds=(0,),
    )


HUMAN = f"noisy-labels=0.4,confusion={CIFAR / 'human_confusion.csv'}"
MIXED = (
    "noisy-labels=0.05",
    "noisy-features=0.02",
    "trojan-square=0.02",
    "irrelevant=0.01,removed=deer",
)
CLAIMS = (
    Claim(
        "noise-0.5",
        "White noise of 0.5 of the pixel range in 25 % of the pictures",
        "faults within the first 15,000",
        "LAVA figure 3: all of them",
        ("noisy-features=0.25,strength=0.5",),
        recall(0.3),
        0.96,
    ),
    Claim(
        "noise-0.2",
        "White noise of 0.2 of the pixel range in 25 % of the pictures",
        "AUROC",
        "",
        ("noisy-features=0.25,strength=0.2",),
        column("auroc"),
        0.91,
    ),
    Claim(
        "trojan-square",
        "Trojan square in 5 %",
        "faults within the first 20 %",
        "LAVA figure 3: 80 %",
        ("trojan-square=0.05",),
        recall(0.2),
        0.98,
    ),
    Claim(
        "trojan-watermark",
        "Trojan watermark in 5 %",
        "faults within the first 20 %",
        "LAVA appendix B.7: about 80 %",
        ("trojan-watermark=0.05",),
        recall(0.2),
        0.80,
    ),
    Claim(
        "blend",
        "Blended image in 5 %",
        "faults within the first 20 %",
        "LAVA appendix B.7: about 80 %",
        ("blend=0.05",),
        recall(0.2),
        0.80,
    ),
    Claim(
        "poison-frogs",
        "Poison by feature collision in 0.1 %",
        "faults within the first 11,000",
        "LAVA figure 3: 80 %",
        ("poison-frogs=0.001",),
        recall_anywhere(0.22),
        0.80,
    ),
    Claim(
        "wrong-labels",
        "Wrong labels in 25 %",
        "average precision",
        "",
        ("noisy-labels=0.25",),
        column("average_precision"),
        0.95,
    ),
    Claim(
        "human-labels",
        "Labels as people confuse them, 40 % wrong",
        "average precision",
        "",
        (HUMAN,),
        column("average_precision"),
        0.935,
    ),
    _irrelevant("deer", "truck", 0.94),
    _irrelevant("cat", "dog", 0.46),
    Claim(
        "mixed",
        "5 % wrong labels, 2 % noise, 2 % Trojan square, 1 % irrelevant",
        "faults within the first 15 %",
        "",
        MIXED,
        recall(0.15),
        0.88,
    ),
)
