"""The tables of a run: one row an image, in the input's order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from core.datasets import LabelledImages
    from core.valuation import Valuation

COLUMNS = ("id", "label", "class_name", "value", "calibrated_gradient", "path", "content")
RESEMBLANCE_COLUMNS = ("looks_like", "looks_like_name", "looks_like_probability")


def values_frame(data: LabelledImages, valuation: Valuation) -> pd.DataFrame:
    """Return the table of the training images, in the order of `data`.

    Beside `COLUMNS`: the class that the image's features resemble most, as a position and as a
    name, and how probable that is, 0 to 1; and the columns that the method adds.
    """
    frame = _frame(data, valuation.value, valuation.calibrated_gradient)
    frame["looks_like"] = valuation.looks_like.astype(np.int64)
    frame["looks_like_name"] = class_column(data.class_names, valuation.looks_like)
    frame["looks_like_probability"] = valuation.looks_like_probability.astype(np.float32)
    return frame.assign(**valuation.columns)


def validation_frame(data: LabelledImages, valuation: Valuation) -> pd.DataFrame:
    """Return the table of the validation images, with the columns `COLUMNS`, in their order."""
    return _frame(data, valuation.validation_value, valuation.validation_gradient)


def _frame(data: LabelledImages, value: np.ndarray, gradient: np.ndarray) -> pd.DataFrame:
    frame = images_frame(data).assign(
        value=np.asarray(value, dtype=np.float64),
        calibrated_gradient=np.asarray(gradient, dtype=np.float64),
    )
    return frame[list(COLUMNS)]


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
