"""An encoder that only remembers gives evaluators and widgets the numbers it was given."""

import pytest
import torch
from small import noise_picture, small_encoder

from clipbench import UserError, image_features, open_pictures, zero_shot_metrics, zero_shot_weights
from clipbench.encoders.clip import Encoder
from clipbench.encoders.precomputed import PrecomputedEncoder
from clipbench_widgets import PromptExplorer

PICTURES = [noise_picture(20, 16, seed=n) for n in range(4)]


@pytest.fixture(scope="module")
def encoder():
    return small_encoder()


@pytest.fixture
def remembered(encoder):
    images = encoder.preprocess(PICTURES)
    features, tower_features = encoder.encode_image(images), encoder.image_tower(images)
    return PrecomputedEncoder(PICTURES, features, encoder, tower_features=tower_features)


def test_it_is_an_encoder_with_the_same_numbers(encoder, remembered):
    assert isinstance(remembered, Encoder)
    images = remembered.preprocess(PICTURES[::-1])
    assert torch.equal(
        remembered.encode_image(images).flip(0), encoder.encode_image(encoder.preprocess(PICTURES))
    )
    assert torch.equal(
        remembered.image_tower(images).flip(0), encoder.image_tower(encoder.preprocess(PICTURES))
    )
    assert remembered.scale == encoder.scale and remembered.embed_dim == encoder.embed_dim


def test_evaluators_and_widgets_take_it(encoder, remembered):
    data = open_pictures("digits").subset(range(12))
    known = PrecomputedEncoder(data.pictures(range(12)), image_features(encoder, data), encoder)
    metrics = [
        zero_shot_metrics(
            image_features(one, data),
            data.labels,
            zero_shot_weights(one, data.class_names, ["a {}"]),
        )
        for one in (encoder, known)
    ]
    assert metrics[0] == metrics[1]
    explorers = [PromptExplorer(one, PICTURES, ["a cat", "a dog"]) for one in (encoder, remembered)]
    for computed, known in zip(*(explorer.scores for explorer in explorers), strict=True):
        # one picture at a time, or four
        assert computed["cosine"] == pytest.approx(known["cosine"], abs=1e-6)


def test_texts_can_be_known_too(remembered):
    texts = {"a cat": torch.tensor([1.0, 0.0]), "a dog": torch.tensor([0.0, 1.0])}
    known = PrecomputedEncoder(PICTURES[:1], torch.tensor([[0.6, 0.8]]), texts, scale=10.0)
    assert torch.equal(known.encode_text(["a dog", "a cat"]), torch.eye(2).flip(0))
    with pytest.raises(UserError, match="a fish"):
        known.encode_text(["a fish"])
    with pytest.raises(UserError, match="before the projection"):
        known.image_tower(known.preprocess(PICTURES[:1]))
    assert known.fingerprint != remembered.fingerprint


def test_mistakes(encoder, remembered):
    with pytest.raises(UserError, match="picture 2 of 2"):
        remembered.preprocess([PICTURES[0], noise_picture(20, 16, seed=99)])
    with pytest.raises(UserError, match="do not fit"):
        PrecomputedEncoder(PICTURES, torch.zeros(3, 2), encoder)
    with pytest.raises(UserError, match="same joint space"):
        PrecomputedEncoder(PICTURES[:1], torch.zeros(1, 2), encoder)
    with pytest.raises(UserError, match="not finite"):
        PrecomputedEncoder(PICTURES[:1], torch.full((1, encoder.embed_dim), float("nan")), encoder)
