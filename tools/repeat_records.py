"""Run recorded evaluations again, and compare every number.

    python -m tools.repeat_records --count 10 --seed 20261129 [--longest 180] [--list]

It draws records whose model is shipped, by the seed, runs the command of each as it is recorded,
with another file for the new record, and counts the numbers that differ; how many seconds
something took is no result. Records that took longer than ``--longest`` seconds are named and left
out. Run it on a machine that did not make the records.
"""

import argparse
import json
import math
import random
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from clipbench.errors import UserError
from clipbench.evaluate.records.compare import is_number
from clipbench.evaluate.records.record import shipped_records
from clipbench.pretrained.folders import find_folder


@dataclass(frozen=True)
class Repeated:
    """What became of one record."""

    name: str
    numbers: int
    differing: dict[str, tuple[float, float]]  # metric -> (recorded, now)
    seconds: float

    def line(self) -> str:
        most = max((abs(a - b) for a, b in self.differing.values()), default=0.0)
        told = f"{len(self.differing)} differ, by {most:.1e} at most" if most else "none differs"
        return f"{self.name}: {self.numbers} numbers, {told} ({self.seconds:.0f} s)"


def repeatable() -> dict[str, dict]:
    """Read the records of evaluations whose model is shipped: name -> record."""
    files = sorted(shipped_records().glob("*.json"))
    records = {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in files}
    return {
        name: record
        for name, record in records.items()
        if str(record.get("command", "")).startswith("clipbench eval ") and is_shipped(record)
    }


def is_shipped(record: Mapping) -> bool:
    try:
        find_folder(record["settings"].get("model", ""))
    except (UserError, OSError):
        return False
    return not str(record["settings"]["model"]).startswith("runs/")


def draw(records: Mapping[str, dict], count: int, seed: int) -> list[str]:
    """Draw names without regard to what they hold, in the order of the draw."""
    return random.Random(seed).sample(sorted(records), min(count, len(records)))


def repeat(name: str, record: Mapping) -> Repeated:
    """Run a record's command again, and compare."""
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "again.json"
        subprocess.run(
            [sys.executable, "-m", *command(record, file)], check=True, stdout=subprocess.DEVNULL
        )
        now = json.loads(file.read_text(encoding="utf-8"))["metrics"]
    return Repeated(
        name,
        len(results(record["metrics"])),
        differing(record["metrics"], now),
        time.perf_counter() - began,
    )


def command(record: Mapping, out: Path) -> list[str]:
    """Give the recorded command's words with another output file, on the CPU."""
    words = shlex.split(record["command"])
    if "--out" in words:
        place = words.index("--out")
        del words[place : place + 2]
    words = [word for word in words if word != "--json"]
    device = [] if "--device" in words else ["--device", "cpu"]
    return [*words, *device, "--out", str(out), "--json"]


def differing(recorded: Mapping, now: Mapping) -> dict[str, tuple[float, float]]:
    """List the numbers that are not the same to the last digit, or are missing now."""
    return {
        name: (value, now.get(name, math.nan))
        for name, value in results(recorded).items()
        if now.get(name) != value
    }


def results(metrics: Mapping) -> dict[str, float]:
    """Give the numbers that a second run should find again."""
    return {
        name: value
        for name, value in metrics.items()
        if is_number(value) and not name.endswith("seconds")
    }


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=10)
    parser.add_argument("--seed", type=int, default=20261129)
    parser.add_argument("--longest", type=float, default=180, help="seconds (default 180)")
    parser.add_argument("--list", action="store_true", help="only say which are drawn")
    asked = parser.parse_args(arguments)
    records = repeatable()
    total = same = 0
    print(f"{len(records)} records can be repeated; {asked.count} drawn by seed {asked.seed}")
    for name in draw(records, asked.count, asked.seed):
        if (took := records[name].get("seconds", 0)) > asked.longest or asked.list:
            print(f"{name}: took {took:.0f} s{'' if asked.list else ', left out'}", flush=True)
            continue
        found = repeat(name, records[name])
        total, same = total + found.numbers, same + found.numbers - len(found.differing)
        print(found.line(), flush=True)
        for metric, (then, here) in found.differing.items():
            print(f"  {metric}: {then!r} -> {here!r}", flush=True)
    print(f"{same} of {total} numbers are the same to the last digit")


if __name__ == "__main__":
    main(sys.argv[1:])
