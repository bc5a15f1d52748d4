"""The modality gap in closed forms."""

import math

import pytest
import torch
from torch.nn.functional import normalize

from clipbench import UserError, clip_loss
from clipbench.evaluate.modality_gap import (
    at_random,
    gap_landscape,
    mean_difference,
    modality_gap,
    moved,
    of_own_kind,
    own_means,
    parts_of_gap,
    shifted,
)


def unit(rows: int, width: int, seed: int) -> torch.Tensor:
    return normalize(torch.randn(rows, width, generator=torch.Generator().manual_seed(seed)), dim=1)


def test_opposite_points_are_two_apart():
    north = torch.tensor([[0.0, 1.0]]).repeat(3, 1)
    numbers = modality_gap(north, -north)
    assert numbers == pytest.approx(
        {"gap": 2.0, "image_text": -1.0, "image_image": 1.0, "text_text": 1.0}
    )


def test_cosines_are_means_over_different_rows():
    images, texts = unit(7, 5, 0), unit(4, 5, 1)
    numbers = modality_gap(images, texts)
    own = images @ images.T
    assert numbers["image_image"] == pytest.approx(float((own.sum() - own.trace()) / 42), abs=1e-6)
    assert numbers["image_text"] == pytest.approx(float((images @ texts.T).mean()), abs=1e-6)
    assert math.isnan(modality_gap(images[:1], texts)["image_image"])


def test_the_gap_of_two_cones_has_a_closed_form():
    """All vectors (h, +-sqrt(1-h^2)): the mean is (h, 0), the gap of cones to both sides 2h."""
    height = 0.6
    images = torch.tensor([[height, 0.8], [height, -0.8]])
    assert modality_gap(images, -images)["gap"] == pytest.approx(2 * height)


def test_at_one_half_the_means_meet_before_the_vectors_are_unit_again():
    images, texts = unit(9, 6, 0), unit(9, 6, 1)
    step = 0.5 * mean_difference(images, texts)
    assert torch.allclose((images - step).mean(0), (texts + step).mean(0), atol=1e-6)
    moved_images, moved_texts = shifted(images, texts, 0.5)
    assert torch.allclose(moved_images, normalize(images - step, dim=1))
    assert torch.allclose(moved_texts.norm(dim=1), torch.ones(9))


def test_nothing_moves_at_zero_and_the_gap_grows_below_it():
    apart = torch.eye(8)[0]
    images, texts = (
        normalize(unit(50, 8, 0) + apart, dim=1),
        normalize(unit(50, 8, 1) - apart, dim=1),
    )
    same = shifted(images, texts, 0.0)
    assert torch.allclose(same[0], images, atol=1e-6) and torch.allclose(same[1], texts, atol=1e-6)
    gaps = [
        modality_gap(*shifted(images, texts, share))["gap"] for share in (-0.5, -0.2, 0, 0.2, 0.5)
    ]
    assert gaps == sorted(gaps, reverse=True) and gaps[-1] < 0.2 * gaps[2]


def test_the_landscape_has_the_loss_of_the_shifted_pairs():
    images, texts = unit(6, 4, 0), unit(6, 4, 1)
    rows = gap_landscape(images, texts, 10.0, [0.0, 0.3])
    assert [row["share"] for row in rows] == [0.0, 0.3]
    moved = shifted(images, texts, 0.3)
    assert rows[1]["loss"] == pytest.approx(float(clip_loss(*moved, torch.tensor(10.0))), abs=1e-6)
    assert gap_landscape(images, images, 10.0, [0.0])[0]["image_to_text"] == 1.0


def two_cones(apart: float, classes: int = 40) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Pictures and texts of the same directions, moved apart along an axis of their own.

    Each class has three pictures near its direction, and its one text three times.
    """
    own = unit(classes, 12, 0).repeat_interleave(3, 0)
    axis = torch.zeros(12 + 1)
    axis[-1] = apart
    flat = torch.cat([own, torch.zeros(len(own), 1)], 1)
    images = flat + 0.03 * unit(len(own), 13, 1)
    labels = torch.arange(classes).repeat_interleave(3)
    return normalize(images + axis, dim=1), normalize(flat - axis, dim=1), labels


def test_without_their_means_modalities_that_differ_by_them_only_are_one_cloud():
    images, texts, labels = two_cones(1.0)
    parts = parts_of_gap(images, texts, labels)
    before, after, control = parts.values()
    assert list(parts) == ["as it is", "means taken out", "moved at random"]
    # the height of unit vectors in a cone: 1 / sqrt(1 + 1); the noise moves it a little
    assert before["gap"] == pytest.approx(2 / math.sqrt(2), abs=0.05)
    assert before["own kind"] == 1 and control["own kind"] == 1
    assert after["gap"] < 0.05 and 0.3 < after["own kind"] < 0.7
    assert before["image to text"] == after["image to text"] == 1
    # pictures and texts of a class share no cluster: of its 15 pairs 6 are together at best
    assert before["clusters"] < 0.6 and control["clusters"] < 0.6 < 0.8 < after["clusters"]


def test_what_a_random_step_takes_out_is_as_long_as_the_mean():
    images, texts, _ = two_cones(0.5)
    means, random = own_means(images, texts), at_random(images, texts)
    assert torch.allclose(means.norm(dim=1), random.norm(dim=1), atol=1e-6)
    assert float((normalize(means, dim=1) * normalize(random, dim=1)).sum(1).abs().max()) < 0.9
    first, second = moved(images, texts, means)
    assert torch.allclose(first, normalize(images - images.mean(0), dim=1), atol=1e-6)
    assert torch.allclose(second, normalize(texts - texts.mean(0), dim=1), atol=1e-6)


def test_what_the_means_do_not_explain_is_told_by_neighbours():
    """Pictures lie on +-a and +-b, texts on +-c and +-d: all means are zero, and yet the nearest of
    another class is always of the same kind (a cosine above 0 against one of 0).
    """
    turn = torch.tensor([[1.0, 0.2], [-1, 0.2], [0.2, 1], [0.2, -1], [-1, -0.2], [-0.2, -1]])
    flat, zero = normalize(turn, dim=1), torch.zeros(6, 2)
    images, texts = torch.cat([flat, zero], 1), torch.cat([zero, flat], 1)
    assert of_own_kind(images, texts, torch.arange(6)) == 1
    assert of_own_kind(images, images, torch.arange(6)) == pytest.approx(0.5)


def test_mistakes():
    with pytest.raises(UserError, match="pictures and texts"):
        modality_gap(torch.zeros(0, 3), unit(2, 3, 0))
    with pytest.raises(UserError, match="as many texts"):
        gap_landscape(unit(3, 4, 0), unit(2, 4, 0), 1.0, [0.0])
    with pytest.raises(UserError, match="3 pictures, 2 texts, 3 labels"):
        parts_of_gap(unit(3, 4, 0), unit(2, 4, 0), torch.arange(3))
    with pytest.raises(UserError, match="two classes at least"):
        parts_of_gap(unit(3, 4, 0), unit(3, 4, 0), torch.zeros(3).long())
