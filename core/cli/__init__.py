"""The command line: one module a command, each with `add_parser` and `execute`.

Results go to stdout, progress and errors to stderr. Exit status: 0 done, 1 failed or cancelled
with a reason of one line, 2 wrong usage.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from core import __version__
from core.cli import (
    append,
    compare,
    corrupt,
    evaluate,
    export,
    inspect,
    map,
    project,
    review,
    scores,
    value,
)
from core.cli.text import printable
from core.errors import AssayError, Cancelled, ConfigError

__all__ = ["build_parser", "main"]

COMMANDS = (
    value,
    append,
    review,
    scores,
    map,
    corrupt,
    compare,
    evaluate,
    project,
    export,
    inspect,
)


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    parser = argparse.ArgumentParser(
        prog="python -m core",
        description="Assay: what each training image is worth, before you train.",
        epilog=(
            "A data source SRC is sample:train, sample:val, a folder of class folders, a manifest "
            "(.csv, .parquet), Parquet with an image and a label column, a folder of save_to_disk, "
            "an .npz file, or a set that torchvision knows: torchvision:CIFAR10:train#root=FOLDER."
        ),
    )
    parser.add_argument("--version", action="version", version=f"assay {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in COMMANDS:
        command.add_parser(commands)
    return parser


def main(arguments: Sequence[str]) -> int:
    """Run one command; return its exit status."""
    parsed = build_parser().parse_args(arguments)
    try:
        status: int = parsed.execute(parsed)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read the results has seen enough (`| head`); say nothing more, not even at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except ConfigError as error:
        return _explain(error, 2)
    except Cancelled:
        return _explain("Cancelled; nothing was written.", 1)
    except KeyboardInterrupt:
        return _explain("Cancelled.", 1)
    except MemoryError:
        return _explain("There is too little memory for this; nothing was written.", 1)
    except AssayError as error:
        return _explain(error, 1)
    return status


def _explain(error: object, status: int) -> int:
    print(f"assay: {printable(' '.join(str(error).split()))}", file=sys.stderr)
    return status
