"""``clipbench eval TASK``: measure a model.

There is one module for each task; each gives metrics and the switches that move them.

A task's ``measure(encoder, options)`` returns (metrics, settings), and perhaps a third dict: what
it said of every picture.
"""

import functools
import time
from pathlib import Path

from clipbench.cli.evaluate import (
    act,
    few_shot,
    hard_negatives,
    heads,
    linear_probe,
    multi_label,
    retrieval,
    robustness,
    scene_tasks,
    select_templates,
    sparse_autoencoder,
    typographic,
    units,
    zero_shot,
)
from clipbench.cli.evaluate.options import EvaluateOptions
from clipbench.cli.metrics_page import show_metrics
from clipbench.cli.shared import Parser, add, load_on_device

TASKS = (
    zero_shot, linear_probe, few_shot, multi_label, retrieval, hard_negatives, select_templates,
    typographic, robustness, scene_tasks, units, sparse_autoencoder, act, heads,
)  # fmt: skip


def add_to(commands) -> None:
    about = "measure a model"
    parser = commands.add_parser("eval", help=about, description=about)
    tasks = parser.add_subparsers(dest="task", required=True, metavar="TASK")
    for task in TASKS:
        show = getattr(task, "show", show_record)
        run = functools.partial(evaluate, task)
        add_common(add(tasks, task.NAME, run, show, task.ABOUT, task.Options), task)


def add_common(parser: Parser, task) -> None:
    """Add the arguments of every task, and the task's own."""
    parser.add_argument(
        "--model",
        default="classroom",
        help="tiny, classroom, twin:NAME, a model folder, a run's folder or a hub id",
    )
    parser.add_argument(
        "--data",
        default="scenes:heldout",
        help="scenes:heldout, twemoji, openmoji, digits,"
        " a folder, a .parquet file, or a hub id owner/name[:part]",
    )
    parser.add_argument("--out", type=Path, help="also write the record to this file")
    parser.add_argument("--device", default="auto")
    task.add_arguments(parser)


def evaluate(task, options: EvaluateOptions) -> dict:
    from clipbench.evaluate.records.record import make_record, write_record
    from clipbench.pretrained import random_weights

    began = time.perf_counter()
    encoder = load_on_device(options)
    metrics, settings, *outcomes = task.measure(encoder, options)
    record = make_record(
        metrics=metrics,
        settings={
            "task": task.NAME,
            "model": str(options.model),
            "data": options.data,
            **settings,
            **random_weights.settings(encoder.name),
        },
        fingerprint=encoder.fingerprint,
        seconds=time.perf_counter() - began,
    )
    if options.out:  # with what it said of every picture, for paired tests
        write_record(options.out, record | ({"outcomes": outcomes[0]} if outcomes else {}))
    return record


def show_record(record: dict) -> str:
    model, data = record["settings"]["model"], record["settings"]["data"]
    head = f"{record['settings']['task']} of {model} on {data}, in {record['seconds']:.1f} s"
    return f"{head}\n{show_metrics(record['metrics'])}"
