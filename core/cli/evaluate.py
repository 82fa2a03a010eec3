"""`evaluate`: how well a run finds faults that are known."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from core.cli.files import replace_file
from core.cli.run import run_given
from core.cli.text import printable, table
from core.errors import ConfigError
from core.paths import absolute_path
from core.runs import Run

if TYPE_CHECKING:
    from core.evaluation import DetectionCurve, Evaluation

SHARES = (0.01, 0.05, 0.1, 0.2)
CURVE_POINTS = 1001
SUFFIXES = (".json", ".csv")
ALL_FAULTS = "all faults"


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
        help="CSV, Parquet or JSON with the columns id and fault; or sample: the faults planted "
        "in the bundled sample",
    )
    parser.add_argument(
        "--out",
        metavar="FILE",
        type=Path,
        required=True,
        help="where the result goes: .json (with the curves) or .csv; replaced if it exists",
    )


def execute(arguments: argparse.Namespace) -> int:
    """Print the table, and write the file."""
    if arguments.out.suffix.lower() not in SUFFIXES:
        raise ConfigError(f"--out must end in {' or '.join(SUFFIXES)}, got {arguments.out}.")
    run = run_given(arguments.run)
    # It brings scikit-learn, which would slow every other command down.
    from core.evaluation import evaluate, read_truth

    path = _truth_path(arguments.truth)
    evaluation = evaluate(run.values, read_truth(path))
    summary = summary_frame(evaluation)
    if arguments.out.suffix.lower() == ".csv":
        text = summary.to_csv(index=False, lineterminator="\n")
    else:
        text = json.dumps(as_json(run, path, evaluation), indent=1) + "\n"
    replace_file(arguments.out, text)
    print(_as_text(summary))
    print("A random order: AUROC 0.500, recall equal to the share inspected.")
    if evaluation.unmatched:
        print(
            f"{len(evaluation.unmatched):,} images of the truth are not in this run, "
            f"{printable(evaluation.unmatched[0])} among them; they were left out."
        )
    print(f"Written to {arguments.out}")
    return 0


def _truth_path(text: str) -> Path:
    if text == "sample":
        from core.datasets import sample_truth_path

        return sample_truth_path()
    return absolute_path(text)


def summary_frame(evaluation: Evaluation) -> pd.DataFrame:
    """Return one row for all faults and one a kind.

    Columns: fault, faults, images, auroc, average_precision, random_average_precision, and
    recall_at_S for each share S inspected.
    """
    curves = {ALL_FAULTS: evaluation.overall, **evaluation.by_fault}
    return pd.DataFrame([{"fault": name, **_measures(curve)} for name, curve in curves.items()])


def _measures(curve: DetectionCurve) -> dict[str, Any]:
    return {
        "faults": curve.faults,
        "images": curve.images,
        "auroc": curve.auroc,
        "average_precision": curve.average_precision,
        "random_average_precision": curve.faults / curve.images,
        **{f"recall_at_{share:g}": curve.recall_at(share) for share in SHARES},
    }


def as_json(run: Run, truth: Path, evaluation: Evaluation) -> dict[str, Any]:
    """Return the whole result: measures and curves, each of 1,001 points at most."""

    def described(curve: DetectionCurve) -> dict[str, Any]:
        count = min(len(curve.inspected), CURVE_POINTS)
        points = np.linspace(0, len(curve.inspected) - 1, count).round().astype(int)
        return {
            **_measures(curve),
            "curve": {
                "inspected": curve.inspected[points].tolist(),
                "found": curve.found[points].tolist(),
                "random": curve.random[points].tolist(),
                "optimal": curve.optimal[points].tolist(),
            },
        }

    return {
        "schema_version": 1,
        "run": run.id,
        "method": run.record.method,
        "truth": str(truth),
        "unmatched": list(evaluation.unmatched),
        "overall": described(evaluation.overall),
        "by_fault": {name: described(curve) for name, curve in evaluation.by_fault.items()},
    }


def _as_text(summary: pd.DataFrame) -> str:
    head = ("fault", "faults", "AUROC", "AP", "random AP", *(f"first {s:.0%}" for s in SHARES))
    rows = [
        (
            str(row["fault"]),
            f"{row['faults']:,}",
            f"{row['auroc']:.3f}",
            f"{row['average_precision']:.3f}",
            f"{row['random_average_precision']:.3f}",
            *(f"{row[f'recall_at_{share:g}']:.1%}" for share in SHARES),
        )
        for row in summary.to_dict("records")
    ]
    return table(head, rows)
