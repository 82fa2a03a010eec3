"""A small residual network, trained on the validation set alone (LAVA, section 4)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from core.datasets import LabelledImages, decode_batches, propose_shape
from core.embedding.scale import centered_and_scaled
from core.errors import ConfigError
from core.progress import Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class ConvnetConfig:
    """Settings of `embed_convnet`.

    Attributes
    ----------
    widths : channels of the stages; the last is the features' width d
    epochs : passes over the validation set
    most_views : pictures trained on in all, repeats counted; a large validation set gets fewer
        epochs so that this is kept, but 5 at least
    batch : pictures a training step, about
    learning_rate : peak of the one-cycle schedule
    weight_decay : of AdamW
    label_smoothing : 0 to 1; it keeps the classes apart without pulling each into one point
    shift : augmentation, up to this share of the side both ways, rounded to pixels
    mirror : augmentation, left to right; unsafe where that changes the label (digits, text)
    max_side : larger pictures are brought to this many pixels a side
    embed_batch : pictures embedded at a time
    mean_cost : mean of |φ - φ'|² / 2 between validation images after scaling
    """

    widths: tuple[int, ...] = (16, 32, 64)
    epochs: int = 25
    most_views: int = 100_000
    batch: int = 100
    learning_rate: float = 0.01
    weight_decay: float = 1e-3
    label_smoothing: float = 0.1
    shift: float = 0.04
    mirror: bool = False
    max_side: int = 64
    embed_batch: int = 500
    mean_cost: float = 20.0

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        counts = (*self.widths, self.epochs, self.most_views, self.batch)
        counts += (self.max_side, self.embed_batch)
        if not self.widths or min(counts) < 1:
            raise ConfigError(
                "widths, epochs, most_views, batch, max_side and embed_batch must be positive."
            )
        if not (self.learning_rate > 0 and self.mean_cost > 0):
            raise ConfigError("learning_rate and mean_cost must be positive.")
        if self.weight_decay < 0 or not 0 <= self.shift < 1 or not 0 <= self.label_smoothing < 1:
            raise ConfigError(
                "weight_decay must not be negative; shift and label_smoothing must be in [0, 1)."
            )


def embed_convnet(
    train: LabelledImages,
    validation: LabelledImages,
    config: ConvnetConfig,
    *,
    seed: int,
    device: str,
    progress: Progress,
) -> tuple[np.ndarray, np.ndarray]:
    """Train a residual network on the validation set and return its penultimate layer.

    The training set, whose labels and pictures are in doubt, plays no part in the network, as in
    LAVA. Classes without validation images have no output; their training images are embedded
    like all others. Torch's global random state is as before afterwards.

    Returns
    -------
    x, y : float32, shapes (n, widths[-1]) and (m, widths[-1]), scaled by `centered_and_scaled`

    Notes
    -----
    Time O(epochs · m + n) passes of the network, memory O(m · picture + embed_batch · activations):
    the validation pictures are held as bytes, the training pictures are streamed.

    References
    ----------
    Just et al., LAVA: Data Valuation without Pre-Specified Learning Algorithms, ICLR 2023.
    """
    from core.embedding.training import repeatable_kernels, train_network

    place = resolve_device(device)
    # The trusted set decides how all pictures are read; smaller ones would vanish in the stages.
    shape = propose_shape(validation, largest_side=config.max_side)
    side, channels = max(8, shape.side), shape.channels
    progress("Training the embedder", 0.0, "reading the validation pictures")
    pictures = np.concatenate(list(decode_batches(validation, side, channels, config.embed_batch)))
    total = len(validation) + len(train)
    with repeatable_kernels():
        trained = train_network(pictures, validation.labels, config, seed, place, progress)

        def features(batches: Iterable[np.ndarray], done: int) -> np.ndarray:
            rows = []
            for batch in batches:
                rows.append(trained.features(batch))
                done += len(batch)
                progress("Embedding", done / total, f"{done:,} of {total:,}")
            return np.concatenate(rows)

        parts = range(0, len(pictures), config.embed_batch)
        y = features((pictures[i : i + config.embed_batch] for i in parts), 0)
        x = features(decode_batches(train, side, channels, config.embed_batch), len(validation))
    return centered_and_scaled(x, y, config.mean_cost)


def resolve_device(device: str) -> str:
    """Return cpu, cuda or mps for auto, cpu, cuda or mps.

    Raises
    ------
    ConfigError : unknown, or not there on this machine
    """
    import torch

    there = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if device == "auto":
        return next(name for name, available in there.items() if available)
    if not there.get(device, False):
        usable = ", ".join(name for name, available in there.items() if available)
        raise ConfigError(f"The device '{device}' is not available here. Choose one of: {usable}.")
    return device
