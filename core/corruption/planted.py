"""A fault that is asked for: which, in how many images, and how."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Self

from core.corruption.fault import Fault
from core.corruption.registry import FAULTS
from core.errors import ConfigError


@dataclass(frozen=True, slots=True)
class PlantedFault:
    """A fault to plant: which, in how many images, and how.

    Attributes
    ----------
    name : a key of `FAULTS`
    fraction : more than 0, at most 1; of what, `Fault.share_of` says; the fault's own default
        where it is not given
    options : settings of the fault by name, values that JSON can hold; the others stay default

    Raises
    ------
    ConfigError : there is no such fault or option, or a value is out of range
    """

    name: str
    fraction: float = 0.0
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Fill the default fraction in, and refuse what cannot be planted anywhere."""
        fault = fault_named(self.name)
        if not self.fraction:
            object.__setattr__(self, "fraction", fault.default_fraction)
        if not 0 < self.fraction <= 1:
            raise ConfigError(
                f"{self.name}: the fraction must be more than 0 and at most 1, got {self.fraction}."
            )
        object.__setattr__(self, "options", MappingProxyType(dict(self.options)))
        fault.configured(self.options)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read "NAME", "NAME=FRACTION" or "NAME=FRACTION,option=value,...".

        Raises
        ------
        ConfigError : it is not of this form, or the constructor refuses it
        """
        head, *rest = [part.strip() for part in text.split(",")]
        name, equals, fraction = head.partition("=")
        pairs = [part.partition("=") for part in rest]
        wrong = [part for part, pair in zip(rest, pairs, strict=True) if not (pair[1] and pair[2])]
        try:
            share = float(fraction) if equals else 0.0
        except ValueError:
            wrong.append(head)
        if wrong or (equals and not share):
            raise ConfigError(
                f"A fault is written as noisy-features=0.25,strength=0.5; in {text!r} "
                f"{(wrong or [head])[0]!r} does not fit."
            )
        return cls(name.strip(), share, {key: value for key, _, value in pairs})

    def __str__(self) -> str:
        """Return the text that `parse` reads."""
        options = [f"{name}={value}" for name, value in self.options.items()]
        return ",".join([f"{self.name}={self.fraction:g}", *options])

    def __hash__(self) -> int:
        """Return a hash that equal faults share."""
        return hash(str(self))

    def __reduce__(self) -> tuple[Any, ...]:
        """Return how a copy is made: a read-only view of a mapping cannot be copied."""
        return type(self), (self.name, self.fraction, dict(self.options))

    @property
    def fault(self) -> Fault:
        """Return the kind of fault."""
        return fault_named(self.name)

    def configuration(self) -> dict[str, Any]:
        """Return name, fraction and options as values that JSON can hold."""
        return {"name": self.name, "fraction": self.fraction, "options": dict(self.options)}

    @classmethod
    def from_configuration(cls, raw: Mapping[str, Any]) -> Self:
        """Return the fault that `configuration` described; raises `ConfigError`."""
        try:
            return cls(raw["name"], float(raw["fraction"]), dict(raw["options"]))
        except (KeyError, TypeError, ValueError) as error:
            raise ConfigError(
                f"Expected name, fraction and options of a fault: {error}."
            ) from error


def fault_named(name: str) -> Fault:
    """Return the fault of that name; raises `ConfigError` where there is none."""
    if name not in FAULTS:
        raise ConfigError(f"There is no fault {name!r}. There are: {', '.join(FAULTS)}.")
    return FAULTS[name]
