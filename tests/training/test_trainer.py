"""Facts about training: it learns, repeats itself bit for bit, goes on where it stopped, and
survives bad numbers.
"""

import csv
import math
import os
import signal
from dataclasses import asdict

import pytest
import torch
from small import CONVNET, RESNET, TRANSFORMER, one_line, small_clip
from trainers import VIT_TOWERS, assert_same_bits, bits, make_trainer, stop_after

from clipbench import TrainConfig, Trainer, UserError
from clipbench.compute.flops import training_flops
from clipbench.model import LOGIT_SCALE_MAX
from clipbench.preprocess import Preprocess
from clipbench.pretrained.checkpoint import (
    best_checkpoint,
    checkpoints,
    newest_intact,
    read_manifest,
    step_folder,
)
from clipbench.pretrained.folders import load_pretrained
from clipbench.training.log import TrainingLog
from clipbench.training.optimisers import make_optimizers
from clipbench.training.presets import start_as_bag_of_words
from clipbench.training.recipe import learning_rate_factor

# -------------------- learns


@pytest.mark.parametrize("image", [VIT_TOWERS.image, CONVNET], ids=["vit", "convnet"])
@pytest.mark.parametrize("matrix_learning_rate", [0.02, 0.0], ids=["muon", "adamw"])
def test_one_batch_of_eight_pairs_is_learned_by_heart(image, matrix_learning_rate):
    events = []
    trainer = make_trainer(image=image, pairs=8 * 40, matrix_learning_rate=matrix_learning_rate)
    trainer.callbacks.append(events.append)
    end = trainer.run()
    steps = [event for event in events if event["event"] == "step"]
    assert steps[0]["loss"] > 0.8 * math.log(8), "a new model knows nothing"
    assert steps[-1]["batch_accuracy"] > 0.9 and steps[-1]["loss"] < 0.3 * steps[0]["loss"]
    assert end["finished"] and end["pairs"] == 320 and len(steps) == 40


def test_events_tell_the_run_from_start_to_end(tmp_path):
    events = []
    trainer = make_trainer(tmp_path, pairs=24)
    trainer.callbacks.append(events.append)
    trainer.run()
    assert [event["event"] for event in events] == ["start", "step", "step", "step", "saved", "end"]
    assert [event["pairs"] for event in events] == [0, 8, 16, 24, 24, 24]
    assert events[0]["threads"] == 1 and events[-1]["progress"] == 1
    assert all(
        math.isfinite(event["gradient_norm"]) for event in events if event["event"] == "step"
    )


def test_a_step_tells_its_operations_per_second():
    events = []
    trainer = make_trainer(pairs=8)
    trainer.callbacks.append(events.append)
    trainer.run()
    (step,) = [event for event in events if event["event"] == "step"]
    tokens = trainer.tokenizer(trainer.stream(0, 8).captions).shape[1]
    flops = training_flops(trainer.model.config, tokens, spare=True)
    assert step["tflops"] == pytest.approx(step["pairs_per_second"] * flops / 1e12)
    assert "mfu" not in step, "no peak is known of a CPU"


def test_the_temperature_never_leaves_its_bounds():
    trainer = make_trainer(learning_rate=1.0, pairs=40)
    scales = []
    trainer.callbacks.append(lambda event: scales.append(float(trainer.model.logit_scale.detach())))
    trainer.run()
    assert all(0 <= scale <= LOGIT_SCALE_MAX for scale in scales) and len(set(scales)) > 1


# -------------------- recipe


def test_the_learning_rate_rises_in_a_line_and_falls_in_a_cosine():
    assert learning_rate_factor(0.0, 0.1) == 0
    rising = [learning_rate_factor(x / 1000, 0.1) for x in range(101)]
    falling = [learning_rate_factor(x / 1000, 0.1) for x in range(100, 1001)]
    assert rising == sorted(rising) and falling == sorted(falling, reverse=True)
    assert learning_rate_factor(0.05, 0.1) == pytest.approx(
        0.5 * (1 + math.cos(0.05 * math.pi)) / 2
    )
    assert learning_rate_factor(0.5, 0.1) == pytest.approx(0.5)
    assert learning_rate_factor(1.0, 0.1) == pytest.approx(0) and learning_rate_factor(
        1.7, 0.1
    ) == pytest.approx(0)
    assert learning_rate_factor(0.0, 0.0) == 1, "without warm-up the first step is a full one"


def test_a_linear_fall_takes_the_last_part_of_the_budget():
    assert [learning_rate_factor(x / 10, 0.1, 0.5) for x in range(11)] == pytest.approx(
        [0, 1, 1, 1, 1, 1, 0.8, 0.6, 0.4, 0.2, 0]
    )
    assert learning_rate_factor(1.7, 0.1, 0.5) == 0
    with pytest.raises(UserError, match="linear_fall"):
        TrainConfig(pairs=8, linear_fall=1.5)


def test_the_trainer_follows_its_recipes_fall():
    trainer = make_trainer(pairs=160, warmup=0.0, linear_fall=0.5)
    trainer.state.pairs_seen = 40
    assert trainer.set_learning_rate() == trainer.config.learning_rate
    trainer.state.pairs_seen = 116  # with half of the batch of eight: three quarters
    assert trainer.set_learning_rate() == pytest.approx(trainer.config.learning_rate / 2)


def test_every_weight_belongs_to_one_group_and_gains_never_decay():
    model = small_clip(RESNET)
    groups = [
        group
        for optimizer in make_optimizers(model, TrainConfig(pairs=8))
        for group in optimizer.param_groups
    ]
    owned = [id(weight) for group in groups for weight in group["params"]]
    assert sorted(owned) == sorted(id(weight) for weight in model.parameters())
    for group in groups:
        if group["weight_decay"]:
            assert all(weight.ndim >= 2 for weight in group["params"])
    decaying = {
        id(weight) for group in groups if group["weight_decay"] for weight in group["params"]
    }
    assert id(model.image_projection.weight) in decaying and id(model.logit_scale) not in decaying


def test_without_muon_adamw_has_every_weight():
    model = small_clip()
    (adamw,) = make_optimizers(model, TrainConfig(pairs=8, matrix_learning_rate=0.0))
    assert isinstance(adamw, torch.optim.AdamW)
    assert sum(len(group["params"]) for group in adamw.param_groups) == len(
        list(model.parameters())
    )


def test_the_learning_rate_of_every_group_follows_the_schedule():
    trainer = make_trainer(pairs=160, warmup=0.0)
    peaks = {group["lr"] for optimizer in trainer.optimizers for group in optimizer.param_groups}
    assert peaks == {0.02, 2e-3, 1e-2}
    trainer.state.pairs_seen = 80
    trainer.set_learning_rate()
    factor = learning_rate_factor((80 + 4) / 160, 0.0)
    rates = {group["lr"] for optimizer in trainer.optimizers for group in optimizer.param_groups}
    assert sorted(rates) == pytest.approx(sorted(peak * factor for peak in peaks))


def test_a_text_transformer_can_start_as_a_bag_of_words():
    def order_matters(model):
        one, other = (
            model.encode_text(torch.tensor([[4094, *words, 4095]]))
            for words in ([5, 6, 7], [7, 5, 6])
        )
        return float((one - other).detach().norm())

    model = small_clip(text=TRANSFORMER)
    before = order_matters(model)
    start_as_bag_of_words(model)
    assert order_matters(model) < before


def test_the_recipe_is_what_it_was():
    """Commands that leave a setting out, and twins that were trained by them, rely on it."""
    assert asdict(TrainConfig(pairs=8)) == {
        "objective": "contrastive",
        "teacher": None,
        "batch_size": 128,
        "minutes": None,
        "pairs": 8,
        "matrix_learning_rate": 0.02,
        "learning_rate": 2e-3,
        "embedding_learning_rate": 1e-2,
        "weight_decay": 0.05,
        "betas": (0.9, 0.98),
        "warmup": 0.06,
        "clip_norm": 1.0,
        "bag_of_words_start": True,
        "patch_dropout": 0.0,
        "patch_dropout_until": 0.75,
        "lock_image": False,
        "lock_text": False,
        "averaging": 0.0,
        "save_minutes": 1.0,
        "keep_checkpoints": 2,
        "linear_fall": 0.0,
    }


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"batch_size": 1, "pairs": 8}, "batch size must be at least 2"),
        ({}, "either minutes or pairs"),
        ({"minutes": 1.0, "pairs": 8}, "either minutes or pairs"),
        ({"pairs": 0}, "more than nothing"),
        ({"minutes": -1.0}, "number from 0 up"),
    ],
)
def test_recipes_that_cannot_work_are_refused(settings, message):
    with pytest.raises(UserError, match=message) as error:
        TrainConfig(**settings)
    one_line(error.value)


# -------------------- same bits, go on


@pytest.mark.parametrize("image", [VIT_TOWERS.image, CONVNET], ids=["vit", "convnet"])
def test_the_same_seed_gives_the_same_bits(image):
    one, other = make_trainer(image=image), make_trainer(image=image)
    one.run(), other.run()
    assert_same_bits(one, other)
    third = make_trainer(image=image, seed=1)
    third.run()
    assert not torch.equal(third.model.image_projection.weight, one.model.image_projection.weight)


@pytest.mark.parametrize(
    "steps, settings",
    [
        (1, {}),
        (4, {}),
        (9, {}),
        (4, {"image": CONVNET}),
        (4, {"image": CONVNET, "matrix_learning_rate": 0.0}),
        (4, {"patch_dropout": 0.5, "patch_dropout_until": 0.75}),
        (4, {"patch_dropout": 0.5}),
        (4, {"machine": {"precision": "bf16"}}),
    ],
    ids=[
        "vit 1",
        "vit 4",
        "vit 9",
        "convnet with batch statistics",
        "AdamW alone",
        "patch dropout until later",
        "patch dropout",
        "bf16",
    ],
)
def test_a_stopped_run_goes_on_to_the_same_bits(tmp_path, steps, settings):
    whole = make_trainer(**settings)
    whole.run()
    first = make_trainer(tmp_path, **settings)
    stop_after(first, steps)
    assert not first.run()["finished"] and first.step == steps
    torch.manual_seed(99)  # whatever random numbers another process would have
    second = make_trainer(tmp_path, seed=7, **settings)
    second.resume()
    assert second.step == steps
    assert second.run()["finished"]
    assert_same_bits(whole, second)


def test_a_run_is_a_model_that_can_be_loaded(tmp_path):
    trainer = make_trainer(tmp_path, pairs=16)
    trainer.run()
    model, _, _ = load_pretrained(newest_intact(tmp_path))
    trained = trainer.model.state_dict()
    assert all(torch.equal(tensor, trained[name]) for name, tensor in model.state_dict().items())


def test_a_damaged_newest_checkpoint_is_passed_over(tmp_path):
    first = make_trainer(tmp_path, save_minutes=0.0)  # saves after every step
    stop_after(first, 4)
    first.run()
    assert [folder.name for folder in checkpoints(tmp_path)] == ["step-00000004", "step-00000003"]
    with open(checkpoints(tmp_path)[0] / "optimizer.safetensors", "r+b") as file:
        file.truncate(1000)
    second = make_trainer(tmp_path, save_minutes=7.0)  # how often it is saved may change
    second.resume()
    assert second.step == 3


@pytest.mark.parametrize(
    "change, message",
    [
        ({"learning_rate": 1e-4}, "another learning_rate"),
        ({"batch_size": 4, "pairs": 96}, "another batch_size, pairs"),
        ({"image": CONVNET}, "another model"),
    ],
)
def test_another_recipe_or_model_is_not_resumed(tmp_path, change, message):
    make_trainer(tmp_path, pairs=16).run()
    with pytest.raises(UserError, match=message) as error:
        make_trainer(tmp_path, **{"pairs": 16, **change}).resume()
    one_line(error.value)


def test_nothing_to_resume_is_said_in_one_line(tmp_path):
    with pytest.raises(UserError, match="no finished checkpoint to resume from") as error:
        make_trainer(tmp_path).resume()
    one_line(error.value)


def test_a_run_without_a_folder_keeps_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_trainer(pairs=16).run()
    assert list(tmp_path.iterdir()) == []


def test_measuring_threads_changes_no_weight_and_no_statistic():
    trainer = make_trainer(image=CONVNET)
    trainer.model.train()
    before = {name: tensor.clone() for name, tensor in trainer.model.state_dict().items()}
    assert trainer.use_fastest_threads() >= 1
    torch.set_num_threads(1)
    assert all(
        torch.equal(tensor, before[name]) for name, tensor in trainer.model.state_dict().items()
    )
    assert all(weight.grad is None for weight in trainer.model.parameters())


# -------------------- bad numbers


def poison(trainer: Trainer, steps: set[int]) -> None:
    """Make the loss of these steps not a number."""
    loss = trainer.loss

    def poisoned(images, token_ids):
        value, features = loss(images, token_ids)
        return value * (float("nan") if trainer.step in steps else 1.0), features

    trainer.loss = poisoned


def test_a_loss_that_is_not_finite_leaves_the_weights_untouched_and_is_counted():
    trainer = make_trainer()
    events = []
    trainer.callbacks.append(events.append)
    poison(trainer, {1, 2})
    trainer.model.train()
    trainer.train_step()
    before = {name: tensor.clone() for name, tensor in bits(trainer).items()}
    for in_a_row in (1, 2):
        trainer.train_step()
        assert trainer.skipped == in_a_row
        assert (events[-1]["event"], events[-1]["in_a_row"]) == ("skipped", in_a_row)
        assert all(torch.equal(tensor, before[name]) for name, tensor in bits(trainer).items())
    trainer.train_step()
    assert trainer.skipped == 0 and not torch.equal(
        bits(trainer)["logit_scale"], before["logit_scale"]
    )
    assert (trainer.step, trainer.pairs_seen) == (4, 32), "skipped batches count as seen"


def test_bad_losses_reach_no_batch_statistics():
    trainer = make_trainer(image=CONVNET)
    poison_forward(trainer, {1, 2})
    trainer.model.train()
    trainer.train_step()
    before = {name: tensor.clone() for name, tensor in bits(trainer).items()}
    for _ in range(2):
        trainer.train_step()
        assert all(torch.equal(tensor, before[name]) for name, tensor in bits(trainer).items())
    trainer.train_step()
    assert not torch.equal(
        bits(trainer)["image_projection.weight"], before["image_projection.weight"]
    )
    assert all(torch.isfinite(tensor).all() for tensor in bits(trainer).values())


def poison_forward(trainer: Trainer, steps: set[int]) -> None:
    """Make the pictures of these steps infinite, so that batch normalisation sees them."""
    loss = trainer.loss
    trainer.loss = lambda images, ids: loss(
        images * (float("inf") if trainer.step in steps else 1.0), ids
    )


def test_a_gradient_that_is_not_finite_is_skipped_too():
    trainer = make_trainer()
    before = {name: tensor.clone() for name, tensor in bits(trainer).items()}
    trainer.model.text_projection.weight.register_hook(lambda gradient: gradient * float("inf"))
    trainer.train_step()
    assert trainer.skipped == 1 and all(
        torch.equal(tensor, before[name]) for name, tensor in bits(trainer).items()
    )


def test_three_bad_losses_in_a_row_bring_the_newest_checkpoint_and_half_the_rate(tmp_path):
    trainer = make_trainer(tmp_path, save_minutes=0.0, pairs=8 * 12)
    events, states = [], {}
    trainer.callbacks += [
        events.append,
        lambda event: states.update({event["step"]: copied(trainer)}),
    ]
    poison(trainer, {5, 6, 7})
    monkey_save = trainer.save
    trainer.save = lambda: monkey_save() if trainer.step <= 4 or trainer.step == 12 else None
    trainer.run()
    (restored,) = [event for event in events if event["event"] == "restored"]
    assert restored["folder"] == str(step_folder(tmp_path, 4)) and restored["rate_factor"] == 0.5
    assert all(torch.equal(states[8][name], states[4][name]) for name in states[4]), (
        "as it was after four steps"
    )
    rates = {event["step"]: event["learning_rate"] for event in events if event["event"] == "step"}
    assert rates[9] == pytest.approx(0.5 * 2e-3 * learning_rate_factor((64 + 4) / 96, 0.1))
    assert trainer.step == 12, "the data go on where they were"
    again = make_trainer(tmp_path, pairs=8 * 12)
    again.resume()
    assert (again.state.rate_factor, again.state.restores) == (0.5, 1)


def copied(trainer: Trainer) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in bits(trainer).items()}


def test_a_run_that_stays_bad_ends_with_advice():
    trainer = make_trainer(pairs=8 * 100)
    events = []
    trainer.callbacks.append(events.append)
    poison(trainer, set(range(3, 100)))
    with pytest.raises(UserError, match="lower learning_rate") as error:
        trainer.run()
    one_line(error.value)
    assert [event["rate_factor"] for event in events if event["event"] == "restored"] == [
        0.5,
        0.25,
        0.125,
    ]
    assert trainer.step < 3 + 4 * 3


@pytest.mark.parametrize("loss, hinted", [(math.log(8) + 0.001, True), (1.5, False)])
def test_a_loss_that_stays_at_guessing_brings_one_hint(loss, hinted, monkeypatch):
    monkeypatch.setattr("clipbench.training.guards.HINT_STEP", 6)
    trainer = make_trainer(pairs=8 * 10)
    events = []
    trainer.callbacks.append(events.append)
    real = trainer.loss
    trainer.loss = lambda images, ids: (real(images, ids)[0] * 0 + loss, real(images, ids)[1])
    trainer.run()
    hints = [event["text"] for event in events if event["event"] == "hint"]
    assert len(hints) == hinted and all("2.08" in hint for hint in hints)


def test_a_picture_of_not_a_number_is_skipped_too():
    class Spoiled(Preprocess):
        def normalise(self, images):
            return super().normalise(images) * float("inf")

    trainer = make_trainer()
    trainer.preprocess = Spoiled(32)
    before = trainer.model.text_projection.weight.detach().clone()
    trainer.train_step()
    assert trainer.skipped == 1 and torch.equal(trainer.model.text_projection.weight, before)


# -------------------- checkpoints kept


def test_the_checkpoint_with_the_lowest_loss_is_kept_beside_the_newest(tmp_path):
    trainer = make_trainer(tmp_path, save_minutes=0.0)
    losses = iter([5.0, 1.0, 3.0, 9.0, 9.0, 9.0, 9.0, 9.0, 9.0, 9.0])
    real = trainer.note_loss
    trainer.note_loss = lambda _: real(next(losses))
    trainer.run()
    smoothed = [5, 3, 3, 4.5]  # the mean so far
    assert best_checkpoint(tmp_path) == step_folder(tmp_path, 3)
    assert read_manifest(step_folder(tmp_path, 3))["score"] == -min(smoothed)
    assert [int(folder.name[5:]) for folder in checkpoints(tmp_path)] == [10, 9, 3]


def test_the_best_checkpoint_is_what_an_evaluation_says(tmp_path):
    trainer = make_trainer(tmp_path, save_minutes=0.0)
    trainer.evaluate = lambda model: 1.0 if not model.training and trainer.step == 2 else 0.5
    trainer.run()
    assert best_checkpoint(tmp_path) == step_folder(tmp_path, 2)
    whole = make_trainer()
    whole.run()
    assert_same_bits(whole, trainer)


def test_what_differs_on_resuming_is_said_in_one_line_each(tmp_path):
    first = make_trainer(tmp_path)
    stop_after(first, 3)
    first.run()
    second = make_trainer(tmp_path)
    second.precision, second.stream.name = "bf16", "other pairs"
    events = []
    second.callbacks.append(events.append)
    second.resume()
    second.run()
    lines = events[0]["differences"]
    assert [line.split()[0] for line in lines] == ["data", "precision"] and not any(
        "\n" in line for line in lines
    )
    assert "precision was fp32, is now bf16" in lines[1]


def test_a_resumed_run_takes_the_number_of_threads_it_had(tmp_path):
    make_trainer(tmp_path, pairs=16).run()
    again = make_trainer(tmp_path, pairs=16)
    again.threads = None
    again.resume()
    assert again.threads == 1


# -------------------- ends in order


@pytest.mark.skipif(os.name == "nt", reason="Windows cannot send itself these signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_run_after_the_step_with_a_checkpoint(tmp_path, number):
    before = signal.getsignal(number)
    trainer = make_trainer(tmp_path)
    trainer.callbacks.append(
        lambda event: os.kill(os.getpid(), number) if event["step"] == 3 else None
    )
    end = trainer.run()
    assert not end["finished"] and newest_intact(tmp_path) == step_folder(tmp_path, 3)
    assert signal.getsignal(number) is before


def test_two_runs_in_one_folder_are_refused(tmp_path):
    other, errors = make_trainer(tmp_path), []

    def start_another(event):
        if event["event"] == "step" and not errors:
            with pytest.raises(UserError, match="in use by another process") as error:
                other.run()
            errors.append(one_line(error.value))

    trainer = make_trainer(tmp_path)
    trainer.callbacks.append(start_another)
    trainer.run()
    assert errors and other.step == 0
    make_trainer(tmp_path).run()  # once the first has ended


# -------------------- log


def test_the_log_has_a_row_for_every_step(tmp_path):
    trainer = make_trainer(pairs=32)
    trainer.callbacks.append(TrainingLog(tmp_path))
    trainer.run()
    with open(tmp_path / "log.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["step"]) for row in rows] == [1, 2, 3, 4]
    assert all(float(row["loss"]) > 0 for row in rows)


def test_a_periodic_save_that_fails_is_reported_and_training_goes_on(tmp_path, monkeypatch):
    trainer = make_trainer(tmp_path, save_minutes=0.0)
    events = []
    trainer.callbacks.append(events.append)
    real, calls = trainer.save, []

    def full_disk_at_first():
        calls.append(trainer.step)
        if len(calls) == 1:
            raise UserError("no space left")
        real()

    monkeypatch.setattr(trainer, "save", full_disk_at_first)
    assert trainer.run()["finished"]
    assert [event["reason"] for event in events if event["event"] == "not saved"] == [
        "no space left"
    ]
    assert any(event["event"] == "saved" for event in events)
