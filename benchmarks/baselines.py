"""Runtime against detection error for every method, on a set that all of them can value.

The set of the LAVA paper's figure 5: 2,000 CIFAR-10 images of which 10 % are backdoors (Trojan
square, relabelled to a target class), valued against 1,000 images. Pictures and labels are those of
`$ASSAY_SHARED/data/cifar10`; the embedder is trained on the 10,000 validation pictures, once for
all seeds, and its time is not counted, for all methods use the same features. Each method is called
once on a small set before its time is taken. Methods that need pyDVL are left out where it is
absent.

    python benchmarks/baselines.py [--seeds 3] [--without METHOD ...] [--home DIR] [--out F]
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.common import CIFAR, REPO, Problem, timed, write_report
from core.corruption import PlantedFault, corrupt
from core.datasets import LabelledImages, align_classes, open_source
from core.embedding import EmbeddedPair, embed_pair
from core.evaluation import detection_curve
from core.lab import unavailable
from core.runs import ValueSpec, value_pair
from core.valuation import METHODS, Method, Valuation

IMAGES, VALIDATION = 2000, 1000
FAULT = PlantedFault.parse("trojan-square=0.1")
# How close to the best a method has to be for its time to count, in points of error.
CLOSE = 0.05


@dataclass(frozen=True)
class Contender:
    """A method with settings, and what was measured of it: one figure a seed."""

    method: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""
    calibrated: bool = False
    seconds: list[float] = field(default_factory=list)
    missed: list[float] = field(default_factory=list)
    auroc: list[float] = field(default_factory=list)
    precision: list[float] = field(default_factory=list)

    @property
    def entry(self) -> Method:
        """Return what the registry says of it."""
        return METHODS[self.method]

    @property
    def title(self) -> str:
        """Return its name for people."""
        return f"{self.entry.title}, {self.note}" if self.note else self.entry.title

    def measure(self, problem: Problem, seed: int) -> None:
        """Value the images and note what it took and found."""
        value = self.calibrated_value if self.calibrated else self.value
        found, seconds = timed(lambda: value(problem, seed))
        curve = detection_curve(found.value, problem.wrong)
        self.seconds.append(seconds)
        self.missed.append(1 - curve.recall_at(float(problem.wrong.mean())))
        self.auroc.append(curve.auroc)
        self.precision.append(curve.average_precision)

    def value(self, problem: Problem, seed: int) -> Valuation:
        """Value the images with the settings of the method's paper, or those given."""
        config = self.entry.configure({**self.settings, "seed": seed})
        return self.entry(*problem.sets, problem.n_classes, config)

    def calibrated_value(self, problem: Problem, seed: int) -> Valuation:
        """Value the images as a run does by default: calibrated on the validation images."""
        spec = ValueSpec(
            train="train",
            validation="validation",
            embedder="precomputed",
            method=self.method,
            seed=seed,
        )
        return value_pair(spec, embedded(problem), cache_dir=None)[0]

    @property
    def error(self) -> float:
        """Return the mean share of backdoors that were missed."""
        return float(np.mean(self.missed))

    @property
    def time(self) -> float:
        """Return the median of the seconds."""
        return float(np.median(self.seconds))


def embedded(problem: Problem) -> EmbeddedPair:
    """Return the sets as a pair whose embeddings were brought along."""
    names = tuple(map(str, range(problem.n_classes)))
    sides = [
        LabelledImages(
            source=side,
            ids=np.arange(len(labels)).astype(str),
            labels=labels,
            class_names=names,
            embeddings=features,
        )
        for side, features, labels in (
            ("train", problem.x, problem.x_labels),
            ("validation", problem.y, problem.y_labels),
        )
    ]
    return embed_pair(*sides, "precomputed", cache_dir=None)


def contenders(without: list[str]) -> list[Contender]:
    """Return the methods of the registry, those of games with accuracy as their utility too."""
    found = [Contender(name) for name in METHODS]
    found += [Contender("lava", note="calibrated", calibrated=True)]
    found += [
        Contender(name, {"utility": "accuracy"}, "by accuracy")
        for name in ("leave-one-out", "permutation-shapley", "banzhaf")
    ]
    return [
        one
        for one in found
        if one.method not in without and not unavailable(one.method, images=IMAGES)
    ]


def part(images: LabelledImages, count: int, rng: np.random.Generator) -> LabelledImages:
    """Return `count` of the images, drawn from all classes alike."""
    order = rng.permutation(len(images))
    rank = np.empty(len(images), dtype=np.int64)
    for label in np.unique(images.labels):
        rows = order[images.labels[order] == label]
        rank[rows] = np.arange(len(rows))
    return images.take(np.sort(order[np.argsort(rank[order], kind="stable")][:count]))


def problems(seeds: int, home: Path) -> Iterator[Problem]:
    """Yield the sets of each seed, planted and embedded."""
    train, validation = align_classes(
        open_source(str(CIFAR / "train.parquet")), open_source(str(CIFAR / "test.parquet"))
    )
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        planted = corrupt(part(train, IMAGES, rng), [FAULT], seed=seed)
        pair = embed_pair(
            planted.data, validation, "resnet-20", seed=0, cache_dir=home / "embeddings"
        )
        trusted = part(pair.validation, VALIDATION, rng)
        rows = np.flatnonzero(np.isin(pair.validation.ids, trusted.ids))
        yield Problem(
            x=pair.x,
            x_labels=pair.train.labels,
            y=pair.y[rows],
            y_labels=pair.validation.labels[rows],
            wrong=np.isin(pair.train.ids.astype(str), planted.truth["id"].astype(str)),
            n_classes=len(pair.train.class_names),
        )


def table(measured: list[Contender]) -> str:
    """Return the figures of all methods, best first."""
    lines = [
        "| method | family | seconds | missed | AUROC | average precision |",
        "|---|---|---|---|---|---|",
    ]
    for one in sorted(measured, key=lambda one: one.error):
        spread = 100 * float(np.std(one.missed))
        lines.append(
            f"| {one.title} | {one.entry.family} | {one.time:.3g} | {100 * one.error:.1f} % "
            f"± {spread:.1f} | {np.mean(one.auroc):.3f} | {np.mean(one.precision):.3f} |"
        )
    return "\n".join(lines)


def verdict(measured: list[Contender]) -> str:
    """Return in a sentence or two which methods are close to the best, and which is fastest."""
    best = min(measured, key=lambda one: one.error)
    close = [one for one in measured if one.error <= best.error + CLOSE]
    fastest = min(close, key=lambda one: one.time)
    lava = min(
        (one for one in measured if one.method == "lava"),
        key=lambda one: (one not in close, one.time),
    )
    behind = lava.error - best.error
    words = (
        f"**The fewest backdoors are missed by {best.title}** ({100 * best.error:.1f} %, "
        f"{best.time:.3g} s). Of the {len(close)} within {100 * CLOSE:.0f} points of it, "
        f"**{fastest.title} is the fastest** ({fastest.time:.3g} s)."
    )
    if fastest is lava:
        return f"{words} The bar, that this is LAVA, is met."
    return (
        f"{words} The bar is that this be LAVA: **not met**. LAVA takes {lava.time:.3g} s and "
        f"misses {100 * lava.error:.1f} %, {100 * behind:.1f} points more than the best."
    )


def draw(measured: list[Contender], path: Path) -> None:
    """Draw seconds against error, one mark a method, named."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams.update({"svg.hashsalt": "assay", "font.size": 8})
    from matplotlib import pyplot as plt

    figure, axis = plt.subplots(figsize=(9, 5.5))
    families = list(dict.fromkeys(one.entry.family for one in measured))
    colors = mpl.colormaps["cividis"](np.linspace(0, 0.9, len(families)))
    shades = dict(zip(families, colors, strict=True))
    marks = dict(zip(families, "osD^vX", strict=False))
    for family in families:
        own = [one for one in measured if one.entry.family == family]
        axis.scatter(
            [one.time for one in own],
            [100 * one.error for one in own],
            color=shades[family],
            marker=marks[family],
            label=family,
            zorder=3,
        )
    axis.set_xscale("log")
    axis.set_xlim(right=3 * max(one.time for one in measured))
    axis.set_xlabel("seconds for 2,000 images against 1,000 (log scale)")
    axis.set_ylabel("backdoors missed among the worst 10 %, in %")
    axis.set_ylim(0, 105)
    axis.grid(alpha=0.2)
    axis.legend(loc="upper right", fontsize=7)
    figure.tight_layout()
    name_marks(axis, measured)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def name_marks(axis: Any, measured: list[Contender]) -> None:
    """Write each method's name beside its mark, a line higher or lower where names would meet."""
    taken: list[Any] = []
    for one in sorted(measured, key=lambda one: (one.method != "lava", one.time)):
        for height in (2, -8, 12, -18, 22):
            text = axis.annotate(
                one.title,
                (one.time, 100 * one.error),
                xytext=(6, height),
                textcoords="offset points",
                fontsize=7,
                weight="bold" if one.method == "lava" else "normal",
            )
            box = text.get_window_extent()
            if not any(box.overlaps(other) for other in taken):
                break
            text.remove()
        else:
            axis.add_artist(text)
        taken.append(box)


def report(measured: list[Contender], seeds: int, path: Path) -> None:
    """Write the page and its figure."""
    figure = path.with_suffix(".svg")
    draw(measured, figure)
    known = {one.method for one in measured}
    left_out = [entry.title for name, entry in METHODS.items() if name not in known]
    parts = [
        "How long each method takes, and what it misses: the LAVA paper's figure 5 "
        f"({IMAGES:,} CIFAR-10 images, 10 % backdoors of the kind Trojan square, against "
        f"{VALIDATION:,}; embedder ResNet-20, trained on the validation pictures, its time not "
        f"counted). Mean over {seeds} seeds of what is planted and drawn, ± its deviation; median "
        "of the seconds. *Missed* is the share of the backdoors that is not among the worst 10 %, "
        "as many as there are. Methods have their default settings, LAVA those of its paper and, "
        "beside it, those that calibration on these embeddings chooses: its time is counted.",
        verdict(measured),
        f"![Seconds against the share of backdoors missed]({figure.name})",
        "Good is the lower left. Read across at the height of the best: what stands further right "
        "takes longer for the same.",
        table(measured),
    ]
    if left_out:
        parts.append(f"Left out: {', '.join(left_out)}.")
    write_report(path, "Every method on one small set", __file__, parts)


def main() -> None:
    """Measure every method and write the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--without", nargs="*", default=[], help="methods to leave out")
    parser.add_argument("--home", type=Path, help="where embeddings are kept for the next time")
    parser.add_argument("--out", type=Path, default=REPO / "docs/baselines.md")
    options = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", str(os.cpu_count()))
    measured = contenders(options.without)
    with tempfile.TemporaryDirectory() as scratch:
        for seed, problem in enumerate(problems(options.seeds, options.home or Path(scratch))):
            for one in measured:
                if seed == 0:  # imports and first allocations are not the method's
                    Contender(one.method, one.settings).measure(problem.part(200, 100), seed)
                gc.collect()
                one.measure(problem, seed)
                print(
                    f"seed {seed}  {one.title:40} {one.seconds[-1]:8.2f} s  missed "
                    f"{100 * one.missed[-1]:5.1f} %  AUROC {one.auroc[-1]:.3f}",
                    flush=True,
                )
    report(measured, options.seeds, options.out)


if __name__ == "__main__":
    main()
