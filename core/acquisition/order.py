"""What to buy: a mix as a list of orders."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import numpy as np
import pandas as pd

from core.acquisition.record import ProjectionRecord
from core.errors import ConfigError

ORDER_COLUMNS = ("source", "images", "price", "cost")


def order_table(record: ProjectionRecord, counts: Sequence[int] | np.ndarray) -> pd.DataFrame:
    """Return what to order of each source; those that give nothing are left out.

    Parameters
    ----------
    counts : images of each source, shape (m,)

    Returns
    -------
    columns source, images, price (of one image) and cost (of them all), the latter two as exact
        decimal numbers in text, empty where the price is not known

    Raises
    ------
    ConfigError : a number is negative, of another number of sources, or above a capacity
    """
    if len(counts) != len(record.offers):
        raise ConfigError(
            f"Expected a number of images for each of {len(record.offers)} sources, "
            f"got {len(counts)}."
        )
    rows = []
    for offer, count in zip(record.offers, (int(one) for one in counts), strict=True):
        if count < 0:
            raise ConfigError(f'An order needs 0 images or more of "{offer.name}", got {count}.')
        if offer.capacity is not None and count > offer.capacity:
            raise ConfigError(
                f'"{offer.name}" has {offer.capacity:,} images; {count:,} cannot be ordered.'
            )
        price = None if offer.price is None else Decimal(str(offer.price))
        if count:
            rows.append((offer.name, count, _money(price), _money(price and price * count)))
    return pd.DataFrame(rows, columns=list(ORDER_COLUMNS))


def order_csv(record: ProjectionRecord, counts: Sequence[int] | np.ndarray) -> str:
    """Return the order list as CSV; raises as `order_table`."""
    return order_table(record, counts).to_csv(index=False, lineterminator="\n")


def price_text(price: float | None, currency: str) -> str:
    """Return the price of an image for people, with every digit that it was given."""
    if price is None:
        return "not known"
    return f"{Decimal(str(price)).normalize():,f} {currency}"


def _money(amount: Decimal | None) -> str:
    return "" if amount is None else f"{amount:f}"
