"""experiment.json: what was compared on which data, and how it went."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from core.lab.spec import contender_title
from core.runs import SourceRecord, read_versioned, source_from

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentRecord:
    """The content of experiment.json.

    Attributes
    ----------
    id : 16 hexadecimal digits, determined by data, settings and version
    created : UTC, ISO 8601
    title : what was looked for, for people: "25 % noisy features"
    configuration : every setting (`ExperimentSpec` as JSON)
    embedder : what was used in the end: "auto" is resolved
    class_names : names of the classes; `label` in the values is a position in it
    train, validation : the two sets as given, before anything was planted
    data : the training set that was valued in the first repetition: with the faults planted, or
        `train` where truth was given
    methods : names of the contenders that ran, in the order asked for
    skipped : why others did not, by name
    kinds : the kinds of fault, in the order of the truth
    faults : number of faults by kind, in the first repetition
    removed_classes : what the validation set was made to lack
    facts : what was planted, by name (`Corrupted.facts`)
    run : id of the run of the default method on `data`, in the same home; None where there is none
    learner : what was retrained after removal; None where nothing was
    learner_note : what to know about the accuracies, a sentence; empty where nothing
    seconds : wall-clock time of each stage, and "Total"
    versions : of assay, python, torch, numpy
    device : where it was computed
    peak_memory : largest resident size of the process, bytes
    status : "done"; an experiment is whole or absent
    """

    id: str
    created: str
    title: str
    configuration: Mapping[str, Any]
    embedder: str
    class_names: tuple[str, ...]
    train: SourceRecord
    validation: SourceRecord
    data: SourceRecord
    methods: tuple[str, ...]
    kinds: tuple[str, ...]
    faults: Mapping[str, int]
    versions: Mapping[str, str]
    device: str
    skipped: Mapping[str, str] = field(default_factory=dict)
    removed_classes: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    run: str | None = None
    learner: str | None = None
    learner_note: str = ""
    seconds: Mapping[str, float] = field(default_factory=dict)
    peak_memory: int = 0
    status: str = "done"
    schema_version: int = SCHEMA_VERSION

    @property
    def seeds(self) -> tuple[int, ...]:
        """Return the seeds of the repetitions."""
        return tuple(self.configuration["seeds"])

    @property
    def titles(self) -> dict[str, str]:
        """Return the contenders' names for people, by name."""
        return {name: contender_title(name) for name in (*self.methods, *self.skipped)}

    @property
    def data_sets(self) -> frozenset[str]:
        """Return the fingerprints of the training sets that it is about, clean and corrupted."""
        return frozenset((self.train.fingerprint, self.data.fingerprint))

    def to_json(self) -> str:
        """Return experiment.json's text; `read_experiment_record` reads it back."""
        return json.dumps(asdict(self), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def read_experiment_record(path: Path) -> ExperimentRecord:
    """Read an experiment.json.

    Raises
    ------
    RunError : the file is missing, damaged, or of a version that this one cannot read
    """
    return read_versioned(path, "an experiment", SCHEMA_VERSION, _record_from)


def _record_from(raw: dict[str, Any]) -> ExperimentRecord:
    """Build the record; fields that a later version added are ignored."""
    known = {item.name: raw[item.name] for item in fields(ExperimentRecord) if item.name in raw}
    for name in ("class_names", "methods", "kinds", "removed_classes"):
        known[name] = tuple(raw[name])
    for side in ("train", "validation", "data"):
        known[side] = source_from(raw[side])
    return ExperimentRecord(**known)
