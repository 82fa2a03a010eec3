"""Networks trained on ImageNet, through torchvision: for photographs, as in LAVA's figure 10."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from core.datasets import LabelledImages, decode_batches, propose_shape
from core.device import resolve_device
from core.embedding.embedder import Features
from core.embedding.imagenet_config import ImagenetConfig
from core.embedding.scale import Scale, fitted_scale
from core.embedding.weights import weights_identity
from core.errors import DataError
from core.progress import Progress


def identify_imagenet(config: ImagenetConfig) -> str:
    """Return what tells the weights that `config` leads to from others."""
    return weights_identity(config.architecture, config.weights)


def embed_imagenet(
    train: LabelledImages,
    validation: LabelledImages,
    config: ImagenetConfig,
    *,
    seed: int,
    device: str,
    progress: Progress,
) -> Features:
    """Return what enters the last layer of a network trained on ImageNet.

    Nothing is trained. Pictures become color and square without regard to their proportions.

    Returns
    -------
    Features
        x, y, float32, shapes (n, d) and (m, d), scaled by `fitted_scale`; d is 512 for resnet18,
        2,048 for resnet50, 1,024 for googlenet and 4,096 for vgg16

    Raises
    ------
    ConfigError : torchvision or the weights are not here and cannot be had
    DataError : the weights do not fit the architecture

    References
    ----------
    Just et al., LAVA: Data Valuation without Pre-Specified Learning Algorithms, ICLR 2023,
    figure 10.
    """
    # The trusted set alone decides, so that the space is the same whatever is put into it.
    largest = propose_shape(validation, largest_side=config.side).side
    side = config.side if largest > config.small_side else config.small_side
    y, x = _features((validation, train), side, config, device, progress)
    scale = fitted_scale(y, config.mean_cost)
    fitted = {
        "architecture": np.array(config.architecture),
        "weights_file": np.array(config.weights),
        "weights_identity": np.array(identify_imagenet(config)),
        "side": np.array(side),
        "channels": np.array(3),
        "shift": scale.shift,
        "factor": np.array(scale.factor),
    }
    return Features(scale(x), scale(y), fitted)


def more_imagenet(
    data: LabelledImages,
    fitted: Mapping[str, np.ndarray],
    config: ImagenetConfig,
    *,
    device: str,
    progress: Progress,
) -> np.ndarray:
    """Embed further images as `embed_imagenet` did, float32, shape (k, d).

    Raises
    ------
    DataError : the weights here are not those of that time
    """
    require_same_weights(fitted, config)
    scale = Scale(fitted["shift"], np.float32(fitted["factor"]))
    (x,) = _features((data,), int(fitted["side"]), config, device, progress)
    return scale(x)


def _features(
    sets: tuple[LabelledImages, ...],
    side: int,
    config: ImagenetConfig,
    device: str,
    progress: Progress,
) -> list[np.ndarray]:
    """Return the features of each set, float32, not scaled."""
    from core.embedding.imagenet_network import PublishedNetwork
    from core.embedding.side_by_side import repeatable

    place = resolve_device(device)
    progress("Embedding", 0.0, "loading the weights")
    network = PublishedNetwork(config, place)
    total, done, found = sum(map(len, sets)), 0, []
    with repeatable(2, place) as parts:
        for data in sets:
            rows = []
            for batch in decode_batches(data, side, 3, config.embed_batch):
                rows.append(network.features(batch, parts))
                done += len(batch)
                progress("Embedding", done / total, f"{done:,} of {total:,}")
            found.append(np.concatenate(rows))
    return found


def require_same_weights(fitted: Mapping[str, np.ndarray], config: ImagenetConfig) -> None:
    """Raise `DataError` where `config` leads to other weights than it did when `fitted` was."""
    if identify_imagenet(config) != str(fitted["weights_identity"]):
        raise DataError(
            f"The images were embedded by {config.architecture} with other weights than those "
            "that are found now. Put the earlier file back, or value all images together."
        )
