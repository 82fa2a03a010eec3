"""Export: what goes, what that changes, and the result in the formats that people use."""

from __future__ import annotations

import shlex
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from core.curation import (
    FORMATS,
    LINKS,
    Effect,
    PrunePlan,
    RunDecisions,
    export,
    export_archive,
    make_plan,
    open_store,
)
from core.errors import AssayError, ConfigError
from core.paths import absolute_path
from core.runs import Run, home
from core.valuation import method_title
from pages.ui import links, plan, plan_classes, shell
from pages.ui.state import Keys
from pages.ui.words import escape, images, number, percent, when

_DOWNLOAD_WIDTH = 220
_LINK_NAMES = {"hard": "Hard links", "symbolic": "Symbolic links", "copy": "Copies"}
_LINK_HELP = (
    "Hard links take no room but need the same disk, and a file that is edited in place changes in "
    "both. Symbolic links take no room and break if the source moves. Copies stand alone."
)


def _counts(run: Run, decisions: pd.DataFrame, chosen: PrunePlan) -> None:
    verdicts = decisions["verdict"].value_counts()
    decided = int(chosen.decided.sum())
    planned = int(chosen.removed.sum()) - decided
    n = len(run.values)
    undecided = n - int((decisions["verdict"] != "clear").sum())
    facts = (
        ("Stay", int(chosen.kept.sum()), percent(float(chosen.kept.mean()))),
        ("Go by decision", decided, percent(decided / n)),
        ("Go by the plan", planned, percent(planned / n)),
        ("Relabelled", chosen.relabelled, "stay"),
        ("Decided keep", int(verdicts.get("keep", 0)), "stay"),
        ("Not decided", undecided, f"and {int(verdicts.get('unsure', 0)):,} unsure"),
    )
    for card, (label, count, note) in zip(st.columns(len(facts), gap="small"), facts, strict=True):
        card.metric(
            label,
            f"{count:,}",
            delta=note,
            delta_color="off",
            delta_arrow="off",
            border=True,
            height="stretch",
        )
    if undecided == n:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.info(
                "Nothing has been decided yet. Look at the worst images first, or let a plan take "
                "the worst unseen.",
                icon=":material/info:",
            )
            links.link("review", "Review the worst images", run=run.id, **links.ALONE)
    disputed = int(decisions["disputed"].sum())
    if disputed:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.warning(
                f"{images(disputed)} judged differently by reviewers. The latest decision counts.",
                icon=":material/compare_arrows:",
            )
            links.link(
                "review",
                "Look at what reviewers disagree on",
                run=run.id,
                **{Keys.REVIEW_STATE: "Reviewers disagree"},
                **links.ALONE,
            )


def _archive(run: Run, name: str, settings: PrunePlan, effect: dict[str, Any] | None) -> bytes:
    """Make the download when it is asked for, so that it holds the latest decisions."""
    decisions = _decisions(run)
    fresh = make_plan(run, decisions, settings.settings)
    return export_archive(run, decisions, name, plan=fresh, effect=effect)


def _decisions(run: Run) -> pd.DataFrame:
    return RunDecisions(open_store(home()), run).current()


def _downloads(run: Run, chosen: PrunePlan, effect: dict[str, Any] | None) -> None:
    st.subheader("Download", anchor=False)
    with st.container(border=True, gap="small"):
        for name, item in FORMATS.items():
            if item.large:
                continue
            with st.container(horizontal=True, vertical_alignment="center", wrap=False):
                st.markdown(f":gray[{escape(item.purpose)}]", width="stretch")
                # Named by what it holds: buttons that are all called Download cannot be told apart.
                st.download_button(
                    item.title,
                    data=partial(_archive, run, name, chosen, effect),
                    file_name=f"assay-{run.id}-{name}.zip",
                    mime="application/zip",
                    key=Keys.of(Keys.EXPORT_DOWNLOAD, name),
                    icon=":material/download:",
                    on_click="ignore",
                    width=_DOWNLOAD_WIDTH,
                )


@st.fragment
def _write(run: Run, chosen: PrunePlan, effect: dict[str, Any] | None) -> None:
    st.subheader("Write to a folder", anchor=False)
    with st.container(border=True, gap="small"):
        name = st.selectbox(
            "Format",
            list(FORMATS),
            format_func=lambda key: FORMATS[key].title,
            key=Keys.EXPORT_FORMAT,
        )
        item = FORMATS[name]
        holds = "all images" if item.holds == "all" else images(int(chosen.kept.sum()))
        st.caption(f"{escape(item.purpose)} Holds {holds}.")
        link = "copy"
        if item.links and run.values["path"].notna().any():
            link = st.segmented_control(
                "Pictures by",
                list(LINKS),
                format_func=_LINK_NAMES.__getitem__,
                default="hard",
                required=True,
                key=Keys.EXPORT_LINK,
                help=_LINK_HELP,
            )
        left, right = st.columns([3, 1], vertical_alignment="bottom", gap="small")
        folder = left.text_input(
            "Folder, new or empty",
            key=Keys.EXPORT_FOLDER,
            placeholder="/data/exports/cleaned",
            help="On the machine that Assay runs on. A folder that holds something is refused.",
        ).strip()
        asked = right.button(
            "Write", icon=":material/save:", key=Keys.EXPORT_WRITE, width="stretch", type="primary"
        )
        if asked:
            _write_now(run, chosen, effect, name, link, folder)
        with st.expander("The same on the command line", icon=":material/terminal:"):
            st.code(_command(run, chosen, name, link, folder), language="sh", wrap_lines=True)


def _write_now(
    run: Run,
    chosen: PrunePlan,
    effect: dict[str, Any] | None,
    name: str,
    link: str,
    folder: str,
) -> None:
    bar = st.progress(0.0, text="Writing the files")

    def report(stage: str, done: float, detail: str = "") -> None:
        bar.progress(min(max(done, 0.0), 1.0), text=f"{stage} {escape(detail)}")

    try:
        if not folder:
            raise ConfigError("Name a folder to write to; it may be new.")
        target = absolute_path(folder)
        decisions = _decisions(run)
        written = export(
            run,
            decisions,
            name,
            target,
            plan=make_plan(run, decisions, chosen.settings),
            link=link,
            effect=effect,
            progress=report,
        )
    except AssayError as error:
        shell.show_error(error)
        return
    finally:
        bar.empty()
    listed = ", ".join(escape(path.name) for path in written[:6])
    more = f" and {len(written) - 6} more" if len(written) > 6 else ""
    st.success(f"Written to {escape(str(written[0].parent))}: {listed}{more}.")
    opening = FORMATS[name].opens_with.replace("FOLDER", str(written[0].parent))
    st.caption("It opens with")
    st.code(opening, language=None, wrap_lines=True)


def _command(run: Run, chosen: PrunePlan, name: str, link: str, folder: str) -> str:
    """Return the command that writes the same."""
    asked = chosen.settings
    words = ["python", "-m", "core", "export", "--run", run.id, "--format", name]
    words += ["--out", folder or "FOLDER"]
    if FORMATS[name].links:
        words += ["--link", link]
    if asked.amount is not None:
        words += [f"--plan-{asked.budget}", f"{asked.amount:g}"]
    if asked.budget == "suggested":
        words.append("--plan-suggested")
    if asked.unsure:
        words.append("--plan-unsure")
    if asked.class_share is not None:
        words += ["--plan-class-share", f"{asked.class_share:g}"]
    if asked.class_minimum:
        words += ["--plan-class-minimum", str(asked.class_minimum)]
    for class_name, share in asked.class_shares.items():
        words += ["--plan-class", f"{class_name}={share:g}"]
    for source in asked.without:
        words += ["--plan-without", source]
    return shlex.join(words)


def _provenance(run: Run) -> None:
    record = run.record
    facts = {
        "Run": record.id,
        "Made": when(record.created),
        "Training set": f"{record.train.source} ({images(record.train.images)})",
        "Its fingerprint": record.train.fingerprint[:16],
        "Validation set": f"{record.validation.source} ({images(record.validation.images)})",
        "Method": method_title(record.method)
        + ("" if record.epsilon is None else f", epsilon {number(record.epsilon)}"),
        "Embedder": record.embedder,
        "Seed": str(record.seed),
        "Assay": record.versions.get("assay", "unknown"),
    }
    with st.expander("Provenance: goes with every export", icon=":material/history_edu:"):
        st.dataframe(
            pd.DataFrame({"What": list(facts), "Value": list(facts.values())}),
            hide_index=True,
            height="content",
            alt="Provenance of the export",
            column_config={"What": st.column_config.TextColumn(width="small")},
        )
        st.caption(
            "provenance.json also holds every setting, the plan, the counts of decisions, and what "
            "the plan does to the OT distance where that was solved."
        )


@st.fragment
def _planned(run: Run, decisions: pd.DataFrame) -> None:
    """Draw all that follows from the plan; a change of it leaves the rest of the page as it is."""
    cards = st.container()
    left, middle, right = st.columns([1.35, 1, 0.9], gap="medium")
    with left:
        st.subheader("What goes?", anchor=False)
        chosen = plan.ask(run, decisions)
    if chosen is None:
        return
    with cards:
        _counts(run, decisions, chosen)
    with left:
        plan.show_short(chosen)
    with middle:
        plan_classes.show_classes(chosen)
    effect: Effect | None
    with right:
        effect = plan.show_effect(run, chosen)
    plan.show_sources(run, chosen)
    facts = None if effect is None else effect.facts()
    left, right = st.columns([1, 1.15], gap="medium")
    with left:
        _write(run, chosen, facts)
        _provenance(run)
    with right:
        _downloads(run, chosen, facts)


def _page(run: Run) -> None:
    with st.spinner("Counting the decisions"), shell.explained():
        decisions = _decisions(run)
    _planned(run, decisions)


_page(shell.require_run("Export"))
