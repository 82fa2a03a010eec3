"""The kinds of source that can be read; a new one is a file and a line here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from core.datasets import folder, huggingface, manifest, npz, sample, saved, torchvision
from core.datasets.images import LabelledImages
from core.datasets.location import Location
from core.errors import DataError
from core.progress import Progress, silent


@dataclass(frozen=True, slots=True)
class Reader:
    """A kind of source.

    Attributes
    ----------
    name : short name
    what : what it reads, for help texts
    accepts : whether a location looks like its kind
    read : reads it
    """

    name: str
    what: str
    accepts: Callable[[Location], bool]
    read: Callable[[Location, Progress], LabelledImages]


# Asked in this order: the first that accepts reads.
READERS: tuple[Reader, ...] = (
    Reader("npz", ".npz with images and/or embeddings, and labels", npz.accepts, npz.read),
    Reader(
        "saved",
        "a folder written by Hugging Face's save_to_disk",
        saved.accepts,
        saved.read,
    ),
    Reader(
        "huggingface",
        "Hugging Face-style Parquet: a file or a folder of shards",
        huggingface.accepts,
        huggingface.read,
    ),
    Reader(
        "manifest",
        "manifest.csv or .parquet with the columns path,label[,id,split]",
        manifest.accepts,
        manifest.read,
    ),
    Reader("folder", "a folder with one folder of images a class", folder.accepts, folder.read),
)


def source_kind(text: str) -> tuple[str, Location]:
    """Return the name of the reader that a source text is for, and where it leads.

    Raises
    ------
    DataError
        where there is nothing, or nothing that can be read.
    """
    if text.strip().startswith(sample.PREFIX):
        return "huggingface", sample.location(text.strip())
    if text.strip().startswith(torchvision.PREFIX):
        return "torchvision", torchvision.location(text)
    reader, location = _reader_of(text)
    return reader.name, location


def _reader_of(text: str) -> tuple[Reader, Location]:
    location = Location.parse(text)
    for reader in READERS:
        if reader.accepts(location):
            return reader, location
    kinds = "; ".join(reader.what for reader in READERS)
    raise DataError(f"{location.path}: this kind of file cannot be read. Expected one of: {kinds}.")


def open_source(text: str, *, progress: Progress = silent) -> LabelledImages:
    """Open a labelled image set without decoding its pictures, or hashing those with a name.

    Parameters
    ----------
    text : `sample:train`, `sample:val`, `torchvision:NAME:SPLIT`, or a path, after which `#train`
        chooses a split and `#label=COLUMN` a column; see `READERS` for what it may lead to

    Raises
    ------
    DataError
        where it cannot be used; the message names file and row and says what to do.
    """
    if text.strip().startswith(sample.PREFIX):
        return sample.read(text.strip(), progress)
    if text.strip().startswith(torchvision.PREFIX):
        return torchvision.read(text, progress)
    reader, location = _reader_of(text)
    return reader.read(location, progress)
