"""Plotly figures: pure functions of arrays and a palette; the theme gives fonts and grounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
import plotly.graph_objects as go

CHART_CONFIG: dict[str, Any] = {"displayModeBar": False, "scrollZoom": False}
NO_ZOOM: dict[str, Any] = {**CHART_CONFIG, "doubleClick": False}


@dataclass(frozen=True, slots=True)
class Palette:
    """Colors with a fixed meaning, safe for color-blind eyes, the same in light and dark."""

    hurts: str = "#D55E00"
    helps: str = "#0072B2"
    neutral: str = "#B4B4B0"
    unsure: str = "#E69F00"
    kept: str = "#009E73"
    relabelled: str = "#CC79A7"
    reference: str = "#8A8A86"
    sequential: str = "Cividis"

    @property
    def diverging(self) -> list[list[float | str]]:
        """Return the color scale from hurts (0) through neutral (0.5) to helps (1)."""
        return [[0.0, self.hurts], [0.5, self.neutral], [1.0, self.helps]]


PALETTE = Palette()


def value_histogram(
    value: np.ndarray,
    threshold: float,
    palette: Palette = PALETTE,
    bins: int = 72,
    unit: str = "units of cost",
    neutral: float = 0.0,
) -> go.Figure:
    """Draw how the values are distributed, with the cut.

    Bars are colored by value on the diverging scale. The lowest and the highest 0.1 % of the values
    are counted in the outermost bars, so that a few outliers do not flatten the rest.

    Parameters
    ----------
    value : shape (n,)
    threshold : values below it look harmful
    unit : of the values, in words
    neutral : center of the scale: values below it hurt
    """
    low, high = (float(q) for q in np.quantile(value, (0.001, 0.999)))
    low = min(low, threshold)
    if not high > low:
        low, high = low - 0.5, high + 0.5
    counts, edges = np.histogram(np.clip(value, low, high), bins=bins, range=(low, high))
    centers = (edges[:-1] + edges[1:]) / 2
    # Full color from the cut on: what lies below it is all "harmful".
    reach = max(abs(threshold - neutral), abs(high - neutral))
    figure = go.Figure(
        go.Bar(
            x=centers,
            y=counts,
            width=float(edges[1] - edges[0]),
            marker={
                "color": centers,
                "colorscale": palette.diverging,
                "cmin": neutral - reach,
                "cmax": neutral + reach,
                "line": {"width": 0},
            },
            hovertemplate="value %{x:.3g}<br>%{y:,} images<extra></extra>",
        )
    )
    figure.add_vline(
        x=threshold,
        line={"width": 1.5, "dash": "dash", "color": palette.reference},
        annotation={"text": "cut", "showarrow": False, "yanchor": "bottom"},
        annotation_position="top",
    )
    figure.update_layout(
        height=270,
        margin={"l": 8, "r": 8, "t": 22, "b": 8},
        bargap=0.06,
        dragmode=False,
        xaxis={"title": f"hurts most  ←  value ({unit})  →  helps most", "zeroline": False},
        yaxis={"title": "images", "tickformat": ","},
    )
    return figure


def distance_heatmap(
    distances: np.ndarray,
    class_names: Sequence[str],
    order: np.ndarray,
    palette: Palette = PALETTE,
) -> go.Figure:
    """Draw label distances, training classes down, validation classes across, in `order`.

    A heatmap reports no clicks, so an almost invisible marker lies on each cell and carries
    ``customdata = (training class, validation class, distance)``.

    Parameters
    ----------
    distances : shape (v, v), units of cost, NaN where unknown
    order : permutation of the v classes; those that neither set holds are left out
    """
    finite = np.isfinite(distances)
    order = order[(finite.any(axis=0) | finite.any(axis=1))[order]]
    v = len(order)
    # Plotly reads a small HTML of its own in every text.
    names = [escape(str(class_names[k]), quote=False) for k in order]
    shown = np.asarray(distances, dtype=np.float64)[np.ix_(order, order)]
    figure = go.Figure(
        go.Heatmap(
            z=np.where(np.isfinite(shown), shown, np.nan),
            x=list(range(v)),
            y=list(range(v)),
            colorscale=palette.sequential,
            hoverinfo="skip",
            xgap=1 if v <= 30 else 0,
            ygap=1 if v <= 30 else 0,
            colorbar={
                "title": {"text": "distance (units of cost)", "side": "right"},
                "thickness": 12,
            },
        )
    )
    rows, columns = (index.ravel() for index in np.indices((v, v)))
    known = np.isfinite(shown.ravel())
    rows, columns, distance = rows[known], columns[known], shown.ravel()[known]
    figure.add_trace(
        go.Scatter(
            x=columns,
            y=rows,
            mode="markers",
            marker={"symbol": "square", "size": max(5, min(44, 420 // v)), "opacity": 0.01},
            # Lists: of an array, Plotly would report a click as an object without order.
            customdata=list(
                zip(order[rows].tolist(), order[columns].tolist(), distance.tolist(), strict=True)
            ),
            text=[
                f"labelled {names[r]}<br>looks like {names[c]}"
                for r, c in zip(rows, columns, strict=True)
            ],
            hovertemplate="%{text}<br>distance %{customdata[2]:.3g}<extra></extra>",
            showlegend=False,
        )
    )
    every = 1 if v <= 45 else 2
    ticks = {"tickmode": "array", "tickvals": list(range(0, v, every)), "ticktext": names[::every]}
    figure.update_layout(
        height=max(380, min(820, 120 + 44 * v)),
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        dragmode=False,
        xaxis={
            "title": "validation class (looks like)",
            "tickangle": -40,
            "showgrid": False,
            "zeroline": False,
            "range": [-0.5, v - 0.5],
            **ticks,
        },
        yaxis={
            "title": "training class (labelled)",
            "showgrid": False,
            "zeroline": False,
            "range": [v - 0.5, -0.5],
            **ticks,
        },
    )
    return figure


def batch_heatmap(
    matrix: np.ndarray, unit: str, number_format: str, palette: Palette = PALETTE
) -> go.Figure:
    """Draw a matrix between batches, training batches across, validation batches down.

    Parameters
    ----------
    matrix : shape (K_t, K_v)
    unit : what its numbers are, for the color bar
    number_format : of d3, as ".3g" or ".1%"
    """
    left, right = matrix.shape
    figure = go.Figure(
        go.Heatmap(
            z=matrix.T,
            x=np.arange(1, left + 1),
            y=np.arange(1, right + 1),
            colorscale=palette.sequential,
            xgap=1 if left <= 80 else 0,
            ygap=1 if right <= 40 else 0,
            colorbar={
                "title": {"text": unit, "side": "right"},
                "thickness": 12,
                "tickformat": number_format,
            },
            hovertemplate="training batch %{x}<br>validation batch %{y}"
            f"<br>%{{z:{number_format}}} {unit}<extra></extra>",
        )
    )
    figure.update_layout(
        height=max(220, min(460, 120 + 20 * right)),
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        dragmode=False,
        xaxis={"title": "training batch", "showgrid": False, "zeroline": False},
        yaxis={
            "title": "validation batch",
            "showgrid": False,
            "zeroline": False,
            "autorange": "reversed",
            "tickformat": "d",
        },
    )
    for axis, count in ((figure.layout.xaxis, left), (figure.layout.yaxis, right)):
        axis.tickmode, axis.tickvals = "array", _batch_ticks(count)
    return figure


def _batch_ticks(count: int) -> list[int]:
    """Return about ten whole numbers from 1 to `count`."""
    step = next(k for k in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, count) if count / k <= 12)
    return [1, *range(step, count + 1, step)] if step > 1 else list(range(1, count + 1))
