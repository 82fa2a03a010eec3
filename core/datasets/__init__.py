"""Labelled image sets: what they are, how they are read, what is wrong with them."""

from core.datasets.batches import PictureShape, decode_batches, propose_shape
from core.datasets.health import (
    Description,
    Finding,
    HealthReport,
    check,
    describe,
    require_same_width,
)
from core.datasets.images import ImageStore, LabelledImages, Unreadable, align_classes
from core.datasets.joined import join_sets
from core.datasets.readable import drop_unreadable
from core.datasets.registry import READERS, Reader, open_source
from core.datasets.sample import sample_truth_path
from core.datasets.stores import ArrayStore

__all__ = [
    "READERS",
    "ArrayStore",
    "Description",
    "Finding",
    "HealthReport",
    "ImageStore",
    "LabelledImages",
    "PictureShape",
    "Reader",
    "Unreadable",
    "align_classes",
    "check",
    "decode_batches",
    "describe",
    "drop_unreadable",
    "join_sets",
    "open_source",
    "propose_shape",
    "require_same_width",
    "sample_truth_path",
]
