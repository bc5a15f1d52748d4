"""``clipbench sweep``: train every run of a sweep file, measure it, and tabulate the spread."""

import argparse
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from clipbench.cli.shared import Options, add, note, positive
from clipbench.files import atomic_write

if TYPE_CHECKING:
    from clipbench.training.sweep import Run, Sweep

TRAINED = "trained.json"  # in a run's folder, once its training is finished
# one thread each: N processes of one thread train faster than one process of N
ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}


@dataclass(frozen=True, kw_only=True)
class SweepOptions(Options):
    file: Path
    out: Path
    only: tuple[int, int]
    jobs: int | None
    table: bool


def add_to(commands) -> None:
    parser = add(
        commands,
        "sweep",
        sweep,
        show,
        "train presets x settings x seeds, measure each, and tabulate them",
        SweepOptions,
        lambda result: 1 if result["failed"] else 0,
    )
    parser.add_argument("file", type=Path, help="a .json file; see docs/sweeps.md")
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="DIR",
        help="a folder for the runs and their records; what is there is not made again",
    )
    parser.add_argument(
        "--only",
        type=part,
        default=(1, 1),
        metavar="K/N",
        help="the K-th of N shares of the runs, such as 3/8 for the third job of an array",
    )
    parser.add_argument(
        "--jobs",
        type=positive(int),
        metavar="N",
        help="runs at a time (default: one for each core, and one on a GPU)",
    )
    parser.add_argument(
        "--table", action="store_true", help="train nothing: tabulate the records that are there"
    )


def part(text: str) -> tuple[int, int]:
    number, slash, parts = text.partition("/")
    if not (slash and number.isdecimal() and parts.isdecimal() and 1 <= int(number) <= int(parts)):
        raise argparse.ArgumentTypeError(f"must be K/N with K from 1 to N, not {text}")
    return int(number), int(parts)


def sweep(options: SweepOptions) -> dict:
    from clipbench.training.sweep import read_sweep, share

    plan = read_sweep(options.file)
    check_commands(plan, options.out)
    failed: dict[str, str] = {}
    if not options.table:
        note_time_budgets(plan)
        chosen = share(plan.runs, *options.only)
        failed = run_all(chosen, Worker(plan, options.out), options.jobs or usual_jobs())
    return {"out": str(options.out), "runs": len(plan.runs), "failed": failed} | tabulated(
        plan, options.out
    )


def check_commands(plan: "Sweep", out: Path) -> None:
    """Check every command before the first one runs.

    Raises:
        UserError: for an option that training or an evaluation does not know, or a wrong preset.
    """
    from clipbench.cli.main import build_parser
    from clipbench.training.presets import find_preset

    parser = build_parser()
    for run in plan.runs:
        parser.parse_args(run.words(out / run.name))
        find_preset(run.preset)
    for words in plan.evaluate:
        parser.parse_args(["eval", *words, "--model", "tiny"])


def note_time_budgets(plan: "Sweep") -> None:
    """Say that runs with a time budget are not comparable where they share cores."""
    from clipbench.training.presets import find_preset

    named = {*plan.train, *plan.grid}
    timed = [name for name in plan.presets if find_preset(name).train.pairs is None]
    if "minutes" in named or (timed and "pairs" not in named):
        note("these runs train by the clock, so runs that share cores see fewer pairs; give pairs")


def usual_jobs() -> int:
    from clipbench.compute.devices import pick_device
    from clipbench.compute.limits import allowed_cores

    return allowed_cores() if pick_device("auto").type == "cpu" else 1


# -------------------- the runs


@dataclass
class Worker:
    """Does what is missing of one run after the other, in processes of their own."""

    plan: "Sweep"
    out: Path
    stopping: threading.Event = field(default_factory=threading.Event)
    running: set[subprocess.Popen] = field(default_factory=set)

    def do(self, run: "Run") -> str:
        """Train and measure a run, as far as that is not done; gives what went wrong, or ""."""
        wrong = self.train(run)
        for words in self.plan.evaluate:
            wrong = wrong or self.evaluate(run, words)
        if not self.stopping.is_set():
            note(f"{run.name}: {wrong or 'done'}")
        return wrong

    def train(self, run: "Run") -> str:
        folder = self.out / run.name
        if (folder / TRAINED).exists():
            return ""
        words = [*run.words(folder), "--json"]
        if "threads" not in dict(run.options) and not self.plan.launch:
            words += ["--threads", "1"]
        if any(folder.glob("step-*")):
            words.append("--resume")
        wrong, printed = self.call([*(self.plan.launch or python()), *words])
        if wrong:
            return wrong
        ended = json.loads(printed.strip().splitlines()[-1])
        if not ended["finished"]:
            return "stopped before its end; run the sweep again to go on"
        atomic_write(folder / TRAINED, (json.dumps(ended) + "\n").encode())
        return ""

    def evaluate(self, run: "Run", words: Sequence[str]) -> str:
        file = record_file(self.out, run, words)
        if file.exists():
            return ""
        model = ["--model", str(self.out / run.name), "--out", str(file)]
        return self.call([*python(), "eval", *words, *model, "--json"])[0]

    def call(self, command: list[str]) -> tuple[str, str]:
        """Run a command to its end: (what went wrong, what it printed)."""
        if self.stopping.is_set():
            return "not begun", ""
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            env=os.environ | ONE_THREAD,
        )
        self.running.add(process)
        printed, told = process.communicate()
        self.running.discard(process)
        if process.returncode:
            return (told.strip().splitlines() or [f"exit code {process.returncode}"])[-1], printed
        return "", printed

    def stop(self) -> None:
        """End what runs; a training keeps a checkpoint of where it was."""
        self.stopping.set()
        for process in list(self.running):
            process.terminate()


def python() -> list[str]:
    return [sys.executable, "-m", "clipbench"]


def run_all(runs: Sequence["Run"], worker: Worker, jobs: int) -> dict[str, str]:
    """Do the runs, some at a time: name -> what went wrong, of those that failed."""
    with sigterm_as_ctrl_c(), ThreadPoolExecutor(jobs) as pool:
        try:
            found = list(pool.map(worker.do, runs))
        except KeyboardInterrupt:
            worker.stop()
            raise
    return {run.name: wrong for run, wrong in zip(runs, found, strict=True) if wrong}


@contextmanager
def sigterm_as_ctrl_c():
    """Treat a cluster's SIGTERM as Ctrl-C: trainings save where they are."""

    def interrupt(*_):
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


# -------------------- the table


def record_file(out: Path, run: "Run", words: Sequence[str]) -> Path:
    """Name the record of one evaluation of a run."""
    told = "-".join(word.lstrip("-") for word in words if word != "--data")
    return out / "records" / f"{run.name}-{told.replace('/', '-').replace(':', '-')}.json"


def tabulated(plan: "Sweep", out: Path) -> dict:
    """Summarise the records: ``settings`` and each evaluation's numbers over the seeds.

    ``table`` has a row for each setting and each number with an interval: ``setting``,
    ``evaluation``, ``metric``, ``seeds``, ``mean``, ``low`` and ``high`` (95 % Student over two
    seeds or more, else of the pictures), ``least``, ``most``. ``missing`` are runs without one.
    """
    rows, missing = [], []
    for words in plan.evaluate:
        by_setting: dict[str, list[dict]] = {}
        for run in plan.runs:
            file = record_file(out, run, words)
            if file.exists():
                by_setting.setdefault(run.setting, []).append(metrics_of(file))
            else:
                missing.append(f"{run.name}: {' '.join(words)}")
        for setting, found in by_setting.items():
            rows += rows_of(setting, " ".join(words), found)
    return {"table": rows, "missing": missing}


def metrics_of(file: Path) -> dict:
    from clipbench.evaluate.records.record import read_record

    return read_record(file)["metrics"]


def rows_of(setting: str, evaluation: str, found: list[dict]) -> list[dict]:
    from clipbench.evaluate.statistics.effects import Effect, over_runs

    rows = []
    for name in [name for name in found[0] if f"{name}_low" in found[0]]:
        seen = [
            Effect(each[name], each[f"{name}_low"], each[f"{name}_high"])
            for each in found
            if name in each
        ]
        effect, values = over_runs(seen, len(seen)), [each.value for each in seen]
        rows.append(
            {
                "setting": setting,
                "evaluation": evaluation,
                "metric": name,
                "seeds": len(seen),
                "mean": effect.value,
                "low": effect.low,
                "high": effect.high,
                "least": min(values),
                "most": max(values),
            }
        )
    return rows


def show(result: dict) -> str:
    """Format the table in per cent, then what is missing and what failed."""
    rows = result["table"]
    width = max((len(row["setting"]) for row in rows), default=8)
    lines = [f"{'setting':<{width}}  {'metric':<20}{'seeds':>6}{'mean':>8}   {'95 %':<16}from   to"]
    lines += [table_line(row, width) for row in rows]
    lines += [f"failed: {name}: {why}" for name, why in result["failed"].items()]
    if result["missing"]:
        lines.append(f"{len(result['missing'])} of the records are not there yet")
    return "\n".join(lines if rows else lines[1:])


def table_line(row: dict, width: int) -> str:
    mean, low, high, least, most = (
        100 * row[part] for part in ("mean", "low", "high", "least", "most")
    )
    ends = f"{low:5.1f} to {high:<7.1f}{least:5.1f}{most:5.1f}"
    return f"{row['setting']:<{width}}  {row['metric']:<20}{row['seeds']:>6}{mean:8.1f}   {ends}"
