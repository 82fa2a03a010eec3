"""The values by retraining: against games whose answers are known, and by what they find."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import numpy as np
import pytest

from core.errors import Cancelled, ConfigError
from core.valuation import (
    METHODS,
    DataOobConfig,
    LeastCoreConfig,
    PermutationConfig,
    RetrainingConfig,
    SubsetsConfig,
)
from core.valuation import game as games
from tests.core.valuation.problems import clusters

GAMES = ("leave-one-out", "tmc-shapley", "permutation-shapley", "least-core", "banzhaf")


@pytest.fixture(scope="module", autouse=True)
def needs_pydvl() -> None:
    pytest.importorskip("pydvl.valuation", reason="pyDVL is optional and not installed")


@pytest.fixture
def tiny() -> tuple[np.ndarray, ...]:
    """Return six images of two classes, the last with the wrong label, against twenty."""
    x, x_labels, y, y_labels = clusters(n=6, m=20, v=2, d=2, apart=1.0)
    x_labels = x_labels.copy()
    x_labels[5] = 1 - x_labels[5]
    return x, x_labels, y, y_labels


def worth(sets: tuple[np.ndarray, ...], config: RetrainingConfig) -> dict[frozenset[int], float]:
    """Return the utility of every subset, by ridge regression written out."""
    x, x_labels, y, y_labels = sets
    center, scale = y.mean(axis=0, dtype=np.float64), y.std(axis=0, dtype=np.float64)
    z, z_val = (np.c_[(part - center) / scale, np.ones(len(part))] for part in (x, y))
    penalty = config.ridge * x.shape[1] * np.eye(z.shape[1])
    found = {frozenset(): 0.5}
    for inside in subsets(len(x)):
        rows = sorted(inside)
        if rows:
            a, b = z[rows], np.eye(2)[x_labels[rows]]
            output = z_val @ np.linalg.solve(a.T @ a + penalty, a.T @ b)
            if config.utility == "accuracy":
                found[inside] = float((output.argmax(axis=1) == y_labels).mean())
            else:
                found[inside] = float(1 - ((np.eye(2)[y_labels] - output) ** 2).sum(1).mean() / 2)
    return found


def subsets(n: int) -> Iterator[frozenset[int]]:
    for size in range(n + 1):
        yield from map(frozenset, itertools.combinations(range(n), size))


def semivalue(u: dict[frozenset[int], float], n: int, weight: list[float]) -> np.ndarray:
    """Return sum over S without i of weight[|S|] (u(S with i) - u(S))."""
    return np.array(
        [
            sum(weight[len(s)] * (u[s | {i}] - u[s]) for s in subsets(n) if i not in s)
            for i in range(n)
        ]
    )


@pytest.mark.parametrize("utility", games.UTILITIES)
def test_leave_one_out_is_the_difference_to_the_whole(tiny, utility: str) -> None:
    config = RetrainingConfig(utility=utility)
    u = worth(tiny, config)
    everyone = frozenset(range(6))
    expected = [u[everyone] - u[everyone - {i}] for i in range(6)]
    found = METHODS["leave-one-out"](*tiny, 2, config)
    np.testing.assert_allclose(found.value, expected, atol=1e-12)
    assert found.details["heads"] == 7


@pytest.mark.parametrize("utility", games.UTILITIES)
def test_many_orders_come_to_the_shapley_value(tiny, utility: str) -> None:
    config = PermutationConfig(utility=utility, permutations=300)
    weight = [1 / (6 * math.comb(5, size)) for size in range(6)]
    expected = semivalue(worth(tiny, config), 6, weight)
    found = METHODS["permutation-shapley"](*tiny, 2, config)
    # The error of a mean over 300 orders.
    np.testing.assert_allclose(found.value, expected, atol=0.03)


def test_orders_that_are_never_cut_short_are_the_same_orders(tiny) -> None:
    config = PermutationConfig(permutations=50, burn_in=1.0)
    whole = METHODS["permutation-shapley"](*tiny, 2, config)
    cut = METHODS["tmc-shapley"](*tiny, 2, config)
    np.testing.assert_allclose(cut.value, whole.value, atol=1e-12)


def test_orders_that_are_cut_short_train_fewer_heads() -> None:
    sets = clusters(n=60, m=40, v=3, d=3)
    config = PermutationConfig(permutations=5, truncation=0.1)
    whole, cut = (
        METHODS[name](*sets, 3, config).details["heads"]
        for name in ("permutation-shapley", "tmc-shapley")
    )
    assert whole == 300
    assert cut < 200


def test_many_subsets_come_to_the_banzhaf_value(tiny) -> None:
    config = SubsetsConfig(subsets=3000)
    expected = semivalue(worth(tiny, config), 6, [1 / 32] * 6)
    found = METHODS["banzhaf"](*tiny, 2, config)
    np.testing.assert_allclose(found.value, expected, atol=0.025)  # the error of the means


def test_the_least_core_shares_out_the_whole_and_leaves_no_coalition_much_better(tiny) -> None:
    config = LeastCoreConfig(subsets=400)  # all 64 subsets come up
    u = worth(tiny, config)
    found = METHODS["least-core"](*tiny, 2, config).value
    np.testing.assert_allclose(found.sum(), u[frozenset(range(6))], atol=1e-6)
    short = max(u[s] - sum(found[i] for i in s) for s in u if s)
    assert short == pytest.approx(least_deficit(u, 6), abs=1e-5)


def least_deficit(u: dict[frozenset[int], float], n: int) -> float:
    """Return the least e >= 0 of the linear program, by SciPy."""
    from scipy.optimize import linprog

    groups = [s for s in u if 0 < len(s) < n]
    inside = np.array([[-float(i in s) for i in range(n)] + [-1.0] for s in groups])
    found = linprog(
        [0.0] * n + [1.0],
        A_ub=inside,
        b_ub=[-u[s] for s in groups],
        A_eq=[[1.0] * n + [0.0]],
        b_eq=[u[frozenset(range(n))]],
        bounds=[(None, None)] * n + [(0, None)],
    )
    return float(found.fun)


def test_fewer_subsets_than_images_still_have_a_least_core() -> None:
    sets = clusters(n=60, m=30, v=3, d=3)
    found = METHODS["least-core"](*sets, 3, LeastCoreConfig(subsets=30))
    assert np.isfinite(found.value).all()


# The least core is for groups: it hardly tells single images apart.
@pytest.mark.parametrize("name", [*(name for name in GAMES if name != "least-core"), "data-oob"])
def test_wrong_labels_are_worth_less(name: str) -> None:
    x, x_labels, y, y_labels = clusters(n=90, m=60, v=3, d=3)
    wrong = x_labels.copy()
    wrong[:9] = (x_labels[:9] + 1) % 3
    settings = {"permutations": 10, "subsets": 400, "trees": 30}
    method = METHODS[name]
    found = method(x, wrong, y, y_labels, 3, method.configure(settings))
    assert np.median(found.value[:9]) < np.quantile(found.value[9:], 0.2)
    assert (found.looks_like == x_labels).mean() > 0.9


@pytest.mark.parametrize("name", [*GAMES[1:], "data-oob"])
def test_the_seed_decides(name: str) -> None:
    sets = clusters(n=30, m=20, v=2, d=3)
    method = METHODS[name]
    settings = {"permutations": 3, "subsets": 40, "trees": 10}
    first, again, other = (
        method(*sets, 2, method.configure({**settings, "seed": seed})).value for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_out_of_bag_values_are_shares_of_right_trees() -> None:
    x, x_labels, y, y_labels = clusters(n=60, m=30, v=3, d=3)
    # Labels need not start at 0, nor be without gaps.
    found = METHODS["data-oob"](
        x, 2 * x_labels + 1, y, 2 * y_labels + 1, 6, DataOobConfig(trees=30)
    )
    assert found.value.min() >= 0
    assert found.value.max() <= 1
    assert found.value.mean() > 0.7


@pytest.mark.parametrize("name", [*GAMES, "data-oob"])
def test_they_stop_when_asked(name: str) -> None:
    def stop(stage: str, done: float, detail: str = "") -> None:
        if stage in {"Retraining", "Trees"} and done > 0.1:
            raise Cancelled

    with pytest.raises(Cancelled):
        METHODS[name](*clusters(n=30, m=20, v=2, d=3), 2, progress=stop)


@pytest.mark.parametrize(
    ("config", "settings"),
    [
        (RetrainingConfig, {"utility": "profit"}),
        (RetrainingConfig, {"ridge": 0.0}),
        (PermutationConfig, {"permutations": 0}),
        (PermutationConfig, {"truncation": 0.0}),
        (PermutationConfig, {"burn_in": 2.0}),
        (SubsetsConfig, {"subsets": 1}),
    ],
)
def test_settings_out_of_range_are_refused(config: type, settings: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=next(iter(settings))):
        config(**settings)
