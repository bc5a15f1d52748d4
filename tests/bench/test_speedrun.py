"""Facts about the speedrun: who stands on what, ladders, schedules, and that the rival is
judged as what it is.
"""

import json

import pytest
import torch
from small import RESNET, small_config, token_id_rows

from clipbench.bench import speedrun_rival
from clipbench.bench.rival_open_clip import OpenClipTraining, open_clip_model
from clipbench.bench.speedrun import in_turns, summary, times_slower
from clipbench.bench.speedrun_rival import OWN_MODEL, Recipe, as_ours, ladder, rate_factor, tune
from clipbench.bench.speedrun_rules import TARGET, Run
from clipbench.cli import main
from clipbench.data.open import open_pictures
from clipbench.evaluate.statistics.intervals import student
from clipbench.model import CLIP
from clipbench.training.presets import find_preset

RECIPE = Recipe(lambda: CLIP(OWN_MODEL), OWN_MODEL, find_preset("tiny"))
DATA = open_pictures("scenes:heldout256").subset([0])


def runs(*accuracies: float, seconds: float = 60.0) -> list[Run]:
    return [Run(seed, 1000, seconds + seed, top1) for seed, top1 in enumerate(accuracies)]


def test_a_mean_of_five_has_students_interval():
    # t at 97.5 % with four degrees of freedom is 2.7764; values 1 to 5 have a standard deviation of
    # sqrt(2.5)
    half = 2.7764451 * (2.5 / 5) ** 0.5
    assert student([1.0, 2.0, 3.0, 4.0, 5.0]) == pytest.approx((3 - half, 3 + half))
    assert student([1.0]) is None


@pytest.mark.parametrize(
    "accuracies, pictures, stands",
    [
        ((0.92, 0.93, 0.92, 0.93, 0.92), 5000, True),
        ((0.92, 0.93, 0.92, 0.93), 5000, False),  # too few seeds
        ((0.92, 0.93, 0.92, 0.93, 0.92), 1000, False),  # judged by too few pictures
        ((0.86, 0.95, 0.86, 0.95, 0.95), 5000, False),  # the mean is above the target, but by luck
    ],
)
def test_a_record_needs_seeds_pictures_and_an_interval_above_the_target(
    accuracies, pictures, stands
):
    assert summary(runs(*accuracies), pictures)["stands"] is stands


def test_a_summary_tells_means_and_every_run():
    told = summary(runs(0.8, 0.95), 5000)
    assert told["seconds"] == 60.5 and told["reached"] == 1 and told["pairs"] == 1000
    assert told["top1"] == pytest.approx(0.875) and told["top1_low"] < 0.875 < told["top1_high"]
    assert [run["seed"] for run in told["runs"]] == [0, 1]
    assert "seconds_low" not in summary(runs(0.9), 5000)


def test_times_are_compared_only_where_all_reached_the_target():
    assert times_slower(runs(0.95, 0.95, seconds=120), runs(0.95, 0.95)) == pytest.approx(
        (120 / 60 + 121 / 61) / 2
    )
    assert times_slower(runs(0.95, 0.5), runs(0.95, 0.95)) is None


def test_contestants_take_turns_and_who_starts_changes():
    order = []
    contestants = {
        name: lambda seed, name=name: order.append(name + str(seed)) or Run(seed, 1, 1.0, 1.0)
        for name in "ab"
    }
    found = in_turns(contestants, 3)
    assert order == ["a0", "b0", "b1", "a1", "a2", "b2"]
    assert [run.seed for run in found["b"]] == [0, 1, 2]


def test_a_rival_climbs_until_it_reaches_the_target(monkeypatch):
    tried = []

    def train(recipe, pairs, seed, threads, data):
        tried.append(pairs)
        return Run(seed, pairs, pairs / 10, pairs / 1000)

    monkeypatch.setattr(speedrun_rival, "train", train)
    assert ladder(RECIPE, (400, 800, 950, 1600), None, DATA)(0).pairs == 950 and tried == [
        400,
        800,
        950,
    ]
    assert ladder(RECIPE, (400, 800), None, DATA)(0).top1 < TARGET  # the last one, though it missed


def test_tuning_takes_the_best_point_of_the_grid(monkeypatch):
    def train(recipe, pairs, seed, threads, data):
        return Run(seed, pairs, 1.0, 0.5 - abs(recipe.rate - 2e-3) - abs(recipe.warmup - 0.1))

    monkeypatch.setattr(speedrun_rival, "train", train)
    recipe, told = tune("rival", RECIPE, 100, None, DATA)
    assert (recipe.rate, recipe.warmup) == (2e-3, 0.1) == (told["rate"], told["warmup"])
    assert len(told["grid"]) == 8


def test_the_rivals_schedule_warms_up_by_steps_and_ends_near_zero():
    factors = [rate_factor(step, 100, 10) for step in range(100)]
    assert factors[:10] == pytest.approx([(k + 1) / 10 for k in range(10)])
    assert factors[10] == 1.0 and 0 < factors[-1] < 0.001
    # its default never ends its warm-up here
    assert rate_factor(50, 100, 10_000) == pytest.approx(51 / 10_000)


def test_the_rivals_own_model_says_the_same_in_our_classes(open_clip):
    model = open_clip_model(OWN_MODEL).eval()
    images, token_ids = torch.randn(2, 3, 64, 64), token_id_rows(OWN_MODEL.text, [5, 30])
    with torch.no_grad():
        theirs, ours = model(images, token_ids), as_ours(model, OWN_MODEL)(images, token_ids)
    torch.testing.assert_close(ours[0], theirs["image_features"], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(ours[1], theirs["text_features"], atol=1e-5, rtol=1e-4)


def test_its_recipe_trains_our_model_too(open_clip):
    model = CLIP(small_config(RESNET))
    training = OpenClipTraining(model, "fp32")
    training.set_learning_rate(1e-3)
    before = model.text_projection.weight.detach().clone()
    training.step(torch.randn(4, 3, 64, 64), token_id_rows(model.config.text, [4, 5, 6, 30]))
    assert not torch.equal(model.text_projection.weight, before)


@pytest.mark.slow
def test_the_whole_contest_in_small(capsys, open_clip):
    sizes = [
        "--seeds",
        "1",
        "--pairs",
        "256",
        "--pictures",
        "20",
        "--rival-pairs",
        "256",
        "--tune-pairs",
        "128",
    ]
    assert (
        main(["bench", "speedrun", "--against", "open_clip", *sizes, "--threads", "1", "--json"])
        == 0
    )
    told = json.loads(capsys.readouterr().out)
    assert {
        "ours",
        "open_clip",
        "open_clip_recipe_on_our_model",
        "open_clip_defaults",
    } <= told.keys()
    assert told["ours"]["runs"][0]["pairs"] == 256 and not told["ours"]["stands"]
    assert (
        len(told["open_clip"]["grid"]) == 8 and told["open_clip"]["times_slower_than_ours"] is None
    )
