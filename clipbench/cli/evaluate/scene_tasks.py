"""``clipbench eval scene-tasks``: the suite of questions about scenes, zero-shot and by probes."""

import argparse
import sys
from dataclasses import dataclass

from clipbench.cli.evaluate.options import (
    EvaluateOptions,
    add_baselines,
    add_interval,
    add_shots,
    note_no_copy,
)
from clipbench.cli.metrics_page import VIEWS, baseline_lines, cell
from clipbench.cli.shared import Parser, positive

NAME = "scene-tasks"
CELL = 23  # letters of a column: "100.0 (99.9 to 100.0)" and a gap
ABOUT = (
    "fourteen questions about scenes (count, position, relation, sign word, ...), "
    "zero-shot and by linear probes"
)


@dataclass(frozen=True, kw_only=True)
class Options(EvaluateOptions):
    interval: str
    tasks: list[str] | None
    pictures: int
    train: int
    shots: tuple[int, ...]
    seeds: int
    baselines: bool


def add_arguments(parser: Parser) -> None:
    parser.set_defaults(data="scenes")
    add_interval(parser)
    add_baselines(parser)
    parser.add_argument(
        "--tasks", nargs="+", metavar="TASK", help="such as count relation (default: all)"
    )
    parser.add_argument(
        "--pictures",
        type=positive(int),
        default=1000,
        metavar="N",
        help="test scenes of each task (default 1000)",
    )
    parser.add_argument(
        "--train",
        type=whole,
        default=2000,
        metavar="N",
        help="training scenes of each probe; 0 for no probes (default 2000)",
    )
    add_shots(parser, "also probes of this many scenes of each answer, such as 1,2,4,8,16")


def whole(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"must be a whole number from 0 up, not {text}")
    return int(text)


def measure(encoder, options: Options) -> tuple[dict, dict]:
    """Give (metrics of every task and their means, settings)."""
    from statistics import fmean

    from clipbench.errors import UserError
    from clipbench.evaluate.scene_tasks import scene_task_metrics

    if options.data not in ("scenes", "scenes2"):
        raise UserError("the scene tasks draw their own scenes; as data give scenes or scenes2")
    if options.shots and not options.train:
        raise UserError("shots are drawn from the training scenes; leave --train 0 out")
    if options.baselines and options.train:
        note_no_copy(encoder)
    tasks = tasks_of(options.data, options.tasks)
    found = {}
    for task in tasks:
        found[task.name] = scene_task_metrics(
            encoder,
            task,
            options.pictures,
            options.train,
            not options.json,
            options.interval,
            options.shots,
            range(options.seeds),
            options.baselines,
        )
        if not options.json:
            print(f"clipbench: {task.name} done", file=sys.stderr, flush=True)
    metrics = {
        f"{name}/{key}": value for name, numbers in found.items() for key, value in numbers.items()
    }
    for kind in ("zero_shot", "probe", "chance"):
        if all(kind in numbers for numbers in found.values()):
            metrics[f"mean_{kind}"] = fmean(float(numbers[kind]) for numbers in found.values())
    return metrics, {
        "tasks": [task.name for task in tasks],
        "templates": {task.name: list(task.templates) for task in tasks},
        "seeds": {task.name: [task.seed, task.seed + 1] for task in tasks},
        "train": options.train,
        "shots": list(options.shots),
        "shot_seeds": options.seeds if options.shots else 0,
        "features": "zero-shot: projected; probe: before the projection",
        "interval": f"95 % {options.interval}",
    }


def tasks_of(data: str, names: list[str] | None) -> list:
    """Select the named tasks of a world, or all of them."""
    from clipbench.data.world.scene_tasks import TASKS, named_task
    from clipbench.data.world2.tasks import TASKS2

    known = TASKS2 if data == "scenes2" else TASKS
    return [named_task(name, known) for name in names or known]


def show(record: dict) -> str:
    """Format one line for each task, in per cent."""
    metrics, settings = record["metrics"], record["settings"]
    lines = [
        f"scene tasks of {settings['model']}, per cent (95 % interval)",
        f"{'task':<16}{'chance':>7}   {'zero-shot':<{CELL}}{'linear probe':<{CELL}} question",
    ]
    for task in tasks_of(settings["data"], settings["tasks"]):
        name = task.name
        cells = "".join(
            f"{cell(metrics, f'{name}/{kind}'):<{CELL}}" for kind in ("zero_shot", "probe")
        )
        lines.append(f"{name:<16}{100 * metrics[f'{name}/chance']:7.1f}   {cells} {task.about}")
    means = "".join(f"{mean(metrics, kind):<{CELL}}" for kind in ("zero_shot", "probe"))
    lines.append(f"{'mean':<16}{100 * metrics['mean_chance']:7.1f}   {means}")
    rows = {name: f"{name}/" for name in settings["tasks"]}
    lines += baseline_lines("baselines", rows, metrics, ("texts", *VIEWS))
    return "\n".join(lines)


def mean(metrics: dict, kind: str) -> str:
    return f"{100 * metrics[f'mean_{kind}']:5.1f}" if f"mean_{kind}" in metrics else ""
