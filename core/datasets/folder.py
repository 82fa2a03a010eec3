"""Reader: a folder with one folder of images for each class."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from core.datasets.images import LabelledImages
from core.datasets.location import Location
from core.datasets.stores import FileStore
from core.errors import DataError
from core.progress import Progress

_SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".jp2", ".webp", ".avif", ".gif", ".bmp"}
    | {".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm"}
)
_SPLIT_NAMES = frozenset(
    {"train", "training", "val", "valid", "validation", "dev", "test", "testing"}
)


def accepts(location: Location) -> bool:
    """Whether it is a folder."""
    return location.path.is_dir()


def read(location: Location, progress: Progress) -> LabelledImages:
    """Read a folder of class folders; an image's id is its path below it, its class the first part.

    Pictures may lie deeper within a class folder. Hidden files and files that are no pictures by
    their suffix are passed over; a class folder without pictures is an empty class. With
    `FOLDER#train` the class folders are those in `FOLDER/train`.

    Raises
    ------
    DataError
        where there are no class folders, pictures lie outside of them, or the folder holds
        splits and none was chosen.
    """
    root = location.path
    split = location.option("split")
    if split is not None:
        root = root / split
        if not root.is_dir():
            raise DataError(f"{location.path}: there is no folder {split!r} in it.")
    folders, pictures = _entries(root)
    if not folders:
        raise DataError(
            f"{root}: no labels: pictures must lie in one folder for each class, named after it."
            if pictures
            else f"{root}: it is empty; expected one folder of pictures for each class."
        )
    if pictures:
        raise DataError(
            f"{root}: {len(pictures)} pictures lie outside of the class folders and so have no "
            f"label (the first is {pictures[0]}). Move them into class folders, or take them out."
        )
    _refuse_splits(root, folders)
    ids: list[str] = []
    labels: list[int] = []
    for label, name in enumerate(folders):
        progress("Looking for pictures", label / len(folders), name)
        found = _pictures_below(root / name, name)
        ids += found
        labels += [label] * len(found)
    if not ids:
        raise DataError(
            f"{root}: there are no pictures in its {len(folders)} folders "
            f"(looked for {', '.join(sorted(_SUFFIXES))})."
        )
    _refuse_undecodable(root, [*folders, *ids])
    paths = np.array([str(root / image_id) for image_id in ids], dtype=object)
    return LabelledImages(
        source=location.text,
        ids=np.array(ids, dtype=np.str_),
        labels=np.array(labels, dtype=np.int64),
        class_names=tuple(folders),
        images=FileStore(paths),
        paths=paths,
    )


def _entries(folder: Path) -> tuple[list[str], list[str]]:
    """Return the names of the folders and of the pictures directly in `folder`, sorted."""
    folders: list[str] = []
    pictures: list[str] = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith((".", "__")):
                    continue
                if entry.is_dir():
                    folders.append(entry.name)
                elif _is_picture(entry.name):
                    pictures.append(entry.name)
    except OSError as error:
        raise DataError(f"{folder}: it cannot be read ({error.strerror}).") from error
    return sorted(folders), sorted(pictures)


def _pictures_below(folder: Path, prefix: str) -> list[str]:
    """Return the paths of the pictures in `folder`, as `prefix/...` with slashes, sorted."""
    found = []
    # Links to folders deeper down are not followed: they may lead in a circle.
    for base, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith((".", "__"))]
        inner = Path(base).relative_to(folder).as_posix()
        start = prefix if inner == "." else f"{prefix}/{inner}"
        found += [f"{start}/{name}" for name in files if _is_picture(name)]
    return sorted(found)


def _is_picture(name: str) -> bool:
    return not name.startswith(".") and os.path.splitext(name)[1].lower() in _SUFFIXES  # noqa: PTH122


def _refuse_undecodable(root: Path, names: list[str]) -> None:
    """Refuse names that are not UTF-8: no table or database could hold such an id."""
    for name in names:
        try:
            name.encode()
        except UnicodeEncodeError as error:
            raise DataError(f"{root}: the name {name!r} is not UTF-8. Rename it.") from error


def _refuse_splits(root: Path, folders: list[str]) -> None:
    """Stop someone from valuing the classes "train" and "val" by giving the folder above them."""
    if not all(name.lower() in _SPLIT_NAMES for name in folders):
        return
    if any(_entries(root / name)[0] for name in folders):
        raise DataError(
            f"{root}: its folders {', '.join(folders)} look like splits, not classes. "
            f"Give one of them: {root / folders[0]}"
        )
