"""Models with random weights, which stand in for a real checkpoint in rehearsals.

Whatever they have a part in says so.

The ``about.json`` of such a model's folder holds ``ABOUT``. A process that has loaded one marks
every figure that it draws from then on, and every record.
"""

import json
from pathlib import Path

ABOUT = {"weights": "random"}
MARK = "RANDOM weights"
loaded: set[str] = set()  # marked names of the random models that this process has loaded


def is_random(folder: Path) -> bool:
    """Say whether this folder's model states that its weights are random."""
    try:
        about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(about, dict) and about.items() >= ABOUT.items()


def marked(name: str, folder: Path) -> str:
    """Give the model's name, with a mark where its weights are random.

    From then on this process marks what it makes.
    """
    if not is_random(folder):
        return name
    loaded.add(name := f"{name} ({MARK})")
    return name


def mark() -> str:
    """Give the mark for a figure that is drawn now: "" in a process without such models."""
    return MARK if loaded else ""


def settings(name: str) -> dict:
    """Give what the settings of a record say of the model of that (marked) name."""
    return dict(ABOUT) if name in loaded else {}
