"""The OT distance after pruning: solved again without the images that go, relabels applied.

Both sides are solved in the same way, with the embeddings and settings of the run, so that the
difference is that of the images alone, whatever method ranked them. A solution is kept by what was
solved: a plan that was looked at before costs nothing.
"""

from __future__ import annotations

import hashlib
import json
import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import IO, Any, ClassVar, Self
from zipfile import BadZipFile

import numpy as np

from core import __version__
from core.atomic import replacing
from core.curation.plan import PrunePlan
from core.errors import ConfigError, DataError, RunError
from core.progress import Progress, silent
from core.runs import RUN_ID, Run, find_run, link_run

_SUBSET_ID = re.compile(r"[0-9a-f]{32}")
# Where a method used no regularization of its own, or no transport: small beside the costs, and
# quick.
_RELATIVE_EPSILON = 0.01


@dataclass(frozen=True, eq=False, kw_only=True)
class Subset:
    """A part of a run's training images, and the labels they are given.

    Attributes
    ----------
    kept : bool, shape (n,)
    labels : int64, shape (n,)
    class_names : what `labels` are positions in; the run's come first
    """

    kept: np.ndarray
    labels: np.ndarray
    class_names: tuple[str, ...]

    @classmethod
    def whole(cls, run: Run) -> Self:
        """Return all images of `run` as they are labelled."""
        labels = run.values["label"].to_numpy(dtype=np.int64)
        kept = np.ones(len(labels), dtype=bool)
        return cls(kept=kept, labels=labels, class_names=run.class_names)

    @classmethod
    def of(cls, plan: PrunePlan) -> Self:
        """Return what a plan keeps."""
        return cls(kept=plan.kept, labels=plan.labels, class_names=plan.class_names)

    @classmethod
    def without_source(cls, run: Run, plan: PrunePlan, source: int) -> Self:
        """Return what a plan keeps, less all images of the source at a position."""
        kept = plan.kept & (run.part != source)
        return cls(kept=kept, labels=plan.labels, class_names=plan.class_names)

    def id(self, run: Run) -> str:
        """Return what tells this subset of `run` from others: 32 hexadecimal digits."""
        # How it is solved is part of it, as far as the run does not settle that.
        identity = [__version__, _RELATIVE_EPSILON, run.id, self.class_names]
        digest = hashlib.sha256(json.dumps(identity).encode())
        digest.update(np.packbits(self.kept).data)
        digest.update(np.ascontiguousarray(self.labels[self.kept], dtype=np.int64).data)
        return digest.hexdigest()[:32]


@dataclass(frozen=True, eq=False, kw_only=True)
class Distance:
    """How far a subset of training images is from the validation set.

    Attributes
    ----------
    images : number of training images
    transport_cost : the OT distance without its regularizer, units of cost
    marginal_error : 0 to 2; how far the plan is from the marginals
    converged : whether the solver met its tolerance
    own_class : by name, the distance of a training class to the validation class of its name,
        units of cost; classes that one side lacks are left out
    """

    images: int
    transport_cost: float
    marginal_error: float
    converged: bool
    own_class: Mapping[str, float]


@dataclass(frozen=True, eq=False, kw_only=True)
class Effect:
    """The OT distance of all images as labelled, and of those that a plan keeps."""

    before: Distance
    after: Distance

    def facts(self) -> dict[str, Any]:
        """Return both, as JSON can hold them."""
        return {"before": asdict(self.before), "after": asdict(self.after)}


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolveSpec:
    """Subsets of a run's images to be solved for.

    Attributes
    ----------
    run : id of the run, in the home where the work is done, or of one linked from there
    subsets : ids of subsets that `keep_subset` wrote there

    Raises
    ------
    ConfigError : an id is not one
    """

    kind: ClassVar[str] = "resolve"

    run: str
    subsets: tuple[str, ...]

    def __post_init__(self) -> None:
        """Check the ids: paths are made of them."""
        object.__setattr__(self, "subsets", tuple(self.subsets))
        if not RUN_ID.fullmatch(self.run):
            raise ConfigError("A run id is 16 hexadecimal digits; this one is not.")
        if not self.subsets or not all(map(_SUBSET_ID.fullmatch, self.subsets)):
            raise ConfigError("Expected ids of subsets, 32 hexadecimal digits each.")

    @property
    def what(self) -> str:
        """Return what the work is, for people."""
        return "Solving for the OT distance after pruning"

    def configuration(self) -> dict[str, Any]:
        """Return every field by name; JSON can hold it and `from_configuration` reads it."""
        return {"run": self.run, "subsets": list(self.subsets)}

    @classmethod
    def from_configuration(cls, raw: Mapping[str, Any]) -> ResolveSpec:
        """Return the spec that `configuration` described.

        Raises
        ------
        ConfigError : a field is unknown or missing, or out of its range
        """
        if raw.keys() != {"run", "subsets"} or not isinstance(raw["subsets"], list | tuple):
            raise ConfigError("Expected a run and a list of subsets to solve for.")
        return cls(run=str(raw["run"]), subsets=tuple(map(str, raw["subsets"])))


def resolve_job(
    spec: ResolveSpec, home: Path, progress: Progress, on_id: Callable[[str], None]
) -> dict[str, Any]:
    """Solve for every subset that is not solved yet; `core.runs.KINDS` names this."""
    run = find_run(home, spec.run)
    for number, name in enumerate(spec.subsets):
        if found_distance(home, run.id, name) is None:
            told = _numbered(progress, number, len(spec.subsets))
            _solve_and_keep(run, home, name, _read_subset(home, run, name), told)
    return {"subsets": list(spec.subsets)}


def resolve_plan(run: Run, plan: PrunePlan, home: Path, progress: Progress = silent) -> Effect:
    """Return what a plan does to the OT distance, solving in this process what is not solved yet.

    Raises
    ------
    DataError : the plan keeps no image
    RunError : `home` cannot be written to
    Cancelled : raised by `progress`
    """
    for number, subset in enumerate((Subset.whole(run), Subset.of(plan))):
        name = keep_subset(home, run, subset)
        if found_distance(home, run.id, name) is None:
            _solve_and_keep(run, home, name, subset, _numbered(progress, number, 2))
    effect = found_effect(run, plan, home)
    assert effect is not None  # noqa: S101 - both were just solved
    return effect


def plan_job(run: Run, plan: PrunePlan, home: Path, *, by_source: bool = False) -> ResolveSpec:
    """Return the job that solves for what a plan does; with `by_source` also less each source.

    Raises
    ------
    DataError : the plan keeps no image
    RunError : `home` cannot be written to
    """
    link_run(home, run.path)  # so that the job finds a run that was opened elsewhere
    wanted = [Subset.whole(run), Subset.of(plan)]
    if by_source:
        parts = range(len(run.record.training_parts))
        less = [Subset.without_source(run, plan, part) for part in parts]
        wanted += [subset for subset in less if subset.kept.any()]
    names = [keep_subset(home, run, subset) for subset in wanted]
    return ResolveSpec(run=run.id, subsets=tuple(names))


def found_effect(run: Run, plan: PrunePlan, home: Path) -> Effect | None:
    """Return what a plan does to the OT distance, if that was solved before."""
    before = found_distance(home, run.id, Subset.whole(run).id(run))
    after = found_distance(home, run.id, Subset.of(plan).id(run))
    return None if before is None or after is None else Effect(before=before, after=after)


def found_without_sources(run: Run, plan: PrunePlan, home: Path) -> list[Distance | None]:
    """Return, for each source, the distance of what a plan keeps less it, where it was solved."""
    return [
        found_distance(home, run.id, Subset.without_source(run, plan, part).id(run))
        for part in range(len(run.record.training_parts))
    ]


def keep_subset(home: Path, run: Run, subset: Subset) -> str:
    """Write a subset where a job finds it; return its id.

    Raises
    ------
    DataError : it keeps no image
    RunError : it cannot be written
    """
    if not subset.kept.any():
        raise DataError(
            "No image is left: the plan removes all of them. There is nothing to solve."
        )
    name = subset.id(run)
    path = _folder(home, run.id) / f"{name}.npz"
    if not path.exists():
        with _written(path) as file:
            np.savez_compressed(
                file,
                kept=np.packbits(subset.kept),
                labels=subset.labels,
                class_names=np.array(subset.class_names, dtype=np.str_),
            )
    return name


def found_distance(home: Path, run_id: str, name: str) -> Distance | None:
    """Return the distance of a subset, if it was solved before."""
    try:
        raw = json.loads((_folder(home, run_id) / f"{name}.json").read_text(encoding="utf-8"))
        return Distance(**{item.name: raw[item.name] for item in fields(Distance)})
    except (OSError, ValueError, KeyError, TypeError):
        return None  # not there, or damaged: to be solved (again)


def solve_subset(run: Run, subset: Subset, progress: Progress = silent) -> Distance:
    """Solve for the OT distance of a subset, with the run's embeddings and settings."""
    from core.valuation import LavaConfig, set_distance  # they bring torch

    asked, epsilon = run.record.configuration, run.record.epsilon or 0.0
    weight, p = asked.get("label_weight"), asked.get("p")
    config = LavaConfig(
        epsilon=epsilon if epsilon > 0 else 0.1,
        relative_epsilon=None if epsilon > 0 else _RELATIVE_EPSILON,
        feature_weight=float(asked["feature_weight"]),
        # A method without transport leaves open what it does not use: then as published.
        label_weight=1.0 if weight is None else float(weight),
        label_distance_kind=asked.get("label_distance_kind") or "training",
        p=2 if p is None else int(p),
        tolerance=asked.get("tolerance"),
        max_passes=int(asked.get("max_passes", 500)),
        device=asked.get("device", "auto"),
    )
    found = set_distance(
        np.asarray(run.x[subset.kept]),
        subset.labels[subset.kept],
        np.asarray(run.y),
        run.validation["label"].to_numpy(dtype=np.int64),
        len(subset.class_names),
        config,
        progress=progress,
    )
    own = np.diagonal(found.label_distances)
    return Distance(
        images=int(subset.kept.sum()),
        transport_cost=float(found.transport_cost),
        marginal_error=float(found.marginal_error),
        converged=bool(found.converged),
        own_class={
            name: float(distance)
            for name, distance in zip(subset.class_names, own, strict=True)
            if np.isfinite(distance)
        },
    )


def _solve_and_keep(run: Run, home: Path, name: str, subset: Subset, progress: Progress) -> None:
    distance = solve_subset(run, subset, progress)
    with _written(_folder(home, run.id) / f"{name}.json") as file:
        file.write(json.dumps(asdict(distance)).encode())


def _read_subset(home: Path, run: Run, name: str) -> Subset:
    path = _folder(home, run.id) / f"{name}.npz"
    try:
        with np.load(path, allow_pickle=False) as saved:
            kept = np.unpackbits(saved["kept"], count=len(run.values)).astype(bool)
            names = tuple(saved["class_names"].tolist())
            return Subset(kept=kept, labels=saved["labels"], class_names=names)
    except (OSError, ValueError, KeyError, EOFError, BadZipFile, zlib.error) as error:
        path.unlink(missing_ok=True)  # else it would not be written anew
        raise RunError(f"{path} cannot be read; start from the Export page again.") from error


@contextmanager
def _written(path: Path) -> Iterator[IO[bytes]]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as file:
            yield file
    except OSError as error:
        raise RunError(f"{path} cannot be written: {error.strerror or error}.") from error


def _folder(home: Path, run_id: str) -> Path:
    return home / "resolved" / run_id


def _numbered(progress: Progress, number: int, count: int) -> Progress:
    """Report to `progress` as the part `number` of `count`."""

    def told(stage: str, done: float, detail: str = "") -> None:
        which = "all images" if number == 0 else "what stays"
        if number > 1:
            which = f"without source {number - 1} of {count - 2}"
        progress(f"{stage}: {which}", done, detail)

    return told
