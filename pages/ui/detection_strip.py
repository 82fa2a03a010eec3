"""The images at a rank of a ranking, each with what is known of it."""

from __future__ import annotations

from html import escape
from urllib.parse import urlencode

import numpy as np
import pandas as pd
import streamlit as st

from core.curation import keep_selection
from core.runs import Run, home
from pages.ui import state
from pages.ui.address import base_path
from pages.ui.state import Keys

SHOWN = 24
_STYLE = """<style>
.assay-ranked{display:grid;grid-template-columns:repeat(12,minmax(0,1fr));gap:10px 8px}
@media(max-width:1000px){.assay-ranked{grid-template-columns:repeat(6,minmax(0,1fr))}}
.assay-ranked a{color:inherit;text-decoration:none;min-width:0}
.assay-ranked img,.assay-ranked span{width:100%;aspect-ratio:1;object-fit:contain;display:block;
 background:rgba(128,128,128,.14);border-radius:4px;image-rendering:pixelated}
.assay-ranked span{padding:6px;overflow:hidden;overflow-wrap:anywhere;font-size:.75rem;
 line-height:1.3}
.assay-ranked .faulty :first-child{box-shadow:0 0 0 2px #D55E00}
.assay-ranked a:focus-visible :first-child,
.assay-ranked a:hover :first-child{outline:2px solid #0072B2;outline-offset:2px}
.assay-ranked b,.assay-ranked i{display:block;line-height:1.3;white-space:nowrap;overflow:hidden;
 text-overflow:ellipsis}
.assay-ranked b{font-weight:500;font-size:.8rem;margin-top:5px}
.assay-ranked i{font-style:normal;font-size:.76rem;opacity:.7;font-variant-numeric:tabular-nums}
.assay-ranked .faulty i+i{opacity:1}
.assay-open{display:inline-block;padding:.4rem .75rem;border:1px solid rgba(128,128,128,.4);
 border-radius:.4rem;color:inherit;text-decoration:none;font-size:.9rem}
.assay-open:hover,.assay-open:focus-visible{border-color:#0072B2;outline:1px solid #0072B2}
</style>"""


def ranked_rows(value: np.ndarray, first: int, count: int = SHOWN) -> np.ndarray:
    """Return the rows at ranks `first` to `first + count` - 1, worst first, counted from 0.

    Parameters
    ----------
    value : shape (n,); higher is better; ties keep the order of the rows
    first : clipped, so that `count` images follow where there are so many
    """
    first = min(max(first, 0), max(len(value) - count, 0))
    order = np.argsort(value, kind="stable")
    rows: np.ndarray = order[first : first + count]
    return rows


def window(rank: int, n: int, count: int = SHOWN) -> int:
    """Return the first of `count` ranks with `rank` in their middle, of n, counted from 0."""
    return min(max(rank - count // 2, 0), max(n - count, 0))


def strip(run: Run, value: np.ndarray, known: pd.DataFrame, rank: int, title: str) -> None:
    """Draw the images around a rank, worst first, with links into Review.

    Parameters
    ----------
    value : shape (n,), of each row of `run.values`; higher is better
    known : fault ("" where sound) and clean_label ("" where not known) of each row of the run
    rank : how many images are inspected before the middle of the strip
    title : of the method, for people
    """
    first = window(rank, len(value))
    rows = ranked_rows(value, first)
    last = first + len(rows)
    faulty = int((known["fault"].to_numpy()[rows] != "").sum())
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(
            f"**{title}**, images {first + 1:,} to {last:,} of {len(value):,}, worst first: "
            f"{faulty} of {len(rows)} are faulty, framed.",
            width="stretch",
        )
        _step("Worse", first > 0, first - SHOWN, len(value), ":material/chevron_left:")
        _step("Better", last < len(value), first + SHOWN, len(value), ":material/chevron_right:")
        st.html(f"{_STYLE}{_review_link(run, rows)}", width="content")
    st.html(f'<div class="assay-ranked">{_tiles(run, rows, known, first)}</div>')


def _review_link(run: Run, rows: np.ndarray) -> str:
    """Return a link to these images in Review, as HTML.

    A link of the browser's own: `st.switch_page` leaves three entries in its history, and Back
    would not lead here.
    """
    query = urlencode({state.RUN: run.id, state.SELECTION: keep_selection(home(), run, rows)})
    return (
        f'<a class="assay-open" target="_self" href="{base_path()}/review?{escape(query)}" '
        'title="Look at the evidence of each, and decide">Open in Review</a>'
    )


def _step(label: str, possible: bool, first: int, n: int, icon: str) -> None:
    """Offer the images before or after those shown."""
    target = min(max(first, 0), max(n - SHOWN, 0)) + SHOWN // 2

    def go() -> None:
        st.query_params[state.RANK] = str(target)

    st.button(
        label,
        key=Keys.of(Keys.DETECTION_STEP, label.lower()),
        icon=icon,
        disabled=not possible,
        on_click=go,
        type="tertiary",
    )


def _tiles(run: Run, rows: np.ndarray, known: pd.DataFrame, first: int) -> str:
    """Return the tiles as HTML; names come from the data, so all of them are escaped."""
    pictures = f"{base_path()}/assay/runs/{run.id}/images/train"
    table = run.values.iloc[rows]
    said = known.iloc[rows]
    tiles = []
    for rank, row, image, name, fault, clean in zip(
        range(first + 1, first + 1 + len(rows)),
        rows.tolist(),
        table["id"].astype(str),
        table["class_name"].astype(str),
        said["fault"].astype(str),
        said["clean_label"].astype(str),
        strict=True,
    ):
        lines = [f"{rank:,}", fault or "sound"]
        if fault and clean and clean != name:
            lines.append(f"is {clean}")
        words = ", ".join(lines[1:])
        target = urlencode({state.RUN: run.id, state.IMAGE: image})
        hint = f"{image}, rank {rank:,}, labelled {name}, {words}"
        picture = (
            f'<img loading="lazy" src="{pictures}/{row}?size=256" alt="{escape(hint)}">'
            if run.record.train.has_pictures
            else f"<span>{escape(image)}</span>"
        )
        tiles.append(
            f'<a class="{"faulty" if fault else "sound"}" title="{escape(hint)}" target="_self" '
            f'href="{base_path()}/review?{escape(target)}">{picture}<b>{escape(name)}</b>'
            f"{''.join(f'<i>{escape(line)}</i>' for line in lines)}</a>"
        )
    return "".join(tiles)
