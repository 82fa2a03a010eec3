"""Torchvision's networks without their heads; imported only where one is used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from core.embedding.architectures import computing_in
from core.embedding.differentiable import FeatureModule
from core.embedding.imagenet import require_same_weights
from core.embedding.imagenet_config import ImagenetConfig
from core.embedding.side_by_side import Parts
from core.embedding.weights import load_weights
from core.errors import DataError
from core.vision import import_torchvision

# Of the pictures that these networks were trained on, by channel.
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
# Of each architecture, the layer that tells ImageNet's classes apart; what enters it are features.
_HEADS = {"resnet18": "fc", "resnet50": "fc", "googlenet": "fc", "vgg16": "classifier.6"}


class PublishedNetwork:
    """A network of torchvision with its weights, on a device, from bytes to features."""

    def __init__(self, config: ImagenetConfig, device: str) -> None:
        self.body = _body(config).to(device)
        self._precision = config.embed_precision
        self._device = device

    def features(self, pictures: np.ndarray, parts: Parts) -> np.ndarray:
        """Return the features, float32 (b, d), of uint8 pictures (b, 3, side, side)."""

        def compute(_: int, part: np.ndarray) -> np.ndarray:
            with torch.inference_mode(), computing_in(self._precision, self._device):
                batch = torch.from_numpy(part).to(self._device).float() / 255
                out: np.ndarray = self.body(batch).float().cpu().numpy()
            return out

        pieces = np.array_split(pictures, min(parts.count, len(pictures)))
        return np.concatenate(parts.map(compute, pieces))


def imagenet_module(fitted: Mapping[str, np.ndarray], device: str) -> nn.Module:
    """Return the network as a module through which gradients flow; its weights are fixed."""
    config = ImagenetConfig(
        architecture=str(fitted["architecture"]), weights=str(fitted["weights_file"])
    )
    require_same_weights(fitted, config)
    return FeatureModule(_body(config), fitted).to(device).eval().requires_grad_(False)


class _Normalization(nn.Module):
    mean: Tensor
    deviation: Tensor

    def __init__(self) -> None:
        super().__init__()
        for name, numbers in (("mean", _MEAN), ("deviation", _DEVIATION)):
            self.register_buffer(name, torch.tensor(numbers)[:, None, None])

    def forward(self, pictures: Tensor) -> Tensor:
        normalized = (pictures - self.mean) / self.deviation
        return normalized.contiguous(memory_format=torch.channels_last)


def _body(config: ImagenetConfig) -> nn.Module:
    """Return the network without its last layer, from pictures in [0, 1], in evaluation mode.

    Raises
    ------
    ConfigError : torchvision or the weights are not here and cannot be had
    DataError : the weights do not fit the architecture
    """
    models = import_torchvision("models")
    name, head = config.architecture, _HEADS[config.architecture]
    # What is drawn here is replaced at once; drawing it well would take seconds.
    options: dict[str, Any] = {} if name.startswith("resnet") else {"init_weights": False}
    if name == "googlenet":
        options |= {"aux_logits": False, "transform_input": True}
    with torch.random.fork_rng(devices=[]):
        network: nn.Module = models.get_model(name, weights=None, **options)
    network.set_submodule(head, nn.Identity())
    weights = {
        key: part
        for key, part in load_weights(name, config.weights).items()
        if not key.startswith((f"{head}.", "aux"))
    }
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:200]
        raise DataError(f"The weights that are here do not fit {name}: {reason}") from error
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return nn.Sequential(_Normalization(), network).eval().requires_grad_(False)
