from __future__ import annotations

import numpy as np
import pytest

from core.valuation import NO_LABEL, suggest
from core.valuation.suggestion import LEAST_CONFIDENCE, wrong_label_share


def mixture(n: int, v: int, share: float, sharpness: float, seed: int = 0):
    """Draw labels, a share of them wrong, and the posterior of features that were drawn."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, v, n)
    features = np.eye(v)[truth] + sharpness * rng.standard_normal((n, v))
    # The posterior of these features, all classes being equally common.
    posterior = np.exp(features / sharpness**2)
    posterior /= posterior.sum(axis=1, keepdims=True)
    labels = truth.copy()
    wrong = rng.random(n) < share
    labels[wrong] = (labels[wrong] + rng.integers(1, v, wrong.sum())) % v
    own = posterior[np.arange(n), labels]
    return truth, labels, posterior.argmax(axis=1), posterior.max(axis=1), own


@pytest.mark.parametrize("share", [0.02, 0.1, 0.3])
@pytest.mark.parametrize("sharpness", [0.25, 0.4, 0.6])
def test_the_confidence_is_the_share_of_suggestions_that_are_right(share, sharpness) -> None:
    truth, labels, like, probability, own = mixture(60_000, 6, share, sharpness)
    found = suggest(labels, like, probability, own, 6)
    suggested = found.label != NO_LABEL
    right = found.label[suggested] == truth[suggested]
    # Three standard errors of the share of right ones.
    margin = 3 * 0.5 / np.sqrt(suggested.sum())
    assert abs(right.mean() - found.confidence[suggested].mean()) < margin


@pytest.mark.parametrize("share", [0.05, 0.2, 0.4])
def test_the_share_of_wrong_labels_is_found_without_truth(share: float) -> None:
    *_, own = mixture(40_000, 5, share, 0.4)
    assert abs(wrong_label_share(own, 5) - share) < 0.01


def test_a_suggestion_differs_from_the_label_and_is_likelier_than_not() -> None:
    _, labels, like, probability, own = mixture(5_000, 4, 0.2, 0.5)
    found = suggest(labels, like, probability, own, 4)
    none = found.label == NO_LABEL
    assert 0 < none.sum() < len(none)
    np.testing.assert_array_equal(np.isnan(found.confidence), none)
    assert (found.label[~none] != labels[~none]).all()
    assert (found.confidence[~none] >= LEAST_CONFIDENCE).all()
    assert (found.label.dtype, found.confidence.dtype) == (np.uint16, np.float32)


def test_what_looks_like_another_class_is_not_called_wrong_where_few_labels_are() -> None:
    """Nine tenths like another class: believed among many wrong labels, not among few."""
    one = {"labels": np.zeros(1000, np.int64), "probability": np.full(1000, 0.999)}
    like, own = np.zeros(1000, np.int64), np.full(1000, 0.999)
    like[0], one["probability"][0], own[0] = 1, 0.9, 0.01
    assert suggest(**one, looks_like=like, own_probability=own, n_classes=5).label[0] == NO_LABEL
    like[:300], one["probability"][:300], own[:300] = 1, 0.9, 0.01
    assert suggest(**one, looks_like=like, own_probability=own, n_classes=5).label[0] == 1


def test_a_calibration_goes_before_the_estimate() -> None:
    labels, like = np.array([0, 0, 0]), np.array([1, 1, 0])
    found = suggest(
        labels,
        like,
        np.array([0.8, 0.8, 0.9]),
        np.array([0.1, 0.1, 0.9]),
        3,
        wrong_label=np.array([0.9, 0.2, 0.9]),
    )
    np.testing.assert_array_equal(found.label, [1, NO_LABEL, NO_LABEL])
    np.testing.assert_allclose(found.confidence[0], 0.9 * 0.8 / 0.9, rtol=1e-6)


def test_without_the_label_s_own_probability_suggestions_are_still_mostly_right() -> None:
    truth, labels, like, probability, _ = mixture(20_000, 6, 0.2, 0.4)
    found = suggest(labels, like, probability, None, 6)
    suggested = found.label != NO_LABEL
    assert suggested.sum() > 1000
    assert (found.label == truth)[suggested].mean() > found.confidence[suggested].mean() - 0.1


def test_a_calibration_without_the_label_s_own_probability_suggests_less() -> None:
    _, labels, like, probability, own = mixture(20_000, 6, 0.2, 0.4)
    wrong = np.full(20_000, 0.6)
    known = suggest(labels, like, probability, own, 6, wrong_label=wrong)
    blind = suggest(labels, like, probability, None, 6, wrong_label=wrong)
    assert 0 < (blind.label != NO_LABEL).sum() < (known.label != NO_LABEL).sum()


def test_a_single_class_or_none_gets_no_suggestion() -> None:
    alone = suggest(np.zeros(3, np.int64), np.zeros(3, np.int64), np.ones(3), np.ones(3), 1)
    assert (alone.label == NO_LABEL).all()
    empty = np.empty(0)
    assert len(suggest(empty.astype(int), empty.astype(int), empty, empty, 3).label) == 0
