"""Small runs made in milliseconds, without valuing anything: for tests of what reads runs."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from core import __version__
from core.datasets.images import LabelledImages
from core.runs import Run, RunRecord, SourceRecord, validation_frame, values_frame, write_run
from core.valuation.result import TransportValuation

CLASSES = ("bag", "boot", "coat", "dress", "shirt", "skirt")


def make_images(
    folder: Path, n: int, v: int, seed: int, *, pictures: bool = True, side: int = 12
) -> LabelledImages:
    """Write `n` small PNGs as a folder of class folders, and describe them with embeddings.

    Class u is a bright square at a place of its own; without `pictures` nothing is written.
    """
    rng = np.random.default_rng(seed)
    labels = np.sort(np.arange(n) % v)
    names = CLASSES[:v]
    ids = np.array([f"{names[u]}/{i:05d}.png" for i, u in enumerate(labels)])
    if pictures:
        for name in names:
            (folder / name).mkdir(parents=True, exist_ok=True)
        for image_id, u in zip(ids, labels, strict=True):
            pixels = rng.integers(0, 60, (side, side), dtype=np.uint8)
            pixels[2 * u : 2 * u + 2, 2 * u : 2 * u + 2] = 250
            Image.fromarray(pixels).save(folder / image_id)
    return LabelledImages(
        source=str(folder),
        ids=ids,
        labels=labels,
        class_names=names,
        embeddings=(np.eye(v, 8)[labels] + 0.1 * rng.standard_normal((n, 8))).astype(np.float32),
        paths=np.array([str(folder / i) for i in ids], dtype=object) if pictures else None,
    )


def write_set(
    path: Path,
    n: int,
    seed: int,
    *,
    names: tuple[str, ...] = CLASSES[:3],
    width: int = 8,
    prefix: str = "",
) -> str:
    """Write clear classes of embeddings; every tenth label is wrong, except in "validation"."""
    rng = np.random.default_rng(seed)
    truth = np.arange(n) % len(names)
    centers = 3 * np.eye(4, width)[[CLASSES.index(name) for name in names]]
    labels = truth.copy()
    if path.stem != "validation":
        labels[::10] = (labels[::10] + 1) % len(names)
    np.savez(
        path,
        embeddings=centers[truth] + 0.3 * rng.standard_normal((n, width)),
        labels=labels,
        ids=np.array([f"{prefix or path.stem}-{i:04d}" for i in range(n)]),
        class_names=np.array(names),
    )
    return str(path)


def make_valuation(n: int, m: int, v: int, seed: int) -> TransportValuation:
    """Invent a valuation: every tenth training image is clearly harmful."""
    rng = np.random.default_rng(seed)
    gradient = 0.1 * rng.standard_normal(n) + np.where(np.arange(n) % 10 == 0, 1.0, 0.0)
    gradient -= gradient.mean()
    other = 0.1 * rng.standard_normal(m)
    other -= other.mean()
    return TransportValuation(
        score=gradient,
        calibrated_gradient=gradient,
        validation_gradient=other,
        f=gradient * (n - 1) / n,
        g=other * (m - 1) / m,
        label_distances=(2.0 - 1.5 * np.eye(v)).astype(np.float32),
        looks_like=(np.sort(np.arange(n) % v) + (np.arange(n) % 10 == 0)) % v,
        looks_like_probability=rng.uniform(0.5, 1.0, n).astype(np.float32),
        epsilon=0.1,
        primal=1.25,
        dual=1.249,
        transport_cost=1.1,
        marginal_error=0.01,
        tolerance=0.05,
        passes=7,
        converged=True,
    )


def make_run(
    out: Path,
    *,
    n: int = 60,
    m: int = 30,
    v: int = 3,
    seed: int = 0,
    data: Path | None = None,
    pictures: bool = True,
    run_id: str | None = None,
    created: str = "2026-01-02T03:04:05+00:00",
) -> Run:
    """Write a finished run to the folder `out`, with its pictures in `data` (default beside it)."""
    data = data or out.parent.parent / f"data-{out.name}"
    train = make_images(data / "train", n, v, seed, pictures=pictures)
    validation = make_images(data / "validation", m, v, seed + 1, pictures=pictures)
    valuation = make_valuation(n, m, v, seed)

    def described(images: LabelledImages) -> SourceRecord:
        return SourceRecord(
            source=images.source,
            fingerprint=hashlib.sha256(f"{images.source}{seed}".encode()).hexdigest(),
            images=len(images),
            has_pictures=pictures,
        )

    record = RunRecord(
        id=run_id or hashlib.sha256(f"{out}{seed}".encode()).hexdigest()[:16],
        created=created,
        method="lava",
        embedder="convnet",
        configuration={"feature_weight": 1.0, "label_weight": 1.0, "p": 2, "epsilon": 0.1},
        class_names=train.class_names,
        train=described(train),
        validation=described(validation),
        versions={"assay": __version__, "python": "3", "torch": "2", "numpy": "2"},
        seed=seed,
        device="cpu",
        epsilon=valuation.epsilon,
        tolerance=0.05,
        marginal_error=valuation.marginal_error,
        converged=valuation.converged,
        passes=valuation.passes,
        primal=valuation.primal,
        dual=valuation.dual,
        transport_cost=valuation.transport_cost,
        seconds={"Embedding": 1.0, "Sinkhorn": 2.0, "Total": 3.0},
        peak_memory=200_000_000,
    )
    return write_run(
        out,
        record,
        values_frame(train, valuation),
        validation_frame(validation, valuation),
        valuation,
        train.embeddings,
        validation.embeddings,
    )


def make_home_run(home: Path, **settings: object) -> Run:
    """Write a finished run to `home`/runs/<id>, where pages look for it; settings of `make_run`."""
    run_id = hashlib.sha256(repr(sorted(settings.items())).encode()).hexdigest()[:16]
    return make_run(home / "runs" / run_id, run_id=run_id, **settings)  # type: ignore[arg-type]


def make_large_run(home: Path, n: int, *, v: int = 10, seed: int = 0) -> Run:
    """Write a run of `n` images with generated 8 x 8 pictures to `home`; a million take a minute.

    The pictures lie in one `.npz` beside the runs; the picture of an image shows its class.
    """
    data = home / "large"
    data.mkdir(parents=True, exist_ok=True)
    names = tuple(f"class {u}" for u in range(v))
    rng = np.random.default_rng(seed)

    def written(side: str, count: int) -> LabelledImages:
        labels = np.arange(count) % v
        ids = np.char.mod(f"{side}-%07d", np.arange(count))
        pictures = rng.integers(0, 60, (count, 8, 8, 3), dtype=np.uint8)
        pictures[np.arange(count), labels % 8, labels // 8] = 250
        path = data / f"{side}.npz"
        np.savez(path, images=pictures, labels=labels, ids=ids, class_names=np.array(names))
        embeddings = rng.standard_normal((count, 8)).astype(np.float32)
        return LabelledImages(
            source=str(path), ids=ids, labels=labels, class_names=names, embeddings=embeddings
        )

    train, validation = written("train", n), written("validation", 1000)
    valuation = make_valuation(n, 1000, v, seed)
    pattern = make_run(home / "pattern", pictures=False).record
    run_id = hashlib.sha256(f"large {n} {v} {seed}".encode()).hexdigest()[:16]
    parts = [
        SourceRecord(
            source=part.source,
            fingerprint=hashlib.sha256(f"{part.source}{n}{seed}".encode()).hexdigest(),
            images=len(part),
            has_pictures=True,
        )
        for part in (train, validation)
    ]
    record = replace(pattern, id=run_id, class_names=names, train=parts[0], validation=parts[1])
    return write_run(
        home / "runs" / run_id,
        record,
        values_frame(train, valuation),
        validation_frame(validation, valuation),
        valuation,
        train.embeddings,
        validation.embeddings,
    )
