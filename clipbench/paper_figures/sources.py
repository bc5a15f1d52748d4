"""Where a paper figure's numbers come from: a shipped record, one made before, or a measurement made now."""

import json
import re
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path

from clipbench.errors import UserError
from clipbench.records import make_record, read_record, shipped_records, write_record

MODELS = {"tiny": "tiny", "classroom": "classroom", "full": "openai/clip-vit-base-patch32"}


class NoRecord(UserError):
    """Numbers that nobody has made yet, with the command that makes them."""

    def __init__(self, name: str, command: str):
        super().__init__(f"no record {name}.json; make it with: {command}")


class Sources:
    """Numbers for figures at one scale.

    Args:
        scale: "tiny", "classroom" or "full".
        model: in place of the scale's model; shipped records of its own are known of twins only.
        shipped: folder of records that come with the package.
        made: folder for records that are measured here; None measures nothing.
        pictures: of each measurement made here.
        tasks: of the scene suite (default all).
    """

    def __init__(self, scale: str = "classroom", model: str | None = None, shipped: Path | None = None,
                 made: Path | None = None, pictures: int = 500, tasks: Sequence[str] | None = None,
                 device: str = "cpu"):  # fmt: skip
        if scale not in MODELS:
            raise UserError(f"no scale {scale!r}; choose from {', '.join(MODELS)}")
        self.scale, self.model, self.pictures, self.device = scale, str(model or MODELS[scale]), pictures, device
        self.prefix = scale if model is None else re.sub(r"[^\w.-]+", "-", str(model)).strip("-.")
        self.shipped, self.made = shipped or shipped_records(), made
        self.tasks = tasks
        self.used: list[str] = []  # names of the records that were read, in order

    @cached_property
    def encoder(self):
        from clipbench.devices import pick_device
        from clipbench.encoders import load

        return load(self.model, pick_device(self.device))

    def own(self, name: str) -> str:
        """The name of this model's record."""
        return f"{self.prefix}-{name}"

    def file(self, name: str) -> Path | None:
        """The record's file, one that was made here first."""
        places = [self.made] if self.made else []
        foreign = self.prefix != self.scale and not self.model.startswith("twin:")
        places += [] if foreign and name.startswith(f"{self.prefix}-") else [self.shipped]
        return next((place / f"{name}.json" for place in places if (place / f"{name}.json").exists()), None)

    def has(self, name: str) -> bool:
        return self.file(name) is not None

    def record(self, name: str, command: str) -> dict:
        """A record that exists.

        Raises:
            NoRecord: with the command that makes it.
        """
        if (file := self.file(name)) is None:
            raise NoRecord(name, command)
        self.used.append(name)
        return read_record(file)

    def raw(self, name: str, command: str) -> dict:
        """What a benchmark printed with --json.

        Raises:
            NoRecord: with the command that makes it.
        """
        if (file := self.file(name)) is None:
            raise NoRecord(name, command)
        self.used.append(name)
        return json.loads(file.read_text(encoding="utf-8"))

    def metrics(self, name: str, command: str, measure: Callable[[], dict] | None = None) -> dict:
        """The metrics of this model's record, measured now where there is none.

        Raises:
            NoRecord: where nothing may be measured.
        """
        own = self.own(name)
        if self.file(own) is None and measure and self.made:
            import time

            began = time.perf_counter()
            metrics = measure()
            settings = {"task": name, "model": self.model, "pictures": self.pictures}
            record = make_record(metrics, settings, self.encoder.fingerprint, time.perf_counter() - began)
            write_record(self.made / f"{own}.json", record)
        return self.record(own, command)["metrics"]
