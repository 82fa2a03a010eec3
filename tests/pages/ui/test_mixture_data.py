"""What the page of mixtures shows is what the predictors say, for any number of sources."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import numpy as np
import pytest

from core.acquisition import Projection
from core.errors import ConfigError
from core.projection import counts_of, lattice, marginal, rescale
from pages.ui import mixture_data, mixture_maps
from tests.pages.ui.mixtures import FITTED, SCALES, planted

# Six digits are sent.
NEAR = {"rtol": 5.001e-6, "atol": 1e-12}
SOURCES = (1, 2, 3, 10)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Projection]:
    folder = tmp_path_factory.mktemp("planted")
    return {m: planted(folder, m) for m in SOURCES}


@pytest.fixture(params=SOURCES)
def projection(request: pytest.FixtureRequest, made: dict[int, Projection]) -> Projection:
    return made[request.param]


@pytest.fixture(scope="module")
def unpriced(tmp_path_factory: pytest.TempPathFactory) -> Projection:
    return planted(tmp_path_factory.mktemp("unpriced"), 3, prices=False, capacities=False)


def uneven(m: int) -> np.ndarray:
    """Return a ratio that gives every source another share, the first none if others can."""
    p = np.arange(m, dtype=np.float64) + (m == 1)
    return p / p.sum()


def test_what_is_said_of_a_projection_is_json_and_its_record(projection):
    record, said = projection.record, mixture_data.about(projection)
    assert json.loads(json.dumps(said, allow_nan=False)) == said
    assert said["names"] == list(record.names)
    assert said["validation"] == {"classes": [20, 20, 20]}
    assert said["class_measured"] == [True, True, True]
    assert (said["learner"], said["embedder"]) == ("Linear head on the embedding", "precomputed")
    assert said["test"] == {"images": 60, "note": "Half of it."}
    assert said["findings"] == [{"severity": "warning", "sentence": "Small."}]
    offer = record.offers[-1]
    assert said["offers"][-1] == {
        "name": offer.name,
        "capacity": offer.capacity,
        "price": offer.price,
    }
    names = [one["name"] for one in said["predictors"]]
    assert names == list(record.titles)
    assert said["predictors"][-1]["missing"] == "It was not asked for."
    assert said["predictors"][0]["error"] == 0.01
    assert said["predictors"][0]["notes"] == ["A note."]
    summaries = {one["name"]: one["summary"] for one in said["predictors"]}
    assert "levels off" in summaries["saturating"]
    assert summaries["linear"].endswith("(Kang et al. 2023, appendix B.1.)")


def test_the_curve_goes_from_the_smallest_size_to_the_largest_through_those_trained(projection):
    said = mixture_data.about(projection)
    sizes = said["sizes"]
    assert (sizes[0], sizes[-1]) == (min(SCALES), mixture_data.most_shown(projection.record))
    assert sizes == sorted(set(sizes))
    assert set(SCALES) <= set(sizes)
    assert 55 <= len(sizes) <= 70


def test_the_largest_size_is_all_that_can_be_bought_or_thirty_times_what_was_trained(
    made, unpriced
):
    assert mixture_data.about(made[10])["sizes"][-1] == sum(1000 * (s + 3) for s in range(10))
    assert mixture_data.about(unpriced)["sizes"][-1] == 30 * max(SCALES)


def test_repeats_are_averaged_and_their_spread_is_said(projection):
    said = mixture_data.about(projection)["measured"]
    measured = projection.measured
    assert set(said["repeats"]) == {2}
    for row in (0, len(said["n"]) - 1):
        same = (np.abs(measured.p - said["p"][row]).max(axis=1) < 1e-5) & (
            measured.n == said["n"][row]
        )
        accuracy = measured.accuracy[same]
        assert len(accuracy) == 2
        np.testing.assert_allclose(said["accuracy"][row], accuracy.mean(), **NEAR)
        np.testing.assert_allclose(said["deviation"][row], accuracy.std(ddof=1), rtol=1e-5)


def test_without_repeats_nothing_is_said_of_their_spread(made):
    measured = made[3].measured
    once = mixture_data._measured(measured.take(measured.repeat == 0))
    assert once["deviation"] is None
    some = mixture_data._measured(measured.take((measured.repeat == 0) | (measured.n == 50)))
    assert np.isnan(some["deviation"][some["n"] > 50]).all()
    assert (some["deviation"][some["n"] == 50] > 0).all()


@pytest.mark.parametrize("by", FITTED)
def test_a_mix_is_what_the_predictor_and_its_interval_say(projection, by):
    p, n = uneven(len(projection.record.names)), 777
    said = mixture_data.mix(projection, p, n, by)
    assert json.loads(json.dumps(said, allow_nan=False)) == said
    sizes = np.array(mixture_data.about(projection)["sizes"], dtype=np.float64)
    np.testing.assert_allclose(
        said["curve"]["accuracy"], projection.fitted(by).predict(p, sizes), **NEAR
    )
    low, high = projection.interval(by).interval(p, sizes, 0.9)
    np.testing.assert_allclose(said["curve"]["low"], low, **NEAR)
    np.testing.assert_allclose(said["curve"]["high"], high, **NEAR)
    for name in FITTED:
        middle = projection.fitted(name).predict(p, np.array([n]))
        low, high = projection.interval(name).interval(p, np.array([n]), 0.9)
        other = said["others"][name]
        np.testing.assert_allclose(
            [other["accuracy"], other["low"], other["high"]], [middle[0], low[0], high[0]], **NEAR
        )
        assert other["low"] <= other["accuracy"] <= other["high"]
    assert said["others"].keys() == set(FITTED)
    assert said["at"] == said["others"][by]
    assert (said["p"], said["n"], said["by"]) == (p.tolist(), n, by)


def test_a_mix_is_counted_priced_and_described(projection):
    m = len(projection.record.names)
    p, n = uneven(m), 777
    said = mixture_data.mix(projection, p, n, "saturating")
    counts = counts_of(p, n)
    assert said["counts"] == counts.tolist()
    np.testing.assert_allclose(said["cost"], counts @ projection.record.price, atol=1e-6, rtol=0)
    np.testing.assert_allclose(said["distance"], projection.tangents.distance(p), **NEAR)
    classes = [[1 / 2, 1 / 2, 0] if s % 2 else [1 / 3] * 3 for s in range(m)]
    np.testing.assert_allclose(said["shares"], p @ classes, rtol=1e-5)
    fitted = projection.fitted("saturating")
    by_class = said["per_class"]
    np.testing.assert_allclose(by_class["accuracy"], fitted.per_class(p, np.array([n]))[0], **NEAR)
    around = projection.interval("saturating").per_class(p, np.array([n]))
    for end, side in zip(("low", "high"), around, strict=True):
        np.testing.assert_allclose(by_class[end], side[0], **NEAR)
    more = marginal(fitted, p, n, projection.record.price)
    np.testing.assert_allclose(said["more"]["per_image"], more.per_image, **NEAR)
    np.testing.assert_allclose(said["more"]["per_price"], more.per_price, **NEAR)


def test_what_a_law_does_not_know_of_classes_is_null(projection):
    said = mixture_data.mix(projection, uneven(len(projection.record.names)), 300, "linear")
    assert said["per_class"] is None


def test_what_was_not_measured_of_a_class_is_null_though_the_law_tells_it(made):
    """A law knows class shares even where a table has no accuracies of classes."""
    measured = made[3].measured
    some = measured.per_class * [1, np.nan, 1]
    for per_class, known in ((None, [False] * 3), (some, [True, False, True])):
        table = Projection(made[3].path, made[3].record)
        table.measured = replace(measured, per_class=per_class)
        assert table.fitted().per_class(uneven(3), np.array([300])) is not None
        assert mixture_data.about(table)["class_measured"] == known
        whole = mixture_data.mix(made[3], uneven(3), 300, "saturating")["per_class"]
        said = mixture_data.mix(table, uneven(3), 300, "saturating")["per_class"]
        for name in ("accuracy", "low", "high"):
            expected = [one if is_ else None for one, is_ in zip(whole[name], known, strict=True)]
            assert said[name] == expected


def test_a_learner_of_another_version_has_its_name(made):
    record = replace(made[3].record, configuration={"learner": "oracle"})
    assert mixture_data.learner_title(record) == "oracle"


def test_tracks_are_predictions_where_one_share_moves_and_the_others_keep_their_proportions(
    projection,
):
    m = len(projection.record.names)
    fitted = projection.fitted("saturating")
    for p, locked in (
        (uneven(m), ()),
        (np.eye(m)[0], ()),
        (uneven(m), (0, m - 1)),
        (uneven(m), [1]),
    ):
        tracks = mixture_data.mix(projection, p, 400, "saturating", locked)["tracks"]
        assert np.shape(tracks) == (m, 21)
        shut = np.array([source in locked for source in range(m)])
        for source in range(m):
            ratios = np.array([rescale(p, source, v, shut) for v in np.linspace(0, 1, 21)])
            expected = fitted.predict(ratios, np.array([400]))
            np.testing.assert_allclose(tracks[source], expected, **NEAR)


def test_a_share_that_is_locked_stays_when_another_moves(made):
    p = np.array([0.5, 0.3, 0.2])
    free = mixture_data.mix(made[3], p, 400, "saturating")["tracks"]
    held = mixture_data.mix(made[3], p, 400, "saturating", [1])["tracks"]
    ends = made[3].fitted().predict(np.array([[1.0, 0, 0], [0.7, 0.3, 0]]), np.array([400]))
    np.testing.assert_allclose([free[0][-1], held[0][-1]], ends, **NEAR)


def test_a_cost_needs_the_prices_of_what_is_bought_only(unpriced):
    bought = mixture_data.mix(unpriced, np.array([0.5, 0.2, 0.3]), 100, "linear")
    assert bought["cost"] is None
    assert bought["more"]["per_price"][2] is None
    assert bought["more"]["per_price"][0] is not None
    without = mixture_data.mix(unpriced, np.array([0.5, 0.5, 0.0]), 100, "linear")
    assert without["cost"] == 50 * 0.5 + 50 * 0.25
    for said, kept in zip(mixture_data.about(unpriced)["best"], unpriced.record.best, strict=True):
        assert (said["cost"] is None) == (kept.counts[2] > 0)


def test_no_digit_of_a_large_sum_is_lost(made):
    """Six of them would make 4,234,569.555 into 4,234,570."""
    offers = tuple(replace(one, price=12.345) for one in made[1].record.offers)
    said = mixture_data.cost_of(replace(made[1].record, offers=offers), [343_019])
    assert said == 4_234_569.555
    rich = Projection(made[1].path, replace(made[1].record, offers=offers))
    assert mixture_data.mix(rich, np.ones(1), 343_019, "linear")["cost"] == said


def test_a_map_of_three_sources_has_the_order_of_the_lattice(made):
    said = mixture_maps.field(made[3], 600, "saturating")
    assert (said["steps"], said["corners"]) == (40, np.eye(3).tolist())
    expected = made[3].fitted().predict(lattice(3, 40), np.array([600]))
    np.testing.assert_allclose(said["accuracy"], expected, **NEAR)


def test_a_map_of_two_sources_is_a_line(made):
    said = mixture_maps.field(made[2], 600, "linear")
    assert (said["steps"], said["corners"]) == (100, np.eye(2).tolist())
    expected = made[2].fitted("linear").predict(lattice(2, 100), np.array([600]))
    np.testing.assert_allclose(said["accuracy"], expected, **NEAR)


def test_the_third_corner_of_many_sources_is_the_others_as_they_are_mixed(made):
    p = uneven(10)
    said = mixture_maps.field(made[10], 600, "saturating", p=p, corners=(7, 2))
    others = p.copy()
    others[[7, 2]] = 0
    corners = np.stack([np.eye(10)[7], np.eye(10)[2], others / others.sum()])
    np.testing.assert_allclose(said["corners"], corners, rtol=1e-5)
    expected = made[10].fitted().predict(lattice(3, 40) @ corners, np.array([600]))
    np.testing.assert_allclose(said["accuracy"], expected, **NEAR)


@pytest.mark.parametrize("p", [None, np.eye(10)[7]])
def test_the_third_corner_is_even_where_the_mix_has_none_of_it(made, p):
    said = mixture_maps.field(made[10], 600, "linear", p=p, corners=(7, 2))
    assert said["corners"][2] == [0.0 if s in (2, 7) else 0.125 for s in range(10)]


@pytest.mark.parametrize(
    ("m", "corners"), [(1, ()), (10, ()), (10, (3, 3)), (10, (3,)), (2, (0, 1))]
)
def test_corners_that_are_none_are_refused(made, m, corners):
    with pytest.raises(ConfigError):
        mixture_maps.field(made[m], 600, "linear", corners=corners)


def test_mixes_all_over_the_simplex_are_predicted_and_none_is_searched_for(projection, monkeypatch):
    monkeypatch.setattr(Projection, "best", lambda *_, **__: pytest.fail("searched"))
    mixture_maps.best_mix.cache_clear()
    said = mixture_maps.spread(projection, 600, "saturating")
    p = np.array(said["p"])
    np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-5)
    assert len(p) == (1 if len(projection.record.names) == 1 else 240)
    expected = projection.fitted().predict(p, np.array([600]))
    np.testing.assert_allclose(said["accuracy"], expected, atol=1e-5)
    assert said.keys() == {"p", "accuracy"}


@pytest.mark.parametrize(("n", "budget"), [(600, None), (600, 150.0), (None, 150.0)])
def test_the_best_mix_is_the_one_that_core_finds(made, n, budget):
    projection = made[3]
    found = (
        projection.best_for(budget, predictor="linear")
        if n is None
        else projection.best(n, budget, predictor="linear")
    )
    said = mixture_maps.best_mix(projection, n, "linear", budget, None)
    kept = asdict(projection.described(found, predictor="linear"))
    cost = kept.pop("cost")
    del kept["per_image"]
    assert {name: said[name] for name in kept} == mixture_data.ready(kept)
    assert said["cost"] == pytest.approx(cost, rel=1e-12)
    assert said["agreement"] == mixture_data.ready(found.agreement)
    assert said.keys() == {*kept, "cost", "path", "agreement"}
    assert 1 <= len(said["path"]) <= 60
    assert said["path"][0] == mixture_data.ready(found.path[0])
    assert said["path"][-1] == said["p"]
    assert json.loads(json.dumps(said, allow_nan=False)) == said
    if budget is not None:
        assert said["cost"] <= budget * (1 + 1e-9)


def test_a_long_climb_is_thinned_with_its_ends_kept(made, monkeypatch):
    projection = made[3]
    found = projection.best(700)
    path = np.linspace(found.path[0], found.path[-1], 200)
    object.__setattr__(found, "path", path)
    monkeypatch.setattr(projection, "best", lambda *_, **__: found)
    said = mixture_maps.best_mix(projection, 700, "saturating", None, None)["path"]
    assert len(said) == 60
    assert [said[0], said[-1]] == mixture_data.ready(path[[0, -1]])


def test_the_best_mixes_by_size_are_those_of_the_record_or_found(made):
    projection = made[10]
    said = mixture_maps.best_by_size(projection, "saturating", None, None)["best"]
    assert said == mixture_data.about(projection)["best"]
    other = mixture_maps.best_by_size(projection, "linear", 120.0, None)["best"]
    found = projection.best_path((500, 1000, 2000), 120.0, predictor="linear")
    assert [one["counts"] for one in other] == [one.counts.tolist() for one in found]
    assert all(one["cost"] <= 120.0 * (1 + 1e-9) for one in other)


def test_a_budget_needs_every_price(unpriced):
    for ask in (
        lambda: mixture_maps.best_mix(unpriced, 100, "linear", 50.0, None),
        lambda: mixture_maps.best_by_size(unpriced, "linear", 50.0, None),
    ):
        with pytest.raises(ConfigError, match="is not known"):
            ask()
    assert sum(mixture_maps.best_mix(unpriced, 100, "linear", None, None)["counts"]) == 100


def test_a_search_is_not_repeated(made, monkeypatch):
    first = mixture_maps.best_mix(made[3], 650, "linear", None, None)
    monkeypatch.setattr(Projection, "best", lambda *_, **__: pytest.fail("searched again"))
    assert mixture_maps.best_mix(made[3], 650, "linear", None, None) == first


def test_numbers_have_six_digits_and_what_is_none_is_null():
    given = {"a": np.array([1 / 3, np.nan, np.inf]), "b": (1, 2.0, None), "c": np.int64(4)}
    assert mixture_data.ready(given["a"]) == [0.333333, None, None]
    assert mixture_data.ready(given["b"]) == [1, 2.0, None]
    assert mixture_data.ready({"n": np.array([4])}) == {"n": [4]}
