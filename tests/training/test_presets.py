"""Presets: what the named ones promise, and how a wrong file is refused."""

import json

import pytest
import torch
from small import one_line

from clipbench.errors import UserError
from clipbench.training.presets import PRESETS, Preset, find_preset, scene_trainer, with_budget

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


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_wrong_preset_file_is_refused_in_one_line_that_names_it(mistake, tmp_path):
    path, value = MISTAKES[mistake]
    data = inner = plain(PRESETS["tiny"])
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    (tmp_path / "preset.json").write_text(json.dumps(data))
    with pytest.raises(UserError, match="preset") as error:
        find_preset(str(tmp_path / "preset.json"))
    one_line(error.value)


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
