"""Figures, tested by their data."""

from __future__ import annotations

import numpy as np
import pytest

from pages.ui.charts import (
    PALETTE,
    batch_heatmap,
    distance_heatmap,
    value_histogram,
)

VALUES = np.random.default_rng(0).standard_normal(5000)


def test_the_histogram_counts_every_image_once():
    values = np.concatenate([VALUES, [-1e6, 1e6]])
    (bars,) = value_histogram(values, threshold=-2.0).data
    assert sum(bars.y) == len(values)


def test_the_histograms_colors_are_centered_on_zero():
    (bars,) = value_histogram(VALUES + 1.0, threshold=-2.0).data
    assert bars.marker.cmin == -bars.marker.cmax
    scale = [color for _, color in bars.marker.colorscale]
    assert scale == [PALETTE.hurts, PALETTE.neutral, PALETTE.helps]


def test_the_histograms_colors_follow_what_is_neutral():
    """Surprise is never below 0: around 0, every image would look harmful."""
    (bars,) = value_histogram(-np.abs(VALUES), threshold=-2.0, neutral=-0.7).data
    np.testing.assert_allclose((bars.marker.cmin + bars.marker.cmax) / 2, -0.7)
    assert bars.marker.cmin <= -2.0


@pytest.mark.parametrize("values", [np.zeros(10), np.array([3.0])])
def test_equal_values_still_make_a_histogram(values: np.ndarray):
    (bars,) = value_histogram(values, threshold=float(values[0])).data
    assert sum(bars.y) == len(values)


def test_the_histogram_reaches_to_the_cut_where_nothing_lies_below_it():
    figure = value_histogram(VALUES, threshold=-50.0)
    assert min(figure.data[0].x) < -49.0


def test_each_known_cell_of_the_heatmap_can_be_clicked():
    distances = np.arange(9.0).reshape(3, 3)
    distances[0, 1] = np.nan
    order = np.array([2, 0, 1])
    heat, marks = distance_heatmap(distances, ("a", "b", "c"), order).data
    assert heat.z[0][0] == distances[2, 2]
    assert len(marks.customdata) == 8
    for x, y, (label, like, distance) in zip(marks.x, marks.y, marks.customdata, strict=True):
        assert (order[y], order[x]) == (label, like)
        assert distances[int(label), int(like)] == distance
    assert marks.text[0] == "labelled c<br>looks like c"


def test_a_class_that_neither_set_holds_takes_no_room_in_the_heatmap():
    distances = np.array([[1.0, np.nan, 2.0], [np.nan] * 3, [3.0, np.nan, np.nan]])
    figure = distance_heatmap(distances, ("a", "empty", "c"), np.array([2, 1, 0]))
    heat, marks = figure.data
    assert np.array(heat.z).shape == (2, 2)
    assert list(figure.layout.xaxis.ticktext) == ["c", "a"]
    assert {tuple(cell[:2]) for cell in marks.customdata} == {(0, 0), (0, 2), (2, 0)}


def test_a_class_name_cannot_bring_markup_into_the_heatmap():
    _, marks = distance_heatmap(np.ones((1, 1)), ("<b>x</b>",), np.array([0])).data
    assert "<b>" not in marks.text[0]


def test_a_hundred_classes_have_every_cell_and_every_second_name():
    figure = distance_heatmap(np.ones((100, 100)), [f"c{k}" for k in range(100)], np.arange(100))
    assert len(figure.data[1].customdata) == 10_000
    assert len(figure.layout.xaxis.ticktext) == 50


@pytest.mark.parametrize("shape", [(1, 1), (49, 10), (977, 3)])
def test_training_batches_lie_across_and_are_counted_from_one(shape: tuple[int, int]):
    matrix = np.arange(np.prod(shape), dtype=float).reshape(shape)
    figure = batch_heatmap(matrix, "units of cost", ".3g")
    (cells,) = figure.data
    np.testing.assert_array_equal(cells.z, matrix.T)
    assert (cells.x[0], cells.x[-1]) == (1, shape[0])
    ticks = figure.layout.xaxis.tickvals
    assert ticks[0] == 1
    assert len(ticks) <= 14
