"""Facts about zero-shot classification: prompts to weights by hand, known intervals, and what
is refused.
"""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from small import noise_picture, one_line, small_encoder

from clipbench import UserError, image_features, text_features, zero_shot_metrics, zero_shot_weights
from clipbench.data.image_set import PictureSet
from clipbench.evaluate.features.prompts import fill_templates
from clipbench.evaluate.statistics.intervals import with_interval
from clipbench.evaluate.zero_shot import class_probabilities, ensemble

ENCODER = small_encoder()


def noise_set(count: int) -> PictureSet:
    return PictureSet(
        "noise",
        torch.arange(count) % 2,
        ["cat", "dog"],
        ["a {}"],
        lambda rows: [noise_picture(40, 30, seed=row) for row in rows],
        [str(i) for i in range(count)],
    )


# -------------------- prompts


def test_every_template_is_filled_with_every_class():
    assert fill_templates(["cat", "sun"], ["a {}", "{}!"]) == [["a cat", "cat!"], ["a sun", "sun!"]]


def test_class_names_with_braces_are_taken_as_they_are():
    assert fill_templates(["{0}", "{}"], ["a {}."]) == [["a {0}."], ["a {}."]]


@pytest.mark.parametrize(
    "class_names, templates, message",
    [
        ([], ["a {}"], "no class names"),
        (["cat", " "], ["a {}"], "a class name is empty"),
        (["cat"], [], "no templates"),
        (["cat"], ["a photo"], "'a photo' needs {} once"),
        (["cat"], ["{} and {}"], "needs {} once"),
    ],
)
def test_what_makes_no_prompts_is_refused_in_one_line(class_names, templates, message):
    with pytest.raises(UserError) as error:
        zero_shot_weights(ENCODER, class_names, templates)
    assert message in one_line(error.value)


# -------------------- weights


def test_weights_are_normalised_means_of_normalised_prompts():
    class_names, templates = ["cat", "two dogs", "sun"], ["a {}", "a photo of a {}.", "{}"]
    weights = zero_shot_weights(ENCODER, class_names, templates)
    assert weights.shape == (16, 3)
    for column, name in enumerate(class_names):
        total = sum(
            F.normalize(ENCODER.encode_text([text.format(name)])[0], dim=0) for text in templates
        )
        by_hand = total / total.norm()
        # float32, padded otherwise
        torch.testing.assert_close(weights[:, column], by_hand, rtol=0, atol=1e-5)


def test_one_template_gives_the_text_features_themselves():
    weights = zero_shot_weights(ENCODER, ["cat", "dog"], ["a {}"])
    torch.testing.assert_close(
        weights.T, text_features(ENCODER, ["a cat", "a dog"]), rtol=0, atol=1e-6
    )


def test_a_long_prompt_counts_no_more_than_a_short_one():
    features = torch.tensor([[[10.0, 0.0], [0.0, 0.1]]])
    torch.testing.assert_close(ensemble(features)[:, 0], torch.tensor([0.5, 0.5]).sqrt())


# -------------------- features


def test_features_do_not_depend_on_the_batch_size():
    data = noise_set(7)
    few, all_at_once = (image_features(ENCODER, data, batch_size=size) for size in (2, 7))
    assert few.shape == (7, 16)
    torch.testing.assert_close(few, all_at_once, rtol=0, atol=1e-5)
    texts = ["cat", "a dog", "cat", "the sun over a house", "cat"]
    few, all_at_once = (text_features(ENCODER, texts, batch_size=size) for size in (1, 512))
    torch.testing.assert_close(few, all_at_once, rtol=0, atol=1e-5)
    assert torch.equal(few[0], few[2]) and torch.equal(few[0], few[4])


def test_features_before_the_projection_are_as_wide_as_the_tower():
    assert image_features(ENCODER, noise_set(3), projected=False).shape == (3, 32)


# -------------------- metrics


def perfect(labels: list[int], classes: int):
    """Features that each say their label, and weights that listen."""
    return torch.eye(classes)[labels], torch.tensor(labels), torch.eye(classes)


def test_features_that_say_their_label_are_always_right():
    metrics = zero_shot_metrics(*perfect([0, 1, 2, 2, 5], 8))
    assert metrics["top1"] == metrics["top5"] == metrics["mean_per_class"] == 1
    assert (metrics["chance"], metrics["pictures"], metrics["classes"]) == (1 / 8, 5, 8)


@pytest.mark.parametrize("classes, told", [(5, False), (6, True)])
def test_top5_is_left_out_below_six_classes(classes, told):
    assert ("top5" in zero_shot_metrics(*perfect([0, 1], classes))) == told


def test_top5_counts_the_five_nearest():
    weights = torch.eye(7)
    features = torch.tensor([7.0, 6, 5, 4, 3, 2, 1]).repeat(7, 1)
    metrics = zero_shot_metrics(features, torch.arange(7), weights)
    assert metrics["top1"] == pytest.approx(1 / 7) and metrics["top5"] == pytest.approx(5 / 7)


def test_mean_per_class_gives_every_class_the_same_say():
    weights = torch.eye(3)
    labels = torch.tensor([0] * 8 + [1] * 2)  # class 2 does not occur
    features = torch.eye(3)[[0] * 8 + [1, 0]]  # all of class 0 right, half of class 1
    metrics = zero_shot_metrics(features, labels, weights)
    assert metrics["top1"] == pytest.approx(0.9) and metrics["mean_per_class"] == pytest.approx(
        0.75
    )


@pytest.mark.parametrize(
    "hits, n, low, high",
    [  # Newcombe 1998 (Statistics in Medicine 17, 857-872), table I, method 3, to its four digits
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_intervals_are_wilsons(hits, n, low, high):
    interval = with_interval("top1", hits, n)
    assert interval["top1"] == hits / n
    assert (interval["top1_low"], interval["top1_high"]) == pytest.approx((low, high), abs=6e-5)


@given(st.integers(1, 5000), st.data())
def test_intervals_hold_their_fraction_and_mirror(n, data):
    hits = data.draw(st.integers(0, n))
    some, rest = with_interval("x", hits, n), with_interval("x", n - hits, n)
    assert 0 <= some["x_low"] <= some["x"] + 1e-12 and some["x"] - 1e-12 <= some["x_high"] <= 1
    assert some["x_low"] == pytest.approx(1 - rest["x_high"], abs=1e-9)


# -------------------- probabilities


def test_probabilities_are_the_softmax_of_scaled_cosines():
    features, weights = (
        F.normalize(torch.randn(3, 8), dim=-1),
        F.normalize(torch.randn(8, 4), dim=0),
    )
    cosines, probabilities = class_probabilities(features, weights, 14.0)
    torch.testing.assert_close(cosines, features @ weights)
    torch.testing.assert_close(probabilities.sum(1), torch.ones(3))
    ratio = probabilities[0, 0] / probabilities[0, 1]
    torch.testing.assert_close(
        ratio.log(), 14 * (cosines[0, 0] - cosines[0, 1]), rtol=1e-4, atol=1e-4
    )
