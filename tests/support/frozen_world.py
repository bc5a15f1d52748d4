"""What the frozen evaluation world looks like, in numbers.

``python tests/support/frozen_world.py`` writes them anew.

Numbers measured on a frozen set can be compared for ever, so frozen_world.json changes only
together with every result that was measured on the world before.
"""

import hashlib
import json
from pathlib import Path

import numpy as np
import torch

from clipbench.data.open import open_pictures
from clipbench.data.world.evaluation_sets import SCENE_SETS, heldout_factors
from clipbench.data.world.factors import Factors

FILE = Path(__file__).with_suffix(".json")
SETS = [*SCENE_SETS, "twemoji", "openmoji", "digits"]
# same everywhere
WHOLE = ("concept", "count", "other", "layout", "objects", "style", "colour", "texture", "sign")
REAL = ("x", "y", "size", "angle")  # the last bit depends on the processor
SAMPLES = 24  # pictures of each set whose mean colours are noted


def digest(*parts) -> str:
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode()).hexdigest()[:16]


def projection(values: torch.Tensor) -> float:
    """Compute one number that changes with every value.

    It is the sum of the values, weighted with cosines of their positions.
    """
    flat = values.double().flatten()
    return float((flat * torch.arange(len(flat), dtype=torch.float64).cos()).sum())


def describe_factors(factors: Factors) -> dict:
    return {
        "whole": digest(*(getattr(factors, name).tolist() for name in WHOLE)),
        **{name: round(projection(getattr(factors, name)), 5) for name in REAL},
    }


def describe_set(name: str) -> dict:
    data = open_pictures(name)
    rows = torch.linspace(0, len(data) - 1, SAMPLES).long().tolist()
    colours = [
        np.asarray(picture).mean((0, 1)).round(1).tolist() for picture in data.pictures(rows)
    ]
    return {
        "pictures": len(data),
        "chance": data.chance,
        "labels": digest(data.labels.tolist()),
        "class_names": digest(data.class_names),
        "templates": digest(list(data.templates)),
        "mean_colours": colours,
    }


def describe() -> dict:
    factors = {"scenes:heldout": heldout_factors(), "scenes:heldout256": heldout_factors(tiny=True)}
    return {
        "factors": {name: describe_factors(each) for name, each in factors.items()},
        "sets": {name: describe_set(name) for name in SETS},
    }


def in_lines(description: dict) -> str:
    """Format as JSON with one short line per set, so that a change is easy to see."""
    groups = [
        f' "{group}": {{\n'
        + ",\n".join(f'  "{k}": {json.dumps(v)}' for k, v in entries.items())
        + "\n }"
        for group, entries in description.items()
    ]
    return "{\n" + ",\n".join(groups) + "\n}\n"


if __name__ == "__main__":
    FILE.write_text(in_lines(describe()), encoding="utf-8")
    print(f"wrote {FILE}")
