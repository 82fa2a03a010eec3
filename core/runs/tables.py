"""The tables of a run: one row an image, in the input's order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from core.valuation import TransportValuation, Valuation

if TYPE_CHECKING:
    from core.datasets import LabelledImages

COLUMNS = ("id", "label", "class_name", "value", "calibrated_gradient", "path", "content")
RESEMBLANCE_COLUMNS = ("looks_like", "looks_like_name", "looks_like_probability")


def values_frame(data: LabelledImages, valuation: Valuation) -> pd.DataFrame:
    """Return the table of the training images, in the order of `data`.

    Beside `COLUMNS` (of which a method without transport has no calibrated gradient): the class
    that the image's features resemble most, as a position and as a name, and how probable that is,
    0 to 1; and the columns that the method adds.
    """
    said = {"value": valuation.value}
    if isinstance(valuation, TransportValuation):
        said["calibrated_gradient"] = valuation.calibrated_gradient
    frame = _frame(data, said)
    frame["looks_like"] = valuation.looks_like.astype(np.int64)
    frame["looks_like_name"] = class_column(data.class_names, valuation.looks_like)
    frame["looks_like_probability"] = valuation.looks_like_probability.astype(np.float32)
    return frame.assign(**valuation.columns)


def validation_frame(data: LabelledImages, valuation: Valuation) -> pd.DataFrame:
    """Return the table of the validation images, with the columns `COLUMNS`, in their order.

    A method without transport values training images only: there is neither value nor gradient.
    """
    if not isinstance(valuation, TransportValuation):
        return _frame(data, {})
    gradient = valuation.validation_gradient
    return _frame(data, {"value": valuation.validation_value, "calibrated_gradient": gradient})


def _frame(data: LabelledImages, said: Mapping[str, np.ndarray]) -> pd.DataFrame:
    frame = images_frame(data).assign(
        **{name: np.asarray(column, dtype=np.float64) for name, column in said.items()}
    )
    return frame[[name for name in COLUMNS if name in frame.columns]]


def images_frame(data: LabelledImages) -> pd.DataFrame:
    """Return what is known of the images before they are valued, in the order of `data`."""
    paths = [None] * len(data) if data.paths is None else data.paths.tolist()
    return pd.DataFrame(
        {
            "id": pd.Series(data.ids.tolist(), dtype="str"),
            "label": data.labels.astype(np.int64),
            "class_name": class_column(data.class_names, data.labels),
            "path": pd.Series(paths, dtype="str"),
            "content": data.content,
        }
    )


def class_column(class_names: tuple[str, ...], labels: np.ndarray) -> pd.Series:
    """Return the name of the class at each position of `labels`."""
    return pd.Series([class_names[u] for u in labels.tolist()], dtype="str")
