"""The way of the data: open, align, embed, value, write."""

from __future__ import annotations

import platform
import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core import __version__
from core.datasets import LabelledImages, align_classes, open_source
from core.device import resolve_device
from core.errors import ConfigError, DataError, RunError
from core.progress import Progress, silent
from core.runs.folder import Run, find_run
from core.runs.home import home as default_home
from core.runs.record import RunRecord, Solution, SourceRecord
from core.runs.spec import ValueSpec, run_id
from core.runs.tables import validation_frame, values_frame
from core.runs.writing import require_free, write_run
from core.valuation import METHODS, TransportValuation, Valuation

if TYPE_CHECKING:
    from core.embedding import EmbeddedPair


class Stopwatch:
    """Wall-clock seconds by stage, in order."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time the block as stage `name`."""
        started = time.perf_counter()
        try:
            yield
        finally:
            taken = time.perf_counter() - started
            self.seconds[name] = round(self.seconds.get(name, 0.0) + taken, 3)


@dataclass(frozen=True, kw_only=True)
class Opened:
    """Two sets that were opened for a valuation, and the id that its run will have.

    Attributes
    ----------
    spec : with "auto" replaced by the embedder that it means for these sets
    train, validation : with one list of classes
    train_fingerprint, validation_fingerprint : of the sets as they were before that
    """

    spec: ValueSpec
    train: LabelledImages
    validation: LabelledImages
    train_fingerprint: str
    validation_fingerprint: str
    watch: Stopwatch = field(default_factory=Stopwatch)

    @property
    def run_id(self) -> str:
        """Return the id of the run."""
        return run_id(self.spec, self.train_fingerprint, self.validation_fingerprint)


def open_pair(spec: ValueSpec, progress: Progress = silent) -> Opened:
    """Open both sets of `spec`, fingerprint them and match their classes by name.

    Raises
    ------
    ConfigError : there is no such method, embedder or device, or the method cannot be used here
    DataError : a set cannot be used
    """
    from core.embedding import chosen_embedder

    watch = Stopwatch()
    with watch.stage("Starting"):
        progress("Starting", 0.0)
        _require_known(spec)
    with watch.stage("Reading"):
        progress("Reading", 0.0, spec.train)
        train = open_source(spec.train, progress=progress)
        progress("Reading", 0.3, spec.validation)
        validation = open_source(spec.validation, progress=progress)
        # Before classes are matched: decisions on a set hold whatever it is compared with.
        progress("Reading", 0.5, "Fingerprint of the training set")
        train_fingerprint = train.fingerprint
        progress("Reading", 0.9, "Fingerprint of the validation set")
        validation_fingerprint = validation.fingerprint
        train, validation = align_classes(train, validation)
        METHODS[spec.method].require_usable(len(train))
        progress("Reading", 1.0)
    return Opened(
        spec=replace(spec, embedder=chosen_embedder(spec.embedder, train, validation)),
        train=train,
        validation=validation,
        train_fingerprint=train_fingerprint,
        validation_fingerprint=validation_fingerprint,
        watch=watch,
    )


def _require_known(spec: ValueSpec) -> None:
    """Refuse names and devices that do not exist before anything is read."""
    from core.embedding import EMBEDDERS

    for what, name, known in (
        ("method", spec.method, tuple(METHODS)),
        ("embedder", spec.embedder, ("auto", *EMBEDDERS)),
    ):
        if name not in known:
            raise ConfigError(f"There is no {what} '{name}'. Choose one of: {', '.join(known)}.")
    METHODS[spec.method].require_usable()
    resolve_device(spec.device)


def value_run(
    spec: ValueSpec, out: Path, progress: Progress = silent, *, cache_dir: Path | None = None
) -> Run:
    """Value the images of `spec` and write the run to the folder `out`, whole or not at all.

    Parameters
    ----------
    out : must be absent or an empty folder
    cache_dir : where embeddings are kept; by default `home()/embeddings`

    Raises
    ------
    RunError : `out` is not free or cannot be written
    DataError : the data cannot be used
    Cancelled : raised by `progress`
    """
    require_free(out)
    return value_opened(open_pair(spec, progress), out, progress, cache_dir=cache_dir)


def value_at_home(
    spec: ValueSpec,
    home: Path,
    progress: Progress = silent,
    *,
    on_id: Callable[[str], None] | None = None,
) -> tuple[Run, bool]:
    """Value into `home/runs/<run id>`; return the run, and whether it was there already.

    `on_id` is called with the run's id as soon as that is known. Raises as `value_run`.
    """
    opened = open_pair(spec, progress)
    if on_id is not None:
        on_id(opened.run_id)
    return at_home(
        home,
        opened.run_id,
        lambda out: value_opened(opened, out, progress, cache_dir=home / "embeddings"),
    )


def value_job(
    spec: ValueSpec, home: Path, progress: Progress, on_id: Callable[[str], None]
) -> dict[str, Any]:
    """Do the work of a job of the kind "value"; raises as `value_run`."""
    value_at_home(spec, home, progress, on_id=on_id)
    return {}


def at_home(home: Path, run_id: str, make: Callable[[Path], Run]) -> tuple[Run, bool]:
    """Return the run `run_id` of `home` and True; where it is not there, `make` it, and False.

    `make` is given the folder to write it to.
    """
    with suppress(RunError):
        return find_run(home, run_id), True
    out = home / "runs" / run_id
    require_free(out)
    try:
        return make(out), False
    except RunError:
        # Somebody else may have finished the same run meanwhile; else it says what went wrong.
        with suppress(RunError):
            return find_run(home, run_id), True
        raise


def value_opened(
    opened: Opened, out: Path, progress: Progress = silent, *, cache_dir: Path | None = None
) -> Run:
    """Embed, value and write sets that are open. Raises as `value_run`."""
    # It brings torch: only who values something waits for it.
    from core.embedding import embed_pair

    spec, watch = opened.spec, opened.watch
    cache_dir = default_home() / "embeddings" if cache_dir is None else cache_dir
    with watch.stage("Embedding"):
        pair = embed_pair(
            opened.train,
            opened.validation,
            spec.embedder,
            seed=spec.seed,
            cache_dir=cache_dir,
            device=spec.device,
            progress=progress,
        )
    valuation, used = value_pair(spec, pair, cache_dir=cache_dir, progress=progress, watch=watch)
    return write_valued(opened, pair, valuation, used, out, progress)


def write_valued(
    opened: Opened,
    pair: EmbeddedPair,
    valuation: Valuation,
    used: ValueSpec,
    out: Path,
    progress: Progress = silent,
) -> Run:
    """Write sets that are valued as the run of `opened`, to the folder `out`; whole or not at all.

    Parameters
    ----------
    pair : the sets of `opened`, embedded
    valuation, used : as `value_pair` returns them

    Raises
    ------
    RunError : `out` is not free or cannot be written
    Cancelled : raised by `progress`
    """
    progress("Writing", 0.0)
    seconds = opened.watch.seconds
    seconds["Total"] = round(sum(seconds.values()), 3)
    # No report after this: whoever stops the work now finds the run whole.
    return write_run(
        out,
        _record(opened, pair, valuation, used),
        values_frame(pair.train, valuation),
        validation_frame(pair.validation, valuation),
        valuation,
        pair.x,
        pair.y,
        pair.fitted,
    )


def value_pair(
    spec: ValueSpec,
    pair: EmbeddedPair,
    *,
    cache_dir: Path | None,
    embedder_seed: int | None = None,
    progress: Progress = silent,
    watch: Stopwatch | None = None,
) -> tuple[Valuation, ValueSpec]:
    """Choose the settings of `spec` and value sets that are embedded.

    Parameters
    ----------
    cache_dir : where embeddings are kept that calibration needs; None: nowhere
    embedder_seed : the seed that the pair was embedded with; None for that of `spec`
    watch : is given the seconds of the stages "Calibration" and "Valuation"

    Returns
    -------
    valuation, used : the result, and the spec with the settings that were used in place of None

    Raises
    ------
    DataError : a value is not a finite number, or the method cannot value these images
    Cancelled : raised by `progress`
    """
    from core.runs.settings import choose_settings, resolved

    watch = Stopwatch() if watch is None else watch
    method = METHODS[spec.method]
    with watch.stage("Calibration"):
        # Faults are planted with the pair's seed: networks that were fitted for it are kept.
        planted = spec if embedder_seed is None else replace(spec, seed=embedder_seed)
        chosen = choose_settings(planted, pair, cache_dir=cache_dir, progress=progress)
    config = method.configure({**spec.configuration(), **chosen.settings})
    with watch.stage("Valuation"):
        valuation = method(
            pair.x,
            pair.train.labels,
            pair.y,
            pair.validation.labels,
            len(pair.train.class_names),
            config,
            progress=progress,
        )
    require_finite(valuation)
    valuation = replace(valuation, details={**valuation.details, "settings": chosen.facts()})
    # A method without transport leaves open what it does not use.
    return valuation, resolved(spec, config) if method.transports else spec


def require_finite(valuation: Valuation) -> None:
    """Raise `DataError` where a value is not a finite number."""
    bad = np.flatnonzero(~np.isfinite(valuation.value))
    if len(bad):
        hint = (
            "epsilon may be too small for the scale of these embeddings."
            if isinstance(valuation, TransportValuation)
            else "look for embeddings that are huge."
        )
        raise DataError(f"The valuation of {len(bad)} images is not a finite number; {hint}")


def _record(opened: Opened, pair: EmbeddedPair, valuation: Valuation, spec: ValueSpec) -> RunRecord:
    return RunRecord(
        id=opened.run_id,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        method=spec.method,
        embedder=pair.embedder,
        configuration=spec.configuration(),
        class_names=pair.train.class_names,
        train=SourceRecord.of(pair.train, source=spec.train, fingerprint=opened.train_fingerprint),
        validation=SourceRecord.of(
            pair.validation, source=spec.validation, fingerprint=opened.validation_fingerprint
        ),
        versions=versions(),
        seed=spec.seed,
        device=resolve_device(spec.device),
        seconds=dict(opened.watch.seconds),
        peak_memory=peak_memory(),
        details=valuation.details,
        **_solution(valuation),
    )


def _solution(valuation: Valuation) -> dict[str, Any]:
    """Return what the record keeps of a solution; nothing of a method without transport."""
    if not isinstance(valuation, TransportValuation):
        return {}
    return {item.name: getattr(valuation, item.name) for item in fields(Solution)}


def versions() -> dict[str, str]:
    """Return the versions of what computes."""
    return {
        "assay": __version__,
        "python": platform.python_version(),
        "torch": version("torch"),
        "numpy": np.__version__,
    }


def peak_memory() -> int:
    """Return the largest resident size that this process has had, bytes."""
    # Linux hands ru_maxrss down through fork and exec: a worker would report its parent's.
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return largest if sys.platform == "darwin" else largest * 1024
