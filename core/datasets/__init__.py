"""Labelled image sets: what they are, how they are read, what is wrong with them."""

from core.datasets.batches import PictureShape, decode_batches, propose_shape
from core.datasets.duplicates import SAME_PICTURE, Likeness, likeness
from core.datasets.health import (
    Description,
    Finding,
    HealthReport,
    check,
    describe,
    require_same_width,
)
from core.datasets.huggingface import ParquetLayout, parquet_layout
from core.datasets.images import ImageStore, LabelledImages, Unreadable, align_classes
from core.datasets.joined import join_sets
from core.datasets.location import Location
from core.datasets.manifest import ManifestTable, manifest_table
from core.datasets.npz import array_members
from core.datasets.pictures import encode_png
from core.datasets.readable import drop_unreadable
from core.datasets.registry import READERS, Reader, open_source, source_kind
from core.datasets.sample import sample_truth_path
from core.datasets.saved import SavedLayout, saved_layout
from core.datasets.saved import accepts as is_saved
from core.datasets.stores import ArrayStore

__all__ = [
    "READERS",
    "SAME_PICTURE",
    "ArrayStore",
    "Description",
    "Finding",
    "HealthReport",
    "ImageStore",
    "LabelledImages",
    "Likeness",
    "Location",
    "ManifestTable",
    "ParquetLayout",
    "PictureShape",
    "Reader",
    "SavedLayout",
    "Unreadable",
    "align_classes",
    "array_members",
    "check",
    "decode_batches",
    "describe",
    "drop_unreadable",
    "encode_png",
    "is_saved",
    "join_sets",
    "likeness",
    "manifest_table",
    "open_source",
    "parquet_layout",
    "propose_shape",
    "require_same_width",
    "sample_truth_path",
    "saved_layout",
    "source_kind",
]
