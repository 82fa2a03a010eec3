"""`project`: what accuracy mixes of several sources will reach, and which mix to buy."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from core.acquisition import (
    MixRecord,
    Projection,
    ProjectionRecord,
    copy_projection,
    example_folder,
    order_csv,
    price_text,
    read_mixture,
    run_projection,
)
from core.cli.files import replace_file
from core.cli.progress import stoppable
from core.cli.text import facts, printable, table
from core.errors import ConfigError
from core.runs import home, require_free

EXAMPLE = "example"


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "project",
        help="project the accuracy of mixes of sources, and find the best mix to buy",
        description=(
            "You have pilots of several sources. Models are trained on mixes of them at small "
            "sizes, and a law fitted to their accuracies projects any mix at any size, with an "
            "interval. What is trained is kept: stopped work goes on where it was. The result is "
            "kept in Assay's home."
        ),
        epilog=(
            "mixture.toml: a table [[source]] for each source (name; pilot: a data source; and "
            "where they are known capacity, in images, price of an image, and ids, a CSV file of "
            "the pilot's images that count); [validation] (source); [test] (source, ids; without "
            "it half of the validation set is held out); [training] (embedder, learner, scales, "
            "points, repeats, table: accuracies of your own in place of training, with a column "
            "for each source, n and accuracy; seed, device); [projection] (predictor, sizes, "
            "currency). Paths are relative to the file."
        ),
    )
    parser.set_defaults(execute=execute)
    parser.add_argument(
        "--config",
        metavar="FILE",
        required=True,
        help=f"mixture.toml; {EXAMPLE} for three sources made of the bundled sample",
    )
    parser.add_argument(
        "--out", metavar="FOLDER", type=Path, help="a copy of the projection, absent or empty"
    )
    parser.add_argument(
        "--images", metavar="N", type=int, help="show the best mix of so many images"
    )
    parser.add_argument(
        "--budget",
        metavar="MONEY",
        type=float,
        help="show the best mix that this pays for; with --images, of so many images",
    )
    parser.add_argument(
        "--order",
        metavar="FILE.csv",
        type=Path,
        help="the order list of that mix: source, images, price, cost; replaced if it exists",
    )
    parser.add_argument(
        "--json",
        metavar="FILE",
        type=Path,
        help="what is printed, for programs; replaced if it exists",
    )


def execute(arguments: argparse.Namespace) -> int:
    """Do the projection, and print what it says."""
    n, budget = arguments.images, arguments.budget
    if arguments.order is not None and n is None and budget is None:
        raise ConfigError("--order needs --images or --budget, which say how much to buy.")
    if n is not None and n < 1:
        raise ConfigError(f"--images must be 1 or more, got {n}.")
    if budget is not None and not 0 < budget < float("inf"):
        raise ConfigError(f"--budget must be above 0, got {budget}.")
    if arguments.out is not None:
        require_free(arguments.out)
    path = Path(arguments.config)
    if arguments.config == EXAMPLE:
        path = example_folder() / "mixture.toml"
    spec = read_mixture(path)
    with stoppable() as progress:
        projection, reused = run_projection(spec, home(), progress)
    if arguments.out is not None:
        copy_projection(projection, arguments.out)
    chosen = _chosen(projection, n, budget)
    if reused:
        print("The same was projected from the same data before; this is that result.\n")
    print(summary(projection, chosen))
    if arguments.order is not None and chosen is not None:
        replace_file(arguments.order, order_csv(projection.record, chosen.counts))
        print(f"\nOrder list written to {arguments.order}")
    if arguments.json is not None:
        replace_file(arguments.json, _as_json(projection.record, chosen))
    return 0


def _chosen(projection: Projection, n: int | None, budget: float | None) -> MixRecord | None:
    """Return the best mix that was asked for, if one was."""
    if n is not None:
        return projection.described(projection.best(n, budget))
    if budget is not None:
        return projection.described(projection.best_for(budget))
    return None


def summary(projection: Projection, chosen: MixRecord | None = None) -> str:
    """Return what a projection says, as text for people."""
    record = projection.record
    parts = [
        _about(projection),
        _sources(record),
        *([findings] if (findings := _findings(projection)) else []),
        _predictors(projection),
        _mixes(record, record.best, "The best mix by size"),
        *([_mixes(record, (chosen,), "The best mix asked for")] if chosen is not None else []),
        _marginal(record, chosen or record.best[-1]),
    ]
    return "\n\n".join(parts)


def _about(projection: Projection) -> str:
    record = projection.record
    trained = "rows of a table" if record.from_table else "models trained"
    sizes = ", ".join(f"{n:,}" for n in record.scales)
    left_out = f"; the pilots are too small for {record.skipped} more" if record.skipped else ""
    return facts(
        {
            "Projection": str(projection.path),
            "Measured": f"{record.models} {trained} at {sizes} images{left_out}",
            "Accuracy on": "what the table was measured on"
            if record.from_table
            else f"{record.test.images:,} images",
            "Compared with": f"{record.validation.images:,} validation images, by OT on "
            f"{record.embedder}",
            "Seconds": f"{record.seconds.get('Total', 0.0):.1f}",
        }
    )


def _sources(record: ProjectionRecord) -> str:
    rows = [
        (
            offer.name,
            f"{offer.pilot.images:,}",
            f"{sum(count > 0 for count in offer.class_counts)} of {len(record.class_names)}",
            "not known" if offer.capacity is None else f"{offer.capacity:,}",
            price_text(offer.price, record.currency),
        )
        for offer in record.offers
    ]
    return table(("source", "pilot", "classes", "to be had", "price of an image"), rows)


def _findings(projection: Projection) -> str:
    """Return what to beware of, a line each; empty where there is nothing."""
    record = projection.record
    lines = [finding.sentence for finding in record.findings]
    lines += [record.test_note, _unsolved(projection)]
    return "\n".join(printable(line) for line in lines if line)


def _unsolved(projection: Projection) -> str:
    """Say how many OT distances were given up on; empty where there is none."""
    if projection.record.converged >= 1:
        return ""
    solved = len(projection.tangents.ratios)
    missed = round((1 - projection.record.converged) * solved)
    return (
        f"{missed:,} of the {solved:,} OT distances were not solved to their tolerance: the OT "
        "distance of a mix, and what is predicted from it, are less exact than elsewhere."
    )


def _predictors(projection: Projection) -> str:
    """Return what the data support, and how far each predictor misses the largest size."""
    record = projection.record
    shown = record.predictors[record.predictor]
    lines = [f"Projected by: {record.titles[record.predictor]}"]
    lines += [printable(note) for note in shown.notes]
    if projection.bend is not None:
        lines.append(projection.bend.sentence)
    rows = [
        (
            title,
            "" if one.held_out_error is None else f"{100 * one.held_out_error:.2f}",
            one.missing or (f"{one.parameters} parameters, {one.points} points"),
        )
        for title, one in (
            (title, record.predictors[name]) for name, title in record.titles.items()
        )
    ]
    head = ("predictor", "miss", "fit")
    about = (
        "Mean miss in points of accuracy, where the largest size is predicted from the smaller "
        "ones; empty where the sizes are too few."
    )
    return "\n".join((*lines, "", table(head, rows), about))


def _mixes(record: ProjectionRecord, mixes: tuple[MixRecord, ...], title: str) -> str:
    priced = all(offer.price is not None for offer in record.offers)
    head = ("images", *record.names, "accuracy", "90 % interval", "")
    rows = [
        (
            f"{mix.n:,}",
            *(f"{count:,}" for count in mix.counts),
            _percent(mix.accuracy),
            f"{_percent(mix.low)} to {_percent(mix.high)}",
            "projected" if mix.n > max(record.scales) else "trained at such sizes",
            *((f"{mix.cost:,.2f} {record.currency}",) if priced else ()),
        )
        for mix in mixes
    ]
    return "\n".join((title, table((*head, "cost") if priced else head, rows)))


def _percent(accuracy: float) -> str:
    """Return an accuracy as a percentage; what lies outside of 0 to 100 % is cut off and marked."""
    if 0 <= accuracy <= 1:
        return f"{accuracy:.1%}"
    return ">100 %" if accuracy > 1 else "<0 %"


def _marginal(record: ProjectionRecord, mix: MixRecord) -> str:
    """Return what 100 further images of each source would bring to a mix."""
    rows = []
    for offer, more in zip(record.offers, mix.per_image, strict=True):
        for_money = f"{100 * more / offer.price:+.4f}" if offer.price else ""
        rows.append((offer.name, f"{100 * 100 * more:+.4f}", for_money))
    head = ("source", "100 more images", f"one {record.currency} more")
    return "\n".join(
        (
            f"What more would bring to the mix of {mix.n:,}, in points of accuracy",
            table(head, rows),
        )
    )


def _as_json(record: ProjectionRecord, chosen: MixRecord | None) -> str:
    content = {
        "schema_version": 1,
        "projection": json.loads(record.to_json()),
        "chosen": None if chosen is None else asdict(chosen),
    }
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
