"""Figures of the Detection page: tested by their data."""

from __future__ import annotations

import numpy as np
import pytest

from core.evaluation import detection_curve
from pages.ui.detection_charts import (
    GRID,
    Line,
    Mark,
    detection_chart,
    effect_chart,
    found_at,
    method_color,
)


def line(name: str, place: int = 0, *, spread: float | None = None) -> Line:
    y = np.sqrt(GRID)
    color, dash = method_color(place)
    return Line(
        method=name,
        title=name.capitalize(),
        y=y,
        low=None if spread is None else y - spread,
        high=None if spread is None else y + spread,
        color=color,
        dash=dash,
    )


def test_a_curve_runs_from_nothing_to_all_between_random_and_optimal() -> None:
    faulty = np.zeros(1000, dtype=bool)
    faulty[:70] = True
    value = np.where(faulty, -1.0, 0.0) + 0.5 * np.random.default_rng(0).standard_normal(1000)
    curve = detection_curve(value, faulty)
    y = found_at(curve)
    assert (y[0], y[-1]) == (0.0, 1.0)
    assert y[np.flatnonzero(GRID == 0.1)[0]] == pytest.approx(curve.recall_at(0.1))
    drawn = Line(method="lava", title="this run", y=y, color="#0072B2")
    optimal, random, found = detection_chart([drawn], 0.07).data
    assert 0.07 in optimal.x  # the bend of the optimal line is drawn
    assert (y <= np.minimum(GRID / 0.07, 1.0) + 1e-12).all()
    assert list(random.y) == [0.0, 1.0]
    np.testing.assert_array_equal(found.y, y)


def test_each_point_says_which_method_and_how_many_images() -> None:
    *_, grey, colored = detection_chart([line("lava"), line("random", 9)], 0.1).data
    assert colored.customdata[5] == ["lava", GRID[5]]
    assert grey.customdata[-1] == ["random", 1.0]
    assert colored.mode == "lines+markers", "Plotly reports no click on a line without points"


def test_what_has_no_color_is_named_under_the_pointer_and_once_in_the_legend() -> None:
    figure = detection_chart([line("lava"), line("knn", 7), line("random", 9)], 0.1)
    grey = [trace for trace in figure.data if trace.name == "other methods"]
    assert [trace.showlegend for trace in grey] == [True, False]
    assert [trace.hovertemplate.split("<extra>")[1] for trace in grey] == [
        "Knn</extra>",
        "Random</extra>",
    ]


def test_the_spread_over_seeds_lies_around_its_line() -> None:
    figure = detection_chart([line("lava", spread=0.05)], 0.1)
    (band,) = [trace for trace in figure.data if trace.fill == "toself"]
    k = len(GRID)
    np.testing.assert_allclose(band.y[:k] - band.y[k:][::-1], 0.1, rtol=1e-12)  # by construction


def test_the_ring_lies_on_the_line_that_is_looked_at() -> None:
    figure = detection_chart([line("lava"), line("knn", 1)], 0.1, Mark("knn", 0.25))
    ring = figure.data[-1]
    assert (ring.x[0], ring.marker.color) == (0.25, method_color(1)[0])
    assert ring.y[0] == pytest.approx(0.5)
    assert len(detection_chart([line("lava")], 0.1, Mark("gone", 0.25)).data) == 3


def test_no_two_methods_look_alike_until_all_are_grey() -> None:
    looks = [method_color(place) for place in range(6)]
    assert len({color for color, _ in looks}) == 6
    assert method_color(6)[0] is None


def test_a_title_cannot_bring_markup_into_a_figure() -> None:
    hostile = Line(method="x", title="<b>x</b>", y=GRID, color="#0072B2")
    assert "<b>" not in detection_chart([hostile], 0.1).data[-1].hovertemplate.split("<extra>")[1]


def test_what_nothing_removed_gives_is_drawn_as_far_as_the_lines() -> None:
    removed = np.array([0.0, 0.1, 0.3])
    one = Line(method="lava", title="LAVA", y=np.array([0.7, 0.8, 0.75]), color="#0072B2")
    level, drawn = effect_chart(removed, [one], "accuracy", 0.7).data
    assert (list(level.x), list(level.y)) == ([0.0, 0.3], [0.7, 0.7])
    assert list(drawn.y) == [0.7, 0.8, 0.75]
    assert len(effect_chart(removed, [one], "accuracy", None).data) == 1


def test_a_line_that_was_measured_at_its_ends_alone_is_drawn() -> None:
    ends = Line(
        method="truth", title="faults first", y=np.array([0.7, np.nan, 0.8]), color="#8A8A86"
    )
    (drawn,) = effect_chart(np.array([0.0, 0.1, 0.3]), [ends], "accuracy", None).data
    assert drawn.connectgaps
