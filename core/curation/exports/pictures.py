"""Pictures into a folder: names that are safe whatever an image is called, links and copies."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import re
import shutil
import stat
import unicodedata
from collections.abc import Callable, Iterable
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from PIL import Image

from core.curation.exports.content import Content
from core.errors import DataError, RunError
from core.progress import Progress

if TYPE_CHECKING:
    from core.datasets import LabelledImages

# What Hugging Face keeps a picture as; the path is a name to whoever reads it.
IMAGE_TYPE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
# File systems take 255 bytes a name; a suffix and what tells names apart must fit, too.
_MOST_BYTES = 200
_MOST_DEPTH = 8
# What cannot be in a name, or would be taken for a control character or another folder.
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f/\\\u2028\u2029]")
_SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".jp2", ".webp", ".avif", ".gif", ".bmp"}
    | {".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm"}
)
_OF_FORMAT = {"JPEG": ".jpg", "MPO": ".jpg", "JPEG2000": ".jp2", "TIFF": ".tif", "PPM": ".ppm"}


def safe_part(text: str) -> str:
    """Return `text` as one name in a folder: never empty, hidden, "..", too long or with a slash.

    A text that can be a name as it stands is left as it is. One that cannot is changed and gets a
    piece of its hash, so that different texts stay different.
    """
    name = _UNSAFE.sub("_", text).strip()
    if name.startswith((".", "__")) or not name:
        name = f"x{name}"
    if name == text and len(name.encode()) <= _MOST_BYTES:
        return name
    stem, suffix = os.path.splitext(name)  # noqa: PTH122 - a name, not a path
    if suffix.lower() not in _SUFFIXES:
        stem, suffix = name, ""
    short = stem.encode()[: _MOST_BYTES - 16].decode(errors="ignore").rstrip()
    return f"{short}-{hashlib.sha256(text.encode()).hexdigest()[:8]}{suffix}"


def picture_names(content: Content, rows: np.ndarray) -> list[PurePosixPath]:
    """Return where each picture of `rows` goes: `class/name`, relative, all different.

    The class is the one decided, so that the folder also serves what reads classes from folders.
    What an image's id has below its class stays; where two names differ in nothing but case, which
    some file systems do not tell apart, the second gets a piece of its id's hash.
    """
    ids, given = content.table["id"].to_numpy(), content.table["class_name"].to_numpy()
    folders = class_folders(content.plan.class_names)
    taken: set[str] = set()
    names = []
    for row in rows.tolist():
        # Without its own class before it, an id is taken apart at slashes like any path.
        inner = ids[row].removeprefix(f"{given[row]}/")
        parts = [safe_part(part) for part in inner.split("/") if part not in ("", ".")]
        parts = (parts if len(parts) <= _MOST_DEPTH else [safe_part(inner)]) or ["x"]
        name = PurePosixPath(folders[content.final_labels[row]], *parts)
        if _folded(name) in taken:
            digest = hashlib.sha256(ids[row].encode()).hexdigest()[:16]
            name = name.with_name(f"{name.stem}-{digest}{name.suffix}")
        taken.add(_folded(name))
        names.append(name)
    return names


def class_folders(names: Iterable[str]) -> dict[str, str]:
    """Return the folder of each class: its name where that can be one, all different in any case.

    "T-shirt/top" becomes "T-shirt_top" where no other class is called so.
    """
    # Beside the class folders lie files of Assay's own.
    taken = {"manifest.csv", "manifest.parquet", "provenance.json"}
    folders = {}
    for name in names:
        plain = _UNSAFE.sub("_", name)
        folder = plain if safe_part(plain) == plain else safe_part(name)
        if _folded(PurePosixPath(folder)) in taken:
            digest = hashlib.sha256(name.encode()).hexdigest()[:8]
            folder = f"{folder}-{digest}"
        taken.add(_folded(PurePosixPath(folder)))
        folders[name] = folder
    return folders


def _folded(name: PurePosixPath) -> str:
    return unicodedata.normalize("NFC", str(name)).casefold()


def place_pictures(
    content: Content,
    rows: np.ndarray,
    folder: Path,
    name_of: Callable[[int], PurePosixPath],
    progress: Progress,
) -> list[PurePosixPath]:
    """Put the pictures of `rows` into `folder`; return where, relative to it.

    A picture that is a file is linked or copied as `content.link` says; one that is not is written
    as its source stores it. Sources are only read.

    Parameters
    ----------
    name_of : relative name of the k-th of `rows`; a suffix is added where it has none of a picture

    Raises
    ------
    DataError : a picture is gone, or is no file
    RunError : a hard link cannot reach another disk
    """
    images = content.pictures
    assert images.images is not None  # noqa: S101 - `pictures` has refused embeddings
    paths, placed, made = images.paths, [], set()
    for k, row in enumerate(rows.tolist()):
        if k % 64 == 0:
            progress("Placing the pictures", k / max(len(rows), 1), f"{k:,} of {len(rows):,}")
        name = name_of(k)
        image_id = str(content.table["id"].iloc[row])
        source = None if paths is None or paths[row] is None else Path(paths[row])
        stored = stored_picture(images, row, image_id) if source is None else b""
        if name.suffix.lower() not in _SUFFIXES:
            head = stored if source is None else _head(source, image_id)
            name = name.with_name(name.name + _suffix(head))
        target = folder / name
        if target.parent not in made:
            target.parent.mkdir(parents=True, exist_ok=True)
            made.add(target.parent)
        if source is None:
            with target.open("xb") as file:
                file.write(stored)
        else:
            _place(source, target, content.link, image_id)
        placed.append(name)
    return placed


def stored_picture(images: LabelledImages, row: int, image_id: str) -> bytes:
    """Return picture `row` as its source stores it; raises `DataError` where it cannot be read."""
    assert images.images is not None  # noqa: S101 - whoever exports pictures has them
    try:
        return images.images.encoded(row)
    except OSError as error:
        raise DataError(
            f"The picture of {image_id} cannot be read: {error}. Nothing was written."
        ) from error


def picture_column(images: LabelledImages, rows: Iterable[int], ids: Iterable[str]) -> pa.Array:
    """Return the pictures of `rows` as Hugging Face keeps them, each with its id as its path.

    Raises
    ------
    DataError : one cannot be read
    """
    cells = [
        {"bytes": stored_picture(images, row, image_id), "path": image_id}
        for row, image_id in zip(rows, ids, strict=True)
    ]
    return pa.array(cells, IMAGE_TYPE)


def _head(path: Path, image_id: str) -> bytes:
    """Return the first bytes of a picture's file, from which its kind shows."""
    _require_file(path, image_id)
    with path.open("rb") as file:
        return file.read(65536)


def _suffix(head: bytes) -> str:
    try:
        with Image.open(io.BytesIO(head)) as opened:
            kind = opened.format or ""
    except (OSError, SyntaxError, ValueError):
        return ".png"  # not to be told from its beginning; readers go by the content
    return _OF_FORMAT.get(kind, f".{kind.lower()}")


def _require_file(path: Path, image_id: str) -> None:
    try:
        regular = stat.S_ISREG(path.stat().st_mode)
    except OSError as error:
        raise DataError(
            f"The picture of {image_id} is gone: {path} ({error.strerror}). Nothing was written."
        ) from error
    if not regular:
        raise DataError(f"The picture of {image_id} is not a file: {path}. Nothing was written.")


def _place(source: Path, target: Path, link: str, image_id: str) -> None:
    _require_file(source, image_id)
    if link == "symbolic":
        target.symlink_to(source)
    elif link == "copy":
        shutil.copy2(source, target)
    else:
        try:
            # The file itself, where the source is a link to it.
            target.hardlink_to(source.resolve())
        except OSError as error:
            if error.errno not in (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP):
                raise
            raise RunError(
                f"{source} cannot be hard-linked into the folder ({error.strerror}): that takes "
                "one disk for both, one that knows hard links. Take symbolic links or copies. "
                "Nothing was written."
            ) from error


def kept_rows(content: Content) -> np.ndarray:
    """Return the rows of the images that stay, ascending.

    Raises
    ------
    DataError : none does
    """
    rows: np.ndarray = np.flatnonzero(content.plan.kept)
    if not len(rows):
        raise DataError("No image is left: the plan removes all of them. Nothing was written.")
    return rows


def require_distinct_labels(names: Iterable[str]) -> None:
    """Refuse class names that differ in outer white space alone, which manifests do not keep."""
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(name.strip(), name)
        if other != name:
            raise DataError(
                f"The classes {other!r} and {name!r} differ only in white space around them, which "
                "a manifest does not keep. Rename one of them in the source."
            )
