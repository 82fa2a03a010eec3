from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.datasets.labels import encode_labels
from core.errors import DataError


def where(row: int) -> str:
    return f"row {row + 1}"


@given(st.lists(st.text(min_size=1).filter(lambda t: t.strip() == t), min_size=1))
def test_every_label_keeps_its_name(values: list[str]) -> None:
    labels, names = encode_labels(values, None, where)
    assert [names[u] for u in labels] == values
    assert len(set(names)) == len(names)


@given(st.permutations(["2", "10", "b", "a", "-1", "007"]))
def test_classes_have_one_order_whatever_that_of_the_rows(values: list[str]) -> None:
    _, names = encode_labels(values, None, where)
    assert names == ("-1", "2", "10", "007", "a", "b")


def test_integers_are_positions_in_the_names() -> None:
    labels, names = encode_labels(np.array([2, 0]), ["a", "b", "c"], where)
    assert labels.tolist() == [2, 0]
    assert names == ("a", "b", "c")
    labels, _ = encode_labels(["2", "0"], ["a", "b", "c"], where)
    assert labels.tolist() == [2, 0]


def test_a_class_called_by_a_number_is_found_by_name_first() -> None:
    labels, _ = encode_labels(["1", "0"], ["0", "1"][::-1], where)
    assert labels.tolist() == [0, 1]


def test_bytes_are_text() -> None:
    assert encode_labels(np.array([b"ant"]), None, where)[1] == ("ant",)


@pytest.mark.parametrize("value", [None, "", "  ", float("nan")])
def test_a_missing_label_is_named_by_row(value: object) -> None:
    with pytest.raises(DataError, match="row 2: the label is missing"):
        encode_labels(np.array(["a", value], dtype=object), None, where)


@pytest.mark.parametrize("value", [0.5, float("inf")])
def test_a_label_that_is_no_whole_number_is_named_by_row(value: float) -> None:
    with pytest.raises(DataError, match=r"row 1: the label .* is a fraction"):
        encode_labels([value], None, where)


def test_a_very_long_number_is_a_name() -> None:
    assert encode_labels(["9" * 5000], None, where)[1] == ("9" * 5000,)
