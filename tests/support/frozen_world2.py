"""What the second world and its frozen evaluation sets look like, in numbers.

``python tests/support/frozen_world2.py`` writes them anew. They change only together with every
result that was measured on the world before.
"""

from pathlib import Path

import torch
from drawn_data import brightness
from frozen_world import digest, in_lines, projection

from clipbench.data.streams import Scene2Pairs
from clipbench.data.world2.evaluation_sets import SETS, labelled_scenes
from clipbench.data.world2.scenes import Scenes
from clipbench.data.world2.tasks import TASKS2

FILE = Path(__file__).with_suffix(".json")
# same everywhere
WHOLE = (
    "kind", "contrast", "concept", "count", "other", "other_count", "absent", "layout", "objects",
    "distance", "style", "colour", "texture", "ground", "sign", "letters", "font",
)  # fmt: skip
REAL = ("x", "y", "size", "angle", "horizon")  # the last bit depends on the processor
SAMPLES = 24  # pictures of each set whose brightness is noted
CAPTIONS = 4096
ASKED = 400  # scenes of each task


def describe_scenes(scenes: Scenes) -> dict:
    return {
        "whole": digest(*(getattr(scenes, name).tolist() for name in WHOLE)),
        **{name: round(projection(getattr(scenes, name)), 5) for name in REAL},
    }


def describe_set(name: str) -> dict:
    labelled = labelled_scenes(name)
    data = labelled.pictures(name)
    rows = torch.linspace(0, len(data) - 1, SAMPLES).long().tolist()
    pictures = data.subset(rows).tensor(64).float().mean(1).numpy()
    return describe_scenes(labelled.scenes) | {
        "pictures": len(data),
        "chance": data.chance,
        "labels": digest(data.labels.tolist()),
        "class_names": digest(data.class_names),
        "templates": digest(list(data.templates)),
        "brightness": brightness(pictures),
    }


def describe_task(name: str) -> dict:
    task = TASKS2[name]
    question = task.draw(ASKED)
    return describe_scenes(question.factors) | {
        "chance": task.chance,
        "asked": digest(question.labels.tolist(), question.phrases, list(task.templates)),
    }


def describe_training(tiny: bool) -> dict:
    stream = Scene2Pairs(0, tiny=tiny)
    scenes = stream.factors(torch.arange(CAPTIONS))
    pictures = stream(0, SAMPLES).images.float().mean(1).numpy()
    return describe_scenes(scenes) | {
        "captions": digest(stream.describe(scenes)),
        "brightness": brightness(pictures),
    }


def describe() -> dict:
    return {
        "training": {name: describe_training(name == "tiny") for name in ("all", "tiny")},
        "sets": {name: describe_set(name) for name in SETS},
        "tasks": {name: describe_task(name) for name in TASKS2},
    }


if __name__ == "__main__":
    FILE.write_text(in_lines(describe()), encoding="utf-8")
    print(f"wrote {FILE}")
