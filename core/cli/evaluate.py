"""`evaluate`: how well a run finds faults that are known."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "evaluate",
        help="measure how well a run finds known faults",
        description=(
            "Measure how well a run's values find faults that are known: AUROC, average "
            "precision and recall, for all faults and for each kind."
        ),
    )
    parser.set_defaults(execute=execute)
    parser.add_argument("--run", metavar="RUN", required=True, help="run folder, or run id")
    parser.add_argument(
        "--truth",
        metavar="FILE",
        required=True,
        help="CSV or Parquet with the columns id and fault, faulty images only; or sample: the "
        "faults planted in the bundled sample",
    )
    parser.add_argument(
        "--out",
        metavar="FILE",
        type=Path,
        required=True,
        help="where the result goes: .json (with the curves) or .csv",
    )


def execute(arguments: argparse.Namespace) -> int:
    """Print the table, and write the file."""
    raise NotImplementedError
