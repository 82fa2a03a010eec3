"""One run is one folder, read lazily; `core.runs.writing` writes it."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from core.atomic import replacing
from core.errors import RunError
from core.runs.record import RunRecord, Solution, SourceRecord, read_record
from core.valuation import METHODS, method_title, value_from_score

if TYPE_CHECKING:
    from core.datasets import LabelledImages
    from core.evaluation import HarmfulCut

RUN_ID = re.compile(r"[0-9a-f]{16}")
FILES = (
    "run.json",
    "values.parquet",
    "validation.parquet",
    "train_embeddings.npy",
    "validation_embeddings.npy",
)
# Only of methods that solve a transport problem.
PLAN_FILES = ("label_distances.parquet", "potentials.npz")
# Only where a method has arrays of its own to keep.
METHOD_FILE = "method.npz"
# Only where an embedder learned something: what it takes to embed further images.
EMBEDDER_FILE = "embedder.npz"


class SavedPotentials(NamedTuple):
    """The dual solution of a run: f, shape (n,), and g, shape (m,), float64, units of cost."""

    f: np.ndarray
    g: np.ndarray


class Run:
    """A finished run, opened. Its tables are read once, when they are first asked for.

    Attributes
    ----------
    path : the folder
    record : run.json
    """

    def __init__(self, path: Path, record: RunRecord) -> None:
        self.path = path
        self.record = record

    def __repr__(self) -> str:
        return f"Run({self.id}, {self.path})"

    @property
    def id(self) -> str:
        """Return the run's id, 16 hexadecimal digits."""
        return self.record.id

    @property
    def class_names(self) -> tuple[str, ...]:
        """Return the names of the classes; `label` is a position in it."""
        return self.record.class_names

    @property
    def has_plan(self) -> bool:
        """Return whether there are potentials and label distances, and so a plan as evidence."""
        return self.record.solution is not None

    def require_plan(self) -> Solution:
        """Return how far the transport problem was solved, for whoever needs its plan.

        Raises
        ------
        RunError : the run's method has none
        """
        solution = self.record.solution
        if solution is None:
            raise RunError(
                f"{method_title(self.record.method)} has no transport plan, so there are no label "
                "distances and no potentials. Value the same data with LAVA to see them."
            )
        return solution

    @cached_property
    def values(self) -> pd.DataFrame:
        """The training images in the input's order: a table as `values_frame` makes it.

        What a method adds follows its columns.
        """
        return self._table("values.parquet")

    @cached_property
    def content(self) -> np.ndarray:
        """What each training image shows (`LabelledImages.content`), uint64, shape (n,).

        Zeros in a run that was made before this was kept.
        """
        if "content" not in self.values.columns:
            return np.zeros(len(self.values), dtype=np.uint64)
        return self.values["content"].to_numpy(dtype=np.uint64)

    @cached_property
    def _ids(self) -> pd.Index:
        return pd.Index(self.values["id"])

    def rows_of(self, ids: Sequence[str]) -> np.ndarray:
        """Return the row of each of the training images `ids`, int64; -1 where there is none.

        O(n) time and memory when it is first asked for: half a second for a million images.
        """
        return self._ids.get_indexer(pd.Index(np.asarray(ids, dtype=object), dtype="str")).astype(
            np.int64
        )

    @cached_property
    def cut(self) -> HarmfulCut:
        """Where values are cut, and which training images look harmful by it."""
        from core.evaluation import harmful_cut

        return harmful_cut(self.values["value"].to_numpy(), even_odds=self.record.even_odds)

    @cached_property
    def suggested(self) -> np.ndarray:
        """The training images that a prune plan proposes to remove, bool, shape (n,), read-only."""
        from core.evaluation import suggested_removal

        said = [
            self.values[name].to_numpy() if name in self.values else None
            for name in ("fault_probability", "likely_fault")
        ]
        return suggested_removal(self.cut.harmful, *said)

    @cached_property
    def neutral_value(self) -> float:
        """The value below which an image hurts rather than helps.

        Where values only rank, the usual one: the median.
        """
        if self.record.even_odds is not None:
            return self.record.even_odds
        method = METHODS.get(self.record.method)
        signed = method is None or method.zero_is_neutral
        return 0.0 if signed else float(self.values["value"].median())

    @cached_property
    def order(self) -> np.ndarray:
        """The rows of the training images, worst first, int64, shape (n,), read-only.

        Equal values are in the order of the rows.
        """
        order = np.argsort(self.values["value"].to_numpy(), kind="stable")
        order.setflags(write=False)
        return order

    @cached_property
    def ranks(self) -> np.ndarray:
        """The place of each training image in `order`, int64, shape (n,), read-only; 1 is worst."""
        ranks = np.empty(len(self.order), dtype=np.int64)
        ranks[self.order] = np.arange(1, len(ranks) + 1)
        ranks.setflags(write=False)
        return ranks

    @property
    def parts(self) -> list[tuple[SourceRecord, slice]]:
        """The sets that make up the training set, each with its rows."""
        ends = np.cumsum([part.images for part in self.record.training_parts]).tolist()
        return [
            (part, slice(end - part.images, end))
            for part, end in zip(self.record.training_parts, ends, strict=True)
        ]

    @cached_property
    def part(self) -> np.ndarray:
        """The position in `parts` of the set that each training image is from, uint16, read-only.

        Shape (n,).
        """
        counts = [part.images for part in self.record.training_parts]
        part = np.repeat(np.arange(len(counts), dtype=np.uint16), counts)
        part.setflags(write=False)
        return part

    @cached_property
    def ranks_by_gradient(self) -> bool:
        """Whether values are calibrated gradients with their sign changed, and not a score."""
        if not self.has_plan:
            return False
        of_gradient = value_from_score(self.values["calibrated_gradient"].to_numpy())
        return np.array_equal(self.values["value"].to_numpy(), of_gradient)

    @cached_property
    def validation(self) -> pd.DataFrame:
        """The validation images in the input's order, as `validation_frame`."""
        return self._table("validation.parquet")

    @cached_property
    def label_distances(self) -> np.ndarray:
        """Training class by validation class, float32, shape (v, v), units of cost.

        NaN where one of the two classes is empty. Raises as `require_plan`.
        """
        self.require_plan()
        table = self._table("label_distances.parquet")
        v = len(self.class_names)
        if len(table) != v * v:
            raise RunError(
                f"{self.path}: expected {v * v} label distances for {v} classes, "
                f"found {len(table)}; the run is damaged."
            )
        return table["distance"].to_numpy(dtype=np.float32).reshape(v, v)

    @cached_property
    def potentials(self) -> SavedPotentials:
        """The dual solution f, g. Raises as `require_plan`."""
        self.require_plan()
        saved = self._archive("potentials.npz")
        try:
            return SavedPotentials(saved["f"], saved["g"])
        except KeyError as error:
            raise RunError(f"{self.path}: potentials.npz cannot be read ({error}).") from error

    @cached_property
    def arrays(self) -> dict[str, np.ndarray]:
        """What the method found beside, by name; empty for most methods."""
        return self._archive(METHOD_FILE) if (self.path / METHOD_FILE).exists() else {}

    @cached_property
    def fitted(self) -> dict[str, np.ndarray]:
        """What the embedder learned, for `core.embedding.embed_more`; empty where nothing."""
        return self._archive(EMBEDDER_FILE) if (self.path / EMBEDDER_FILE).exists() else {}

    @cached_property
    def x(self) -> np.ndarray:
        """Embeddings of the training images, float32, shape (n, d), mapped from disk."""
        return self._mapped("train_embeddings.npy")

    @cached_property
    def y(self) -> np.ndarray:
        """Embeddings of the validation images, float32, shape (m, d), mapped from disk."""
        return self._mapped("validation_embeddings.npy")

    def open_images(self, side: str) -> LabelledImages:
        """Open the pictures of `side` ("train" or "validation") again, row for row as valued.

        Row r of the result is row r of `values` (or of `validation`).

        Raises
        ------
        DataError : the source is gone, or no longer has some image of this run
        """
        from core.runs.pictures import open_table

        if side != "train":
            return open_table([self.record.validation], self.validation)
        return open_table(self.record.training_parts, self.values)

    def _table(self, name: str) -> pd.DataFrame:
        try:
            return pd.read_parquet(self.path / name)
        except (OSError, ValueError) as error:
            raise RunError(f"{self.path}: {name} cannot be read ({error}).") from error

    def _archive(self, name: str) -> dict[str, np.ndarray]:
        try:
            with np.load(self.path / name, allow_pickle=False) as saved:
                return dict(saved)
        except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise RunError(f"{self.path}: {name} cannot be read ({error}).") from error

    def _mapped(self, name: str) -> np.ndarray:
        try:
            array: np.ndarray = np.load(self.path / name, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise RunError(f"{self.path}: {name} cannot be read ({error}).") from error
        return array


def open_run(path: Path) -> Run:
    """Open the run in the folder `path`; reads run.json only.

    Raises
    ------
    RunError : there is no whole run of this version
    """
    path = path.absolute()
    record = read_record(path / "run.json")
    files = (*FILES, *PLAN_FILES) if record.solution is not None else FILES
    missing = [name for name in files if not (path / name).is_file()]
    if missing:
        raise RunError(f"{path} is not a whole run: {', '.join(missing)} missing.")
    if not RUN_ID.fullmatch(record.id):
        raise RunError(f"{path} is damaged: the id in run.json is not 16 hexadecimal digits.")
    return Run(path, record)


def list_runs(home: Path) -> list[Run]:
    """Return the runs in `home` and those linked from it, newest first; broken ones left out."""
    runs = home / "runs"
    names = {path.name.removesuffix(".link") for path in runs.iterdir()} if runs.is_dir() else set()
    found = []
    for name in names:
        try:
            found.append(find_run(home, name))
        except RunError:
            continue
    return sorted(found, key=lambda run: (run.record.created, run.id), reverse=True)


def find_run(home: Path, run_id: str) -> Run:
    """Open the run `run_id` of `home`, or the one elsewhere that it links to.

    Raises
    ------
    RunError : `run_id` is no run id, or there is no such run
    """
    if not RUN_ID.fullmatch(run_id):
        raise RunError("A run id is 16 hexadecimal digits; this one is not.")
    path = home / "runs" / run_id
    link = path.with_name(f"{run_id}.link")
    if not path.exists():
        try:
            path = Path(link.read_text(encoding="utf-8").strip())
        except OSError as error:
            raise RunError(f"There is no run {run_id} here; it may have been removed.") from error
    run = open_run(path)
    if run.id != run_id:
        raise RunError(f"{path} holds the run {run.id}, not {run_id}.")
    return run


def link_run(home: Path, path: Path) -> Run:
    """Make the run in the folder `path` known to `home`, without copying it; return it opened.

    Raises
    ------
    RunError : there is no run in `path`
    """
    run = open_run(path.resolve())
    own = home / "runs" / run.id
    if not own.exists():
        own.parent.mkdir(parents=True, exist_ok=True)
        with replacing(own.with_name(f"{run.id}.link")) as file:
            file.write(f"{run.path}\n".encode())
    return run
