"""Facts about shifts: corruptions, classes in common, the line in logits, mixed weights,
probes, and the command.
"""

import itertools
import json
import math

import numpy as np
import pytest
import torch
from PIL import Image
from small import (
    BAG_OF_WORDS,
    CONVNET,
    VIT,
    noise_picture,
    one_line,
    small_clip,
    small_encoder,
    write_image_folder,
    write_small_model,
)

from clipbench import UserError
from clipbench.cli.main import main
from clipbench.data.alter.corruptions import CORRUPTIONS, SIDE, STRENGTHS, corrupted, seen
from clipbench.data.image_set import PictureSet
from clipbench.data.probe_splits import drawn
from clipbench.encoders.clip import ClipbenchEncoder, RivalEncoder
from clipbench.evaluate.features.compute import image_features
from clipbench.evaluate.probes.linear_probe import Rows
from clipbench.evaluate.robustness import (
    adaptation_sweep,
    effective_robustness,
    fit_logit_line,
    labels_among,
    logit,
    only_of,
    shared_classes,
    shift_metrics,
)
from clipbench.evaluate.wise_ft import interpolated
from clipbench.objectives import make_objective
from clipbench.preprocess import Preprocess
from clipbench.pretrained.folders import world_tokenizer

ENCODER = small_encoder()


def gradient_picture(side: int = 64) -> Image.Image:
    ramp = np.linspace(0, 255, side).round().astype(np.uint8)
    across = np.broadcast_to(ramp, (side, side))
    return Image.fromarray(np.stack([across, across.T, across[::-1].T], -1))


def picture_set(class_names: list[str], labels: list[int], name: str = "pictures") -> PictureSet:
    return PictureSet(
        name,
        torch.tensor(labels),
        class_names,
        ["a {}"],
        lambda rows: [noise_picture(40, 40, seed=row) for row in rows],
        [f"{name}/{i}" for i in range(len(labels))],
    )


# -------------------- corruptions


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_strengths_grow(name):
    picture = noise_picture(64, 64)  # flat pictures do not show what blurs
    changes = [
        float(
            np.abs(
                np.asarray(CORRUPTIONS[name](picture, s, (0, 0)), dtype=float) - np.asarray(picture)
            ).mean()
        )
        for s in STRENGTHS
    ]
    assert changes[0] > 1 and changes[-1] > changes[0]
    assert all(b > a - 1 for a, b in itertools.pairwise(changes))


def test_noise_has_the_deviation_that_is_said():
    gray = Image.new("RGB", (200, 200), (128, 128, 128))
    noisy = np.asarray(CORRUPTIONS["noise"](gray, 1, (0, 0)), dtype=float)
    assert noisy.std() / 255 == pytest.approx(0.08, rel=0.02)


def test_contrast_keeps_the_mean_and_shrinks_the_rest():
    before, after = gradient_picture(), CORRUPTIONS["contrast"](gradient_picture(), 1, (0, 0))
    one, two = np.asarray(before, dtype=float), np.asarray(after, dtype=float)
    assert two.mean() == pytest.approx(
        one.mean(), abs=0.5
    ) and two.std() / one.std() == pytest.approx(0.4, abs=0.01)


def test_pixels_become_squares():
    coarse = np.asarray(CORRUPTIONS["pixelate"](noise_picture(64, 64), 5, (0, 0)))
    assert len(np.unique(coarse.reshape(-1, 3), axis=0)) <= 16 * 16


def test_the_seed_and_the_row_make_the_noise():
    data = picture_set(["cat", "dog"], [0, 1, 0])
    first = [
        picture.tobytes() for picture in corrupted(data, "noise", 3, seed=1).pictures([0, 1, 2])
    ]
    assert corrupted(data, "noise", 3, seed=1).pictures([2, 0])[0].tobytes() == first[2]
    assert corrupted(data, "noise", 3, seed=2).pictures([2])[0].tobytes() != first[2]
    assert corrupted(data, "noise", 3).ids != corrupted(data, "noise", 4).ids, (
        "a cache must tell them apart"
    )


def test_corruptions_meet_what_a_model_sees():
    assert seen(noise_picture(500, 300)).size == (SIDE, SIDE)
    assert (
        seen(noise_picture(90, 60)).tobytes()
        == noise_picture(90, 60).crop((15, 0, 75, 60)).tobytes()
    )


@pytest.mark.parametrize("name, strength", [("fog", 3), ("noise", 0), ("noise", 6)])
def test_unknown_corruptions_are_told_with_the_known_ones(name, strength):
    with pytest.raises(UserError) as error:
        corrupted(picture_set(["cat", "dog"], [0, 1]), name, strength)
    assert f"no corruption {name}:{strength}; choose from noise, blur" in one_line(error.value)


# -------------------- classes in common


def test_only_shared_classes_are_compared():
    data, shifted = (
        picture_set(["cat", "dog", "sun"], [0, 1, 2, 2]),
        picture_set(["sun", "ant", "cat"], [0, 1, 2, 2]),
    )
    assert shared_classes(data, shifted) == ["cat", "sun"]
    part = only_of(shifted, ["cat", "sun"])
    assert part.labels.tolist() == [1, 0, 0] and part.ids == [shifted.ids[0], *shifted.ids[2:]]
    assert part.pictures([1])[0].tobytes() == shifted.pictures([2])[0].tobytes()
    assert labels_among(data, ["cat", "sun"]).tolist() == [0, -1, 1, 1]
    with pytest.raises(UserError) as error:
        shared_classes(data, picture_set(["cat", "ant"], [0, 1]))
    assert "share 1 classes" in one_line(error.value)


def test_a_shift_that_changes_nothing_costs_nothing():
    data = picture_set(["cat", "dog", "sun"], [0, 1, 2, 2, 1, 0])
    metrics = shift_metrics(ENCODER, data, {"same": data}, ["a {}"])
    assert (
        metrics["same/drop"] == 0
        and metrics["same/top1"] == metrics["top1"] == metrics["mean_shifted"]
    )
    assert metrics["same/chance"] == pytest.approx(1 / 3) and metrics["same/pictures"] == 6


def test_accuracy_before_is_of_the_shared_classes_only():
    """The features say the label, but for one class, which is always taken for another one."""
    data = picture_set(["cat", "dog", "sun"], [0, 1, 2])
    names = data.class_names

    class Knowing(ClipbenchEncoder):
        def encode_text(self, texts):
            return torch.eye(3)[[names.index(text.removeprefix("a ")) for text in texts]]

    encoder = Knowing(small_clip(), world_tokenizer(), Preprocess(32))
    metrics = shift_metrics(
        encoder,
        data,
        {"part": only_of(data, ["cat", "sun"])},
        ["a {}"],
        features=lambda _, pictures, projected: torch.eye(3)[
            [names.index(pictures.class_names[i]) if i else 1 for i in pictures.labels.tolist()]
        ],
    )
    assert metrics["top1"] == pytest.approx(2 / 3), "cats look like dogs"
    assert metrics["part/in_distribution"] == metrics["part/top1"] == 1, (
        "among cats and suns they are nearest to cats"
    )


def test_a_supervised_model_is_shifted_too_by_its_own_classes():
    clip, names = small_clip(), ["cat", "dog", "sun"]
    supervised = RivalEncoder(
        make_objective("supervised", clip, names), world_tokenizer(), Preprocess(32)
    )
    data = picture_set(names, [0, 1, 2, 2, 1, 0])
    metrics = shift_metrics(
        supervised, data, {"part": only_of(data, ["cat", "sun"])}, ["a {}", "the {}"]
    )
    scores = supervised.class_scores(image_features(supervised, data, projected=False), names, [])
    right = scores.argmax(1) == data.labels
    assert metrics["top1"] == pytest.approx(float(right.float().mean()))
    part = (scores[:, [0, 2]].argmax(1) * 2 == data.labels)[data.labels != 1]
    assert metrics["part/top1"] == pytest.approx(float(part.float().mean()))


# -------------------- effective robustness


def test_the_line_is_found_again():
    def after(fraction: float) -> float:
        return 1 / (1 + math.exp(-(0.8 * logit(fraction) - 0.5)))

    before = [0.3, 0.5, 0.7, 0.9]
    line = fit_logit_line(before, [after(fraction) for fraction in before])
    assert (line.slope, line.intercept, line.models) == pytest.approx((0.8, -0.5, 4))
    assert line.expected(0.6) == pytest.approx(after(0.6))


def test_the_line_is_least_squares():
    rng = np.random.default_rng(0)
    before, after = rng.uniform(0.2, 0.9, 12), rng.uniform(0.1, 0.8, 12)
    line = fit_logit_line(before.tolist(), after.tolist())
    slope, intercept = np.polyfit(np.log(before / (1 - before)), np.log(after / (1 - after)), 1)
    assert (line.slope, line.intercept) == pytest.approx((slope, intercept))


def test_robustness_is_what_is_beyond_the_line():
    def of(before: float, after: float) -> dict:
        return {
            "ink/in_distribution": before,
            "ink/top1": after,
            "mud/in_distribution": before,
            "mud/top1": after,
        }

    standard = [of(0.5, 0.5), of(0.8, 0.8)]  # the line on which nothing is lost
    found = effective_robustness(of(0.6, 0.7) | {"own/top1": 1.0}, standard)
    assert found["ink/effective_robustness"] == pytest.approx(0.1) and found[
        "ink/slope"
    ] == pytest.approx(1)
    assert "own/expected" not in found, "the standard models have no such shift"


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: logit(1.0), "an accuracy of 1 has no logit"),
        (
            lambda: fit_logit_line([0.5, 0.5], [0.1, 0.2]),
            "two or more models of different accuracy",
        ),
        (lambda: effective_robustness({"ink/top1": 0.5}, [{"mud/top1": 0.5}]), "share no shift"),
    ],
)
def test_what_has_no_line_is_refused_in_one_line(call, message):
    with pytest.raises(UserError) as error:
        call()
    assert message in one_line(error.value)


# -------------------- mixed weights


def encoder_of(model, name: str) -> ClipbenchEncoder:
    return ClipbenchEncoder(model, world_tokenizer(), Preprocess(VIT.image_size), name)


@pytest.mark.parametrize("image", [VIT, CONVNET], ids=["vit", "with batch normalisation"])
def test_mixtures_end_in_the_two_models(image):
    first, second = (encoder_of(small_clip(image, seed=seed), str(seed)) for seed in (0, 1))
    pictures = first.preprocess([noise_picture(40, 40, seed) for seed in range(3)])
    for share, end in ((0.0, first), (1.0, second)):
        mixed = interpolated(first, second, share)
        torch.testing.assert_close(
            mixed.encode_image(pictures), end.encode_image(pictures), rtol=0, atol=0
        )
        assert mixed.scale == end.scale
    before = [weight.clone() for weight in first.model.parameters()]
    half = interpolated(first, second, 0.5)
    for mixed, one, two in zip(
        half.model.parameters(), before, second.model.parameters(), strict=True
    ):
        torch.testing.assert_close(mixed, (one + two) / 2)
    assert all(
        torch.equal(now, then) for now, then in zip(first.model.parameters(), before, strict=True)
    )
    assert len({half.fingerprint, first.fingerprint, second.fingerprint}) == 3


def test_models_that_do_not_belong_together_are_not_mixed():
    first, other = (
        encoder_of(small_clip(), "one"),
        encoder_of(small_clip(VIT, BAG_OF_WORDS), "other"),
    )
    for call, message in (
        (lambda: interpolated(first, other, 0.5), "one and other differ in shape"),
        (lambda: interpolated(first, first, 1.5), "from 0 to 1, not 1.5"),
    ):
        with pytest.raises(UserError) as error:
            call()
        assert message in one_line(error.value)


# -------------------- probes


def test_more_shots_help_where_they_are_of_the_kind_that_is_tested():
    generator = torch.Generator().manual_seed(0)

    def rows(count: int, turned: bool) -> Rows:
        labels = torch.arange(count) % 4
        centres = torch.eye(8)[(labels + 4 * turned)]  # behind the shift the classes lie elsewhere
        return Rows(3 * centres + torch.randn(count, 8, generator=generator), labels)

    found = adaptation_sweep(
        rows(200, False),
        {"top1": rows(400, False), "other/top1": rows(400, True)},
        [1, 16],
        range(3),
        4,
    )
    assert found["shots/16/top1"] > found["shots/1/top1"] > 0.4 and found["shots/16/top1"] > 0.85
    assert found["shots/16/other/top1"] < 0.45


# -------------------- command


def test_drawn_pictures_are_different_ones_in_order():
    data = picture_set(["cat", "dog"], [0, 1] * 50)
    rows = [int(name.rpartition("/")[2]) for name in drawn(data, 30).ids]
    assert rows == sorted(set(rows)) and len(rows) == 30 and rows != list(range(30))
    assert len(drawn(data, 300)) == 100 and drawn(data, 30, seed=1).ids != drawn(data, 30).ids


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("robustness")
    write_small_model(folder / "model")
    write_small_model(folder / "tuned", small_clip(seed=1))
    write_image_folder(folder / "pictures", {"cat": 10, "dog": 10, "sun": 10}, size=32)
    write_image_folder(folder / "others", {"dog": 4, "cat": 4, "ant": 4}, size=32)
    return folder


def run(capsys, *arguments) -> tuple[int, str, str]:
    code = main(["eval", "robustness", *(str(argument) for argument in arguments)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_the_command_measures_shifts_mixtures_and_probes(capsys, world):
    command = (
        "--model",
        world / "model",
        "--data",
        world / "pictures",
        "--shifts",
        world / "others",
        "noise:2",
        "--wise-ft",
        world / "tuned",
        "--shares",
        "0,1",
        "--shots",
        "1,2",
    )
    code, out, _ = run(capsys, *command, "--json")
    metrics = json.loads(out)["metrics"]
    assert code == 0 and metrics[f"{world / 'others'}/pictures"] == 8
    assert metrics[f"{world / 'others'}/chance"] == 0.5 and metrics[
        "noise:2/chance"
    ] == pytest.approx(1 / 3)
    assert metrics["wise_ft/0/top1"] == metrics["top1"] and "wise_ft/1/noise:2/top1" in metrics
    assert {"shots/1/top1", "shots/2/noise:2/top1"} <= set(metrics)
    code, out, _ = run(capsys, *command)
    assert (
        code == 0 and "wise-ft 1: before" in out and "shots 2: before" in out and "noise:2" in out
    )


def test_records_of_other_models_make_the_line(capsys, world, tmp_path):
    rates = ((0.4, 0.2), (0.7, 0.5))
    for number, (before, after) in enumerate(rates):
        record = {
            "metrics": {"noise:3/in_distribution": before, "noise:3/top1": after},
            "settings": {},
        }
        (tmp_path / f"{number}.json").write_text(json.dumps(record))
    code, out, _ = run(
        capsys,
        "--model",
        world / "model",
        "--data",
        world / "pictures",
        "--shifts",
        "noise:3",
        "--against",
        tmp_path / "0.json",
        tmp_path / "1.json",
        "--json",
    )
    metrics = json.loads(out)["metrics"]
    line = fit_logit_line(*zip(*rates, strict=True))
    assert code == 0 and metrics["noise:3/expected"] == pytest.approx(
        line.expected(metrics["top1"])
    )


@pytest.mark.parametrize(
    "wrong, message",
    [
        (("--shifts", "fog:3"), "unknown data 'fog:3'"),
        (("--shifts", "noise:9"), "no corruption noise:9"),
        (("--shifts", "noise"), "no corruption noise:0"),
        (("--against", "none.json"), "no such record"),
        (("--wise-ft", "none"), "no model 'none'"),
        (("--shares", "a"), "must be numbers with commas"),
    ],
)
def test_mistakes_end_in_one_line(capsys, world, wrong, message):
    shift = () if wrong[0] == "--shifts" else ("--shifts", "blur:1")
    code, _, error = run(
        capsys, "--model", world / "model", "--data", world / "pictures", *shift, *wrong
    )
    assert code == 2 and message in error and error.count("\n") == 1
