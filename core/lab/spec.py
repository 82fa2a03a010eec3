"""What is asked of an experiment: faults with known truth, and the methods that look for them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, ClassVar

from core import __version__
from core.corruption import PlantedFault
from core.device import require_device_name
from core.errors import ConfigError
from core.paths import absolute_path
from core.runs import ValueSpec, absolute_source, read_configuration
from core.valuation import METHODS

PUBLISHED = "published"
SAMPLE_TRUTH = "sample"
MOST_SEEDS = 20
# In the order of preference; those that are not there are left out.
_USUAL = (
    "lava",
    f"lava:{PUBLISHED}",
    "label-posterior",
    "self-confidence",
    "knn-shapley",
    "prototypes",
    "random",
)
# Where the data lie says nothing about the result.
_NOT_IDENTITY = ("train", "validation", "test", "truth")


@dataclass(frozen=True, slots=True)
class Contender:
    """A method in a comparison: its name, and whether with the settings of its paper.

    Attributes
    ----------
    method : a name in `core.valuation.METHODS`
    published : the settings of the paper, where the method would choose its own by calibration
    """

    method: str
    published: bool = False

    @classmethod
    def parse(cls, text: str) -> Contender:
        """Read "lava" or "lava:published".

        Raises
        ------
        ConfigError : there is no such method, or it has no settings to publish
        """
        name, _, variant = text.partition(":")
        if name not in METHODS:
            raise ConfigError(f"There is no method '{name}'. Choose among: {', '.join(METHODS)}.")
        if variant and (variant != PUBLISHED or not METHODS[name].calibrates):
            able = ", ".join(f"{key}:{PUBLISHED}" for key, x in METHODS.items() if x.calibrates)
            raise ConfigError(f"There is no '{text}'; after a colon only {able} is known.")
        return cls(name, bool(variant))

    @property
    def title(self) -> str:
        """Return its name for people."""
        title = METHODS[self.method].title
        return f"{title} as published" if self.published else title

    @property
    def settings(self) -> str:
        """Return the `settings` of a `ValueSpec`."""
        return PUBLISHED if self.published else "calibrated"


def contender_title(name: str) -> str:
    """Return a contender's name for people; the name itself for one unknown to this version."""
    try:
        return Contender.parse(name).title
    except ConfigError:
        return name


def usual_methods() -> tuple[str, ...]:
    """Return the methods that a comparison has where nobody chose any."""
    return tuple(name for name in _USUAL if name.partition(":")[0] in METHODS)


def unavailable(name: str, images: int | None = None) -> str:
    """Return why a contender cannot take part on so many training images; "" where it can.

    Raises
    ------
    ConfigError : there is no such method
    """
    method = METHODS[Contender.parse(name).method]
    try:
        method.require_usable(images)
    except ConfigError as error:
        return str(error)
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentSpec:
    """An experiment: plant faults (or bring truth) and see which method finds them.

    Attributes
    ----------
    train, validation : data sources as text; a relative path is made absolute
    embedder : as in `ValueSpec`
    faults : what is planted in `train`, in disjoint images
    truth : in place of `faults`: a file as `core.evaluation.read_truth` takes it, or "sample" for
        the faults planted in the bundled sample
    methods : names of contenders, see `Contender`; at least one
    seeds : one repetition each: where faults are planted, and what methods draw; the embedder is
        that of the first seed in all of them, unless `retrain`
    retrain : train the embedder anew for each seed; with `truth` that is done in any case, for
        nothing else would differ
    images : only so many training images, of each class its share, the same ones for every seed;
        None: all
    learner : a name in `core.evaluation.LEARNERS`: what is retrained without the worst images
    removal : whether accuracy after removal is measured at all
    test : images on which that accuracy is measured; None for the validation set itself, which
        both the methods and the embedder have seen: accuracies are then too good by as much
    device : "auto", "cpu", "cuda" or "mps"

    Raises
    ------
    ConfigError : a setting is out of its range
    """

    kind: ClassVar[str] = "experiment"

    train: str
    validation: str
    embedder: str = "auto"
    faults: tuple[PlantedFault, ...] = ()
    truth: str | None = None
    methods: tuple[str, ...] = ()
    seeds: tuple[int, ...] = (0, 1, 2)
    retrain: bool = False
    images: int | None = None
    learner: str = "linear"
    removal: bool = True
    test: str | None = None
    device: str = "auto"

    def __post_init__(self) -> None:
        """Check every range; make paths absolute, so that another working folder finds them."""
        for side in ("train", "validation"):
            object.__setattr__(self, side, absolute_source(getattr(self, side)))
        if self.test is not None:
            object.__setattr__(self, "test", absolute_source(self.test))
        if self.truth is not None and self.truth != SAMPLE_TRUTH:
            object.__setattr__(self, "truth", str(absolute_path(self.truth)))
        object.__setattr__(self, "faults", tuple(self.faults))
        object.__setattr__(self, "methods", tuple(self.methods) or usual_methods())
        object.__setattr__(self, "seeds", tuple(self.seeds))
        self._check()

    def _check(self) -> None:
        if bool(self.faults) == (self.truth is not None):
            raise ConfigError(
                "An experiment needs either faults to plant or a truth file: give one of the two."
            )
        for name in self.methods:
            Contender.parse(name)
        if len(set(self.methods)) < len(self.methods):
            raise ConfigError("A method is named twice; name each once.")
        if not 1 <= len(self.seeds) <= MOST_SEEDS or len(set(self.seeds)) < len(self.seeds):
            raise ConfigError(f"Give 1 to {MOST_SEEDS} different seeds, got {list(self.seeds)}.")
        if not all(0 <= seed < 2**32 for seed in self.seeds):
            raise ConfigError(f"Seeds must be 0 to {2**32 - 1}, got {list(self.seeds)}.")
        if self.images is not None and self.images < 2:
            raise ConfigError(f"Images must be 2 or more, got {self.images}.")
        # It brings scikit-learn, which takes a moment.
        from core.evaluation import learner_named

        learner_named(self.learner)
        require_device_name(self.device)

    @property
    def embeds_anew(self) -> bool:
        """Return whether each seed has an embedder of its own."""
        return self.retrain or self.truth is not None

    @property
    def what(self) -> str:
        """Return what the work is, for people."""
        return f"Comparing {len(self.methods)} methods on {self.title.lower()}"

    @property
    def title(self) -> str:
        """Return what is looked for, for people: "25 % noisy features"."""
        if self.truth is not None:
            sample = self.truth == SAMPLE_TRUTH
            return (
                "Faults planted in the sample" if sample else f"Faults of {Path(self.truth).name}"
            )
        return ", ".join(
            f"{100 * planted.fraction:g} % {planted.fault.title.lower()}" for planted in self.faults
        )

    def value_spec(self, name: str, seed: int) -> ValueSpec:
        """Return the valuation by the contender `name` in the repetition `seed`."""
        contender = Contender.parse(name)
        return ValueSpec(
            train=self.train,
            validation=self.validation,
            method=contender.method,
            settings=contender.settings,
            embedder=self.embedder,
            seed=seed,
            device=self.device,
        )

    def configuration(self) -> dict[str, Any]:
        """Return every field by name; JSON can hold it and `from_configuration` reads it."""
        raw = {item.name: getattr(self, item.name) for item in fields(self)}
        raw["faults"] = [fault.configuration() for fault in self.faults]
        return {**raw, "methods": list(self.methods), "seeds": list(self.seeds)}

    @classmethod
    def from_configuration(cls, raw: Mapping[str, Any]) -> ExperimentSpec:
        """Return the spec that `configuration` described.

        Raises
        ------
        ConfigError : a field is unknown or missing, or out of its range
        """
        read = tuple(map(PlantedFault.from_configuration, raw.get("faults", ())))
        return read_configuration(cls, {**raw, "faults": read})


def experiment_id(spec: ExperimentSpec, *fingerprints: str) -> str:
    """Return the id of the experiment `spec` on data with these fingerprints: 16 hex digits.

    Equal data, truth, settings and version give equal ids, wherever the data lie.
    """
    settings = {k: v for k, v in spec.configuration().items() if k not in _NOT_IDENTITY}
    identity = {"version": __version__, "data": fingerprints, **settings}
    text = json.dumps(identity, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
