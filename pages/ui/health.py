"""The health check of two data sources: run it with progress, keep it, say it in words."""

from __future__ import annotations

import time
from typing import Literal

import streamlit as st

from core.datasets import Description, HealthReport, check, open_source
from core.errors import ConfigError
from core.progress import Progress
from pages.ui import state
from pages.ui.words import escape, images

Severity = Literal["error", "warning", "info"]
_LOOK = {
    "error": st.error,
    "warning": st.warning,
    "info": st.info,
}
_ICONS = {
    "error": ":material/error:",
    "warning": ":material/warning:",
    "info": ":material/info:",
}
_REDRAW_SECONDS = 0.15


def run_check(train: str, validation: str) -> None:
    """Open and check both sources, showing how far it is; `report_of` then gives the report.

    Raises
    ------
    DataError : a source cannot be opened
    ConfigError : a source is not given
    """
    train, validation = train.strip(), validation.strip()
    if not train or not validation:
        missing = "training" if not train else "validation"
        raise ConfigError(f"Name the {missing} set: a folder, a file, or sample:train, sample:val.")
    bar = st.progress(0.0, text="Opening the training set")
    report = on_bar(bar)
    try:
        opened = open_source(train, progress=report)
        bar.progress(0.0, text="Opening the validation set")
        against = open_source(validation, progress=report)
        result = check(opened, against, progress=report)
    finally:
        bar.empty()
    st.session_state[state.HEALTH] = (train, validation, result)


def on_bar(bar: st.delta_generator.DeltaGenerator) -> Progress:
    """Return a `Progress` that draws on `bar`, seldom enough not to slow the work down."""
    drawn = 0.0

    def report(stage: str, done: float, detail: str = "") -> None:
        nonlocal drawn
        now = time.monotonic()
        if now - drawn < _REDRAW_SECONDS:
            return
        drawn = now
        text = f"{stage} · {detail}" if detail else stage
        bar.progress(min(max(done, 0.0), 1.0), text=escape(text))

    return report


def report_of(train: str, validation: str) -> HealthReport | None:
    """Return the report of these two sources, if they were the last that were checked."""
    kept = st.session_state.get(state.HEALTH)
    if kept is None or kept[:2] != (train.strip(), validation.strip()):
        return None
    report: HealthReport = kept[2]
    return report


def show(report: HealthReport) -> None:
    """Say what is in both sets and what is wrong with them, worst first."""
    left, right = st.columns(2)
    left.markdown(_described("Training", report.train))
    right.markdown(_described("Validation", report.validation))
    if not report.findings:
        st.success("Nothing is wrong with the data.", icon=":material/check_circle:")
    for finding in report.findings:
        say(finding.severity, finding.sentence)
        if finding.image_ids:
            several = len(finding.image_ids) > 1
            with st.expander(f"Which {len(finding.image_ids):,}?" if several else "Which one?"):
                st.dataframe(
                    {"id": list(finding.image_ids)},
                    height=min(240, 38 + 35 * len(finding.image_ids)),
                    alt="The images concerned",
                )


def say(severity: Severity, sentence: str) -> None:
    """Say what was found, as its severity looks; `sentence` is text, not Markdown."""
    _LOOK[severity](escape(sentence), icon=_ICONS[severity])


def _described(title: str, data: Description) -> str:
    classes = sum(count > 0 for count in data.class_counts.values())
    parts = [images(data.count), "1 class" if classes == 1 else f"{classes:,} classes"]
    if data.width is not None and data.height is not None:
        (least_w, most_w), (least_h, most_h) = data.width, data.height
        size = f"{most_w} by {most_h} pixels"
        if (least_w, least_h) != (most_w, most_h):
            size = f"{least_w} by {least_h} to {size}"
        parts.append(f"{size}, {'gray' if data.gray else 'color'}")
    if data.embedding_width is not None:
        parts.append(f"embeddings of {data.embedding_width:,} numbers")
    return f"**{title}:** {', '.join(parts)}"
