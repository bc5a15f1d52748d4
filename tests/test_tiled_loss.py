"""Facts about the losses by tiles: the same numbers as the definition, for every tile size, and
their closed forms.
"""

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from clipbench.loss import clip_loss, siglip_loss, tiled_clip_loss

ROUNDING = {"rtol": 1e-12, "atol": 1e-12}  # float64, sums of at most 32 terms, logits up to 100


def features(count: int, seed: int, dimensions: int = 6, dtype=torch.float64) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return F.normalize(
        torch.randn(count, dimensions, generator=generator, dtype=torch.float64), dim=-1
    ).to(dtype)


@st.composite
def batches(draw):
    """(images, texts, scale, groups or None) of a random batch; groups are equal captions, say."""
    count, seed = draw(st.integers(2, 32)), draw(st.integers(0, 2**31))
    groups = draw(st.none() | st.lists(st.integers(-3, 3), min_size=count, max_size=count))
    scale = torch.tensor(draw(st.floats(0, 100)), dtype=torch.float64)
    return (
        features(count, seed),
        features(count, seed + 1),
        scale,
        None if groups is None else torch.tensor(groups),
    )


def with_gradients(loss, images, texts, scale, *rest, **settings):
    """[loss, gradients with respect to images, texts and scale], all new."""
    leaves = [tensor.detach().clone().requires_grad_() for tensor in (images, texts, scale)]
    value = loss(*leaves, *rest, **settings)
    return [value.detach(), *torch.autograd.grad(3 * value, leaves)]


def relative(actual: torch.Tensor, expected: torch.Tensor) -> float:
    return float((actual.double() - expected.double()).norm() / expected.double().norm())


@given(batches(), st.integers(1, 40))
def test_any_tile_size_gives_the_definitions_loss_and_gradients(batch, tile):
    *inputs, groups = batch
    for actual, expected in zip(
        with_gradients(tiled_clip_loss, *inputs, groups, tile=tile),
        with_gradients(clip_loss, *inputs, groups),
        strict=True,
    ):
        torch.testing.assert_close(actual, expected, **ROUNDING)


@pytest.mark.parametrize("groups", [None, torch.tensor([0, 1, 0, 2, 2])])
def test_gradients_are_those_of_finite_differences(groups):
    inputs = [features(5, 0), features(5, 1), torch.tensor(7.0, dtype=torch.float64)]
    inputs = [tensor.requires_grad_() for tensor in inputs]
    torch.autograd.gradcheck(lambda i, t, s: tiled_clip_loss(i, t, s, groups, tile=2), inputs)
    torch.autograd.gradcheck(lambda i, t, s: siglip_loss(i, t, s, s - 17, tile=2), inputs)


@pytest.mark.parametrize("size", [33, 512, pytest.param(4096, marks=pytest.mark.slow)])
@pytest.mark.parametrize("alike", [0.0, 0.5])  # a new model's, and one that has learned
@pytest.mark.parametrize("grouped", [False, True])
def test_float32_tiles_are_within_1e_6_of_float64(size, alike, grouped):
    images = features(size, 0, 64, torch.float32)
    texts = F.normalize(features(size, 1, 64, torch.float32) + alike * images, dim=-1)
    groups = torch.arange(size) // 2 if grouped else None
    scale = torch.tensor(1 / 0.07)
    ours = with_gradients(tiled_clip_loss, images, texts, scale, groups, tile=128)
    truth = with_gradients(clip_loss, images.double(), texts.double(), scale.double(), groups)
    assert max(relative(a, b) for a, b in zip(ours, truth, strict=True)) < 1e-6


def test_bfloat16_tiles_are_close_and_their_gradients_float32():
    images, texts = features(300, 0, 64, torch.float32), features(300, 1, 64, torch.float32)
    scale = torch.tensor(1 / 0.07)
    ours = with_gradients(tiled_clip_loss, images, texts, scale, tile=128, dtype=torch.bfloat16)
    truth = with_gradients(clip_loss, images, texts, scale)
    assert [tensor.dtype for tensor in ours] == [torch.float32] * 4
    assert relative(ours[0], truth[0]) < 1e-3  # a bfloat16 logit is off by up to 1/512 of itself
    assert max(relative(a, b) for a, b in zip(ours[1:3], truth[1:3], strict=True)) < 1e-2


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_the_largest_scale_does_not_overflow(dtype):
    images = features(64, 0, 8, torch.float32)
    for texts in (images, -images):
        for tensor in with_gradients(
            tiled_clip_loss, images, texts, torch.tensor(100.0), tile=16, dtype=dtype
        ):
            assert torch.isfinite(tensor).all()
        half = with_gradients(
            tiled_clip_loss, images.to(dtype), texts.to(dtype), torch.tensor(100.0), tile=16
        )
        assert all(torch.isfinite(tensor).all() for tensor in half) and half[1].dtype == dtype


# -------------------- closed forms


@given(batches(), st.integers(1, 40))
def test_a_model_that_knows_nothing_has_loss_ln_batch(batch, tile):
    images, texts, _, groups = batch
    expected = torch.tensor(math.log(len(images)), dtype=torch.float64)
    torch.testing.assert_close(
        tiled_clip_loss(images, texts, 0.0, groups, tile=tile), expected, **ROUNDING
    )


def test_gradient_is_the_probabilities_less_the_identity():
    logits = torch.randn(7, 7, dtype=torch.float64, requires_grad=True)
    identity = torch.eye(7, dtype=torch.float64)
    # logits @ identity: the features are the logits
    tiled_clip_loss(logits, identity, 1.0, tile=3).backward()
    P, Q = logits.detach().softmax(1), logits.detach().softmax(0)
    torch.testing.assert_close(logits.grad, (P + Q - 2 * identity) / 14, **ROUNDING)


def test_captions_that_occur_twice_put_a_floor_of_ln_2_under_the_loss():
    features_twice = torch.eye(8, dtype=torch.float64).repeat(2, 1)
    groups, scale = torch.arange(8).repeat(2), torch.tensor(100.0, dtype=torch.float64)
    floor = torch.tensor(math.log(2), dtype=torch.float64)
    for pairs in (None, groups):
        value, d_images, _, _ = with_gradients(
            tiled_clip_loss, features_twice, features_twice, scale, pairs, tile=5
        )
        torch.testing.assert_close(value, floor, **ROUNDING)
        assert d_images.abs().max() < 1e-12, "nothing is left to learn there"


def test_equal_captions_need_no_groups_and_unequal_ones_of_a_group_do():
    images, texts, groups = features(6, 0), features(6, 1), torch.tensor([0, 0, 1, 2, 2, 2])
    first = torch.tensor([0, 0, 2, 3, 3, 3])
    scale = torch.tensor(9.0, dtype=torch.float64)

    def gradients(texts, groups):
        value, d_images, d_texts, _ = with_gradients(
            tiled_clip_loss, images, texts, scale, groups, tile=4
        )
        # a text's, from all its rows
        return value, d_images, torch.zeros_like(d_texts).index_add_(0, first, d_texts)

    for plain, grouped in zip(
        gradients(texts[first], None), gradients(texts[first], groups), strict=True
    ):
        torch.testing.assert_close(plain, grouped, **ROUNDING)
    plain, grouped = gradients(texts, None), gradients(texts, groups)
    assert relative(plain[1], grouped[1]) > 0.1


def test_the_target_of_a_group_is_uniform_over_its_members():
    images, texts, groups = features(4, 0), features(4, 1), torch.tensor([5, 5, 5, 9])
    logits = 3.0 * images @ texts.T
    target = torch.tensor([[1 / 3, 1 / 3, 1 / 3, 0]] * 3 + [[0, 0, 0, 1]], dtype=torch.float64)
    two_ways = (
        -(target * logits.log_softmax(1)).sum(1).mean()
        - (target * logits.log_softmax(0)).sum(0).mean()
    )
    for loss in (clip_loss, tiled_clip_loss):
        torch.testing.assert_close(loss(images, texts, 3.0, groups), two_ways / 2, **ROUNDING)


# -------------------- properties


@given(batches(), st.randoms(use_true_random=False), st.integers(1, 40))
def test_order_and_sides_do_not_matter(batch, random, tile):
    images, texts, scale, groups = batch
    order = random.sample(range(len(images)), len(images))
    moved = None if groups is None else groups[order]
    expected = tiled_clip_loss(images, texts, scale, groups)
    torch.testing.assert_close(
        tiled_clip_loss(images[order], texts[order], scale, moved, tile), expected, **ROUNDING
    )
    torch.testing.assert_close(
        tiled_clip_loss(texts, images, scale, groups, tile), expected, **ROUNDING
    )


@given(batches(), st.integers(0, 2**31))
def test_a_common_rotation_changes_nothing(batch, seed):
    images, texts, scale, groups = batch
    generator = torch.Generator().manual_seed(seed)
    rotation = torch.linalg.qr(torch.randn(6, 6, generator=generator, dtype=torch.float64))[0]
    rotated = tiled_clip_loss(images @ rotation, texts @ rotation, scale, groups)
    torch.testing.assert_close(rotated, tiled_clip_loss(images, texts, scale, groups), **ROUNDING)


def test_no_batch_is_refused():
    for loss in (
        lambda *pair: tiled_clip_loss(*pair, 1.0),
        lambda *pair: siglip_loss(*pair, 1.0, 0.0),
    ):
        with pytest.raises(ValueError, match="at least 2 pairs"):
            loss(torch.ones(1, 4), torch.ones(1, 4))


# -------------------- SigLIP


@given(batches(), st.floats(-10, 10), st.integers(1, 40))
def test_siglip_is_a_double_loop_over_all_couples(batch, bias, tile):
    images, texts, scale, _ = batch
    total = 0.0
    for i in range(len(images)):
        for j in range(len(texts)):
            sign = 1 if i == j else -1
            total -= F.logsigmoid(sign * (scale * images[i] @ texts[j] + bias))
    torch.testing.assert_close(
        siglip_loss(images, texts, scale, bias, tile=tile), total / len(images), **ROUNDING
    )


def test_siglip_by_tiles_has_the_gradients_of_all_logits_at_once():
    def whole(images, texts, scale, bias):
        signs = 2 * torch.eye(len(images), dtype=torch.float64) - 1
        return -F.logsigmoid(signs * (scale * images @ texts.T + bias)).sum() / len(images)

    leaves = [features(9, 0), features(9, 1), *torch.tensor([10.0, -10.0], dtype=torch.float64)]
    leaves = [leaf.detach().clone().requires_grad_() for leaf in leaves]
    ours = torch.autograd.grad(siglip_loss(*leaves, tile=4), leaves)
    for actual, expected in zip(ours, torch.autograd.grad(whole(*leaves), leaves), strict=True):
        torch.testing.assert_close(actual, expected, **ROUNDING)
