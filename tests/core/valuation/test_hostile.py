"""Every method on input at the ends of its range: the right values, or an error in words."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from core.errors import AssayError, ConfigError, DataError
from core.transport import GroundCost
from core.valuation import METHODS, TransportValuation, value_lava, value_new, value_sava

NAMES = sorted(name for name, method in METHODS.items() if method.transports)
METHOD = st.sampled_from(NAMES)
MOST_PASSES = 200
FEW = settings(max_examples=20, phases=[Phase.explicit, Phase.generate])
Set = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def points(seed: int = 0, n: int = 31, m: int = 20) -> Set:
    rng = np.random.default_rng(seed)
    centers = rng.standard_normal((3, 4))
    x_labels, y_labels = rng.integers(0, 3, n), rng.integers(0, 3, m)
    x = centers[x_labels] + 0.5 * rng.standard_normal((n, 4))
    y = centers[y_labels] + 0.5 * rng.standard_normal((m, 4))
    return x, x_labels, y, y_labels


def valued(
    name: str, sets: Set, n_classes: int = 3, *, dtype: type = np.float32, **given: object
) -> TransportValuation:
    x, x_labels, y, y_labels = sets
    config = METHODS[name].configure({"device": "cpu", "max_passes": MOST_PASSES, **given})
    return METHODS[name](x.astype(dtype), x_labels, y.astype(dtype), y_labels, n_classes, config)


def assert_sound(found: TransportValuation) -> None:
    """Finite everywhere, within the passes allowed, and honest about convergence."""
    for part in (found.value, found.validation_value, found.f, found.g):
        assert np.isfinite(part).all()
    certificate = (found.primal, found.dual, found.transport_cost, found.marginal_error)
    assert np.isfinite(certificate).all()
    assert found.passes <= MOST_PASSES
    assert found.converged == (found.marginal_error <= found.tolerance)
    assert ((found.looks_like_probability >= 0) & (found.looks_like_probability <= 1)).all()


@given(
    name=METHOD,
    seed=st.integers(0, 30),
    exponent=st.integers(-8, 8),
    p=st.sampled_from([1, 2]),
    dtype=st.sampled_from([np.float32, np.float64]),
)
@FEW
def test_values_follow_the_scale_where_epsilon_is_relative(
    name: str, seed: int, exponent: int, p: int, dtype: type
) -> None:
    x, x_labels, y, y_labels = points(seed)
    plain = valued(name, (x, x_labels, y, y_labels), p=p, relative_epsilon=0.1, dtype=dtype)
    scale = 10.0**exponent
    found = valued(
        name, (scale * x, x_labels, scale * y, y_labels), p=p, relative_epsilon=0.1, dtype=dtype
    )
    assert_sound(found)
    unit = 1.0 if not found.ranks_by_gradient else scale**p
    atol = 5e-3 * np.ptp(plain.value)
    np.testing.assert_allclose(found.value / unit, plain.value, atol=atol)


@given(
    name=METHOD,
    seed=st.integers(0, 30),
    scale=st.sampled_from([0.0, 1e-160, 1e-30, 1e-8, 1e-4, 1e4, 1e8, 1e18, 1e30]),
    offset=st.sampled_from([0.0, 1e6]),
    epsilon=st.sampled_from([1e-300, 1e-6, 0.1, 1e6, 1e300]),
    p=st.sampled_from([1, 2]),
)
@FEW
def test_any_scale_at_any_epsilon_gives_values_or_words(
    name: str, seed: int, scale: float, offset: float, epsilon: float, p: int
) -> None:
    x, x_labels, y, y_labels = points(seed)
    sets = scale * x + offset, x_labels, scale * y + offset, y_labels
    try:
        with np.errstate(under="ignore"):
            found = valued(name, sets, p=p, epsilon=epsilon)
    except AssayError as error:
        assert "scale the embeddings" in str(error).lower()
        return
    assert_sound(found)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_embeddings_that_are_no_numbers_are_named(name: str, bad: float) -> None:
    for side, place in (("training", 0), ("validation", 2)):
        sets = points()
        sets[place][4, 1] = bad
        with pytest.raises(DataError, match=f"{side} embedding in row 4"):
            valued(name, sets)


@pytest.mark.parametrize("name", NAMES)
def test_empty_sets_and_unknown_classes_are_named(name: str) -> None:
    x, x_labels, y, y_labels = points()
    with pytest.raises(DataError, match="no training images"):
        valued(name, (x[:0], x_labels[:0], y, y_labels))
    with pytest.raises(DataError, match="no validation images"):
        valued(name, (x, x_labels, y[:0], y_labels[:0]))
    for wrong in (-1, 3):
        with pytest.raises(DataError, match=f"label in row 2 is {wrong}"):
            valued(name, (x, np.r_[x_labels[:2], wrong, x_labels[3:]], y, y_labels))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", [(1, 1), (1, 20), (31, 1)])
def test_one_image_on_a_side(name: str, shape: tuple[int, int]) -> None:
    x, x_labels, y, y_labels = points()
    n, m = shape
    found = valued(name, (x[:n], x_labels[:n], y[:m], y_labels[:m]))
    assert_sound(found)
    if n == 1:
        np.testing.assert_allclose(found.calibrated_gradient, 0, atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_gaps_in_the_labels_change_nothing(name: str) -> None:
    x, x_labels, y, y_labels = points(1)
    plain = valued(name, (x, x_labels, y, y_labels))
    gaps = valued(name, (x, 3 * x_labels, y, 3 * y_labels), 8)
    np.testing.assert_allclose(gaps.value, plain.value, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_classes_that_one_side_lacks_and_equal_embeddings_are_valued(name: str) -> None:
    x, x_labels, y, y_labels = points(2)
    for left, right in (
        (x_labels % 2, y_labels),
        (x_labels, y_labels % 2),
        (0 * x_labels, 0 * y_labels + 1),
    ):
        assert_sound(valued(name, (x, left, y, right)))
    one = valued(name, (0 * x + 0.1, 0 * x_labels, 0 * y + 0.1, 0 * y_labels))
    assert_sound(one)
    np.testing.assert_allclose(one.value, one.value[0], atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_one_image_many_times_has_one_value(name: str) -> None:
    x, x_labels, y, y_labels = points(3)
    copies = np.r_[np.zeros(300, dtype=np.int64), np.arange(1, 31)]
    found = valued(name, (x[copies], x_labels[copies], y, y_labels))
    assert_sound(found)
    np.testing.assert_allclose(found.value[:300], found.value[0], atol=1e-4)


@pytest.mark.parametrize("zero", ["label_weight", "feature_weight"])
def test_weights_of_zero(zero: str) -> None:
    for name in NAMES:
        assert_sound(valued(name, points(4), **{zero: 0.0}))


@pytest.mark.parametrize("mass", [0.0, 1e-300])
def test_masses_next_to_nothing_count_as_none(mass: float) -> None:
    x, x_labels, y, y_labels = points(5)
    b = np.ones(20)
    b[[0, 7]] = mass
    sets = (x.astype(np.float32), x_labels, y.astype(np.float32), y_labels)
    found = value_lava(*sets, 3, b=b)
    assert_sound(found)
    none = value_lava(*sets, 3, b=(b == 1.0).astype(float))
    np.testing.assert_allclose(found.value, none.value, atol=1e-4)
    np.testing.assert_allclose(found.validation_value, none.validation_value, atol=1e-3)
    with pytest.raises(ConfigError, match="validation mass in row 0"):
        value_sava(*sets, 3, b=b)


@pytest.mark.parametrize("scale", [1e-8, 1e-3, 1e4])
def test_new_images_at_any_scale_are_valued_as_in_a_new_valuation(scale: float) -> None:
    x, x_labels, y, y_labels = points(6)
    x, y = (scale * z for z in (x, y))
    before = valued("lava", (x, x_labels, y, y_labels), relative_epsilon=0.1)
    costs = [
        GroundCost(
            x=part.astype(np.float32),
            y=y.astype(np.float32),
            x_labels=labels,
            y_labels=y_labels,
            label_distances=before.label_distances,
        )
        for part, labels in ((x[:5], x_labels[:5]), (x, x_labels))
    ]
    found = value_new(costs[0], costs[1], before, 3)
    assert np.isfinite(found.value).all()
    # The same images again have the same potential.
    np.testing.assert_allclose(found.f[31:], before.f[:5], atol=1e-3 * np.ptp(before.f))
