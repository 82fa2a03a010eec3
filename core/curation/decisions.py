"""What a decision about an image is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from core.errors import DataError

Verdict = Literal["keep", "remove", "relabel", "unsure", "clear", "note"]
"""What was decided; "clear": nothing any more; "note": nothing, only words were written."""

VERDICTS: tuple[str, ...] = get_args(Verdict)
DEFAULT_REVIEWER = "reviewer"

# Generous for people, small enough that no client can fill the disk with one request.
MAX_NOTE = 2000
MAX_NAME = 200
MAX_ROWS = 100_000


def check_text(name: str, text: str, limit: int, *, empty: bool = False) -> None:
    """Raise `DataError` unless `text` is a string that every database can store."""
    if not isinstance(text, str):
        raise DataError(f"The decision's {name} must be text, got {type(text).__name__}.")
    if not text and not empty:
        raise DataError(f"The decision has no {name}.")
    if len(text) > limit:
        raise DataError(f"The decision's {name} has {len(text)} characters; {limit} are allowed.")
    if "\0" in text:  # PostgreSQL refuses it, SQLite's tools cut the text there
        raise DataError(f"The decision's {name} contains a NUL character.")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise DataError(f"The decision's {name} contains half a character.") from error


def check_event_id(event_id: str) -> None:
    """Raise `DataError` unless `event_id` can name a stroke."""
    check_text("event id", event_id, MAX_NAME)
    if "/" in event_id:
        raise DataError('An event id has no "/": the rows of its stroke are numbered after one.')


@dataclass(frozen=True, slots=True, kw_only=True)
class NewStroke:
    """One decision about one image of a run or about many at once; they are undone together.

    Attributes
    ----------
    event_id : made by the client (a UUID): recording it twice changes nothing
    rows : positions of the images in the run, 1 to 100,000; one that comes again counts once
    verdict : keep, remove, relabel, unsure; clear, which withdraws the reviewer's own opinion; or
        note, which leaves all opinions as they are
    new_label : name of the right class; for "relabel" and nothing else
    note : the reviewer's words; "" erases the reviewer's note, None, with any verdict but "note",
        leaves it as it is
    reviewer : who decided

    Raises
    ------
    DataError
        A field makes no sense; the message names it.
    """

    event_id: str
    rows: Sequence[int] | np.ndarray
    verdict: Verdict
    new_label: str | None = None
    note: str | None = None
    reviewer: str = DEFAULT_REVIEWER

    def __post_init__(self) -> None:
        """Check every field; whether a run has the rows and the label is checked with it."""
        if self.verdict not in VERDICTS:
            raise DataError(
                f"The verdict must be one of {', '.join(VERDICTS)}; got {self.verdict!r}."
            )
        check_event_id(self.event_id)
        check_text("reviewer", self.reviewer, MAX_NAME)
        if self.note is not None:
            check_text("note", self.note, MAX_NOTE, empty=True)
        elif self.verdict == "note":
            raise DataError('The verdict "note" comes with a note; "" erases one.')
        if (self.new_label is not None) != (self.verdict == "relabel"):
            raise DataError('A new label belongs to the verdict "relabel", and only to it.')
        if not 0 < len(self.rows) <= MAX_ROWS:
            raise DataError(
                f"A decision is about 1 to {MAX_ROWS:,} images; got {len(self.rows):,}."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeBack:
    """The undo of a stroke, or its redo where the stroke is itself an undo.

    Attributes
    ----------
    event_id : made by the client (a UUID): recording it twice changes nothing
    undoes : event id of the stroke that is taken back
    reviewer : whose stroke it is
    """

    event_id: str
    undoes: str
    reviewer: str = DEFAULT_REVIEWER

    def __post_init__(self) -> None:
        """Check every field; raises `DataError` with the field's name."""
        check_event_id(self.event_id)
        check_text("stroke to take back", self.undoes, MAX_NAME)
        check_text("reviewer", self.reviewer, MAX_NAME)


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of a list of events.

    Attributes
    ----------
    saved : number of events that are in the log now
    rejected : event id and reason of each of the others, in order
    rows : positions in the run of the images that were touched, int64, rising
    """

    saved: int
    rejected: tuple[tuple[str, str], ...]
    rows: np.ndarray


@dataclass(frozen=True, slots=True)
class Stroke:
    """A stroke in the log, as far as it is about the images of one run; k images.

    Attributes
    ----------
    event_id : what takes it back
    rows : positions of the images in the run, int64, shape (k,)
    verdicts, new_labels : what was decided about each; the label is None except for "relabel"
    before : verdict ("clear" where undecided) and label of each image just before
    """

    event_id: str
    rows: np.ndarray
    verdicts: tuple[str, ...]
    new_labels: tuple[str | None, ...]
    before: tuple[tuple[str, str | None], ...]
