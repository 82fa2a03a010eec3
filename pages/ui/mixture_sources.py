"""The sources of a projection as rows of a form: rows come and go, and the others keep theirs."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.acquisition import MOST_SOURCES, Offer
from core.errors import ConfigError
from pages.ui import state
from pages.ui.state import Keys
from pages.ui.words import escape

_ROWS_AT_FIRST = 2
SOURCE_HELP = (
    "A folder of class folders, manifest.csv or .parquet (path, label), a Hugging Face Parquet "
    "file or folder of shards, a folder of its `save_to_disk`, .npz with images or embeddings, a "
    "set that torchvision knows, as `torchvision:CIFAR10:train#root=/data`, or the bundled "
    "`sample:train`."
)
_IDS_HELP = (
    "A CSV file with the column id: only these images of it. With a column label as well, these "
    "are their labels."
)
# What a row asks: the key of its field, and what that holds where nothing is given.
_FIELDS: dict[str, tuple[str, Any]] = {
    "name": (Keys.MIXTURE_NAME, ""),
    "pilot": (Keys.MIXTURE_PILOT, ""),
    "ids": (Keys.MIXTURE_IDS, ""),
    "capacity": (Keys.MIXTURE_CAPACITY, None),
    "price": (Keys.MIXTURE_PRICE, None),
}


def fill(offers: tuple[Offer, ...]) -> None:
    """Put these sources into the form, in place of what it holds; before it is drawn."""
    st.session_state[state.MIXTURE_ROWS] = list(range(len(offers)))
    for row, offer in enumerate(offers):
        _put(row, offer)


def draw(currency: str) -> None:
    """Draw the rows, and what adds one."""
    rows = _rows()
    for place, row in enumerate(rows):
        _row(row, place, currency, alone=len(rows) == 1)
    st.button(
        "Add a source",
        key=Keys.MIXTURE_ADD,
        icon=":material/add:",
        disabled=len(rows) >= MOST_SOURCES,
        help=f"At most {MOST_SOURCES}." if len(rows) >= MOST_SOURCES else None,
        on_click=_add,
    )


def offers() -> tuple[Offer, ...]:
    """Return the sources that are given; rows without a word are passed over.

    Raises
    ------
    ConfigError : none is given, or one of them is not complete
    """
    found = []
    for place, row in enumerate(_rows(), start=1):
        given = _given(row)
        if not given:
            continue
        if "pilot" not in given:
            raise ConfigError(
                f"Source {place} needs a pilot: a folder or file of images that it shows."
            )
        try:
            found.append(Offer(**{"name": "", **given}))
        except ConfigError as error:
            raise ConfigError(f"Source {place}: {error}") from error
    if not found:
        raise ConfigError(
            "Name at least one source, and its pilot: a folder or file of images that it shows."
        )
    return tuple(found)


def listed_images(key: str, what: str, *, head: bool = True) -> None:
    """Ask, tucked away, which images of a set are meant; the answer is under `key`.

    head : name it above, as fields with labels in sight are
    """
    label = "By a list" if st.session_state.get(key, "").strip() else "All images"
    with st.container(width=136, gap="xxsmall"):
        if head:
            st.markdown(":small[Images]")
        popover = st.popover(label, help=f"Which images of {what} are meant", width="stretch")
    with popover:
        st.text_input(
            "File of ids",
            key=key,
            placeholder="/data/ids.csv",
            persist_state="session",
        )
        st.caption(_IDS_HELP)


def _rows() -> list[int]:
    """Return the numbers of the rows, in the order they are shown."""
    rows: list[int] = st.session_state.setdefault(state.MIXTURE_ROWS, list(range(_ROWS_AT_FIRST)))
    return rows


def _add() -> None:
    rows = _rows()
    new = max(rows, default=-1) + 1
    _put(new, None)  # one of that number may have been there before
    st.session_state[state.MIXTURE_ROWS] = [*rows, new]


def _remove(row: int) -> None:
    st.session_state[state.MIXTURE_ROWS] = [one for one in _rows() if one != row]


def _key(name: str, row: int) -> str:
    return Keys.of(_FIELDS[name][0], str(row))


def _put(row: int, offer: Offer | None) -> None:
    """Put a source into a row; None empties it."""
    for name, (_, empty) in _FIELDS.items():
        value = None if offer is None else getattr(offer, name)
        st.session_state[_key(name, row)] = empty if value is None else value


def _given(row: int) -> dict[str, Any]:
    """Return what the fields of a row hold, without those that hold nothing."""
    found = {}
    for name, (_, empty) in _FIELDS.items():
        value = st.session_state.get(_key(name, row), empty)
        value = value.strip() if isinstance(value, str) else value
        if value not in ("", None):
            found[name] = value
    return found


def _row(row: int, place: int, currency: str, *, alone: bool) -> None:
    """Draw a row; only the first one has its labels in sight.

    Its numbers have no bounds: a field leaves out what is beyond its own, and that it was typed
    would be lost. What they may be is said when the form is checked.
    """
    shown: Any = "visible" if place == 0 else "collapsed"
    of = "" if place == 0 else f" of source {place + 1}"
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.text_input(
            f"Name{of}",
            key=_key("name", row),
            placeholder=f"Source {place + 1}",
            label_visibility=shown,
            persist_state="session",
            width=200,
        )
        st.text_input(
            f"Pilot{of}",
            key=_key("pilot", row),
            placeholder="/data/pilot",
            help=f"The images that it shows. {SOURCE_HELP}",
            label_visibility=shown,
            persist_state="session",
        )
        listed_images(_key("ids", row), "the pilot", head=place == 0)
        st.number_input(
            f"Capacity{of}",
            key=_key("capacity", row),
            value=None,
            step=1,
            placeholder="Not known",
            help="How many images can be had of it. Leave it empty where that is not known.",
            label_visibility=shown,
            persist_state="session",
            width=150,
        )
        st.number_input(
            f"Price ({escape(currency)}){of}",
            key=_key("price", row),
            value=None,
            step=0.01,
            format="%.6g",
            placeholder="Not known",
            help=f"Of one image, in {escape(currency)}. Leave it empty where that is not known.",
            label_visibility=shown,
            persist_state="session",
            width=150,
        )
        st.button(
            "Remove",
            key=Keys.of(Keys.MIXTURE_REMOVE, str(row)),
            type="tertiary",
            disabled=alone,
            on_click=_remove,
            args=(row,),
        )
