"""`inspect`: what is in a data source, and what is wrong with it."""

from __future__ import annotations

import argparse


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
    """Print the description and the findings."""
    raise NotImplementedError
