"""Figures of the Detection page: how many faults are found, and what removing them does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
import plotly.graph_objects as go

from core.evaluation import DetectionCurve
from pages.ui.charts import PALETTE, Palette

# Safe for color-blind eyes, and told apart by their dash where hues are close; what comes after
# them is drawn in grey and named under the pointer.
_COLORS = ("#0072B2", "#009E73", "#E69F00", "#CC79A7", "#56B4E9", "#D55E00")
_DASHES = ("solid", "solid", "solid", "dash", "dash", "dash")
COLORED = len(_COLORS)
# A line reports a click on its points only: these lie closer where people look, at the worst.
_NEAR = np.arange(0, 0.1, 0.0025)
GRID = np.concatenate([_NEAR, np.arange(0.1, 1.0, 0.01), [1.0]])
"""Shares of the images inspected at which a curve is drawn, 0 to 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One method in a figure.

    Attributes
    ----------
    method, title : its name, and that for people
    y : shape (k,), its mean over seeds
    low, high : shape (k,), one standard deviation over the seeds below and above; None where there
        is one seed
    color, dash : as `colored` gives them
    """

    method: str
    title: str
    y: np.ndarray
    low: np.ndarray | None = None
    high: np.ndarray | None = None
    color: str | None = None
    dash: str = "solid"


@dataclass(frozen=True, slots=True)
class Mark:
    """The point of a line that the images beside it are about."""

    method: str
    x: float


def method_color(place: int) -> tuple[str | None, str]:
    """Return the color and the dash of the method at a place of the table; grey has none."""
    return (_COLORS[place], _DASHES[place]) if place < COLORED else (None, "solid")


def found_at(curve: DetectionCurve, grid: np.ndarray = GRID) -> np.ndarray:
    """Return the share of the faults found at each share of the images inspected."""
    found = np.interp(grid * curve.images, curve.inspected, curve.found) / curve.faults
    return np.asarray(found, dtype=np.float64)


def detection_chart(
    lines: Sequence[Line],
    faulty: float,
    mark: Mark | None = None,
    palette: Palette = PALETTE,
    grid: np.ndarray = GRID,
) -> go.Figure:
    """Draw how many faults each method finds when images are inspected worst first.

    Beside the lines stand the order of somebody who knows the faults, and a random order. Each
    point of a line carries ``customdata = (method, share inspected)``.

    Parameters
    ----------
    lines : on `grid`
    faulty : share of the images that are faulty, above 0
    mark : the point to draw a ring around
    grid : shape (k,), shares of the images inspected, 0 to 1
    """
    figure = go.Figure()
    bend = np.union1d(grid, [faulty])
    for name, x, y, dash in (
        ("optimal", bend, np.minimum(bend / faulty, 1.0), "dot"),
        ("random order", np.array([0.0, 1.0]), np.array([0.0, 1.0]), "dash"),
    ):
        figure.add_trace(_reference(name, x, y, dash, palette))
    _draw(figure, grid, lines, palette, "%{x:.1%} of images inspected<br>%{y:.1%} of faults found")
    if mark is not None:
        _ring(figure, grid, lines, mark, palette)
    figure.update_layout(
        **_layout(460),
        legend={"x": 0.99, "y": 0.03, "xanchor": "right", "yanchor": "bottom"},
        xaxis={"title": "images inspected, worst first", "tickformat": ".0%", "range": [0, 1.005]},
        yaxis={"title": "faults found", "tickformat": ".0%", "range": [0, 1.02]},
    )
    return figure


def effect_chart(
    removed: np.ndarray,
    lines: Sequence[Line],
    quantity: str,
    untouched: float | None,
    palette: Palette = PALETTE,
) -> go.Figure:
    """Draw what a learner does (its accuracy, an attack's success) after images were removed.

    Methods have the colors of the detection chart, whose legend is not repeated.

    Parameters
    ----------
    removed : shape (k,), shares of the images removed, 0 to 1
    lines : on `removed`
    quantity : what stands on the upright axis, with its unit
    untouched : the same with nothing removed; None where that is not known
    """
    figure = go.Figure()
    if untouched is not None:
        ends = np.array([0.0, float(removed.max())])
        level = np.array([untouched, untouched])
        figure.add_trace(_reference("nothing removed", ends, level, "dot", palette))
    _draw(figure, removed, lines, palette, f"%{{x:.0%}} of images removed<br>%{{y:.1%}} {quantity}")
    for trace in figure.data:
        trace.showlegend = trace.line.color == palette.reference
    figure.update_layout(
        **_layout(320),
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "itemclick": False},
        xaxis={"title": "images removed", "tickformat": ".0%"},
        yaxis={"title": quantity, "tickformat": ".0%"},
    )
    return figure


def _layout(height: int) -> dict[str, Any]:
    return {
        "height": height,
        "margin": {"l": 8, "r": 26, "t": 8, "b": 8},
        "dragmode": False,
        "hovermode": "closest",
        "clickmode": "event+select",
    }


def _reference(name: str, x: np.ndarray, y: np.ndarray, dash: str, palette: Palette) -> go.Scatter:
    return go.Scatter(
        x=x,
        y=y,
        name=name,
        mode="lines",
        line={"color": palette.reference, "dash": dash, "width": 1.5},
        hoverinfo="skip",
    )


def _draw(
    figure: go.Figure, x: np.ndarray, lines: Sequence[Line], palette: Palette, hover: str
) -> None:
    """Add the lines, grey ones first so that they lie below, with their spread behind them."""
    grey = [line for line in lines if line.color is None]
    colored = [line for line in lines if line.color is not None]
    for line in colored:
        if line.low is not None and line.high is not None:
            figure.add_trace(_band(x, line.low, line.high, str(line.color)))
    for line in [*grey, *colored]:
        title = escape(line.title, quote=False)
        figure.add_trace(
            go.Scatter(
                x=x,
                y=line.y,
                name=title if line.color is not None else "other methods",
                legendgroup=line.method if line.color is not None else "other",
                showlegend=line.color is not None or line is grey[0],
                mode="lines+markers",
                connectgaps=True,  # the order that knows the faults is measured at both ends only
                opacity=1.0 if line.color is not None else 0.55,
                line={
                    "color": line.color or palette.neutral,
                    "dash": line.dash,
                    "width": 2.5 if line.color is not None else 1.5,
                },
                # Only points can be clicked: they are there, and not seen.
                marker={"size": 9, "opacity": 0.01},
                selected={"marker": {"opacity": 0.01}},
                unselected={"marker": {"opacity": 0.01}},
                # Lists: of an array, Plotly would report a click as an object without order.
                customdata=[[line.method, share] for share in x.tolist()],
                hovertemplate=f"{hover}<extra>{title}</extra>",
            )
        )


def _band(x: np.ndarray, low: np.ndarray, high: np.ndarray, color: str) -> go.Scatter:
    """Return the area within one standard deviation over the seeds."""
    red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    return go.Scatter(
        x=np.concatenate([x, x[::-1]]),
        y=np.concatenate([high, low[::-1]]),
        mode="lines",
        line={"width": 0},
        fill="toself",
        fillcolor=f"rgba({red},{green},{blue},0.16)",
        hoverinfo="skip",
        showlegend=False,
    )


def _ring(
    figure: go.Figure, grid: np.ndarray, lines: Sequence[Line], mark: Mark, palette: Palette
) -> None:
    line = next((line for line in lines if line.method == mark.method), None)
    if line is None:
        return
    figure.add_vline(x=mark.x, line={"width": 1, "color": palette.reference})
    figure.add_trace(
        go.Scatter(
            x=[mark.x],
            y=[float(np.interp(mark.x, grid, line.y))],
            mode="markers",
            marker={
                "size": 13,
                "symbol": "circle-open",
                "line": {"width": 3},
                "color": line.color or palette.reference,
            },
            hoverinfo="skip",
            showlegend=False,
            selected={"marker": {"opacity": 1.0}},
            unselected={"marker": {"opacity": 1.0}},
        )
    )
