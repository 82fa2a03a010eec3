"""Data that leave a projection little or nothing to go by: a right answer, or a clear sentence."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.acquisition import Offer, Projection, ProjectionSpec, run_projection
from core.errors import DataError
from core.projection import lattice
from tests.core.acquisition.offers import CLASSES, write_embeddings

SHOWN = ("saturating", "linear", "rational")
FAR = 1000


def offer(folder: Path, name: str, seed: int, kind: str = "good", n: int = 90) -> Offer:
    """Return a source; see `write_embeddings`."""
    return Offer(name=name, pilot=write_embeddings(folder / f"{name}.npz", n, seed, kind))


def only(one: Offer, folder: Path, label: int) -> Offer:
    """Return a source of the images of one class of another."""
    with np.load(one.pilot) as file:
        found = dict(file)
    kept = found["labels"] == label
    for name in ("embeddings", "labels", "ids"):
        found[name] = found[name][kept]
    path = folder / f"only-{label}.npz"
    np.savez(path, **found)
    return Offer(name=f"only {CLASSES[label]}", pilot=str(path))


def project(folder: Path, *offers: Offer, **settings: object) -> Projection:
    """Return the projection of these sources against 60 validation and 120 test images."""
    spec = ProjectionSpec(
        sources=offers,
        validation=write_embeddings(folder / "validation.npz", 60, 10),
        test=write_embeddings(folder / "test.npz", 120, 11),
        repeats=2,
        **settings,  # type: ignore[arg-type]
    )
    projection, _ = run_projection(spec, folder / "home")
    assert projection.record.converged == 1
    return projection


def kinds(projection: Projection) -> set[str]:
    return {one.kind for one in projection.record.findings}


def sentences(projection: Projection) -> str:
    return " ".join(one.sentence for one in projection.record.findings)


def require_usable(projection: Projection) -> None:
    """Every prediction and interval is a number, and the best mixes can be ordered."""
    ratios = lattice(len(projection.record.offers), 4)
    for name in projection.predictors:
        for n in (50, FAR):
            low, high = projection.interval(name).interval(ratios, n)
            assert np.isfinite([low, high]).all(), name
            assert (low <= high).all(), name
    for mix in projection.record.best:
        assert sum(mix.counts) == mix.n
        assert mix.low <= mix.accuracy <= mix.high


def test_one_source_depends_on_the_size_alone(tmp_path: Path) -> None:
    projection = project(tmp_path, offer(tmp_path, "good", 0))
    require_usable(projection)
    assert "nothing to mix" in sentences(projection)
    assert {mix.p for mix in projection.record.best} == {(1.0,)}
    small, large = projection.fitted().predict([[1.0]], np.array([11, FAR]))
    measured = projection.measured.at(11).accuracy.mean()
    assert small == pytest.approx(measured, abs=0.1)
    assert small < large < 1


def test_between_identical_sources_the_ratio_decides_nothing(tmp_path: Path) -> None:
    good = offer(tmp_path, "good", 0)
    wrong = offer(tmp_path, "wrong", 2, "wrong")
    projection = project(tmp_path, good, replace(good, name="twin"), wrong)
    require_usable(projection)
    assert "identical-sources" in kinds(projection)
    assert '"good" and "twin" show the same images' in sentences(projection)
    # The twins share 70 % of the mix in different ways.
    p = np.array([[0.7, 0, 0.3], [0.35, 0.35, 0.3], [0, 0.7, 0.3]])
    distances = projection.tangents.distance(p)
    np.testing.assert_allclose(distances, distances[0], rtol=1e-3)
    accuracy = projection.fitted().predict(p, FAR)
    low, high = projection.interval().interval(p, FAR)
    assert np.ptp(accuracy) < (high - low).min() / 2


def test_a_source_of_one_class_is_named_and_alone_teaches_nothing(tmp_path: Path) -> None:
    good = offer(tmp_path, "good", 0)
    projection = project(tmp_path, good, only(good, tmp_path, 1), scales=(10, 20, 30))
    require_usable(projection)
    assert '"only boot" shows "boot" only' in sentences(projection)
    alone, mixed = projection.fitted().predict([[0.0, 1.0], [0.5, 0.5]], 30)
    # One class in three.
    assert alone == pytest.approx(1 / 3, abs=0.15)
    assert mixed > alone + 0.2
    assert projection.best(30).p[0] > 0.5


def test_nothing_but_one_class_is_named_as_well(tmp_path: Path) -> None:
    projection = project(tmp_path, only(offer(tmp_path, "good", 0), tmp_path, 1), scales=(10, 20))
    require_usable(projection)
    assert 'No source shows "bag" and "coat": no mix of them can learn that.' in sentences(
        projection
    )
    # No law that was fitted says that the two other classes are learned.
    assert projection.fitted().predict([[1.0]], 20) == pytest.approx(1 / 3, abs=0.02)


def test_without_a_common_class_nothing_is_projected(tmp_path: Path) -> None:
    good = offer(tmp_path, "good", 0)
    write_embeddings(tmp_path / "v.npz", 60, 10)
    validation = only(Offer(name="v", pilot=str(tmp_path / "v.npz")), tmp_path, 2)
    spec = ProjectionSpec(
        sources=(only(good, tmp_path, 0), only(good, tmp_path, 1)),
        validation=validation.pilot,
        test=validation.pilot,
    )
    with pytest.raises(DataError, match="No pilot has a class that the validation set has"):
        run_projection(spec, tmp_path / "home")


@pytest.mark.parametrize("scales", [(40,), (40, 40)])
def test_with_a_single_size_theorem_1_is_refused_and_growth_is_called_assumed(
    tmp_path: Path, scales: tuple[int, ...]
) -> None:
    offers = [offer(tmp_path, "good", 0), offer(tmp_path, "wrong", 2, "wrong")]
    projection = project(tmp_path, *offers, scales=scales)
    require_usable(projection)
    record = projection.record
    assert record.scales == (40,)
    for name in ("projektor-cs", "projektor-pq"):
        assert (
            "two sizes N_0 < N_1; all were trained on 40 images" in record.predictors[name].missing
        )
        assert name not in projection.predictors
    default = record.predictors["saturating"]
    assert default.held_out_error is None
    assert any("assumed, not measured" in note for note in default.notes)
    # What has no slope in n does not make one up.
    p = np.array([[0.5, 0.5]])
    assert projection.fitted("linear").predict(p, 40) == projection.fitted("linear").predict(p, FAR)


def test_fewer_mixtures_than_parameters_are_regularized_and_it_is_said(tmp_path: Path) -> None:
    offers = [
        offer(tmp_path, "good", 0),
        offer(tmp_path, "wrong", 2, "wrong"),
        offer(tmp_path, "narrow", 1, "narrow"),
    ]
    projection = project(tmp_path, *offers, scales=(40, 80), points=2)
    require_usable(projection)
    few = {
        name: one
        for name, one in projection.record.predictors.items()
        if one.points < one.parameters and name not in ("loo", "shapley")
    }
    assert {"saturating", "projektor-pq", "quadratic", "rational"} <= few.keys()
    for one in few.values():
        assert one.regularized
        assert any("regularized" in note for note in one.notes)
    # The ridge leaves what was measured where it is.
    measured = projection.measured.mean()
    for name in ("quadratic", "projektor-pq"):
        found = projection.fitted(name).predict(measured.p, measured.n)
        np.testing.assert_allclose(found, measured.accuracy, atol=0.05)


def test_a_pilot_that_is_the_validation_set_is_named_and_nearest(tmp_path: Path) -> None:
    write_embeddings(tmp_path / "validation.npz", 60, 10)
    same = Offer(name="same", pilot=str(tmp_path / "validation.npz"))
    projection = project(tmp_path, same, offer(tmp_path, "wrong", 2, "wrong"), scales=(10, 20, 40))
    require_usable(projection)
    assert 'All of the images of "same" are in the validation set' in sentences(projection)
    ratios = lattice(2, 10)
    distances = projection.tangents.distance(ratios)
    assert distances.argmin() == ratios[:, 0].argmax()
    # What is left of it is the regularizer's, which no mix is without.
    assert distances.min() < distances.max() / 2


def test_no_prediction_runs_away_where_nothing_was_measured(tmp_path: Path) -> None:
    """The rational law's sums of 1 / (c . p) are beyond all numbers there."""
    offers = [offer(tmp_path, "good", 0), offer(tmp_path, "wrong", 2, "wrong")]
    projection = project(tmp_path, *offers, scales=(40, 80), points=1)
    ratios = lattice(2, 10)
    for name in SHOWN:
        accuracy = projection.fitted(name).predict(ratios, FAR)
        assert (np.abs(accuracy) < 2).all(), name
    assert (projection.fitted("rational").predict(ratios, FAR) >= 0).all()
