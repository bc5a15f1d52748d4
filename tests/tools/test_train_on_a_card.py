"""The script that trains on a card, rehearsed on the CPU with a small model and few seconds."""

import importlib.util
import json
import time
from pathlib import Path

import pytest
from small import CONVNET, TRANSFORMER, small_config

from clipbench import UserError, load

SCRIPT = Path(__file__).parents[2] / "tools" / "train_on_a_card.py"
if not SCRIPT.exists():
    pytest.skip("the script is in a clone only", allow_module_level=True)


@pytest.fixture(scope="module")
def script():
    found = importlib.util.spec_from_file_location("train_on_a_card", SCRIPT)
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


@pytest.fixture
def preset(tmp_path):
    small = {
        "model": small_config(CONVNET, TRANSFORMER).to_dict(),
        "train": {"batch_size": 16, "minutes": 1.0},
        "tiny_world": True,
    }
    (tmp_path / "small.json").write_text(json.dumps(small))
    return str(tmp_path / "small.json")


@pytest.mark.slow
def test_it_leaves_a_model_and_what_was_measured_within_its_time(
    script, preset, tmp_path, monkeypatch
):
    monkeypatch.setattr(script, "DATA", ("scenes:heldout256",))
    out, began = tmp_path / "out", time.monotonic()
    command = [
        "--out",
        str(out),
        "--preset",
        preset,
        "--minutes",
        "0.5",
        "--reserve",
        "26",
        "--pictures",
        "40",
        "--device",
        "cpu",
    ]
    measured = script.main(command, began)
    assert json.loads((out / "measured.json").read_text()) == json.loads(json.dumps(measured))
    assert (
        measured["seconds_of_all"] <= 0.1 + time.monotonic() - began < 30
        and measured["seconds_of_training"] < 8
    )
    assert (
        measured["pairs"] >= 16 and measured["loss"][0][0] == 16 and measured["peak_memory"] is None
    )
    assert measured["accuracy"]["scenes:heldout256"]["pictures"] == 40
    assert measured["bytes"] == (out / "model.safetensors").stat().st_size < script.LARGEST
    assert load(out).embed_dim == 16


def test_a_model_that_is_too_large_is_refused_before_any_training(script, tmp_path, monkeypatch):
    monkeypatch.setattr(script, "LARGEST", 1000)
    with pytest.raises(UserError, match="MB of weights in float16"):
        script.main(["--out", str(tmp_path / "out")])
    assert not (tmp_path / "out").exists()


def test_too_little_time_is_told(script, preset, tmp_path):
    with pytest.raises(UserError, match="leave no time to train in"):
        script.main(["--out", str(tmp_path / "out"), "--preset", preset, "--minutes", "0.1"])


def test_the_shipped_shape_is_small_enough(script):
    script.check_size(script.find_preset("classroom"))
