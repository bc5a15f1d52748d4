"""``clipbench figures``: the paper's figures at one scale.

Each comes with what the paper says and whether that appears here.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from clipbench.cli.shared import Options, Parser, add, positive
from clipbench.errors import UserError, did_you_mean


@dataclass(frozen=True, kw_only=True)
class FiguresOptions(Options):
    names: list[str]
    scale: str
    out: Path
    model: str | None
    records: Path | None
    pictures: int
    tasks: list[str] | None
    no_measuring: bool
    plan: bool
    device: str


def add_to(commands) -> None:
    about = "draw the paper's figures from shipped records, or measure what is missing"
    parser = add(commands, "figures", figures, show, about, FiguresOptions)
    add_arguments(parser)


def add_arguments(parser: Parser) -> None:
    parser.add_argument(
        "names", nargs="*", metavar="FIGURE", help="such as fig04 fig08 typographic (default: all)"
    )
    parser.add_argument("--scale", choices=["tiny", "classroom", "full"], default="classroom")
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="DIR",
        help="a folder for the pictures, the page"
        " figures.md, and the records that are made on the way",
    )
    parser.add_argument(
        "--model", help="instead of the scale's model: a name, a folder or a hub id"
    )
    parser.add_argument(
        "--records", type=Path, metavar="DIR", help="of records (default: those of clipbench)"
    )
    parser.add_argument(
        "--pictures",
        type=positive(int),
        default=500,
        metavar="N",
        help="of each measurement that is made now (default 500)",
    )
    parser.add_argument(
        "--tasks", nargs="+", metavar="TASK", help="of the scene suite, where it is measured now"
    )
    parser.add_argument("--no-measuring", action="store_true", help="draw from records only")
    parser.add_argument(
        "--plan",
        action="store_true",
        help="only say which data the figures need, where they come "
        "from, and how many minutes a T4 would take",
    )
    parser.add_argument("--device", default="auto")


def figures(options: FiguresOptions) -> dict:
    from clipbench.paper_figures import FIGURES, LEFT_OUT, Sources, finding_of
    from clipbench.paper_figures.page import make_folder, write_page
    from clipbench.paper_figures.plan import plan

    wanted = checked(options.names, FIGURES, LEFT_OUT)
    check_tasks(options.tasks or ())
    if options.records is not None and not options.records.is_dir():
        raise UserError(f"no folder of records: {options.records}")
    make_folder(options.out)  # before anything is measured
    sources = Sources(
        options.scale,
        options.model,
        options.records,
        options.out / "records",
        options.pictures,
        options.tasks,
        options.device,
        not options.no_measuring,
    )
    if options.plan:
        return {
            "scale": options.scale,
            "model": str(sources.model),
            "plan": plan(wanted, sources),
        }
    found = {}
    for name in wanted:
        finding = finding_of(name, sources)
        found[name] = (finding, list(sources.used))
        if not options.json:
            print(f"clipbench: {name}: {finding.appears}", file=sys.stderr, flush=True)
    page = write_page(options.out, found, sources)
    return {
        "scale": options.scale,
        "model": str(sources.model),
        "page": str(page),
        "figures": {
            name: {
                "finding": finding.finding,
                "appears": finding.appears,
                "spread": finding.spread,
                "records": records,
            }
            for name, (finding, records) in found.items()
        },
        "left_out": LEFT_OUT,
    }


def checked(names: list[str], known, left_out) -> list[str]:
    """Check the names of figures, and return those to make.

    Raises:
        UserError: for a name that is no figure's, or that of one that is left out, with the reason.
    """
    for name in names:
        if name in left_out:
            raise UserError(f"{name} is not drawn: {left_out[name]}")
        if name not in known:
            raise UserError(
                f"no figure {name!r}{did_you_mean(name, known)}; choose from {', '.join(known)}"
            )
    return list(names or known)


def check_tasks(tasks: Sequence[str]) -> None:
    """Check that the scene suite has these tasks.

    Raises:
        UserError: for a task that the scene suite does not have.
    """
    from clipbench.data.world.scene_tasks import scene_task

    for name in tasks:
        scene_task(name)


def show(result: dict) -> str:
    if "plan" in result:
        from clipbench.paper_figures.plan import shown

        return f"{result['model']} at {result['scale']}\n{shown(result['plan'])}"
    lines = [
        f"{name:<12} {each['appears']:<16} {each['finding']}"
        for name, each in result["figures"].items()
    ]
    left_out = ", ".join(result["left_out"])
    return "\n".join(
        [*lines, f"left out, with reasons on the page: {left_out}", f"page: {result['page']}"]
    )
