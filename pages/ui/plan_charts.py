"""Figures of a prune plan: what each class loses, and how its distance changes."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

import numpy as np
import plotly.graph_objects as go

from core.curation import PrunePlan
from pages.ui.charts import PALETTE, Palette

CLASSES_SHOWN = 16


def class_histogram(plan: PrunePlan, palette: Palette = PALETTE) -> go.Figure:
    """Draw the images of each class, those that stay and those that go, most affected on top.

    A class that relabels make larger shows what it gains. Beyond 16 classes those that change most
    are drawn.
    """
    order = changed_most(plan)
    names = [escape(plan.class_names[k], quote=False) for k in order]
    before, after = plan.before[order], plan.after[order]
    gained = np.clip(after - before, 0, None)
    lost = np.clip(before - after, 0, None)
    places = list(range(len(order)))
    figure = go.Figure()
    for title, counts, color in (
        ("stay", after - gained, palette.neutral),
        ("gained by relabelling", gained, palette.relabelled),
        ("go", lost, palette.hurts),
    ):
        if title.startswith("gained") and not gained.any():
            continue
        figure.add_trace(
            go.Bar(
                x=counts,
                y=places,
                name=title,
                orientation="h",
                marker={"color": color, "line": {"width": 0}},
                customdata=np.column_stack([before, after]),
                hovertemplate="%{customdata[0]:,} before, %{customdata[1]:,} after"
                f"<extra>%{{y}} · {title}</extra>",
            )
        )
    figure.update_layout(
        barmode="stack",
        height=60 + 24 * max(len(order), 4),
        margin={"l": 8, "r": 8, "t": 30, "b": 8},
        bargap=0.3,
        dragmode=False,
        legend={"orientation": "h", "x": 0, "y": 1.0, "yanchor": "bottom", "traceorder": "normal"},
        xaxis={"title": "images", "tickformat": ","},
        yaxis={
            "tickmode": "array",
            "tickvals": places,
            "ticktext": names,
            "range": [len(order) - 0.5, -0.5],
            "showgrid": False,
            "zeroline": False,
        },
    )
    return figure


def changed_most(plan: PrunePlan) -> np.ndarray:
    """Return the positions of the classes to draw, those that lose the largest share first."""
    held = np.flatnonzero((plan.before > 0) | (plan.after > 0))
    share = (plan.before - plan.after)[held] / np.maximum(plan.before[held], 1)
    order: np.ndarray = held[np.argsort(-np.abs(share), kind="stable")][:CLASSES_SHOWN]
    return order


def distance_dumbbells(
    before: Mapping[str, float], after: Mapping[str, float], palette: Palette = PALETTE
) -> go.Figure:
    """Draw the distance of each class to its validation class before and after, largest on top."""
    shared = sorted((name for name in before if name in after), key=lambda name: -before[name])
    shown = shared[:CLASSES_SHOWN]
    places = list(range(len(shown)))
    old, new = [before[name] for name in shown], [after[name] for name in shown]
    figure = go.Figure()
    for place, a, b in zip(places, old, new, strict=True):
        figure.add_shape(
            type="line",
            x0=a,
            x1=b,
            y0=place,
            y1=place,
            line={"width": 2, "color": palette.neutral},
            layer="below",
        )
    for title, values, color in (
        ("before", old, palette.reference),
        ("after", new, palette.helps),
    ):
        figure.add_trace(
            go.Scatter(
                x=values,
                y=places,
                mode="markers",
                name=title,
                marker={"size": 9, "color": color},
                hovertemplate=f"{title} %{{x:.3g}}<extra></extra>",
            )
        )
    figure.update_layout(
        height=60 + 22 * max(len(shown), 4),
        margin={"l": 8, "r": 8, "t": 30, "b": 8},
        dragmode=False,
        legend={"orientation": "h", "x": 0, "y": 1.0, "yanchor": "bottom"},
        xaxis={"title": "distance to its validation class", "rangemode": "tozero"},
        yaxis={
            "tickmode": "array",
            "tickvals": places,
            "ticktext": [escape(name, quote=False) for name in shown],
            "range": [len(shown) - 0.5, -0.5],
            "showgrid": False,
            "zeroline": False,
        },
    )
    return figure
