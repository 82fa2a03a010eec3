"""Networks trained on the validation set alone, as in LAVA (section 4)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from core.datasets import LabelledImages, decode_batches, propose_shape
from core.device import resolve_device
from core.embedding.convnet_config import ConvnetConfig
from core.embedding.embedder import Features
from core.embedding.scale import Scale, fitted_scale
from core.progress import Progress

if TYPE_CHECKING:
    from core.embedding.side_by_side import Parts
    from core.embedding.training import TrainedNetwork


def embed_trained(
    train: LabelledImages,
    validation: LabelledImages,
    config: ConvnetConfig,
    *,
    seed: int,
    device: str,
    progress: Progress,
) -> Features:
    """Train a residual network on the validation set and return its penultimate layer.

    `config` says which network, and how it is trained: a `ResnetConfig` or a plain `ConvnetConfig`.

    The training set, whose labels and pictures are in doubt, plays no part in the network, as in
    LAVA. Classes without validation images have no output; their training images are embedded
    like all others. Torch's global random state is as before afterwards.

    Returns
    -------
    Features
        x, y, float32, shapes (n, widths[-1]) and (m, widths[-1]), scaled by `fitted_scale`; and the
        network, with which `more_trained` embeds further images

    Notes
    -----
    Time O(epochs · m + n) passes of the network, memory O(m · picture + embed_batch · activations):
    the validation pictures are held as bytes, the training pictures are streamed.

    References
    ----------
    Just et al., LAVA: Data Valuation without Pre-Specified Learning Algorithms, ICLR 2023.
    """
    from core.embedding.side_by_side import repeatable
    from core.embedding.training import train_network

    place = resolve_device(device)
    # The trusted set decides how all pictures are read; smaller ones would vanish in the stages.
    shape = propose_shape(validation, largest_side=config.max_side)
    side, channels = max(8, shape.side), shape.channels
    progress("Training the embedder", 0.0, "reading the validation pictures")
    pictures = np.concatenate(list(decode_batches(validation, side, channels, config.embed_batch)))
    total = len(validation) + len(train)
    with repeatable(config.parts, place) as parts:
        trained = train_network(pictures, validation.labels, config, seed, place, parts, progress)
        starts = range(0, len(pictures), config.embed_batch)
        held = (pictures[i : i + config.embed_batch] for i in starts)
        y = _features(trained, held, config, parts, 0, total, progress)
        batches = decode_batches(train, side, channels, config.embed_batch)
        x = _features(trained, batches, config, parts, len(validation), total, progress)
    scale = fitted_scale(y, config.mean_cost)
    fitted = {
        **trained.arrays(),
        "side": np.array(side),
        "channels": np.array(channels),
        "shift": scale.shift,
        "factor": np.array(scale.factor),
    }
    return Features(scale(x), scale(y), fitted)


def more_trained(
    data: LabelledImages,
    fitted: Mapping[str, np.ndarray],
    config: ConvnetConfig,
    *,
    device: str,
    progress: Progress,
) -> np.ndarray:
    """Embed further images with the network of an earlier `embed_trained`.

    Returns
    -------
    float32, shape (k, d); what `embed_trained` would have given these images, up to rounding
    """
    from core.embedding.side_by_side import repeatable
    from core.embedding.training import TrainedNetwork

    place = resolve_device(device)
    trained = TrainedNetwork.from_arrays(fitted, place)
    side, channels = int(fitted["side"]), int(fitted["channels"])
    scale = Scale(fitted["shift"], np.float32(fitted["factor"]))
    with repeatable(config.parts, place) as parts:
        batches = decode_batches(data, side, channels, config.embed_batch)
        return scale(_features(trained, batches, config, parts, 0, len(data), progress))


def _features(
    trained: TrainedNetwork,
    batches: Iterable[np.ndarray],
    config: ConvnetConfig,
    parts: Parts,
    done: int,
    total: int,
    progress: Progress,
) -> np.ndarray:
    """Return the features of all batches; `done` of `total` pictures were embedded before."""
    rows = []
    for batch in batches:
        rows.append(trained.features(batch, config, parts))
        done += len(batch)
        progress("Embedding", done / total, f"{done:,} of {total:,}")
    return np.concatenate(rows)
