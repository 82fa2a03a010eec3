"""Run folders, and others, written whole or not at all."""

from __future__ import annotations

import os
import re
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from core.errors import RunError
from core.runs.folder import EMBEDDER_FILE, METHOD_FILE, Run
from core.runs.processes import is_alive, start_mark
from core.runs.record import RunRecord
from core.valuation import TransportValuation, Valuation

_PARTIAL = re.compile(r"\..+\.(?P<pid>\d+)\.(?P<mark>[^.]+)\.[0-9a-f]+\.partial")


def require_free(out: Path) -> None:
    """Refuse an `out` that is not absent or an empty folder.

    Raises
    ------
    RunError : it holds something, or is a file
    """
    if out.is_dir() and not any(out.iterdir()):
        return
    if out.exists() or out.is_symlink():
        raise RunError(f"{out} exists already and is not an empty folder; choose another one.")


def write_run(
    out: Path,
    record: RunRecord,
    values: pd.DataFrame,
    validation: pd.DataFrame,
    valuation: Valuation,
    x: np.ndarray,
    y: np.ndarray,
    fitted: Mapping[str, np.ndarray] | None = None,
) -> Run:
    """Write a run to the folder `out`, whole or not at all, and open it.

    Everything goes to a sibling folder first, is flushed to disk, and the folder is renamed.

    Parameters
    ----------
    values, validation : tables as `values_frame` and `validation_frame` make them
    valuation : label distances and potentials are taken from it, if it has some
    x, y : embeddings, float32, shapes (n, d) and (m, d)
    fitted : what the embedder learned, if anything

    Raises
    ------
    RunError : `out` is not free, or cannot be written
    """
    out = out.absolute()
    require_free(out)
    partial = out.parent / partial_name(out.name)
    try:
        partial.mkdir(parents=True)
        _write_files(partial, record, values, validation, valuation, x, y)
        if fitted:
            np.savez(partial / EMBEDDER_FILE, allow_pickle=False, **fitted)
        for path in partial.iterdir():
            _flush(path)
        _flush(partial)
        partial.replace(out)
        _flush(out.parent)
    except OSError as error:
        raise RunError(f"{out} cannot be written: {error.strerror or error}.") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return Run(out, record)


def _write_files(
    folder: Path,
    record: RunRecord,
    values: pd.DataFrame,
    validation: pd.DataFrame,
    valuation: Valuation,
    x: np.ndarray,
    y: np.ndarray,
) -> None:
    for table, name in ((values, "values.parquet"), (validation, "validation.parquet")):
        table.to_parquet(folder / name, index=False)
    if isinstance(valuation, TransportValuation):
        names = np.array(record.class_names, dtype=object)
        v = len(names)
        pd.DataFrame(
            {
                "train_class": np.repeat(names, v),
                "validation_class": np.tile(names, v),
                "distance": valuation.label_distances.astype(np.float32).ravel(),
            }
        ).to_parquet(folder / "label_distances.parquet", index=False)
        np.savez(folder / "potentials.npz", f=valuation.f, g=valuation.g)
    if valuation.arrays:
        np.savez_compressed(folder / METHOD_FILE, allow_pickle=False, **valuation.arrays)
    np.save(folder / "train_embeddings.npy", np.ascontiguousarray(x, np.float32))
    np.save(folder / "validation_embeddings.npy", np.ascontiguousarray(y, np.float32))
    (folder / "run.json").write_text(record.to_json(), encoding="utf-8")


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def partial_name(name: str) -> str:
    """Return a hidden name for a folder being written: it says which process writes it."""
    pid = os.getpid()
    return f".{name}.{pid}.{start_mark(pid)}.{secrets.token_hex(4)}.partial"


def sweep_partial(folder: Path) -> None:
    """Remove what processes that have ended left half written in `folder`."""
    for path in folder.glob(".*.partial"):
        match = _PARTIAL.fullmatch(path.name)
        if match and not is_alive(int(match["pid"]), match["mark"]):
            shutil.rmtree(path, ignore_errors=True)
