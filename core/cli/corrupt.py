"""`corrupt`: a new data source with planted faults, and the truth about them."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from core.cli.progress import stoppable
from core.cli.text import facts, table
from core.corruption import (
    FAULTS,
    Corrupted,
    Network,
    PlantedFault,
    corrupt,
    require_free,
    without_classes,
    write_corrupted,
)
from core.datasets import LabelledImages, open_source
from core.device import DEVICES
from core.embedding import EMBEDDERS, embed_pair
from core.errors import ConfigError
from core.lab import network_of
from core.progress import Progress
from core.runs import home


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "corrupt",
        help="plant faults with known truth in a copy of a set",
        description=(
            "Plant faults in a copy of a labelled image set, and write it as a new data source\n"
            "with the truth beside it (truth.csv, which `evaluate --truth` reads). The set itself\n"
            "is not changed. Several faults are planted in different images."
        ),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=_epilog(),
    )
    parser.set_defaults(execute=execute)
    parser.add_argument("--data", metavar="SRC", required=True, help="the set to plant faults in")
    parser.add_argument("--kind", choices=tuple(FAULTS), metavar="NAME", help="a fault, see below")
    parser.add_argument(
        "--fraction", metavar="F", type=float, help="its share, 0 to 1 (default: see below)"
    )
    parser.add_argument(
        "--option",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="a setting of --kind, as in --option strength=0.2; may be given again",
    )
    parser.add_argument(
        "--fault",
        metavar="TEXT",
        action="append",
        default=[],
        help="a fault with share and settings in one, as in noisy-features=0.25,strength=0.2; may "
        "be given again, and beside --kind",
    )
    parser.add_argument(
        "--seed", metavar="N", type=int, default=0, help="what chance follows from (default: 0)"
    )
    parser.add_argument(
        "--out", metavar="DIR", type=Path, required=True, help="folder, absent or empty"
    )
    parser.add_argument(
        "--val",
        metavar="SRC",
        help="the validation set: poison is made against a network trained on it and a target in "
        "it; where a class is removed it is written beside the data without that class",
    )
    parser.add_argument(
        "--embedder",
        metavar="NAME",
        default="convnet",
        help=f"the network that poison is made against: {', '.join(_with_network())} "
        "(default: convnet)",
    )
    parser.add_argument(
        "--device", choices=DEVICES, default="auto", help="where it is computed (default: auto)"
    )


def _with_network() -> list[str]:
    return [name for name, embedder in EMBEDDERS.items() if embedder.network is not None]


def _epilog() -> str:
    """Return what there is to plant: share, settings and words of each fault."""
    lines = ["faults, with their default share and settings:"]
    for name, fault in FAULTS.items():
        settings = ", ".join(fault.option_names()) or "no settings"
        lines += [
            f"  {name:<17} {fault.default_fraction:g} of {fault.share_of}",
            f"  {'':<17} {fault.title}; {settings}",
        ]
    return "\n".join(lines)


def execute(arguments: argparse.Namespace) -> int:
    """Plant, write, and print what is where."""
    asked = faults_asked(arguments)
    if arguments.seed < 0:
        raise ConfigError(f"--seed must be 0 or more, got {arguments.seed}.")
    needs_network = any(planted.fault.needs_network for planted in asked)
    if needs_network and arguments.val is None:
        raise ConfigError("Poison is made against a network: give the validation set with --val.")
    require_free(arguments.out)  # before hours of work, not after them
    with stoppable() as progress:
        data = open_source(arguments.data, progress=progress)
        validation = None
        if arguments.val is not None:
            validation = open_source(arguments.val, progress=progress)
        network = None
        if needs_network and validation is not None:
            network = _network(data, validation, arguments, progress)
        corrupted = corrupt(data, asked, seed=arguments.seed, network=network, progress=progress)
        beside = None
        if validation is not None and corrupted.removed_classes:
            beside = without_classes(validation, corrupted.removed_classes)
        path = write_corrupted(corrupted, arguments.out, validation=beside, progress=progress)
    print(summary(corrupted, path, beside is not None))
    return 0


def faults_asked(arguments: argparse.Namespace) -> list[PlantedFault]:
    """Return the faults that the options ask for.

    Raises
    ------
    ConfigError : none, or one that cannot be planted anywhere
    """
    asked = [PlantedFault.parse(text) for text in arguments.fault]
    if arguments.kind is None:
        if arguments.fraction is not None or arguments.option:
            raise ConfigError("--fraction and --option are about --kind, which is not given.")
        if not asked:
            raise ConfigError(f"Give a fault with --fault or --kind: {', '.join(FAULTS)}.")
        return asked
    if arguments.fraction is not None and not 0 < arguments.fraction <= 1:
        raise ConfigError(f"--fraction must be more than 0, at most 1, got {arguments.fraction}.")
    options: dict[str, Any] = {}
    for text in arguments.option:
        name, equals, value = text.partition("=")
        if not equals:
            raise ConfigError(f"--option takes NAME=VALUE, as in strength=0.2; got {text!r}.")
        options[name.strip()] = value.strip()
    return [PlantedFault(arguments.kind, arguments.fraction or 0.0, options), *asked]


def _network(
    data: LabelledImages,
    validation: LabelledImages,
    arguments: argparse.Namespace,
    progress: Progress,
) -> Network:
    """Return the embedder's network; both sets are embedded, as valuing the result needs it."""
    if arguments.embedder not in _with_network():
        raise ConfigError(
            f"The embedder {arguments.embedder!r} has no network that poison can be made against. "
            f"Choose one of: {', '.join(_with_network())}."
        )
    pair = embed_pair(
        data,
        validation,
        arguments.embedder,
        seed=arguments.seed,
        cache_dir=home() / "embeddings",
        device=arguments.device,
        progress=progress,
    )
    return network_of(pair, arguments.device)


def summary(corrupted: Corrupted, path: Path, has_validation: bool) -> str:
    """Return what was planted and where it is, as text for people."""
    found = corrupted.facts
    lines = {
        "Data": str(path),
        "Truth": str(path.parent / "truth.csv"),
        "Images": f"{found['images']:,}, of {found['images_before']:,} given",
    }
    if found["left_out"]:
        lines["Left out"] = f"{found['left_out']:,}"
    if found["embeddings_left_out"]:
        lines["Embeddings"] = "left out, as they are not those of the changed pictures"
    if corrupted.removed_classes:
        where = str(path.with_stem("validation")) if has_validation else "made with --val"
        lines["Class removed"] = (
            f"{', '.join(corrupted.removed_classes)}; value against a validation set without it "
            f"({where})"
        )
    rows = []
    for number, part in enumerate(found["faults"]):
        kind = FAULTS[part["name"]].kind
        rows.append((str(number + 1), part["name"], kind, f"{part['images']:,}"))
    return facts(lines) + "\n\n" + table(("", "fault", "kind in truth.csv", "images"), rows)
