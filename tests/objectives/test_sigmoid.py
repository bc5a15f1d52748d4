"""The sigmoid objective from the first step to other people's programs, its bias with it."""

import json
import math

import pytest
import torch
import torch.nn.functional as F
import transformers
from open_clip_reference import open_clip
from safetensors.torch import load_file
from small import VIT, small_clip, small_config, write_small_model
from trainers import EightPairs, assert_same_bits

from clipbench import (
    ClipbenchEncoder,
    Machine,
    ModelBundle,
    TrainConfig,
    Trainer,
    UserError,
    load,
)
from clipbench.cli import main
from clipbench.data.streams import Pairs
from clipbench.loss import siglip_loss
from clipbench.model import CLIP, SIGMOID_START
from clipbench.objectives import make_objective, suited
from clipbench.objectives.stored import ABOUT
from clipbench.preprocess import Preprocess
from clipbench.pretrained.checkpoint import checkpoints
from clipbench.pretrained.folders import load_pretrained, save_open_clip, world_tokenizer
from clipbench.training.log import read_events, read_steps
from clipbench.training.presets import find_preset, scene_trainer, with_budget

TOKENIZER = world_tokenizer()


def trainer_of(out=None, model=None, machine=None, **settings) -> Trainer:
    torch.manual_seed(0)
    model = model or CLIP(small_config())
    recipe = {"objective": "sigmoid", "batch_size": 8, "pairs": 80, "warmup": 0.1} | settings
    machine = Machine(**{"precision": "fp32", "threads": 1} | (machine or {}))
    bundle = ModelBundle(model, TOKENIZER, Preprocess(VIT.image_size))
    return Trainer(bundle, EightPairs(), TrainConfig(**recipe), out, machine=machine)


def batch_of(objective):
    pairs = EightPairs()(0, 8)
    return Preprocess(32).normalise(pairs.images), objective.targets(pairs, TOKENIZER)


# -------------------- the loss


def test_every_couple_is_asked_alone():
    objective = make_objective("sigmoid", small_clip()).eval()
    images, token_ids = batch_of(objective)
    answers = objective(images, token_ids)
    logits = answers.scale * answers.images @ answers.texts.T + answers.bias
    right = torch.eye(8)
    expected = F.binary_cross_entropy_with_logits(logits, right, reduction="sum") / 8
    torch.testing.assert_close(objective.compare(*answers), expected)
    own = (answers.images @ answers.texts.T).argmax(1) == torch.arange(8)
    assert objective.accuracy(*answers) == pytest.approx(float(own.float().mean()))


def test_a_model_without_a_bias_starts_as_siglip_and_one_with_a_bias_keeps_it():
    clip = small_clip()
    make_objective("sigmoid", clip)
    start = (float(clip.logit_scale.detach()), float(clip.logit_bias.detach()))
    assert start == pytest.approx(SIGMOID_START)
    clip.logit_bias.data.fill_(-4.0)
    make_objective("sigmoid", clip)
    assert float(clip.logit_bias.detach()) == -4.0
    assert suited(small_config(), "sigmoid").logit_bias and not small_config().logit_bias


@pytest.mark.parametrize("batch_size", [2, 8, 300])
def test_guessing_is_the_best_that_a_constant_logit_can_reach(batch_size):
    guess = make_objective("sigmoid", small_clip()).chance_loss(batch_size)
    features = F.normalize(torch.ones(batch_size, 4), dim=1)

    def loss(logit: float) -> float:
        return float(siglip_loss(features, features, 0.0, logit))

    best = -math.log(batch_size - 1)
    assert guess == pytest.approx(loss(best), rel=1e-4)
    assert min(loss(best - 0.3), loss(best + 0.3)) > guess


def test_several_captions_give_the_mean_of_the_losses_with_each():
    objective = make_objective("sigmoid", small_clip()).eval()
    pairs = EightPairs()(0, 8)
    several = Pairs(pairs.images, pairs.captions, more_captions=[pairs.captions[::-1]])
    images, _ = batch_of(objective)
    ids = objective.targets(several, TOKENIZER)
    answers = objective(images, ids)
    alone = [
        objective.compare(answers.images, answers.texts[:, k], answers.scale, answers.bias)
        for k in range(2)
    ]
    torch.testing.assert_close(objective.compare(*answers), sum(alone) / 2)


# -------------------- training


def test_thirty_steps_learn_the_eight_pairs_and_move_the_bias():
    trainer, steps = trainer_of(pairs=240), []
    trainer.callbacks.append(
        lambda event: steps.append(event) if event["event"] == "step" else None
    )
    trainer.run()
    assert steps[-1]["loss"] < 0.5 * steps[0]["loss"] and steps[-1]["batch_accuracy"] > 0.5
    assert steps[0]["bias"] == pytest.approx(-10, abs=0.1) and steps[-1]["bias"] != steps[0]["bias"]
    decays = {
        id(weight): group["weight_decay"]
        for group in trainer.optimizers[-1].param_groups
        for weight in group["params"]
    }
    assert decays[id(trainer.model.logit_bias)] == 0


def test_a_run_goes_on_bit_for_bit_where_it_stopped(tmp_path):
    whole = trainer_of(pairs=48)
    whole.run()
    first = trainer_of(tmp_path, pairs=48)
    first.callbacks.append(lambda event: first.stop() if event["step"] == 3 else None)
    first.run()
    second = trainer_of(tmp_path, pairs=48)
    second.resume()
    second.run()
    assert_same_bits(whole, second)
    assert torch.equal(whole.model.logit_bias, second.model.logit_bias)


def test_micro_batches_give_the_whole_batchs_gradient():
    def gradients(micro_batch):
        trainer = trainer_of(machine={"micro_batch": micro_batch})
        batch = trainer.draw()
        loss, _ = trainer.backward(batch.images, trainer.objective.targets(batch, TOKENIZER))
        return float(loss), {key: w.grad for key, w in trainer.model.named_parameters()}

    (loss, direct), (cached_loss, cached) = gradients(None), gradients(3)
    assert cached_loss == pytest.approx(loss, rel=1e-6) and "logit_bias" in direct
    for key, gradient in direct.items():
        torch.testing.assert_close(cached[key], gradient, rtol=1e-4, atol=1e-6)


def test_averaged_weights_have_an_averaged_bias():
    trainer = trainer_of(pairs=16, averaging=0.5)
    start = float(trainer.model.logit_bias.detach())
    biases = []
    trainer.callbacks.append(
        lambda event: biases.append(event["bias"]) if event["event"] == "step" else None
    )
    trainer.run()
    expected = 0.25 * start + 0.25 * biases[0] + 0.5 * biases[1]
    assert float(trainer.best_model.logit_bias) == pytest.approx(expected, rel=1e-6)


def test_both_objectives_start_from_the_same_weights():
    states = []
    for objective in ("contrastive", "sigmoid"):
        preset = with_budget(find_preset("tiny"), None, 8, batch_size=8, objective=objective)
        states.append(scene_trainer(preset, seed=3).model.state_dict())
    same = states[0].keys() - {"logit_scale"}
    assert states[1].keys() - states[0].keys() == {"logit_bias"}
    assert all(torch.equal(states[0][name], states[1][name]) for name in same)


# -------------------- on the disk, and elsewhere


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A finished run, and its trainer."""
    out = tmp_path_factory.mktemp("sigmoid")
    trainer = trainer_of(out, pairs=80)
    trainer.run()
    return out, trainer


def test_a_run_is_a_plain_clip_with_a_bias(run):
    out, trainer = run
    encoder = load(out)
    assert isinstance(encoder, ClipbenchEncoder) and not list(out.rglob(ABOUT))
    assert encoder.bias == pytest.approx(float(trainer.model.logit_bias.detach()), rel=1e-6)
    assert encoder.scale == pytest.approx(float(trainer.model.scale.detach()), rel=1e-6)


def test_transformers_reads_its_features_and_ours_the_bias_again(run):
    newest = checkpoints(run[0])[0]
    theirs = transformers.CLIPModel.from_pretrained(newest).eval()
    model, _, _ = load_pretrained(newest)
    ids, images = TOKENIZER(["one", "two three"]), torch.randn(2, 3, 32, 32)
    with torch.inference_mode():
        output = theirs(pixel_values=images, input_ids=ids)
        torch.testing.assert_close(
            model.encode_image(images), output.image_embeds, atol=1e-5, rtol=0
        )
        torch.testing.assert_close(model.encode_text(ids), output.text_embeds, atol=1e-5, rtol=0)
    assert "logit_bias" in load_file(newest / "model.safetensors")


def test_open_clip_reads_its_bias_and_ours_gets_it_back(run, tmp_path):
    model, tokenizer, preprocess = load_pretrained(checkpoints(run[0])[0])
    save_open_clip(tmp_path / "model", model, tokenizer, preprocess)
    theirs = open_clip.create_model(f"local-dir:{tmp_path / 'model'}").eval()
    images, texts = torch.randn(2, 3, 32, 32), ["one", "two three"]
    with torch.inference_mode():
        expected, _ = theirs.get_logits(images, tokenizer(texts, pad_to=32))
    encoder = load(tmp_path / "model")
    found = (
        encoder.scale * encoder.encode_image(images) @ encoder.encode_text(texts).T + encoder.bias
    )
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-4)


def test_a_run_with_the_softmax_is_not_resumed_with_the_sigmoid(tmp_path):
    trainer_of(tmp_path, pairs=8, objective="contrastive").run()
    with pytest.raises(UserError, match="another objective"):
        trainer_of(tmp_path, pairs=8).resume()


@pytest.mark.slow
def test_the_command_trains_stops_goes_on_and_logs_the_bias(tmp_path, capsys):
    out = ["--out", str(tmp_path / "run"), "--batch-size", "16", "--threads", "1"]
    command = ["train", "--objective", "sigmoid", *out, "--json"]
    assert main([*command, "--pairs", "48"]) == 0
    assert json.loads(capsys.readouterr().out)["finished"]
    rows = read_steps(tmp_path / "run")
    assert len(rows) == 3 and all(-11 < row["bias"] < -9 for row in rows)
    assert all(
        "bias" in event for event in read_events(tmp_path / "run") if event["event"] == "step"
    )
    tuned = ["--from", str(tmp_path / "run"), "--out", str(tmp_path / "tuned")]
    assert (
        main(["train", "--objective", "sigmoid", *tuned, "--pairs", "16", "--batch-size", "8"]) == 0
    )
    assert load(tmp_path / "tuned").bias != 0
    assert "SigLIP's scale" not in capsys.readouterr().err


@pytest.mark.slow
def test_a_softmax_model_that_gives_up_its_temperature_is_told(tmp_path, capsys):
    softmax = write_small_model(tmp_path / "softmax")
    tuned = ["--from", str(softmax), "--out", str(tmp_path / "tuned"), "--threads", "1"]
    command = ["train", "--objective", "sigmoid", *tuned, "--pairs", "8", "--batch-size", "8"]
    assert main(command) == 0
    assert "has no bias: the sigmoid loss starts from SigLIP's scale" in capsys.readouterr().err
    assert load(tmp_path / "tuned").scale == pytest.approx(10, rel=0.05)
