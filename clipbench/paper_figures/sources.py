"""Where a paper figure's numbers come from.

That is a shipped record, one made before, or a measurement made now.
"""

import json
import re
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path

from clipbench.errors import UserError
from clipbench.evaluate.records.record import (
    make_record,
    read_record,
    shipped_records,
    write_record,
)
from clipbench.pretrained import random_weights

MODELS = {"tiny": "tiny", "classroom": "classroom", "full": "openai/clip-vit-base-patch32"}


class NoRecord(UserError):
    """Numbers that nobody has made yet, with the command that makes them."""

    def __init__(self, name: str, command: str):
        super().__init__(f"no record {name}.json; make it with: {command}")


class Sources:
    """Numbers for figures at one scale.

    Args:
        scale: "tiny", "classroom" or "full".
        model: instead of the scale's model; shipped records of its own are known of twins only.
        shipped: folder of records that come with the package.
        made: folder of records that were measured here; without one nothing is measured.
        pictures: of each measurement made here.
        tasks: of the scene suite (default all).
        measuring: whether to measure what no record has; else it is said how.

    Attributes:
        used: names of the records that were read since ``begin``, in order.
        mark: what stands on a figure of these records, where a model with random weights made one
            of them.
    """

    def __init__(
        self,
        scale: str = "classroom",
        model: str | None = None,
        shipped: Path | None = None,
        made: Path | None = None,
        pictures: int = 500,
        tasks: Sequence[str] | None = None,
        device: str = "cpu",
        measuring: bool = True,
    ):
        if scale not in MODELS:
            raise UserError(f"no scale {scale!r}; choose from {', '.join(MODELS)}")
        self.scale, self.model, self.pictures, self.device = (
            scale,
            str(model or MODELS[scale]),
            pictures,
            device,
        )
        self.prefix = scale if model is None else re.sub(r"[^\w.-]+", "-", str(model)).strip("-.")
        self.shipped, self.made = shipped or shipped_records(), made
        self.tasks = tasks
        self.write_to = made if measuring else None  # the folder of records that are measured now
        self.begin()

    def begin(self) -> None:
        """Forget what was read: a new figure begins."""
        self.used: list[str] = []
        self.mark = ""

    @cached_property
    def encoder(self):
        from clipbench.encoders.clip import load

        return load(self.model, self.device, "fp32")

    def own(self, name: str) -> str:
        """Give the name of this model's record."""
        return f"{self.prefix}-{name}"

    def file(self, name: str) -> Path | None:
        """Find the record's file; one that was made here comes first."""
        places = [self.made] if self.made else []
        foreign = self.prefix != self.scale and not self.model.startswith("twin:")
        places += [] if foreign and name.startswith(f"{self.prefix}-") else [self.shipped]
        return next(
            (place / f"{name}.json" for place in places if (place / f"{name}.json").exists()), None
        )

    def has(self, name: str) -> bool:
        return self.file(name) is not None

    def record(self, name: str, command: str) -> dict:
        """Read a record that exists.

        Raises:
            NoRecord: with the command that makes it.
        """
        if (file := self.file(name)) is None:
            raise self.missing(name, command)
        record = read_record(file)
        self.used.append(name)
        if record["settings"].items() >= random_weights.ABOUT.items():
            self.mark = random_weights.MARK
        return record

    def missing(self, name: str, command: str) -> NoRecord:
        """Make the error for a record that is not there.

        It names the command, with {model}, {folder} and {name} filled in.
        """
        folder = self.made or Path("clipbench/assets/records")
        return NoRecord(name, command.format(model=self.model, folder=folder, name=name))

    def again(self, figure: str) -> str:
        """Give the command that measures a figure of this model."""
        model = f" --model {self.model}" if self.prefix != self.scale else ""
        out = self.made.parent if self.made else "figures"
        return f"clipbench figures {figure} --scale {self.scale}{model} --out {out}"

    def raw(self, name: str, command: str) -> dict:
        """Read what a benchmark printed with --json.

        Raises:
            NoRecord: with the command that makes it.
        """
        if (file := self.file(name)) is None:
            raise self.missing(name, command)
        self.used.append(name)
        return json.loads(file.read_text(encoding="utf-8"))

    def metrics(self, name: str, command: str, measure: Callable[[], dict] | None = None) -> dict:
        """Read the metrics of this model's record, measured now where there is none.

        Raises:
            NoRecord: where nothing may be measured.
        """
        own = self.own(name)
        if self.file(own) is None and measure and self.write_to:
            import time

            began = time.perf_counter()
            metrics = measure()
            settings = {"task": name, "model": self.model, "pictures": self.pictures}
            settings |= random_weights.settings(self.encoder.name)
            record = make_record(
                metrics, settings, self.encoder.fingerprint, time.perf_counter() - began
            )
            write_record(self.write_to / f"{own}.json", record)
        return self.record(own, command)["metrics"]
