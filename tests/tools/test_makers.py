"""How many artists: what the arms differ in, and one arm from its training to its line."""

import json

import pytest

from clipbench.objectives import JOINT
from tools import makers


@pytest.mark.slow
def test_every_arm_shows_the_drawings_of_the_one_before_it_and_more():
    counts = [makers.drawings_in(world) for world in makers.ARMS.values()]
    assert counts == sorted(set(counts))


def test_arms_differ_in_their_drawings_only():
    for objective in makers.OBJECTIVES:
        presets = [makers.preset_of(arm, objective, 100) for arm in makers.ARMS]
        assert len({str(preset.model) for preset in presets}) == 1
        assert len({str(preset.train) for preset in presets}) == 1
        worlds = [dict(vars(preset.scenes2)) for preset in presets]
        for world in worlds:
            del world["sets"], world["icons"]
        assert all(world == worlds[0] for world in worlds)
        assert worlds[0]["captions"] == (8 if objective in JOINT else 1)


@pytest.mark.slow
def test_an_arm_is_trained_once(tmp_path, capsys):
    asked = ["--out", str(tmp_path), "--seeds", "0", "--arms", "one maker", "--pictures", "20"]
    asked += ["--objectives", "supervised", "--pairs", "256"]
    makers.main(asked)
    line = capsys.readouterr().out
    (file,) = tmp_path.iterdir()
    found = json.loads(file.read_text())
    assert found["pairs"] == 256 and len(found["accuracy"]) == 5
    makers.main(asked)
    assert capsys.readouterr().out == line
