"""`inspect`: what is in a data source, and what is wrong with it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from core.cli.progress import stoppable
from core.cli.text import facts, printable, table
from core.datasets import Description, Finding, check, describe, open_source

CLASSES_SHOWN = 30
IDS_SHOWN = 5


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "inspect",
        help="say what is in a data source, and what is wrong with it",
        description=(
            "Say what is in a data source. With --val the two sets are checked against each "
            "other, too: classes, duplicates, unreadable pictures."
        ),
    )
    parser.set_defaults(execute=execute)
    parser.add_argument("source", metavar="SRC", help="the data source")
    parser.add_argument("--val", metavar="SRC", help="the validation set that belongs to it")


def execute(arguments: argparse.Namespace) -> int:
    """Print the descriptions and the findings; status 1 where the data cannot be valued."""
    with stoppable() as progress:
        data = open_source(arguments.source, progress=progress)
        if arguments.val is None:
            described: Sequence[Description] = (describe(data, progress=progress),)
            findings = described[0].findings
        else:
            validation = open_source(arguments.val, progress=progress)
            report = check(data, validation, progress=progress)
            described, findings = (report.train, report.validation), report.findings
    for description in described:
        print(_facts(description))
        print()
    print(_classes(described))
    print()
    print(_findings(findings))
    return 1 if any(finding.severity == "error" for finding in findings) else 0


def _facts(description: Description) -> str:
    rows = {
        "Source": description.source,
        "Images": f"{description.count:,}",
        "Unreadable": f"{len(description.unreadable):,}",
    }
    if description.width is not None and description.height is not None:
        kind = "gray" if description.gray else "color"
        rows["Pictures"] = f"{_span(description.width)} x {_span(description.height)}, {kind}"
    if description.embedding_width is not None:
        rows["Embeddings"] = f"{description.embedding_width:,} numbers each"
    return facts(rows)


def _span(lowest_highest: tuple[int, int]) -> str:
    low, high = lowest_highest
    return str(low) if low == high else f"{low} to {high}"


def _classes(described: Sequence[Description]) -> str:
    """Return images by class, one column a set."""
    names = list(dict.fromkeys(name for part in described for name in part.class_counts))
    rows = [
        (name, *(f"{part.class_counts.get(name, 0):,}" for part in described))
        for name in names[:CLASSES_SHOWN]
    ]
    head = ("class", "images") if len(described) == 1 else ("class", "training", "validation")
    left = len(names) - CLASSES_SHOWN
    return table(head, rows) + (f"\nand {left:,} classes more" if left > 0 else "")


def _findings(findings: Sequence[Finding]) -> str:
    if not findings:
        return "Nothing wrong was found."
    lines = []
    for finding in findings:
        lines.append(f"{finding.severity}: {printable(finding.sentence)}")
        shown = [printable(image_id) for image_id in finding.image_ids[:IDS_SHOWN]]
        if shown:
            more = len(finding.image_ids) - len(shown)
            lines.append(f"  {', '.join(shown)}" + (f" and {more:,} more" if more > 0 else ""))
    return "\n".join(lines)
