"""What must work on any card, in at most five minutes: ``make test-gpu``. The figures are printed.

Lessons with a ViT-B/32 of random weights, lesson 01's training, gradients through an encoder on a
card.
"""

import pytest
import torch
from gpu_measurements import CARD, lesson, training
from random_checkpoint import write_hub_cache
from small import noise_picture, small_encoder

from clipbench import ClipbenchEncoder
from clipbench.compute.devices import pick_precision

pytestmark = pytest.mark.gpu


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    return write_hub_cache(tmp_path_factory.mktemp("hub"), CARD.checkpoint)


@pytest.mark.parametrize("number", CARD.lessons)
def test_a_lesson_runs_on_the_card(hub, number):
    found = lesson(CARD, number, hub)
    print(f"\nlesson {number}: {found}")
    assert (found["device"], found["precision"]) == ("cuda", pick_precision("cuda"))


def test_lesson_01_trains_on_the_card():
    found = training(CARD)
    print(f"\nlesson 01's training, {CARD.seconds:g} s: {found}")
    assert found["below_guessing"] > 0.5


@pytest.mark.parametrize("precision", ["fp32", "auto"])
def test_an_encoder_on_the_card_gives_the_cpus_answers(precision):
    here = small_encoder()
    pictures, texts = [noise_picture(40, 50, seed) for seed in range(4)], ["a cat", "a dog"]
    pixels = here.preprocess(pictures)
    expected = here.encode_image(pixels), here.image_tower(pixels), here.encode_text(texts)
    there = on_card(here, precision)
    found = there.encode_image(pixels), there.image_tower(pixels), there.encode_text(texts)
    for one, other in zip(found, expected, strict=True):
        assert (one.device.type, one.dtype) == ("cpu", torch.float32)
        torch.testing.assert_close(one, other, atol=2e-2, rtol=2e-2)


def test_gradients_pass_through_an_encoder_on_the_card():
    encoder = small_encoder()
    pixels = encoder.preprocess([noise_picture(40, 50)]).requires_grad_()
    (expected,) = torch.autograd.grad(
        encoder.encode_image(pixels, gradients=True)[:, 0].sum(), pixels
    )
    encoder = on_card(encoder)
    (found,) = torch.autograd.grad(encoder.encode_image(pixels, gradients=True)[:, 0].sum(), pixels)
    torch.testing.assert_close(found, expected, atol=1e-3, rtol=1e-2)


def on_card(encoder: ClipbenchEncoder, precision: str = "fp32") -> ClipbenchEncoder:
    return ClipbenchEncoder(
        encoder.model, encoder.tokenizer, encoder._preprocess, "small", "cuda", precision
    )
