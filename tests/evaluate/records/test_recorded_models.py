"""Facts about the models that records name: each is shipped, or its command of training is."""

import json
import shlex
from pathlib import Path

import pytest

from clipbench.cli.main import build_parser
from clipbench.evaluate.records.record import shipped_records
from clipbench.files import ASSETS
from clipbench.pretrained.folders import CHECKPOINTS, find_folder
from clipbench.training.presets import find_preset

ROOT = Path(__file__).parents[3]
TRAININGS = json.loads((ASSETS / "trainings.json").read_text(encoding="utf-8"))
ABOUT = sorted(CHECKPOINTS.rglob("about.json"))


def named_models() -> dict[str, str]:
    """A model that a record names -> one of the records."""
    found = {}
    for file in sorted(shipped_records().glob("*.json")):
        model = json.loads(file.read_text(encoding="utf-8")).get("settings", {}).get("model")
        if model:
            found[model] = file.stem
    return found


@pytest.mark.parametrize("model", sorted(named_models()))
def test_a_model_of_a_record_is_shipped_or_can_be_trained(model, monkeypatch):
    if model in TRAININGS:
        monkeypatch.chdir(ROOT)
        words = shlex.split(TRAININGS[model])
        parsed = build_parser().parse_args(words[1:])
        assert words[0] == "clipbench" and str(parsed.out) == model
        find_preset(parsed.preset)
    else:
        assert (find_folder(model) / "model.safetensors").exists(), named_models()[model]


def test_no_command_is_kept_for_a_model_that_no_record_names():
    assert set(TRAININGS) <= set(named_models())


@pytest.mark.parametrize("about", ABOUT, ids=lambda file: file.parent.name)
def test_a_shipped_model_says_how_it_was_trained(about, monkeypatch):
    monkeypatch.chdir(ROOT)
    words = shlex.split(json.loads(about.read_text(encoding="utf-8"))["command"])
    find_preset(build_parser().parse_args(words[1:]).preset)


def test_the_line_of_shifts_follows_from_the_records():
    from tools.shift_line import NAME, measured

    record = json.loads((shipped_records() / f"{NAME}.json").read_text(encoding="utf-8"))
    assert record["metrics"] == pytest.approx(measured())
