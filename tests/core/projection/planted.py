"""Tables of accuracies that follow a law which is known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from core.projection import Measured, lattice

SIZES = (200, 400, 800, 1500)
Truth = Callable[[np.ndarray, np.ndarray], np.ndarray]


def planted(
    truth: Truth,
    m: int = 3,
    *,
    steps: int = 4,
    sizes: tuple[int, ...] = SIZES,
    repeats: int = 2,
    noise: float = 0.0,
    seed: int = 0,
) -> Measured:
    """Accuracies of a lattice at some sizes; `noise` is a deviation at 500 images."""
    ratios = lattice(m, steps)
    p = np.repeat(np.tile(ratios, (len(sizes), 1)), repeats, axis=0)
    n = np.repeat(np.repeat(sizes, len(ratios)), repeats)
    rng = np.random.default_rng(seed)
    accuracy = truth(p, n) + noise * np.sqrt(500 / n) * rng.standard_normal(len(n))
    repeat = np.tile(np.arange(repeats), len(n) // repeats)
    return Measured(p=p, n=n, repeat=repeat, accuracy=np.clip(accuracy, 0, 1))


def saturating(p: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Level off at 92 %; the later sources need more images for the same."""
    needed = 100 * np.exp(p @ np.linspace(0, 1.5, p.shape[1]))
    left = 1 / (1 + (n / needed) ** 0.9)
    return 1 - (0.08 + (0.9 - 0.08) * left)


class Bowl:
    """A convex distance of mixtures: |p - center|^2 + 1, and its gradient."""

    def distance(self, p: np.ndarray) -> np.ndarray:
        return 1 + ((p - 1 / p.shape[-1]) ** 2).sum(axis=-1)

    def gradient(self, p: np.ndarray) -> np.ndarray:
        return 2 * (p - 1 / p.shape[-1])


def by_differences(
    function: Callable[[np.ndarray], np.ndarray], p: np.ndarray, step: float = 1e-5
) -> np.ndarray:
    """Derivatives of function(p), shape (k,), by each entry of p, shape (k, m)."""
    found = np.zeros_like(p)
    for s in range(p.shape[1]):
        move = np.zeros(p.shape[1])
        move[s] = step
        found[:, s] = (function(p + move) - function(p - move)) / (2 * step)
    return found
