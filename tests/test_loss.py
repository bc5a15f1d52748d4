"""Facts about the contrastive loss: closed forms, symmetries, its gradient, and what it refuses."""

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from jaxtyping import TypeCheckError

from clipbench import clip_loss

# In float64 only rounding is left: sums of at most 32 terms, each exact to 1e-16 of numbers up to
# 100.
EXACT = {"rtol": 1e-10, "atol": 1e-10}


def assert_exact(actual, expected):
    torch.testing.assert_close(actual, torch.as_tensor(expected, dtype=torch.float64), **EXACT)


def unit_vectors(count: int, seed: int, dimensions: int = 6) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return F.normalize(
        torch.randn(count, dimensions, generator=generator, dtype=torch.float64), dim=-1
    )


@st.composite
def batches(draw):
    """(image features, text features, scale) of a random batch."""
    count, seed = draw(st.integers(2, 16)), draw(st.integers(0, 2**31))
    scale = torch.tensor(draw(st.floats(0, 100)), dtype=torch.float64)
    return unit_vectors(count, seed), unit_vectors(count, seed + 1), scale


@pytest.mark.parametrize("scale", [0.0, 1.0, 1 / 0.07, 100.0])
@pytest.mark.parametrize("batch", [2, 5, 16])
def test_loss_of_orthonormal_matched_features_has_a_closed_form(batch, scale):
    features = torch.linalg.qr(torch.randn(16, 16, dtype=torch.float64))[0][:batch]
    assert_exact(clip_loss(features, features, scale), math.log1p((batch - 1) * math.exp(-scale)))


@given(batches())
def test_loss_at_scale_zero_is_log_batch(batch):
    images, texts, _ = batch
    assert_exact(clip_loss(images, texts, 0.0), math.log(len(images)))


@given(batches())
def test_loss_is_the_two_way_cross_entropy_of_a_double_loop(batch):
    images, texts, scale = batch
    total = 0.0
    for i in range(len(images)):
        to_texts = [math.exp(float(scale * images[i] @ texts[j])) for j in range(len(texts))]
        to_images = [math.exp(float(scale * images[j] @ texts[i])) for j in range(len(images))]
        total += -math.log(to_texts[i] / sum(to_texts)) - math.log(to_images[i] / sum(to_images))
    assert_exact(clip_loss(images, texts, scale), total / (2 * len(images)))


@given(batches(), st.randoms(use_true_random=False))
def test_order_of_the_pairs_does_not_matter(batch, random):
    images, texts, scale = batch
    order = random.sample(range(len(images)), len(images))
    assert_exact(clip_loss(images[order], texts[order], scale), clip_loss(images, texts, scale))


@given(batches())
def test_images_and_texts_play_the_same_part(batch):
    images, texts, scale = batch
    assert_exact(clip_loss(texts, images, scale), clip_loss(images, texts, scale))


@given(batches(), st.integers(0, 2**31))
def test_a_common_rotation_changes_nothing(batch, seed):
    images, texts, scale = batch
    generator = torch.Generator().manual_seed(seed)
    rotation = torch.linalg.qr(torch.randn(6, 6, generator=generator, dtype=torch.float64))[0]
    assert_exact(
        clip_loss(images @ rotation, texts @ rotation, scale), clip_loss(images, texts, scale)
    )


@given(batches())
def test_showing_every_pair_twice_costs_ln_2(batch):
    images, texts, scale = batch
    twice = clip_loss(torch.cat([images, images]), torch.cat([texts, texts]), scale)
    assert_exact(twice, clip_loss(images, texts, scale) + math.log(2))


def test_duplicates_of_all_pairs_put_a_floor_of_ln_2_under_the_loss():
    features = torch.eye(8, dtype=torch.float64).repeat(2, 1)
    # exp(-100) is far below the tolerance
    assert_exact(clip_loss(features, features, 100.0), math.log(2))


@pytest.mark.parametrize("batch", [2, 7])
def test_gradient_is_the_probabilities_less_the_identity(batch):
    logits = torch.randn(batch, batch, dtype=torch.float64, requires_grad=True)
    identity = torch.eye(batch, dtype=torch.float64)
    clip_loss(logits, identity, 1.0).backward()  # logits @ identity: the features are the logits
    P, Q = logits.detach().softmax(1), logits.detach().softmax(0)
    assert_exact(logits.grad, (P + Q - 2 * identity) / (2 * batch))


def test_largest_scale_does_not_overflow_in_half_precision():
    features = F.normalize(torch.randn(32, 8), dim=-1)
    for dtype in (torch.bfloat16, torch.float16):
        loss = clip_loss(features.to(dtype), -features.to(dtype), torch.tensor(100.0))
        assert torch.isfinite(loss)


def test_a_batch_of_one_is_refused():
    with pytest.raises(ValueError, match="at least 2 pairs"):
        clip_loss(torch.ones(1, 4), torch.ones(1, 4), 1.0)


def test_shapes_that_are_no_pairs_are_refused():
    with pytest.raises(TypeCheckError):  # with the shape checks of the tests
        clip_loss(torch.ones(3, 4), torch.ones(2, 4), 1.0)
    with pytest.raises(ValueError, match="must be pairs"):  # and without them, as in a notebook
        clip_loss.__wrapped__(torch.ones(3, 4), torch.ones(2, 4), 1.0)
