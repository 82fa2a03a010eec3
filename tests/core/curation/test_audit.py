"""The audit sample is random where it must be, and the same whenever it is asked for."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from core.curation.audit import audit_sample


def make(n: int, v: int = 4) -> tuple[pd.Series[str], np.ndarray, np.ndarray]:
    labels = np.minimum(np.arange(n) % (2 * v), v - 1)  # the last class holds more than half
    return pd.Series([f"im/{i}.png" for i in range(n)]), labels, np.arange(n) % 7 == 0


def test_no_flagged_image_is_drawn_and_none_twice() -> None:
    ids, labels, flagged = make(3000)
    drawn = audit_sample(ids, labels, flagged, seed="a" * 64)
    assert len(drawn) == len(np.unique(drawn)) == 200
    assert not flagged[drawn].any()


@pytest.mark.parametrize("seed", ["a" * 64, "b" * 64, "c" * 64])
def test_each_class_has_its_share_to_within_one(seed: str) -> None:
    ids, labels, flagged = make(3000)
    drawn = audit_sample(ids, labels, flagged, seed=seed)
    share = 200 * np.bincount(labels[~flagged]) / (~flagged).sum()
    assert (np.abs(np.bincount(labels[drawn], minlength=4) - share) < 1).all()


def test_every_image_has_the_same_chance() -> None:
    ids, labels, flagged = make(60)
    times = np.zeros(60)
    for seed in range(600):
        times[audit_sample(ids, labels, flagged, seed=str(seed), size=10)] += 1
    expected = 600 * 10 / (~flagged).sum()
    # Five standard deviations of a binomial: the chance that one of 51 images lies outside is tiny.
    assert (np.abs(times[~flagged] - expected) < 5 * np.sqrt(expected)).all()


def test_first_half_of_the_sample_has_no_favorite_class() -> None:
    ids, labels, flagged = make(3000)
    first = np.zeros(4)
    for seed in range(60):
        first += np.bincount(
            labels[audit_sample(ids, labels, flagged, seed=str(seed))[:50]], minlength=4
        )
    share = np.bincount(labels[~flagged]) / (~flagged).sum()
    np.testing.assert_allclose(first / first.sum(), share, atol=0.04)  # 3,000 draws: sd < 0.01


def test_order_of_the_images_does_not_matter() -> None:
    ids, labels, flagged = make(900)
    turned = np.random.default_rng(0).permutation(900)
    drawn = audit_sample(ids, labels, flagged, seed="s")
    again = audit_sample(ids.iloc[turned], labels[turned], flagged[turned], seed="s")
    assert ids.iloc[drawn].tolist() == ids.iloc[turned[again]].tolist()


def test_more_data_keep_most_of_the_sample_of_a_class() -> None:
    ids, labels, flagged = make(3000)
    before = audit_sample(ids.iloc[:2700], labels[:2700], flagged[:2700], seed="s")
    after = audit_sample(ids, labels, flagged, seed="s")
    assert len(np.intersect1d(before, after)) > 150


def test_where_few_are_not_flagged_all_of_them_are_drawn() -> None:
    ids, labels, _ = make(50)
    flagged = np.arange(50) >= 8
    assert sorted(audit_sample(ids, labels, flagged, seed="s")) == list(range(8))
    assert len(audit_sample(ids, labels, np.ones(50, bool), seed="s")) == 0
