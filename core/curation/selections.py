"""Images picked by hand, kept under a short name, so that an address can hold the choice.

A selection is the rows of a run, which never changes: the same rows have the same name, and
keeping them again mends what was damaged.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import numpy as np

from core.atomic import replacing
from core.errors import DataError, RunError
from core.runs import Run

_NAME = re.compile(r"[0-9a-f]{16}")


def keep_selection(home: Path, run: Run, rows: np.ndarray) -> str:
    """Keep the rows of some training images of `run`; return the name, 16 hexadecimal digits.

    Parameters
    ----------
    rows : whole numbers, any order, repeats counted once

    Raises
    ------
    DataError : there are none, or one is not a row of the run
    RunError : they cannot be written
    """
    rows = np.unique(np.asarray(rows, dtype=np.int64))
    if len(rows) == 0:
        raise DataError("A selection holds at least one image.")
    if rows[0] < 0 or rows[-1] >= len(run.values):
        raise DataError(f"Rows of this run are 0 to {len(run.values) - 1:,}.")
    content = rows.astype("<u4")
    name = hashlib.sha256(run.id.encode() + content.tobytes()).hexdigest()[:16]
    path = _path(home, run, name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as file:
            np.save(file, content, allow_pickle=False)
    except OSError as error:
        raise RunError(f"The selection cannot be kept: {error.strerror or error}.") from error
    return name


def read_selection(home: Path, run: Run, name: str) -> np.ndarray:
    """Return the rows of a selection, uint32, ascending.

    Raises
    ------
    RunError : the run has no such selection
    """
    missing = "There is no such selection of images; select them again on the map."
    if not _NAME.fullmatch(name):
        raise RunError(missing)
    try:
        rows: np.ndarray = np.load(_path(home, run, name), allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise RunError(missing) from error
    return rows


def _path(home: Path, run: Run, name: str) -> Path:
    return home / "selections" / run.id / f"{name}.npy"
