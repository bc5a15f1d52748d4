"""Presets: what the named ones promise, and how a wrong file is refused."""

import json
import subprocess
import sys

import pytest
import torch

from clipbench.training.presets import PRESETS, Preset, scene_trainer, with_budget

MISTAKES = {
    "a learning rate in words": (("train", "learning_rate"), "fast"),
    "an endless learning rate": (("train", "learning_rate"), float("inf")),
    "an unknown entry": (("train", "learning_speed"), 1),
    "a batch of one": (("train", "batch_size"), 1),
    "two budgets": (("train", "pairs"), 100),
    "betas in words": (("train", "betas"), [0.9, "x"]),
    "styles in words": (("scenes", "styles"), "photo"),
    "no style ever": (("scenes", "styles"), [0] * 7),
    "a style less than never": (("scenes", "styles"), [-1, 1, 1, 1, 1, 1, 1]),
    "too few styles": (("scenes", "styles"), [1, 1]),
    "a number for signs": (("scenes", "signs"), 1),
    "a list of scenes": (("scenes",), []),
    "heads that do not divide the width": (("model", "text", "heads"), 5),
    "an unknown activation": (("model", "text", "activation"), "x"),
    "an unknown encoder": (("model", "image", "kind"), "x"),
    "a vocabulary smaller than the tokenizer's": (("model", "text", "vocab_size"), 100),
    "a depth in words": (("model", "text", "depth"), "two"),
    "an image encoder without width": (("model", "image", "width"), 0),
}


def plain(preset: Preset) -> dict:
    return json.loads(json.dumps(preset.to_dict()))


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_survives_being_written_as_json(name):
    assert Preset.from_dict(plain(PRESETS[name])) == PRESETS[name]


REFUSALS = """
import sys
from clipbench.errors import UserError
from clipbench.training.presets import find_preset
for file in sys.argv[1:]:
    try:
        find_preset(file)
        print("accepted")
    except UserError as error:
        print(repr(str(error)))
"""


@pytest.fixture(scope="module")
def refusals(tmp_path_factory) -> dict[str, str]:
    """What is said of each mistake by a process of its own, where no test machinery checks
    types first.
    """
    folder, files = tmp_path_factory.mktemp("presets"), []
    for number, (path, value) in enumerate(MISTAKES.values()):
        data = plain(PRESETS["tiny"])
        inner = data
        for key in path[:-1]:
            inner = inner[key]
        inner[path[-1]] = value
        files.append(folder / f"preset{number}.json")
        files[-1].write_text(json.dumps(data))
    done = subprocess.run(
        [sys.executable, "-c", REFUSALS, *map(str, files)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return dict(zip(MISTAKES, done.stdout.splitlines(), strict=True))


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_wrong_preset_file_is_refused_in_one_line_that_names_it(mistake, refusals):
    assert "preset" in refusals[mistake]
    assert refusals[mistake] != "accepted"
    assert "\\n" not in refusals[mistake]


def test_a_new_budget_replaces_the_old_one():
    preset = with_budget(PRESETS["tiny"], minutes=None, pairs=640)
    assert (preset.train.minutes, preset.train.pairs) == (None, 640)


def test_the_shipped_presets_have_the_promised_sizes():
    from clipbench.model import CLIP

    sizes = {
        name: sum(w.numel() for w in CLIP(preset.model).parameters())
        for name, preset in PRESETS.items()
    }
    assert sizes["tiny"] <= 3_000_000
    assert sizes["classroom"] <= 8_000_000


def test_a_training_on_scenes_starts_from_seed_0_unless_told_otherwise():
    preset = with_budget(PRESETS["tiny"], None, 128)
    usual, zero, one = (scene_trainer(preset, *seed, threads=1) for seed in ((), (0,), (1,)))
    weight = usual.model.image_projection.weight
    assert torch.equal(weight, zero.model.image_projection.weight)
    assert not torch.equal(weight, one.model.image_projection.weight)
    assert usual.stream(0, 4).captions == zero.stream(0, 4).captions != one.stream(0, 4).captions
