"""What a projection will work on, and what it will train: said before any of that is done."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.acquisition.embedding import embed_sets, joined, require_inputs
from core.acquisition.intake import Sets, open_sets
from core.acquisition.run import require_usable, spread_ratios, takes_pictures
from core.acquisition.spec import ProjectionSpec
from core.datasets import LabelledImages
from core.progress import Progress, silent
from core.projection import (
    PilotFinding,
    Pilots,
    check_labels,
    check_pilots,
    default_scales,
    design,
    measured_from_table,
)
from core.runs import ValueSpec, estimate, lava_seconds

# As the record of the bundled example says (two cores): an OT distance, in valuations of all
# pilots; the fits and the search, at all and a model; a linear head, and an image and 64 numbers.
_DISTANCE_SOLVES = 0.12
_FITTING_SECONDS, _FITTING_SECONDS_A_MODEL = 1.0, 0.015
_HEAD_SECONDS_A_MODEL, _HEAD_SECONDS, _HEAD_NUMBERS = 0.02, 9e-7, 64
# Wide as the embedders that are trained here.
_WIDTH = 64
# The embedder that takes as long to train as a learner of pictures.
_NETWORKS = {
    "convnet": "convnet",
    "resnet-20": "resnet-20",
    "resnet-18": "preact-resnet-18",
    "resnet-50": "preact-resnet-50",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PilotPreview:
    """The pilot of a source.

    Attributes
    ----------
    name : of the source
    images : how many it has
    classes : of how many classes they are
    missing : classes of the validation set that none of them is of
    """

    name: str
    images: int
    classes: int
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectionPreview:
    """What a projection will work on and train.

    Attributes
    ----------
    pilots : of each source
    classes : number of classes of the validation set
    validation_images, test_images : what mixtures are compared with, and accuracy is measured on
    note : what to know of the accuracies, a sentence; empty where nothing
    embedder : the one that "auto" stands for
    from_table : accuracies are read from a table, and nothing is trained
    scales : sizes to train at, or that the table has, ascending
    mixtures : how many mixing ratios are trained at each of them
    skipped : models, among mixtures x scales x repeats, that the pilots are too small for
    models : how many models are trained, or accuracies are in the table
    findings : what is wrong with the pilots, as far as it is known
    compared : whether embeddings were there to compare; else only labels were looked at
    seconds : how long all of it takes on a usual machine
    """

    pilots: tuple[PilotPreview, ...]
    classes: int
    validation_images: int
    test_images: int
    note: str
    embedder: str
    from_table: bool
    scales: tuple[int, ...]
    mixtures: int
    skipped: int
    models: int
    findings: tuple[PilotFinding, ...]
    compared: bool
    seconds: float

    @property
    def usable(self) -> bool:
        """Whether nothing that is known by now stands in the way."""
        return all(finding.severity != "error" for finding in self.findings)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """What is trained: ratios, shape (k, m), and sizes, shape (k,), of k models; what was asked."""

    p: np.ndarray
    n: np.ndarray
    scales: tuple[int, ...]
    mixtures: int
    skipped: int


def preview_projection(
    spec: ProjectionSpec, home: Path, progress: Progress = silent
) -> ProjectionPreview:
    """Open the sets that `spec` names and say what a projection would do with them.

    No picture is decoded, so unreadable ones are counted.

    Parameters
    ----------
    home : as for `run_projection`

    Raises
    ------
    DataError : the data cannot be used
    ConfigError : a setting does not fit the data
    """
    sets = open_sets(spec, progress)
    pictures = takes_pictures(sets.spec)
    require_inputs(sets, pictures=pictures)
    everything, validation, part = joined(sets)
    pilots = _without_embeddings(sets, everything, part)
    findings = check_labels(pilots, validation.labels, everything.class_names)
    require_usable(findings)
    width, compared = _WIDTH, sets.spec.embedder == "precomputed"
    if compared:
        embedded = embed_sets(sets, home / "embeddings", progress)
        width = embedded.y.shape[1]
        findings = check_pilots(
            embedded.pilots, embedded.y, embedded.y_labels, embedded.class_names
        )
    plan = _plan(sets, pilots)
    return ProjectionPreview(
        pilots=_pilots(pilots, validation),
        classes=len(np.unique(validation.labels)),
        validation_images=len(validation),
        test_images=len(sets.test),
        note=sets.note,
        embedder=sets.spec.embedder,
        from_table=sets.table is not None,
        scales=plan.scales,
        mixtures=plan.mixtures,
        skipped=plan.skipped,
        models=len(plan.n),
        findings=findings,
        compared=compared,
        seconds=_seconds(sets, pilots, plan, width, everything, validation),
    )


def _without_embeddings(sets: Sets, everything: LabelledImages, part: np.ndarray) -> Pilots:
    """Return the pilots as far as they are known: a design asks for numbers of images alone."""
    own = np.flatnonzero(part < len(sets.pilots))
    return Pilots(
        x=np.zeros((len(own), 1), dtype=np.float32),
        labels=everything.labels[own].astype(np.int64),
        source=part[own].astype(np.int64),
        names=sets.spec.names,
        n_classes=len(everything.class_names),
        capacity=sets.spec.capacity,
        price=sets.spec.price,
    )


def _pilots(pilots: Pilots, validation: LabelledImages) -> tuple[PilotPreview, ...]:
    wanted = np.unique(validation.labels)
    found = []
    for source, name in enumerate(pilots.names):
        own = pilots.labels[pilots.source == source]
        missing = np.setdiff1d(wanted, own).tolist()
        found.append(
            PilotPreview(
                name=name,
                images=len(own),
                classes=len(np.unique(own)),
                missing=tuple(validation.class_names[u] for u in missing),
            )
        )
    return tuple(found)


def _plan(sets: Sets, pilots: Pilots) -> _Plan:
    """Return the models that are trained, or were."""
    spec = sets.spec
    if sets.table is not None:
        measured = measured_from_table(sets.table, spec.names)
        return _Plan(
            p=measured.p,
            n=measured.n,
            scales=tuple(measured.scales.tolist()),
            mixtures=len(measured.mixtures()[0]),
            skipped=0,
        )
    scales = spec.scales or default_scales(pilots)
    asked = design(pilots, scales=scales, points=spec.points, repeats=spec.repeats, seed=spec.seed)
    cells = len(asked) // spec.repeats + asked.skipped
    return _Plan(
        p=asked.p,
        n=asked.n,
        scales=scales,
        mixtures=cells // len(scales),
        skipped=asked.skipped * spec.repeats,
    )


def _seconds(
    sets: Sets,
    pilots: Pilots,
    plan: _Plan,
    width: int,
    everything: LabelledImages,
    validation: LabelledImages,
) -> float:
    start = _network(sets.spec.embedder, len(everything), len(validation))
    training = 0.0
    if sets.table is None:
        training = _training(sets.spec, plan, width, len(sets.test), pilots.n_classes)
    ratios = np.unique(np.vstack([spread_ratios(pilots), plan.p]).round(3), axis=0)
    solve = lava_seconds(len(pilots.labels), len(validation), width)
    distances = _DISTANCE_SOLVES * solve * len(ratios)
    return start + training + distances + _FITTING_SECONDS + _FITTING_SECONDS_A_MODEL * len(plan.n)


def _network(embedder: str, n: int, m: int) -> float:
    """Return the seconds to start, train an embedder on m images, and embed n others."""
    cost = estimate(ValueSpec(train="/", validation="/", embedder=embedder), n, m, d=_WIDTH)
    return cost.startup + cost.embedding


def _training(spec: ProjectionSpec, plan: _Plan, width: int, tested: int, classes: int) -> float:
    """Return the seconds that all models take."""
    if spec.learner not in _NETWORKS:
        size = max(1.0, width * classes / _HEAD_NUMBERS)
        return float(_HEAD_SECONDS_A_MODEL * len(plan.n) + _HEAD_SECONDS * size * plan.n.sum())
    sizes, times = np.unique(plan.n, return_counts=True)
    network, started = _NETWORKS[spec.learner], _network("precomputed", 0, 0)
    each = [_network(network, tested, int(n)) - started for n in sizes]
    return float(np.dot(each, times))
