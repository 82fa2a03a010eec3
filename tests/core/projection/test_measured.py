from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from core.errors import DataError
from core.projection import Measured, measured_from_table


def table(**columns: list[float]) -> pd.DataFrame:
    return pd.DataFrame(columns)


def test_a_table_of_counts_gives_ratios_and_sizes() -> None:
    found = measured_from_table(
        table(a=[100, 0, 100], b=[300, 400, 300], accuracy=[0.5, 0.4, 0.6]), ["a", "b"]
    )
    np.testing.assert_allclose(found.p, [[0.25, 0.75], [0, 1], [0.25, 0.75]])
    assert found.n.tolist() == [400, 400, 400]
    assert found.repeat.tolist() == [0, 0, 1]


def test_a_table_of_shares_needs_sizes() -> None:
    shares = {"a": [0.5], "b": [0.5], "accuracy": [0.7]}
    with pytest.raises(DataError, match="column 'n'"):
        measured_from_table(table(**shares), ["a", "b"])
    assert measured_from_table(table(**shares, n=[300]), ["a", "b"]).n.tolist() == [300]


def test_rounded_thirds_are_one_mixture_with_exact_ones() -> None:
    p = np.array([[1 / 3] * 3, [0.3333, 0.3333, 0.3334]])
    found = Measured(
        p=p, n=np.array([10, 10]), repeat=np.array([0, 1]), accuracy=np.array([0.4, 0.6])
    )
    means = found.mean()
    assert len(means) == 1
    np.testing.assert_allclose(means.accuracy, [0.5])


def test_means_keep_sizes_and_mixtures_apart() -> None:
    found = Measured(
        p=np.array([[1.0, 0], [1, 0], [1, 0], [0, 1]]),
        n=np.array([10, 10, 20, 10]),
        repeat=np.array([0, 1, 0, 0]),
        accuracy=np.array([0.1, 0.3, 0.5, 0.7]),
        per_class=np.array([[0.0, np.nan], [0.2, np.nan], [1, np.nan], [1, np.nan]]),
        distance=np.array([1.0, 3, 5, 7]),
    ).mean()
    assert sorted(zip(found.n.tolist(), found.accuracy.round(6).tolist(), strict=True)) == [
        (10, 0.2),
        (10, 0.7),
        (20, 0.5),
    ]
    assert found.distance is not None
    assert sorted(found.distance.tolist()) == [2, 5, 7]
    assert found.per_class is not None
    assert np.isnan(found.per_class[:, 1]).all()


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("accuracy", 92.0, "not percentages"),
        ("accuracy", np.nan, "no number"),
        ("a", -1.0, "no mixture"),
        ("a", "much", "holds something else"),
    ],
)
def test_a_row_that_is_no_accuracy_of_a_mixture_is_named(
    column: str, value: object, message: str
) -> None:
    columns: dict[str, list[object]] = {"a": [10.0], "b": [10.0], "accuracy": [0.5]}
    columns[column] = [value]
    with pytest.raises(DataError, match=message):
        measured_from_table(pd.DataFrame(columns), ["a", "b"])


def test_a_missing_column_is_named() -> None:
    with pytest.raises(DataError, match="lacks the column 'b'"):
        measured_from_table(table(a=[1], accuracy=[0.5]), ["a", "b"])


def test_asking_for_a_size_that_was_not_trained_is_refused() -> None:
    found = measured_from_table(table(a=[10], b=[10], accuracy=[0.5]), ["a", "b"])
    with pytest.raises(DataError):
        found.at(30)
