"""A read-only strip of images, drawn from the addresses of the picture route."""

from __future__ import annotations

from html import escape
from urllib.parse import urlencode

import pandas as pd
import streamlit as st

from core.runs import Run
from pages.ui import state
from pages.ui.address import base_path
from pages.ui.words import number

_STYLE = """<style>
.assay-strip{display:grid;grid-template-columns:repeat(12,minmax(0,1fr));gap:10px}
@media(max-width:1000px){.assay-strip{grid-template-columns:repeat(6,minmax(0,1fr))}}
.assay-strip a{color:inherit;text-decoration:none;min-width:0}
.assay-strip img,.assay-strip span{width:100%;aspect-ratio:1;object-fit:contain;display:block;
 background:rgba(128,128,128,.14);border-radius:4px;image-rendering:pixelated}
.assay-strip span{padding:6px;overflow:hidden;overflow-wrap:anywhere;font-size:.78rem;
 line-height:1.3}
.assay-strip a:focus-visible :first-child,
.assay-strip a:hover :first-child{outline:2px solid #0072B2;outline-offset:1px}
.assay-strip b{display:block;font-weight:500;font-size:.82rem;white-space:nowrap;overflow:hidden;
 text-overflow:ellipsis;margin-top:4px;line-height:1.3}
.assay-strip i{display:block;line-height:1.3;font-style:normal;font-size:.78rem;opacity:.7;
 font-variant-numeric:tabular-nums}
</style>"""


def strip(run: Run, rows: pd.DataFrame) -> None:
    """Draw the images `rows` of `run.values`; its index holds their positions.

    Where there are no pictures, their ids stand in their place. Names come from the data, so
    everything in the markup is escaped.
    """
    pictures = f"{base_path()}/assay/runs/{run.id}/images/train"
    tiles = []
    for position, row in zip(rows.index, rows.itertuples(index=False), strict=True):
        target = urlencode({state.RUN: run.id, state.IMAGE: row.id})
        name, value = escape(str(row.class_name)), number(float(str(row.value)))
        picture = (
            f'<img loading="lazy" src="{pictures}/{position}?size=256" '
            f'alt="{escape(str(row.id))}, labelled {name}, value {value}">'
            if run.record.train.has_pictures
            else f"<span>{escape(str(row.id))}</span>"
        )
        tiles.append(
            f'<a href="{base_path()}/review?{escape(target)}" target="_self" '
            f'title="{escape(str(row.id))}">{picture}'
            f"<b>{name}</b><i>{value}</i></a>"
        )
    st.html(f'{_STYLE}<div class="assay-strip">{"".join(tiles)}</div>')
