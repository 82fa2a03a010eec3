"""Images to feature vectors: `embed_pair` and the registry of embedders."""

from __future__ import annotations

from core.embedding.convnet_config import ConvnetConfig
from core.embedding.layout import Layout, LayoutConfig, lay_out
from core.embedding.pair import EMBEDDERS, EmbeddedPair, chosen_embedder, embed_more, embed_pair
from core.embedding.pixels import PixelsConfig
from core.embedding.precomputed import PrecomputedConfig

__all__ = [
    "EMBEDDERS",
    "ConvnetConfig",
    "EmbeddedPair",
    "Layout",
    "LayoutConfig",
    "PixelsConfig",
    "PrecomputedConfig",
    "chosen_embedder",
    "embed_more",
    "embed_pair",
    "lay_out",
]
