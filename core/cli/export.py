"""`export`: the decisions on a run's images, as files."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from core.cli.progress import stoppable
from core.cli.run import run_given
from core.cli.text import facts
from core.curation import (
    FORMATS,
    LINKS,
    PlanSettings,
    PrunePlan,
    RunDecisions,
    export,
    make_plan,
    open_store,
    resolve_plan,
    thin_classes,
)
from core.errors import ConfigError
from core.runs import home


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "export",
        help="write the decisions made in review, or the cleaned data",
        description=(
            "Write what was decided about a run's images, or the images that stay, with their\n"
            "provenance. Only images decided 'remove' go, unless one of the --plan options takes\n"
            "more of them, worst first; one decided 'keep' or 'relabel' always stays."
        ),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="formats:\n"
        + "\n".join(f"  {name:<12} {item.purpose}" for name, item in FORMATS.items()),
    )
    parser.set_defaults(execute=execute)
    parser.add_argument("--run", metavar="RUN", required=True, help="run folder, or run id")
    parser.add_argument("--format", choices=tuple(FORMATS), default="csv", help="default: csv")
    parser.add_argument(
        "--out", metavar="DIR", type=Path, required=True, help="folder, absent or empty"
    )
    parser.add_argument(
        "--link",
        choices=LINKS,
        default="copy",
        help="how pictures that are files get into the folder (default: copy)",
    )
    _add_plan(parser)


def _add_plan(parser: argparse.ArgumentParser) -> None:
    plan = parser.add_argument_group("prune plan")
    budget = plan.add_mutually_exclusive_group()
    budget.add_argument(
        "--plan-suggested",
        action="store_true",
        help="remove all that the run suggests: what looks harmful, and of a likely backdoor more",
    )
    budget.add_argument(
        "--plan-count",
        metavar="N",
        type=int,
        help="remove N images in all, those decided included",
    )
    budget.add_argument(
        "--plan-share", metavar="F", type=float, help="remove the share F of all images, 0 to 1"
    )
    budget.add_argument(
        "--plan-value", metavar="V", type=float, help="remove every image of a value below V"
    )
    plan.add_argument(
        "--plan-unsure", action="store_true", help="images decided 'unsure' may be removed, too"
    )
    plan.add_argument(
        "--plan-class-share",
        metavar="F",
        type=float,
        help="of no class more than the share F goes, 0 to 1",
    )
    plan.add_argument(
        "--plan-class",
        metavar="NAME=F",
        action="append",
        default=[],
        help="the same for one class; NAME=0 protects it; may be given again",
    )
    plan.add_argument(
        "--plan-class-minimum",
        metavar="N",
        type=int,
        default=0,
        help="no class is brought below N images",
    )
    plan.add_argument(
        "--plan-without",
        metavar="SRC",
        action="append",
        default=[],
        help="leave a whole source out, as run.json names it; may be given again",
    )
    plan.add_argument(
        "--resolve",
        action="store_true",
        help="solve again without the removed images, and say what that does to the OT distance",
    )


def execute(arguments: argparse.Namespace) -> int:
    """Write the files, and print their names."""
    run = run_given(arguments.run)
    decisions = RunDecisions(open_store(home()), run).current()
    plan = make_plan(run, decisions, plan_settings(arguments))
    effect: dict[str, Any] | None = None
    with stoppable() as progress:
        if arguments.resolve:
            effect = resolve_plan(run, plan, home(), progress).facts()
        written = export(
            run,
            decisions,
            arguments.format,
            arguments.out,
            plan=plan,
            link=arguments.link,
            effect=effect,
            progress=progress,
        )
    decided = int((decisions["verdict"] != "clear").sum())  # the others are only noted
    print(summary(plan, decided, effect))
    print(f"\nIn {arguments.out.absolute()}:")
    for path in written:
        print(f"  {path.name}{'/' if path.is_dir() else ''}")
    return 0


def plan_settings(arguments: argparse.Namespace) -> PlanSettings:
    """Return the settings of the plan that the options ask for.

    Raises
    ------
    ConfigError : an option is out of its range
    """
    amounts = {name: getattr(arguments, f"plan_{name}") for name in ("count", "share", "value")}
    without = "suggested" if arguments.plan_suggested else "decided"
    budget = next((name for name, amount in amounts.items() if amount is not None), without)
    return PlanSettings(
        budget=budget,
        amount=amounts.get(budget),
        unsure=arguments.plan_unsure,
        class_share=arguments.plan_class_share,
        class_shares=dict(map(_class_share, arguments.plan_class)),
        class_minimum=arguments.plan_class_minimum,
        without=tuple(arguments.plan_without),
    )


def _class_share(text: str) -> tuple[str, float]:
    name, _, share = text.rpartition("=")
    try:
        return name, float(share)
    except ValueError as error:
        raise ConfigError(f"--plan-class takes NAME=SHARE, as in cat=0.1; got {text!r}.") from error


def summary(plan: PrunePlan, decisions: int, effect: dict[str, Any] | None) -> str:
    """Return what goes and what stays, as text for people."""
    found = plan.facts()
    lines = {
        "Decisions": f"{decisions:,}",
        "Images kept": f"{found['kept']:,} of {found['images']:,}",
        "Removed": f"{found['removed_by_decision']:,} by decision, "
        f"{found['removed_by_plan']:,} by the plan",
        "Relabelled": f"{found['relabelled']:,}",
    }
    if plan.short:
        lines["Fewer than asked"] = (
            f"{plan.short:,}: decisions or the limits of classes forbid more"
        )
    if effect is not None:
        before, after = (effect[side]["transport_cost"] for side in ("before", "after"))
        lines["OT distance"] = f"{before:.4g} before, {after:.4g} after"
    for number, item in enumerate(thin_classes(plan)[:5], start=1):
        lines[f"Thin class {number}"] = item.sentence
    return facts(lines)
