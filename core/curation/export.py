"""Decisions as files: one format a function, provenance beside each."""

from __future__ import annotations

import csv
import io
import json
import os
import secrets
import shutil
import zipfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from core import __version__
from core.errors import ConfigError, DataError, RunError
from core.runs import Run

TABLE_COLUMNS = [
    "id", "class_name", "verdict", "new_label", "value", "rank",
    "reviewer", "at", "note", "path",
]  # fmt: skip
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def decision_table(run: Run, decisions: pd.DataFrame) -> pd.DataFrame:
    """Return one row an image of `run`, in its order, with what was decided about it.

    Parameters
    ----------
    run : the run whose images are exported
    decisions : `RunDecisions.current` of the run

    Returns
    -------
    pandas.DataFrame
        Columns id, class_name (as labelled), verdict (keep, remove, relabel, unsure, undecided),
        new_label, value (higher is better), rank (1 is worst), reviewer, at (UTC, ISO 8601), note,
        path. Decisions about images that the run does not hold are left out.
    """
    joined = decisions.set_index("image_id").reindex(run.values["id"])
    # The format is spelled out: str() of a timestamp drops what is zero.
    moments = [None if pd.isna(x) else x.isoformat(timespec="microseconds") for x in joined["at"]]
    text: dict[str, Iterable[object]] = {
        "id": run.values["id"],
        "class_name": run.values["class_name"],
        "verdict": joined["verdict"].astype("object").fillna("undecided"),
        "new_label": joined["new_label"],
        "reviewer": joined["reviewer"],
        "at": moments,
        "note": joined["note"],
        "path": run.values["path"],
    }
    table = pd.DataFrame(
        {name: pd.Series(list(column), dtype="str") for name, column in text.items()}
    )
    table["value"] = run.values["value"].to_numpy()
    table["rank"] = run.values["value"].rank(method="first").to_numpy(dtype="int64")
    return table[TABLE_COLUMNS]


def neutralize_formula(text: str) -> str:
    """Put an apostrophe before text that a spreadsheet would compute instead of show."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def _csv(table: pd.DataFrame) -> dict[str, bytes]:
    """Write decisions.csv: UTF-8, quoted as in RFC 4180, formulas neutralized."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(table.columns)
    for row in table.itertuples(index=False):
        writer.writerow([_cell(value) for value in row])
    return {"decisions.csv": out.getvalue().encode("utf-8", errors="surrogateescape")}


def _cell(value: object) -> object:
    if isinstance(value, str):
        return neutralize_formula(value)
    if isinstance(value, float):
        return "" if value != value else repr(value)
    return value


def _parquet(table: pd.DataFrame) -> dict[str, bytes]:
    """Write decisions.parquet: texts exactly as they are."""
    out = io.BytesIO()
    table.to_parquet(out, index=False)
    return {"decisions.parquet": out.getvalue()}


def _json(table: pd.DataFrame) -> dict[str, bytes]:
    """Write decisions.json: a list of objects, null where there is nothing."""
    columns = [[None if x != x else x for x in table[name].tolist()] for name in table.columns]
    rows = [dict(zip(table.columns, row, strict=True)) for row in zip(*columns, strict=True)]
    return {"decisions.json": json.dumps(rows, indent=1, ensure_ascii=True).encode()}


def _lists(table: pd.DataFrame) -> dict[str, bytes]:
    """Write keep.txt and remove.txt, one id a line; together they hold every image once."""
    for image_id in table["id"]:
        if "\n" in image_id or "\r" in image_id:
            raise DataError(
                f"The id {image_id!r} contains a line break, so a list with one id a line would "
                'be read wrongly. Use the format "lists-nul", or CSV, Parquet or JSON.'
            )
    return _split(table, "\n", "txt")


def _lists_nul(table: pd.DataFrame) -> dict[str, bytes]:
    """Write keep.nul and remove.nul, each id ended by a NUL byte (`xargs -0`, `rsync -0`)."""
    return _split(table, "\0", "nul")


def _split(table: pd.DataFrame, end: str, suffix: str) -> dict[str, bytes]:
    removed = table["verdict"] == "remove"
    return {
        f"{name}.{suffix}": "".join(f"{image_id}{end}" for image_id in part).encode(
            "utf-8", errors="surrogateescape"
        )
        for name, part in (("keep", table["id"][~removed]), ("remove", table["id"][removed]))
    }


Exporter = Callable[[pd.DataFrame], dict[str, bytes]]
EXPORTERS: Mapping[str, Exporter] = {
    "csv": _csv,
    "parquet": _parquet,
    "json": _json,
    "lists": _lists,
    "lists-nul": _lists_nul,
}


def export_files(run: Run, decisions: pd.DataFrame, format: str) -> dict[str, bytes]:
    """Return the content of an export by file name, provenance.json among it.

    Parameters
    ----------
    run, decisions : as for `decision_table`
    format : a name in `EXPORTERS`

    Raises
    ------
    ConfigError
        `format` is unknown.
    DataError
        The format cannot hold some id; the message names it.
    """
    if format not in EXPORTERS:
        raise ConfigError(f"There is no export format {format!r}; choose {', '.join(EXPORTERS)}.")
    table = decision_table(run, decisions)
    files = EXPORTERS[format](table)
    outside = int((~decisions["image_id"].isin(table["id"])).sum())
    facts = _provenance(run, table, format, sorted(files), outside)
    text = json.dumps(facts, indent=1, ensure_ascii=False, default=str)
    return {**files, "provenance.json": f"{text}\n".encode("utf-8", errors="surrogateescape")}


def _provenance(
    run: Run,
    table: pd.DataFrame,
    format: str,
    files: list[str],
    outside: int,
) -> dict[str, Any]:
    counts = table["verdict"].value_counts()
    states = ("keep", "remove", "relabel", "unsure", "undecided")
    return {
        "schema_version": 1,
        "assay": __version__,
        "exported_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "format": format,
        "files": files,
        "images": len(table),
        "decisions": {name: int(counts.get(name, 0)) for name in states},
        "decisions_about_other_images": outside,
        "reviewers": sorted(set(table["reviewer"].dropna())),
        "meaning": (
            'Higher value is better; rank 1 is worst. In lists, "remove" holds the images decided '
            '"remove" and "keep" all others, undecided ones included.'
        ),
        "dataset_fingerprint": run.record.train.fingerprint,
        "datasets": [
            {"source": part.source, "fingerprint": part.fingerprint, "images": part.images}
            for part in run.record.training_parts
        ],
        "run": asdict(run.record),
    }


def export(
    run: Run,
    decisions: pd.DataFrame,
    format: str,
    out_dir: Path,
) -> list[Path]:
    """Write an export to the folder `out_dir`, whole or not at all; return the files written.

    Parameters
    ----------
    run, decisions, format : as for `export_files`
    out_dir : absent or empty; made with its parents

    Raises
    ------
    RunError
        `out_dir` holds something already, or cannot be written.
    ConfigError, DataError
        As `export_files` does.
    """
    out_dir = out_dir.absolute()
    if out_dir.exists() and not (out_dir.is_dir() and not any(out_dir.iterdir())):
        raise RunError(f"{out_dir} exists already and is not an empty folder; choose another one.")
    files = export_files(run, decisions, format)
    partial = out_dir.with_name(f".{out_dir.name}.{os.getpid()}.{secrets.token_hex(4)}.partial")
    try:
        partial.mkdir(parents=True)
        for name, content in files.items():
            (partial / name).write_bytes(content)
        partial.replace(out_dir)
    except OSError as error:
        raise RunError(f"{out_dir} cannot be written: {error.strerror or error}.") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return [out_dir / name for name in files]


def export_archive(run: Run, decisions: pd.DataFrame, format: str) -> bytes:
    """Return an export as a zip file, for a download; the arguments are `export_files`'s."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in export_files(run, decisions, format).items():
            archive.writestr(name, content)
    return out.getvalue()
