"""One projection is one folder of the home, `projections/<id>`, whole or absent."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from core.acquisition.projection import PREDICTORS_VERSION, Projection, measured_table
from core.acquisition.record import ProjectionRecord, read_projection_record
from core.acquisition.spec import example_folder
from core.errors import RunError
from core.projection import Fitted, Intervals, Measured, Tangents
from core.runs import RUN_ID, partial_name, require_free, sweep_partial

FOLDER = "projections"
_RECORD = "projection.json"


def write_projection(
    out: Path,
    record: ProjectionRecord,
    *,
    measured: Measured,
    fits: Mapping[str, Fitted],
    intervals: Mapping[str, Intervals],
    tangents: Tangents,
) -> Projection:
    """Write a projection to the folder `out`, whole or not at all, and open it.

    Raises
    ------
    RunError : `out` is not free, or cannot be written
    """
    predictors = {
        "schema_version": PREDICTORS_VERSION,
        "fits": {name: json.loads(fitted.to_json()) for name, fitted in fits.items()},
        "intervals": {name: _rounded(one.to_dict()) for name, one in intervals.items()},
    }
    table = measured_table(record.names, record.class_names, measured)

    def fill(folder: Path) -> None:
        table.to_parquet(folder / "measured.parquet", index=False)
        text = json.dumps(predictors, separators=(",", ":"))
        (folder / "predictors.json").write_text(text + "\n", encoding="utf-8")
        np.savez_compressed(
            folder / "tangents.npz",
            allow_pickle=False,
            ratios=tangents.ratios,
            slopes=tangents.slopes,
        )
        (folder / _RECORD).write_text(record.to_json(), encoding="utf-8")

    _whole(out, fill)
    return Projection(out.absolute(), record)


def _rounded(content: Any) -> Any:
    """Return JSON with numbers of six digits: half the size, and exact enough for what is drawn."""
    if isinstance(content, float):
        return float(f"{content:.6g}")
    if isinstance(content, dict):
        return {name: _rounded(one) for name, one in content.items()}
    if isinstance(content, list):
        return [_rounded(one) for one in content]
    return content


def copy_projection(projection: Projection, out: Path) -> Projection:
    """Copy a projection to the folder `out`, whole or not at all; raises as `write_projection`."""

    def fill(folder: Path) -> None:
        for path in projection.path.iterdir():
            shutil.copyfile(path, folder / path.name)

    _whole(out, fill)
    return Projection(out.absolute(), projection.record)


def open_projection(home: Path, projection_id: str) -> Projection:
    """Open the projection `projection_id` of `home`.

    Raises
    ------
    RunError : `projection_id` is no id, or there is no whole projection of that id
    """
    if not RUN_ID.fullmatch(projection_id):
        raise RunError("The id of a projection is 16 hexadecimal digits; this one is not.")
    path = home / FOLDER / projection_id
    if not (path / _RECORD).is_file():
        raise RunError(f"There is no projection {projection_id} here; it may have been removed.")
    return read_projection(path)


def read_projection(path: Path) -> Projection:
    """Open the projection in the folder `path`; raises `RunError` where there is none."""
    return Projection(path, read_projection_record(path / _RECORD))


def example_projection() -> Projection:
    """Open the bundled example, which is fitted; raises `RunError` where it is not installed."""
    return read_projection(example_folder() / "projection")


def list_projections(home: Path) -> list[Projection]:
    """Return the whole projections of `home`, newest first; broken ones are left out."""
    folder = home / FOLDER
    if not folder.is_dir():
        return []
    sweep_partial(folder)
    found = []
    for path in folder.iterdir():
        try:
            found.append(open_projection(home, path.name))
        except RunError:
            continue
    return sorted(found, key=lambda one: (one.record.created, one.id), reverse=True)


def _whole(out: Path, fill: Any) -> None:
    """Make the folder `out` with what `fill` puts into it: all of it, on disk, or nothing."""
    out = out.absolute()
    require_free(out)
    partial = out.parent / partial_name(out.name)
    try:
        partial.mkdir(parents=True)
        fill(partial)
        for path in (*partial.iterdir(), partial):
            _flush(path)
        partial.replace(out)
    except OSError as error:
        raise RunError(f"{out} cannot be written: {error.strerror or error}.") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
