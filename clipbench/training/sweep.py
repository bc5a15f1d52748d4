"""A sweep: presets, settings and seeds, each combination a training run, in one JSON file.

The file says what to train and how each run is measured::

    {"presets": ["tiny", "experiments/tiny-no-signs.json"],
     "seeds": [0, 1, 2],
     "train": {"pairs": 150000},
     "grid": {"rates": [0.5, 1, 2]},
     "evaluate": [["zero-shot", "--data", "scenes:heldout256"]]}

``train`` and ``grid`` take the options of ``clipbench train``, with underscores. ``launch`` is what
to put before ``train`` in place of this Python's clipbench, such as
``["torchrun", "--nproc-per-node", "2", "-m", "clipbench"]``.
"""

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from clipbench.errors import UserError, did_you_mean

EVALUATIONS = (("zero-shot", "--data", "scenes:heldout256"),)


@dataclass(frozen=True)
class Run:
    """One training of a sweep.

    Attributes:
        setting: its name without the seed; runs that share it differ in the seed only.
        options: of ``clipbench train``: name with underscores -> value.
    """

    setting: str
    preset: str
    seed: int
    options: tuple[tuple[str, Any], ...] = ()

    @property
    def name(self) -> str:
        return f"{self.setting}-seed{self.seed}"

    def words(self, out: Path) -> list[str]:
        """Give the words after ``clipbench`` of the command that trains it into a folder."""
        words = ["train", "--preset", self.preset, "--seed", str(self.seed), "--out", str(out)]
        for name, value in self.options:
            words += in_words(name, value)
        return words


def in_words(name: str, value: Any) -> list[str]:
    """Give an option as words of a command line; false and null leave it out."""
    flag = f"--{name.replace('_', '-')}"
    if value is None or value is False:
        return []
    return [flag] if value is True else [flag, str(value)]


@dataclass(frozen=True)
class Sweep:
    """What a sweep file says."""

    presets: Sequence[str]
    seeds: Sequence[int] = (0, 1, 2)
    train: Mapping[str, Any] = field(default_factory=dict)
    grid: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    evaluate: Sequence[Sequence[str]] = EVALUATIONS
    launch: Sequence[str] = ()

    @property
    def runs(self) -> list[Run]:
        """List every run; the seeds of a setting are far apart, so that shares of runs mix them."""
        return [
            Run(
                setting_name(preset, chosen),
                preset,
                seed,
                tuple(({**self.train, **chosen}).items()),
            )
            for seed in self.seeds
            for preset in self.presets
            for chosen in self.settings
        ]

    @property
    def settings(self) -> list[dict[str, Any]]:
        """List the combinations of the grid's values."""
        return [
            dict(zip(self.grid, values, strict=True))
            for values in itertools.product(*self.grid.values())
        ]


def setting_name(preset: str, chosen: Mapping[str, Any]) -> str:
    """Name a setting after its preset and its place in the grid, fit for a folder."""
    return "-".join([Path(preset).stem, *(f"{name}={value}" for name, value in chosen.items())])


def read_sweep(file: Path) -> Sweep:
    """Read a sweep file.

    Raises:
        UserError: for a file that cannot be read, or says something that is no part of a sweep.
    """
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"cannot read the sweep {file}: {error}") from None
    if not isinstance(told, dict) or not told.get("presets"):
        raise UserError(f"{file}: a sweep is an object with a list of presets")
    known = [part.name for part in fields(Sweep)]
    for name in told:
        if name not in known:
            meant = did_you_mean(name, known)
            raise UserError(
                f"{file}: no part {name!r} of a sweep{meant}; it has {', '.join(known)}"
            )
    check_parts(told, file)
    sweep = Sweep(**told)
    names = [run.name for run in sweep.runs]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise UserError(f"{file}: two runs are called {twice}; give presets other file names")
    return sweep


def check_parts(told: dict, file: Path) -> None:
    """Check the kinds of the parts.

    Raises:
        UserError: for the first that is wrong.
    """
    for name in ("train", "grid"):
        if not isinstance(told.get(name, {}), dict):
            raise UserError(f"{file}: {name} must be an object")
    lists = {name: told[name] for name in ("presets", "seeds", "evaluate") if name in told}
    lists |= {f"grid: {name}": values for name, values in told.get("grid", {}).items()}
    for name, value in lists.items():
        if not isinstance(value, list) or not value:
            raise UserError(f"{file}: {name} must be a list with something in it")
    kinds = {
        "presets": (str, "names"),
        "seeds": (int, "whole numbers"),
        "evaluate": (list, "lists"),
    }
    for name, (kind, words) in kinds.items():
        if not all(isinstance(each, kind) for each in told.get(name, ())):
            raise UserError(f"{file}: {name} must be {words}")
    if both := sorted(set(told.get("train", {})) & set(told.get("grid", {}))):
        raise UserError(f"{file}: {both[0]} stands in train and in the grid; leave one out")


def share(runs: Sequence[Run], number: int, parts: int) -> list[Run]:
    """Give the runs of one of several equal shares, counted from 1."""
    return list(runs[number - 1 :: parts])
