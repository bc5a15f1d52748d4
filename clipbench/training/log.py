"""The files that a training run leaves to read.

``log.csv`` has one row for each step, ``events.jsonl`` has every event.
"""

import contextlib
import csv
import json
import os
from pathlib import Path
from typing import Any, TextIO

from clipbench.errors import missing_package

STEPS, EVENTS = "log.csv", "events.jsonl"
COLUMNS = (
    "step", "pairs", "seconds", "loss", "batch_accuracy", "scale", "learning_rate", "gradient_norm",
    "pairs_per_second", "tflops", "bias",
)  # fmt: skip


class TrainingLog:
    """A callback for a Trainer that writes the run's log files.

    Args:
        folder: the run's.
        tensorboard: also write the steps' numbers for TensorBoard.

    Attributes:
        start, last: the events of the start and of the last step.
    """

    def __init__(self, folder: str | Path, tensorboard: bool = False):
        self.folder = Path(folder)
        self.start: dict[str, Any] = {}
        self.last: dict[str, Any] = {}
        self.files: list[TextIO] = []
        self.board: Any = None  # a SummaryWriter
        self.open_board = board_writer() if tensorboard else None

    def __call__(self, event: dict) -> None:
        if event["event"] == "start":
            self.open(event)
        if event["event"] == "step":
            self.last = event
        # a full disk must not end the training; the log goes on once there is room
        with contextlib.suppress(OSError):
            self.write(event)
        if event["event"] == "end":
            self.close()

    def open(self, event: dict) -> None:
        self.start = event
        forget_later_steps(self.folder / STEPS, event["step"])
        end_last_line(self.folder / EVENTS)
        new = not (self.folder / STEPS).exists()
        steps = open(self.folder / STEPS, "a", buffering=1, newline="", encoding="utf-8")
        events = open(
            self.folder / EVENTS, "a", buffering=1, encoding="utf-8", errors="backslashreplace"
        )
        self.files = [steps, events]
        self.rows = csv.DictWriter(steps, COLUMNS, extrasaction="ignore")
        if new:
            self.rows.writeheader()
        if self.open_board:
            self.board = self.open_board(self.folder / "tensorboard", purge_step=event["step"])

    def write(self, event: dict) -> None:
        if not self.files:
            return
        rounded = {
            name: round(value, 6) if isinstance(value, float) else value
            for name, value in event.items()
        }
        self.files[1].write(json.dumps(rounded, ensure_ascii=False, default=str) + "\n")
        if event["event"] == "step":
            self.rows.writerow(rounded)
            for name, value in event.items() if self.board else ():
                if isinstance(value, float):
                    self.board.add_scalar(name, value, event["step"])

    def close(self) -> None:
        for file in [*self.files, *([self.board] if self.board else [])]:
            file.close()
        self.files, self.board = [], None


def board_writer():
    """Import TensorBoard's writer class.

    Raises:
        UserError: when the `tensorboard` package is absent.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise missing_package("a log for TensorBoard", "tensorboard", "tensorboard") from None
    return SummaryWriter


def read_steps(folder: str | Path) -> list[dict[str, float]]:
    """Read the steps of a run as numbers, in order.

    Columns that a step left empty are absent, and so is an unfinished last line.
    """
    file = Path(folder) / STEPS
    if not file.exists():
        return []
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    whole = [line for line in lines if line.endswith("\n")]
    rows = [row for row in csv.DictReader(whole) if None not in row.values()]
    return [{name: float(value) for name, value in row.items() if value} for row in rows]


def read_events(folder: str | Path) -> list[dict]:
    """Read every event of a run, of all its sessions; an unfinished line is left out."""
    events = []
    file = Path(folder) / EVENTS
    for line in file.read_text(encoding="utf-8").splitlines() if file.exists() else ():
        try:
            events.append(json.loads(line))
        except ValueError:
            continue
    return events


def forget_later_steps(file: Path, step: int) -> None:
    """Drop rows after ``step``.

    A killed run logged them, and goes on from a checkpoint before them.
    """
    if not file.exists():
        return
    kept = [row for row in read_steps(file.parent) if row["step"] <= step]
    part = file.with_name(f".{file.name}.part")
    with open(part, "w", newline="", encoding="utf-8") as out:
        rows = csv.DictWriter(out, COLUMNS, extrasaction="ignore")
        rows.writeheader()
        rows.writerows(
            {**row, "step": int(row["step"]), "pairs": int(row["pairs"])} for row in kept
        )
    os.replace(part, file)


def end_last_line(file: Path) -> None:
    """End a line that a killed run left unfinished, so that the next event begins a new one."""
    if file.exists() and file.stat().st_size and not file.read_bytes().endswith(b"\n"):
        with open(file, "a", encoding="utf-8") as out:
            out.write("\n")
