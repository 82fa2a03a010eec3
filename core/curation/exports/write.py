"""Exports onto the disk, whole or not at all, with where they came from."""

from __future__ import annotations

import errno
import io
import json
import os
import shutil
import tempfile
import zipfile
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from core import __version__
from core.curation.exports.content import Content
from core.curation.exports.registry import FORMATS, ExportFormat
from core.curation.plan import PrunePlan
from core.errors import ConfigError, RunError
from core.progress import Progress, silent
from core.runs import Run, partial_name, require_free, sweep_partial

PROVENANCE = "provenance.json"
_MEANING = (
    "Higher value is better; rank 1 is worst. What was decided wins over the plan: an image "
    'decided "remove" is removed, one decided "keep" or "relabel" stays, and the plan takes of the '
    "others."
)


def export(
    run: Run,
    decisions: pd.DataFrame,
    format: str,
    out_dir: Path,
    *,
    plan: PrunePlan | None = None,
    link: str = "copy",
    effect: dict[str, Any] | None = None,
    progress: Progress = silent,
) -> list[Path]:
    """Write an export to the folder `out_dir`, whole or not at all; return what lies in it.

    Parameters
    ----------
    run : the run whose images are exported
    decisions : `RunDecisions.current` of the run
    format : a name in `FORMATS`
    out_dir : absent or empty; made with its parents
    plan : which images go; by default those decided "remove"
    link : how pictures that are files get there: "hard", "symbolic" or "copy"
    effect : what removing them does to the OT distance, where that was solved; for the provenance

    Raises
    ------
    RunError
        `out_dir` holds something already, lies in a source, or cannot be written.
    ConfigError
        `format` or `link` is unknown.
    DataError
        A source is gone or has changed, or the format cannot hold some image; the message names it.
    Cancelled
        Raised by `progress`; nothing is left.
    """
    chosen = _format(format)
    content = Content.of(run, decisions, plan, link)
    out_dir = out_dir.absolute()
    _require_outside_sources(out_dir, run)
    require_free(out_dir)
    partial = out_dir.parent / partial_name(out_dir.name)
    try:
        out_dir.parent.mkdir(parents=True, exist_ok=True)
        sweep_partial(out_dir.parent)
        partial.mkdir()
        _write_all(chosen, format, content, decisions, effect, partial, progress)
        progress("Writing", 1.0)
        partial.replace(out_dir)
    except OSError as error:
        raise _unwritable(out_dir, error) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return sorted(out_dir.iterdir())


def export_archive(
    run: Run,
    decisions: pd.DataFrame,
    format: str,
    *,
    plan: PrunePlan | None = None,
    effect: dict[str, Any] | None = None,
) -> bytes:
    """Return an export as a zip file, for a download; the arguments are `export`'s.

    Raises
    ------
    ConfigError
        The format holds pictures, which go to a folder, or is unknown.
    """
    chosen = _format(format)
    if chosen.large:
        raise ConfigError(f"{chosen.title} can be large: write it to a folder instead.")
    content = Content.of(run, decisions, plan)
    out = io.BytesIO()
    try:
        with tempfile.TemporaryDirectory(prefix="assay-export-") as name:
            folder = Path(name)
            _write_all(chosen, format, content, decisions, effect, folder, silent)
            with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
                for path in sorted(folder.iterdir()):
                    archive.write(path, path.name)
    except OSError as error:
        raise _unwritable(Path(tempfile.gettempdir()), error) from error
    return out.getvalue()


def _format(name: str) -> ExportFormat:
    if name not in FORMATS:
        raise ConfigError(f"There is no export format {name!r}; choose {', '.join(FORMATS)}.")
    return FORMATS[name]


def _write_all(
    chosen: ExportFormat,
    name: str,
    content: Content,
    decisions: pd.DataFrame,
    effect: dict[str, Any] | None,
    folder: Path,
    progress: Progress,
) -> None:
    """Write the format's files, and provenance.json beside them."""
    chosen.write(content, folder, progress)
    facts = _provenance(content, decisions, name)
    facts["files"] = sorted(path.name for path in folder.iterdir())
    facts |= {"plan": content.plan.facts(), "effect_on_ot_distance": effect}
    if chosen.links:
        facts["pictures_by"] = content.link
    if chosen.facts is not None:
        facts["entries"] = chosen.facts(content)
    text = json.dumps(facts, indent=1, ensure_ascii=False, default=str)
    (folder / PROVENANCE).write_text(f"{text}\n", encoding="utf-8")


def _provenance(content: Content, decisions: pd.DataFrame, format: str) -> dict[str, Any]:
    table, record = content.table, content.run.record
    counts = table["verdict"].value_counts()
    states = ("keep", "remove", "relabel", "unsure", "undecided")
    return {
        "schema_version": 2,
        "assay": __version__,
        "exported_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "format": format,
        "holds": FORMATS[format].holds,
        "opens_with": FORMATS[format].opens_with,
        "images": len(table),
        "decisions": {name: int(counts.get(name, 0)) for name in states},
        "decisions_disputed": int(table["disputed"].sum()),
        "decisions_carried_over": _carried(decisions),
        "reviewers": sorted(set(table["reviewer"].dropna())),
        "meaning": _MEANING,
        "dataset_fingerprint": record.train.fingerprint,
        "validation_fingerprint": record.validation.fingerprint,
        "datasets": [
            {"source": part.source, "fingerprint": part.fingerprint, "images": part.images}
            for part in record.training_parts
        ],
        "run": asdict(record),
    }


def _carried(decisions: pd.DataFrame) -> dict[str, int]:
    """Return how many decisions were made on which other data sets, by fingerprint."""
    return {str(k): int(n) for k, n in decisions["carried_from"].value_counts().items()}


def _require_outside_sources(out_dir: Path, run: Run) -> None:
    """Refuse a target within a source's folder: it would become a part of the data."""
    place = Path(os.path.realpath(out_dir))
    for part in (*run.record.training_parts, run.record.validation):
        source = Path(part.source.partition("#")[0])
        if source.is_absolute() and source.is_dir() and place.is_relative_to(source.resolve()):
            raise RunError(
                f"{out_dir} lies in the source {source}, whose images would then be read from "
                "there, too. Choose a folder outside of it."
            )


def _unwritable(target: Path, error: OSError) -> RunError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return RunError(
            f"The disk that {target} is on is full; nothing was written. Make room, choose another "
            "disk, or take links instead of copies."
        )
    reason = error.strerror or str(error)
    return RunError(f"{target} cannot be written: {reason}. Nothing was written.")
