"""Networks trained on pictures as learners."""

from __future__ import annotations

import numpy as np

from core.embedding import train_classifier
from core.evaluation.learners import Predict
from core.progress import Progress


def fit_convnet(
    inputs: np.ndarray,
    labels: np.ndarray,
    n_classes: int,
    *,
    seed: int,
    device: str,
    progress: Progress,
) -> Predict:
    """Train the small residual network on pictures; see `train_classifier`."""
    return train_classifier(
        "convnet", inputs, labels, n_classes, seed=seed, device=device, progress=progress
    )


def fit_resnet_20(
    inputs: np.ndarray,
    labels: np.ndarray,
    n_classes: int,
    *,
    seed: int,
    device: str,
    progress: Progress,
) -> Predict:
    """Train CIFAR's ResNet-20 on pictures; see `train_classifier`."""
    return train_classifier(
        "resnet-20", inputs, labels, n_classes, seed=seed, device=device, progress=progress
    )


def fit_resnet_18(
    inputs: np.ndarray,
    labels: np.ndarray,
    n_classes: int,
    *,
    seed: int,
    device: str,
    progress: Progress,
) -> Predict:
    """Train PreActResNet-18 on pictures; see `train_classifier`."""
    return train_classifier(
        "preact-resnet-18", inputs, labels, n_classes, seed=seed, device=device, progress=progress
    )
