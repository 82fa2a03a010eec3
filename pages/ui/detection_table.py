"""The table of methods: numbers that sort as numbers, read with their spread over the seeds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from pandas.io.formats.style import Styler

from pages.ui.charts import PALETTE

# Column: digits after the point, and what follows the number.
_SHOWN = {
    "auroc": (3, ""),
    "average_precision": (3, ""),
    "recall": (1, " %"),
    "seconds": (1, ""),
}
_WITHOUT_SPREAD = ("seconds",)  # what else the machine did, rather than the seed


def styled(table: pd.DataFrame, looks: Mapping[str, tuple[str | None, str]]) -> Styler:
    """Return the columns of `detection_summary` that are shown, with a dot in a line's color.

    The cells hold the means, so that they sort; they read as `with_spread` says.

    Parameters
    ----------
    looks : color and dash of each method; None is grey
    """
    shown = table[["title", "average_precision", "auroc", "recall", "seconds"]].copy()
    shown.insert(0, "line", "●")
    style = shown.style
    for row, found in enumerate(table.to_dict("records")):
        for name, (digits, unit) in _SHOWN.items():
            spread = np.nan if name in _WITHOUT_SPREAD else found[f"{name}_spread"]
            text = with_spread(found[name], spread, digits, unit)
            style = style.format(_always(text), subset=([row], [name]))
        color = looks.get(str(found["method"]), (None, ""))[0] or PALETTE.neutral
        style = style.map(_always(f"color: {color}"), subset=([row], ["line"]))
    return style


def with_spread(mean: float, spread: float, digits: int, unit: str = "") -> str:
    """Return "0.962 ± 0.003", or the mean alone where the spread is not known (NaN).

    Shares (0 to 1) are given in percent where that is the unit.
    """
    scale = 100 if "%" in unit else 1
    text = f"{scale * mean:.{digits}f}"
    return f"{text}{unit}" if np.isnan(spread) else f"{text} ± {scale * spread:.{digits}f}{unit}"


def _always(text: str) -> Callable[[Any], str]:
    return lambda _: text
