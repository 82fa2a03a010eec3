"""Embedders as torch modules through which gradients flow back to the pictures."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from core.embedding.training import TrainedNetwork


class FeatureModule(nn.Module):
    """Maps pictures in [0, 1], float32 (b, channels, h, w), to features (b, d) of an embedder.

    Pictures of another size are resized as readers do, with antialiasing; gray ones are repeated
    for a space of color pictures, colored ones weighed (ITU-R 601, as PIL) for a gray one.

    Attributes
    ----------
    side, channels : of the pictures that the embedder works on
    """

    shift: Tensor
    factor: Tensor

    def __init__(self, body: nn.Module, fitted: Mapping[str, np.ndarray]) -> None:
        super().__init__()
        self.body = body
        self.side, self.channels = int(fitted["side"]), int(fitted["channels"])
        self.register_buffer("shift", _tensor(fitted["shift"]))
        self.register_buffer("factor", _tensor(fitted["factor"]))

    def forward(self, pictures: Tensor) -> Tensor:
        """Return the features, float32, shape (b, d)."""
        if pictures.shape[1] != self.channels:
            pictures = _recolored(pictures, self.channels)
        if pictures.shape[2:] != (self.side, self.side):
            pictures = functional.interpolate(
                pictures, (self.side, self.side), mode="bicubic", antialias=True
            ).clamp(0, 1)
        features: Tensor = (self.body(pictures) - self.shift) * self.factor
        return features


class _Trained(nn.Module):
    mean: Tensor
    deviation: Tensor

    def __init__(self, trained: TrainedNetwork) -> None:
        super().__init__()
        self.network = trained.network
        self.represent = trained.represent
        self.register_buffer("mean", trained.mean)
        self.register_buffer("deviation", trained.deviation)

    def forward(self, pictures: Tensor) -> Tensor:
        return self.represent((pictures - self.mean) / self.deviation)


class _Components(nn.Module):
    mean: Tensor
    components: Tensor

    def __init__(self, fitted: Mapping[str, np.ndarray]) -> None:
        super().__init__()
        self.register_buffer("mean", _tensor(fitted["mean"]))
        self.register_buffer("components", _tensor(fitted["components"]))

    def forward(self, pictures: Tensor) -> Tensor:
        rows = pictures.flatten(1) - self.mean
        along = rows @ self.components
        beyond = rows.square().sum(dim=1) - along.square().sum(dim=1)
        # The root's slope has no limit at zero; a tiny distance has one.
        distance = beyond.clamp_min(1e-12).sqrt()
        return torch.cat([along, distance[:, None]], dim=1)


def trained_module(fitted: Mapping[str, np.ndarray], device: str) -> nn.Module:
    """Return the features of a network trained here; its weights are fixed."""
    return _fixed(
        FeatureModule(_Trained(TrainedNetwork.from_arrays(fitted, device)), fitted), device
    )


def pixels_module(fitted: Mapping[str, np.ndarray], device: str) -> nn.Module:
    """Return the projection of `embed_pixels`."""
    return _fixed(FeatureModule(_Components(fitted), fitted), device)


def _fixed(module: nn.Module, device: str) -> nn.Module:
    return module.to(device).eval().requires_grad_(False)


def _tensor(array: np.ndarray) -> Tensor:
    return torch.from_numpy(np.array(array, dtype=np.float32))


def _recolored(pictures: Tensor, channels: int) -> Tensor:
    if channels == 3:
        return pictures.expand(-1, 3, -1, -1)
    weights = pictures.new_tensor([0.299, 0.587, 0.114])[:, None, None]
    return (pictures * weights).sum(dim=1, keepdim=True)
