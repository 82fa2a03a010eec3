"""Tiny sources for tests: embeddings (good, narrow, with wrong labels), and pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from core.acquisition import Offer, ProjectionSpec

NAMES = ("good", "narrow", "wrong")
CLASSES = ("bag", "boot", "coat")
_CENTERS = np.eye(3, 6)


def write_embeddings(path: Path, n: int, seed: int, kind: str = "good") -> str:
    """Write a set of noisy classes; "narrow" lacks the last, of "wrong" 40 % have a wrong label."""
    rng = np.random.default_rng(seed)
    truth = np.arange(n) % (2 if kind == "narrow" else 3)
    labels = truth.copy()
    if kind == "wrong":
        wrong = rng.random(n) < 0.4
        labels[wrong] = (labels[wrong] + 1) % 3
    np.savez(
        path,
        embeddings=(_CENTERS[truth] + 0.5 * rng.standard_normal((n, 6))).astype(np.float32),
        labels=labels,
        ids=np.array([f"{i:04d}" for i in range(n)]),
        class_names=np.array(CLASSES),
    )
    return str(path)


def three_offers(folder: Path, n: int = 90, **terms: object) -> tuple[Offer, ...]:
    """Write the pilots; all share the ids 0000, 0001, ..."""
    return tuple(
        Offer(
            name=name,
            pilot=write_embeddings(folder / f"{name}.npz", n, seed, name),
            **terms,  # type: ignore[arg-type]
        )
        for seed, name in enumerate(NAMES)
    )


def small_spec(folder: Path, **settings: object) -> ProjectionSpec:
    """Return a spec that trains 24 models: four mixtures, three sizes, twice."""
    given: dict[str, object] = {
        "sources": three_offers(folder, capacity=4000, price=0.5),
        "validation": write_embeddings(folder / "validation.npz", 60, 10),
        "test": write_embeddings(folder / "test.npz", 120, 11),
        "scales": (20, 40, 80),
        "points": 4,
        "repeats": 2,
        **settings,
    }
    return ProjectionSpec(**given)  # type: ignore[arg-type]


def spec_of_pictures(folder: Path) -> ProjectionSpec:
    """Write pictures of chance, 12 a class; both sources have a class that validation lacks."""
    rng = np.random.default_rng(0)
    for name, classes in (("pilot", ("bag", "boot", "hat")), ("trusted", ("bag", "boot"))):
        for label in classes:
            (folder / name / label).mkdir(parents=True)
            for i in range(12):
                image = Image.fromarray(rng.integers(0, 255, (8, 8), dtype=np.uint8))
                image.save(folder / name / label / f"{i}.png")
    return ProjectionSpec(
        sources=tuple(Offer(name=name, pilot=str(folder / "pilot")) for name in "AB"),
        validation=str(folder / "trusted"),
    )
