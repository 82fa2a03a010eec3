"""What is wrong with pilots is said, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.projection import Pilots, check_labels, check_pilots
from tests.core.projection.sources import pilots_of, points

PILOTS = pilots_of([60, 50, 40])
Y, Y_LABELS = points(50, np.random.default_rng(7))
NAMES = ("cat", "dog", "ship")
LAST = PILOTS.source == 2


def found(pilots: Pilots, y: np.ndarray = Y, labels: np.ndarray = Y_LABELS) -> list[tuple]:
    findings = check_pilots(pilots, y, labels, NAMES)
    return [(finding.kind, finding.severity, finding.sources) for finding in findings]


def test_sound_pilots_have_no_findings() -> None:
    assert found(PILOTS) == []


def changed(rows: np.ndarray, **arrays: np.ndarray) -> Pilots:
    both = {name: getattr(PILOTS, name).copy() for name in arrays}
    for name, values in arrays.items():
        both[name][rows] = values
    return replace(PILOTS, **both)


@pytest.mark.parametrize(
    ("pilots", "kind", "sources"),
    [
        (changed(LAST, labels=np.int64(1)), "one-class", (2,)),
        (changed(LAST, x=30 * PILOTS.x[LAST]), "other-embedding", (2,)),
        (changed(LAST, x=Y[:40]), "validation-images", (2,)),
        (changed(np.arange(3), x=Y[:3]), "validation-images", (0,)),
        (pilots_of([60, 20]), "small-pilot", (1,)),
        (pilots_of([60]), "one-source", (0,)),
        (pilots_of([60, 50], capacity=np.array([9.0, 0.0])), "nothing-to-buy", (1,)),
    ],
)
def test_each_fault_is_named_once(pilots: Pilots, kind: str, sources: tuple) -> None:
    assert found(pilots) == [(kind, "warning", sources)]


def test_sources_with_the_same_images_are_told() -> None:
    one = pilots_of([60, 60])
    twice = replace(
        one, x=np.vstack([one.x[:60]] * 2), labels=np.concatenate([one.labels[:60]] * 2)
    )
    assert found(twice) == [("identical-sources", "warning", (0, 1))]


def test_a_pilot_that_is_the_validation_set_is_told_as_such() -> None:
    finding = check_pilots(changed(LAST, x=Y[:40]), Y, Y_LABELS, NAMES)[0]
    assert finding.sentence.startswith('All of the images of "source 2"')


def test_classes_of_one_side_are_named() -> None:
    no_ship = replace(PILOTS, labels=PILOTS.labels % 2)
    assert [f.sentence for f in check_pilots(no_ship, Y, Y_LABELS, NAMES)] == [
        'No source shows "ship": no mix of them can learn that.'
    ]
    (unmeasured,) = check_pilots(PILOTS, Y, Y_LABELS % 2, NAMES)
    assert (unmeasured.kind, unmeasured.severity) == ("unmeasured-class", "warning")
    assert unmeasured.sentence == (
        'The validation set has no image of "ship", of which sources have some: what these teach '
        "is not measured, and they look useless or harmful."
    )


def test_labels_alone_tell_what_needs_no_embeddings() -> None:
    both = changed(LAST, labels=np.int64(1), x=30 * PILOTS.x[LAST])
    blind = replace(both, x=np.zeros((len(both.labels), 1), dtype=np.float32))
    assert [f.kind for f in check_labels(blind, Y_LABELS, NAMES)] == ["one-class"]
    assert [f.kind for f in check_pilots(both, Y, Y_LABELS, NAMES)] == [
        "one-class",
        "other-embedding",
    ]
    (error,) = check_labels(blind, np.full(50, 3), NAMES)
    assert (error.kind, error.severity) == ("no-common-class", "error")


@pytest.mark.parametrize(
    ("y", "labels", "kind"),
    [
        (Y[:0], Y_LABELS[:0], "empty-validation"),
        (Y[:, :2], Y_LABELS, "embedding-width"),
        (Y, np.full(50, 3), "no-common-class"),
    ],
)
def test_what_makes_projection_impossible_is_an_error(
    y: np.ndarray, labels: np.ndarray, kind: str
) -> None:
    assert found(PILOTS, y, labels) == [(kind, "error", ())]
