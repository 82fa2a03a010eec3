"""Noise in what an image shows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.corruption.change import Change, Scene
from core.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class NoisyFeaturesConfig:
    """How strong the noise is.

    Attributes
    ----------
    strength : standard deviation, more than 0: in pictures in units of the range of a pixel, black
        to white; in a set of embeddings only in units of each coordinate's own deviation
    """

    strength: float = 0.5

    def __post_init__(self) -> None:
        """Refuse what is no noise."""
        if not 0 < self.strength < np.inf:
            raise ConfigError(f"The strength of noise must be more than 0, got {self.strength}.")


@dataclass(frozen=True, slots=True)
class WhiteNoise:
    """Adds normal noise to every pixel and channel, and clips to what a pixel can be."""

    strength: float

    def __call__(self, pixels: np.ndarray, key: int) -> np.ndarray:
        """Return a noisy copy; `key` decides the noise."""
        noise = np.random.default_rng(key).standard_normal(pixels.shape, dtype=np.float32)
        noise *= np.float32(255 * self.strength)
        noise += pixels
        return np.clip(np.rint(noise, out=noise), 0, 255, out=noise).astype(np.uint8)


def plant_noisy_features(scene: Scene, fraction: float, config: NoisyFeaturesConfig) -> Change:
    """Add white noise to pictures, or to the vectors of a set of embeddings only."""
    rows = scene.pick(fraction, np.ones(len(scene.data), dtype=bool))
    keys = scene.draws.keys(scene.data.ids[rows], "noise")
    if scene.data.images is not None:
        return Change(rows=rows, picture=WhiteNoise(config.strength), keys=keys)
    return Change(
        rows=rows, embeddings=jittered(scene.data.embeddings, rows, keys, config.strength)
    )


def jittered(
    embeddings: np.ndarray | None, rows: np.ndarray, keys: np.ndarray, strength: float
) -> np.ndarray:
    """Return the vectors in `rows` with white noise, float32, shape (k, d).

    Parameters
    ----------
    embeddings : shape (n, d)
    keys : uint64, shape (k,), decide the noise
    strength : in units of each coordinate's standard deviation among all n
    """
    if embeddings is None:  # LabelledImages has pictures or embeddings
        raise ConfigError("There are no embeddings to plant noise in.")
    scale = strength * embeddings.std(axis=0, dtype=np.float64)
    width = embeddings.shape[1]
    noise = [np.random.default_rng(key).standard_normal(width) for key in keys.tolist()]
    return np.asarray(embeddings[rows] + scale * np.stack(noise), dtype=np.float32)
