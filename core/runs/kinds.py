"""The kinds of work that a job can do: for each, what is asked for and who does it.

A new kind is one line of `KINDS`, a spec class and a function. Both are named as text, so that what
lists jobs imports neither torch nor the packages above this one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self

from core.errors import ConfigError
from core.progress import Progress


class JobSpec(Protocol):
    """What a job is asked to do: a frozen dataclass whose fields JSON can hold.

    Attributes
    ----------
    kind : the name in `KINDS`
    """

    kind: ClassVar[str]

    @property
    def what(self) -> str:
        """Return what the work is, for people: "Valuing sample:train against sample:val"."""

    def configuration(self) -> dict[str, Any]:
        """Return every field by name; `from_configuration` reads it."""

    @classmethod
    def from_configuration(cls, raw: Mapping[str, Any]) -> Self:
        """Return the spec that `configuration` described; raises `ConfigError`."""


Work = Callable[[Any, Path, Progress, Callable[[str], None]], dict[str, Any]]
"""Does what a spec asks for: `work(spec, home, progress, on_id)`.

It raises an `AssayError` where that cannot be done, reports to `progress` and lets its `Cancelled`
pass, and leaves its result, whole or not at all, where later readers look for it. `on_id` is told
the id of the run that it makes, if it makes one, as soon as that is known. What it returns, a small
dict that JSON can hold, becomes `JobStatus.result`.
"""


@dataclass(frozen=True, slots=True)
class JobKind:
    """One kind of work: its spec class and its function, as "module:name"."""

    spec: str
    work: str

    def load_spec(self) -> type[JobSpec]:
        """Import the spec class."""
        found: type[JobSpec] = _load(self.spec)
        return found

    def load_work(self) -> Work:
        """Import the function; this may bring torch, which takes a second."""
        found: Work = _load(self.work)
        return found


KINDS: dict[str, JobKind] = {
    "value": JobKind("core.runs.spec:ValueSpec", "core.runs.pipeline:value_job"),
    "append": JobKind("core.runs.additions:AppendSpec", "core.runs.append:append_job"),
    "resolve": JobKind("core.curation.resolve:ResolveSpec", "core.curation.resolve:resolve_job"),
    "map": JobKind("core.runs.maps:MapSpec", "core.runs.maps:map_job"),
    "experiment": JobKind("core.lab.spec:ExperimentSpec", "core.lab.run:experiment_job"),
    "projection": JobKind(
        "core.acquisition.spec:ProjectionSpec", "core.acquisition.run:projection_job"
    ),
}


def written_spec(spec: JobSpec) -> dict[str, Any]:
    """Return what `read_spec` reads: the configuration, and of which kind it is."""
    return {"kind": spec.kind, **spec.configuration()}


def read_spec(raw: Mapping[str, Any]) -> JobSpec:
    """Return the spec that `written_spec` described.

    Raises
    ------
    ConfigError : no such kind; a field is unknown or missing, or out of its range
    """
    configuration = dict(raw)
    # Jobs written before kinds had names were valuations, or additions to a run.
    name = configuration.pop("kind", None) or ("append" if "run" in raw else "value")
    if name not in KINDS:
        raise ConfigError(
            f"There is no work of the kind {name!r}; expected one of: {', '.join(KINDS)}."
        )
    return KINDS[name].load_spec().from_configuration(configuration)


def _load(name: str) -> Any:
    module, _, member = name.partition(":")
    return getattr(import_module(module), member)
