"""Cards agree with the records, and the classroom model's says what the hub wants to know."""

import json

import pytest

from clipbench.pretrained.folders import find_folder, twins
from tools.assets import build_card
from tools.assets.build_card import RECORDS, WHAT, ZERO_SHOT, card, cards


@pytest.mark.parametrize("file, text", cards().items(), ids=lambda each: str(each)[-40:-10])
def test_a_card_is_what_the_records_say(file, text):
    assert file.read_text(encoding="utf-8") == text, "python -m tools.assets.build_card"


def test_every_shipped_model_has_a_card_with_its_rates():
    files = cards()
    for name in ("classroom", "tiny", *(f"twin:{twin}" for twin in twins())):
        text = files[find_folder(name) / "README.md"]
        assert "| photographs | 200 |" in text and "| new scenes of its own world |" in text
    silent = {name for name in WHAT if "says nothing" in files[find_folder(name) / "README.md"]}
    assert silent == {"twin:simclr", "twin:supervised"}


def test_it_has_the_hubs_front_matter_and_every_section():
    _, front, text = card().split("---\n", 2)
    fields = dict(line.split(": ", 1) for line in front.splitlines())
    assert fields["license"] == "mit" and fields["pipeline_tag"] == "zero-shot-image-classification"
    sections = [line.removeprefix("## ") for line in text.splitlines() if line.startswith("## ")]
    assert sections == ["Training", "Evaluation", "Limits", "Biases of emoji", "Licences"]


@pytest.mark.parametrize("name", ZERO_SHOT)
def test_its_accuracies_are_of_the_model_that_is_shipped(name):
    kept = json.loads((RECORDS / f"classroom-{name}.json").read_text())
    newest = json.loads((RECORDS / "classroom-scenes-heldout.json").read_text())
    assert kept["fingerprint"] == newest["fingerprint"] and kept["settings"]["model"] == "classroom"


def test_without_records_the_card_claims_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(build_card, "RECORDS", tmp_path)
    assert "%" not in card().split("## Evaluation")[1].split("| data |")[1]
