"""The trained networks as classifiers: what embedders are, with their heads."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from core.device import resolve_device
from core.embedding.registry import EMBEDDERS
from core.progress import Progress, silent


def train_classifier(
    name: str,
    pictures: np.ndarray,
    labels: np.ndarray,
    n_classes: int,
    *,
    seed: int = 0,
    device: str = "auto",
    progress: Progress = silent,
) -> Callable[[np.ndarray], np.ndarray]:
    """Train the network of an embedder to tell classes apart, and return what predicts them.

    Parameters
    ----------
    name : an embedder that is trained, as "convnet" or "resnet-20"; its settings are used
    pictures : uint8, shape (n, channels, side, side)
    labels : int64, shape (n,), 0 to n_classes - 1

    Returns
    -------
    predict : gives the probabilities of the classes, float32, shape (k, n_classes), of uint8
        pictures of the same size; a class without images has 0

    Raises
    ------
    DataError : training diverged
    """
    from scipy.special import softmax

    from core.embedding.side_by_side import repeatable
    from core.embedding.training import train_network

    config = EMBEDDERS[name].config
    place = resolve_device(device)
    with repeatable(config.parts, place) as parts:
        trained = train_network(pictures, labels, config, seed, place, parts, progress)
    present = np.unique(labels)

    def predict(shown: np.ndarray) -> np.ndarray:
        found = np.zeros((len(shown), n_classes), dtype=np.float32)
        with repeatable(config.parts, place) as parts:
            for start in range(0, len(shown), config.embed_batch):
                part = slice(start, start + config.embed_batch)
                logits = trained.logits(np.ascontiguousarray(shown[part]), config, parts)
                found[part, present] = softmax(logits, axis=1)
        return found

    return predict
