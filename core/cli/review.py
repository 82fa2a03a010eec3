"""`review`: how far the review of a run is, and what it says."""

from __future__ import annotations

import argparse
import json

from core.cli.run import run_given
from core.cli.text import facts
from core.curation import (
    ReviewStatistics,
    RunDecisions,
    open_store,
    review_sentences,
    review_statistics,
    reviewable,
)
from core.runs import home


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "review",
        help="say how far a review is, what is left to find, and when to stop",
        description=(
            "Print the statistics of a run's review: how often the ranking was right, the faults "
            "that are left to find, a stopping point."
        ),
    )
    parser.set_defaults(execute=execute)
    parser.add_argument("--run", metavar="RUN", required=True, help="run folder, or run id")
    parser.add_argument("--json", action="store_true", help="print everything, as JSON")
    parser.add_argument(
        "--worth",
        metavar="F",
        type=_share,
        default=0.1,
        help="go on while an image is at least this likely faulty, 0 to 1 (default: 0.1)",
    )


def _share(text: str) -> float:
    share = float(text)
    if not 0 < share < 1:
        raise argparse.ArgumentTypeError("expected a number between 0 and 1")
    return share


def execute(arguments: argparse.Namespace) -> int:
    """Print the statistics."""
    run = run_given(arguments.run)
    decisions = RunDecisions(open_store(home()), run).current()
    found = review_statistics(reviewable(run), decisions, worth=arguments.worth)
    print(json.dumps(found.to_json(), indent=1) if arguments.json else _printed(found))
    return 0


def _printed(found: ReviewStatistics) -> str:
    answers = f"{found.confirmed:,} faulty, {found.refuted:,} sound, {found.unsure:,} unsure"
    said = review_sentences(found)
    lines = {
        "Reviewed": f"{found.reviewed:,} of {found.images:,} images: {answers}",
        "Look harmful": f"{found.flagged:,}, {found.reviewed_flagged:,} of them reviewed",
        "Precision": said["precision"],
        "Left to find": said["remaining"],
        "Found so far": said["recall"],
        "When to stop": said["stop"],
        "Audit sample": said["audit"],
        "Pace": said["pace"],
    }
    if found.disputed:
        lines["Disputed"] = f"{found.disputed:,} images that reviewers judge differently"
    return facts(lines)
