"""Pre-activation residual networks; imported only where one is used, for torch is slow to load."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from core.embedding.network import ResidualNetwork, convolution


class PreActivationBlock(nn.Module):
    """Normalization and rectification before each of two 3 × 3 convolutions, added to the input.

    References
    ----------
    He et al., Identity Mappings in Deep Residual Networks, ECCV 2016, figure 4 (e).
    """

    def __init__(self, channels_in: int, channels_out: int, stride: int) -> None:
        super().__init__()
        self.norm_1 = nn.BatchNorm2d(channels_in)
        self.convolution_1 = convolution(channels_in, channels_out, 3, stride)
        self.norm_2 = nn.BatchNorm2d(channels_out)
        self.convolution_2 = convolution(channels_out, channels_out, 3, 1)
        self.shortcut: nn.Conv2d | None = None
        if stride != 1 or channels_in != channels_out:
            self.shortcut = convolution(channels_in, channels_out, 1, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Map (b, channels_in, h, w) to (b, channels_out, h / stride, w / stride)."""
        active = functional.relu(self.norm_1(x))
        beside = x if self.shortcut is None else self.shortcut(active)
        inner = functional.relu(self.norm_2(self.convolution_1(active)))
        result: Tensor = self.convolution_2(inner) + beside
        return result


class PreActResNet(nn.Module):
    """One 3 × 3 convolution, stages of pre-activation blocks, average pooling, linear head.

    Each stage after the first halves the side. With widths (64, 128, 256, 512) and blocks
    (2, 2, 2, 2) it is PreActResNet-18 with 11,172,170 parameters at 10 classes, with blocks
    (3, 4, 6, 3) PreActResNet-34; with widths (16, 32, 64) and blocks (3, 3, 3) CIFAR's ResNet-20.
    """

    def __init__(
        self,
        channels: int,
        widths: tuple[int, ...],
        blocks: tuple[int, ...],
        n_classes: int,
    ) -> None:
        super().__init__()
        width = widths[0]
        layers: list[nn.Module] = [convolution(channels, width, 3, 1)]
        for stage, (next_width, count) in enumerate(zip(widths, blocks, strict=True)):
            for block in range(count):
                stride = 2 if stage > 0 and block == 0 else 1
                layers.append(PreActivationBlock(width, next_width, stride))
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


def build_network(
    channels: int,
    side: int,
    widths: tuple[int, ...],
    blocks: tuple[int, ...],
    n_classes: int,
) -> ResidualNetwork | PreActResNet:
    """Return a new network for pictures (b, channels, side, side), its weights drawn by torch.

    Parameters
    ----------
    widths : channels of the stages
    blocks : pre-activation blocks of the stages; empty for the small convnet, which has one each
    """
    if not blocks:
        return ResidualNetwork(channels, side, widths, n_classes)
    return PreActResNet(channels, widths, blocks, n_classes)


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
