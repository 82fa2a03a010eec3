"""Export: the decisions as files, with where they came from."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pandas as pd
import streamlit as st

from core.curation import (
    FORMATS as EXPORTERS,
    RunDecisions,
    decision_table,
    export,
    export_archive,
    open_store,
)
from core.errors import AssayError, ConfigError
from core.runs import Run, home
from core.valuation import method_title
from pages.ui import links, shell
from pages.ui.state import Keys
from pages.ui.words import escape, images, number, when

FORMATS = {
    "csv": ("CSV", "One row an image: decision, value, rank, by whom, when."),
    "parquet": ("Parquet", "The same table with exact types, for pandas, Polars, DuckDB."),
    "json": ("JSON", "The same table as a list of objects."),
    "lists": ("Keep and remove lists", "keep.txt and remove.txt, one image id a line."),
    "lists-nul": ("Lists, NUL-separated", "The same for ids with line breaks (xargs -0)."),
}
VERDICTS = {
    "remove": "Remove",
    "relabel": "Relabel",
    "unsure": "Unsure",
    "keep": "Keep",
    "undecided": "Undecided",
}


def _decisions(run: Run) -> pd.DataFrame:
    return RunDecisions(open_store(home()), run).current()


def _archive(run: Run, name: str) -> bytes:
    """Make the download when it is asked for, so that it holds the latest decisions."""
    return export_archive(run, _decisions(run), name)


def _counts(run: Run) -> None:
    counts = decision_table(run, _decisions(run))["verdict"].value_counts()
    cards = st.columns(len(VERDICTS), gap="small")
    for card, (verdict, label) in zip(cards, VERDICTS.items(), strict=True):
        card.metric(label, f"{int(counts.get(verdict, 0)):,}", border=True)
    if counts.get("undecided", 0) == len(run.values):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.info(
                "Nothing has been decided yet. An export now holds the values and an empty remove "
                "list.",
                icon=":material/info:",
            )
            links.link("review", "Review the worst images first", run=run.id)


def _downloads(run: Run) -> None:
    st.subheader("Download", anchor=False)
    with st.container(border=True, gap="small"):
        for name in EXPORTERS:
            title, purpose = FORMATS.get(name, (name, ""))
            with st.container(horizontal=True, vertical_alignment="center", wrap=False):
                st.markdown(f"**{escape(title)}**  \n:gray[{escape(purpose)}]", width="stretch")
                st.download_button(
                    "Download",
                    data=partial(_archive, run, name),
                    file_name=f"assay-{run.id}-{name}.zip",
                    mime="application/zip",
                    key=Keys.of(Keys.EXPORT_DOWNLOAD, name),
                    icon=":material/download:",
                    on_click="ignore",
                )


def _write(run: Run) -> None:
    st.subheader("Write to a folder", anchor=False)
    with st.form(Keys.EXPORT_FORM):
        left, middle, right = st.columns([1, 2, 0.5], vertical_alignment="bottom")
        name = left.selectbox(
            "Format",
            list(EXPORTERS),
            format_func=lambda key: FORMATS.get(key, (key, ""))[0],
            key=Keys.EXPORT_FORMAT,
        )
        folder = middle.text_input(
            "Folder, new or empty",
            key=Keys.EXPORT_FOLDER,
            placeholder="/data/exports/cleaned",
            help="On the machine that Assay runs on. A folder that holds something is refused.",
        )
        asked = right.form_submit_button(
            "Write", icon=":material/save:", key=Keys.EXPORT_WRITE, width="stretch"
        )
    if not asked:
        return
    try:
        if not folder.strip():
            raise ConfigError("Name a folder to write to; it may be new.")
        with st.spinner("Writing the files"):
            written = export(run, _decisions(run), name, Path(folder.strip()).expanduser())
    except AssayError as error:
        shell.show_error(error)
        return
    listed = ", ".join(escape(path.name) for path in written)
    st.success(f"Written to {escape(str(written[0].parent))}: {listed}.")


def _provenance(run: Run) -> None:
    st.subheader("Provenance", anchor=False)
    record = run.record
    facts = {
        "Run": record.id,
        "Made": when(record.created),
        "Training set": f"{record.train.source} ({images(record.train.images)})",
        "Its fingerprint": record.train.fingerprint[:16],
        "Validation set": f"{record.validation.source} ({images(record.validation.images)})",
        "Method": f"{method_title(record.method)}, epsilon {number(record.epsilon)}",
        "Embedder": record.embedder,
        "Seed": str(record.seed),
        "Assay": record.versions.get("assay", "unknown"),
    }
    st.dataframe(
        pd.DataFrame({"What": list(facts), "Value": list(facts.values())}),
        hide_index=True,
        height="content",
        alt="Provenance of the export",
        column_config={"What": st.column_config.TextColumn(width="small")},
    )
    st.caption("Goes with every export as provenance.json, with all settings.")


run = shell.require_run("Export")
with st.spinner("Counting the decisions"):
    _counts(run)
left, right = st.columns([1.15, 1], gap="medium")
with left:
    _downloads(run)
with right:
    _provenance(run)
_write(run)
