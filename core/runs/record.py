"""run.json: what a run was made from, with which settings, and how well it went."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from core.errors import RunError
from core.valuation import METHODS

if TYPE_CHECKING:
    from core.datasets import LabelledImages

Record = TypeVar("Record")
SCHEMA_VERSION = 1
UNREADABLE_LISTED = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRecord:
    """An image set of a run: training or validation, or one of several that were joined.

    Attributes
    ----------
    source : the text that opens it again, absolute where it is a path
    fingerprint : SHA-256 of the set as it was opened, before unreadable pictures were left out;
        decisions are keyed by it
    images : number of images valued
    unreadable : number of pictures left out
    unreadable_listed : the first thousand of them, as (id, reason)
    has_pictures : False for a set that is embeddings only
    """

    source: str
    fingerprint: str
    images: int
    unreadable: int = 0
    unreadable_listed: tuple[tuple[str, str], ...] = ()
    has_pictures: bool = True

    @classmethod
    def of(cls, data: LabelledImages, *, source: str, fingerprint: str) -> SourceRecord:
        """Describe `data`, which was opened from `source` and then lost its unreadable pictures."""
        return cls(
            source=source,
            fingerprint=fingerprint,
            images=len(data),
            unreadable=len(data.unreadable),
            unreadable_listed=tuple(
                (item.image_id, item.reason) for item in data.unreadable[:UNREADABLE_LISTED]
            ),
            has_pictures=data.images is not None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Solution:
    """How far a transport problem was solved; the fields of the same names in `RunRecord`."""

    epsilon: float
    tolerance: float
    marginal_error: float
    converged: bool
    passes: int
    primal: float
    dual: float
    transport_cost: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """The content of run.json.

    Attributes
    ----------
    id : 16 hexadecimal digits, determined by data, settings and version
    created : UTC, ISO 8601
    method : the name in `core.valuation.METHODS`
    embedder : what was used in the end: "auto" is resolved
    configuration : every setting (`ValueSpec` as JSON), the embedder "auto" resolved
    class_names : names of the classes of both sets; `label` is a position in it
    train, validation : the two image sets
    versions : of assay, python, torch, numpy
    seed : what every random choice follows from
    device : where it was computed
    epsilon : entropic regularization used, in units of cost; this and the next seven are None in
        runs of methods without transport
    tolerance : marginal error asked for
    marginal_error : reached, 0 to 2
    converged : marginal_error <= tolerance
    passes : full passes over all pairs
    primal, dual : value of the entropic problem at the final plan and potentials
    transport_cost : the OT distance without its regularizer, units of cost
    seconds : wall-clock time of each stage, and "Total"
    peak_memory : largest resident size of the process, bytes
    details : what the method has to say beside, by name, and which settings were chosen, and why
    parent : id of the run that images were added to, None for a run made from two sets
    parts : the sets that make up the training set, in the order of its rows, where images were
        added; `train` then counts all of them, and its source is that of the first
    status : "done"; a run is whole or absent
    """

    id: str
    created: str
    method: str
    embedder: str
    configuration: Mapping[str, Any]
    class_names: tuple[str, ...]
    train: SourceRecord
    validation: SourceRecord
    versions: Mapping[str, str]
    seed: int
    device: str
    epsilon: float | None = None
    tolerance: float | None = None
    marginal_error: float | None = None
    converged: bool | None = None
    passes: int | None = None
    primal: float | None = None
    dual: float | None = None
    transport_cost: float | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)
    peak_memory: int = 0
    details: Mapping[str, Any] = field(default_factory=dict)
    parent: str | None = None
    parts: tuple[SourceRecord, ...] = ()
    status: str = "done"
    schema_version: int = SCHEMA_VERSION

    @property
    def solution(self) -> Solution | None:
        """Return how far the transport problem was solved; None where the method solves none."""
        if self.transport_cost is None:
            return None
        return Solution(**{item.name: getattr(self, item.name) for item in fields(Solution)})

    @property
    def value_unit(self) -> str:
        """Return the unit of the training images' values, in words."""
        if "fusion" in self.details:
            return "log odds that an image is sound"
        method = METHODS.get(self.method)
        return "units of the method" if method is None else method.unit

    @property
    def even_odds(self) -> float | None:
        """Return the value of an image that is as likely faulty as sound; None if values don't say.

        Where values are log probabilities, never above 0, that of even odds that the label is
        right.
        """
        return even_odds(self.method, self.details)

    @property
    def training_parts(self) -> tuple[SourceRecord, ...]:
        """Return the sets that make up the training set, in the order of its rows."""
        return self.parts or (self.train,)

    def to_json(self) -> str:
        """Return run.json's text; `read_record` reads it back."""
        return json.dumps(asdict(self), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def even_odds(method: str, details: Mapping[str, Any]) -> float | None:
    """Return what `RunRecord.even_odds` is for a valuation by `method` with these details."""
    if "fusion" in details:
        return 0.0
    known = METHODS.get(method)
    return None if known is None else known.even_odds


def read_record(path: Path) -> RunRecord:
    """Read a run.json.

    Raises
    ------
    RunError : the file is missing, damaged, or of a version that this one cannot read
    """
    return read_versioned(path, "a run", SCHEMA_VERSION, _record_from)


def read_versioned(
    path: Path, what: str, version: int, build: Callable[[dict[str, Any]], Record]
) -> Record:
    """Read a JSON file that says which version of its schema it has.

    Parameters
    ----------
    what : what its folder is, in words: "a run"
    version : the one that this code reads
    build : makes the record of the file's content

    Raises
    ------
    RunError : the file is missing, damaged, or of another version
    """
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RunError(
            f"{path.parent} is not {what}: {path.name} cannot be read ({error.strerror})."
        ) from error
    except ValueError as error:
        raise RunError(f"{path} is damaged: it is not JSON.") from error
    found = raw.get("schema_version") if isinstance(raw, dict) else None
    if found != version:
        raise RunError(
            f"{path}: expected schema version {version}, found {found}; "
            "open it with the version of Assay that wrote it."
        )
    try:
        return build(raw)
    except (KeyError, TypeError, ValueError) as error:
        raise RunError(f"{path} is damaged: {error}.") from error


def _record_from(raw: dict[str, Any]) -> RunRecord:
    """Build the record; fields that a later version added are ignored."""
    known = {item.name: raw[item.name] for item in fields(RunRecord) if item.name in raw}
    known["class_names"] = tuple(raw["class_names"])
    for side in ("train", "validation"):
        known[side] = source_from(raw[side])
    known["parts"] = tuple(map(source_from, raw.get("parts", ())))
    return RunRecord(**known)


def source_from(raw: Mapping[str, Any]) -> SourceRecord:
    """Return the source that a record's JSON described; raises `KeyError`, `TypeError`."""
    part = {item.name: raw[item.name] for item in fields(SourceRecord)}
    part["unreadable_listed"] = tuple((i, r) for i, r in part["unreadable_listed"])
    return SourceRecord(**part)
