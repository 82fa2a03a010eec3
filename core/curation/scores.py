"""Score columns: what other tools and other runs say of a run's images, beside its own values.

Scores of a file are kept under `home`/scores/, one Parquet file for each column and each data set
that the run's images are from. They are joined by id, so they hold for every run of these data, in
whatever order; a run that images were added to shows those of each of its parts.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from core.atomic import replacing
from core.curation.score_files import JoinReport, ScoreTable, join_scores
from core.errors import ConfigError, DataError
from core.evaluation import harmful_cut
from core.runs import Run, list_runs
from core.valuation import method_title

Better = Literal["higher", "lower"]
BETTER: tuple[Better, ...] = ("higher", "lower")
MAX_TITLE = 80
_FACTS = b"assay"  # where the Parquet file says what it holds
_SCHEMA_VERSION = 1

Loaded = tuple[np.ndarray, np.ndarray | None]


@dataclass(frozen=True)
class ScoreColumn:
    """Scores of a run's images from elsewhere, row for row as in `Run.values`; read when asked for.

    Attributes
    ----------
    key : names the column in addresses: "run-" and a run id, or "file-" and twelve digits
    title : for people
    origin : where the scores come from, for people
    better : "higher" or "lower": which scores are those of good images
    has_flags : whether `flagged` says which images its source calls faulty
    """

    key: str
    title: str
    origin: str
    better: Better
    has_flags: bool
    _load: Callable[[], Loaded] = field(repr=False, compare=False)

    @cached_property
    def _loaded(self) -> Loaded:
        values, flagged = self._load()
        values.setflags(write=False)
        if flagged is not None:
            flagged.setflags(write=False)
        return values, flagged

    @property
    def values(self) -> np.ndarray:
        """Return the scores, float32, shape (n,); NaN where an image has none."""
        return self._loaded[0]

    @property
    def flagged(self) -> np.ndarray | None:
        """Return which images the source calls faulty, bool, shape (n,); None without flags."""
        return self._loaded[1]

    @cached_property
    def ranks(self) -> np.ndarray:
        """The rank of each image, uint32, shape (n,): 1 is worst, 0 where there is no score.

        Equal scores are ranked in the order of the rows.
        """
        known = np.flatnonzero(np.isfinite(self.values))
        score = self.values[known] if self.better == "higher" else -self.values[known]
        ranks = np.zeros(len(self.values), np.uint32)
        ranks[known[np.argsort(score, kind="stable")]] = np.arange(1, len(known) + 1)
        ranks.setflags(write=False)
        return ranks


def score_columns(home: Path, run: Run) -> list[ScoreColumn]:
    """Return what else is known of the run's images: imported scores, then other runs' values.

    Other runs count where they valued images of the same data sets. Their flags are the images
    below their cut (`Run.cut`). Nothing large is read before a column's values
    are asked for.
    """
    return [*_of_files(home, run), *_of_runs(home, run)]


def scores_version(home: Path, run: Run) -> str:
    """Return a text that changes when `score_columns` would return other columns or scores."""
    files = [
        f"{path}:{path.stat().st_mtime_ns}"
        for folder in _folders(home, run)
        for path in sorted(folder.glob("*.parquet"))
    ]
    runs = [column.key for column in _of_runs(home, run)]
    return hashlib.sha256("\n".join([*files, *runs]).encode()).hexdigest()[:16]


def import_scores(
    home: Path,
    run: Run,
    read: ScoreTable,
    *,
    column: str,
    better: Better,
    title: str = "",
    flag: str | None = None,
) -> JoinReport:
    """Keep a column of scores for the images of `run`; one with the same title is replaced.

    Parameters
    ----------
    read : the file, from `read_scores`
    column : the column of numbers
    better : which scores are those of good images, "higher" or "lower"
    title : how people will call it; empty for the name of the column
    flag : a column that says which images the tool calls faulty, if there is one

    Raises
    ------
    ConfigError
        `better` is neither, or the title is too long.
    DataError
        Nothing matches, or the scores cannot be kept.
    """
    title = " ".join((title or column).split())
    if better not in BETTER:
        raise ConfigError(f"Say whether a higher or a lower score is better; got {better!r}.")
    if not 0 < len(title) <= MAX_TITLE or not title.isprintable():
        raise ConfigError(f"The title of a score must have 1 to {MAX_TITLE} printable characters.")
    ids = run.values["id"]
    scores, flagged, report = join_scores(read, column, flag, ids)
    facts = {
        "schema_version": _SCHEMA_VERSION,
        "title": title,
        "origin": read.name,
        "column": column,
        "better": better,
        "flag": flag,
        "imported_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    for fingerprint, rows in _parts(run):
        known = np.isfinite(scores[rows])
        if flagged is not None:
            known |= flagged[rows]
        if not known.any():
            continue
        part: dict[str, Any] = {"id": ids.iloc[rows][known].tolist(), "score": scores[rows][known]}
        if flagged is not None:
            part["flagged"] = flagged[rows][known]
        _write(home / "scores" / fingerprint / f"{_slug(title)}.parquet", part, facts)
    return report


def forget_scores(home: Path, run: Run, key: str) -> bool:
    """Drop the imported column `key` of the run's data sets; return whether there was one."""
    found = [
        path
        for folder in _folders(home, run)
        for path in folder.glob("*.parquet")
        if f"file-{path.stem}" == key
    ]
    for path in found:
        path.unlink(missing_ok=True)
    return bool(found)


# -- files -----------------------------------------------------------------------------------------


def _slug(title: str) -> str:
    return hashlib.sha256(title.casefold().encode()).hexdigest()[:12]


def _parts(run: Run) -> list[tuple[str, slice]]:
    """Return the fingerprint and the rows of each data set that the run's images are from."""
    return [(part.fingerprint, rows) for part, rows in run.parts]


def _folders(home: Path, run: Run) -> list[Path]:
    return [home / "scores" / name for name in dict.fromkeys(name for name, _ in _parts(run))]


def _write(path: Path, columns: Mapping[str, Any], facts: Mapping[str, Any]) -> None:
    """Write one column's file whole or not at all."""
    table = pa.table(dict(columns))
    table = table.replace_schema_metadata({_FACTS: json.dumps(facts).encode()})
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as file:
            pq.write_table(table, file)
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror or error}.") from error


def _facts(path: Path) -> dict[str, Any] | None:
    """Return what a file says of itself, None where it is not one of ours, or of a later version.

    A damaged file must not take the review away with it.
    """
    try:
        raw = (pq.read_schema(path).metadata or {}).get(_FACTS)
        facts: dict[str, Any] = json.loads(raw) if raw else {}
    except (OSError, ValueError, pa.ArrowException):
        return None
    fits = facts.get("schema_version") == _SCHEMA_VERSION and facts.get("better") in BETTER
    return facts if fits else None


def _of_files(home: Path, run: Run) -> list[ScoreColumn]:
    found: dict[str, tuple[dict[str, Any], list[tuple[slice, Path]]]] = {}
    for fingerprint, rows in _parts(run):
        for path in sorted((home / "scores" / fingerprint).glob("*.parquet")):
            facts = _facts(path)
            if facts is not None:
                found.setdefault(path.stem, (facts, []))[1].append((rows, path))
    columns = [
        ScoreColumn(
            key=f"file-{slug}",
            title=facts["title"],
            origin=facts["origin"],
            better=facts["better"],
            has_flags=facts["flag"] is not None,
            _load=_file_loader(run, parts, facts["flag"] is not None),
        )
        for slug, (facts, parts) in found.items()
    ]
    return sorted(columns, key=lambda column: column.title.casefold())


def _file_loader(run: Run, parts: list[tuple[slice, Path]], flags: bool) -> Callable[[], Loaded]:
    def load() -> Loaded:
        ids = run.values["id"]
        values = np.full(len(ids), np.nan, np.float32)
        flagged = np.zeros(len(ids), bool)
        for rows, path in parts:
            try:
                kept = pd.read_parquet(path)
            except (OSError, ValueError) as error:
                raise DataError(f"{path}: the scores cannot be read ({error}).") from error
            at = _positions(ids.iloc[rows], kept["id"])
            values[rows.start + at[at >= 0]] = kept["score"].to_numpy()[at >= 0]
            if flags and "flagged" in kept:
                flagged[rows.start + at[at >= 0]] = kept["flagged"].to_numpy()[at >= 0]
        return values, flagged if flags else None

    return load


def _positions(ids: pd.Series[str], wanted: pd.Series[str]) -> np.ndarray:
    """Return where in `ids` each of `wanted` is, -1 where it is not; quick where they are equal."""
    if len(ids) == len(wanted) and np.array_equal(ids.to_numpy(), wanted.to_numpy()):
        return np.arange(len(ids))
    return pd.Index(ids).get_indexer(pd.Index(wanted))


# -- other runs ------------------------------------------------------------------------------------


def _of_runs(home: Path, run: Run) -> list[ScoreColumn]:
    ours = {fingerprint for fingerprint, _ in _parts(run)}
    others = [
        other
        for other in list_runs(home)
        if other.id != run.id and ours & {fingerprint for fingerprint, _ in _parts(other)}
    ]
    return [
        ScoreColumn(
            key=f"run-{other.id}",
            title=_run_title(run, other, others),
            origin=f"run {other.id}",
            better="higher",
            has_flags=True,
            _load=_run_loader(run, other),
        )
        for other in others
    ]


def _run_title(run: Run, other: Run, others: list[Run]) -> str:
    """Name another run by its method, and by what else tells it from all of them."""
    title = method_title(other.record.method)
    alike = [x for x in [run, *others] if x.record.method == other.record.method]
    if len(alike) == 1:
        return title
    told = []
    for name in ("embedder", "settings", "epsilon", "label_weight", "batch_size", "seed"):
        said = {str(x.record.configuration.get(name)) for x in alike}
        mine = other.record.configuration.get(name)
        if len(said) > 1 and mine is not None:
            words = f"{mine:.3g}" if isinstance(mine, float) else str(mine)
            told.append(words if name in ("embedder", "settings") else f"{_words(name)} {words}")
    if not told:
        told = [other.record.created[:16].replace("T", " ")]
    return f"{title} ({', '.join(told)})"


def _words(name: str) -> str:
    return name.replace("_", " ")


def _run_loader(run: Run, other: Run) -> Callable[[], Loaded]:
    def load() -> Loaded:
        table = pd.read_parquet(other.path / "values.parquet", columns=["id", "value"])
        value = table["value"].to_numpy(dtype=np.float64)
        harmful = harmful_cut(value, even_odds=other.record.even_odds).harmful
        theirs = dict(_parts(other))
        ids = run.values["id"]
        values = np.full(len(ids), np.nan, np.float32)
        flagged = np.zeros(len(ids), bool)
        for fingerprint, rows in _parts(run):
            if fingerprint not in theirs:
                continue
            there = theirs[fingerprint]
            at = _positions(table["id"].iloc[there], ids.iloc[rows])
            known = np.flatnonzero(at >= 0)
            values[rows.start + known] = value[there.start + at[known]]
            flagged[rows.start + known] = harmful[there.start + at[known]]
        return values, flagged

    return load
