from __future__ import annotations

import io
from decimal import Decimal

import pandas as pd
import pytest

from core.acquisition import OfferRecord, ProjectionRecord, order_csv, order_table, price_text
from core.errors import ConfigError
from core.runs import SourceRecord

_SET = SourceRecord(source="x", fingerprint="0" * 64, images=10)


def record_of(*offers: tuple[str, int | None, float | None]) -> ProjectionRecord:
    return ProjectionRecord(
        id="0" * 16,
        created="",
        configuration={"currency": "EUR", "table": None},
        embedder="precomputed",
        class_names=("a",),
        offers=tuple(
            OfferRecord(name=name, pilot=_SET, class_counts=(10,), capacity=capacity, price=price)
            for name, capacity, price in offers
        ),
        validation=_SET,
        validation_counts=(10,),
        test=_SET,
        scales=(10,),
        models=1,
        skipped=0,
        predictors={},
        predictor="saturating",
        best=(),
        versions={},
        device="cpu",
    )


def test_sums_are_exact_where_floats_are_not() -> None:
    """3 * 0.1 and 7 * 0.015 are off in binary."""
    table = order_table(record_of(("a", None, 0.1), ("b", None, 0.015)), [3, 7])
    assert table["images"].sum() == 10
    assert [Decimal(cost) for cost in table["cost"]] == [Decimal("0.3"), Decimal("0.105")]


def test_what_gives_nothing_is_left_out_and_a_price_unknown_is_empty() -> None:
    text = order_csv(record_of(("a", 5, 2.0), ("b", 5, 2.0), ("c", None, None)), [5, 0, 9])
    table = pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False)
    assert table.values.tolist() == [["a", "5", "2.0", "10.0"], ["c", "9", "", ""]]


def test_more_than_a_source_has_is_refused() -> None:
    with pytest.raises(ConfigError, match='"a" has 5 images; 6 cannot'):
        order_table(record_of(("a", 5, 2.0)), [6])


@pytest.mark.parametrize("counts", [[-1], [1, 1]])
def test_counts_that_are_none_are_refused(counts: list[int]) -> None:
    with pytest.raises(ConfigError):
        order_table(record_of(("a", 5, 2.0)), counts)


def test_a_free_source_costs_nothing_but_is_ordered() -> None:
    table = order_table(record_of(("a", 5, 0.0)), [4])
    assert table[["images", "cost"]].values.tolist() == [[4, "0.0"]]


@pytest.mark.parametrize(
    ("price", "said"),
    [
        (0.5, "0.5 EUR"),
        (2, "2 EUR"),
        (0.0, "0 EUR"),
        (300.0, "300 EUR"),
        (1_234_567.25, "1,234,567.25 EUR"),
        (0.00001, "0.00001 EUR"),
        (None, "not known"),
    ],
)
def test_a_price_is_said_as_it_was_given(price: float | None, said: str) -> None:
    assert price_text(price, "EUR") == said
