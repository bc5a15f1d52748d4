"""Facts about devices: an encoder answers on the CPU in float32, wherever its model runs
(``fake_card``).
"""

import ast
from pathlib import Path

import pytest
import torch
from fake_card import a_card, moved
from small import noise_picture, small_clip

import clipbench
from clipbench import ClipbenchEncoder
from clipbench.compute.precision import answer, choose_precision, in_precision
from clipbench.data.streams import ScenePairs
from clipbench.encoders.clip import PicturesOnly, RivalEncoder
from clipbench.encoders.foreign import OpenClipEncoder
from clipbench.evaluate.features.compute import image_features, text_features
from clipbench.inside import attention_maps, occlusion_maps, unit_layers, unit_responses
from clipbench.inside.steering import steer
from clipbench.objectives import make_objective
from clipbench.preprocess import Preprocess
from clipbench.pretrained.folders import world_tokenizer
from clipbench.training.machine import Machine

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
PICTURES = [noise_picture(40, 50, seed) for seed in range(3)]
TEXTS = ["a cat", "a dog on red"]


@pytest.fixture
def card():
    with a_card() as device:
        yield device


def encoder_of(model, precision: str = "fp32") -> ClipbenchEncoder:
    return ClipbenchEncoder(model, world_tokenizer(), Preprocess(32), "small", precision=precision)


def encoder_on_a_card(precision: str = "fp32") -> ClipbenchEncoder:
    return encoder_of(moved(in_precision(small_clip(), precision)), precision)


def lies_on_the_cpu(answer: torch.Tensor, *shape: int) -> bool:
    return (answer.device.type, answer.dtype, tuple(answer.shape)) == ("cpu", torch.float32, shape)


def test_the_fake_card_refuses_to_be_mixed(card):
    with pytest.raises(RuntimeError, match="two different devices"):
        torch.ones(2, 2, device=card) @ torch.ones(2, 2)
    assert (torch.ones(2, 2, device=card) @ torch.ones(2, 2).to(card)).device == card


@pytest.mark.parametrize("precision, tolerance", [("fp32", 1e-6), ("bf16", 1e-2)])
def test_an_encoder_on_a_card_gives_the_cpus_answers(card, precision, tolerance):
    encoder, here = (
        encoder_on_a_card(precision),
        encoder_of(in_precision(small_clip(), precision), precision),
    )
    pixels = encoder.preprocess(PICTURES)
    assert encoder.device == card and pixels.device.type == "cpu"
    for ask in (
        lambda encoder: encoder.encode_image(pixels),
        lambda encoder: encoder.image_tower(pixels),
        lambda encoder: encoder.encode_text(TEXTS),
        lambda encoder: PicturesOnly(encoder).encode_image(pixels),
    ):
        found, expected = ask(encoder), ask(here)
        assert lies_on_the_cpu(found, *expected.shape)
        torch.testing.assert_close(found, expected, atol=tolerance, rtol=tolerance)
    assert (encoder.scale, encoder.fingerprint) == (here.scale, here.fingerprint)


def test_pictures_may_lie_on_the_card_already(card):
    encoder = encoder_on_a_card()
    assert lies_on_the_cpu(encoder.encode_image(encoder.preprocess(PICTURES).to(card)), 3, 16)


def test_code_that_goes_on_computing_there_may_keep_the_answers_there(card):
    encoder = encoder_on_a_card("bf16")
    pixels = encoder.preprocess(PICTURES)
    pictures, texts = (
        encoder.encode_image(pixels, on_device=True),
        encoder.encode_text(TEXTS, on_device=True),
    )
    kept = pictures, texts, encoder.image_tower(pixels, on_device=True)
    assert all(each.device == card and each.dtype == torch.float32 for each in kept)
    assert (pictures @ texts.T).shape == (3, 2)


def test_gradients_come_back_to_pictures_on_the_cpu(card):
    encoder, model = encoder_on_a_card(), small_clip()
    pixels = encoder.preprocess(PICTURES).requires_grad_()
    found = encoder.encode_image(pixels, gradients=True)
    assert lies_on_the_cpu(found, 3, 16) and not encoder.encode_image(pixels).requires_grad
    (gradient,), (expected,) = (
        torch.autograd.grad(each[:, 0].sum(), pixels)
        for each in (found, model.encode_image(pixels))
    )
    assert lies_on_the_cpu(gradient, 3, 3, 32, 32) and torch.equal(gradient, expected)
    with torch.no_grad():
        assert not encoder.encode_image(pixels, gradients=True).requires_grad, (
            "an outer no_grad holds"
        )


def test_features_of_sets_lie_on_the_cpu(card):
    encoder = encoder_on_a_card("bf16")
    data = clipbench.open_pictures("digits").subset(range(5))
    assert lies_on_the_cpu(image_features(encoder, data, batch_size=2), 5, 16)
    assert lies_on_the_cpu(text_features(encoder, TEXTS), 2, 16)


def test_looking_inside_works_on_a_card(card):
    encoder = encoder_on_a_card()
    data = clipbench.open_pictures("digits").subset(range(5))
    layer, *_ = unit_layers(encoder.model)
    assert unit_responses(encoder, data, [layer])[layer].device.type == "cpu"
    maps = attention_maps(encoder.model.image_encoder, encoder.preprocess(PICTURES))
    assert lies_on_the_cpu(maps, 2, 3, 2, 17, 17)
    assert lies_on_the_cpu(occlusion_maps(encoder, PICTURES[0], TEXTS), 2, 13, 13)
    assert lies_on_the_cpu(steer(encoder, "a cat", steps=2, views=2, frames=2).pixels, 2, 3, 32, 32)


def test_a_model_of_another_objective_scores_classes_on_a_card(card):
    objective = moved(make_objective("bow", small_clip()))
    encoder = RivalEncoder(objective, world_tokenizer(), Preprocess(32))
    scores = encoder.class_scores(encoder.image_tower(encoder.preprocess(PICTURES)), TEXTS, ["{}"])
    assert lies_on_the_cpu(scores, 3, 2)


def test_foreign_models_answer_on_the_cpu_too(card):
    tokenizer = lambda texts: torch.zeros(len(texts), 4, dtype=torch.int64)  # noqa: E731
    encoder = OpenClipEncoder(moved(OpenClipLike()), tokenizer, Preprocess(8))
    assert encoder.device == card and encoder.scale == 1
    pixels = torch.zeros(3, 3, 8, 8)
    assert lies_on_the_cpu(encoder.encode_image(pixels), 3, 16)
    assert lies_on_the_cpu(encoder.image_tower(pixels), 3, 192)
    assert lies_on_the_cpu(encoder.encode_text(TEXTS), 2, 16)


class OpenClipLike(torch.nn.Module):
    """The names that OpenClipEncoder uses of a model."""

    def __init__(self):
        super().__init__()
        self.visual = FlatVision()
        self.words = torch.nn.Embedding(8, 16)
        self.logit_scale = torch.nn.Parameter(torch.zeros(()))

    def encode_image(self, images):
        return self.visual(images)

    def encode_text(self, ids):
        return self.words(ids).mean(1)


class FlatVision(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.proj = torch.nn.Parameter(torch.ones(192, 16))

    def forward(self, images):
        flat = images.flatten(1)
        return flat if self.proj is None else flat @ self.proj


def test_an_encoder_leaves_a_model_where_it_is(card):
    """A model in training must not be moved because somebody looks at it."""
    encoder = encoder_on_a_card()
    assert encoder.with_model(encoder.model, "again").device == card
    assert {weight.device for weight in encoder.model.parameters()} == {card}


def test_scenes_are_drawn_where_the_model_is_trained():
    world = ScenePairs(seed=0, tiny=True)
    assert world.on("meta").device == "meta" and world.device == "cpu"


@pytest.mark.parametrize(
    "capability, format",
    [((7, 5), "fp16"), ((8, 0), "bf16"), ((9, 0), "bf16"), ((6, 0), "fp32")],
    ids=["T4", "A100", "H100", "P100"],
)
def test_a_card_computes_in_what_it_is_fast_at_and_a_cpu_in_float32(
    monkeypatch, capability, format
):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    assert choose_precision(None, "cuda") == format and choose_precision("fp32", "cuda") == "fp32"
    assert choose_precision(None, "cpu") == choose_precision(None, "mps") == "fp32"


def test_an_answer_is_float32():
    assert answer(torch.ones(2, dtype=torch.bfloat16), on_device=True).dtype == torch.float32


@pytest.mark.parametrize("load", [clipbench.load, clipbench.ClipbenchEncoder, Machine])
def test_nobody_has_to_name_a_device(load):
    import inspect

    assert inspect.signature(load).parameters["device"].default in ("auto", None)


def test_an_unknown_device_is_the_users_mistake():
    with pytest.raises(clipbench.UserError, match="no device 'tpu' on this machine"):
        clipbench.load("tiny", device="tpu")


# -------------------- the lessons


def devices_named(source: str) -> list[str]:
    """Where a lesson chooses a device or moves something to one."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.keyword) and node.arg == "device":
            found.append(ast.unparse(node.value))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr in ("to", "cpu", "cuda"):
                found.append(ast.unparse(node.func))
            if ast.unparse(node.func) == "clipbench.load" and len(node.args) > 1:
                found.append(ast.unparse(node))
    return found


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.rglob("[0-9]*.py")), ids=lambda path: path.stem)
def test_no_lesson_names_a_device(path):
    assert devices_named(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "source",
    ["ScenePairs(device='cpu')", "x.to(d)", "x.cpu()", "clipbench.load(MODEL, d)", "model.cuda()"],
)
def test_the_check_of_the_lessons_works(source):
    assert len(devices_named(source)) == 1
