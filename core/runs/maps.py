"""The map of a run: positions of its images in the plane, made by a job and kept in the home.

They are keyed by the embeddings and the settings, so that runs that differ in anything else share
one map.
"""

from __future__ import annotations

import hashlib
import json
import logging
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from core.atomic import replacing
from core.embedding import Layout, LayoutConfig, lay_out
from core.errors import RunError
from core.progress import Progress, silent
from core.runs.folder import Run, find_run
from core.runs.spec import read_configuration

# Changes with whatever changes positions; older maps are then made again.
_VERSION = 1
_DEFAULT = LayoutConfig()
_log = logging.getLogger(__name__)
# Measured on two cores: loading UMAP; the graph and the layout of an image; placing one more.
_BASE_SECONDS, _FITTED_SECONDS, _PLACED_SECONDS = 30.0, 3.5e-4, 2.5e-4


@dataclass(frozen=True, slots=True, kw_only=True)
class MapSpec:
    """A map to be made.

    Attributes
    ----------
    run : id of the run, in the home where the work is done, or of one linked from there
    neighbours, min_dist, seed : see `LayoutConfig`

    Raises
    ------
    ConfigError : a setting is out of its range
    """

    kind: ClassVar[str] = "map"

    run: str
    neighbours: int = _DEFAULT.neighbours
    min_dist: float = _DEFAULT.min_dist
    seed: int = _DEFAULT.seed

    def __post_init__(self) -> None:
        """Check every range."""
        _ = self.layout

    @property
    def layout(self) -> LayoutConfig:
        """Return the settings of the layout."""
        return LayoutConfig(neighbours=self.neighbours, min_dist=self.min_dist, seed=self.seed)

    @property
    def what(self) -> str:
        """Return what the work is, for people."""
        return "Drawing the map"

    def configuration(self) -> dict[str, Any]:
        """Return every field by name; JSON can hold it and `from_configuration` reads it."""
        return asdict(self)

    @classmethod
    def from_configuration(cls, raw: Mapping[str, Any]) -> MapSpec:
        """Return the spec that `configuration` described.

        Raises
        ------
        ConfigError : a field is unknown or missing, or out of its range
        """
        return read_configuration(cls, raw)


def map_key(run: Run, config: LayoutConfig) -> str:
    """Return the SHA-256 of all that the map of `run` depends on."""
    parts = {"version": _VERSION, "config": asdict(config), "embeddings": _embeddings_of(run.path)}
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def find_map(run: Run, home: Path, config: LayoutConfig) -> Layout | None:
    """Return the map of `run` that was made before, or None where there is none that is whole."""
    path = _path(home, map_key(run, config))
    try:
        with np.load(path, allow_pickle=False) as kept:
            train, validation, fitted = kept["train"], kept["validation"], int(kept["fitted"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        _log.warning("The map %s cannot be read (%s).", path, error)
        return None
    if train.shape != (len(run.x), 2) or validation.shape != (len(run.y), 2):
        _log.warning("The map %s does not fit its run.", path)
        return None
    for part in (train, validation):
        part.setflags(write=False)
    return Layout(train, validation, fitted)


def map_at_home(
    run: Run, home: Path, config: LayoutConfig, progress: Progress = silent
) -> tuple[Layout, bool]:
    """Return the map of `run`, made and kept in `home`, and whether it was there already.

    Raises
    ------
    RunError : it cannot be written
    DataError : the embeddings are damaged
    """
    found = find_map(run, home, config)
    if found is not None:
        return found, True
    made = lay_out(run.x, run.y, config, progress)
    _write(_path(home, map_key(run, config)), made)
    return made, False


def map_job(
    spec: MapSpec, home: Path, progress: Progress, on_id: Callable[[str], None]
) -> dict[str, Any]:
    """Do the work of a job of the kind "map"; raises as `map_at_home`."""
    run = find_run(home, spec.run)
    map_at_home(run, home, spec.layout, progress)
    return {"map": map_key(run, spec.layout)}


def estimate_map(run: Run) -> float:
    """Return about how many seconds the map of `run` takes."""
    total = run.record.train.images + run.record.validation.images
    fitted = min(total, _DEFAULT.most_fitted)
    return _BASE_SECONDS + _FITTED_SECONDS * fitted + _PLACED_SECONDS * (total - fitted)


def _path(home: Path, key: str) -> Path:
    return home / "maps" / f"{key}.npz"


@lru_cache(maxsize=64)
def _embeddings_of(path: Path) -> str:
    """Return the SHA-256 of a run's embeddings; a run never changes, so it is read once."""
    digest = hashlib.sha256()
    for name in ("train_embeddings.npy", "validation_embeddings.npy"):
        try:
            with (path / name).open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        except OSError as error:
            raise RunError(f"{path}: {name} cannot be read ({error.strerror}).") from error
    return digest.hexdigest()


def _write(path: Path, layout: Layout) -> None:
    """Write the map, whole or not at all."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as file:
            np.savez(
                file,
                allow_pickle=False,
                train=layout.train,
                validation=layout.validation,
                fitted=np.int64(layout.fitted),
            )
    except OSError as error:
        raise RunError(f"The map cannot be written: {error.strerror or error}.") from error
