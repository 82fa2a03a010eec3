"""The convnet's torch part; imported only where a network is really trained."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class ResidualBlock(nn.Module):
    """Two 3 × 3 convolutions with batch normalization, added to their input."""

    def __init__(self, channels_in: int, channels_out: int, stride: int) -> None:
        super().__init__()
        self.convolution_1 = convolution(channels_in, channels_out, 3, stride)
        self.norm_1 = nn.BatchNorm2d(channels_out)
        self.convolution_2 = convolution(channels_out, channels_out, 3, 1)
        self.norm_2 = nn.BatchNorm2d(channels_out)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or channels_in != channels_out:
            self.shortcut = nn.Sequential(
                convolution(channels_in, channels_out, 1, stride), nn.BatchNorm2d(channels_out)
            )

    def forward(self, x: Tensor) -> Tensor:
        """Map (b, channels_in, h, w) to (b, channels_out, h / stride, w / stride)."""
        inner = functional.relu(self.norm_1(self.convolution_1(x)))
        return functional.relu(self.norm_2(self.convolution_2(inner)) + self.shortcut(x))


class ResidualNetwork(nn.Module):
    """Stem, one residual block a stage, global average pooling, linear head.

    The stem halves the side, or quarters it above 40 pixels, so that the stages work on 20 × 20
    positions at most: that is where the time goes.
    """

    def __init__(self, channels: int, side: int, widths: tuple[int, ...], n_classes: int) -> None:
        super().__init__()
        self.widths = widths
        stem_stride = 2 if side > 40 else 1
        layers: list[nn.Module] = [
            convolution(channels, widths[0], 3, stem_stride),
            nn.BatchNorm2d(widths[0]),
            nn.ReLU(),
            nn.MaxPool2d(2),
        ]
        width = widths[0]
        for stage, next_width in enumerate(widths):
            layers.append(ResidualBlock(width, next_width, stride=1 if stage == 0 else 2))
            width = next_width
        self.body = nn.Sequential(*layers)
        self.head = nn.Linear(width, n_classes)

    def features(self, x: Tensor) -> Tensor:
        """Map pictures (b, channels, side, side) to features (b, widths[-1])."""
        pooled: Tensor = self.body(x).mean(dim=(2, 3))
        return pooled

    def forward(self, x: Tensor) -> Tensor:
        """Map pictures to logits (b, n_classes)."""
        logits: Tensor = self.head(self.features(x))
        return logits


def shifted(pictures: Tensor, most: int, generator: torch.Generator) -> Tensor:
    """Shift each picture by up to `most` pixels both ways; zeros move in.

    The pictures must be normalized already: zero is then the mean color.
    """
    if most == 0:
        return pictures
    count, _, height, width = pictures.shape
    padded = functional.pad(pictures, (most,) * 4)
    offset = torch.randint(0, 2 * most + 1, (2, count, 1), generator=generator)
    rows = (offset[0] + torch.arange(height)).to(pictures.device)
    columns = (offset[1] + torch.arange(width)).to(pictures.device)
    which = torch.arange(count, device=pictures.device)[:, None, None]
    picked = padded.permute(0, 2, 3, 1)[which, rows[:, :, None], columns[:, None, :]]
    return picked.permute(0, 3, 1, 2)


def mirrored(pictures: Tensor, generator: torch.Generator) -> Tensor:
    """Mirror each picture left to right with probability one half."""
    mirror = torch.rand(len(pictures), generator=generator) < 0.5
    mirror = mirror.to(pictures.device)[:, None, None, None]
    return torch.where(mirror, pictures.flip(3), pictures)


def convolution(channels_in: int, channels_out: int, size: int, stride: int) -> nn.Conv2d:
    """Return a convolution over size × size positions that keeps the side where stride is 1."""
    return nn.Conv2d(channels_in, channels_out, size, stride, padding=size // 2, bias=False)
