"""`export`: the decisions on a run's images, as files."""

from __future__ import annotations

import argparse
from pathlib import Path

from core.cli.run import run_given
from core.curation import EXPORTERS, RunDecisions, export, open_store
from core.runs import home


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "export",
        help="write the decisions made in review",
        description="Write what was decided about a run's images, with its provenance.",
    )
    parser.set_defaults(execute=execute)
    parser.add_argument("--run", metavar="RUN", required=True, help="run folder, or run id")
    parser.add_argument("--format", choices=tuple(EXPORTERS), default="csv", help="default: csv")
    parser.add_argument(
        "--out", metavar="DIR", type=Path, required=True, help="folder, absent or empty"
    )


def execute(arguments: argparse.Namespace) -> int:
    """Write the files, and print their names."""
    run = run_given(arguments.run)
    decisions = RunDecisions(open_store(home()), run).current()
    written = export(run, decisions, arguments.format, arguments.out)
    print(f"{len(decisions):,} decisions exported:")
    for path in written:
        print(f"  {path}")
    return 0
