"""The second world is frozen: numbers measured on it today and next year are about the same
pictures.
"""

import json

import numpy as np
import pytest
from frozen_world2 import (
    FILE,
    REAL,
    describe_scenes,
    describe_set,
    describe_task,
    describe_training,
)

from clipbench.data.world2.evaluation_sets import SETS, labelled_scenes
from clipbench.data.world2.tasks import TASKS2

FROZEN = json.loads(FILE.read_text(encoding="utf-8"))
HELP = "the second world changed; results measured before cannot be compared with new ones"
BLUNT = (*REAL, "brightness")


def assert_frozen(now: dict, frozen: dict) -> None:
    exact = {name: value for name, value in now.items() if name not in BLUNT}
    assert exact == {name: value for name, value in frozen.items() if name not in BLUNT}, HELP
    for name in REAL:
        assert now[name] == pytest.approx(frozen[name], abs=2e-3), HELP
    if "brightness" in now:
        # of 255: versions of Pillow and torch round pixels differently
        change = np.abs(np.array(now["brightness"]) - np.array(frozen["brightness"]))
        assert change.mean() < 0.3 and np.quantile(change, 0.99) < 4, HELP


@pytest.mark.parametrize("name", ["all", "tiny"])
def test_training_scenes_and_captions_are_frozen(name):
    assert_frozen(describe_training(name == "tiny"), FROZEN["training"][name])


@pytest.mark.parametrize("name", SETS)
def test_evaluation_sets_are_frozen(name):
    assert_frozen(describe_set(name), FROZEN["sets"][name])


@pytest.mark.parametrize("name", TASKS2)
def test_questions_are_frozen(name):
    assert_frozen(describe_task(name), FROZEN["tasks"][name])


def test_the_description_would_notice_a_change():
    scenes = labelled_scenes("scenes2:words").scenes
    frozen = FROZEN["sets"]["scenes2:words"]
    letters = scenes.letters.clone()
    letters[100, 0] = 122
    scenes.letters = letters
    assert describe_scenes(scenes)["whole"] != frozen["whole"]
    scenes.x = scenes.x.clone()
    scenes.x[17, 0] += 1 / 64  # one of 2,000 by one pixel
    assert abs(describe_scenes(scenes)["x"] - frozen["x"]) > 2e-3
