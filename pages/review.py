"""Review: look at the images, worst first, and decide."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping

import streamlit as st

from core.curation import RunDecisions, ScoreColumn, open_store, score_columns, scores_version
from core.runs import Run, home
from pages.ui import links, reviewer, shell, state
from pages.ui.gallery import Filters, gallery
from pages.ui.scores import scores_button
from pages.ui.state import Keys
from pages.ui.words import source_labels

_STATES = {
    "all": "All",
    "undecided": "Not yet reviewed",
    "decided": "Reviewed",
    "remove": "Removed",
    "keep": "Kept",
    "relabel": "Relabelled",
    "unsure": "Unsure",
    "disputed": "Reviewers disagree",
    "noted": "With a note",
}
_ORDERS = {
    "worst": "Worst first",
    "best": "Best first",
    "class": "By class, worst first",
    "audit": "Audit sample",
}
_FLAGS = {"like": "Looks like another class", "suggested": "Another label suggested"}


def _value_bounds(run: Run) -> tuple[float, float, float]:
    """Return round bounds around all values of `run`, and a round step between them."""
    low, high = float(run.values["value"].min()), float(run.values["value"].max())
    step = 10.0 ** math.floor(math.log10(max(high - low, 1e-9) / 50))
    return math.floor(low / step) * step, math.ceil(high / step) * step + step, step


def _arrive(run: Run) -> None:
    """Set the filters where the address names none, as after a link of the sidebar or Back.

    They are as this session left them. A link that asks for certain images alone sets the others
    back; else whoever opens a hundred images from the map would see the few that a filter of an
    hour ago lets through.
    """
    rests = _rests(run)
    named = set(st.query_params)
    if st.query_params.pop(links.FRESH, None) is not None:
        _set_filters(rests, but=named)
    elif named.isdisjoint(rests):
        left = st.session_state.get(state.REVIEW_FILTERS, {}).get(run.id, {})
        _set_filters(left)
        if not st.session_state.pop(state.REVIEW_RESTORED, False):
            st.session_state[state.REVIEW_RESTORED] = left


def _stay_restored() -> None:
    """Run again where the filters that `_arrive` set did not stay.

    After Back, Streamlit takes an address that names no filters to ask for none, whatever was set.
    """
    left = st.session_state.pop(state.REVIEW_RESTORED, None)
    if left and any(st.session_state.get(key) != value for key, value in left.items()):
        st.session_state[state.REVIEW_RESTORED] = True
        st.rerun()


def _set_filters(values: Mapping[str, object], but: Collection[str] = ()) -> None:
    """Set filters by their keys, without those in `but`."""
    for key, value in values.items():
        if key not in but:
            st.session_state[key] = value


def _remember_filters(run: Run) -> None:
    """Keep the filters for the next visit of this session."""
    kept = {key: st.session_state[key] for key in _rests(run) if key in st.session_state}
    st.session_state.setdefault(state.REVIEW_FILTERS, {})[run.id] = kept


def _rests(run: Run) -> dict[str, object]:
    """Return for the key of each filter the value at which it filters nothing."""
    least, most, _ = _value_bounds(run)
    unset = dict.fromkeys(
        (
            state.CLASS,
            state.LOOKS_LIKE,
            Keys.REVIEW_FLAGGED,
            Keys.REVIEW_SUGGESTED,
            Keys.REVIEW_REVIEWER,
            Keys.REVIEW_SOURCE,
        )
    )
    return unset | {
        Keys.REVIEW_STATE: "all",
        Keys.REVIEW_ORDER: "worst",
        Keys.REVIEW_FIND: "",
        Keys.REVIEW_VALUE: (least, most),
    }


def _show_all() -> None:
    _set_filters(_rests(_run))
    st.session_state.get(state.REVIEW_FILTERS, {}).pop(_run.id, None)
    st.query_params.pop(state.SELECTION, None)


def _reviewers(run: Run) -> list[str]:
    """Return who has decided something about the run's images, by name."""
    opinions = RunDecisions(open_store(home()), run).opinions()
    return sorted(opinions["reviewer"].unique().tolist())


def _pick(label: str, options: list[str] | dict[str, str], key: str, *, rest: str) -> str | None:
    """Draw a list to choose from or not; the address keeps the choice."""
    named = options if isinstance(options, dict) else {option: option for option in options}
    chosen: str | None = st.selectbox(
        label,
        list(named),
        format_func=lambda option: named.get(option, option),
        index=None,
        placeholder=rest,
        key=key,
        bind="query-params",
    )
    return chosen


def _choice(label: str, options: dict[str, str], key: str) -> str:
    """Draw a list of which one is always chosen, at first the first; the address keeps it."""
    chosen: str = st.selectbox(
        label,
        list(options),
        format_func=lambda option: options.get(option, option),
        key=key,
        bind="query-params",
    )
    return chosen


def _more_filters(run: Run, names: list[str], columns: list[ScoreColumn]) -> dict[str, object]:
    """Draw the filters that are used now and then; return those that are set, by their name."""
    with st.popover("More filters", icon=":material/tune:", width="stretch"):
        flags = {f"flag:{c.key}": f"Flagged by {c.title}" for c in columns if c.has_flags}
        flagged = _pick("Disagreement", _FLAGS | flags, Keys.REVIEW_FLAGGED, rest="Any image")
        suggested = _pick("Suggested label", names, Keys.REVIEW_SUGGESTED, rest="Any or none")
        by = _pick("Decided by", _reviewers(run), Keys.REVIEW_REVIEWER, rest="Anybody")
        parts = source_labels([part.source for part in run.record.training_parts])
        source = (
            _pick("From", parts, Keys.REVIEW_SOURCE, rest="Any source") if len(parts) > 1 else None
        )
        least, most, step = _value_bounds(run)
        low, high = st.slider(
            "Value (higher is better)",
            least,
            most,
            (least, most),
            step=step,
            key=Keys.REVIEW_VALUE,
            bind="query-params",
        )
        scores_button(run)
    return {
        "flagged": flagged,
        "suggested": suggested,
        "reviewer": by,
        "source": source,
        "low": None if low < least + step / 2 else low,
        "high": None if high > most - step / 2 else high,
    }


def _filters(run: Run) -> Filters:
    """Draw the usual filters in one line, the others behind a button; the address keeps them."""
    names = list(run.class_names)
    columns = score_columns(home(), run)
    line = st.columns([3, 3, 2.6, 2.8, 3.4, 2.2], gap="small", vertical_alignment="bottom")
    with line[0]:
        label = _pick("Labelled", names, state.CLASS, rest="Any class")
    with line[1]:
        like = _pick("Looks like", names, state.LOOKS_LIKE, rest="Any class")
    with line[2]:
        decided = _choice("Decision", _STATES, Keys.REVIEW_STATE)
    with line[3]:
        scores = {f"score:{c.key}": f"{c.title}, worst first" for c in columns}
        order = _choice("Order", _ORDERS | scores, Keys.REVIEW_ORDER)
    with line[4]:
        text = st.text_input(
            "Find",
            placeholder="Part of an id or note",
            key=Keys.REVIEW_FIND,
            bind="query-params",
        )
    with line[5]:
        more = _more_filters(run, names, columns)
    return Filters(
        label=label,
        like=like,
        state=decided,
        text=text or "",
        order=order,
        selection=_selection(),
        **more,  # type: ignore[arg-type]
    )


def _selection() -> str | None:
    """Say that only the images drawn on the map are shown, where that is so; return their name."""
    name: str | None = st.query_params.get(state.SELECTION)
    if name and st.button(
        "Only the images selected on the map. Show all",
        icon=":material/close:",
        type="tertiary",
        key=Keys.REVIEW_SELECTION,
    ):
        del st.query_params[state.SELECTION]
        return None
    return name


@st.fragment
def _review(run: Run) -> None:
    filters = _filters(run)
    _stay_restored()
    _remember_filters(run)
    gallery(
        run.id,
        filters,
        focus=st.query_params.get(state.IMAGE),
        login=reviewer.of_session(),
        scores=scores_version(home(), run),
        clear=_show_all,
        key=Keys.REVIEW_GALLERY,
    )


_run = shell.require_run("Review")
_arrive(_run)
_review(_run)
