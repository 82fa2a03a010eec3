"""What is drawn from the pilots."""

from __future__ import annotations

import numpy as np
import pytest

from core.errors import ConfigError
from core.projection import draw, feasible
from tests.core.projection.sources import pilots_of

PILOTS = pilots_of(counts=[30, 20, 10])
P = np.array([0.5, 0.3, 0.2])


def test_each_source_gives_its_share_and_no_image_twice() -> None:
    rows = draw(PILOTS, P, 40, np.random.default_rng(0))
    assert len(np.unique(rows)) == 40
    np.testing.assert_array_equal(np.bincount(PILOTS.source[rows]), [20, 12, 8])


def test_a_seed_gives_its_draw_again() -> None:
    first, again = (draw(PILOTS, P, 40, np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, draw(PILOTS, P, 40, np.random.default_rng(4)))


def test_every_image_of_a_source_is_as_likely() -> None:
    rng = np.random.default_rng(0)
    drawn = np.concatenate([draw(PILOTS, np.array([1.0, 0, 0]), 3, rng) for _ in range(1000)])
    # 1,000 draws of 3 out of 30: 100 times each, give or take 9.5.
    times = np.bincount(drawn, minlength=60)
    assert times[:30].min() > 60
    assert times[:30].max() < 140
    assert times[30:].sum() == 0


def test_a_pilot_can_be_drawn_to_its_end_and_no_further() -> None:
    assert feasible(PILOTS, P, 50)
    assert len(draw(PILOTS, P, 50, np.random.default_rng(0))) == 50
    assert not feasible(PILOTS, P, 60)
    with pytest.raises(ConfigError, match='12 from "source 2", whose pilot holds 10'):
        draw(PILOTS, P, 60, np.random.default_rng(0))


def test_a_ratio_of_other_sources_is_refused() -> None:
    with pytest.raises(ConfigError, match="each of 3 sources"):
        draw(PILOTS, np.array([0.5, 0.5]), 10, np.random.default_rng(0))
