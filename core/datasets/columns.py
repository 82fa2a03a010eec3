"""Which column of a table is which."""

from __future__ import annotations

from collections.abc import Sequence

from core.datasets.location import Location
from core.errors import DataError

# The names that each role goes by; compared in lower case.
ALIASES: dict[str, frozenset[str]] = {
    "path": frozenset({"path", "file", "filename", "file_name", "filepath", "image_path"}),
    "label": frozenset({"label", "labels", "class", "target", "category", "fine_label"}),
    "image": frozenset({"image", "images", "img", "picture"}),
    "id": frozenset({"id", "image_id"}),
    "split": frozenset({"split"}),
}


def choose_column(
    location: Location,
    role: str,
    columns: Sequence[str],
    *,
    candidates: Sequence[str] | None = None,
    required: bool = True,
) -> str | None:
    """Return the column for `role` ("path", "label", "image", "id", "split").

    Parameters
    ----------
    columns : all columns there are
    candidates : those that may be it; by default those with a usual name
    required : whether to raise where there is none, instead of returning None

    Raises
    ------
    DataError
        where there is none, more than one, or not the one chosen with `#role=column`.
    """
    chosen = None if role == "split" else location.option(role)
    if chosen is not None:
        if chosen not in columns:
            raise DataError(
                f"{location.path}: there is no column {chosen!r}. It has {_listed(columns)}."
            )
        candidates = [name for name in columns if name == chosen]
    elif candidates is None:
        candidates = [name for name in columns if name.strip().lower() in ALIASES[role]]
    if len(set(candidates)) < len(candidates):
        raise DataError(
            f"{location.path}: the column {candidates[0]!r} is there {len(candidates)} times. "
            "Give each column a name of its own."
        )
    if len(candidates) > 1:
        raise DataError(
            f"{location.path}: more than one column could be the {role}: {_listed(candidates)}. "
            f"Choose one by writing it after the path: {location.path}#{role}={candidates[0]}"
        )
    if candidates:
        return candidates[0]
    if required:
        raise DataError(
            f"{location.path}: no column for the {role} was found; the columns are "
            f"{_listed(columns)}. Call it {role!r}, or write {location.path}#{role}=COLUMN."
        )
    return None


def choose_split(location: Location, splits: Sequence[str]) -> str | None:
    """Return which of `splits` is meant: the one chosen, or the only one; None if there are none.

    Raises
    ------
    DataError
        where there are several and none was chosen, or the chosen one is not there.
    """
    chosen = location.option("split")
    if chosen is not None:
        if chosen not in splits:
            there = f"it has {_listed(splits)}" if splits else "it has no splits"
            raise DataError(f"{location.path}: there is no split {chosen!r}; {there}.")
        return chosen
    if len(splits) > 1:
        raise DataError(
            f"{location.path}: it holds the splits {_listed(splits)}. Say which one is meant by "
            f"writing it after the path: {location.path}#{splits[0]}"
        )
    return splits[0] if splits else None


def _listed(names: Sequence[str], limit: int = 8) -> str:
    shown = ", ".join(repr(name) for name in names[:limit])
    return shown if len(names) <= limit else f"{shown} and {len(names) - limit} more"
