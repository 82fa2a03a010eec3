"""`append`: images that come later, valued against a finished run."""

from __future__ import annotations

import argparse
from pathlib import Path

from core.cli.progress import stoppable
from core.cli.run import run_given
from core.cli.text import facts, table
from core.device import DEVICES
from core.runs import Run, append_at_home, append_run, home

WORST_SHOWN = 10


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "append",
        help="value new images against a finished run",
        description=(
            "Value new training images against a finished run, in one pass, and write a new run "
            "that holds the old and the new ones. The run itself is not changed; decisions made on "
            "it hold in the new one."
        ),
    )
    parser.set_defaults(execute=execute)
    parser.add_argument("--run", metavar="RUN", required=True, help="run folder, or run id")
    parser.add_argument(
        "--data",
        metavar="SRC",
        required=True,
        help="the new images; those that the run holds already are left out, so that a folder "
        "that has grown may be given whole",
    )
    parser.add_argument(
        "--out",
        metavar="NEWRUN",
        type=Path,
        help="folder for the new run, absent or empty; without it the run goes to Assay's home",
    )
    parser.add_argument(
        "--device",
        choices=DEVICES,
        default="auto",
        help="where to compute (default: auto)",
    )


def execute(arguments: argparse.Namespace) -> int:
    """Append, and print where the new run is and what it says of the new images."""
    run, device = run_given(arguments.run), arguments.device
    with stoppable() as progress:
        if arguments.out is None:
            made, reused = append_at_home(run, arguments.data, home(), progress, device=device)
        else:
            made = append_run(run, arguments.data, arguments.out, progress, device=device)
            reused = False
    if reused:
        print("The same images were added to this run before; this is what came of it.\n")
    print(summary(made))
    return 0


def summary(run: Run) -> str:
    """Return what a run says of the images added last, as text for people."""
    record, added = run.record, run.record.details["added"]
    part = record.parts[-1]
    rank = run.values["value"].rank(method="first").astype(int)
    new = run.values.assign(rank=rank).tail(part.images)
    worst = new.nsmallest(WORST_SHOWN, "value")
    left_out = f"; {part.unreadable:,} left out as unreadable" if part.unreadable else ""
    return "\n".join(
        (
            facts(
                {
                    "Run folder": str(run.path),
                    "Images added": f"{part.images:,} to {record.train.images - part.images:,}"
                    + left_out,
                    "Added to run": str(record.parent),
                    "Marginal error": f"at most {record.marginal_error:.3g} of all images together",
                    "Valuing all anew": f"would move calibrated gradients by about "
                    f"{added['shift']:.1%} of their spread; rank correlation of the new images "
                    f"{added['rank_correlation']:.3f}",
                    "Seconds": f"{record.seconds.get('Total', 0.0):.1f}",
                }
            ),
            "",
            f"The {len(worst)} new images that hurt most (values are {record.value_unit})",
            table(
                ("value", "rank", "labelled", "id"),
                [
                    (f"{row.value:.4g}", str(row.rank), str(row.class_name), str(row.id))
                    for row in worst.itertuples()
                ],
            ),
        )
    )
