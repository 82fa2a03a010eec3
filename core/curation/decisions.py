"""What a decision about an image is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

import numpy as np

from core.errors import DataError

Verdict = Literal["keep", "remove", "relabel", "unsure", "clear"]
"""What was decided; "clear" takes a decision back: the image is undecided again."""

VERDICTS: tuple[str, ...] = get_args(Verdict)
DEFAULT_REVIEWER = "reviewer"

# Generous for people, small enough that no client can fill the disk with one request.
MAX_NOTE = 2000
MAX_NAME = 200
MAX_ID = 4096


def _check_text(name: str, text: str, limit: int, *, empty: bool = False) -> None:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDecision:
    """A decision as a client makes it; checked when it is made.

    Attributes
    ----------
    event_id : made by the client (a UUID): recording it twice changes nothing
    dataset : fingerprint of the training set
    image_id : id of the image within the set
    verdict : keep, remove, relabel, unsure, or clear
    new_label : name of the right class; for "relabel" and nothing else
    note : why, in the reviewer's words
    reviewer : who decided
    run_id : run that was looked at, if any
    value : value of the image in that run, if known
    batch_id : the same for decisions made in one stroke; they are undone together
    """

    event_id: str
    dataset: str
    image_id: str
    verdict: Verdict
    new_label: str | None = None
    note: str = ""
    reviewer: str = DEFAULT_REVIEWER
    run_id: str | None = None
    value: float | None = None
    batch_id: str | None = None

    def __post_init__(self) -> None:
        """Check every field; raises `DataError` with the field's name."""
        if self.verdict not in VERDICTS:
            raise DataError(
                f"The verdict must be one of {', '.join(VERDICTS)}; got {self.verdict!r}."
            )
        _check_text("event id", self.event_id, MAX_NAME)
        _check_text("data set", self.dataset, MAX_NAME)
        _check_text("image id", self.image_id, MAX_ID)
        _check_text("reviewer", self.reviewer, MAX_NAME)
        _check_text("note", self.note, MAX_NOTE, empty=True)
        if self.batch_id is not None:
            _check_text("batch id", self.batch_id, MAX_NAME)
        if self.run_id is not None:
            _check_text("run id", self.run_id, MAX_NAME)
        if (self.new_label is not None) != (self.verdict == "relabel"):
            raise DataError('A new label belongs to the verdict "relabel", and only to it.')
        if self.new_label is not None:
            _check_text("new label", self.new_label, MAX_NAME)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One row of the log, as it was written; rows are never changed.

    Beyond the fields of `NewDecision`:

    seq : position in the log, rising
    at : when it was written, UTC
    previous_verdict, previous_label : state of the image just before; None where undecided
    undoes : event id of the row that this one takes back, or None for a decision of its own
    """

    seq: int
    event_id: str
    dataset: str
    image_id: str
    verdict: Verdict
    new_label: str | None
    note: str
    reviewer: str
    at: datetime
    run_id: str | None
    value: float | None
    batch_id: str | None
    previous_verdict: Verdict | None
    previous_label: str | None
    undoes: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewStroke:
    """One decision about one image of a run or about many at once; they are undone together.

    Attributes
    ----------
    event_id : made by the client (a UUID): recording it twice changes nothing
    rows : positions of the images in the run
    verdict : keep, remove, relabel, unsure, or clear
    new_label : name of the right class; for "relabel" and nothing else
    note : the reviewer's words; "" erases the note that was there, None leaves it as it is
    reviewer : who decided
    """

    event_id: str
    rows: Sequence[int] | np.ndarray
    verdict: Verdict
    new_label: str | None = None
    note: str | None = None
    reviewer: str = DEFAULT_REVIEWER


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
