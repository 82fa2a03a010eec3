"""The papers' claims about faults on CIFAR-10: what is planted, and how what was found is measured.

Each claim is about experiments of `core.lab` on the 50,000 training pictures, or their embeddings,
against the 10,000 of the test set as validation images, and about a figure.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

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
    given : the embeddings given with the data take the place of pictures and `EMBEDDER`
    apart : each repetition is an experiment of its own, for the figure needs the values of all
    """

    name: str
    title: str
    measured: str
    paper: str
    faults: tuple[str, ...]
    measure: Measure
    bar: float | None = None
    seeds: tuple[int, ...] = SEEDS
    given: bool = False
    apart: bool = False

    def specs(self, images: int | None = None) -> list[ExperimentSpec]:
        """Return the experiments."""
        file = "embeddings_{}.npz" if self.given else "{}.parquet"
        return [
            ExperimentSpec(
                train=str(CIFAR / file.format("train")),
                validation=str(CIFAR / file.format("test")),
                embedder="precomputed" if self.given else EMBEDDER,
                faults=tuple(map(PlantedFault.parse, self.faults)),
                methods=METHODS,
                seeds=seeds,
                images=images,
                removal=False,
            )
            for seeds in ([(seed,) for seed in self.seeds] if self.apart else [self.seeds])
        ]


def _irrelevant(removed: str, into: str, bar: float) -> Claim:
    """Return the claim for an embedder that knows the class; the paper leaves that open."""
    return Claim(
        name=f"irrelevant-{removed}",
        title=f"All {removed} images spread over the other nine classes; embeddings given",
        measured=f"faults among the worst 500 images labelled {into}",
        paper=f"LAVA figure 4: {100 * bar:.0f} %",
        faults=(f"irrelevant=0.1,removed={removed}",),
        measure=precision_in_class(into, 500),
        bar=bar,
        given=True,
        apart=True,
    )


def _never_seen(known: Claim) -> Claim:
    """Return the same where the embedder has not seen the class either; its networks cost more."""
    return replace(
        known,
        name=f"{known.name}-unseen",
        title=known.title.replace("embeddings given", "an embedder that never saw it"),
        bar=None,
        seeds=(0,),
        given=False,
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
    _never_seen(_irrelevant("deer", "truck", 0.94)),
    _never_seen(_irrelevant("cat", "dog", 0.46)),
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
