"""The pictures of a run, opened again, row for row as they were valued."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from core.datasets import LabelledImages, join_sets, open_source
from core.errors import DataError
from core.runs.record import SourceRecord


def open_table(parts: Sequence[SourceRecord], table: pd.DataFrame) -> LabelledImages:
    """Open the sets `parts` such that row r of them together is row r of `table`.

    Parameters
    ----------
    parts : the sets, in the order of the table's rows
    table : one row an image, with its id

    Raises
    ------
    DataError : a source is gone, or no longer has some image
    """
    opened, start = [], 0
    for part in parts:
        opened.append(_open(part, table["id"].iloc[start : start + part.images]))
        start += part.images
    return opened[0] if len(opened) == 1 else join_sets(opened)


def _open(part: SourceRecord, ids: pd.Series) -> LabelledImages:
    """Open the images `ids` of a set, in that order."""
    data = open_source(part.source)
    if np.array_equal(data.ids, ids.to_numpy()):
        return data
    position = pd.Index(data.ids).get_indexer(pd.Index(ids))
    if (position < 0).any():
        missing = ids.iloc[int(np.argmin(position))]
        raise DataError(
            f"{part.source} has changed since the run was made: image {missing} is gone."
        )
    return data.take(position)
