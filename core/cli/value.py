"""`value`: what each training image is worth."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from core.cli.progress import stoppable
from core.cli.text import facts, table
from core.device import DEVICES
from core.embedding import EMBEDDERS
from core.runs import SETTINGS, Run, Solution, ValueSpec, home, value_at_home, value_run
from core.transport import BATCH_KINDS
from core.valuation import LABEL_DISTANCE_KINDS, METHODS, method_title

WORST_SHOWN = 10
_DEFAULTS = ValueSpec(train="sample:train", validation="sample:val")


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "value",
        help="value a training set against a validation set",
        description=(
            "Value every image of a training set against a small trusted validation set, by "
            "optimal transport. Higher values are better; the lowest hurt most."
        ),
    )
    parser.set_defaults(execute=execute)
    parser.add_argument("--train", metavar="SRC", required=True, help="the untrusted training set")
    parser.add_argument("--val", metavar="SRC", required=True, help="the trusted validation set")
    parser.add_argument(
        "--out",
        metavar="RUN",
        type=Path,
        help="folder for the run, absent or empty; without it the run goes to Assay's home, "
        "where an identical finished run is used again",
    )
    _option(parser, "--method", f"one of: {', '.join(METHODS)}", metavar="NAME")
    _option(
        parser,
        "--embedder",
        f"one of: auto, {', '.join(EMBEDDERS)}; auto is precomputed where both sets have "
        "embeddings, else convnet. resnet-20 suits small color pictures, and trains for minutes",
        metavar="NAME",
    )
    _option(
        parser,
        "--settings",
        "calibrated: label weight, label distances, epsilon, p and how signals are fused are "
        "chosen by faults planted in held-out validation images, where the method is lava and the "
        "validation set large enough; published: those of the paper's code. Options given here win",
        choices=SETTINGS,
    )
    _add_cost_options(parser)
    _option(
        parser,
        "--tolerance",
        "marginal error to stop at, 0 to 2 (default: 1e-6 for small sets, 0.002 for large ones)",
        type=float,
    )
    _option(parser, "--max-passes", "most passes over all pairs", type=int)
    _add_batch_options(parser)
    _option(parser, "--device", "where to compute", choices=DEVICES)
    _option(parser, "--seed", "what every random choice follows from", type=int)


def _add_cost_options(parser: argparse.ArgumentParser) -> None:
    """Add the settings of the ground cost."""
    epsilon = parser.add_mutually_exclusive_group()
    _option(
        epsilon,
        "--epsilon",
        "entropic regularization, in units of cost (published: 0.1)",
        type=float,
    )
    epsilon.add_argument(
        "--relative-epsilon",
        metavar="F",
        type=float,
        help="the same in units of the mean cost, in place of --epsilon",
    )
    _option(parser, "--feature-weight", "weight of the features in the cost", type=float)
    _option(parser, "--label-weight", "weight of the labels in the cost (published: 1)", type=float)
    _option(
        parser,
        "--label-distance-kind",
        "training: distances from training to validation classes (published); validation: between "
        "validation classes only",
        choices=LABEL_DISTANCE_KINDS,
    )
    _option(parser, "--p", "exponent of the cost (published: 2)", type=int, choices=(1, 2))


def _add_batch_options(parser: argparse.ArgumentParser) -> None:
    """Add the settings of methods in batches."""
    _option(
        parser,
        "--batch-size",
        "for sava and batchwise-lava: most images a batch (default: 1024, or the largest that the "
        "memory limit allows)",
        type=int,
    )
    _option(
        parser,
        "--batches",
        "for sava and batchwise-lava: how images are dealt into batches",
        choices=BATCH_KINDS,
    )
    _option(
        parser,
        "--memory-limit",
        "for sava and batchwise-lava: megabytes that the solver may take beside the embeddings",
        type=float,
        metavar="MB",
    )


def _option(parser: argparse._ActionsContainer, flag: str, text: str, **settings: Any) -> None:
    """Add an option of the same name as a field of `ValueSpec`, with its default."""
    default = getattr(_DEFAULTS, flag.removeprefix("--").replace("-", "_"))
    if "choices" not in settings:
        settings.setdefault("metavar", "N" if settings.get("type") is int else "F")
    if default is not None:
        text = f"{text} (default: {default})"
    parser.add_argument(flag, default=default, help=text, **settings)


def execute(arguments: argparse.Namespace) -> int:
    """Value, and print where the run is and what it says."""
    names = set(vars(arguments)) & set(_DEFAULTS.configuration())
    settings = {name: getattr(arguments, name) for name in names - {"train", "validation"}}
    spec = ValueSpec(train=arguments.train, validation=arguments.val, **settings)
    with stoppable() as progress:
        if arguments.out is None:
            run, reused = value_at_home(spec, home(), progress)
        else:
            run, reused = value_run(spec, arguments.out, progress), False
    if reused:
        print("The same data were valued with the same settings before; this is that run.\n")
    print(summary(run))
    return 0


def _settings(run: Run) -> str:
    """Say which settings the run used, and what they found or why."""
    facts = run.record.details["settings"]
    found = facts.get("calibration")
    if found is None:
        return f"{facts['used']} ({facts['why']})"
    quality = found["expected"]["all faults"]
    return (
        f"{facts['used']}; faults planted in held-out validation images were found with AUROC "
        f"{quality['auroc']:.3f}"
    )


def _solution(solution: Solution | None) -> dict[str, str]:
    """Say how far the transport problem was solved, or that there is none."""
    if solution is None:
        return {"OT distance": "none: the method has no transport plan"}
    reached = "reached" if solution.converged else "NOT reached"
    return {
        "OT distance": f"{solution.transport_cost:.6g}",
        "Marginal error": f"{solution.marginal_error:.3g} after {solution.passes} passes "
        f"(tolerance {solution.tolerance:g} {reached})",
    }


def summary(run: Run) -> str:
    """Return what a finished run says, as text for people."""
    record = run.record
    stages = ", ".join(f"{k} {v:.1f}" for k, v in record.seconds.items() if k != "Total")
    left_out = record.train.unreadable + record.validation.unreadable
    worst = run.values.nsmallest(WORST_SHOWN, "value")
    return "\n".join(
        (
            facts(
                {
                    "Run folder": str(run.path),
                    "Images": f"{record.train.images:,} against {record.validation.images:,}"
                    + (f"; {left_out:,} left out as unreadable" if left_out else ""),
                    "Method": f"{method_title(record.method)} on {record.embedder}",
                    **_solution(record.solution),
                    "Settings": _settings(run),
                    "Seconds": f"{record.seconds.get('Total', 0.0):.1f} ({stages})",
                    "Peak memory": f"{record.peak_memory / 1e6:,.0f} MB",
                }
            ),
            "",
            f"The {len(worst)} images that hurt most (values are {record.value_unit})",
            table(
                ("value", "labelled", "id"),
                [
                    (f"{row.value:.4g}", str(row.class_name), str(row.id))
                    for row in worst.itertuples()
                ],
            ),
        )
    )
