"""What is asked of a valuation: the sources and every setting."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from math import isfinite
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from core import __version__
from core.device import require_device_name
from core.errors import ConfigError
from core.paths import absolute_path
from core.transport import BATCH_KINDS
from core.valuation import LABEL_DISTANCE_KINDS

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    _Spec = TypeVar("_Spec", bound=DataclassInstance)

SETTINGS = ("calibrated", "published")
_NAMED_SOURCE = re.compile(r"[a-z]+:[^/\\].*")
# Where the data lie says nothing about the result.
_NOT_IDENTITY = ("train", "validation")


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueSpec:
    """A valuation to be made.

    Attributes
    ----------
    train, validation : data sources as text; a relative path is made absolute
    method : a name in `core.valuation.METHODS`
    embedder : a name in `core.embedding.EMBEDDERS`, or "auto": precomputed embeddings where both
        sets have them, else the convnet
    settings : "calibrated": those of the next four fields that are None, and how the signals are
        fused, are chosen by faults planted in held-out validation images, where the method has
        such settings and the validation set is large enough; "published": they are LAVA's
    epsilon : entropic regularization, > 0, in units of cost; None to leave it to `settings`
    label_weight : weight of the labels in the cost, >= 0; None as above
    label_distance_kind : "training" or "validation", see `LavaConfig`; None as above
    p : exponent of the ground cost, 1 or 2; None as above
    relative_epsilon : instead of `epsilon`: the same in units of the mean cost, > 0
    feature_weight : weight of the features in the cost, >= 0, not 0 where the label weight is
    tolerance : marginal error to stop at, > 0 and < 2; None for one that fits the size
    max_passes : most passes over all pairs, >= 1
    batch_size : for methods in batches: most images a batch, >= 2; None for 1024, or the largest
        that `memory_limit` allows
    batches : for methods in batches: "random", or "stratified" by class
    memory_limit : for methods in batches: megabytes that the solver may take beside the
        embeddings, > 0; None for no limit
    seed : 0 to 2**32 - 1
    device : "auto", "cpu", "cuda" or "mps"

    Raises
    ------
    ConfigError : a setting is out of its range
    """

    kind: ClassVar[str] = "value"

    train: str
    validation: str
    method: str = "lava"
    embedder: str = "auto"
    settings: str = "calibrated"
    epsilon: float | None = None
    relative_epsilon: float | None = None
    feature_weight: float = 1.0
    label_weight: float | None = None
    label_distance_kind: str | None = None
    p: int | None = None
    tolerance: float | None = None
    max_passes: int = 500
    batch_size: int | None = None
    batches: str = "random"
    memory_limit: float | None = None
    seed: int = 0
    device: str = "auto"

    def __post_init__(self) -> None:
        """Check every range; make paths absolute, so that another working folder finds them."""
        for side in ("train", "validation"):
            object.__setattr__(self, side, absolute_source(getattr(self, side)))
        for name in ("epsilon", "relative_epsilon", "tolerance", "memory_limit"):
            number = getattr(self, name)
            if number is not None and not (isfinite(number) and number > 0):
                raise ConfigError(f"{_words(name)} must be a number above 0, got {number}.")
        for name in ("feature_weight", "label_weight"):
            number = getattr(self, name)
            if number is not None and not (isfinite(number) and number >= 0):
                raise ConfigError(f"{_words(name)} must be 0 or more, got {number}.")
        if self.feature_weight == 0 and self.label_weight == 0:
            raise ConfigError("Feature weight and label weight cannot both be 0.")
        if self.settings not in SETTINGS:
            raise ConfigError(
                f"Settings must be one of: {', '.join(SETTINGS)}; got {self.settings}."
            )
        kind = self.label_distance_kind
        if kind is not None and kind not in LABEL_DISTANCE_KINDS:
            raise ConfigError(
                f"Label distances must be one of: {', '.join(LABEL_DISTANCE_KINDS)}; got {kind}."
            )
        if self.p not in (None, 1, 2):
            raise ConfigError(f"p must be 1 or 2, got {self.p}.")
        if self.tolerance is not None and self.tolerance >= 2:
            raise ConfigError(f"Tolerance must be below 2, got {self.tolerance}.")
        if self.max_passes < 1:
            raise ConfigError(f"Max passes must be 1 or more, got {self.max_passes}.")
        if self.batch_size is not None and self.batch_size < 2:
            raise ConfigError(f"Batch size must be 2 or more, got {self.batch_size}.")
        if self.batches not in BATCH_KINDS:
            raise ConfigError(
                f"Batches must be one of: {', '.join(BATCH_KINDS)}; got {self.batches}."
            )
        if not 0 <= self.seed < 2**32:
            raise ConfigError(f"Seed must be 0 to {2**32 - 1}, got {self.seed}.")
        require_device_name(self.device)

    @property
    def what(self) -> str:
        """Return what the work is, for people."""
        return f"Valuing {self.train} against {self.validation}"

    def configuration(self) -> dict[str, Any]:
        """Return every field by name; JSON can hold it and `from_configuration` reads it."""
        return asdict(self)

    @classmethod
    def from_configuration(cls, raw: Mapping[str, Any]) -> ValueSpec:
        """Return the spec that `configuration` described; fields unknown here are refused.

        Raises
        ------
        ConfigError : a field is unknown or missing, or out of its range
        """
        return read_configuration(cls, raw)


def read_configuration(kind: type[_Spec], raw: Mapping[str, Any]) -> _Spec:
    """Return the spec of this kind with the fields `raw`.

    Raises
    ------
    ConfigError : a field is unknown or missing, or out of its range
    """
    unknown = sorted(raw.keys() - {item.name for item in fields(kind)})
    if unknown:
        raise ConfigError(f"Unknown settings: {', '.join(unknown)}.")
    try:
        return kind(**raw)
    except TypeError as error:
        raise ConfigError(f"The settings are not complete: {error}.") from error


def run_id(spec: ValueSpec, train_fingerprint: str, validation_fingerprint: str) -> str:
    """Return the id of the run of `spec` on data with these fingerprints: 16 hexadecimal digits.

    Equal data, settings and version give equal ids, wherever the data lie.
    """
    identity = {
        "version": __version__,
        "train_data": train_fingerprint,
        "validation_data": validation_fingerprint,
        **{k: v for k, v in spec.configuration().items() if k not in _NOT_IDENTITY},
    }
    text = json.dumps(identity, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def absolute_source(text: str) -> str:
    """Return `text` with a relative path made absolute; named sources (`sample:train`) stay."""
    text = text.strip()
    if not text:
        raise ConfigError("A data source is missing; give a path or sample:train, sample:val.")
    if _NAMED_SOURCE.fullmatch(text):
        return text
    return str(absolute_path(text))


def _words(name: str) -> str:
    return name.replace("_", " ").capitalize()
