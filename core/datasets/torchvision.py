"""Reader: data sets that torchvision knows by name, such as `torchvision:CIFAR10:train`.

They are read by torchvision's own code. Where that unpickles, it compares the file's checksum with
the official one first, so that nothing else is ever unpickled.
"""

from __future__ import annotations

import gzip
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError

import numpy as np

from core.datasets.identity import ids_from_content, row_digests
from core.datasets.images import ImageStore, LabelledImages
from core.datasets.labels import encode_labels
from core.datasets.location import Location, parse_options
from core.datasets.stores import ArrayStore, FileStore
from core.errors import DataError
from core.paths import absolute_path
from core.progress import Progress
from core.vision import import_torchvision

PREFIX = "torchvision:"
ROOT_VARIABLE = "ASSAY_DATA"
_OPTIONS = ("root", "download")
_DIGITS = tuple("0123456789")


@dataclass(frozen=True, slots=True)
class _Part:
    """What a set brings: labels are positions in `names`; names of files, or pixels."""

    labels: np.ndarray
    names: tuple[str, ...]
    pixels: np.ndarray | None = None
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Known:
    """A data set.

    Attributes
    ----------
    name : as torchvision and the source text call it
    splits : which parts it has with labels
    place : what torchvision looks for under the root
    make : opens it: the class of torchvision, root, split, whether to download
    taken : takes what was opened apart, where its files are under the root
    """

    name: str
    splits: tuple[str, ...]
    place: str
    make: Callable[..., Any]
    taken: Callable[[Any, Path], _Part]


def _by_flag(kind: type, root: str, split: str, download: bool) -> Any:
    return kind(root, train=split == "train", download=download)


def _by_split(kind: type, root: str, split: str, download: bool) -> Any:
    return kind(root, split=split, download=download)


def _from_raw_files(kind: type, root: str, split: str, download: bool) -> Any:
    # The name decides the folder. A file of tensors that old versions of torchvision left beside
    # the official ones is not looked at: it has no checksum.
    strict = type(kind.__name__, (kind,), {"_check_legacy_exist": lambda _: False})
    return _by_flag(strict, root, split, download)


def _cifar(found: Any, root: Path) -> _Part:
    return _Part(np.array(found.targets), tuple(found.classes), found.data)


def _digits(found: Any, root: Path) -> _Part:
    return _Part(found.targets.numpy(), _DIGITS, found.data.numpy())


def _fashion(found: Any, root: Path) -> _Part:
    return _Part(found.targets.numpy(), tuple(found.classes), found.data.numpy())


def _channels_first(found: Any, root: Path) -> _Part:
    names = tuple(getattr(found, "classes", _DIGITS))
    return _Part(np.asarray(found.labels), names, np.moveaxis(found.data, 1, -1))


def _signs(found: Any, root: Path) -> _Part:
    labels = np.array([label for _, label in found._samples], dtype=np.int64)
    names = tuple(str(label) for label in range(43))
    return _Part(labels, names, files=tuple(path for path, _ in found._samples))


KNOWN: tuple[_Known, ...] = (
    _Known("CIFAR10", ("train", "test"), "cifar-10-batches-py", _by_flag, _cifar),
    _Known("CIFAR100", ("train", "test"), "cifar-100-python", _by_flag, _cifar),
    _Known("MNIST", ("train", "test"), "MNIST/raw", _from_raw_files, _digits),
    _Known("FashionMNIST", ("train", "test"), "FashionMNIST/raw", _from_raw_files, _fashion),
    _Known("STL10", ("train", "test"), "stl10_binary", _by_split, _channels_first),
    _Known("GTSRB", ("train", "test"), "gtsrb/GTSRB", _by_split, _signs),
    _Known("SVHN", ("train", "test", "extra"), "{split}_32x32.mat", _by_split, _channels_first),
)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A source text, taken apart."""

    known: _Known
    split: str
    root: Path
    download: bool

    @property
    def text(self) -> str:
        """What opens the same source again, from any folder, without fetching anything."""
        return f"{PREFIX}{self.known.name}:{self.split}#root={self.root}"

    @property
    def place(self) -> Path:
        return self.root / self.known.place.format(split=self.split)


def location(text: str) -> Location:
    """Return the root folder that a source text leads to.

    Raises
    ------
    DataError
        where the set, the split or an option is unknown, or no root is named.
    """
    wanted = _parse(text)
    return Location(wanted.text, wanted.root)


def read(text: str, progress: Progress) -> LabelledImages:
    """Read `torchvision:NAME:SPLIT#root=FOLDER`; ids are the pictures' content, or their paths.

    Without `#root=` the folder is that of the environment variable `ASSAY_DATA`. With
    `#download=yes` what is missing is fetched; nothing is fetched otherwise.

    Raises
    ------
    DataError
        where the set is not there in full, or could not be fetched.
    ConfigError
        where torchvision is not installed.
    """
    wanted = _parse(text)
    known = wanted.known
    kind = getattr(import_torchvision("datasets"), known.name)
    progress("Fetching the data" if wanted.download else "Reading the files", 0.0, known.name)
    with _prepared(wanted, kind) as root:
        part = known.taken(_opened(wanted, kind, root), root)
    labels, names = encode_labels(
        part.labels, part.names, lambda row: f"{PREFIX}{known.name}:{wanted.split}, row {row + 1}"
    )
    ids, images, paths = _pictures(part, wanted.root)
    return LabelledImages(
        source=wanted.text, ids=ids, labels=labels, class_names=names, images=images, paths=paths
    )


def _pictures(part: _Part, root: Path) -> tuple[np.ndarray, ImageStore, np.ndarray | None]:
    if part.pixels is not None:
        pixels = np.ascontiguousarray(part.pixels)
        ids = np.array(ids_from_content(row_digests(pixels)), dtype=np.str_)
        return ids, ArrayStore(pixels), None
    paths = np.array([str(Path(file).absolute()) for file in part.files], dtype=object)
    names = [Path(file).relative_to(root).as_posix() for file in paths]
    return np.array(names, dtype=np.str_), FileStore(paths), paths


def _parse(text: str) -> _Wanted:
    body, _, options = text.strip().removeprefix(PREFIX).partition("#")
    name, _, split = body.partition(":")
    known = next((one for one in KNOWN if one.name.lower() == name.strip().lower()), None)
    if known is None:
        names = ", ".join(one.name for one in KNOWN)
        raise DataError(f"{text}: no data set is called {name!r} here. There are {names}.")
    if split not in known.splits:
        listed = ", ".join(f"{PREFIX}{known.name}:{one}" for one in known.splits)
        raise DataError(f"{text}: expected one of {listed}.")
    chosen = parse_options(text, options, _OPTIONS, "#root=/data&download=yes")
    download = chosen.get("download", "no")
    if download not in ("yes", "no"):
        raise DataError(f"{text}: expected download=yes or download=no, got {download!r}.")
    root = chosen.get("root") or os.environ.get(ROOT_VARIABLE)
    if not root:
        raise DataError(
            f"{text}: which folder holds it? Write it after the name, as in "
            f"{PREFIX}{known.name}:{split}#root=/data, or set {ROOT_VARIABLE} to it."
        )
    return _Wanted(known, split, absolute_path(root), download == "yes")


def _opened(wanted: _Wanted, kind: type, root: Path) -> Any:
    """Open it by torchvision, whose errors are put in words."""
    known = wanted.known
    try:
        return known.make(kind, str(root), wanted.split, wanted.download)
    except (URLError, TimeoutError, ConnectionError) as error:
        raise _not_fetched(wanted, error) from error
    except (OSError, RuntimeError, ValueError, AssertionError, KeyError, EOFError) as error:
        if wanted.download:
            raise _not_fetched(wanted, error) from error
        raise DataError(
            f"{wanted.root}: {known.name} is not there, not complete, or not the official one: "
            f"torchvision looks for {wanted.place} ({error}). Name another folder with #root=, or "
            f"let it be fetched: {wanted.text}&download=yes"
        ) from error


def _not_fetched(wanted: _Wanted, error: Exception) -> DataError:
    return DataError(
        f"{wanted.known.name} could not be fetched into {wanted.root} ({error}). Without a "
        f"connection, copy its official files to {wanted.place} by hand."
    )


@contextmanager
def _prepared(wanted: _Wanted, kind: Any) -> Iterator[Path]:
    """Yield the root that torchvision is to be given.

    Distributions pack the files of MNIST's kind as they are published, compressed, in one folder
    (Debian: /usr/share/datasets/fashion-mnist). Those are unpacked beside, for as long as it takes.
    """
    packed = [wanted.root / name for name, _ in getattr(kind, "resources", [])]
    if not packed or wanted.place.exists() or not all(file.is_file() for file in packed):
        yield wanted.root
        return
    with tempfile.TemporaryDirectory(prefix="assay-") as folder:
        raw = Path(folder) / wanted.known.place
        raw.mkdir(parents=True)
        for file in packed:
            # The checksums known are of files compressed elsewhere; gzip brings one of what is in.
            try:
                with gzip.open(file) as source, (raw / file.stem).open("wb") as target:
                    shutil.copyfileobj(source, target)
            except (OSError, EOFError) as error:
                raise DataError(
                    f"{file}: it cannot be unpacked ({error}). Copy it again."
                ) from error
        yield Path(folder)
