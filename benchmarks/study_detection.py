"""The papers' studies of distance and detection: what is measured, and how it is judged."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from benchmarks.common import CIFAR
from benchmarks.study_sets import (
    PRECOMPUTED,
    WRONG,
    Sets,
    Verdict,
    falls,
    judged,
    listed,
    mislabelled,
    noisy,
    repeated,
)
from core.datasets import open_source
from core.embedding import embed_pair
from core.lab.studies import (
    detection_by_embedder,
    detection_by_label_distances,
    detection_by_setting,
    detection_by_validation_size,
    distance_against_accuracy,
)
from core.valuation import METHODS

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
        f"AUROC with feature weights of {listed(FEATURE_WEIGHTS)}: {listed(features, '.3f')}; "
        f"with label weights of {listed(LABEL_WEIGHTS)}: {listed(labels, '.3f')}"
    )
    return judged(said, falls(features), abs(features[-1] - 0.5) < 0.05, falls(labels))


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
    said = f"AUROC with batches of {listed(BATCH_SIZES, ',')}: {listed(found, '.3f')}"
    said += f"; LAVA on the whole sets {whole:.3f}"
    return judged(said, found[-1] > found[0], abs(found[-1] - found[-2]) <= 0.02)


def judge_batchwise(table: pd.DataFrame) -> Verdict:
    """Ask whether batch-wise LAVA falls behind SAVA with small and with large batches."""
    mean = table.groupby(["method", "batch_size"])["auroc"].mean()
    lead = [mean["sava", size] - mean["batchwise-lava", size] for size in BATCH_SIZES]
    sizes = listed(BATCH_SIZES, ",")
    said = f"SAVA's lead in AUROC with batches of {sizes}: {listed(lead, '+.3f')}"
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
