"""Settings of the networks trained on ImageNet; apart from them, so that reading needs no torch."""

from __future__ import annotations

from dataclasses import dataclass

from core.embedding.convnet_config import PRECISIONS
from core.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagenetConfig:
    """Settings of `embed_imagenet`.

    Attributes
    ----------
    architecture : a name that torchvision builds: resnet18, resnet50, vgg16, googlenet
    weights : a file with its weights (safetensors, or a state dict saved by torch); "" for the
        published ones, or for what the folder $ASSAY_WEIGHTS has in their place
    side : pictures are brought to this many pixels a side
    small_side : to this many where none is larger: a fourth of the time, and no detail is lost
    embed_batch : pictures embedded at a time
    embed_precision : "float32" or "bfloat16", the latter where the device gains by it
    mean_cost : mean of |φ - φ'|² / 2 between validation images after scaling
    """

    architecture: str
    weights: str = ""
    side: int = 224
    small_side: int = 112
    embed_batch: int = 64
    embed_precision: str = "bfloat16"
    mean_cost: float = 20.0

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        if not 32 <= self.small_side <= self.side:
            raise ConfigError("small_side must be 32 to side.")
        if self.embed_batch < 1 or not self.mean_cost > 0:
            raise ConfigError("embed_batch and mean_cost must be positive.")
        if self.embed_precision not in PRECISIONS:
            raise ConfigError(f"embed_precision must be {' or '.join(PRECISIONS)}.")
