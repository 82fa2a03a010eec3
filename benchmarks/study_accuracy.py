"""The papers' studies of what becomes of a model: what is measured, and how it is judged."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from benchmarks.study_sets import (
    FROG,
    Sets,
    Verdict,
    judged,
    repeated,
)
from core.evaluation import Effect
from core.lab.studies import (
    Study,
    duplication,
    reduction,
    unbalanced_rows,
)

KEPT = (1.0, 0.95, 0.9, 0.85, 0.8, 0.7, 0.5)
SUMMARY = (0.02, 0.05, 0.1, 0.2, 0.4)
TIMES = (1, 2, 3, 4, 5)
# Hundredths of the set: a few copies of the best image bring the distance down, as its value says.
SINGLE = (1, 5, 20, 50, 100)
# Rankings of the clean sets: the paper's method and a rival of its figures 12, 13 and 16.
RANKINGS = ("lava", "knn-shapley")


def _kept(sets: Sets, study: Study, shares: Sequence[float], seed: int) -> pd.DataFrame:
    def measure(rows: np.ndarray) -> Effect:
        return Effect(sets.measure(study.take(rows)))

    values = {name: study.value(name, {}) for name in RANKINGS}
    return reduction(values, measure, shares, seed=seed)


def rebalancing(sets: Sets) -> pd.DataFrame:
    """Measure LAVA's figure 12."""

    def one(seed: int) -> pd.DataFrame:
        drawn = sets.draw(10_000, 2000, seed)
        rows = unbalanced_rows(drawn.labels, FROG, 2.0, np.random.default_rng(seed))
        return _kept(sets, drawn.take(rows), KEPT, seed)

    return repeated(sets, one)


def judge_rebalancing(table: pd.DataFrame) -> Verdict:
    """Ask whether fewer images make a better learner, and by LAVA a better one than by others."""
    mean = table.groupby(["order", "kept"])["accuracy"].mean()
    whole = mean["lava", 1.0]
    fewer = mean["lava"].drop(1.0)
    best = fewer.idxmax()
    said = (
        f"all images {whole:.1%}; LAVA's best {best:.0%} {fewer[best]:.1%}, "
        f"KNN-Shapley's {mean['knn-shapley', best]:.1%}, as many at random "
        f"{mean['random', best]:.1%}; LAVA's best half {mean['lava', 0.5]:.1%}, "
        f"at random {mean['random', 0.5]:.1%}"
    )
    improves = fewer[best] > whole + _spread(table)
    return judged(said, improves, fewer[best] > mean["knn-shapley", best])


def shrinking(sets: Sets) -> pd.DataFrame:
    """Measure LAVA's figure 13."""
    return repeated(sets, lambda seed: _kept(sets, sets.draw(5000, 2000, seed), KEPT, seed))


def judge_shrinking(table: pd.DataFrame) -> Verdict:
    """Ask whether 15 % less keeps accuracy within a point, and LAVA is ahead of KNN-Shapley."""
    mean = table.groupby(["order", "kept"])["accuracy"].mean()
    whole, own = mean["lava", 1.0], mean["lava", 0.85]
    said = (
        f"all images {whole:.1%}; LAVA's best 85 % {own:.1%}, KNN-Shapley's "
        f"{mean['knn-shapley', 0.85]:.1%}, as many at random {mean['random', 0.85]:.1%}; "
        f"LAVA's best half {mean['lava', 0.5]:.1%}, at random {mean['random', 0.5]:.1%}"
    )
    return judged(said, own >= whole - 0.01, own > mean["knn-shapley", 0.85])


def summarization(sets: Sets) -> pd.DataFrame:
    """Measure LAVA's figure 16."""
    return repeated(sets, lambda seed: _kept(sets, sets.draw(5000, 2000, seed), SUMMARY, seed))


def judge_summarization(table: pd.DataFrame) -> Verdict:
    """Ask whether LAVA's summaries are mostly better than random ones, and than KNN-Shapley's."""
    gain = table.groupby(["order", "kept"])["gain"].mean()
    own, rival = gain["lava"], gain["knn-shapley"]
    said = "accuracy less that of as many at random, in points: " + ", ".join(
        f"best {kept:.0%} {100 * own[kept]:+.1f} (KNN-Shapley {100 * rival[kept]:+.1f})"
        for kept in own.index
    )
    return judged(said, (own > 0).mean() > 0.5, (own > rival).mean() > 0.5)


def copies(sets: Sets) -> pd.DataFrame:
    """Measure LAVA's table 3, and copies of a single image."""

    def one(seed: int) -> pd.DataFrame:
        table = duplication(sets.draw(2000, 2000, seed), TIMES, single=SINGLE, seed=seed)
        first = table.loc[(table["what"] == "whole set") & (table["times"] == 1), "distance"]
        return table.assign(change=table["distance"] / first.iloc[0] - 1)

    return repeated(sets, one)


def judge_copies(table: pd.DataFrame) -> Verdict:
    """Ask whether copies of all change nothing, and those of one image increase the distance."""
    change = table.groupby(["what", "times"])["change"].mean()
    whole, near, single = (
        change[what] for what in ("whole set", "whole set with noise", "one image")
    )
    copied = ", ".join(f"{count} % {change:+.1%}" for count, change in single.items())
    said = (
        f"the distance changes by {_most(whole):+.2%} at most where all is copied, "
        f"by {_most(near):+.2%} where the copies have noise; where so much of the set is added in "
        f"copies of its best image: {copied}"
    )
    steady = abs(_most(whole)) <= 0.002 and abs(_most(near)) <= 0.01
    return judged(said, steady, bool((single > 0).all() and single.is_monotonic_increasing))


def _most(change: pd.Series) -> float:
    return float(change.iloc[change.abs().argmax()])


def _spread(table: pd.DataFrame) -> float:
    """Return the deviation of accuracy over the seeds, in the mean of all settings."""
    found = table.groupby(["order", "kept"])["accuracy"].std(ddof=1).mean()
    return 0.0 if np.isnan(found) else float(found)
