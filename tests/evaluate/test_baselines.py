"""Facts about baselines: what needs no trained model, and what it gets right."""

import json
from dataclasses import replace

import pytest
import torch
from small import evaluate_small, small_encoder, write_image_folder

from clipbench.cli import main
from clipbench.data.open import open_labelled
from clipbench.data.probe_splits import open_split
from clipbench.data.world.scene_tasks import scene_task
from clipbench.encoders.clip import PicturesOnly, untrained
from clipbench.evaluate.baselines import (
    accuracy_of_texts,
    baselines_of_set,
    brightness,
    nearest_labels,
    raw_pixels,
    recall_by_pixels,
)
from clipbench.evaluate.retrieval import distinct


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """A folder of pictures whose classes differ."""
    folder = tmp_path_factory.mktemp("pictures")
    for part in ("train", "test"):
        write_image_folder(folder / part, {"cat": 6, "dog": 6})
    return folder


def test_raw_pixels_are_shares_of_full_brightness(pictures):
    data = open_labelled(str(pictures))
    rows = raw_pixels(data, 8)
    assert rows.shape == (12, 3 * 8 * 8) and rows.min() >= 0 and rows.max() <= 1


def test_the_nearest_picture_by_brightness_ignores_light_and_contrast():
    drawn = torch.rand(4, 3 * 16, generator=torch.Generator().manual_seed(0))
    known, asked = brightness(drawn, 0.2 + 0.5 * drawn)
    assert nearest_labels(known, asked, torch.arange(4)).tolist() == [0, 1, 2, 3]


def test_a_picture_among_the_labelled_ones_is_found_by_every_view(pictures):
    data = open_labelled(str(pictures))
    metrics = baselines_of_set(data, data, small_encoder())
    for name in ("pixels_16", "pixels_8", "untrained"):
        assert metrics[f"baseline/{name}"] == 1 and metrics[f"baseline/{name}_low"] < 1
    assert metrics["baseline/chance"] == metrics["baseline/texts"] == 0.5


def test_without_labelled_pictures_chance_and_texts_are_left(pictures):
    data = open_labelled(str(pictures)).subset(range(8))
    assert baselines_of_set(data, None).keys() == {"baseline/chance", "baseline/texts"}
    assert baselines_of_set(data, None)["baseline/texts"] == 0.75


def test_an_untrained_copy_has_the_shape_and_other_weights_and_draws_no_random_number():
    encoder = small_encoder(seed=1)
    state = torch.get_rng_state()
    copy = untrained(encoder)
    assert torch.equal(state, torch.get_rng_state())
    ours, theirs = encoder.model.state_dict(), copy.model.state_dict()
    assert {name: each.shape for name, each in ours.items()} == {
        name: each.shape for name, each in theirs.items()
    }
    assert any(not torch.equal(ours[name], theirs[name]) for name in ours)
    assert copy.fingerprint == untrained(encoder).fingerprint != encoder.fingerprint


def test_a_model_of_another_library_has_no_untrained_copy():
    assert untrained(PicturesOnly(small_encoder())) is None


def test_pixels_find_the_caption_of_a_scene_that_looks_like_one_with_it(pictures):
    data = open_labelled(str(pictures))
    said = [f"picture of thing{row}" for row in range(len(data))]
    found = recall_by_pixels(data, distinct([[text] for text in said]), data, said, similar=1)
    assert found["image_to_text_r1"] == found["text_to_image_r1"] == 1
    same = ["a picture"] * len(data)
    blind = recall_by_pixels(data, distinct([[text] for text in said]), data, same)
    assert blind["image_to_text_r1"] == blind["text_to_image_r1"] == 0, "ties count as wrong"


def test_texts_alone_solve_what_wording_gives_away_and_nothing_else():
    unfair = [
        ("a cat", "no cat"),
        ("no dog", "a dog"),
        ("a sun", "no sun"),
        ("no hat", "a hat"),
    ] * 5
    asked = scene_task("word_order").draw(40)
    labels = torch.tensor([0, 1, 0, 1] * 5)
    given_away = replace(asked, labels=labels, phrases=unfair)
    assert accuracy_of_texts(given_away, given_away) == 1
    fair = replace(asked, labels=labels, phrases=[("left of", "right of")] * 20)
    assert accuracy_of_texts(fair, fair) == 0.5


@pytest.mark.parametrize(
    "task, arguments, named",
    [
        ("zero-shot", [], {"baseline/pixels_16", "baseline/pixels_8", "baseline/untrained"}),
        ("linear-probe", [], {"baseline/pixels_16", "baseline/untrained"}),
        ("robustness", ["--shifts", "blur:3"], {"baseline/pixels_16", "blur:3/baseline/untrained"}),
    ],
)
def test_an_evaluation_prints_its_baselines_where_asked(
    tmp_path, pictures, capsys, task, arguments, named
):
    command = evaluate_small(task, tmp_path, "--data", str(pictures))
    assert main([*command, *arguments, "--json"]) == 0
    without = json.loads(capsys.readouterr().out)["metrics"]
    assert not any("baseline/" in name for name in without)
    assert main([*command, *arguments, "--baselines", "--json"]) == 0
    metrics = json.loads(capsys.readouterr().out)["metrics"]
    assert named <= metrics.keys() and without.items() <= metrics.items()
    assert main([*command, *arguments, "--baselines"]) == 0
    assert "pixels 16" in capsys.readouterr().out.replace("_", " ")


def test_without_pictures_for_training_robustness_says_that_pixels_are_left_out(
    tmp_path, pictures, capsys
):
    data = ["--data", str(pictures / "test"), "--shifts", "blur:3"]
    command = evaluate_small("robustness", tmp_path, *data)
    assert main([*command, "--baselines", "--json"]) == 0
    captured = capsys.readouterr()
    assert "baseline/pixels_16" not in json.loads(captured.out)["metrics"]
    assert "nothing to compare with" in captured.err


def test_scene_tasks_print_the_texts_alone_without_a_probe(tmp_path, capsys):
    command = evaluate_small("scene-tasks", tmp_path, "--tasks", "word_order")
    assert main([*command, "--pictures", "20", "--train", "0", "--baselines", "--json"]) == 0
    metrics = json.loads(capsys.readouterr().out)["metrics"]
    assert 0.2 < metrics["word_order/baseline/texts"] < 0.8
    assert "word_order/baseline/pixels_16" not in metrics


def test_the_digits_nearest_by_pixels_are_mostly_right():
    split = open_split("digits")
    metrics = baselines_of_set(split.test, split.train)
    assert metrics["baseline/pixels_16"] > 0.9 > metrics["baseline/chance"]
