"""Images to feature vectors: `embed_pair` and the registry of embedders."""

from __future__ import annotations

from core.embedding.classifier import train_classifier
from core.embedding.convnet_config import BottleneckConfig, ConvnetConfig, ResnetConfig
from core.embedding.layout import Layout, LayoutConfig, lay_out
from core.embedding.pair import (
    EmbeddedPair,
    chosen_embedder,
    embed_more,
    embed_pair,
    feature_network,
)
from core.embedding.pixels import PixelsConfig
from core.embedding.precomputed import PrecomputedConfig
from core.embedding.registry import EMBEDDERS

__all__ = [
    "EMBEDDERS",
    "BottleneckConfig",
    "ConvnetConfig",
    "EmbeddedPair",
    "Layout",
    "LayoutConfig",
    "PixelsConfig",
    "PrecomputedConfig",
    "ResnetConfig",
    "chosen_embedder",
    "embed_more",
    "embed_pair",
    "feature_network",
    "lay_out",
    "train_classifier",
]
