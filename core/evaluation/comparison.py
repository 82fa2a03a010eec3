"""Which method to use: rankings compared over repetitions, each with its like."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import t as student

from core.errors import DataError

ALL_FAULTS = "all faults"
MEASURE = "average_precision"
INSPECTED = 0.1
# Differences in average precision below this matter to nobody.
_SMALL = 0.005
# Without repetitions nothing is known of the spread: differences up to this are left undecided.
_UNDECIDED = 0.02
_CONFIDENCE = 0.95
# Worth a remark: so much better at one kind, and as good in such a part of the time.
_CLEARLY, _QUICK = 0.05, 1 / 3
_Title = Callable[[object], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommendation:
    """An answer to "which method should I use on my data?", and what it stands on.

    Attributes
    ----------
    method : the one with the highest mean average precision over all faults; None where none is
        better than chance
    sentence : the answer, for people
    notes : what else to know, a sentence each: kinds of fault at which another one is better,
        one that is as good in far less time
    evidence : one row a method, best first: method, average_precision (mean over the seeds), spread
        (standard deviation), behind (mean difference to the best, seed by seed), error (half the
        95 % interval of that difference; NaN with one seed), as_good (it cannot be told apart from
        the best), seconds
    repetitions : number of seeds
    """

    method: str | None
    sentence: str
    notes: tuple[str, ...]
    evidence: pd.DataFrame
    repetitions: int


def summarize(detection: pd.DataFrame, fault: str = ALL_FAULTS) -> pd.DataFrame:
    """Return mean and spread of each measure over the seeds, one row a method, the best first.

    Parameters
    ----------
    detection : columns method, seed, fault, auroc, average_precision, recall_at_S, seconds, faults
        and images; one row for each of the first three
    fault : a kind of fault of the table

    Returns
    -------
    columns method, repetitions, faults, images, and each measure by its name (the mean) and as
    `<measure>_spread` (standard deviation over the seeds; NaN with one), by mean average precision

    Raises
    ------
    DataError : the table has no such kind
    """
    rows = detection[detection["fault"] == fault]
    if rows.empty:
        kinds = ", ".join(map(str, dict.fromkeys(detection["fault"])))
        raise DataError(f"There is no fault '{fault}' in this comparison; there are: {kinds}.")
    measures = ["auroc", MEASURE, *(c for c in rows if str(c).startswith("recall_at_")), "seconds"]
    groups = rows.groupby("method", sort=False)
    mean, spread = groups[measures].mean(), groups[measures].std(ddof=1)
    table = pd.concat(
        [
            groups["seed"].nunique().rename("repetitions"),
            groups[["faults", "images"]].mean(),
            mean,
            spread.add_suffix("_spread"),
        ],
        axis=1,
    )
    return table.sort_values(MEASURE, ascending=False, kind="stable").reset_index()


def recommend(
    detection: pd.DataFrame, titles: Mapping[str, str] | None = None, fault: str = ALL_FAULTS
) -> Recommendation:
    """Say which method finds the most, and which cannot be told apart from it.

    Methods are compared seed by seed: the same faults in the same images. One is told apart from
    the best where the 95 % interval (Student's t) of the mean difference in average precision lies
    beyond a difference that matters (0.005); with a single seed, where it is more than 0.02. The
    spread of these differences over the seeds is taken to be the same for all methods.

    Parameters
    ----------
    detection : as for `summarize`
    titles : the methods' names for people; by default the names themselves

    Raises
    ------
    DataError : the table has no such kind of fault
    """
    titles = titles or {}
    table = summarize(detection, fault)
    evidence = _behind_the_best(detection, table, fault)
    best = table.iloc[0]
    repetitions = int(best["repetitions"])
    chance = best["faults"] / best["images"]
    if best["auroc"] < 0.5 + _UNDECIDED or best[MEASURE] < chance + _SMALL:
        sentence = (
            "None of these methods finds the faults better than a random order does: the best "
            f"average precision is {best[MEASURE]:.3f}, by chance it is {chance:.3f}."
        )
        return Recommendation(
            method=None, sentence=sentence, notes=(), evidence=evidence, repetitions=repetitions
        )
    name = str(best["method"])

    def title(method: object) -> str:
        return titles.get(str(method), str(method))

    notes = [
        *_as_good(evidence, title(name), title),
        *(_at_one_kind(detection, name, title) if fault == ALL_FAULTS else ()),
    ]
    return Recommendation(
        method=name,
        sentence=_answer(best, title(name), repetitions, fault),
        notes=tuple(notes),
        evidence=evidence,
        repetitions=repetitions,
    )


def _answer(best: pd.Series, title: str, repetitions: int, fault: str) -> str:
    what = "the faults" if fault == ALL_FAULTS else f"the images with {fault}"
    most = min(1.0, INSPECTED * best["images"] / best["faults"])
    found = f"{100 * best[f'recall_at_{INSPECTED:g}']:.0f} % of {what}"
    if most < 1:
        found += f", of the {100 * most:.0f} % that a perfect order would"
    spread = ""
    if repetitions > 1:
        spread = f" ± {best[f'{MEASURE}_spread']:.3f} over {repetitions} repetitions"
    return (
        f"Use {title}: whoever inspects the worst {100 * INSPECTED:g} % by it finds {found}, "
        f"and its average precision is {best[MEASURE]:.3f}{spread}."
    )


def _behind_the_best(detection: pd.DataFrame, table: pd.DataFrame, fault: str) -> pd.DataFrame:
    """Return how far each method is behind the best one, paired over the seeds."""
    rows = detection[detection["fault"] == fault]
    scores = rows.pivot_table(index="seed", columns="method", values=MEASURE)
    best = scores[table["method"].iloc[0]]
    differences = scores.rsub(best, axis=0)[table["method"].tolist()]
    count = differences.notna().sum().to_numpy()
    mean = differences.mean().to_numpy()
    # One spread for all differences: three repetitions tell little about each alone.
    free = int(np.maximum(count[1:] - 1, 0).sum())
    error = np.full(len(mean), np.nan)
    if free > 0:
        squares = float(np.nansum(((differences - mean) ** 2).to_numpy()[:, 1:]))
        error = student.ppf((1 + _CONFIDENCE) / 2, free) * np.sqrt(squares / free / count)
    undecided = np.where(count > 1, _SMALL + np.nan_to_num(error), _UNDECIDED)
    return pd.DataFrame(
        {
            "method": table["method"],
            MEASURE: table[MEASURE],
            "spread": table[f"{MEASURE}_spread"],
            "behind": mean,
            "error": error,
            "as_good": mean <= undecided,
            "seconds": table["seconds"],
        }
    )


def _as_good(evidence: pd.DataFrame, best: str, title: _Title) -> list[str]:
    """Name what cannot be told apart from the best, what is far quicker, or what comes next."""
    others = evidence.iloc[1:]
    equal = others[others["as_good"]]
    if equal.empty:
        if others.empty:
            return []
        after = others.iloc[0]
        return [
            f"Next is {title(after['method'])}, {after['behind']:.3f} behind in average precision."
        ]
    names = _listed([title(name) for name in equal["method"]])
    found = [f"{names} cannot be told apart from {best} by these repetitions."]
    quick = equal[equal["seconds"] < _QUICK * evidence["seconds"].iloc[0]]
    if len(quick):
        row = quick.loc[quick["seconds"].idxmin()]
        found.append(
            f"{title(row['method'])} takes {row['seconds']:.1f} s where {best} takes "
            f"{evidence['seconds'].iloc[0]:.1f} s."
        )
    return found


def _at_one_kind(detection: pd.DataFrame, name: str, title: _Title) -> list[str]:
    """Name the kinds of fault at which another method is clearly better than the chosen one."""
    found = []
    kinds = [kind for kind in dict.fromkeys(detection["fault"]) if kind != ALL_FAULTS]
    for kind in kinds if len(kinds) > 1 else ():
        table = summarize(detection, kind)
        best, own = table.iloc[0], table[table["method"] == name]
        if len(own) and best[MEASURE] > own[MEASURE].iloc[0] + _CLEARLY:
            found.append(
                f'Of the kind "{kind}" alone, {title(best["method"])} finds more: average '
                f"precision {best[MEASURE]:.3f} against {own[MEASURE].iloc[0]:.3f}."
            )
    return found


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
