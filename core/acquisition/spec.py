"""What is asked of a projection: the sources, what is trusted, and how mixtures are trained."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from math import isfinite
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from core import __version__
from core.device import require_device_name
from core.errors import ConfigError
from core.paths import absolute_path
from core.projection import DEFAULT_PREDICTOR, predictor_named
from core.runs import absolute_source, read_configuration

MOST_SOURCES = 50
EXAMPLE_PREFIX = "example:"
# Columns of the tables that have one column a source beside them.
_COLUMNS = ("n", "accuracy", "repeat", "distance")
# Where the data lie says nothing about the result; their content counts.
_NOT_IDENTITY = ("sources", "validation", "test", "test_ids", "table")


def example_folder() -> Path:
    """Return the folder of the bundled example."""
    return Path(__file__).parents[2] / "assets" / "mixture"


def file_named(text: str) -> Path:
    """Return the path that `text` names: "example:NAME" is a file of the bundled example."""
    if text.startswith(EXAMPLE_PREFIX):
        return example_folder() / text.removeprefix(EXAMPLE_PREFIX)
    return Path(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A source: who offers images, a pilot of them, and on which terms.

    Attributes
    ----------
    name : for people; of one line, and different from those of the other sources
    pilot : data source of the pilot as text; a relative path is made absolute
    ids : CSV file with the column `id`: only these images of the pilot; where it has the column
        `label` as well, these are their labels. None: all images as they are
    capacity : images that can be bought, 1 or more; None where that is not known
    price : of one image, 0 or more; None where that is not known

    Raises
    ------
    ConfigError : a setting is out of its range
    """

    name: str
    pilot: str
    ids: str | None = None
    capacity: int | None = None
    price: float | None = None

    def __post_init__(self) -> None:
        """Check every range, and make paths absolute."""
        name = self.name.strip()
        object.__setattr__(self, "name", name)
        if not name:
            raise ConfigError("A source needs a name, such as the one of who offers it.")
        if not name.isprintable() or set(name) & set("/:") or name in _COLUMNS:
            raise ConfigError(
                "A source needs a name of one line without / and :, other than "
                f"{', '.join(_COLUMNS)}; got {name!r}."
            )
        if name.startswith(("=", "+", "-", "@")):
            raise ConfigError(
                f"The name {name!r} would stand in order lists, where a spreadsheet would compute "
                "it. Let it start with a letter."
            )
        object.__setattr__(self, "pilot", absolute_source(self.pilot))
        if self.ids is not None:
            object.__setattr__(self, "ids", _absolute_file(self.ids))
        if self.capacity is not None and (self.capacity < 1 or int(self.capacity) != self.capacity):
            raise ConfigError(
                f'The capacity of "{name}" must be a whole number of images, 1 or more; '
                f"got {self.capacity}. Leave it out where it is not known."
            )
        if self.price is not None and not (isfinite(self.price) and self.price >= 0):
            raise ConfigError(f'The price of "{name}" must be 0 or more, got {self.price:g}.')


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectionSpec:
    """A projection to be made: what accuracy mixes of some sources will reach.

    Attributes
    ----------
    sources : who offers images; one or more
    validation : data source of the trusted set that mixtures are compared with
    test : data source that accuracy is measured on; None for half of the validation set, which is
        then held out of everything else. With a table nothing is measured, and nothing held out
    test_ids : for `test`, as `Offer.ids`
    embedder : a name in `core.embedding.EMBEDDERS`, or "auto": precomputed embeddings where all
        sets have them, else the convnet
    learner : a name in `core.evaluation.LEARNERS`: what is trained on each mixture
    scales : sizes to train at; none for sizes that fit the smallest pilot
    points : mixing ratios to train; None for a lattice, or five a source where there are many
    repeats : models trained for each mixing ratio and size, 1 or more
    table : CSV or Parquet file of accuracies that were measured elsewhere: then nothing is trained
    predictor : a name in `core.projection.PREDICTORS`: whose projections are shown first
    sizes : numbers of images for which the best mix is looked for; none for a choice of our own
    currency : the word for the currency of the prices
    seed : 0 to 2**32 - 1
    device : "auto", "cpu", "cuda" or "mps"

    Raises
    ------
    ConfigError : a setting is out of its range
    """

    kind: ClassVar[str] = "projection"

    sources: tuple[Offer, ...]
    validation: str
    test: str | None = None
    test_ids: str | None = None
    embedder: str = "auto"
    learner: str = "linear"
    scales: tuple[int, ...] = ()
    points: int | None = None
    repeats: int = 3
    table: str | None = None
    predictor: str = DEFAULT_PREDICTOR
    sizes: tuple[int, ...] = ()
    currency: str = "EUR"
    seed: int = 0
    device: str = "auto"

    def __post_init__(self) -> None:
        """Check every range; make paths absolute, so that another working folder finds them."""
        object.__setattr__(self, "sources", tuple(self.sources))
        object.__setattr__(self, "validation", absolute_source(self.validation))
        if self.test is not None:
            object.__setattr__(self, "test", absolute_source(self.test))
        for name in ("test_ids", "table"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, _absolute_file(getattr(self, name)))
        for name in ("scales", "sizes"):
            object.__setattr__(self, name, _sizes(name, getattr(self, name)))
        self._check()

    def _check(self) -> None:
        if not 1 <= len(self.sources) <= MOST_SOURCES:
            raise ConfigError(f"Give 1 to {MOST_SOURCES} sources, got {len(self.sources)}.")
        if len(set(self.names)) < len(self.names):
            raise ConfigError(f"Each source needs a name of its own, got {', '.join(self.names)}.")
        if self.test is None and self.test_ids is not None:
            raise ConfigError("The test set's ids need the test set that they are of.")
        if self.table is not None and (self.scales or self.points is not None):
            raise ConfigError(
                "Accuracies come from a table or from training: with a table leave out scales "
                "and points."
            )
        if self.points is not None and self.points < 1:
            raise ConfigError(f"Points must be 1 or more, got {self.points}.")
        if not 1 <= self.repeats <= 100:
            raise ConfigError(f"Repeats must be 1 to 100, got {self.repeats}.")
        if self.sizes and self.sizes[0] > self.capacity.sum():
            raise ConfigError(
                f"The sources have {self.capacity.sum():,.0f} images in all; the smallest of the "
                f"sizes is {self.sizes[0]:,}."
            )
        if not self.currency.strip() or not self.currency.isprintable():
            raise ConfigError("The currency needs a word, such as EUR.")
        if not 0 <= self.seed < 2**32:
            raise ConfigError(f"Seed must be 0 to {2**32 - 1}, got {self.seed}.")
        predictor_named(self.predictor)
        # It brings scikit-learn, which takes a moment.
        from core.evaluation import learner_named

        learner_named(self.learner)
        require_device_name(self.device)

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the m sources."""
        return tuple(offer.name for offer in self.sources)

    @property
    def capacity(self) -> np.ndarray:
        """Return the images that can be bought of each source, shape (m,); infinite if unknown."""
        return np.array(
            [np.inf if one.capacity is None else one.capacity for one in self.sources],
            dtype=np.float64,
        )

    @property
    def price(self) -> np.ndarray:
        """Return the price of one image of each source, shape (m,); 0 where it is not known."""
        return np.array([one.price or 0.0 for one in self.sources], dtype=np.float64)

    @property
    def what(self) -> str:
        """Return what the work is, for people."""
        return f"Projecting mixes of {', '.join(self.names)}"

    def configuration(self) -> dict[str, Any]:
        """Return every field by name; JSON can hold it and `from_configuration` reads it."""
        raw = {item.name: getattr(self, item.name) for item in fields(self)}
        return {
            **raw,
            "sources": [asdict(offer) for offer in self.sources],
            "scales": list(self.scales),
            "sizes": list(self.sizes),
        }

    @classmethod
    def from_configuration(cls, raw: Mapping[str, Any]) -> ProjectionSpec:
        """Return the spec that `configuration` described.

        Raises
        ------
        ConfigError : a field is unknown or missing, or out of its range
        """
        offers = tuple(read_configuration(Offer, offer) for offer in raw.get("sources", ()))
        return read_configuration(cls, {**raw, "sources": offers})


def projection_id(spec: ProjectionSpec, *fingerprints: str) -> str:
    """Return the id of the projection `spec` of data with these fingerprints: 16 hex digits.

    Equal data, terms, settings and version give equal ids, wherever the data lie.
    """
    settings = {k: v for k, v in spec.configuration().items() if k not in _NOT_IDENTITY}
    terms = [(offer.name, offer.capacity, offer.price) for offer in spec.sources]
    identity = {"version": __version__, "data": fingerprints, "terms": terms, **settings}
    text = json.dumps(identity, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _absolute_file(text: str) -> str:
    if text.startswith(EXAMPLE_PREFIX):
        return text
    return str(absolute_path(text))


def _sizes(name: str, given: Any) -> tuple[int, ...]:
    """Return sizes in ascending order, each once."""
    sizes = tuple(given)
    if not all(int(n) == n and n >= 1 for n in sizes):
        raise ConfigError(
            f"{name.capitalize()} must be numbers of images, 1 or more; got {list(sizes)}."
        )
    return tuple(sorted({int(n) for n in sizes}))
