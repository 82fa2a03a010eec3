from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.acquisition import (
    Projection,
    ProjectionSpec,
    copy_projection,
    list_projections,
    open_projection,
    order_table,
    read_projection,
    read_projection_record,
    run_projection,
)
from core.errors import Cancelled, ConfigError, DataError, RunError
from tests.core.acquisition.offers import CLASSES, NAMES, small_spec, three_offers, write_embeddings


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Projection, Path, ProjectionSpec]:
    """A projection of three sources, its home, and what was asked for."""
    folder = tmp_path_factory.mktemp("made")
    spec = small_spec(folder)
    projection, reused = run_projection(spec, folder / "home")
    assert not reused
    return projection, folder / "home", spec


def test_what_was_trained_is_kept(made) -> None:
    projection = made[0]
    measured = projection.measured
    assert len(measured) == projection.record.models == 24
    assert measured.scales.tolist() == [20, 40, 80]
    assert measured.per_class.shape == (24, len(CLASSES))
    assert list(projection.table.columns[:6]) == [*NAMES, "n", "repeat", "accuracy"]
    np.testing.assert_allclose(measured.p.sum(axis=1), 1.0, rtol=1e-12)


def test_the_distance_that_is_kept_is_that_of_the_tangents(made) -> None:
    projection = made[0]
    measured = projection.measured
    np.testing.assert_allclose(
        measured.distance, projection.tangents.distance(measured.p), rtol=1e-9
    )
    far, near = projection.tangents.distance(np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]))
    assert far > near  # a class is missing from "narrow"


def test_predictors_are_the_same_after_reading_them(made) -> None:
    projection, home, _ = made
    again = open_projection(home, projection.id)
    p, n = np.array([[0.5, 0.3, 0.2]]), np.array([300])
    assert "saturating" in again.predictors
    for name in again.predictors:
        first, second = (
            (one.fitted(name).predict(p, n), *one.interval(name).interval(p, n))
            for one in (projection, again)
        )
        np.testing.assert_array_equal(first, second)
        assert second[1] < second[0] < second[2]


def test_every_predictor_is_recorded_with_its_error_or_the_reason(made) -> None:
    from core.projection import PREDICTORS

    record = made[0].record
    assert record.predictors.keys() == PREDICTORS.keys()
    for one in record.predictors.values():
        assert bool(one.missing) != (one.points > 0)
    error = record.predictors["saturating"].held_out_error
    assert error is not None
    assert 0 <= error < 0.3


def test_the_record_is_read_back(made) -> None:
    projection = made[0]
    again = read_projection_record(projection.path / "projection.json")
    assert again == projection.record
    assert [offer.pilot.images for offer in again.offers] == [90, 90, 90]
    assert again.offers[NAMES.index("narrow")].class_counts == (45, 45, 0)
    assert again.test_note == ""
    assert again.test.images == 120


def test_best_mixes_are_within_what_can_be_bought(made) -> None:
    record = made[0].record
    assert record.best[0].n == 80
    for mix in record.best:
        assert sum(mix.counts) == mix.n
        assert (np.array(mix.counts) <= record.capacity).all()
        assert mix.cost == pytest.approx(0.5 * mix.n)
        assert mix.low < mix.accuracy < mix.high
    assert record.best[0].counts[NAMES.index("good")] > 40


def test_the_best_mix_for_a_budget_costs_no_more(made) -> None:
    projection = made[0]
    mix = projection.best_for(200.0)
    assert 20 <= mix.n <= 400
    assert order_table(projection.record, mix.counts)["cost"].astype(float).sum() <= 200.0
    with pytest.raises(ConfigError, match="pays for 2 images"):
        projection.best_for(1.0)


def test_the_best_mix_for_a_budget_keeps_what_is_fixed(made) -> None:
    projection = made[0]
    fixed = np.array([np.nan, 0.3, np.nan])
    mix = projection.best_for(60.0, fixed=fixed)
    assert mix.p[1] == 0.3
    assert mix.cost <= 60.0
    assert mix.accuracy <= projection.best_for(60.0).accuracy + 1e-6
    with pytest.raises(ConfigError, match="cheapest 20 images cost 10"):
        projection.best_for(1.0, fixed=fixed)


def test_the_same_is_found_again(made) -> None:
    projection, home, spec = made
    again, reused = run_projection(spec, home)
    assert reused
    assert again.id == projection.id
    assert [one.id for one in list_projections(home)] == [projection.id]


def test_another_price_is_another_projection_without_training_again(made) -> None:
    projection, home, spec = made
    (points,) = (home / "trained").glob("*/points.jsonl")
    before = points.read_text()
    dear = replace(spec, sources=tuple(replace(one, price=2.0) for one in spec.sources))
    again, reused = run_projection(dear, home)
    assert not reused
    assert again.id != projection.id
    assert points.read_text() == before
    assert len(list((home / "trained").iterdir())) == 1
    pd.testing.assert_frame_equal(again.table, projection.table)
    assert len(list_projections(home)) == 2
    # The module's other tests see one projection.
    for path in again.path.iterdir():
        path.unlink()
    again.path.rmdir()


def test_a_copy_is_whole_and_never_over_something(made, tmp_path: Path) -> None:
    projection = made[0]
    copy_projection(projection, tmp_path / "copy")
    again = read_projection(tmp_path / "copy")
    assert again.record == projection.record
    assert again.best(100).n == 100
    with pytest.raises(RunError, match="exists already"):
        copy_projection(projection, tmp_path / "copy")


def test_what_was_trained_before_a_stop_is_not_trained_again(tmp_path: Path) -> None:
    spec, home = small_spec(tmp_path), tmp_path / "home"

    def stop_at_10(stage: str, done: float, detail: str = "") -> None:
        if stage == "Training" and detail.startswith("model 10 "):
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        run_projection(spec, home, stop_at_10)
    (points,) = (home / "trained").glob("*/points.jsonl")
    first = points.read_text()
    assert len(first.splitlines()) == 9
    assert list_projections(home) == []
    # As a kill in the middle of a line would leave it.
    points.write_text(first + '{"row": 9, "accu')
    projection, _ = run_projection(spec, home)
    lines = points.read_text()
    assert lines.startswith(first)
    assert len(lines.splitlines()) == 24
    assert projection.record.models == 24


def test_without_a_test_set_half_of_the_validation_set_is_held_out(tmp_path: Path) -> None:
    spec = small_spec(tmp_path, test=None, scales=(20, 40))
    record = run_projection(spec, tmp_path / "home")[0].record
    assert record.validation.images == record.test.images == 30
    assert record.validation_counts == (10, 10, 10)
    assert "half of the validation set" in record.test_note
    assert record.validation.fingerprint != record.test.fingerprint


@pytest.mark.parametrize("tested", [True, False])
def test_accuracies_of_a_table_are_taken_in_place_of_training(tmp_path: Path, tested: bool) -> None:
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.ones(3), size=12)
    n = np.repeat([100, 200, 400], 4)
    table = pd.DataFrame(p, columns=list(NAMES))
    table["n"] = n
    table["accuracy"] = 0.9 - 0.3 * p[:, 2] - 2.0 / np.sqrt(n)
    table.to_csv(tmp_path / "accuracies.csv", index=False)
    spec = small_spec(tmp_path, scales=(), points=None, table=str(tmp_path / "accuracies.csv"))
    spec = spec if tested else replace(spec, test=None)
    projection, _ = run_projection(spec, tmp_path / "home")
    assert projection.record.from_table
    assert projection.record.models == 12
    assert projection.record.scales == (100, 200, 400)
    np.testing.assert_allclose(projection.measured.accuracy, table["accuracy"], rtol=1e-12)
    assert not (tmp_path / "home" / "trained").exists()
    assert projection.record.validation.images == 60
    assert not projection.record.test_note


def test_ids_choose_images_and_their_labels(tmp_path: Path) -> None:
    chosen = pd.DataFrame({"id": [f"{i:04d}" for i in range(60)], "label": "coat"})
    chosen.to_csv(tmp_path / "chosen.csv", index=False)
    offers = three_offers(tmp_path)
    offers = (*offers[:2], replace(offers[2], ids=str(tmp_path / "chosen.csv")))
    spec = small_spec(tmp_path, sources=offers, scales=(20, 40))
    record = run_projection(spec, tmp_path / "home")[0].record
    assert record.offers[2].class_counts == (0, 0, 60)
    assert [one.kind for one in record.findings if one.sources == (2,)] == ["one-class"]


@pytest.mark.parametrize(
    ("ids", "said"),
    [
        ("id\n0000\n9999\n", "1 of its ids are not in"),
        ("id\n0000\n0000\n", "names the image '0000' twice"),
        ("id,label\n0000,shoe\n", "the label 'shoe' is no class"),
        ("name\n0000\n", "expected a CSV file with the column id"),
    ],
)
def test_ids_that_do_not_fit_are_explained(tmp_path: Path, ids: str, said: str) -> None:
    (tmp_path / "ids.csv").write_text(ids)
    offers = three_offers(tmp_path)
    offers = (replace(offers[0], ids=str(tmp_path / "ids.csv")), *offers[1:])
    with pytest.raises(DataError, match=said) as caught:
        run_projection(small_spec(tmp_path, sources=offers), tmp_path / "home")
    assert 'Source "good"' in str(caught.value)


def test_one_source_is_projected_over_sizes_alone(tmp_path: Path) -> None:
    offer = three_offers(tmp_path)[:1]
    spec = small_spec(tmp_path, sources=offer, points=None)
    projection, _ = run_projection(spec, tmp_path / "home")
    assert "one-source" in [one.kind for one in projection.record.findings]
    assert projection.record.best[0].p == (1.0,)


def test_embeddings_of_another_model_are_refused(tmp_path: Path) -> None:
    spec = small_spec(tmp_path)
    np.savez(
        tmp_path / "validation.npz",
        embeddings=np.ones((30, 4), np.float32),
        labels=np.arange(30) % 3,
        class_names=np.array(CLASSES),
    )
    with pytest.raises((DataError, ConfigError)):
        run_projection(spec, tmp_path / "home")
    assert list_projections(tmp_path / "home") == []


def test_a_damaged_projection_is_not_listed(made, tmp_path: Path) -> None:
    projection = made[0]
    copy_projection(projection, tmp_path / "projections" / projection.id)
    (tmp_path / "projections" / projection.id / "projection.json").write_text("{")
    assert list_projections(tmp_path) == []
    write_embeddings(tmp_path / "projections" / "x.npz", 6, 0)
    assert list_projections(tmp_path / "absent") == []
