"""Few-shot curves: what is drawn, bands by hand, where a curve meets zero-shot; Tip-Adapter and
learned prompts.
"""

import json
import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from small import (
    BAG_OF_WORDS,
    one_line,
    small_clip,
    small_encoder,
    write_image_folder,
    write_small_model,
)

from clipbench import UserError, zero_shot_weights
from clipbench.cli.main import main
from clipbench.encoders.clip import ClipbenchEncoder
from clipbench.evaluate.probes.few_shot import (
    Point,
    draw_shots,
    examples_to_match,
    few_shot_curve,
    probe_scorer,
    usable_shots,
)
from clipbench.evaluate.probes.linear_probe import Rows
from clipbench.evaluate.probes.prompt_learning import CONTEXT, LearnedPrompts, learn_context
from clipbench.evaluate.probes.tip_adapter import (
    cache_logits,
    choose,
    tip_adapter_scorer,
    tune_keys,
)

NAMES = ["cat", "dog", "sun"]


def clusters(
    rows: int, classes: int = 3, spread: float = 0.5, width: int = 8, seed: int = 0
) -> Rows:
    """Unit vectors about one axis a class."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(rows) % classes
    noise = torch.randn(rows, width, generator=generator)
    return Rows(F.normalize(torch.eye(width)[labels] + spread * noise, dim=1), labels)


# -------------------- the shots


@given(st.integers(0, 1000), st.sampled_from([1, 2, 4, 8]))
def test_every_class_gives_its_shots_and_others_to_choose_on(seed, shots):
    labels = torch.tensor([0] * 20 + [1] * 9 + [2] * 12)
    train, validation = draw_shots(labels, shots, seed)
    assert labels[train].bincount().tolist() == [shots] * 3
    expected = [min(shots, 4, count - shots) for count in (20, 9, 12)]
    assert labels[validation].bincount().tolist() == expected
    assert not set(train.tolist()) & set(validation.tolist())


def test_a_seed_gives_the_same_shots_and_smaller_draws_are_part_of_larger_ones():
    labels = torch.arange(60) % 3
    small, large = (set(draw_shots(labels, k, seed=7)[0].tolist()) for k in (2, 8))
    assert small < large and small == set(draw_shots(labels, 2, seed=7)[0].tolist())
    assert small != set(draw_shots(labels, 2, seed=8)[0].tolist())


def test_shots_that_a_class_does_not_have_are_refused_or_left_out():
    labels = torch.tensor([0] * 9 + [1] * 5)
    assert usable_shots(labels) == [1, 2, 4]
    with pytest.raises(UserError) as error:
        draw_shots(labels, 5, seed=0)
    assert "class 1 has 5 training pictures" in one_line(error.value)
    with pytest.raises(UserError) as error:
        usable_shots(torch.tensor([0, 0, 1]))
    assert "a class has 1 training pictures" in one_line(error.value)


# -------------------- the curve


def test_bands_are_students():
    """Three values 0.4, 0.5, 0.6: s = 0.1, t(0.975, 2) = 4.302653."""
    low, high = Point(1, (0.4, 0.5, 0.6)).interval
    half = 4.302653 * 0.1 / math.sqrt(3)
    assert (low, high) == pytest.approx((0.5 - half, 0.5 + half), abs=1e-6)
    assert Point(1, (0.4,)).interval is None


def test_the_curve_asks_for_every_shot_and_seed():
    asked = []
    curve = few_shot_curve(
        torch.arange(40) % 4, lambda train, held: asked.append(len(train)) or 0.5, (1, 4), (0, 1)
    )
    assert asked == [4, 4, 16, 16] and [point.values for point in curve] == [(0.5, 0.5)] * 2


def test_more_shots_of_noisy_clusters_are_better():
    score = probe_scorer(clusters(90), clusters(120, seed=1), classes=3)
    few, many = few_shot_curve(clusters(90).labels, score, (1, 16))
    assert 1 / 3 < few.mean < many.mean


@pytest.mark.parametrize(
    "target, examples, how",
    [
        (0.5, 2.0, "interpolated"),  # a point of the curve
        (0.6, math.sqrt(8), "interpolated"),  # half way between 2 and 4, in the logarithm
        (0.2, 1.0, "below the range"),
        (0.3, 1.0, "interpolated"),
        (0.9, 16.0, "above the range"),
    ],
)
def test_where_a_curve_meets_a_target(target, examples, how):
    match = examples_to_match(target, [1, 2, 4, 16], [0.3, 0.5, 0.7, 0.8])
    assert match.examples == pytest.approx(examples) and match.how == how and match.monotone


def test_a_curve_that_falls_is_said_to():
    match = examples_to_match(0.5, [1, 2, 4, 8], [0.3, 0.6, 0.4, 0.8])
    assert not match.monotone and match.examples == pytest.approx(2 ** (2 / 3))


@given(st.lists(st.floats(0, 1), min_size=2, max_size=6, unique=True), st.floats(0, 1))
def test_a_match_lies_inside_the_curve(accuracies, target):
    shots = [2**k for k in range(len(accuracies))]
    match = examples_to_match(target, shots, sorted(accuracies))
    assert shots[0] <= match.examples <= shots[-1] * (1 + 1e-12)


def test_one_point_is_no_curve():
    with pytest.raises(UserError) as error:
        examples_to_match(0.5, [4], [0.5])
    assert "two or more" in one_line(error.value)


# -------------------- Tip-Adapter


def test_cache_logits_are_sums_of_affinities():
    features, keys = F.normalize(torch.randn(4, 5), dim=1), F.normalize(torch.randn(6, 5), dim=1)
    values = F.one_hot(torch.tensor([0, 1, 1, 2, 0, 2]), 3).float()
    by_hand = sum(torch.exp(-5.5 * (1 - features @ keys[n]))[:, None] * values[n] for n in range(6))
    torch.testing.assert_close(cache_logits(features, keys, values, 5.5), by_hand)


def test_a_perfect_zero_shot_classifier_is_left_alone():
    validation, keys = clusters(30, spread=0.01), clusters(6)
    assert choose(validation, keys.features, torch.zeros(6, 3), torch.eye(8)[:, :3], 10.0) == (
        0.0,
        1.0,
    )


@pytest.mark.parametrize("tuned", [False, True])
def test_a_cache_mends_a_useless_zero_shot_classifier(tuned):
    pool, test = clusters(60, spread=0.2), clusters(60, spread=0.2, seed=1)
    score = tip_adapter_scorer(pool, test, torch.zeros(8, 3), 10.0, tuned)
    assert score(torch.arange(12), torch.arange(30, 42)) > 0.95


def test_tuning_the_keys_lowers_the_training_loss():
    train = clusters(12)
    values, weights = F.one_hot(train.labels, 3).float(), torch.zeros(8, 3)
    tuned = tune_keys(train.features, values, train, weights, 1.0)
    before, after = (
        F.cross_entropy(cache_logits(train.features, k, values, 5.5), train.labels)
        for k in (train.features, tuned)
    )
    assert after < before


# -------------------- prompt learning


def test_unlearned_prompts_are_the_zero_shot_weights_of_the_template():
    encoder = small_encoder()
    prompts = LearnedPrompts(encoder, NAMES)
    expected = zero_shot_weights(encoder, NAMES, [CONTEXT + " {}"])
    torch.testing.assert_close(
        prompts.weights(prompts.context).detach(), expected, rtol=0, atol=1e-5
    )
    assert prompts.context.shape == (4, 24)


def test_learning_the_context_lowers_the_loss_and_leaves_the_model_as_it_was():
    encoder = small_encoder()
    before = {name: tensor.clone() for name, tensor in encoder.model.state_dict().items()}
    rows = clusters(30, width=16, spread=0.1)
    prompts = LearnedPrompts(encoder, NAMES)
    start = prompts.weights(prompts.context).detach()
    learned = learn_context(prompts, rows, rows, encoder.scale)
    right = [
        (rows.features @ weights).argmax(1).eq(rows.labels).float().mean()
        for weights in (start, learned)
    ]
    assert right[1] >= right[0] and not torch.equal(start, learned)
    assert all(
        torch.equal(before[name], tensor) for name, tensor in encoder.model.state_dict().items()
    )
    assert all(parameter.grad is None for parameter in encoder.model.parameters())


def test_a_bag_of_words_has_no_prompt_to_learn():
    encoder = small_encoder()
    bag = ClipbenchEncoder(
        small_clip(text=BAG_OF_WORDS), encoder.tokenizer, encoder._preprocess, "bag"
    )
    with pytest.raises(UserError) as error:
        LearnedPrompts(bag, NAMES)
    assert "needs a model with a text transformer; bag has none" in one_line(error.value)


# -------------------- command line


def test_the_command_gives_curves_and_the_zero_shot_line(tmp_path, capsys):
    model = write_small_model(tmp_path / "model")
    data = write_image_folder(tmp_path / "pets", {"cat": 8, "dog": 8})
    methods = ["probe", "probe-projected", "tip-adapter", "tip-adapter-f", "coop"]
    command = [
        "eval",
        "few-shot",
        "--model",
        str(model),
        "--data",
        str(data),
        "--seeds",
        "2",
        "--shots",
        "1,2,32",
    ]
    assert main([*command, "--methods", *methods, "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    metrics = record["metrics"]
    for method in methods:
        name = method.replace("-", "_")
        assert metrics[f"{name}_2_low"] <= metrics[f"{name}_2"] <= metrics[f"{name}_2_high"]
    assert {"zero_shot", "zero_shot_low", "zero_shot_high", "probe_full", "probe_match"} <= set(
        metrics
    )
    assert record["settings"]["shots_left_out"] == [32]


@pytest.mark.parametrize("shots", ["4,2", "0,1", "a"])
def test_shots_must_ascend(shots, capsys):
    assert main(["eval", "few-shot", "--data", "digits", "--shots", shots]) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
