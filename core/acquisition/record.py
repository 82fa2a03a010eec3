"""projection.json: what was projected from which sources, and how far it can be trusted."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from core.projection import PREDICTORS, Intervals, Mix, marginal
from core.runs import SourceRecord, read_versioned, source_from

SCHEMA_VERSION = 1
# Share of the accuracies that should lie in an interval.
INTERVAL_LEVEL = 0.9
_Part = TypeVar("_Part")


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferRecord:
    """A source and its pilot.

    Attributes
    ----------
    name : for people
    pilot : the images shown
    class_counts : how many of each class they are, in the order of the class names
    capacity : images that can be bought; None where that is not known
    price : of one image; None where that is not known
    """

    name: str
    pilot: SourceRecord
    class_counts: tuple[int, ...]
    capacity: int | None = None
    price: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictorRecord:
    """How a predictor did.

    Attributes
    ----------
    held_out_error : mean of |measured - predicted| where the largest trained size is predicted from
        the smaller ones, 0 to 1; None where that cannot be done, as with one size
    points, parameters, regularized, residual, notes : see `core.projection.Facts`
    missing : why there is no fit, for people; empty where there is one
    """

    held_out_error: float | None = None
    points: int = 0
    parameters: int = 0
    regularized: bool = False
    residual: float | None = None
    notes: tuple[str, ...] = ()
    missing: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingRecord:
    """Something that a person should know; see `core.projection.PilotFinding`."""

    kind: str
    severity: str
    sentence: str
    sources: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MixRecord:
    """The best mix of n images.

    Attributes
    ----------
    n : images in all
    p : shares of the sources
    counts : images of each source, sum n
    cost : in the currency of the prices
    accuracy : projected, not clipped to 0 to 1
    low, high : ends of its 90 % interval, not clipped either
    per_image : accuracy that one more image of each source would add
    """

    n: int
    p: tuple[float, ...]
    counts: tuple[int, ...]
    cost: float
    accuracy: float
    low: float
    high: float
    per_image: tuple[float, ...]

    @classmethod
    def of(cls, mix: Mix, around: Intervals, price: np.ndarray) -> MixRecord:
        """Describe a mix that was found, by the predictor that `around` is of."""
        low, high = around.interval(mix.p, np.array([mix.n]), INTERVAL_LEVEL)
        more = marginal(around.fitted, mix.p, mix.n, price)
        return cls(
            n=mix.n,
            p=tuple(mix.p.tolist()),
            counts=tuple(mix.counts.tolist()),
            cost=mix.cost,
            accuracy=mix.accuracy,
            low=float(low[0]),
            high=float(high[0]),
            per_image=tuple(more.per_image.tolist()),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectionRecord:
    """The content of projection.json.

    Attributes
    ----------
    id : 16 hexadecimal digits, determined by data, terms, settings and version
    created : UTC, ISO 8601
    configuration : every setting (`ProjectionSpec` as JSON), the embedder "auto" resolved
    embedder : what was used in the end
    class_names : names of the classes of all sets
    offers : the sources
    validation : the set that mixtures are compared with
    validation_counts : its images of each class
    test : the images that accuracy is measured on; of a table that is not known
    test_note : what to know of that, a sentence; empty where nothing
    scales : sizes that were trained at, or are in the table
    models : models trained, or rows of the table
    skipped : models that the pilots were too small for
    predictors : those that there are, by name
    predictor : the one that is shown first: the one asked for, or the one that could be fitted
    findings : what to know of the pilots
    best : the best mixes by `predictor`, at sizes in ascending order
    converged : share of the OT distances that were solved to their tolerance, 0 to 1
    seconds : wall-clock time of each stage, and "Total"
    versions : of assay, python, torch, numpy
    device : where it was computed
    peak_memory : largest resident size of the process, bytes
    status : "done"; a projection is whole or absent
    """

    id: str
    created: str
    configuration: Mapping[str, Any]
    embedder: str
    class_names: tuple[str, ...]
    offers: tuple[OfferRecord, ...]
    validation: SourceRecord
    validation_counts: tuple[int, ...]
    test: SourceRecord
    scales: tuple[int, ...]
    models: int
    skipped: int
    predictors: Mapping[str, PredictorRecord]
    predictor: str
    best: tuple[MixRecord, ...]
    versions: Mapping[str, str]
    device: str
    test_note: str = ""
    findings: tuple[FindingRecord, ...] = ()
    converged: float = 1.0
    seconds: Mapping[str, float] = field(default_factory=dict)
    peak_memory: int = 0
    status: str = "done"
    schema_version: int = SCHEMA_VERSION

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the m sources."""
        return tuple(offer.name for offer in self.offers)

    @property
    def capacity(self) -> np.ndarray:
        """Return the images that can be bought of each source, shape (m,); infinite if unknown."""
        return np.array(
            [np.inf if one.capacity is None else one.capacity for one in self.offers],
            dtype=np.float64,
        )

    @property
    def price(self) -> np.ndarray:
        """Return the price of one image of each source, shape (m,); 0 where it is not known."""
        return np.array([one.price or 0.0 for one in self.offers], dtype=np.float64)

    @property
    def currency(self) -> str:
        """Return the word for the currency of the prices."""
        return str(self.configuration["currency"])

    @property
    def from_table(self) -> bool:
        """Return whether the accuracies were measured elsewhere."""
        return self.configuration["table"] is not None

    @property
    def titles(self) -> dict[str, str]:
        """Return the predictors' names for people, the most exact first, those not fitted last."""

        def order(name: str) -> tuple[bool, float]:
            one = self.predictors[name]
            error = one.held_out_error
            return bool(one.missing), np.inf if error is None else error

        names = sorted(self.predictors, key=order)
        return {name: PREDICTORS[name].title if name in PREDICTORS else name for name in names}

    def to_json(self) -> str:
        """Return projection.json's text; `read_projection_record` reads it back."""
        return json.dumps(asdict(self), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def read_projection_record(path: Path) -> ProjectionRecord:
    """Read a projection.json.

    Raises
    ------
    RunError : the file is missing, damaged, or of a version that this one cannot read
    """
    return read_versioned(path, "a projection", SCHEMA_VERSION, _record_from)


def _record_from(raw: dict[str, Any]) -> ProjectionRecord:
    """Build the record; fields that a later version added are ignored."""
    known = _known(ProjectionRecord, raw)
    known["class_names"] = tuple(raw["class_names"])
    for name in ("scales", "validation_counts"):
        known[name] = tuple(int(one) for one in raw[name])
    for side in ("validation", "test"):
        known[side] = source_from(raw[side])
    known["offers"] = tuple(
        OfferRecord(**{**_known(OfferRecord, one), "pilot": source_from(one["pilot"])})
        for one in map(_with_tuples, raw["offers"])
    )
    known["predictors"] = {
        name: _part(PredictorRecord, one) for name, one in raw["predictors"].items()
    }
    known["findings"] = tuple(_part(FindingRecord, one) for one in raw.get("findings", ()))
    known["best"] = tuple(_part(MixRecord, one) for one in raw["best"])
    return ProjectionRecord(**known)


def _part(kind: type[_Part], raw: Mapping[str, Any]) -> _Part:
    return kind(**_known(kind, _with_tuples(raw)))


def _known(kind: Any, raw: Mapping[str, Any]) -> dict[str, Any]:
    return {item.name: raw[item.name] for item in fields(kind) if item.name in raw}


def _with_tuples(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return a JSON object with its lists as tuples."""
    return {name: tuple(one) if isinstance(one, list) else one for name, one in raw.items()}
