from __future__ import annotations

import numpy as np
import pytest

from core.projection import Bend, bend
from tests.core.projection.planted import planted, saturating


def curved(by: float):
    """Accuracy whose every doubling gains `by` more than the one before."""

    def truth(p: np.ndarray, n: np.ndarray) -> np.ndarray:
        doublings = np.log2(n / 200)
        return 0.3 + 0.1 * p[:, 0] + 0.08 * doublings + by / 2 * doublings**2

    return truth


@pytest.mark.parametrize("by", [-0.02, 0.0, 0.03])
def test_what_a_doubling_gains_more_is_found(by: float) -> None:
    found = bend(planted(curved(by)))
    assert found is not None
    assert found.change == pytest.approx(by, abs=1e-9)
    assert found.error == pytest.approx(0, abs=1e-9)
    assert found.largest == 1500


def test_a_law_that_levels_off_is_said_to() -> None:
    found = bend(planted(saturating, noise=0.005))
    assert found is not None
    assert found.slows
    assert "saturates" in found.sentence
    assert "all but the saturating and the rational law" in found.sentence
    assert "1,500" in found.sentence
    assert found.mixtures == 15


def test_faster_growth_and_log_growth_are_told_apart() -> None:
    faster, straight = bend(planted(curved(0.03))), bend(planted(curved(0.0), noise=0.01))
    assert faster is not None
    assert straight is not None
    assert faster.sentence.startswith("At the sizes that were trained growth does not slow down")
    assert "that it ends is assumed, not seen" in faster.sentence
    assert "about as log N" in straight.sentence


def test_noise_makes_the_error_larger() -> None:
    quiet, loud = (bend(planted(curved(0.0), noise=noise)) for noise in (0.001, 0.02))
    assert quiet is not None
    assert loud is not None
    assert loud.error > 5 * quiet.error


@pytest.mark.parametrize(("sizes", "steps"), [((200, 400), 4), ((200, 400, 800), 1)])
def test_two_sizes_tell_nothing_and_three_corners_do(sizes, steps) -> None:
    found = bend(planted(saturating, steps=steps, sizes=sizes))
    assert (found is None) == (len(sizes) == 2)


def test_two_mixtures_tell_nothing() -> None:
    assert bend(planted(saturating, m=2, steps=1)) is None


@pytest.mark.parametrize(("mixtures", "errors"), [(3, 4.3), (5, 2.78), (15, 2.15), (1000, 1.96)])
@pytest.mark.parametrize("sign", [-1, 1])
def test_of_few_mixtures_more_is_asked(mixtures: int, errors: float, sign: int) -> None:
    """Student's t: of three mixtures 2 standard errors are passed by chance in one case of five."""

    def sentence(times: float) -> str:
        change = sign * times * 0.01
        return Bend(change=change, error=0.01, mixtures=mixtures, largest=800).sentence

    assert "about as log N" in sentence(0.99 * errors)
    assert "about as log N" not in sentence(1.01 * errors)
