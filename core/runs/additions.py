"""What is asked when images are added to a finished run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from core import __version__
from core.device import require_device_name
from core.runs.spec import absolute_source, read_configuration

# Measured on two cores: loading torch, reading and writing the run; a small picture decoded and
# passed through the convnet; one pair of images in the passes over them.
_BASE_SECONDS, _PICTURE_SECONDS, _PAIR_SECONDS = 4.0, 4e-4, 1e-8
# Images from which the distance to a new valuation is estimated.
_SAMPLE_ROWS = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class AppendSpec:
    """Images to be added to a finished run.

    Attributes
    ----------
    run : id of the run, in the home where the work is done, or of one linked from there
    data : data source of the new images as text; a relative path is made absolute
    device : "auto", "cpu", "cuda" or "mps"

    Raises
    ------
    ConfigError : the source is missing, or there is no such device
    """

    kind: ClassVar[str] = "append"

    run: str
    data: str
    device: str = "auto"

    def __post_init__(self) -> None:
        """Make the path absolute, so that another working folder finds it."""
        object.__setattr__(self, "data", absolute_source(self.data))
        require_device_name(self.device)

    @property
    def what(self) -> str:
        """Return what the work is, for people."""
        return f"Adding {self.data}"

    def configuration(self) -> dict[str, Any]:
        """Return every field by name; JSON can hold it and `from_configuration` reads it."""
        return asdict(self)

    @classmethod
    def from_configuration(cls, raw: Mapping[str, Any]) -> AppendSpec:
        """Return the spec that `configuration` described.

        Raises
        ------
        ConfigError : a field is unknown or missing, or out of its range
        """
        return read_configuration(cls, raw)


def appended_run_id(parent: str, data_fingerprint: str) -> str:
    """Return the id of the run that adds data to run `parent`: 16 hexadecimal digits."""
    identity = {"version": __version__, "parent": parent, "added_data": data_fingerprint}
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:16]


def estimate_addition(k: int, m: int, *, pictures: int) -> float:
    """Return about how many seconds it takes to add k images to a run.

    Parameters
    ----------
    k, m : numbers of new and of validation images
    pictures : pictures to be decoded and embedded; 0 where embeddings come with the data
    """
    return _BASE_SECONDS + _PICTURE_SECONDS * pictures + _PAIR_SECONDS * (k + _SAMPLE_ROWS) * m
