"""A small residual network, trained on the validation set alone (LAVA, section 4)."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from core.datasets import LabelledImages, decode_batches, propose_shape
from core.device import resolve_device
from core.embedding.convnet_config import ConvnetConfig
from core.embedding.scale import centered_and_scaled
from core.progress import Progress


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
