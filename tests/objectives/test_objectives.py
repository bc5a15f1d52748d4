"""Facts about CLIP's rivals: their losses in closed form, what they start from, that they
learn, stop and go on.
"""

import json
import math

import pytest
import torch
import torch.nn.functional as F
from small import (
    BAG_OF_WORDS,
    CONVNET,
    VIT,
    EightPairs,
    noise_picture,
    one_line,
    small_clip,
    small_config,
    write_image_folder,
)
from trainers import assert_same_bits, small_bundle

from clipbench import CLIP, Machine, ModelBundle, TrainConfig, Trainer, UserError
from clipbench.cli.main import main
from clipbench.compute.flops import training_flops
from clipbench.data.open import open_pictures
from clipbench.data.streams import Pairs, ScenePairs
from clipbench.data.world.factors import SceneConfig
from clipbench.encoders.clip import ClipbenchEncoder, RivalEncoder, load
from clipbench.evaluate.features.compute import image_features, text_features
from clipbench.evaluate.zero_shot import judge_by_scores
from clipbench.loss import clip_loss
from clipbench.model import CLIPConfig
from clipbench.objectives import (
    JOINT,
    OBJECTIVES,
    make_objective,
    nt_xent_loss,
    random_view,
    suited,
)
from clipbench.objectives.caption_words import word_sets
from clipbench.preprocess import Preprocess
from clipbench.pretrained.checkpoint import checkpoints
from clipbench.pretrained.folders import save_pretrained, world_tokenizer

RIVALS = [name for name in OBJECTIVES if name not in JOINT]
TOKENIZER = world_tokenizer()


class EightClasses(EightPairs):
    """The eight pairs, each a class of its own."""

    class_names = list(EightPairs.words)

    def __call__(self, start: int, count: int) -> Pairs:
        pairs = super().__call__(start, count)
        pairs.labels = torch.arange(start, start + count) % 8
        return pairs


def trainer_of(name: str, out=None, machine=None, stream=None, **settings) -> Trainer:
    torch.manual_seed(0)
    model = CLIP(small_config())
    config = TrainConfig(
        **{"objective": name, "batch_size": 8, "pairs": 80, "warmup": 0.1, **settings}
    )
    machine = Machine(**{"precision": "fp32", "threads": 1, **(machine or {})})
    bundle = ModelBundle(model, TOKENIZER, Preprocess(32))
    return Trainer(bundle, stream or EightClasses(), config, out, machine=machine)


def objective_of(name: str, **config):
    torch.manual_seed(0)
    return make_objective(name, small_clip(**config), EightClasses.class_names).eval()


def first_batch(objective) -> tuple[torch.Tensor, torch.Tensor]:
    pairs = EightClasses()(0, 8)
    return Preprocess(32).normalise(pairs.images), objective.targets(pairs, TOKENIZER)


# -------------------- losses in the open


def test_nt_xent_is_the_written_out_loop():
    generator = torch.Generator().manual_seed(0)
    first, second = (F.normalize(torch.randn(5, 7, generator=generator), dim=1) for _ in range(2))
    views = torch.cat([first, second]).double()
    total = 0.0
    for i in range(10):
        partner = (i + 5) % 10
        others = sum(math.exp(3.0 * float(views[i] @ views[k])) for k in range(10) if k != i)
        total -= math.log(math.exp(3.0 * float(views[i] @ views[partner])) / others)
    assert float(nt_xent_loss(first, second, 3.0)) == pytest.approx(total / 10, rel=1e-5)


def test_nt_xent_of_a_model_that_knows_nothing_is_the_log_of_all_other_views():
    same = F.normalize(torch.ones(4, 3), dim=1)
    assert float(nt_xent_loss(same, same, 2.0)) == pytest.approx(math.log(7))


def test_bag_of_words_is_cross_entropy_with_a_target_that_is_uniform_over_the_words():
    objective = objective_of("bow")
    images, token_ids = first_batch(objective)
    vectors = objective.clip.text_encoder.token_embedding.weight
    logits = objective.hidden(objective.clip.image_encoder(images)) @ vectors.T
    target = torch.zeros_like(logits)
    for row, ids in zip(target, token_ids.tolist(), strict=True):
        words = set(ids[1 : ids.index(TOKENIZER.end_id)])
        row[list(words)] = 1 / len(words)
    expected = F.cross_entropy(logits, target)
    torch.testing.assert_close(objective.compare(*objective(images, token_ids)), expected)


def test_a_bag_holds_each_word_once_and_neither_marks_nor_padding():
    ids = TOKENIZER(["dog dog cat!", "dog", ""])
    bags = word_sets(ids, len(TOKENIZER))
    dog, cat, bang = (TOKENIZER([word])[0, 1].item() for word in ("dog", "cat", "!"))
    assert bags[0].nonzero()[:, 0].tolist() == sorted({dog, cat, bang})
    assert bags[1].nonzero()[:, 0].tolist() == [dog]
    assert bags[2].nonzero()[:, 0].tolist() == [TOKENIZER.end_id]
    assert bags.unique().tolist() == [0, 1]


def test_the_caption_models_loss_is_the_mean_over_all_tokens_one_by_one():
    objective = objective_of("caption-lm")
    images, token_ids = first_batch(objective)
    features = objective.clip.image_encoder(images)
    losses = []
    for row, ids in zip(features, token_ids.tolist(), strict=True):
        ids = ids[: ids.index(TOKENIZER.end_id) + 1]
        for known in range(1, len(ids)):  # each token from the ones before it, without padding
            logits = objective.logits(row[None], torch.tensor([ids[:known]]))[0, -1]
            losses.append(float(-logits.log_softmax(0)[ids[known]].detach()))
    loss = float(objective.compare(*objective(images, token_ids)).detach())
    assert loss == pytest.approx(sum(losses) / len(losses), rel=1e-5)


def test_the_caption_model_cannot_see_what_comes_and_sees_the_picture():
    objective = objective_of("caption-lm")
    features = torch.randn(1, 32, generator=torch.Generator().manual_seed(0))
    ids = torch.tensor([[1, 2, 3, 4, 5]])
    changed = ids.clone()
    changed[0, 3] = 9
    before, after = objective.logits(features, ids), objective.logits(features, changed)
    assert torch.equal(before[:, :3], after[:, :3]) and not torch.equal(before[:, 3:], after[:, 3:])
    assert (objective.logits(features + 1, ids) != before).any(-1).all()


def test_a_supervised_loss_is_cross_entropy():
    objective = objective_of("supervised")
    images, labels = first_batch(objective)
    logits = objective.classifier(objective.clip.image_encoder(images))
    torch.testing.assert_close(
        objective.compare(*objective(images, labels)), F.cross_entropy(logits, labels)
    )


@pytest.mark.parametrize("name", ["caption-lm", "bow", "supervised"])
def test_a_new_model_guesses(name):
    objective = objective_of(name)
    loss = float(objective.compare(*objective(*first_batch(objective))).detach())
    assert loss == pytest.approx(objective.chance_loss(8), rel=0.15)  # weights are not zero
    expected = {"supervised": math.log(8)}.get(name, math.log(4096))
    assert objective.chance_loss(8) == pytest.approx(expected)


def test_guessing_depends_on_the_batch_for_contrastive_losses_only():
    assert objective_of("contrastive").chance_loss(16) == pytest.approx(math.log(16))
    assert objective_of("simclr").chance_loss(16) == pytest.approx(math.log(31))


# -------------------- views


def test_views_differ_from_each_other_and_follow_the_seed():
    images = torch.randn(6, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    torch.manual_seed(1)
    first, second = random_view(images), random_view(images)
    torch.manual_seed(1)
    assert torch.equal(random_view(images), first) and first.shape == images.shape
    assert ((first - second).abs().mean((1, 2, 3)) > 0.01).all()


def test_a_view_of_one_colour_is_of_one_colour():
    views = random_view(torch.ones(20, 3, 8, 8) * torch.tensor([1.0, 0.0, -1.0])[:, None, None])
    assert float(views.flatten(2).std(2).max()) < 1e-5
    gray = (views[:, 0, 0, 0] - views[:, 2, 0, 0]).abs() < 1e-5
    assert 0 < int(gray.sum()) < 12, "a fifth of them is grey"


# -------------------- training


@pytest.mark.parametrize("name", RIVALS)
def test_thirty_steps_lower_the_loss(name):
    # noise has no views
    views = {"stream": ScenePairs(0, tiny=True, image_size=32), "batch_size": 16, "pairs": 480}
    trainer, steps = trainer_of(name, **(views if name == "simclr" else {"pairs": 240})), []
    trainer.callbacks.append(
        lambda event: steps.append(event) if event["event"] == "step" else None
    )
    trainer.run()
    assert (
        len(steps) == 30
        and steps[-1]["loss"] < (0.96 if name == "simclr" else 0.8) * steps[0]["loss"]
    )
    assert steps[-1]["batch_accuracy"] > steps[0]["batch_accuracy"] + 0.1
    assert all(step["tflops"] > 0 for step in steps)


@pytest.mark.parametrize("name", RIVALS)
def test_only_what_the_objective_uses_is_trained(name):
    trainer = trainer_of(name, pairs=16)
    before = {key: weight.detach().clone() for key, weight in trainer.objective.named_parameters()}
    trainer.run()
    moved = {
        key
        for key, weight in trainer.objective.named_parameters()
        if not torch.equal(weight, before[key])
    }
    used = {key for key, weight in trainer.objective.named_parameters() if weight.requires_grad}
    text = {key for key in before if key.startswith("clip.text_encoder")}
    assert moved <= used and {key for key in used if "image_encoder" in key} <= moved
    assert bool(text & moved) == (name in ("caption-lm", "bow"))
    assert not moved & {
        "clip.logit_scale",
        "clip.image_projection.weight",
        "clip.text_projection.weight",
    }
    owned = [
        id(w)
        for optimizer in trainer.optimizers
        for group in optimizer.param_groups
        for w in group["params"]
    ]
    assert sorted(owned) == sorted(id(w) for w in trainer.objective.parameters() if w.requires_grad)


@pytest.mark.parametrize("name", RIVALS)
def test_a_rival_goes_on_bit_for_bit_where_it_stopped(name, tmp_path):
    whole = trainer_of(name, pairs=48)
    whole.run()
    first = trainer_of(name, tmp_path, pairs=48)
    first.callbacks.append(lambda event: first.stop() if event["step"] == 3 else None)
    first.run()
    second = trainer_of(name, tmp_path, pairs=48)
    second.resume()
    assert second.step == 3
    second.run()
    assert_same_bits(whole, second)
    ours, theirs = whole.objective.heads(), second.objective.heads()
    assert ours and all(torch.equal(ours[key], theirs[key]) for key in ours)


def test_a_run_is_not_resumed_with_another_objective(tmp_path):
    trainer_of("bow", tmp_path, pairs=8).run()
    with pytest.raises(UserError, match="another objective"):
        trainer_of("contrastive", tmp_path, pairs=8).resume()


@pytest.mark.parametrize("name", ["caption-lm", "bow", "supervised"])
def test_micro_batches_give_the_whole_batchs_gradient(name):
    def gradients(micro_batch):
        trainer = trainer_of(name, machine={"micro_batch": micro_batch})
        batch = trainer.draw()
        loss, _ = trainer.backward(batch.images, trainer.objective.targets(batch, TOKENIZER))
        return float(loss), {
            key: w.grad for key, w in trainer.objective.named_parameters() if w.requires_grad
        }

    (loss, direct), (cached_loss, cached) = gradients(None), gradients(3)
    assert cached_loss == pytest.approx(loss, rel=1e-6)
    for key, gradient in direct.items():
        torch.testing.assert_close(cached[key], gradient, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("micro_batch", [None, 2])
def test_views_of_simclr_depend_on_the_position_only(micro_batch):
    losses = []
    for _ in range(2):
        trainer = trainer_of("simclr", machine={"micro_batch": micro_batch})
        torch.manual_seed(len(losses))
        losses.append(trainer.train_step()["loss"])
    assert losses[0] == losses[1]


def test_scenes_are_labelled_with_their_subject():
    stream = ScenePairs(seed=0, tiny=True)
    pairs = stream(0, 64)
    assert len(stream.class_names) == 256 == int(stream(0, 256).labels.unique().numel())
    named = [
        stream.class_names[label] in text
        for label, text in zip(pairs.labels, pairs.captions, strict=True)
    ]
    assert sum(named) > 32, "captions may use another word for it"


def test_a_language_model_gets_a_transformer_where_a_bag_of_words_was():
    config = suited(CLIPConfig.tiny(), "caption-lm")
    assert config.image == CLIPConfig.tiny().image and config.text.width == 128
    assert suited(CLIPConfig.tiny(), "bow") == CLIPConfig.tiny()
    make_objective("caption-lm", CLIP(config))


# -------------------- refused


def test_what_cannot_be_trained_is_refused_in_one_line():
    refused = [
        lambda: TrainConfig(pairs=8, objective="gan"),
        lambda: TrainConfig(pairs=8, objective="bow", averaging=0.9),
        lambda: make_objective("caption-lm", small_clip(text=BAG_OF_WORDS)),
        lambda: trainer_of("supervised", stream=EightPairs()),
    ]
    for attempt in refused:
        with pytest.raises(UserError) as error:
            attempt()
        one_line(error.value)


# -------------------- saved and scored


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A short run of every rival, by the command line."""
    folder = tmp_path_factory.mktemp("runs")
    preset = {
        "model": small_config(CONVNET, BAG_OF_WORDS).to_dict(),
        "train": {"batch_size": 16, "pairs": 32},
        "tiny_world": True,
    }
    (folder / "small.json").write_text(json.dumps(preset))
    for name in RIVALS:
        words = [
            "train",
            "--preset",
            str(folder / "small.json"),
            "--objective",
            name,
            "--threads",
            "1",
            "--json",
        ]
        assert main([*words, "--out", str(folder / name)]) == 0
    return folder


@pytest.mark.parametrize("name", RIVALS)
def test_a_run_is_loaded_with_its_objective(name, runs):
    encoder = load(runs / name)
    assert isinstance(encoder, RivalEncoder) and encoder.objective.name == name
    pictures = encoder.preprocess([noise_picture(32, 32)])
    assert encoder.image_tower(pictures).shape == (1, 128)
    data = open_pictures("digits").subset([0])
    for refused in (image_features, lambda encoder, data: text_features(encoder, ["a cat"])):
        with pytest.raises(UserError, match="no joint space"):
            refused(encoder, data)


@pytest.mark.parametrize("name", RIVALS)
def test_damaged_heads_end_in_one_line(name, runs, tmp_path):
    import shutil

    folder = tmp_path / "model"
    shutil.copytree(checkpoints(runs / name)[0], folder)
    heads = folder / "objective.safetensors"
    heads.write_bytes(heads.read_bytes()[:100])
    with pytest.raises(UserError) as error:
        load(folder)
    one_line(error.value)


@pytest.mark.parametrize("name", ["caption-lm", "bow", "supervised"])
def test_a_rival_is_shipped_in_half_the_size_and_answers_the_same(name, tmp_path):
    objective = objective_of(name)
    for dtype in (torch.float32, torch.float16):
        save_pretrained(
            tmp_path / str(dtype),
            objective.clip,
            TOKENIZER,
            Preprocess(32),
            dtype,
            objective=objective,
        )
    whole, half = (load(tmp_path / str(dtype)) for dtype in (torch.float32, torch.float16))
    features = torch.randn(4, 32, generator=torch.Generator().manual_seed(0))
    words = (["cat", "dog"], ["{}"])
    torch.testing.assert_close(
        half.class_scores(features, *words),
        whole.class_scores(features, *words),
        atol=0.02,
        rtol=0.002,
    )  # float16 has 11 bits
    sizes = [
        (encoder_folder / "objective.safetensors").stat().st_size
        for encoder_folder in sorted(tmp_path.iterdir())
    ]
    assert min(sizes) < 0.6 * max(sizes)  # and a header


def test_fingerprints_know_the_heads():
    one, other = (RivalEncoder(objective_of("bow"), TOKENIZER, Preprocess(32)) for _ in range(2))
    assert one.fingerprint == other.fingerprint
    third = RivalEncoder(objective_of("bow"), TOKENIZER, Preprocess(32))
    third.objective.hidden.weight.data[0, 0] += 1
    assert third.fingerprint != one.fingerprint
    assert one.fingerprint != ClipbenchEncoder(one.model, TOKENIZER, Preprocess(32)).fingerprint


def test_a_caption_models_score_is_the_sum_of_its_tokens_log_probabilities():
    objective = objective_of("caption-lm")
    features = torch.randn(2, 32, generator=torch.Generator().manual_seed(1))
    scores = objective.class_scores(
        features, ["cat", "hot dog"], ["{}", "a photo of a {}."], TOKENIZER
    )
    assert scores.shape == (2, 2)

    def log_likelihood(row: torch.Tensor, text: str) -> float:
        ids = TOKENIZER([text])
        likely = objective.logits(row[None], ids[:, :-1]).log_softmax(-1)[0]
        return float(likely[torch.arange(ids.shape[1] - 1), ids[0, 1:]].sum().detach())

    terms = [
        math.exp(log_likelihood(features[1], text)) for text in ("hot dog", "a photo of a hot dog.")
    ]
    assert float(scores[1, 1]) == pytest.approx(math.log(sum(terms) / 2), rel=1e-4)


def test_written_captions_are_the_likeliest_tokens_one_by_one():
    objective = objective_of("caption-lm")
    features = torch.randn(3, 32, generator=torch.Generator().manual_seed(2))
    for row, text in zip(features, objective.write(features, TOKENIZER), strict=True):
        ids = [TOKENIZER.start_id]
        while len(ids) < 32 and ids[-1] != TOKENIZER.end_id:
            ids.append(int(objective.logits(row[None], torch.tensor([ids]))[0, -1].argmax()))
        assert text == TOKENIZER.text(ids)


def test_a_bag_of_words_score_is_the_sum_over_the_words():
    objective = objective_of("bow")
    features = torch.randn(2, 32, generator=torch.Generator().manual_seed(1))
    scores = objective.class_scores(features, ["cat", "cat dog"], ["{}"], TOKENIZER)
    likely = objective.log_likely(features)
    cat, dog = TOKENIZER(["cat dog"])[0, 1:3].tolist()
    torch.testing.assert_close(scores[:, 0], likely[:, cat])
    torch.testing.assert_close(scores[:, 1], likely[:, cat] + likely[:, dog])


def test_a_supervised_model_answers_its_own_classes_only():
    objective = objective_of("supervised")
    features = torch.randn(2, 32, generator=torch.Generator().manual_seed(1))
    scores = objective.class_scores(features, ["fish", "cat"], ["{}"], TOKENIZER)
    torch.testing.assert_close(scores, objective.classifier(features)[:, [6, 0]])
    with pytest.raises(UserError, match="'unicorn'"):
        objective.class_scores(features, ["cat", "unicorn"], ["{}"], TOKENIZER)
    with pytest.raises(UserError, match="linear-probe"):
        objective_of("simclr").class_scores(features, ["cat", "dog"], ["{}"], TOKENIZER)


def test_the_command_line_scores_rivals_and_refuses_what_makes_no_sense(runs, tmp_path, capsys):
    digits = write_image_folder(tmp_path / "digits", {"zero": 3, "one": 2})
    words = ["--data", str(digits), "--json", "--model"]
    assert main(["eval", "zero-shot", *words, str(runs / "bow")]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["metrics"]["pictures"] == 5 and record["settings"]["ensemble"] == "as bow has it"
    for name, reason in (("simclr", "linear-probe"), ("supervised", "'one'")):
        assert main(["eval", "zero-shot", *words, str(runs / name)]) == 2
        assert reason in capsys.readouterr().err


@pytest.mark.slow
def test_the_command_line_probes_rivals(runs, capsys):
    assert (
        main(
            ["eval", "linear-probe", "--data", "digits", "--model", str(runs / "simclr"), "--json"]
        )
        == 0
    )
    assert json.loads(capsys.readouterr().out)["metrics"]["top1"] > 0.2


def test_a_trained_caption_model_finds_its_eight_captions():
    trainer = trainer_of("caption-lm", pairs=800)
    trainer.run()
    encoder = RivalEncoder(trainer.objective, TOKENIZER, Preprocess(32))
    features = encoder.image_tower(Preprocess(32).normalise(EightPairs().images))
    verdicts = judge_by_scores(
        encoder, features, torch.arange(8), EightPairs.words, ["a photo of a {}"]
    )
    assert verdicts.metrics()["top1"] > 0.8


@pytest.mark.slow
def test_the_benchmark_of_figure_2_measures_on_the_way(capsys):
    words = ["bench", "objectives", "--pairs", "512", "--points", "2", "--pictures", "16", "--json"]
    assert main(words) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["pairs"] == [256, 512]
    for name in ("contrastive", "bow", "caption-lm"):
        assert len(record[name]["top1"]) == 2


def test_several_captions_give_the_mean_of_the_losses_with_each():
    clip, tokenizer = small_clip(CONVNET, BAG_OF_WORDS).double(), world_tokenizer()
    pairs = ScenePairs(0, SceneConfig(captions=3), tiny=True, image_size=CONVNET.image_size)(0, 8)
    objective = make_objective("contrastive", clip)
    images = pairs.images.double()
    ids = objective.targets(pairs, tokenizer)
    assert ids.shape[:2] == (8, 3)
    rows, texts, scale = objective(images, ids)
    alone = [
        clip_loss(*clip(images, tokenizer(list(texts))))
        for texts in (pairs.captions, *pairs.more_captions)
    ]
    torch.testing.assert_close(objective.compare(rows, texts, scale), sum(alone) / 3)
    first_alone = objective(images, tokenizer(pairs.captions))[1]
    assert objective.accuracy(rows, texts, scale) == objective.accuracy(rows, first_alone, scale)
    both = training_flops(clip.config, 7, lock_image=True, lock_text=True)
    text = training_flops(clip.config, 7, lock_image=True) - both
    assert objective.flops(ids) - objective.flops(ids[:, 0]) == pytest.approx(2 * text * 3 / 2)


def test_captions_in_micro_batches_have_the_whole_batchs_gradient():
    gradients = []
    for micro_batch in (8, 4):
        stream = ScenePairs(0, SceneConfig(captions=2), tiny=True, image_size=VIT.image_size)
        torch.manual_seed(0)
        machine = Machine(precision="fp32", micro_batch=micro_batch)
        recipe = TrainConfig(pairs=8, batch_size=8)
        trainer = Trainer(small_bundle(VIT), stream, recipe, machine=machine)
        batch = trainer.draw()
        trainer.backward(batch.images, trainer.objective.targets(batch, trainer.tokenizer))
        gradients.append(
            torch.cat([weight.grad.flatten() for weight in trainer.model.parameters()])
        )
    torch.testing.assert_close(*gradients, rtol=1e-3, atol=1e-6)
