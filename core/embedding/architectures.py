"""Pre-activation residual networks; imported only where one is used, for torch is slow to load."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from core.embedding.network import ResidualNetwork, convolution


class _Residual(nn.Module):
    """Normalization and rectification before each convolution, and the input added to the last.

    References
    ----------
    He et al., Identity Mappings in Deep Residual Networks, ECCV 2016, figure 4 (e).
    """

    norm_1: nn.BatchNorm2d
    shortcut: nn.Conv2d | None

    def forward(self, x: Tensor) -> Tensor:
        """Map (b, channels_in, h, w) to (b, channels_out, h / stride, w / stride)."""
        active = functional.relu(self.norm_1(x))
        beside = x if self.shortcut is None else self.shortcut(active)
        return self.convolved(active) + beside

    def convolved(self, active: Tensor) -> Tensor:
        """Return what is added to the input."""
        raise NotImplementedError


class PreActivationBlock(_Residual):
    """Two 3 × 3 convolutions."""

    def __init__(self, channels_in: int, channels_out: int, stride: int) -> None:
        super().__init__()
        self.norm_1 = nn.BatchNorm2d(channels_in)
        self.convolution_1 = convolution(channels_in, channels_out, 3, stride)
        self.norm_2 = nn.BatchNorm2d(channels_out)
        self.convolution_2 = convolution(channels_out, channels_out, 3, 1)
        self.shortcut = _shortcut(channels_in, channels_out, stride)

    def convolved(self, active: Tensor) -> Tensor:
        """Return what is added to the input."""
        inner = functional.relu(self.norm_2(self.convolution_1(active)))
        result: Tensor = self.convolution_2(inner)
        return result


class BottleneckBlock(_Residual):
    """A 3 × 3 convolution of fewer channels, between two of 1 × 1.

    References
    ----------
    He et al., Deep Residual Learning for Image Recognition, CVPR 2016, figure 5.
    """

    def __init__(self, channels_in: int, channels_out: int, stride: int, squeeze: int) -> None:
        super().__init__()
        inner = channels_out // squeeze
        self.norm_1 = nn.BatchNorm2d(channels_in)
        self.convolution_1 = convolution(channels_in, inner, 1, 1)
        self.norm_2 = nn.BatchNorm2d(inner)
        self.convolution_2 = convolution(inner, inner, 3, stride)
        self.norm_3 = nn.BatchNorm2d(inner)
        self.convolution_3 = convolution(inner, channels_out, 1, 1)
        self.shortcut = _shortcut(channels_in, channels_out, stride)

    def convolved(self, active: Tensor) -> Tensor:
        """Return what is added to the input."""
        inner = functional.relu(self.norm_2(self.convolution_1(active)))
        inner = functional.relu(self.norm_3(self.convolution_2(inner)))
        result: Tensor = self.convolution_3(inner)
        return result


def _shortcut(channels_in: int, channels_out: int, stride: int) -> nn.Conv2d | None:
    """Return what makes the input of one shape with the output; None where it is."""
    if stride == 1 and channels_in == channels_out:
        return None
    return convolution(channels_in, channels_out, 1, stride)


@dataclass(frozen=True, slots=True)
class Architecture:
    """The shape of a network that is trained here.

    Attributes
    ----------
    widths : channels that the stages put out
    blocks : pre-activation blocks of the stages; empty for the small convnet, which has one each
    squeeze : by which a block narrows its channels within; 1 for two plain convolutions
    """

    widths: tuple[int, ...]
    blocks: tuple[int, ...] = ()
    squeeze: int = 1


class PreActResNet(nn.Module):
    """One 3 × 3 convolution, stages of pre-activation blocks, average pooling, linear head.

    Each stage after the first halves the side. With widths (64, 128, 256, 512) and blocks
    (2, 2, 2, 2) it is PreActResNet-18 with 11,172,170 parameters at 10 classes, with blocks
    (3, 4, 6, 3) PreActResNet-34, with those, four times the widths and a squeeze of 4
    PreActResNet-50; with widths (16, 32, 64) and blocks (3, 3, 3) CIFAR's ResNet-20.
    """

    def __init__(self, channels: int, architecture: Architecture, n_classes: int) -> None:
        super().__init__()
        squeeze = architecture.squeeze
        width = architecture.widths[0] // squeeze
        layers: list[nn.Module] = [convolution(channels, width, 3, 1)]
        stages = zip(architecture.widths, architecture.blocks, strict=True)
        for stage, (next_width, count) in enumerate(stages):
            for block in range(count):
                stride = 2 if stage > 0 and block == 0 else 1
                layers.append(_block(width, next_width, stride, squeeze))
                width = next_width
        self.body = nn.Sequential(*layers)
        self.norm = nn.BatchNorm2d(width)
        self.head = nn.Linear(width, n_classes)

    def features(self, x: Tensor) -> Tensor:
        """Map pictures (b, channels, side, side) to features (b, widths[-1]), float32."""
        active = functional.relu(self.norm(self.body(x)))
        # In float32: the mean of many positions has more digits than one of them in bfloat16.
        pooled: Tensor = active.float().mean(dim=(2, 3))
        return pooled

    def forward(self, x: Tensor) -> Tensor:
        """Map pictures to logits (b, n_classes)."""
        logits: Tensor = self.head(self.features(x))
        return logits


def _block(channels_in: int, channels_out: int, stride: int, squeeze: int) -> nn.Module:
    if squeeze == 1:
        return PreActivationBlock(channels_in, channels_out, stride)
    return BottleneckBlock(channels_in, channels_out, stride, squeeze)


def build_network(
    channels: int, side: int, architecture: Architecture, n_classes: int
) -> ResidualNetwork | PreActResNet:
    """Return a new network for pictures (b, channels, side, side), its weights drawn by torch."""
    if not architecture.blocks:
        return ResidualNetwork(channels, side, architecture.widths, n_classes)
    return PreActResNet(channels, architecture, n_classes)


def bfloat16_pays(device: str) -> bool:
    """Return whether `device` multiplies in bfloat16 at least as fast as in float32.

    A CPU needs instructions for it (AMX or AVX-512's), a GPU those of Ampere or later.
    """
    if device == "cpu":
        able = torch.cpu.get_capabilities()
        return any(able.get(name, False) for name in ("amx_bf16", "avx512_bf16", "bf16"))
    return device == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)


def computing_in(precision: str, device: str) -> torch.autocast:
    """Return a context that multiplies in `precision` where `device` gains by that."""
    half = precision == "bfloat16" and bfloat16_pays(device)
    return torch.autocast(device, dtype=torch.bfloat16, enabled=half)
