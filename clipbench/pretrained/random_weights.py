"""Models with random weights, by which a real checkpoint's way is rehearsed. Whatever they have a
part in says so.

The ``about.json`` of such a model's folder holds ``ABOUT``. A process that has loaded one marks
every figure that it draws from then on, and every record.
"""

import json
from pathlib import Path

ABOUT = {"weights": "random"}
MARK = "RANDOM weights"
loaded: set[str] = set()  # marked names of the random models that this process has loaded


def is_random(folder: Path) -> bool:
    """Whether the model of this folder says that its weights are random."""
    try:
        about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(about, dict) and about.items() >= ABOUT.items()


def marked(name: str, folder: Path) -> str:
    """The model's name, with the mark where its weights are random; from then on this process
    marks what it makes.
    """
    if not is_random(folder):
        return name
    loaded.add(name := f"{name} ({MARK})")
    return name


def mark() -> str:
    """What stands on a figure that is drawn now: nothing, in a process without such models."""
    return MARK if loaded else ""


def settings(name: str) -> dict:
    """What the settings of a record say of the model of that (marked) name."""
    return dict(ABOUT) if name in loaded else {}
