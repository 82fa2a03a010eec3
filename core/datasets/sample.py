"""Reader: the bundled sample, `sample:train` and `sample:val`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from core.datasets import huggingface
from core.datasets.images import LabelledImages
from core.datasets.location import Location
from core.errors import DataError
from core.progress import Progress

PREFIX = "sample:"
_FILES = {"train": "train.parquet", "val": "validation.parquet"}


def sample_folder() -> Path:
    """Return the folder of the bundled sample."""
    return Path(__file__).parents[2] / "assets" / "sample"


def sample_truth_path() -> Path:
    """Return the file that records the faults planted in the sample (`id,fault,clean_label`)."""
    return sample_folder() / "truth.csv"


def location(text: str) -> Location:
    """Return where the part of the bundled sample that `text` names lies.

    Raises
    ------
    DataError
        where there is no such part, or the sample is not installed.
    """
    part = text.removeprefix(PREFIX)
    if part not in _FILES:
        known = " and ".join(PREFIX + name for name in _FILES)
        raise DataError(f"{text}: there is no such part of the sample; there are {known}.")
    path = sample_folder() / _FILES[part]
    if not path.is_file():
        raise DataError(
            f"{path}: the bundled sample is missing. Restore the file from the repository, or make "
            "it with: python assets/make_sample.py"
        )
    return Location(text, path)


def read(text: str, progress: Progress) -> LabelledImages:
    """Read the part of the bundled sample that `text` names.

    Raises
    ------
    DataError
        where there is no such part, or the sample is not installed.
    """
    return replace(huggingface.read(location(text), progress), source=text)
