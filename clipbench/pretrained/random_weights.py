"""Models with random weights, which stand in for a real checkpoint in rehearsals.

Whatever they have a part in says so.

The ``about.json`` of such a model's folder holds ``ABOUT``, and the model's name then ends in
``MARK``: an encoder carries the fact in its name, and a record takes it from there. A figure is
drawn from numbers, which have no name. So a process that has loaded such a model marks every figure
that it draws from then on: the one fact here that belongs to the process.
"""

import json
from pathlib import Path

ABOUT = {"weights": "random"}
MARK = "RANDOM weights"
SUFFIX = f" ({MARK})"
mark_of_figures = ""  # MARK once this process has loaded a model with random weights


def is_random(folder: Path) -> bool:
    """Say whether this folder's model states that its weights are random."""
    try:
        about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(about, dict) and about.items() >= ABOUT.items()


def marked(name: str, folder: Path) -> str:
    """Give the model's name, with a mark where its weights are random.

    From then on this process marks the figures that it draws.
    """
    global mark_of_figures
    if not is_random(folder):
        return name
    mark_of_figures = MARK
    return name + SUFFIX


def mark() -> str:
    """Give the mark for a figure that is drawn now: "" in a process without such models."""
    return mark_of_figures


def settings(name: str) -> dict:
    """Give what the settings of a record say of the model of that (marked) name."""
    return dict(ABOUT) if name.endswith(SUFFIX) else {}
