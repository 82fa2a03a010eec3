"""`map`: the images of a run placed in the plane, ahead of time or into a file."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from core.cli.progress import stoppable
from core.cli.run import run_given
from core.cli.text import facts
from core.embedding import Layout, LayoutConfig
from core.errors import ConfigError, RunError
from core.runs import Run, home, map_at_home

_DEFAULT = LayoutConfig()


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "map",
        help="place the images of a run in the plane, what looks alike together",
        description=(
            "Place training and validation images in one plane by UMAP. A map is kept, and found "
            "again by all runs on the same embeddings; the dashboard shows the one drawn with the "
            "settings left as they are."
        ),
    )
    parser.add_argument("--run", required=True, metavar="RUN", help="a run's folder, or its id")
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="write id, set, x and y to this .parquet file"
    )
    for name, kind, help_text in (
        ("neighbours", int, "images that each is kept near, 2 to 200 (default %(default)s)"),
        ("min-dist", float, "least distance of points, 0 to 1 (default %(default)s)"),
        ("seed", int, "default %(default)s"),
    ):
        default = getattr(_DEFAULT, name.replace("-", "_"))
        parser.add_argument(f"--{name}", type=kind, default=default, metavar="N", help=help_text)
    parser.set_defaults(execute=execute)


def execute(arguments: argparse.Namespace) -> int:
    """Draw the map and say what it holds; return the exit status."""
    out: Path | None = arguments.out
    if out is not None and out.suffix != ".parquet":
        raise ConfigError(f"--out must end in .parquet, got {out.name}.")
    if out is not None and out.exists():
        raise RunError(f"{out} exists already; choose another name.")
    config = LayoutConfig(
        neighbours=arguments.neighbours, min_dist=arguments.min_dist, seed=arguments.seed
    )
    run = run_given(arguments.run)
    with stoppable() as progress:
        layout, known = map_at_home(run, home(), config, progress)
    shown = {
        "Training images": f"{len(layout.train):,}",
        "Validation images": f"{len(layout.validation):,}",
        "Fitted to": f"{layout.fitted:,} of them",
        "Map": "drawn before" if known else "drawn now",
    }
    if out is not None:
        _write(out, run, layout)
        shown["Positions"] = str(out)
    print(facts(shown))
    return 0


def _write(out: Path, run: Run, layout: Layout) -> None:
    positions = np.concatenate([layout.train, layout.validation])
    table = pd.DataFrame(
        {
            "id": pd.concat([run.values["id"], run.validation["id"]], ignore_index=True),
            "set": np.repeat(["train", "validation"], [len(layout.train), len(layout.validation)]),
            "x": positions[:, 0],
            "y": positions[:, 1],
        }
    )
    try:
        table.to_parquet(out, index=False)
    except OSError as error:
        raise RunError(f"{out} cannot be written: {error.strerror or error}.") from error
