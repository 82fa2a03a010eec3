"""A projection done: opened, embedded, trained, fitted, and the best mixes found."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from core.acquisition.embedding import Embedded, embed_sets
from core.acquisition.fitting import Fits, fit_all
from core.acquisition.folder import FOLDER, open_projection, write_projection
from core.acquisition.intake import Sets, open_sets
from core.acquisition.projection import Projection
from core.acquisition.record import FindingRecord, MixRecord, OfferRecord, ProjectionRecord
from core.acquisition.spec import ProjectionSpec
from core.acquisition.training import train_design
from core.device import resolve_device
from core.errors import DataError, RunError
from core.progress import Progress, silent
from core.projection import (
    Measured,
    PilotFinding,
    Pilots,
    Tangents,
    best_path,
    check_pilots,
    class_shares,
    default_scales,
    design,
    lattice,
    measured_from_table,
    space_filling,
)
from core.runs import Stopwatch, peak_memory, versions

# Ratios at which the OT distance is solved, by number of sources: the steps of a lattice.
_DISTANCE_STEPS = {1: 1, 2: 20, 3: 10, 4: 6}
_DISTANCES_A_SOURCE = 12
# Best mixes are looked for at 1, 2 and 5 times the powers of ten, up to this many times the size
# that was trained.
_FARTHEST = 30


def run_projection(
    spec: ProjectionSpec,
    home: Path,
    progress: Progress = silent,
    *,
    on_id: Callable[[str], None] | None = None,
) -> tuple[Projection, bool]:
    """Do the projection, and keep it in `home/projections/<id>`; or find it there.

    Parameters
    ----------
    on_id : is told the projection's id as soon as that is known

    Returns
    -------
    projection, reused : it, and whether it was there already

    Raises
    ------
    DataError : the data cannot be used
    ConfigError : a setting does not fit the data
    RunError : it cannot be written
    Cancelled : raised by `progress`; what was trained by then is found again the next time
    """
    watch = Stopwatch()
    with watch.stage("Reading"):
        sets = open_sets(spec, progress)
    if on_id is not None:
        on_id(sets.id)
    with suppress(RunError):
        return open_projection(home, sets.id), True
    with watch.stage("Embedding"):
        embedded = embed_sets(
            sets, home / "embeddings", progress, pictures=takes_pictures(sets.spec)
        )
        findings = _checked(embedded)
    with watch.stage("Training"):
        measured, skipped = _measured(sets, embedded, home, progress)
    with watch.stage("OT distances"):
        tangents, converged = _distances(embedded, measured, progress)
        measured = replace(measured, distance=tangents.distance(measured.p))
    with watch.stage("Fitting"):
        pilots = embedded.pilots
        classes = class_shares(
            pilots.labels, pilots.source, embedded.y_labels, len(embedded.class_names)
        )
        fits = fit_all(measured, tangents, classes, seed=sets.spec.seed, progress=progress)
    with watch.stage("Best mixes"):
        progress("Best mixes", 0.0)
        best = _best(sets.spec, fits, measured)
    progress("Writing", 0.0)
    watch.seconds["Total"] = round(sum(watch.seconds.values()), 3)
    record = replace(
        _record(sets, embedded, measured, fits, best, watch),
        skipped=skipped,
        findings=findings,
        converged=converged,
    )
    out = home / FOLDER / sets.id
    try:
        # No report after this: whoever stops the work now finds it whole.
        return write_projection(
            out,
            record,
            measured=measured,
            fits=fits.fits,
            intervals=fits.intervals,
            tangents=tangents,
        ), False
    except RunError:
        # Somebody else may have made the same in the meantime.
        with suppress(RunError):
            return open_projection(home, sets.id), True
        raise


def projection_job(
    spec: ProjectionSpec, home: Path, progress: Progress, on_id: Callable[[str], None]
) -> dict[str, Any]:
    """Do the work of a job of the kind "projection"; raises as `run_projection`.

    `on_id` is for runs; the projection's id is in what is returned.
    """
    projection, reused = run_projection(spec, home, progress)
    return {"projection": projection.id, "reused": reused}


def takes_pictures(spec: ProjectionSpec) -> bool:
    """Return whether models are trained here, and on pictures."""
    from core.evaluation import learner_named

    return spec.table is None and learner_named(spec.learner).takes == "pictures"


def _checked(embedded: Embedded) -> tuple[FindingRecord, ...]:
    """Return what a person should know of the pilots; refuse what cannot be projected."""
    found = check_pilots(embedded.pilots, embedded.y, embedded.y_labels, embedded.class_names)
    require_usable(found)
    return tuple(map(_finding, found))


def require_usable(found: tuple[PilotFinding, ...]) -> None:
    """Raise `DataError` where a finding says that nothing can be projected."""
    for finding in found:
        if finding.severity == "error":
            raise DataError(finding.sentence)


def _finding(found: PilotFinding) -> FindingRecord:
    return FindingRecord(
        kind=found.kind,
        severity=found.severity,
        sentence=found.sentence,
        sources=tuple(found.sources),
    )


def _measured(
    sets: Sets, embedded: Embedded, home: Path, progress: Progress
) -> tuple[Measured, int]:
    """Return accuracies, of a table or of models trained now, and how many were left out."""
    spec = sets.spec
    if sets.table is not None:
        return measured_from_table(sets.table, spec.names), 0
    asked = design(
        embedded.pilots,
        scales=spec.scales or default_scales(embedded.pilots),
        points=spec.points,
        repeats=spec.repeats,
        seed=spec.seed,
    )
    return train_design(spec, embedded, asked, home, progress), asked.skipped * spec.repeats


def _distances(
    embedded: Embedded, measured: Measured, progress: Progress
) -> tuple[Tangents, float]:
    """Return the OT distance of mixtures, and the share of the solutions that converged."""
    # It brings torch.
    from core.projection import MixtureTransport

    transport = MixtureTransport(embedded.pilots, embedded.y, embedded.y_labels, progress=progress)
    trained, _ = measured.mixtures()
    ratios = np.unique(np.vstack([spread_ratios(embedded.pilots), trained]).round(9), axis=0)
    points = transport.solve_all(ratios / ratios.sum(axis=1, keepdims=True), progress=progress)
    converged = [point.certificate.converged for point in points]
    return Tangents.of(points), float(np.mean(converged))


def spread_ratios(pilots: Pilots) -> np.ndarray:
    """Return the ratios at which distances are solved, trained or not, shape (k, m)."""
    m = pilots.m
    if m in _DISTANCE_STEPS:
        return lattice(m, _DISTANCE_STEPS[m])
    return space_filling(m, 1 + _DISTANCES_A_SOURCE * m, seed=0)


def sizes_to_show(measured: Measured, spec: ProjectionSpec) -> tuple[int, ...]:
    """Return the sizes for which the best mix is looked for, as far as the sources have images."""
    if spec.sizes:
        return spec.sizes
    least, most = int(measured.n.max()), _FARTHEST * int(measured.n.max())
    powers = range(len(str(most)))
    round_sizes = {step * 10**power for power in powers for step in (1, 2, 5)}
    sizes = {least, *(n for n in round_sizes if least < n <= most)}
    total = float(spec.capacity.sum())
    if np.isfinite(total):
        sizes = {n for n in sizes if n < total} | {min(int(total), most)}
    return tuple(sorted(sizes))


def _best(spec: ProjectionSpec, fits: Fits, measured: Measured) -> tuple[MixRecord, ...]:
    """Return the best mixes by the predictor that is shown first."""
    around = fits.intervals[fits.shown(spec.predictor)]
    mixes = best_path(
        around.fitted, sizes_to_show(measured, spec), capacity=spec.capacity, price=spec.price
    )
    return tuple(MixRecord.of(mix, around, spec.price) for mix in mixes)


def _record(
    sets: Sets,
    embedded: Embedded,
    measured: Measured,
    fits: Fits,
    best: tuple[MixRecord, ...],
    watch: Stopwatch,
) -> ProjectionRecord:
    spec, v = sets.spec, len(embedded.class_names)
    return ProjectionRecord(
        id=sets.id,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        configuration=spec.configuration(),
        embedder=embedded.embedder,
        class_names=embedded.class_names,
        offers=tuple(
            OfferRecord(
                name=offer.name,
                pilot=pilot,
                class_counts=tuple(counts.tolist()),
                capacity=offer.capacity,
                price=offer.price,
            )
            for offer, pilot, counts in zip(
                spec.sources, embedded.sources, embedded.class_counts, strict=True
            )
        ),
        validation=embedded.validation,
        validation_counts=tuple(np.bincount(embedded.y_labels, minlength=v).tolist()),
        test=embedded.test,
        test_note=sets.note,
        scales=tuple(measured.scales.tolist()),
        models=len(measured),
        skipped=0,
        predictors=fits.records,
        predictor=fits.shown(spec.predictor),
        best=best,
        seconds=dict(watch.seconds),
        versions=versions(),
        device=resolve_device(spec.device),
        peak_memory=peak_memory(),
    )
