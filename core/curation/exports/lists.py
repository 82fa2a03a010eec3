"""Formats: which images stay and which go, one path or id a line, for xargs and rsync."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from core.curation.exports.content import Content
from core.errors import DataError
from core.progress import Progress

# rsync takes a line that starts with # or ; for a comment; a tool takes one with - for an option.
_MISREAD = ("-", "#", ";")


@dataclass(frozen=True, slots=True)
class Lines:
    """One entry an image, in the order of the run.

    Attributes
    ----------
    kind : "paths", or "ids" where the pictures are not all files
    root : the folder that the paths are relative to; None for ids
    entries : one text an image
    """

    kind: str
    root: str | None
    entries: list[str]


def lines_of(content: Content) -> Lines:
    """Return what the lists hold: paths below the folder that all pictures have in common, or ids.

    Of a folder of class folders, that is the folder, and a path below it is the image's id.
    """
    paths = content.table["path"]
    if paths.isna().any():
        return Lines("ids", None, content.table["id"].tolist())
    texts = [os.path.normpath(path) for path in paths.tolist()]
    root = _root(content, texts)
    below = [os.path.relpath(text, root) for text in texts]
    return Lines("paths", root, [f"./{p}" if p.startswith(_MISREAD) else p for p in below])


def _root(content: Content, paths: list[str]) -> str:
    """Return the source's own folder where the ids are paths in it, else what is common to all."""
    ids, first = content.table["id"], paths[0]
    if first.endswith(f"{os.sep}{ids.iloc[0]}"):
        root = first[: -len(ids.iloc[0]) - 1] or os.sep
        if all(p == os.path.join(root, i) for p, i in zip(paths, ids, strict=True)):  # noqa: PTH118
            return root
    return os.path.commonpath([os.path.dirname(path) for path in paths])  # noqa: PTH120


def write_lists(content: Content, folder: Path, progress: Progress) -> None:
    """Write keep.txt and remove.txt, one entry a line; together they hold every image once.

    Raises
    ------
    DataError : an entry holds a line break; the message names it
    """
    lines = lines_of(content)
    for entry in lines.entries:
        if "\n" in entry or "\r" in entry:
            raise DataError(
                f"The {lines.kind[:-1]} {entry!r} contains a line break, so a list with one a line "
                'would be read wrongly. Use the format "lists-nul", or CSV, Parquet or JSON.'
            )
    _split(content, lines.entries, folder, "\n", "txt", progress)


def write_lists_nul(content: Content, folder: Path, progress: Progress) -> None:
    """Write keep.nul and remove.nul, each entry ended by NUL (`xargs -0`, `rsync --from0`)."""
    _split(content, lines_of(content).entries, folder, "\0", "nul", progress)


def _split(
    content: Content, entries: list[str], folder: Path, end: str, suffix: str, progress: Progress
) -> None:
    progress("Writing the lists", 0.0)
    for name, rows in (("keep", content.plan.kept), ("remove", content.plan.removed)):
        text = "".join(f"{e}{end}" for e, taken in zip(entries, rows, strict=True) if taken)
        (folder / f"{name}.{suffix}").write_bytes(text.encode())


def list_facts(content: Content) -> dict[str, object]:
    """Return what the entries are and how they are used, for the provenance."""
    lines = lines_of(content)
    if lines.root is None:
        return {"entries": "ids"}
    return {
        "entries": "paths",
        "relative_to": lines.root,
        "copy_what_stays": "rsync -a --files-from=keep.txt ROOT/ DESTINATION/",
        "look_at_what_goes": r"cd ROOT && xargs -d '\n' ls -l -- < remove.txt",
    }
