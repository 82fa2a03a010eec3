"""The formats of exports; a new one is a file and a line here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.curation.exports.cleanlab import write_cleanlab
from core.curation.exports.content import Content
from core.curation.exports.fiftyone import write_fiftyone
from core.curation.exports.folder import write_folder
from core.curation.exports.huggingface import write_huggingface
from core.curation.exports.lists import list_facts, write_lists, write_lists_nul
from core.curation.exports.manifest import write_manifest
from core.curation.exports.tables import write_csv, write_json, write_parquet
from core.progress import Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportFormat:
    """One kind of export.

    Attributes
    ----------
    title, purpose : for people
    holds : "all" images with what was decided, or the "kept" ones with relabels applied
    write : writes the files into an empty folder
    large : whether it holds pictures, so that it goes to a folder and not through a browser
    links : whether it may link pictures instead of copying them
    pictures : whether it needs pictures at all
    opens_with : how the result is opened, code or a command, with FOLDER for its place
    facts : what it has to say in the provenance, if anything
    """

    title: str
    purpose: str
    holds: str
    write: Callable[[Content, Path, Progress], None]
    large: bool = False
    links: bool = False
    pictures: bool = False
    opens_with: str = ""
    facts: Callable[[Content], dict[str, Any]] | None = None


FORMATS: dict[str, ExportFormat] = {
    "folder": ExportFormat(
        title="Cleaned image folder",
        purpose="The images that stay, in one folder a class, with a manifest of their ids.",
        holds="kept",
        write=write_folder,
        large=True,
        links=True,
        pictures=True,
        opens_with="python -m core inspect FOLDER",
    ),
    "manifest": ExportFormat(
        title="Manifest in the input's format",
        purpose="Your CSV, Parquet or .npz again, less what goes, with relabels applied.",
        holds="kept",
        write=write_manifest,
        large=True,
        opens_with="python -m core inspect FOLDER/FILE",
    ),
    "lists": ExportFormat(
        title="Keep and remove lists",
        purpose="keep.txt and remove.txt, one path (or id) a line, for rsync and xargs.",
        holds="all",
        write=write_lists,
        opens_with="rsync -a --files-from=FOLDER/keep.txt ROOT/ DESTINATION/",
        facts=list_facts,
    ),
    "lists-nul": ExportFormat(
        title="Lists, NUL-separated",
        purpose="The same for paths with line breaks (rsync --from0, xargs -0).",
        holds="all",
        write=write_lists_nul,
        opens_with="rsync -a --from0 --files-from=FOLDER/keep.nul ROOT/ DESTINATION/",
        facts=list_facts,
    ),
    "csv": ExportFormat(
        title="CSV",
        purpose="Decisions and ranking, one row an image, for a spreadsheet.",
        holds="all",
        write=write_csv,
        opens_with='pandas.read_csv("FOLDER/decisions.csv")',
    ),
    "parquet": ExportFormat(
        title="Parquet",
        purpose="The same tables with exact types, for pandas, Polars, DuckDB.",
        holds="all",
        write=write_parquet,
        opens_with='pandas.read_parquet("FOLDER/decisions.parquet")',
    ),
    "json": ExportFormat(
        title="JSON",
        purpose="The same tables as lists of objects.",
        holds="all",
        write=write_json,
        opens_with='json.load(open("FOLDER/decisions.json"))',
    ),
    "cleanlab": ExportFormat(
        title="Cleanlab columns",
        purpose="is_lava_issue, lava_score, given_label, predicted_label: as Datalab names them.",
        holds="all",
        write=write_cleanlab,
        opens_with='pandas.read_parquet("FOLDER/issues.parquet")',
    ),
    "fiftyone": ExportFormat(
        title="FiftyOne",
        purpose="All images with value, verdict and note on each label.",
        holds="all",
        write=write_fiftyone,
        large=True,
        links=True,
        pictures=True,
        opens_with='fiftyone.Dataset.from_dir("FOLDER", '
        "fiftyone.types.FiftyOneImageClassificationDataset)",
    ),
    "huggingface": ExportFormat(
        title="Hugging Face",
        purpose="The images that stay, as save_to_disk writes them.",
        holds="kept",
        write=write_huggingface,
        large=True,
        opens_with='datasets.load_from_disk("FOLDER/dataset")',
    ),
}
