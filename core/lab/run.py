"""An experiment done: planted, embedded, valued by every contender, held against the truth."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from core.datasets import align_classes
from core.device import resolve_device
from core.errors import AssayError, Cancelled, ConfigError, RunError
from core.lab.effects import EFFECT_COLUMNS, effects_table, make_bench
from core.lab.folder import Experiment, open_experiment, write_experiment
from core.lab.planting import Planted, Sets, fault_of, network_of, open_sets, plant
from core.lab.record import ExperimentRecord
from core.lab.scoring import Scored, detection_table, sampled_curves
from core.lab.spec import Contender, ExperimentSpec, unavailable
from core.progress import Progress, silent
from core.runs import (
    Opened,
    SourceRecord,
    Stopwatch,
    ValueSpec,
    at_home,
    even_odds,
    peak_memory,
    value_pair,
    versions,
    write_valued,
)

if TYPE_CHECKING:
    from core.embedding import EmbeddedPair
    from core.valuation import Valuation

DEFAULT_METHOD = "lava"
_SAME_IMAGES = (
    "Accuracy is measured on the validation images, which the embedder was trained on and the "
    "methods compare with: it is better than on new images. Give a test set for those."
)


@dataclass(frozen=True, kw_only=True)
class _Valued:
    """What a run is written from: a valuation, what was asked and used, and how long it took."""

    valuation: Valuation
    asked: ValueSpec
    used: ValueSpec
    watch: Stopwatch

    @property
    def seconds(self) -> float:
        return sum(self.watch.seconds.values())


@dataclass(frozen=True, kw_only=True)
class _Repetition:
    """What one repetition yields.

    Attributes
    ----------
    values : of the contenders, shape (n,), by name
    shown : the valuation that Review opens: of the default method, or of the first that succeeded
        where that is not among them; of the first repetition only
    """

    planted: Planted
    pair: EmbeddedPair
    fault: np.ndarray
    values: Mapping[str, np.ndarray]
    scored: list[Scored]
    effects: pd.DataFrame
    failed: Mapping[str, str]
    shown: _Valued | None


def run_experiment(
    spec: ExperimentSpec,
    home: Path,
    progress: Progress = silent,
    *,
    on_id: Callable[[str], None] | None = None,
) -> tuple[Experiment, bool]:
    """Do the experiment, and keep it in `home/experiments/<id>`; or find it there.

    Parameters
    ----------
    on_id : is told the experiment's id as soon as that is known

    Returns
    -------
    experiment, reused : it, and whether it was there already

    Raises
    ------
    DataError : the data cannot be used, or the truth is not about them
    ConfigError : a fault does not fit the data, or no method can take part
    RunError : it cannot be written
    Cancelled : raised by `progress`; what was written by then is found again the next time
    """
    watch = Stopwatch()
    with watch.stage("Reading"):
        sets = open_sets(spec, progress)
    if on_id is not None:
        on_id(sets.id)
    with suppress(RunError):
        return open_experiment(home, sets.id), True
    methods, skipped = _taking_part(sets)
    folder = home / "experiments" / sets.id
    done = []
    for number, seed in enumerate(spec.seeds):
        told = _part_of(progress, number, len(spec.seeds))
        where = folder if number == 0 else None
        done.append(_repeat(sets, seed, methods, home, where, watch, told))
        for name, why in done[-1].failed.items():
            skipped.setdefault(name, why)
    methods = tuple(name for name in methods if name not in skipped)
    if not methods:
        reasons = "; ".join(f"{name}: {why}" for name, why in skipped.items())
        raise ConfigError(f"No method could value these images ({reasons}).")
    with watch.stage("Run of the default method"):
        run_id = _default_run(done[0], home, progress)
    watch.seconds["Total"] = round(sum(watch.seconds.values()), 3)
    scored = [one for part in done for one in part.scored if one.method in methods]
    effects = pd.concat([part.effects for part in done], ignore_index=True)
    record = _record(sets, done[0], methods, skipped, run_id, watch)
    experiment = write_experiment(
        folder,
        record,
        detection=detection_table(scored),
        curves=sampled_curves(scored),
        values=_values_table(done[0], methods),
        effects=effects[~effects["order"].isin(list(skipped))].reset_index(drop=True),
    )
    return experiment, False


def experiment_job(
    spec: ExperimentSpec, home: Path, progress: Progress, on_id: Callable[[str], None]
) -> dict[str, Any]:
    """Do the work of a job of the kind "experiment"; raises as `run_experiment`.

    `on_id` is for runs; the experiment's id is in what is returned.
    """
    experiment, reused = run_experiment(spec, home, progress)
    return {"experiment": experiment.id, "run": experiment.record.run, "reused": reused}


def _taking_part(sets: Sets) -> tuple[tuple[str, ...], dict[str, str]]:
    """Return the contenders that can value these images, and why others cannot."""
    reasons = {name: unavailable(name, len(sets.train)) for name in sets.spec.methods}
    skipped = {name: why for name, why in reasons.items() if why}
    return tuple(name for name in reasons if name not in skipped), skipped


def _part_of(progress: Progress, number: int, count: int) -> Progress:
    """Return a progress that says which repetition it is."""

    def told(stage: str, done: float, detail: str = "") -> None:
        which = f"repetition {number + 1} of {count}"
        progress(stage, done, f"{which}: {detail}" if detail else which)

    return told if count > 1 else progress


def _repeat(
    sets: Sets,
    seed: int,
    methods: tuple[str, ...],
    home: Path,
    folder: Path | None,
    watch: Stopwatch,
    progress: Progress,
) -> _Repetition:
    """Do one repetition."""
    spec, cache = sets.spec, home / "embeddings"
    embedder_seed = seed if spec.embeds_anew else spec.seeds[0]
    with watch.stage("Planting"):
        network = None
        if any(planted.fault.needs_network for planted in spec.faults):
            clean = _embedded(sets.train, sets.validation, spec, embedder_seed, cache, progress)
            network = network_of(clean, spec.device)
        planted = plant(sets, seed, folder=folder, network=network, progress=progress)
    with watch.stage("Embedding"):
        pair = _embedded(planted.train, planted.validation, spec, embedder_seed, cache, progress)
    fault = fault_of(pair.train, planted.truth)
    values: dict[str, np.ndarray] = {}
    suggested: dict[str, np.ndarray] = {}
    failed: dict[str, str] = {}
    scored = []
    shown = None
    for name in methods:
        asked, told = spec.value_spec(name, seed), _named(progress, name)
        try:
            one = _valued(asked, pair, cache, embedder_seed, told)
        except Cancelled:
            raise
        except AssayError as error:
            # One method that cannot value these images takes nothing from the others.
            failed[name] = str(error)
            continue
        values[name] = one.valuation.value
        suggested[name] = _suggested(one)
        watch.seconds["Valuation"] = round(watch.seconds.get("Valuation", 0.0) + one.seconds, 3)
        scored.append(_scored(name, seed, pair, values[name], fault, one.seconds))
        if folder is not None and (shown is None or name == DEFAULT_METHOD):
            shown = one
    effects = pd.DataFrame(columns=list(EFFECT_COLUMNS))
    if spec.removal:
        with watch.stage("Removal"):
            effects = _effects(sets, planted, pair, values, suggested, fault, seed, progress)
    return _Repetition(
        planted=planted,
        pair=pair,
        fault=fault,
        values=values,
        scored=scored,
        effects=effects,
        failed=failed,
        shown=shown,
    )


def _valued(
    asked: ValueSpec, pair: EmbeddedPair, cache: Path, embedder_seed: int, progress: Progress
) -> _Valued:
    watch = Stopwatch()
    valuation, used = value_pair(
        asked,
        pair,
        cache_dir=cache,
        embedder_seed=embedder_seed,
        progress=progress,
        watch=watch,
    )
    return _Valued(valuation=valuation, asked=asked, used=used, watch=watch)


def _suggested(one: _Valued) -> np.ndarray:
    """Return what a prune plan proposes to remove, as `Run.suggested`: bool, shape (n,)."""
    from core.evaluation import harmful_cut, suggested_removal

    found = one.valuation
    odds = even_odds(one.used.method, found.details)
    said = [found.columns.get(name) for name in ("fault_probability", "likely_fault")]
    return suggested_removal(harmful_cut(found.value, even_odds=odds).harmful, *said)


def _embedded(
    train: Any, validation: Any, spec: ExperimentSpec, seed: int, cache: Path, progress: Progress
) -> EmbeddedPair:
    from core.embedding import embed_pair

    train, validation = align_classes(train, validation)
    return embed_pair(
        train,
        validation,
        spec.embedder,
        seed=seed,
        cache_dir=cache,
        device=spec.device,
        progress=progress,
    )


def _named(progress: Progress, name: str) -> Progress:
    """Return a progress that says which contender is at work."""
    title = Contender.parse(name).title

    def told(stage: str, done: float, detail: str = "") -> None:
        progress(title, done, f"{stage}: {detail}" if detail else stage)

    return told


def _scored(
    name: str, seed: int, pair: EmbeddedPair, value: np.ndarray, fault: np.ndarray, seconds: float
) -> Scored:
    from core.evaluation import evaluate

    ids = pair.train.ids.astype(str)
    table = pd.DataFrame({"id": ids, "value": value})
    truth = pd.DataFrame({"id": ids, "fault": fault})[fault != ""]
    return Scored(name, seed, evaluate(table, truth), round(seconds, 3))


def _effects(
    sets: Sets,
    planted: Planted,
    pair: EmbeddedPair,
    values: Mapping[str, np.ndarray],
    suggested: Mapping[str, np.ndarray],
    fault: np.ndarray,
    seed: int,
    progress: Progress,
) -> pd.DataFrame:
    from core.evaluation import learner_named

    bench = make_bench(
        learner_named(sets.spec.learner),
        pair,
        planted,
        sets.test,
        seed=seed,
        device=sets.spec.device,
        progress=progress,
    )
    return effects_table(bench, values, fault != "", progress, suggested=suggested)


def _default_run(first: _Repetition, home: Path, progress: Progress) -> str:
    """Return the id of the run that Review opens, written where it is not there yet."""
    planted, pair, shown = first.planted, first.pair, first.shown
    assert shown is not None  # noqa: S101 - for the type checker: some method has succeeded
    train, validation = planted.train_source, planted.validation_source
    used = replace(shown.used, train=train, validation=validation)
    opened = Opened(
        spec=replace(shown.asked, train=train, validation=validation),
        train=pair.train,
        validation=pair.validation,
        train_fingerprint=planted.train.fingerprint,
        validation_fingerprint=planted.validation.fingerprint,
        watch=shown.watch,
    )
    run, _ = at_home(
        home,
        opened.run_id,
        lambda out: write_valued(opened, pair, shown.valuation, used, out, progress),
    )
    return run.id


def _values_table(first: _Repetition, methods: tuple[str, ...]) -> pd.DataFrame:
    data = first.pair.train
    names = np.array(data.class_names, dtype=object)
    return pd.DataFrame(
        {
            "id": data.ids.astype(str),
            "row": np.arange(len(data)),
            "label": data.labels,
            "class_name": names[data.labels],
            "fault": first.fault,
            "clean_label": _clean_labels(first),
            **{name: first.values[name] for name in methods},
        }
    )


def _clean_labels(first: _Repetition) -> np.ndarray:
    """Return the class that each faulty image is of, where the truth says so; "" elsewhere."""
    truth = first.planted.truth
    if "clean_label" not in truth:
        return np.full(len(first.fault), "", dtype=object)
    known = truth.set_index("id")["clean_label"].fillna("").astype(str)
    return known.reindex(first.pair.train.ids.astype(str), fill_value="").to_numpy(dtype=object)


def _record(
    sets: Sets,
    first: _Repetition,
    methods: tuple[str, ...],
    skipped: Mapping[str, str],
    run_id: str,
    watch: Stopwatch,
) -> ExperimentRecord:
    spec, planted = sets.spec, first.planted
    kinds = tuple(dict.fromkeys(first.fault[first.fault != ""].tolist()))
    learner = spec.learner if spec.removal else None
    return ExperimentRecord(
        id=sets.id,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        title=spec.title,
        configuration=spec.configuration(),
        embedder=first.pair.embedder,
        class_names=first.pair.train.class_names,
        train=SourceRecord.of(sets.train, source=spec.train, fingerprint=sets.train_fingerprint),
        validation=SourceRecord.of(
            sets.validation, source=spec.validation, fingerprint=sets.validation.fingerprint
        ),
        data=SourceRecord.of(
            first.pair.train,
            source=planted.train_source,
            fingerprint=planted.train.fingerprint,
        ),
        methods=methods,
        skipped=dict(skipped),
        kinds=kinds,
        faults={kind: int((first.fault == kind).sum()) for kind in kinds},
        removed_classes=planted.removed_classes,
        facts=dict(planted.facts),
        run=run_id,
        learner=learner,
        learner_note=_SAME_IMAGES if learner and sets.test is None else "",
        seconds=dict(watch.seconds),
        versions=versions(),
        device=resolve_device(spec.device),
        peak_memory=peak_memory(),
    )
