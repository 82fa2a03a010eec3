"""Scores of other tools: imported in a dialog, told what matched, dropped again."""

from __future__ import annotations

import io

import streamlit as st

from core.curation import (
    Better,
    JoinReport,
    ScoreColumn,
    ScoreTable,
    forget_scores,
    import_scores,
    read_scores,
    score_columns,
)
from core.errors import AssayError
from core.runs import Run, home
from pages.ui.state import Keys
from pages.ui.words import escape, images

_BETTER: dict[Better, str] = {"higher": "Higher is better", "lower": "Lower is better"}
_IDS_SHOWN = 5


def scores_button(run: Run) -> None:
    """Draw the button that opens the dialog; scores are then an order, a column and a badge."""
    if st.button("Scores of other tools", icon=":material/upload_file:", key=Keys.SCORES_OPEN):
        _dialog(run)


# The page is run again when it closes: until then the order list does not offer what was imported.
@st.dialog("Scores of other tools", width="medium", on_dismiss="rerun")
def _dialog(run: Run) -> None:
    st.caption(
        "A CSV or Parquet file with a column of image ids and a column of numbers, such as the "
        "label quality that another tool computed. Images can then be ordered by it, and what that "
        "tool flags is marked."
    )
    _known(run)
    uploaded = st.file_uploader("File of scores", type=["csv", "parquet"], key=Keys.SCORES_FILE)
    if uploaded is None:
        return
    try:
        with st.spinner("Reading the scores"):
            read = read_scores(io.BytesIO(uploaded.getvalue()), uploaded.name)
        _ask(run, read)
    except AssayError as error:
        st.error(escape(str(error)), icon=":material/error:")


def _known(run: Run) -> None:
    """List what was imported before, each with a button that drops it."""
    for column in score_columns(home(), run):
        if not column.key.startswith("file-"):
            continue
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{escape(column.title)}** from {escape(column.origin)}", width="stretch")
            st.button(
                "Drop",
                icon=":material/delete:",
                key=Keys.of(Keys.SCORES_DROP, column.key),
                on_click=_drop,
                args=(run, column),
                help="Take this column out of the review. The file that it came from stays.",
            )


def _drop(run: Run, column: ScoreColumn) -> None:
    forget_scores(home(), run, column.key)


def _ask(run: Run, read: ScoreTable) -> None:
    left, right = st.columns(2, gap="medium")
    column = left.selectbox("Scores", read.numeric, key=Keys.SCORES_COLUMN)
    better = right.selectbox(
        "What is good?", list(_BETTER), format_func=_BETTER.__getitem__, key=Keys.SCORES_BETTER
    )
    flag = left.selectbox(
        "Flags",
        read.flags,
        index=0 if read.flags else None,
        placeholder="None",
        key=Keys.SCORES_FLAG,
        help="A column that says which images the tool calls faulty.",
    )
    title = right.text_input(
        "Name in the review", placeholder=column, max_chars=80, key=Keys.SCORES_TITLE
    )
    st.caption(f"Images are named by the column {escape(read.id_column)}.")
    if st.button("Import", type="primary", key=Keys.SCORES_IMPORT):
        with st.spinner("Joining the scores to the images"):
            report = import_scores(
                home(), run, read, column=column, better=better, title=title or "", flag=flag
            )
        _tell(report)


def _tell(report: JoinReport) -> None:
    """Say what matched, and name what did not."""
    flagged = "" if report.flagged is None else f"; {report.flagged:,} of them are flagged"
    st.success(
        f"{report.matched:,} of {images(report.images)} have a score now{flagged}. Close this to "
        "go on.",
        icon=":material/check_circle:",
    )
    lines = []
    if report.missing:
        lines.append(f"{images(report.missing)} of the run have none.")
    if report.unmatched:
        lines.append(
            f"{_rows(report.unmatched)} of images that the run does not hold: "
            f"{_some(report.unmatched_listed, report.unmatched)}."
        )
    if report.repeated:
        lines.append(
            f"{images(report.repeated)} with several scores that differ, left out: "
            f"{_some(report.repeated_listed, report.repeated)}."
        )
    if report.not_numbers:
        named = tuple(f"row {row} ({i}): {text!r}" for row, i, text in report.not_numbers_listed)
        lines.append(
            f"{_rows(report.not_numbers)} without a number, left out: "
            f"{_some(named, report.not_numbers)}."
        )
    if lines:
        st.warning("  \n".join(lines), icon=":material/rule:")


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"


def _some(listed: tuple[str, ...], count: int) -> str:
    shown = ", ".join(escape(text) for text in listed[:_IDS_SHOWN])
    return shown + (f" and {count - _IDS_SHOWN:,} more" if count > _IDS_SHOWN else "")
