"""Images added to a finished run: a new run that holds both, made in one pass.

A run folder is never changed. The new run has the old one's rows first, in their order and with
their ids, then the new ones; it records where both came from, so that decisions made on either set
hold in it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from core.datasets import LabelledImages, open_source
from core.device import resolve_device
from core.progress import Progress, silent
from core.runs.additions import AppendSpec, appended_run_id
from core.runs.folder import Run, find_run
from core.runs.intake import in_classes_of, only_new, require_extendable
from core.runs.pipeline import Stopwatch, at_home, peak_memory, require_finite, versions
from core.runs.problem import ground_cost
from core.runs.rebuild import embed_addition
from core.runs.record import UNREADABLE_LISTED, RunRecord, SourceRecord
from core.runs.spec import absolute_source
from core.runs.tables import COLUMNS, RESEMBLANCE_COLUMNS, class_column, images_frame
from core.runs.writing import require_free, write_run

if TYPE_CHECKING:
    from core.valuation import TransportValuation


@dataclass(frozen=True, kw_only=True)
class Addition:
    """Images that were opened to be added to a run, and the id that the new run will have.

    Attributes
    ----------
    run : the run that they are added to
    data : the images, labels as positions in the run's list of classes
    fingerprint : of the set as it was opened; decisions on the new images are keyed by it
    """

    run: Run
    data: LabelledImages
    fingerprint: str
    watch: Stopwatch = field(default_factory=Stopwatch)

    @property
    def run_id(self) -> str:
        """Return the id of the new run."""
        return appended_run_id(self.run.id, self.fingerprint)


def open_addition(run: Run, data: str, progress: Progress = silent) -> Addition:
    """Open the images of the source `data` and check that they can be added to `run`.

    Raises
    ------
    DataError : they cannot be used, or have classes that the run does not know
    RunError : the run's method cannot value images that come later
    """
    require_extendable(run)
    watch = Stopwatch()
    with watch.stage("Reading"):
        progress("Reading", 0.0, data)
        opened = open_source(absolute_source(data), progress=progress)
        progress("Reading", 0.5, "Fingerprint of the new images")
        fingerprint = opened.fingerprint
        opened = in_classes_of(run, opened)
        progress("Reading", 1.0)
    return Addition(run=run, data=opened, fingerprint=fingerprint, watch=watch)


def append_run(
    run: Run, data: str, out: Path, progress: Progress = silent, *, device: str = "auto"
) -> Run:
    """Value the images of `data` against `run` and write both to the folder `out` as a new run.

    Parameters
    ----------
    run : a finished run; it is not changed
    data : data source of the new images
    out : must be absent or an empty folder; the new run is there whole or not at all

    Raises
    ------
    DataError : the images cannot be used with this run
    RunError : `out` is not free or cannot be written, or the run cannot be added to
    Cancelled : raised by `progress`
    """
    require_free(out)
    resolve_device(device)
    return append_opened(open_addition(run, data, progress), out, progress, device=device)


def append_at_home(
    run: Run,
    data: str,
    home: Path,
    progress: Progress = silent,
    *,
    device: str = "auto",
    on_id: Callable[[str], None] | None = None,
) -> tuple[Run, bool]:
    """Append into `home/runs/<run id>`; return the run, and whether it was there already.

    `on_id` is called with the new run's id as soon as that is known. Raises as `append_run`.
    """
    resolve_device(device)
    addition = open_addition(run, data, progress)
    if on_id is not None:
        on_id(addition.run_id)
    return at_home(
        home, addition.run_id, lambda out: append_opened(addition, out, progress, device=device)
    )


def append_job(
    spec: AppendSpec, home: Path, progress: Progress, on_id: Callable[[str], None]
) -> dict[str, Any]:
    """Do the work of a job of the kind "append"; raises as `append_run`."""
    run = find_run(home, spec.run)
    append_at_home(run, spec.data, home, progress, device=spec.device, on_id=on_id)
    return {}


def append_opened(
    addition: Addition, out: Path, progress: Progress = silent, *, device: str = "auto"
) -> Run:
    """Embed, value and write images that are open. Raises as `append_run`."""
    from core.valuation import value_new

    run, watch = addition.run, addition.watch
    with watch.stage("Embedding"):
        data, x = embed_addition(run, addition.data, device, progress)
        data, x = only_new(run, data, x)
    old = ground_cost(run)
    new = replace(old, x=x, x_labels=data.labels)
    with watch.stage("Valuation"):
        valuation = value_new(
            new,
            old,
            valuation_of(run),
            len(run.class_names),
            device=device,
            progress=progress,
        )
    require_finite(valuation)
    progress("Writing", 0.0)
    watch.seconds["Total"] = round(sum(watch.seconds.values()), 3)
    # No report after this: whoever stops the work now finds the run whole.
    return write_run(
        out,
        _record(addition, data, valuation, device),
        _values(run, data, valuation),
        run.validation,
        valuation,
        np.concatenate([run.x, x]),
        run.y,
        run.fitted,
    )


def valuation_of(run: Run) -> TransportValuation:
    """Return what a run's valuation yielded, as it was before it was written."""
    from core.valuation import TransportValuation

    solution, values = run.require_plan(), run.values
    return TransportValuation(
        calibrated_gradient=values["calibrated_gradient"].to_numpy(),
        validation_gradient=run.validation["calibrated_gradient"].to_numpy(),
        f=run.potentials.f,
        g=run.potentials.g,
        label_distances=run.label_distances,
        looks_like=values["looks_like"].to_numpy(),
        looks_like_probability=values["looks_like_probability"].to_numpy(),
        # The way back: a value is the score with its sign changed (`value_from_score`).
        score=0.0 - values["value"].to_numpy(),
        columns={
            name: values[name].to_numpy()
            for name in values.columns
            if name not in (*COLUMNS, *RESEMBLANCE_COLUMNS)
        },
        arrays=run.arrays,
        details=run.record.details,
        **asdict(solution),
    )


def _values(run: Run, data: LabelledImages, valuation: TransportValuation) -> pd.DataFrame:
    """Return the table of all training images: the run's rows first, then the new ones."""
    new = images_frame(data)
    # Of a run made before contents were kept, they stay unknown.
    old = run.values.assign(content=run.content)[list(new.columns)]
    table = pd.concat([old, new], ignore_index=True)
    table = table.assign(
        value=valuation.value,
        calibrated_gradient=valuation.calibrated_gradient,
        looks_like=valuation.looks_like.astype(np.int64),
        looks_like_name=class_column(run.class_names, valuation.looks_like),
        looks_like_probability=valuation.looks_like_probability.astype(np.float32),
        **valuation.columns,
    )
    return table[run.values.columns.union(["content"], sort=False)]


def _record(
    addition: Addition, data: LabelledImages, valuation: TransportValuation, device: str
) -> RunRecord:
    before = addition.run.record
    part = SourceRecord.of(data, source=addition.data.source, fingerprint=addition.fingerprint)
    parts = (*before.training_parts, part)
    changes: dict[str, Any] = {
        name: getattr(valuation, name)
        for name in (
            "marginal_error", "converged", "primal", "dual", "transport_cost", "details",
        )
    }  # fmt: skip
    return replace(
        before,
        id=addition.run_id,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        train=_joined(parts),
        versions=versions(),
        device=resolve_device(device),
        seconds=dict(addition.watch.seconds),
        peak_memory=peak_memory(),
        parent=before.id,
        parts=parts,
        **changes,
    )


def _joined(parts: tuple[SourceRecord, ...]) -> SourceRecord:
    """Describe the training set that `parts` make up."""
    digest = hashlib.sha256("\n".join(part.fingerprint for part in parts).encode()).hexdigest()
    return SourceRecord(
        source=parts[0].source,
        fingerprint=digest,
        images=sum(part.images for part in parts),
        unreadable=sum(part.unreadable for part in parts),
        unreadable_listed=tuple(item for part in parts for item in part.unreadable_listed)[
            :UNREADABLE_LISTED
        ],
        has_pictures=any(part.has_pictures for part in parts),
    )
