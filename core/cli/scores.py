"""`scores`: what other tools say of a run's images, as columns of the review."""

from __future__ import annotations

import argparse
from pathlib import Path

from core.cli.run import run_given
from core.cli.text import facts, printable, table
from core.curation import JoinReport, ScoreTable, import_scores, read_scores, score_columns
from core.errors import ConfigError
from core.runs import Run, home

IDS_SHOWN = 5


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "scores",
        help="import scores that another tool gave the images",
        description=(
            "Import a column of scores from a CSV or Parquet file, joined by image id, to order "
            "and compare by in the review. Without --file the columns that a run has are listed."
        ),
    )
    parser.set_defaults(execute=execute)
    parser.add_argument("--run", metavar="RUN", required=True, help="run folder, or run id")
    parser.add_argument("--file", metavar="FILE", type=Path, help="the scores (.csv, .parquet)")
    parser.add_argument(
        "--column", metavar="NAME", help="the column of scores; needed where there are several"
    )
    parser.add_argument(
        "--better",
        choices=("higher", "lower"),
        default="higher",
        help="which scores are those of good images (default: higher)",
    )
    parser.add_argument("--flag", metavar="NAME", help="a column that says which images are faulty")
    parser.add_argument("--id-column", metavar="NAME", help="the column of image ids")
    parser.add_argument("--title", default="", help="name in the review (default: the column's)")


def execute(arguments: argparse.Namespace) -> int:
    """Import and print what matched, or list the columns."""
    run = run_given(arguments.run)
    if arguments.file is None:
        print(_listed(run))
        return 0
    read = read_scores(arguments.file, id_column=arguments.id_column)
    report = import_scores(
        home(),
        run,
        read,
        column=arguments.column or _only(read),
        better=arguments.better,
        title=arguments.title,
        flag=arguments.flag,
    )
    print(_report(report))
    return 0


def _only(read: ScoreTable) -> str:
    if len(read.numeric) == 1:
        return read.numeric[0]
    raise ConfigError(
        f"{read.name}: several columns hold numbers; choose one with --column: "
        f"{', '.join(read.numeric)}."
    )


def _listed(run: Run) -> str:
    columns = score_columns(home(), run)
    if not columns:
        return "There are no other scores for this run's images."
    rows = [(x.title, x.origin, x.better, "yes" if x.has_flags else "no") for x in columns]
    return table(("score", "from", "better", "flags"), rows)


def _report(report: JoinReport) -> str:
    lines = {
        "Rows of the file": f"{report.rows:,}",
        "Images with a score": f"{report.matched:,} of {report.images:,}",
        "Images without": f"{report.missing:,}",
        "Ids not in the run": _some(report.unmatched, report.unmatched_listed),
        "Ids with several scores": _some(report.repeated, report.repeated_listed),
        "Rows without a number": _some(
            report.not_numbers,
            tuple(f"row {row} ({i}): {text!r}" for row, i, text in report.not_numbers_listed),
        ),
    }
    if report.flagged is not None:
        lines["Images flagged"] = f"{report.flagged:,}"
    return facts(lines)


def _some(count: int, listed: tuple[str, ...]) -> str:
    if not count:
        return "0"
    shown = ", ".join(map(printable, listed[:IDS_SHOWN]))
    return f"{count:,}: {shown}" + (", ..." if count > min(len(listed), IDS_SHOWN) else "")
