"""The prune plan: which images go, from what was decided and a budget for the rest.

Decisions always win: an image decided "remove" goes and one decided "keep" or "relabel" stays,
whatever the budget. The budget takes further images, worst first, within the limits of each class.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from math import ceil, floor, isfinite
from typing import Any

import numpy as np
import pandas as pd

from core.errors import ConfigError
from core.runs import Run

BUDGETS = ("decided", "suggested", "count", "share", "value")
_WITHOUT_AMOUNT = ("decided", "suggested")
# What "thin" means in `thin_classes`: fewer images than this, or less than this share left.
THIN_COUNT = 20
THIN_SHARE = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanSettings:
    """How much is pruned, and from where.

    Attributes
    ----------
    budget : "decided": what was decided "remove" and nothing else; "suggested": all that the run
        proposes (`Run.suggested`); "count", "share": so many images in all, those decided included;
        "value": every image whose value is below a cut
    amount : a number of images >= 0; a share of all images, 0 to 1; the cut, in the unit of the
        values; None for "decided" and "suggested"
    unsure : whether images decided "unsure" may be taken, too
    class_share : of no class more than this share is removed, 0 to 1; None for no limit
    class_shares : the same for single classes by name, instead of `class_share`; 0 protects one
    class_minimum : no class is brought below this number of images, >= 0
    without : names of sources (`source_names`) whose images go unless decided to stay

    Raises
    ------
    ConfigError : a setting is out of its range

    Notes
    -----
    The limits of classes bind the budget only. Neither a decision nor a source that is left out is
    held up by them.
    """

    budget: str = "decided"
    amount: float | None = None
    unsure: bool = False
    class_share: float | None = None
    class_shares: Mapping[str, float] = field(default_factory=dict)
    class_minimum: int = 0
    without: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check every range."""
        if self.budget not in BUDGETS:
            raise ConfigError(
                f"The budget must be one of: {', '.join(BUDGETS)}; got {self.budget!r}."
            )
        if (self.amount is None) != (self.budget in _WITHOUT_AMOUNT):
            raise ConfigError(
                'An amount belongs to the budgets "count", "share" and "value", and to no other.'
            )
        if self.amount is not None and not isfinite(self.amount):
            raise ConfigError(f"The amount must be a finite number, got {self.amount}.")
        if self.budget == "count" and (self.amount or 0) < 0:
            raise ConfigError(f"The number of images must be 0 or more, got {self.amount}.")
        if self.budget == "share" and not 0 <= (self.amount or 0) <= 1:
            raise ConfigError(f"The share must be from 0 to 1, got {self.amount}.")
        named = {f"of class {name!r}": share for name, share in self.class_shares.items()}
        for name, share in {"of a class": self.class_share, **named}.items():
            if share is not None and not 0 <= share <= 1:
                raise ConfigError(f"The largest share {name} must be from 0 to 1, got {share}.")
        if self.class_minimum < 0:
            raise ConfigError(
                f"The least number of images a class must be 0 or more, got {self.class_minimum}."
            )

    def to_json(self) -> dict[str, Any]:
        """Return every field by name, as JSON can hold it."""
        return {**asdict(self), "without": list(self.without)}


@dataclass(frozen=True, eq=False, kw_only=True)
class PrunePlan:
    """Which images go, and what is left.

    Attributes
    ----------
    settings : what was asked for
    class_names : of the run, followed by names that only decisions brought
    removed : bool, shape (n,): the images that go
    decided : bool, shape (n,): those of them that were decided "remove"
    labels : int64, shape (n,): positions in `class_names`, relabels applied
    before, after : int64, shape (v,): images a class, as labelled; of those that stay, relabelled
    asked : how many images the budget asked for in all; None for the budget "decided"
    cut : value of the best image that the budget took; None where it took none
    """

    settings: PlanSettings
    class_names: tuple[str, ...]
    removed: np.ndarray
    decided: np.ndarray
    labels: np.ndarray
    before: np.ndarray
    after: np.ndarray
    relabelled: int
    asked: int | None
    cut: float | None

    @property
    def kept(self) -> np.ndarray:
        """Return the images that stay: bool, shape (n,)."""
        kept: np.ndarray = ~self.removed
        return kept

    @property
    def short(self) -> int:
        """Return how many images fewer go than the budget asked for: limits or decisions forbid."""
        return 0 if self.asked is None else max(0, self.asked - int(self.removed.sum()))

    def facts(self) -> dict[str, Any]:
        """Return the settings and what came of them, as JSON can hold it."""
        return {
            "settings": self.settings.to_json(),
            "images": len(self.removed),
            "kept": int(self.kept.sum()),
            "removed": int(self.removed.sum()),
            "removed_by_decision": int(self.decided.sum()),
            "removed_by_plan": int(self.removed.sum() - self.decided.sum()),
            "relabelled": self.relabelled,
            "fewer_than_asked": self.short,
            "largest_value_removed_by_plan": self.cut,
            "class_counts": {
                name: {"before": int(before), "after": int(after)}
                for name, before, after in zip(
                    self.class_names, self.before, self.after, strict=True
                )
                if before or after
            },
        }


def make_plan(run: Run, decisions: pd.DataFrame, settings: PlanSettings | None = None) -> PrunePlan:
    """Return which images of `run` go.

    Parameters
    ----------
    run : the run whose values rank the images
    decisions : `RunDecisions.current` of the run
    settings : by default what was decided, and nothing else

    Raises
    ------
    ConfigError : the settings name a class or a source that the run does not have

    Notes
    -----
    A class's limits do not touch another class, so the worst images that all limits allow are found
    in one pass over the order: O(n log n).
    """
    settings = settings or PlanSettings()
    _require_known(run, settings)
    verdict, labels, names = states_of(run, decisions)
    decided = verdict == "remove"
    removed = decided | (_of_sources(run, settings.without) & ~np.isin(verdict, _STAYS))
    value = run.values["value"].to_numpy(dtype=np.float64)
    given = run.values["label"].to_numpy(dtype=np.int64)
    before = np.bincount(given, minlength=len(names))

    open_to_plan = ~removed & np.isin(verdict, ["", "unsure"] if settings.unsure else [""])
    if settings.budget == "value" and settings.amount is not None:
        open_to_plan &= value < settings.amount
    if settings.budget == "suggested":
        open_to_plan &= run.suggested
    asked = _asked(settings, removed, open_to_plan)
    order = run.order[open_to_plan[run.order]]
    left = np.bincount(labels[~removed], minlength=len(names))
    lost = np.bincount(given[removed], minlength=len(names))
    room = _room(settings, names, before, left, lost)
    # Undecided images keep their label, so the two ways to count a class agree on them.
    taken = order[_rank_within(given[order]) < room[given[order]]]
    if asked is not None:
        taken = taken[: max(0, asked - int(removed.sum()))]
    removed[taken] = True
    relabelled = verdict == "relabel"
    for array in (removed, decided, labels):
        array.flags.writeable = False
    return PrunePlan(
        settings=settings,
        class_names=names,
        removed=removed,
        decided=decided,
        labels=labels,
        before=before,
        after=np.bincount(labels[~removed], minlength=len(names)),
        relabelled=int(relabelled.sum()),
        asked=asked,
        cut=float(value[taken[-1]]) if len(taken) else None,
    )


_STAYS = ["keep", "relabel"]


def states_of(run: Run, decisions: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Return what stands for each image of `run`.

    Returns
    -------
    verdict : object array of str, shape (n,): "keep", "remove", "relabel", "unsure", or "" where
        nothing is decided
    labels : int64, shape (n,), relabels applied
    class_names : what `labels` are positions in: the run's, then those that only decisions know
    """
    verdict = np.full(len(run.values), "", dtype=object)
    labels = run.values["label"].to_numpy(dtype=np.int64).copy()
    standing = decisions[decisions["verdict"] != "clear"]
    rows = standing["row"].to_numpy(dtype=np.int64)
    verdict[rows] = standing["verdict"].to_numpy(dtype=object)
    relabel = (standing["verdict"] == "relabel").to_numpy()
    new = standing["new_label"].to_numpy(dtype=object)[relabel]
    names = tuple(dict.fromkeys((*run.class_names, *new)))
    position = {name: index for index, name in enumerate(names)}
    labels[rows[relabel]] = [position[name] for name in new]
    return verdict, labels, names


def source_names(run: Run) -> list[str]:
    """Return the sources that the training set is made up of, in the order of its rows."""
    return [part.source for part in run.record.training_parts]


def source_table(run: Run, plan: PrunePlan) -> pd.DataFrame:
    """Return what the plan takes from each source.

    Returns
    -------
    pandas.DataFrame
        One row a source: source, images, removed, share (removed, 0 to 1), mean_value, worst_tenth
        (share of the source's images among the worst tenth of all, 0 to 1: 0.1 is ordinary).
    """
    part, names = run.part, source_names(run)
    value = run.values["value"].to_numpy(dtype=np.float64)
    worst = run.order[: ceil(len(value) / 10)]
    images = np.bincount(part, minlength=len(names))
    removed = np.bincount(part[plan.removed], minlength=len(names))
    return pd.DataFrame(
        {
            "source": names,
            "images": images,
            "removed": removed,
            "share": removed / images,
            "mean_value": np.bincount(part, value, len(names)) / images,
            "worst_tenth": np.bincount(part[worst], minlength=len(names)) / images,
        }
    )


@dataclass(frozen=True, slots=True)
class ThinClass:
    """A class that pruning leaves with few images; `before` and `after` are numbers of images."""

    name: str
    before: int
    after: int

    @property
    def sentence(self) -> str:
        """Return what happens to the class, for people."""
        if self.after == 0:
            return f"{self.name} is gone: all of its {self.before:,} images are removed."
        lost = 1 - self.after / self.before
        return f"{self.name} keeps {self.after:,} of {self.before:,} images, {lost:.0%} fewer."


def thin_classes(plan: PrunePlan) -> list[ThinClass]:
    """Return the classes that the plan brings below 20 images or by more than half, worst first."""
    thin = (plan.after < plan.before) & (
        (plan.after < THIN_COUNT) | (plan.after < THIN_SHARE * plan.before)
    )
    found = [
        ThinClass(plan.class_names[k], int(plan.before[k]), int(plan.after[k]))
        for k in np.flatnonzero(thin)
    ]
    return sorted(found, key=lambda item: (item.after / item.before, item.name))


def _require_known(run: Run, settings: PlanSettings) -> None:
    for what, named, known in (
        ("class", settings.class_shares, run.class_names),
        ("source", settings.without, source_names(run)),
    ):
        unknown = [name for name in named if name not in known]
        if unknown:
            raise ConfigError(
                f"The run has no {what} {unknown[0]!r}; it has {', '.join(known[:20])}."
            )


def _of_sources(run: Run, without: tuple[str, ...]) -> np.ndarray:
    left_out = [name in without for name in source_names(run)]
    return np.array(left_out, dtype=bool)[run.part]


def _asked(settings: PlanSettings, removed: np.ndarray, open_to_plan: np.ndarray) -> int | None:
    """Return how many images are to go in all."""
    if settings.budget == "decided":
        return None
    if settings.budget == "count" and settings.amount is not None:
        return floor(settings.amount)
    if settings.budget == "share" and settings.amount is not None:
        # Not floor(): 0.07 * 100 is 7.000000000000001, and 0.29 * 100 is 28.999999999999996.
        return round(settings.amount * len(removed))
    return int(removed.sum() + open_to_plan.sum())


def _room(
    settings: PlanSettings,
    names: tuple[str, ...],
    before: np.ndarray,
    left: np.ndarray,
    lost: np.ndarray,
) -> np.ndarray:
    """Return how many further images of each class may go, int64, shape (v,), 0 or more."""
    if settings.budget == "decided":
        return np.zeros(len(names), dtype=np.int64)
    default = 1.0 if settings.class_share is None else settings.class_share
    shares = np.array([settings.class_shares.get(name, default) for name in names])
    # A hair above: 0.29 of 100 images are 29, not 28.
    most = np.floor(shares * before + 1e-9).astype(np.int64) - lost
    return np.clip(np.minimum(most, left - settings.class_minimum), 0, None)


def _rank_within(classes: np.ndarray) -> np.ndarray:
    """Return how often each element's class came before it, int64, the shape of `classes`."""
    ranks = np.empty(len(classes), dtype=np.int64)
    by_class = np.argsort(classes, kind="stable")
    grouped = classes[by_class]
    starts = np.flatnonzero(np.diff(grouped, prepend=-1))
    lengths = np.diff(np.r_[starts, len(classes)])
    ranks[by_class] = np.arange(len(classes)) - np.repeat(starts, lengths)
    return ranks
