"""`compare`: plant faults (or bring truth), and see which method finds them."""

from __future__ import annotations

import argparse
import json
from math import isnan
from pathlib import Path
from typing import Any

import pandas as pd

from core.cli.files import replace_file
from core.cli.progress import stoppable
from core.cli.text import facts, printable, table
from core.corruption import FAULTS, PlantedFault
from core.device import DEVICES
from core.errors import ConfigError
from core.lab import (
    SHARES,
    Experiment,
    ExperimentSpec,
    recall_column,
    run_experiment,
    usual_methods,
)
from core.runs import home
from core.valuation import METHODS

SUFFIXES = (".json", ".csv")
_SHOWN = (0.05, 0.1, 0.2)


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "compare",
        help="plant faults, or bring truth, and see which method finds them",
        description=(
            "Compare methods on data of your own: plant faults in the training set (a copy is "
            "made, the data stay as they are) or say which images are known to be faulty, and see "
            "how soon each method finds them, and what a network is like without the images that "
            "it ranks worst. The result is kept in Assay's home, and the Detection page shows it."
        ),
    )
    parser.set_defaults(execute=execute)
    parser.add_argument("--train", metavar="SRC", required=True, help="the training set")
    parser.add_argument("--val", metavar="SRC", required=True, help="the trusted validation set")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "--fault",
        metavar="NAME=SHARE[,OPTION=VALUE]",
        action="append",
        help="a fault to plant, as noisy-features=0.25,strength=0.5; give it again for several at "
        f"once. One of: {', '.join(FAULTS)}",
    )
    what.add_argument(
        "--truth", metavar="FILE", help="known faults, as for evaluate; or sample for the sample's"
    )
    parser.add_argument(
        "--methods",
        metavar="NAME,NAME",
        help=f"of {', '.join(METHODS)}; lava:published for the settings of the paper (default: "
        f"{', '.join(usual_methods())})",
    )
    parser.add_argument(
        "--seeds", metavar="N,N", default="0,1,2", help="one repetition each (default: 0,1,2)"
    )
    parser.add_argument("--images", metavar="N", type=int, help="take part of the training set")
    parser.add_argument(
        "--embedder", metavar="NAME", default="auto", help="as for value (default: auto)"
    )
    parser.add_argument(
        "--retrain", action="store_true", help="train the embedder anew for each seed"
    )
    parser.add_argument(
        "--learner", metavar="NAME", default="linear", help="what is retrained (default: linear)"
    )
    parser.add_argument(
        "--no-removal", action="store_true", help="don't train without the worst images"
    )
    parser.add_argument(
        "--test", metavar="SRC", help="images to measure accuracy on (default: the validation set)"
    )
    parser.add_argument("--device", choices=DEVICES, default="auto", help="where to compute")
    parser.add_argument(
        "--out",
        metavar="FILE",
        type=Path,
        help="where the measures go as well: .json or .csv; replaced if it exists",
    )


def execute(arguments: argparse.Namespace) -> int:
    """Do the experiment, and print what it says."""
    out: Path | None = arguments.out
    if out is not None and out.suffix.lower() not in SUFFIXES:
        raise ConfigError(f"--out must end in {' or '.join(SUFFIXES)}, got {out}.")
    spec = _spec(arguments)
    with stoppable() as progress:
        experiment, reused = run_experiment(spec, home(), progress)
    # It brings scikit-learn, which would slow every other command down.
    from core.evaluation import recommend, summarize

    if reused:
        print("The same was compared on the same data before; this is that result.\n")
    answer = recommend(experiment.detection, experiment.record.titles)
    print(answer.sentence)
    for note in answer.notes:
        print(note)
    print()
    print(_measures(experiment, summarize(experiment.detection)))
    print()
    print(_about(experiment))
    if out is not None:
        replace_file(out, _as_text(experiment, out.suffix.lower(), answer.sentence))
        print(f"Written to {out}")
    return 0


def _spec(arguments: argparse.Namespace) -> ExperimentSpec:
    try:
        seeds = tuple(int(seed) for seed in arguments.seeds.split(","))
    except ValueError as error:
        raise ConfigError(f"--seeds takes numbers, as 0,1,2; got {arguments.seeds}.") from error
    names = arguments.methods.split(",") if arguments.methods else ()
    return ExperimentSpec(
        train=arguments.train,
        validation=arguments.val,
        embedder=arguments.embedder,
        faults=tuple(map(PlantedFault.parse, arguments.fault or ())),
        truth=arguments.truth,
        methods=tuple(name.strip() for name in names),
        seeds=seeds,
        retrain=arguments.retrain,
        images=arguments.images,
        learner=arguments.learner,
        removal=not arguments.no_removal,
        test=arguments.test,
        device=arguments.device,
    )


def _measures(experiment: Experiment, summary: pd.DataFrame) -> str:
    """Return the table of all methods, the best first."""
    titles = experiment.record.titles
    head = ("method", "AUROC", "AP", "spread", *(f"first {s:.0%}" for s in _SHOWN), "seconds")
    rows = [
        (
            titles[row["method"]],
            f"{row['auroc']:.3f}",
            f"{row['average_precision']:.3f}",
            "" if pd.isna(row["average_precision_spread"]) else _spread(row),
            *(f"{row[recall_column(share)]:.1%}" for share in _SHOWN),
            f"{row['seconds']:.1f}",
        )
        for row in summary.to_dict("records")
    ]
    return table(head, rows)


def _spread(row: dict[Any, Any]) -> str:
    return f"{row['average_precision_spread']:.3f}"


def _about(experiment: Experiment) -> str:
    record = experiment.record
    effects = experiment.effects
    found = {
        "Experiment": record.id,
        "Faults": ", ".join(f"{count:,} {kind}" for kind, count in record.faults.items()),
        "Images": f"{record.data.images:,} against {record.validation.images:,}",
        "Embedder": record.embedder,
    }
    if len(effects):
        after = {name: _accuracy(effects, name, 0.1) for name in (*record.methods, "random")}
        ranking = [name for name in record.methods if name != "random"] or record.methods
        best = max(ranking, key=lambda name: after[name])
        found["Accuracy"] = (
            f"{_accuracy(effects, 'random', 0.0):.1%} with all images; without the worst 10 % by "
            f"{record.titles[best]} {after[best]:.1%}, without 10 % at random "
            f"{after['random']:.1%}"
        )
        found |= _suggested(experiment, best)
    for name, why in record.skipped.items():
        found[f"Left out: {name}"] = printable(why)
    found["Seconds"] = f"{record.seconds['Total']:.1f}"
    if record.run is not None:
        found["Run"] = record.run
    return facts(found)


def _suggested(experiment: Experiment, method: str) -> dict[str, str]:
    """Say what the removal does that a plan proposes, where that was tried."""
    tried = experiment.suggested(method)
    if tried is None:
        return {}
    title = experiment.record.titles[method]
    words = (
        f"without the {tried.share:.1%} that a plan by {title} proposes to remove: accuracy "
        f"{tried.accuracy[1]:.1%}"
    )
    before, after = tried.attack_success
    if not isnan(before):
        words += f", attack success {after:.1%} instead of {before:.1%}"
    return {"Suggested": words}


def _accuracy(effects: pd.DataFrame, order: str, share: float) -> float:
    """Return the mean accuracy over the seeds without this share of the worst images."""
    rows = effects[(effects["order"] == order) & (effects["end"] == "worst")]
    return float(rows.loc[rows["share"] == share, "accuracy"].mean())


def _as_text(experiment: Experiment, suffix: str, sentence: str) -> str:
    if suffix == ".csv":
        return experiment.detection.to_csv(index=False, lineterminator="\n")
    effects = experiment.effects
    content = {
        "schema_version": 1,
        "experiment": json.loads(experiment.record.to_json()),
        "answer": sentence,
        "shares": list(SHARES),
        "detection": experiment.detection.to_dict("records"),
        "effects": effects.astype(object).where(effects.notna(), None).to_dict("records"),
    }
    return json.dumps(content, indent=1) + "\n"
