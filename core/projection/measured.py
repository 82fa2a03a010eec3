"""What was trained: accuracies of mixtures at several sizes, which predictors are fitted to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from core.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

# Ratios closer than this are one mixture: a table rounds thirds to 0.333.
_SAME_RATIO = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Measured:
    """Accuracies of k trained models on mixtures of m sources.

    Attributes
    ----------
    p : mixing ratios, float64, shape (k, m), 0 or more, rows have sum 1
    n : images that were trained on, int64, shape (k,), 1 or more
    repeat : number of the draw, int64, shape (k,); only tells rows of one mixture apart
    accuracy : on the validation set, float64, shape (k,), 0 to 1
    per_class : accuracy among the images of each class, shape (k, v), NaN where it has none; None
        if nobody looked
    distance : OT distance of the mixture to the validation set, shape (k,), or None

    Raises
    ------
    DataError : shapes do not fit, ratios are no ratios, or an accuracy is not from 0 to 1
    """

    p: np.ndarray
    n: np.ndarray
    repeat: np.ndarray
    accuracy: np.ndarray
    per_class: np.ndarray | None = None
    distance: np.ndarray | None = None

    def __post_init__(self) -> None:
        """Check shapes and ranges."""
        k = len(self.p)
        columns = {"n": self.n, "repeat": self.repeat, "accuracy": self.accuracy}
        if self.distance is not None:
            columns["distance"] = self.distance
        if self.p.ndim != 2 or k == 0 or self.p.shape[1] == 0:
            raise DataError(
                f"Expected ratios of at least one mixture, shape (k, m), got {self.p.shape}."
            )
        for name, column in columns.items():
            if column.shape != (k,):
                raise DataError(
                    f"Expected {name} of {k} trained mixtures, got shape {column.shape}."
                )
        if self.per_class is not None and (self.per_class.ndim != 2 or len(self.per_class) != k):
            raise DataError(
                f"Expected accuracies by class of {k} trained mixtures, "
                f"got shape {self.per_class.shape}."
            )
        self._require_values()

    def _require_values(self) -> None:
        """Refuse what is no ratio, no size or no accuracy."""
        sums = self.p.sum(axis=1)
        wrong = ~((self.p >= 0).all(axis=1) & (np.abs(sums - 1) < 1e-6))
        if wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            raise DataError(
                "Each row of mixing ratios must be 0 or more and have the sum 1; row "
                f"{row} is {self.p[row].tolist()}."
            )
        if (self.n < 1).any():
            raise DataError("Every mixture must have been trained on at least one image.")
        fit = (self.accuracy >= 0) & (self.accuracy <= 1)
        if not fit.all():
            row = int(np.flatnonzero(~fit)[0])
            raise DataError(
                "Accuracies are shares from 0 to 1, not percentages; row "
                f"{row} has {self.accuracy[row]}."
            )

    def __len__(self) -> int:
        """Return the number of trained models."""
        return len(self.p)

    @property
    def m(self) -> int:
        """Return the number of sources."""
        return int(self.p.shape[1])

    @property
    def scales(self) -> np.ndarray:
        """Return the sizes that were trained at, ascending, int64."""
        return np.unique(self.n)

    def take(self, rows: np.ndarray) -> Measured:
        """Return some rows, given by number or by a mask."""
        return Measured(
            p=self.p[rows],
            n=self.n[rows],
            repeat=self.repeat[rows],
            accuracy=self.accuracy[rows],
            per_class=None if self.per_class is None else self.per_class[rows],
            distance=None if self.distance is None else self.distance[rows],
        )

    def at(self, n: int) -> Measured:
        """Return what was trained on `n` images.

        Raises
        ------
        DataError : nothing was
        """
        return self.take(self.n == n)

    def mixtures(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the distinct ratios, shape (g, m), and which of them a row has, int64, (k,)."""
        found, index = np.unique(
            np.round(self.p / _SAME_RATIO).astype(np.int64), axis=0, return_inverse=True
        )
        index = index.reshape(-1)
        first = np.array([np.flatnonzero(index == g)[0] for g in range(len(found))])
        return self.p[first], index.astype(np.int64)

    def mean(self) -> Measured:
        """Return one row a mixture and size, the mean of its repeats; `repeat` is 0."""
        _, mixture = self.mixtures()
        cells, cell = np.unique(np.column_stack([self.n, mixture]), axis=0, return_inverse=True)
        cell = cell.reshape(-1)
        first = np.array([np.flatnonzero(cell == c)[0] for c in range(len(cells))])
        shares = np.eye(len(cells))[:, cell]
        shares /= shares.sum(axis=1, keepdims=True)
        return Measured(
            p=self.p[first],
            n=self.n[first],
            repeat=np.zeros(len(cells), dtype=np.int64),
            accuracy=shares @ self.accuracy,
            per_class=None if self.per_class is None else shares @ self.per_class,
            distance=None if self.distance is None else shares @ self.distance,
        )


def measured_from_table(frame: pd.DataFrame, names: Sequence[str]) -> Measured:
    """Read accuracies that somebody measured elsewhere.

    Parameters
    ----------
    frame : columns: one a source, named after it, with the images taken from it or its share of
        the mixture; n, where shares are given; accuracy, 0 to 1. Further columns are ignored
    names : of the m sources

    Returns
    -------
    rows in the order of the table; repeats of a mixture and size are numbered

    Raises
    ------
    DataError : a column is missing, a value is no number, or a row is no mixture
    """
    missing = [name for name in (*names, "accuracy") if name not in frame.columns]
    if missing:
        raise DataError(
            f"The table of accuracies lacks the column '{missing[0]}'. It needs one column for "
            f"each source ({', '.join(names)}), 'n' and 'accuracy'."
        )
    amounts = np.column_stack([_numbers(frame, name) for name in names])
    totals = amounts.sum(axis=1)
    if (amounts < 0).any() or (totals <= 0).any():
        row = int(np.flatnonzero((amounts < 0).any(axis=1) | (totals <= 0))[0])
        raise DataError(f"Row {row + 1} of the table of accuracies is no mixture of the sources.")
    n = _sizes(frame, totals)
    p = amounts / totals[:, None]
    return Measured(p=p, n=n, repeat=_repeats(p, n), accuracy=_numbers(frame, "accuracy"))


def _sizes(frame: pd.DataFrame, totals: np.ndarray) -> np.ndarray:
    """Return the images trained on: the column n, else the sums of the counts."""
    if "n" in frame.columns:
        return np.round(_numbers(frame, "n")).astype(np.int64)
    if (totals < 2).any():
        raise DataError(
            "The table of accuracies gives shares of the sources, so it needs a column 'n' with "
            "the number of images that were trained on."
        )
    return np.round(totals).astype(np.int64)


def _numbers(frame: pd.DataFrame, name: str) -> np.ndarray:
    """Return a column as float64; refuse what is no finite number."""
    try:
        found = frame[name].to_numpy(dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(
            f"The column '{name}' of the table holds something else: {error}."
        ) from error
    if not np.isfinite(found).all():
        row = int(np.flatnonzero(~np.isfinite(found))[0])
        raise DataError(f"The column '{name}' of the table has no number in row {row + 1}.")
    return found


def _repeats(p: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Return numbers of the rows of each mixture and size from 0, int64, shape (k,)."""
    seen: dict[tuple[int, ...], int] = {}
    found = np.zeros(len(p), dtype=np.int64)
    for row, ratios in enumerate(np.round(p / _SAME_RATIO).astype(np.int64)):
        key = (int(n[row]), *ratios.tolist())
        found[row] = seen.get(key, 0)
        seen[key] = int(found[row]) + 1
    return found
