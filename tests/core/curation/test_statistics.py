"""The statistics of a review agree with independent implementations, and with the truth."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest
from sklearn.isotonic import IsotonicRegression

from core.curation import Reviewable, ReviewStatistics, review_statistics
from core.curation.intervals import wilson
from core.curation.pace import pace
from core.curation.summary import sentences

VERDICTS = np.array(["keep", "remove"])


def ground(n: int, flagged: int, audit: np.ndarray | None = None) -> Reviewable:
    """Rows in the order of rank, so that row r has rank r + 1."""
    return Reviewable(
        rank=np.arange(1, n + 1),
        flagged=flagged,
        audit=np.zeros(0, np.int64) if audit is None else audit,
    )


def judged(rows: np.ndarray, faulty: np.ndarray) -> pd.DataFrame:
    moments = pd.Timestamp("2026-03-01T10:00:00Z") + pd.to_timedelta(np.arange(len(rows)), "s")
    return pd.DataFrame(
        {
            "row": rows,
            "verdict": VERDICTS[faulty.astype(int)],
            "reviewer": "ada",
            "at": moments,
        }
    )


def reviewed(n: int, flagged: int, faulty: np.ndarray, upto: int) -> ReviewStatistics:
    rows = np.arange(upto)
    return review_statistics(ground(n, flagged), judged(rows, faulty[rows]))


@pytest.mark.parametrize(("confirmed", "images"), [(0, 1), (1, 1), (0, 40), (7, 31), (199, 200)])
def test_wilson_interval_is_that_of_scipy(confirmed: int, images: int) -> None:
    low, high = wilson(np.array(confirmed), np.array(images))
    theirs = binomtest(confirmed, images).proportion_ci(0.95, method="wilson")
    np.testing.assert_allclose([low, high], [theirs.low, theirs.high], rtol=1e-12, atol=1e-15)


def test_wilson_interval_of_nothing_says_nothing() -> None:
    low, high = wilson(np.array([0]), np.array([0]))
    assert (low[0], high[0]) == (0.0, 1.0)


def test_curve_counts_what_was_judged_up_to_each_rank() -> None:
    rows = np.array([0, 1, 4, 9])
    faulty = np.array([True, False, True, False])
    curve = review_statistics(ground(50, 10), judged(rows, faulty)).curve
    assert curve.rank.tolist() == [1, 2, 5, 10]
    assert curve.confirmed.tolist() == [1, 1, 2, 2]
    np.testing.assert_allclose(curve.precision, [1, 1 / 2, 2 / 3, 2 / 4], rtol=1e-15)


def test_precision_here_is_the_isotonic_fit_of_scikit_learn() -> None:
    rng = np.random.default_rng(3)
    rows = np.sort(rng.choice(2000, 300, replace=False))
    faulty = rng.random(300) < 1 / (1 + rows / 300)
    ours = review_statistics(ground(5000, 2000), judged(rows, faulty)).curve.here
    theirs = IsotonicRegression(increasing=False).fit_transform(rows, faulty.astype(float))
    np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)


def test_relabel_confirms_a_fault_unsure_answers_nothing_and_a_note_is_no_review() -> None:
    decisions = judged(np.arange(4), np.zeros(4, bool))
    decisions["verdict"] = ["relabel", "unsure", "keep", "clear"]
    found = review_statistics(ground(100, 10), decisions)
    assert (found.confirmed, found.refuted, found.unsure, found.reviewed) == (1, 1, 1, 3)
    assert found.precision is not None
    assert found.precision.value == 0.5


def test_order_of_the_decisions_does_not_matter() -> None:
    rng = np.random.default_rng(0)
    rows, faulty = np.arange(200), rng.random(200) < 0.4
    table = judged(rows, faulty)
    a = review_statistics(ground(1000, 500), table)
    b = review_statistics(ground(1000, 500), table.sample(frac=1, random_state=1))
    assert a.to_json() == b.to_json()


def test_when_all_is_judged_nothing_remains() -> None:
    faulty = np.arange(80) < 20
    found = reviewed(80, 30, faulty, 80)
    assert found.remaining.total is not None
    assert found.remaining.total.high == 0.0
    assert found.reached == 80


def coverage(rate: np.ndarray, pick: Callable[[np.random.Generator], np.ndarray]) -> int:
    """Return in how many of 200 reviews the faults among the judged images lie in the interval."""
    rng = np.random.default_rng(11)
    n, hits = len(rate), 0
    for trial in range(200):
        faulty = rng.random(n) < rate
        rows = np.sort(pick(rng))
        left = review_statistics(ground(n, n), judged(rows, faulty[rows]), seed=trial).remaining
        assert left.among is not None
        between = np.setdiff1d(np.arange(rows[0], rows[-1]), rows)
        assert left.among_images == len(between)
        hits += left.among.low <= faulty[between].sum() <= left.among.high  # type: ignore[operator]
    return hits


FLAT = np.full(1000, 0.3)
FALLING = 0.97 / (1 + np.exp((np.arange(1000) - 300) / 80))


@pytest.mark.parametrize("rate", [FLAT, FALLING], ids=["flat", "falling"])
def test_interval_of_what_remains_holds_the_truth_as_often_as_it_says(rate: np.ndarray) -> None:
    hits = coverage(rate, lambda rng: rng.choice(1000, 200, replace=False))
    assert 180 <= hits <= 200  # binomial(200, 0.95): 0.1 % of trials lie outside


def test_interval_holds_the_truth_where_precision_falls_in_a_wide_gap() -> None:
    rows = np.concatenate([np.arange(100), np.arange(500, 600)])
    assert coverage(FALLING, lambda _rng: rows) >= 180


@pytest.mark.parametrize("upto", [100, 300, 450])
def test_bound_of_the_images_ahead_is_one_while_precision_falls(upto: int) -> None:
    rng = np.random.default_rng(4)
    held = 0
    for trial in range(200):
        faulty = rng.random(1000) < FALLING
        table = judged(np.arange(upto), faulty[:upto])
        left = review_statistics(ground(1000, 1000), table, seed=trial).remaining
        assert left.ahead_images == 1000 - upto
        held += left.ahead_most is None or faulty[upto:].sum() <= left.ahead_most
    assert held >= 185


def test_the_worst_images_say_nothing_of_those_not_judged_yet() -> None:
    found = reviewed(5000, 362, np.ones(5000, bool), 21)
    left = found.remaining
    assert (left.among_images, left.ahead_images) == (0, 341)
    assert (left.ahead, left.ahead_most, left.total, found.recall) == (None, None, None, None)
    said = sentences(found)["remaining"]
    assert "Not known yet among 341 of the worst 362" in said
    assert "go on to rank 362" in said


def test_one_image_judged_far_on_does_not_bring_those_before_it_in_reach() -> None:
    rows = np.append(np.arange(21), 300)
    left = review_statistics(ground(5000, 362), judged(rows, np.ones(22, bool))).remaining
    assert (left.among_images, left.ahead_images) == (0, 340)


def test_images_before_the_first_judged_one_have_no_bound() -> None:
    rows = np.arange(200, 300)
    left = review_statistics(ground(5000, 362), judged(rows, rows % 10 == 0)).remaining
    assert left.ahead_images == 262
    assert left.ahead_most is None


def test_calibrated_odds_stand_for_the_images_ahead_unless_the_judged_ones_contradict_them() -> (
    None
):
    odds = np.linspace(0.95, 0.05, 1000)
    calibrated = Reviewable(
        rank=np.arange(1, 1001), flagged=362, audit=np.zeros(0, np.int64), fault_probability=odds
    )
    alike = review_statistics(calibrated, judged(np.arange(21), np.ones(21, bool)))
    assert alike.remaining.odds_factor == 1
    assert alike.remaining.ahead is not None
    assert alike.remaining.ahead.value == pytest.approx(odds[21:362].sum())
    assert alike.remaining.ahead.low is None
    assert "by the calibrated odds." in sentences(alike)["remaining"]
    fewer = review_statistics(calibrated, judged(np.arange(100), np.arange(100) % 2 == 0))
    factor = 50 / odds[:100].sum()
    assert fewer.remaining.odds_factor == pytest.approx(factor)
    assert fewer.remaining.ahead is not None
    assert fewer.remaining.ahead.value == pytest.approx(factor * odds[100:362].sum())
    assert f"times {factor:.2g}" in sentences(fewer)["remaining"]


@pytest.mark.parametrize("rate", [0.01, 0.1])
def test_interval_of_recall_holds_the_truth_as_often_as_it_says(rate: float) -> None:
    """Review of all flagged images, then the audit: the interval is right for rare faults, too."""
    rng = np.random.default_rng(5)
    hits = 0
    for trial in range(200):
        faulty = rng.random(4000) < np.where(np.arange(4000) < 400, 0.7, rate)
        audit = rng.permutation(np.arange(400, 4000))[:200]
        rows = np.concatenate([np.arange(400), audit])
        found = review_statistics(ground(4000, 400, audit), judged(rows, faulty[rows]), seed=trial)
        assert found.recall is not None
        truth = faulty[rows].sum() / faulty.sum()
        hits += found.recall.low <= truth <= found.recall.high  # type: ignore[operator]
    assert 180 <= hits <= 200


def test_part_of_the_audit_that_was_picked_by_value_does_not_bias_recall() -> None:
    """Whoever goes on worst first judges the worst of the audit sample; that must not count."""
    rng = np.random.default_rng(2)
    audit = rng.permutation(np.arange(100, 1000))[:200]
    worst = np.sort(audit)[:80]
    rows = np.concatenate([np.arange(100), worst])
    found = review_statistics(ground(1000, 100, audit), judged(rows, np.ones(180, bool)))
    assert found.audit.judged == int(np.flatnonzero(~np.isin(audit, worst))[0])
    assert found.audit.judged < 10
    assert found.recall is None


def test_faults_found_beside_the_audit_are_not_expected_again() -> None:
    audit = np.arange(500, 1000, 5)
    faulty = np.zeros(1000, bool)
    faulty[500:550] = True
    by_audit = np.concatenate([np.arange(100), audit])
    before = review_statistics(ground(1000, 100, audit), judged(by_audit, faulty[by_audit]))
    by_hand = np.concatenate([by_audit, np.setdiff1d(np.arange(500, 550), audit)])
    after = review_statistics(ground(1000, 100, audit), judged(by_hand, faulty[by_hand]))
    assert before.remaining.rest is not None
    assert after.remaining.rest is not None
    assert before.remaining.rest.value - after.remaining.rest.value == pytest.approx(40)


def test_without_audit_and_odds_the_rest_is_unknown() -> None:
    found = reviewed(1000, 100, np.ones(1000, bool), 60)
    assert found.remaining.rest is None
    assert found.remaining.total is None
    assert found.recall is None


def test_odds_of_a_calibrated_run_stand_in_until_something_is_judged() -> None:
    odds = np.linspace(0.9, 0.0, 1000)
    calibrated = Reviewable(
        rank=np.arange(1, 1001), flagged=400, audit=np.arange(400, 500), fault_probability=odds
    )
    found = review_statistics(calibrated, judged(np.arange(5), np.ones(5, bool)))
    assert found.remaining.rest_how == "odds"
    assert found.remaining.total is not None
    assert found.remaining.total.value == pytest.approx(odds[5:].sum())
    assert found.remaining.total.low is None
    # A part judged, the other not: a sum, but no interval that would hold for one part only.
    audited = np.concatenate([np.arange(5), np.arange(400, 500)])
    mixed = review_statistics(calibrated, judged(audited, np.zeros(105, bool)))
    assert mixed.remaining.rest_how == "audit"
    assert mixed.remaining.total is not None
    assert mixed.remaining.total.low is None


def test_stopping_point_is_where_precision_drops() -> None:
    rng = np.random.default_rng(1)
    faulty = rng.random(5000) < np.where(np.arange(5000) < 500, 0.8, 0.02)
    assert reviewed(5000, 1000, faulty, 15).stop.state == "early"
    assert reviewed(5000, 1000, faulty, 400).stop.state == "go on"
    assert reviewed(5000, 1000, faulty, 535).stop.state == "soon"
    stop = reviewed(5000, 1000, faulty, 700).stop
    assert stop.state == "stop"
    assert stop.rank == pytest.approx(500, abs=25)
    assert stop.below == 700 - stop.rank


def test_a_few_sound_images_in_a_row_are_no_reason_to_stop() -> None:
    faulty = np.ones(300, bool)
    faulty[190:200] = False
    assert reviewed(1000, 300, faulty, 200).stop.state == "go on"


def test_stop_is_hardly_ever_suggested_while_a_third_is_faulty() -> None:
    rng = np.random.default_rng(9)
    states = [reviewed(2000, 1000, rng.random(2000) < 1 / 3, 400).stop.state for _ in range(100)]
    assert states.count("stop") == 0


def test_a_bulk_decision_is_one_stroke_and_a_pause_is_no_work() -> None:
    seconds = np.array([0.0, 2.0, 4.0, 4.001, 4.002, 604.0, 606.0])
    at = pd.Series(pd.Timestamp("2026-03-01T10:00:00Z") + pd.to_timedelta(seconds, "s"))
    found = pace(at, pd.Series(["ada"] * 7))
    assert found.strokes == 5
    assert found.active_minutes == pytest.approx(6 / 60, rel=1e-3)
    assert found.per_minute == pytest.approx(30, rel=1e-3)


def test_two_reviewers_at_once_do_not_speed_each_other_up() -> None:
    seconds = np.repeat(np.arange(0, 20, 4.0), 2) + np.tile([0.0, 2.0], 5)
    at = pd.Series(pd.Timestamp("2026-03-01T10:00:00Z") + pd.to_timedelta(seconds, "s"))
    assert pace(at, pd.Series(["ada", "bo"] * 5)).per_minute == pytest.approx(15)


def test_nothing_decided_is_no_error() -> None:
    found = review_statistics(ground(10, 0), judged(np.zeros(0, int), np.zeros(0, bool)))
    assert found.precision is None
    assert found.pace.per_minute is None
    assert found.stop.rank is None
