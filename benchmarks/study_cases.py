"""The studies of the LAVA and SAVA papers on CIFAR-10: what is measured, and how it is judged.

Each `Case` has a function from the sets to a table with a column `seed`, and one from that table to
a `Verdict`. The latter are pure: they see figures, not data.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.common import CIFAR, cifar
from core.datasets import open_source
from core.embedding import embed_pair
from core.evaluation import Effect, accuracy, learner_named
from core.lab.studies import (
    Study,
    detection_by_embedder,
    detection_by_label_distances,
    detection_by_setting,
    detection_by_validation_size,
    distance_against_accuracy,
    duplication,
    reduction,
    unbalanced_rows,
)
from core.valuation import METHODS

CLASSES = 10
FROG = 6
WRONG = 0.25
PUBLISHED_SHARES = (0.0, 0.02, 0.05, 0.1, 0.15)
SHARES = (*PUBLISHED_SHARES, 0.3, 0.5)
VALIDATION_SIZES = (200, 500, 2000, 5000, 10_000)
# Against these LAVA is held with 500 validation images (LAVA, figure 11).
RIVALS = ("knn-shapley", "tracin-clean", "influence", "prototypes", "self-confidence")
FEATURE_WEIGHTS = (1.0, 5.0, 10.0, 100.0)
LABEL_WEIGHTS = (1.0, 10.0, 50.0, 100.0)
BATCH_SIZES = (32, 128, 512, 1024)
# Training and validation images of the studies in batches: small ones of many are slow.
IN_BATCHES = (3000, 1500)
KEPT = (1.0, 0.95, 0.9, 0.85, 0.8, 0.7, 0.5)
SUMMARY = (0.02, 0.05, 0.1, 0.2, 0.4)
TIMES = (1, 2, 3, 4, 5)
# Hundredths of the set: a few copies of the best image bring the distance down, as its value says.
SINGLE = (1, 5, 20, 50, 100)
# Rankings of the clean sets: the paper's method and a rival of its figures 12, 13 and 16.
RANKINGS = ("lava", "knn-shapley")
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


def distance(sets: Sets) -> pd.DataFrame:
    """Measure LAVA's figure 1."""

    def one(seed: int) -> pd.DataFrame:
        clean = sets.draw(5000, 2000, seed)
        tables = []
        for fault, plant in (("wrong labels", mislabelled), ("noisy features", noisy)):
            series = [(share, plant(clean, share, seed)) for share in SHARES]
            tables.append(distance_against_accuracy(series, sets.measure).assign(fault=fault))
        return pd.concat(tables)

    return repeated(sets, one)


def judge_distance(table: pd.DataFrame) -> Verdict:
    """Hold distance against accuracy: one is to rise while the other falls."""
    said, parts = [], []
    for fault, rows in table.groupby("fault", sort=False):
        ranks = [
            one["distance"].corr(one["accuracy"], method="spearman")
            for _, one in rows.groupby("seed")
        ]
        mean = rows.groupby("corrupted")[["distance", "accuracy"]].mean()
        first, last = mean.iloc[0], mean.iloc[-1]
        parts.append(float(np.mean(ranks)) <= -0.9)
        said.append(
            f"{fault}: rank correlation {np.mean(ranks):.2f}; from none to {mean.index[-1]:.0%} the"
            f" distance grows by {last['distance'] / first['distance'] - 1:.0%} and accuracy goes"
            f" from {first['accuracy']:.1%} to {last['accuracy']:.1%}"
        )
    return judged("; ".join(said), *parts)


def validation_size(sets: Sets) -> pd.DataFrame:
    """Measure LAVA's figures 9 (c) and 11."""

    def one(seed: int) -> pd.DataFrame:
        data = mislabelled(sets.draw(5000, 10_000, seed), WRONG, seed)
        asked = [("lava", VALIDATION_SIZES), *((name, (500,)) for name in RIVALS)]
        tables = [
            detection_by_validation_size(data, name, sizes, seed=seed).assign(method=name)
            for name, sizes in asked
        ]
        return pd.concat(tables)

    return repeated(sets, one)


def judge_validation_size(table: pd.DataFrame) -> Verdict:
    """Hold small validation sets against all of it, and LAVA against the others with 500 images."""
    own = table[table["method"] == "lava"].groupby("validation_images").mean(numeric_only=True)
    found = own["recall_at_0.5"]
    least = table[table["validation_images"] == 500].groupby("method")["average_precision"].mean()
    better = [name for name in least.index if least[name] > least["lava"]]
    said = (
        f"within half of the images LAVA finds {found[10_000]:.1%} of the wrong labels with 10,000,"
        f" {found[5000]:.1%} with 5,000, {found[2000]:.1%} with 2,000 and {found[200]:.1%} with 200"
        f" validation images; with 500 it has average precision {least['lava']:.3f}"
    )
    titles = [f"{METHODS[name].title} ({least[name]:.3f})" for name in better]
    said += f", behind {', '.join(titles)}" if better else ", ahead of the others"
    keeps = found[5000] >= 0.95 * found[10_000]
    halves = found[2000] <= 0.5 * found[10_000]
    return judged(said, keeps, halves, not better)


def weights(sets: Sets) -> pd.DataFrame:
    """Measure LAVA's figures 9 (a) and (b)."""

    def one(seed: int) -> pd.DataFrame:
        data = mislabelled(sets.draw(5000, 1000, seed), WRONG, seed)
        # Great weights leave little of the regularization: the last digits take most of the time.
        variants = [
            {"feature_weight": one, "label_weight": 1.0, "tolerance": 0.01}
            for one in FEATURE_WEIGHTS
        ]
        variants += [
            {"feature_weight": 1.0, "label_weight": one, "tolerance": 0.01}
            for one in LABEL_WEIGHTS[1:]
        ]
        return detection_by_setting(data, "lava", variants).drop(columns="tolerance")

    return repeated(sets, one)


def judge_weights(table: pd.DataFrame) -> Verdict:
    """Ask whether detection falls with either weight, and is blind at a feature weight of 100."""
    mean = table.groupby(["feature_weight", "label_weight"])["auroc"].mean()
    features = [mean[one, 1.0] for one in FEATURE_WEIGHTS]
    labels = [mean[1.0, one] for one in LABEL_WEIGHTS]
    said = (
        f"AUROC with feature weights of {_listed(FEATURE_WEIGHTS)}: {_listed(features, '.3f')}; "
        f"with label weights of {_listed(LABEL_WEIGHTS)}: {_listed(labels, '.3f')}"
    )
    return judged(said, _falls(features), abs(features[-1] - 0.5) < 0.05, _falls(labels))


def embedder(sets: Sets) -> pd.DataFrame:
    """Measure LAVA's figure 10, and AUROC with the precomputed embeddings."""
    rng = np.random.default_rng(0)
    rows = np.sort(rng.permutation(len(sets.clean.x))[:4000])
    held = np.sort(rng.permutation(len(sets.clean.y))[:2000])
    given = sets.clean.take(rows)
    given = replace(given, y=given.y[held], y_labels=given.y_labels[held])
    studies = {PRECOMPUTED: given}
    train = open_source(str(CIFAR / "train.parquet")).take(rows)
    validation = open_source(str(CIFAR / "test.parquet"))
    for name in sets.embedders:
        pair = embed_pair(train, validation, name, cache_dir=sets.home / "embeddings")
        studies[name] = replace(given, x=pair.x, y=pair.y[held])

    def one(seed: int) -> pd.DataFrame:
        faulty = {name: mislabelled(study, WRONG, seed) for name, study in studies.items()}
        return detection_by_embedder(faulty, "lava")

    return repeated(sets, one)


def judge_embedder(table: pd.DataFrame) -> Verdict:
    """Ask whether networks that were trained here are within 0.02 of each other."""
    mean = table.groupby("embedder", sort=False)["auroc"].mean()
    trained = mean.drop([name for name in ("pixels", PRECOMPUTED) if name in mean])
    said = "AUROC " + ", ".join(f"{name} {auroc:.3f}" for name, auroc in mean.items())
    if len(trained) < 2:
        return Verdict("not measured", f"{said}; nothing to compare with")
    return judged(said, trained.max() - trained.min() <= 0.02)


def batch_size(sets: Sets) -> pd.DataFrame:
    """Measure SAVA's appendices G.2 and G.5."""

    def one(seed: int) -> pd.DataFrame:
        data = mislabelled(sets.draw(*IN_BATCHES, seed), WRONG, seed)
        variants = [{"batch_size": size, "seed": seed} for size in BATCH_SIZES]
        tables = [
            detection_by_setting(data, name, variants).assign(method=name)
            for name in ("sava", "batchwise-lava")
        ]
        whole = detection_by_setting(data, "lava", [{}]).assign(method="lava")
        return pd.concat([*tables, whole])

    return repeated(sets, one)


def judge_batch_size(table: pd.DataFrame) -> Verdict:
    """Ask whether SAVA gains by larger batches, and little by the last step."""
    mean = table.groupby(["method", "batch_size"])["auroc"].mean()
    found = [mean["sava", size] for size in BATCH_SIZES]
    whole = table.loc[table["method"] == "lava", "auroc"].mean()
    said = f"AUROC with batches of {_listed(BATCH_SIZES, ',')}: {_listed(found, '.3f')}"
    said += f"; LAVA on the whole sets {whole:.3f}"
    return judged(said, found[-1] > found[0], abs(found[-1] - found[-2]) <= 0.02)


def judge_batchwise(table: pd.DataFrame) -> Verdict:
    """Ask whether batch-wise LAVA falls behind SAVA with small and with large batches."""
    mean = table.groupby(["method", "batch_size"])["auroc"].mean()
    lead = [mean["sava", size] - mean["batchwise-lava", size] for size in BATCH_SIZES]
    sizes = _listed(BATCH_SIZES, ",")
    said = f"SAVA's lead in AUROC with batches of {sizes}: {_listed(lead, '+.3f')}"
    return judged(said, lead[0] > 0.02, lead[-1] > 0.02)


def caching(sets: Sets) -> pd.DataFrame:
    """Measure SAVA's figure 9, without its times."""

    def one(seed: int) -> pd.DataFrame:
        data = mislabelled(sets.draw(*IN_BATCHES, seed), WRONG, seed)
        return detection_by_label_distances(data, batch_size=512, seed=seed)

    return repeated(sets, one)


def judge_caching(table: pd.DataFrame) -> Verdict:
    """Ask whether label distances made once find as much as those made anew for each pair."""
    mean = table.groupby("label_distances")[["auroc", "problems"]].mean()
    auroc, problems = mean["auroc"], mean["problems"]
    said = (
        f"AUROC {auroc['first pair']:.3f} with those of the first pair, {auroc['each pair']:.3f} "
        f"with those of each pair ({problems['each pair']:,.0f} transports between classes instead "
        f"of {problems['first pair']:,.0f}), {auroc['whole sets']:.3f} with those of the whole sets"
    )
    return judged(said, abs(auroc["first pair"] - auroc["each pair"]) <= 0.01)


def batches(sets: Sets) -> pd.DataFrame:
    """Measure SAVA's figure 10."""

    def one(seed: int) -> pd.DataFrame:
        clean = sets.draw(*IN_BATCHES, seed)
        variants = [
            {"batch_size": size, "batches": kind, "seed": seed}
            for size in (64, 512)
            for kind in ("random", "stratified")
        ]
        planted = {"wrong labels": mislabelled, "noisy features": noisy}
        tables = [
            detection_by_setting(plant(clean, WRONG, seed), "sava", variants).assign(fault=fault)
            for fault, plant in planted.items()
        ]
        return pd.concat(tables)

    return repeated(sets, one)


def judge_batches(table: pd.DataFrame) -> Verdict:
    """Ask whether stratified batches find what random ones do, within 0.01 of AUROC."""
    mean = table.pivot_table(index=["fault", "batch_size"], columns="batches", values="auroc")
    lead = mean["stratified"] - mean["random"]
    said = "stratified less random, AUROC: " + ", ".join(
        f"{fault} in batches of {size} {gap:+.3f}" for (fault, size), gap in lead.items()
    )
    return judged(said, *(abs(gap) <= 0.01 for gap in lead))


def _kept(sets: Sets, study: Study, shares: Sequence[float], seed: int) -> pd.DataFrame:
    def measure(rows: np.ndarray) -> Effect:
        return Effect(sets.measure(study.take(rows)))

    values = {name: study.value(name, {}) for name in RANKINGS}
    return reduction(values, measure, shares, seed=seed)


def rebalancing(sets: Sets) -> pd.DataFrame:
    """Measure LAVA's figure 12."""

    def one(seed: int) -> pd.DataFrame:
        drawn = sets.draw(10_000, 2000, seed)
        rows = unbalanced_rows(drawn.labels, FROG, 2.0, np.random.default_rng(seed))
        return _kept(sets, drawn.take(rows), KEPT, seed)

    return repeated(sets, one)


def judge_rebalancing(table: pd.DataFrame) -> Verdict:
    """Ask whether fewer images make a better learner, and by LAVA a better one than by others."""
    mean = table.groupby(["order", "kept"])["accuracy"].mean()
    whole = mean["lava", 1.0]
    fewer = mean["lava"].drop(1.0)
    best = fewer.idxmax()
    said = (
        f"all images {whole:.1%}; LAVA's best {best:.0%} {fewer[best]:.1%}, "
        f"KNN-Shapley's {mean['knn-shapley', best]:.1%}, as many at random "
        f"{mean['random', best]:.1%}; LAVA's best half {mean['lava', 0.5]:.1%}, "
        f"at random {mean['random', 0.5]:.1%}"
    )
    improves = fewer[best] > whole + _spread(table)
    return judged(said, improves, fewer[best] > mean["knn-shapley", best])


def shrinking(sets: Sets) -> pd.DataFrame:
    """Measure LAVA's figure 13."""
    return repeated(sets, lambda seed: _kept(sets, sets.draw(5000, 2000, seed), KEPT, seed))


def judge_shrinking(table: pd.DataFrame) -> Verdict:
    """Ask whether 15 % less keeps accuracy within a point, and LAVA is ahead of KNN-Shapley."""
    mean = table.groupby(["order", "kept"])["accuracy"].mean()
    whole, own = mean["lava", 1.0], mean["lava", 0.85]
    said = (
        f"all images {whole:.1%}; LAVA's best 85 % {own:.1%}, KNN-Shapley's "
        f"{mean['knn-shapley', 0.85]:.1%}, as many at random {mean['random', 0.85]:.1%}; "
        f"LAVA's best half {mean['lava', 0.5]:.1%}, at random {mean['random', 0.5]:.1%}"
    )
    return judged(said, own >= whole - 0.01, own > mean["knn-shapley", 0.85])


def summarization(sets: Sets) -> pd.DataFrame:
    """Measure LAVA's figure 16."""
    return repeated(sets, lambda seed: _kept(sets, sets.draw(5000, 2000, seed), SUMMARY, seed))


def judge_summarization(table: pd.DataFrame) -> Verdict:
    """Ask whether LAVA's summaries are mostly better than random ones, and than KNN-Shapley's."""
    gain = table.groupby(["order", "kept"])["gain"].mean()
    own, rival = gain["lava"], gain["knn-shapley"]
    said = "accuracy less that of as many at random, in points: " + ", ".join(
        f"best {kept:.0%} {100 * own[kept]:+.1f} (KNN-Shapley {100 * rival[kept]:+.1f})"
        for kept in own.index
    )
    return judged(said, (own > 0).mean() > 0.5, (own > rival).mean() > 0.5)


def copies(sets: Sets) -> pd.DataFrame:
    """Measure LAVA's table 3, and copies of a single image."""

    def one(seed: int) -> pd.DataFrame:
        table = duplication(sets.draw(2000, 2000, seed), TIMES, single=SINGLE, seed=seed)
        first = table.loc[(table["what"] == "whole set") & (table["times"] == 1), "distance"]
        return table.assign(change=table["distance"] / first.iloc[0] - 1)

    return repeated(sets, one)


def judge_copies(table: pd.DataFrame) -> Verdict:
    """Ask whether copies of all change nothing, and those of one image increase the distance."""
    change = table.groupby(["what", "times"])["change"].mean()
    whole, near, single = (
        change[what] for what in ("whole set", "whole set with noise", "one image")
    )
    copied = ", ".join(f"{count} % {change:+.1%}" for count, change in single.items())
    said = (
        f"the distance changes by {_most(whole):+.2%} at most where all is copied, "
        f"by {_most(near):+.2%} where the copies have noise; where so much of the set is added in "
        f"copies of its best image: {copied}"
    )
    steady = abs(_most(whole)) <= 0.002 and abs(_most(near)) <= 0.01
    return judged(said, steady, bool((single > 0).all() and single.is_monotonic_increasing))


@dataclass(frozen=True)
class Case:
    """A study beside what the paper says.

    Attributes
    ----------
    name : chooses it on the command line
    title, source : what it is about, and where in the papers
    claim : what the paper says
    size : what it is measured on, in words
    by : columns of the table that tell settings apart
    shown : columns of figures that the page shows; none where another study shows the table
    measure, judge : see the module
    """

    name: str
    title: str
    source: str
    claim: str
    size: str
    by: tuple[str, ...]
    shown: tuple[str, ...]
    measure: Callable[[Sets], pd.DataFrame]
    judge: Callable[[pd.DataFrame], Verdict]


FOUND = ("auroc", "average_precision", "recall_at_0.5")
CASES = (
    Case(
        "distance",
        "The OT distance stands for accuracy",
        "LAVA, figure 1",
        "as the distance increases, the validation performance of a model decreases",
        "5,000 × 2,000; the paper's shares of wrong labels end at 15 %",
        ("fault", "corrupted"),
        ("distance", "accuracy"),
        distance,
        judge_distance,
    ),
    Case(
        "validation-size",
        "Fewer validation images",
        "LAVA, B.2.1, figures 9 (c) and 11",
        "5,000 images largely keep the detection of 10,000; 2,000 and fewer lose more than half of "
        "it; with 500, LAVA is better than every baseline",
        "5,000 × 200 to 10,000. The paper trains its embedder on the smaller sets too; here the "
        "embeddings stay those of all 10,000",
        ("method", "validation_images"),
        FOUND,
        validation_size,
        judge_validation_size,
    ),
    Case(
        "weights",
        "Weights of features and labels",
        "LAVA, B.2.2 and B.2.3, figures 9 (a) and (b)",
        "detection falls as either weight grows; with a feature weight of 100 it is a random order",
        "5,000 × 1,000, potentials to a marginal error of 0.01",
        ("feature_weight", "label_weight"),
        FOUND,
        weights,
        judge_weights,
    ),
    Case(
        "embedder",
        "Another embedder",
        "LAVA, B.2.4, figure 10",
        "detection is similar whatever the architecture, if its capacity is large enough",
        "4,000 × 2,000; each network is trained once, on all 10,000 validation pictures, and the "
        "seeds are of the wrong labels",
        ("embedder",),
        FOUND,
        embedder,
        judge_embedder,
    ),
    Case(
        "batch-size",
        "SAVA's batch size",
        "SAVA, G.2",
        "detection converges as batches grow",
        "3,000 × 1,500",
        ("method", "batch_size"),
        FOUND,
        batch_size,
        judge_batch_size,
    ),
    Case(
        "batchwise",
        "Batch-wise LAVA",
        "SAVA, G.5, figure 11",
        "with small and with large batches it deteriorates dramatically, and SAVA does not",
        "as the study before. The paper's last batch is a small one, and blamed for what happens "
        "with large ones; here batches differ by one image at most",
        ("method", "batch_size"),
        (),
        batch_size,
        judge_batchwise,
    ),
    Case(
        "caching",
        "Label distances made once",
        "SAVA, G.3, figure 9",
        "with label distances cached, detection is almost identical",
        "3,000 × 1,500, batches of 512. Times are not compared",
        ("label_distances",),
        ("problems", *FOUND),
        caching,
        judge_caching,
    ),
    Case(
        "batches",
        "How batches are made",
        "SAVA, G.4, figure 10",
        "little difference between random and stratified batches",
        "3,000 × 1,500; noise of one deviation of each feature in the embeddings, where the paper "
        "has it in the pictures",
        ("fault", "batch_size", "batches"),
        FOUND,
        batches,
        judge_batches,
    ),
    Case(
        "rebalancing",
        "Rebalancing",
        "LAVA, B.3, figure 12",
        "where Frog has twice the images of other classes, keeping the best by LAVA makes a better "
        "model, and other methods' do not",
        "about 5,500 × 2,000, Frog with 1,000 and the others with 500",
        ("order", "kept"),
        ("images", "accuracy", "gain"),
        rebalancing,
        judge_rebalancing,
    ),
    Case(
        "reduction",
        "Reducing a clean set",
        "LAVA, B.4, figure 13",
        "without the worst 15 % of a clean set performance stays relatively high, and higher than "
        "by other methods",
        "5,000 × 2,000",
        ("order", "kept"),
        ("images", "accuracy", "gain"),
        shrinking,
        judge_shrinking,
    ),
    Case(
        "summarization",
        "Summarizing a clean set",
        "LAVA, B.5, figure 16",
        "a model of LAVA's small subset is better than one of a random subset, and mostly better "
        "than by other methods",
        "5,000 × 2,000",
        ("order", "kept"),
        ("images", "accuracy", "gain"),
        summarization,
        judge_summarization,
    ),
    Case(
        "duplication",
        "Copies",
        "LAVA, B.8, table 3",
        "the distance ignores copies of the whole set, hardly notices copies with noise (+0.5 %), "
        "and grows with copies of one image",
        "2,000 × 2,000, noise of 0.01 deviations",
        ("what", "times"),
        ("images", "distance", "change"),
        copies,
        judge_copies,
    ),
)


def _listed(numbers: Sequence[float], form: str = "g") -> str:
    return ", ".join(f"{one:{form}}" for one in numbers)


def _falls(numbers: Sequence[float]) -> bool:
    return all(one > other for one, other in pairwise(numbers))


def _most(change: pd.Series) -> float:
    return float(change.iloc[change.abs().argmax()])


def _spread(table: pd.DataFrame) -> float:
    """Return the deviation of accuracy over the seeds, in the mean of all settings."""
    found = table.groupby(["order", "kept"])["accuracy"].std(ddof=1).mean()
    return 0.0 if np.isnan(found) else float(found)
