"""The evaluation world is frozen: numbers measured on it today and next year are about the same
pictures.
"""

import json

import numpy as np
import pytest
from frozen_world import FILE, REAL, SETS, describe_factors, describe_set

from clipbench.data.world.evaluation_sets import heldout_factors

FROZEN = json.loads(FILE.read_text(encoding="utf-8"))
HELP = (
    "the frozen evaluation world changed; results measured before cannot be compared with new ones"
)


@pytest.mark.parametrize("name, tiny", [("scenes:heldout", False), ("scenes:heldout256", True)])
def test_factors_of_the_evaluation_scenes_are_frozen(name, tiny):
    now, frozen = describe_factors(heldout_factors(tiny)), FROZEN["factors"][name]
    assert now["whole"] == frozen["whole"], HELP
    # 15,000 values, each off by at most 6e-8: far less than moving one object by a pixel
    for real in REAL:
        assert now[real] == pytest.approx(frozen[real], abs=1e-3), HELP


@pytest.mark.parametrize("name", SETS)
def test_pictures_labels_names_and_templates_are_frozen(name):
    now, frozen = describe_set(name), FROZEN["sets"][name]
    colours, frozen_colours = np.array(now.pop("mean_colours")), np.array(frozen["mean_colours"])
    assert now == {key: value for key, value in frozen.items() if key != "mean_colours"}, HELP
    # of 255: versions of Pillow and torch round pixels differently, another picture differs by tens
    assert np.abs(colours - frozen_colours).max() < 1.0, HELP


def test_the_description_would_notice_a_change():
    factors = heldout_factors(tiny=True)
    frozen = FROZEN["factors"]["scenes:heldout256"]
    moved = heldout_factors(tiny=True)
    moved.x = moved.x.clone()
    moved.x[17, 0] += 1 / 64  # one object of 5,000 by one pixel
    assert abs(describe_factors(moved)["x"] - frozen["x"]) > 2e-3
    moved.style = factors.style.clone()
    moved.style[4000] = (moved.style[4000] + 1) % 7
    assert describe_factors(moved)["whole"] != frozen["whole"]
