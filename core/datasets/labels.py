"""From labels as people write them to positions in a list of class names."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from core.errors import DataError


def encode_labels(
    values: Sequence[object] | np.ndarray,
    names: Sequence[str] | None,
    where: Callable[[int], str],
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return labels as int64 positions, and the class names that they are positions in.

    Integers are positions in `names`, or where there are no names, classes called by their decimal
    text. Texts are class names. Without `names`, classes are sorted: by number if all are integers,
    else by text.

    Parameters
    ----------
    values : integers (also as whole floats) or texts, one an image
    names : the class names if the source brings them, else None
    where : says where row i is ("labels.csv, line 7"), for messages

    Raises
    ------
    DataError
        at a missing label, a fraction, a label without a class name, or a class name given twice.
    """
    if names is not None:
        repeated = first_repeated(names)
        if repeated is not None:
            raise DataError(
                f"{where(0)}: the class name {names[repeated[1]]!r} is given twice; "
                "each class needs a name of its own."
            )
    if isinstance(values, np.ndarray):
        if values.dtype.kind in "iu":
            return _encode_integers(values, names, where)
        values = values.tolist()
    texts = [_label_text(value, where, row) for row, value in enumerate(values)]
    if names is None:
        names = sorted(set(texts), key=_class_order)
    elif all(_is_decimal(text) for text in texts) and not set(texts) <= set(names):
        return _encode_integers(np.array([int(text) for text in texts]), names, where)
    position = {name: index for index, name in enumerate(names)}
    unknown = next((row for row, text in enumerate(texts) if text not in position), None)
    if unknown is not None:
        raise DataError(
            f"{where(unknown)}: the label {texts[unknown]!r} is not among the class names "
            f"({_few(names)}). Correct the label or add the class name."
        )
    return np.array([position[text] for text in texts], dtype=np.int64), tuple(names)


def _encode_integers(
    array: np.ndarray, names: Sequence[str] | None, where: Callable[[int], str]
) -> tuple[np.ndarray, tuple[str, ...]]:
    if names is None:
        classes, labels = np.unique(array, return_inverse=True)
        return labels.astype(np.int64), tuple(str(label) for label in classes.tolist())
    outside = np.flatnonzero((array < 0) | (array >= len(names)))
    if len(outside):
        row = int(outside[0])
        if array[row] == -1:  # Hugging Face's mark for "not labelled"
            raise DataError(
                f"{where(row)}: it has no label (-1). Assay needs a label for each image; "
                "take a part of the data that is labelled."
            )
        raise DataError(
            f"{where(row)}: expected a label from 0 to {len(names) - 1}, one for each class name, "
            f"got {array[row]}."
        )
    return array.astype(np.int64), tuple(names)


def _label_text(value: object, where: Callable[[int], str], row: int) -> str:
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, float) and value.is_integer():
        return str(int(value))  # pandas turns integers into floats where one is missing
    if isinstance(value, float) and not math.isnan(value):
        raise DataError(
            f"{where(row)}: the label {value} is a fraction. Expected a class, name or integer."
        )
    text = value.strip() if isinstance(value, str) else value
    if text is None or text == "" or isinstance(text, float):
        raise DataError(f"{where(row)}: the label is missing. Fill it in or leave the row out.")
    if not isinstance(text, str | int):
        raise DataError(
            f"{where(row)}: expected one label, a name or an integer, got {type(text).__name__}. "
            "Images with several labels cannot be valued."
        )
    return str(text)


def _is_decimal(text: str) -> bool:
    # More than 18 digits do not fit int64: such a text is a name.
    digits = text.removeprefix("-")
    return len(digits) <= 18 and text.isascii() and digits.isdigit() and str(int(text)) == text


def _class_order(name: str) -> tuple[bool, int, str]:
    """Sort integers by size and before other names."""
    return (False, int(name), name) if _is_decimal(name) else (True, 0, name)


def _few(names: Sequence[str], limit: int = 5) -> str:
    shown = ", ".join(names[:limit])
    return shown if len(names) <= limit else f"{shown} and {len(names) - limit} more"


def first_repeated(values: Sequence[str]) -> tuple[int, int] | None:
    """Return the positions of the first value that comes twice, or None."""
    seen: dict[str, int] = {}
    for index, value in enumerate(values):
        if value in seen:
            return seen[value], index
        seen[value] = index
    return None
