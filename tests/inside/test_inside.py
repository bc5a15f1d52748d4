"""Facts about looking inside: hooks that leave no trace, units beyond luck, attention,
occlusion, steered pixels.
"""

import json
import math
from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F
from small import (
    CONVNET,
    RESNET,
    VIT,
    noise_picture,
    one_line,
    small_clip,
    small_encoder,
    token_id_rows,
    write_small_model,
)
from torch import nn

from clipbench.cli.main import main
from clipbench.data.world.factors import draw_factors
from clipbench.data.world.sprites import concept_ids
from clipbench.encoders.clip import ClipbenchEncoder, Encoder, load
from clipbench.errors import UserError
from clipbench.inside import (
    attention_maps,
    auc_by_class,
    concept_pictures,
    listening,
    occlusion_maps,
    on_grid,
    part_of_picture,
    rollout,
    spread_over_pixels,
    steer,
    strongest,
    unit_layers,
    unit_pairs,
    unit_responses,
    word_pictures,
)
from clipbench.inside.occlusion import drops
from clipbench.inside.responses import one_number_a_unit
from clipbench.inside.steering import ascend, random_views
from clipbench.inside.stimuli import AS_PICTURE, AS_WORD, SEED, legible_concepts, spread_concepts
from clipbench.model import CLIP, CLIPConfig
from clipbench.preprocess import Preprocess
from clipbench.pretrained.folders import world_tokenizer

NAMES = ["cat", "hammer", "rocket"]


def hooks_of(model: nn.Module) -> int:
    return sum(
        len(module._forward_hooks) + len(module._forward_pre_hooks) for module in model.modules()
    )


def random_pictures(count: int, size: int = VIT.image_size, seed: int = 0) -> torch.Tensor:
    return torch.randn(count, 3, size, size, generator=torch.Generator().manual_seed(seed))


# -------------------- responses


def test_hooks_hear_what_the_layer_gives_and_are_gone_afterwards():
    model, images = small_clip(), random_pictures(2)
    before = model.encode_image(images)
    with listening(model, ["image_encoder.ln_post", "image_encoder.blocks.1"]) as heard:
        during = model.encode_image(images)
    torch.testing.assert_close(heard["image_encoder.ln_post"], model.image_encoder(images))
    assert heard["image_encoder.blocks.1"].shape == (2, 17, 32)
    torch.testing.assert_close(before, during)  # the last block computed all tokens meanwhile
    assert hooks_of(model) == 0


def test_hooks_are_removed_when_the_model_fails():
    model = small_clip()
    with pytest.raises(RuntimeError), listening(model, ["image_encoder.ln_post"]):
        model.encode_image(torch.zeros(1, 3, 16, 16))
    with pytest.raises(RuntimeError):
        attention_maps(model.image_encoder, torch.zeros(1, 3, 16, 16))
    assert hooks_of(model) == 0


def test_an_unknown_layer_is_named_with_its_neighbours():
    model = small_clip()
    with pytest.raises(UserError) as error, listening(model, ["image_encoder.ln_pos"]):
        pass
    assert "image_encoder.ln_post" in one_line(error.value) and hooks_of(model) == 0


def test_responses_are_one_row_a_picture_and_one_column_a_unit():
    encoder, pictures = small_encoder(), concept_pictures(NAMES, 2)
    layers = [*unit_layers(encoder.model), "image_projection"]
    found = unit_responses(encoder, pictures, layers, batch_size=4)
    assert {name: tuple(rows.shape) for name, rows in found.items()} == {
        "image_encoder.blocks.0.mlp.1": (6, 128),
        "image_encoder.blocks.1.mlp.1": (6, 128),
        "image_projection": (6, 16),
    }
    features = encoder.encode_image(encoder.preprocess(pictures.pictures(range(6))))
    torch.testing.assert_close(F.normalize(found["image_projection"], dim=1), features)


def test_pooling_over_places():
    tokens = torch.tensor([[[1.0, 5.0], [3.0, 2.0]]])  # (1, 2 places, 2 units)
    assert one_number_a_unit(tokens, "max").tolist() == [[3, 5]]
    assert one_number_a_unit(tokens, "mean").tolist() == [[2, 3.5]]
    assert one_number_a_unit(tokens, "class token").tolist() == [[1, 5]]
    maps = torch.arange(8.0).view(1, 2, 2, 2)  # (1, 2 units, 2, 2)
    assert one_number_a_unit(maps, "max").tolist() == [[3, 7]]
    with pytest.raises(UserError, match="choose from max, mean"):
        unit_responses(small_encoder(), concept_pictures(NAMES, 1), [], pool="median")


@pytest.mark.parametrize("image, count", [(RESNET, 4), (CONVNET, 7)])
def test_every_image_encoder_has_units(image, count):
    model = small_clip(image)
    layers = unit_layers(model)
    assert len(layers) == count
    encoder = ClipbenchEncoder(model, world_tokenizer(), Preprocess(image.image_size))
    found = unit_responses(encoder, concept_pictures(NAMES, 1), layers)
    assert all(len(rows) == 3 and rows.ndim == 2 for rows in found.values())


def test_an_encoder_without_this_packages_clip_is_refused():
    contract = {
        name: getattr(small_encoder(), name) for name in dir(Encoder) if not name.startswith("_")
    }
    own = {"name": "remembered", "embed_dim": 16, "scale": 1.0, "fingerprint": "0"}
    encoder = SimpleNamespace(**(contract | own))
    with pytest.raises(UserError, match="cannot be looked into"):
        unit_responses(encoder, concept_pictures(NAMES, 1), [])


# -------------------- stimuli


def test_pictures_show_what_their_labels_say_and_words_show_nothing_else():
    names = ["rocket", "cat", "hammer"]  # not in the order of the world
    pictures, words = concept_pictures(names, 3), word_pictures(names, 3)
    for data in (pictures, words):
        assert data.labels.bincount().tolist() == [3, 3, 3] and data.class_names == names
    ids = torch.tensor(sorted(concept_ids()[name] for name in names))
    for data, config, seed in ((pictures, AS_PICTURE, SEED), (words, AS_WORD, SEED + 1)):
        factors = draw_factors(torch.arange(9), seed, config, ids)
        assert [concept_ids()[names[label]] for label in data.labels] == factors.concept.tolist()
        assert (factors.style == 0).all()
        alone = config is AS_WORD
        assert (factors.count == (0 if alone else 1)).all()
        assert (factors.sign_word == (factors.concept if alone else -1)).all()


def test_another_draw_shows_other_pictures():
    first, second = (concept_pictures(NAMES, 1, draw).tensor(64) for draw in (0, 1))
    assert (first != second).any()


@pytest.mark.parametrize("names", [["cat", "no such thing"], ["cat", "cat"], ["cat"]])
def test_stimuli_need_different_legible_concepts(names):
    with pytest.raises(UserError):
        concept_pictures(names)


def test_concepts_are_spread_over_the_world():
    names = spread_concepts(50)
    assert len(set(names)) == 50 and set(names) <= set(legible_concepts())
    assert spread_concepts(10_000) == legible_concepts()


# -------------------- units


def test_areas_are_scikit_learns_with_ties():
    from sklearn.metrics import roc_auc_score

    generator = torch.Generator().manual_seed(0)
    responses = torch.randint(0, 6, (60, 5), generator=generator).float()  # many ties
    labels = torch.arange(60) % 3
    areas = auc_by_class(responses, labels, 3)
    for concept in range(3):
        for unit in range(5):
            expected = roc_auc_score((labels == concept).numpy(), responses[:, unit].numpy())
            assert float(areas[concept, unit]) == pytest.approx(expected, abs=1e-6)


def test_a_class_without_rows_has_no_area():
    with pytest.raises(ValueError, match="needs a row"):
        auc_by_class(torch.zeros(4, 2), torch.tensor([0, 0, 1, 1]), 3)


def noise_areas(
    units: int, concepts: int = 30, seed: int = 0
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Responses of units that know nothing to ten pictures and ten words of each concept, and
    the labels.
    """
    generator = torch.Generator().manual_seed(seed)
    pictures, words = (torch.randn(10 * concepts, units, generator=generator) for _ in range(2))
    return pictures, words, torch.arange(10 * concepts) % concepts


def areas_of(pictures: torch.Tensor, words: torch.Tensor, labels: torch.Tensor) -> list:
    return [auc_by_class(rows, labels, 30) for rows in (pictures, words)]


def test_a_planted_unit_is_the_best_pair():
    pictures, words, labels = noise_areas(200)
    pictures[:, 17] += 4.0 * (labels == 5)
    words[:, 17] += 4.0 * (labels == 5)
    pictures[:, 18] += 4.0 * (labels == 5)  # sees it, cannot read
    words[:, 19] += 4.0 * (labels == 5)  # reads it, does not see it
    areas = areas_of(pictures, words, labels)
    pairs = unit_pairs(*areas, permutations=200)
    assert (int(pairs.unit[0]), int(pairs.concept[0])) == (17, 5)
    assert pairs.score[0] == torch.minimum(*areas)[5, 17] > 0.95
    assert not {(18, 5), (19, 5)} & set(
        zip(pairs.unit.tolist(), pairs.concept.tolist(), strict=True)
    )
    assert pairs.score.tolist() == sorted(pairs.score.tolist(), reverse=True)
    assert float(pairs.score.min()) >= pairs.threshold
    assert len(pairs) == int((torch.minimum(*areas) >= pairs.threshold).sum())


def test_a_third_of_the_units_planted_is_beyond_luck_and_luck_finds_what_it_should():
    pictures, words, labels = noise_areas(90)
    mine = torch.eye(30)[labels]  # (M, 30): unit k answers to concept k a little
    pictures[:, :30] += mine
    words[:, :30] += mine
    pairs = unit_pairs(*areas_of(pictures, words, labels), expected=40, permutations=400)
    assert float(pairs.luck.float().mean()) == pytest.approx(40, rel=0.05)
    assert len(pairs) > 55 and pairs.p_value == pytest.approx(1 / 401)


def test_the_largest_score_has_no_power_where_the_count_has():
    """Many weak true pairs: the best score of the truth is one that luck reaches all the time."""
    pictures, words, labels = noise_areas(200, seed=3)
    mine = 1.2 * torch.eye(30)[labels]
    pictures[:, :30] += mine
    words[:, :30] += mine
    # strong units of one kind only, which luck puts together
    pictures[:, 30:60] += 6 * torch.eye(30)[labels]
    words[:, 30:60] += 6 * torch.eye(30)[labels].roll(1, 1)
    pictures_auc, words_auc = areas_of(pictures, words, labels)
    deals = [torch.randperm(30, generator=torch.Generator().manual_seed(n)) for n in range(100)]
    best = torch.minimum(pictures_auc, words_auc).max()
    by_luck = [torch.minimum(pictures_auc, words_auc[deal]).max() for deal in deals]
    assert sum(float(score >= best) for score in by_luck) > 30
    assert unit_pairs(pictures_auc, words_auc, permutations=100).p_value < 0.02


def test_luck_alone_is_beyond_luck_in_about_a_twentieth_of_all_searches():
    searches = [
        unit_pairs(*areas_of(*noise_areas(50, seed=seed)), permutations=100) for seed in range(40)
    ]
    # 2 expected; 7 or more in one of 200 such tests
    assert sum(found.p_value < 0.05 for found in searches) <= 6
    assert 35 < sum(len(found) for found in searches) / 40 < 45


@pytest.mark.parametrize(
    "areas, expected", [(torch.ones(1, 4), 2), (torch.ones(3, 4), 12), (torch.ones(3, 4), 0)]
)
def test_a_count_needs_concepts_and_pairs(areas, expected):
    with pytest.raises(ValueError):
        unit_pairs(areas, areas, expected)


def test_the_command_counts_pairs_and_says_how(tmp_path, capsys):
    folder = write_small_model(tmp_path / "model")
    words = ["eval", "units", "--model", str(folder), "--concepts", "4", "--each", "2"]
    words += ["--permutations", "20"]
    assert main([*words, "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    layers = record["settings"]["layers"]
    assert layers == [f"image_encoder.blocks.{n}.mlp.1" for n in (0, 1)]
    metrics = record["metrics"]
    assert metrics["concepts"] == 4 and metrics["layers_beyond_luck"] in (0, 1, 2)
    for name in layers:
        assert metrics[f"{name}/p_value"] <= metrics[f"{name}/p_holm"] <= 1
        assert 0 <= metrics[f"{name}/found_again"] <= 1
    assert main([*words, "--layers", "image_encoder.blocks.9"]) == 2
    assert "no layer" in capsys.readouterr().err
    assert main([*words, "--expected", "1000"]) == 2
    assert "too few to expect 1000" in capsys.readouterr().err


def test_the_strongest_rows_come_first():
    assert strongest(torch.tensor([[1.0], [3.0], [2.0]]), unit=0, k=2) == [1, 2]


# -------------------- attention


def test_attention_is_that_of_torchs_own_layer():
    encoder, images = small_clip().image_encoder, random_pictures(2)
    block = encoder.blocks[0]
    with listening(encoder, ["blocks.0.ln_1"]) as heard:
        maps = attention_maps(encoder, images)
    reference = nn.MultiheadAttention(32, 2, batch_first=True)
    reference.load_state_dict(
        {
            "in_proj_weight": block.attention.in_proj.weight,
            "in_proj_bias": block.attention.in_proj.bias,
            "out_proj.weight": block.attention.out_proj.weight,
            "out_proj.bias": block.attention.out_proj.bias,
        }
    )
    x = heard["blocks.0.ln_1"]
    expected = reference(x, x, x, average_attn_weights=False)[1]
    assert maps.shape == (2, 2, 2, 17, 17)
    torch.testing.assert_close(maps[0], expected)
    torch.testing.assert_close(maps.sum(-1), torch.ones(2, 2, 2, 17))


def test_the_text_encoders_attention_is_causal():
    model = small_clip()
    maps = attention_maps(model.text_encoder, token_id_rows(model.config.text, [3, 6]))
    assert maps.shape == (2, 2, 2, 8, 8)
    assert float(maps.triu(1).abs().max()) == 0
    torch.testing.assert_close(maps.sum(-1), torch.ones(2, 2, 2, 8))


def test_the_attention_pool_asks_one_question():
    encoder = small_clip(RESNET).image_encoder
    maps = attention_maps(encoder, random_pictures(2, 64))
    assert maps.shape == (1, 2, 4, 1, 5)
    torch.testing.assert_close(maps.sum(-1), torch.ones(1, 2, 4, 1))
    pool = encoder.attention_pool
    with listening(encoder, ["layer4", "attention_pool.v_proj"]) as heard:
        features = encoder(random_pictures(2, 64))
    values = heard["attention_pool.v_proj"].unflatten(2, (pool.heads, -1)).transpose(1, 2)
    torch.testing.assert_close((maps[0] @ values).flatten(1), features)


def test_a_tower_without_attention_says_so():
    with pytest.raises(UserError, match="no attention"):
        attention_maps(small_clip(CONVNET).image_encoder, random_pictures(1))


@pytest.mark.parametrize("residual", [0.0, 0.5])
def test_rollout_of_uniform_attention_is_uniform_but_for_the_residual_path(residual):
    uniform = torch.full((3, 1, 2, 5, 5), 1 / 5)
    stays = residual**3
    expected = (1 - stays) / 5 + stays * torch.eye(5)
    torch.testing.assert_close(rollout(uniform, residual)[0], expected)


def test_rollout_multiplies_the_later_layer_from_the_left():
    maps = torch.rand(2, 1, 3, 4, 4, generator=torch.Generator().manual_seed(0)).softmax(-1)
    first, second = (0.5 * maps[layer, 0].mean(0) + 0.5 * torch.eye(4) for layer in (0, 1))
    torch.testing.assert_close(rollout(maps)[0], second @ first)
    torch.testing.assert_close(rollout(maps).sum(-1), torch.ones(1, 4))


def test_attention_to_patches_is_laid_out_as_the_picture():
    assert on_grid(torch.arange(10.0)).tolist() == [[1, 2, 3], [4, 5, 6], [7, 8, 9]]
    assert on_grid(torch.zeros(2, 3, 17)).shape == (2, 3, 4, 4)


# -------------------- occlusion


def test_occlusion_of_a_linear_score_is_the_sum_of_what_was_covered():
    generator = torch.Generator().manual_seed(0)
    image, weights = (
        torch.randn(*shape, generator=generator) for shape in ((3, 12, 12), (2, 3, 12, 12))
    )
    found = drops(
        lambda x: torch.einsum("bchw,kchw->bk", x, weights), image, patch=4, stride=2, fill=0.25
    )
    worth = (weights * (image - 0.25)).sum(1, keepdim=True)  # (2, 1, 12, 12)
    expected = F.conv2d(worth, torch.ones(1, 1, 4, 4), stride=2)[:, 0]
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


def test_maps_of_two_texts_are_the_falls_of_their_cosines():
    encoder, picture, texts = small_encoder(), noise_picture(32, 32), ["a cat", "a dog"]
    maps = occlusion_maps(encoder, picture, texts, patch=8, stride=8)
    assert maps.shape == (2, 4, 4)
    image = encoder.preprocess([picture])
    covered = image.clone()
    covered[:, :, 8:16, 24:] = 0
    fall = (encoder.encode_image(image) - encoder.encode_image(covered)) @ encoder.encode_text(
        texts
    ).T
    torch.testing.assert_close(maps[:, 1, 3], fall[0], atol=1e-5, rtol=1e-4)


def test_cells_lie_where_their_squares_lie():
    """The cell of the square that covers a lone bright pixel is drawn over that pixel."""
    size, patch, stride = 64, 16, 4
    image = torch.zeros(3, size, size)
    image[:, 38:42, 22:26] = 1.0
    score = lambda x: x.sum((1, 2, 3))[:, None]  # noqa: E731
    (falls,) = drops(score, image, patch, stride)
    begin, end = part_of_picture(size, patch, stride)
    assert (begin, end) == (6 / 64, 58 / 64) and falls.shape == (13, 13)
    edges = torch.linspace(begin * size, end * size, 14)
    middles = (edges[1:] + edges[:-1]) / 2
    rows, columns = (falls.sum(1 - axis) for axis in (0, 1))
    centre = [float((middles * each).sum() / each.sum()) for each in (rows, columns)]
    assert centre == pytest.approx([40, 24], abs=0.01)
    assert part_of_picture(64, 8, 8) == (0, 1)


def test_spread_falls_are_means_over_the_squares_that_cover_a_pixel():
    maps = torch.tensor([[[1.0, 2.0], [3.0, 4.0]]])
    spread = spread_over_pixels(maps, size=4, patch=2, stride=1)[0]
    assert spread[0].tolist() == [1, 1.5, 2, 0]
    assert spread[1].tolist() == [2, 2.5, 3, 0]
    assert (spread[3] == 0).all(), "no square reached it"


@pytest.mark.parametrize("wrong", [{"texts": []}, {"patch": 33}, {"patch": 8, "stride": -1}])
def test_impossible_occlusions_are_refused(wrong):
    with pytest.raises(UserError) as error:
        occlusion_maps(small_encoder(), noise_picture(32, 32), **{"texts": ["a cat"], **wrong})
    one_line(error.value)


# -------------------- steering


def test_steering_a_linear_score_moves_every_pixel_by_the_rate_until_its_end():
    """Adam's step under a constant gradient is the rate times its sign."""
    weights = torch.randn(3, 4, 4, generator=torch.Generator().manual_seed(0))
    start = torch.full((3, 4, 4), 0.5)
    score = lambda pixels: (pixels * weights).sum((1, 2, 3))  # noqa: E731
    steered = ascend(score, start, steps=10, rate=0.02, look=lambda pixels: pixels[None], frames=3)
    assert steered.steps == [0, 5, 10]
    for step, pixels, cosine in zip(steered.steps, steered.pixels, steered.cosines, strict=True):
        expected = (start + 0.02 * step * weights.sign()).clamp(0, 1)
        torch.testing.assert_close(pixels, expected, atol=1e-5, rtol=0)
        torch.testing.assert_close(cosine, (expected * weights).sum(), atol=1e-4, rtol=1e-5)
    far = ascend(score, start, steps=40, rate=0.02, look=lambda pixels: pixels[None], frames=2)
    assert set(far.pixels[-1].unique().tolist()) == {0.0, 1.0}, "pixels stay in their range"


@pytest.mark.parametrize("views", [0, 4])
def test_steering_raises_the_cosine_and_leaves_the_model_alone(views):
    encoder = small_encoder()
    before = {name: tensor.clone() for name, tensor in encoder.model.state_dict().items()}
    steered = steer(encoder, "a cat", steps=30, rate=0.05, views=views, frames=4)
    assert steered.cosines[-1] > steered.cosines[0] + 0.2
    if not views:
        assert steered.cosines.tolist() == sorted(steered.cosines.tolist())
    seen = (
        encoder.encode_image(encoder.preprocess(steered.pictures))
        @ encoder.encode_text(["a cat"])[0]
    )
    # pictures have 8 bits a colour
    torch.testing.assert_close(seen, steered.cosines, atol=0.02, rtol=0)
    assert all(
        torch.equal(before[name], tensor) for name, tensor in encoder.model.state_dict().items()
    )
    assert all(weight.grad is None for weight in encoder.model.parameters())


def test_steering_is_repeated_by_its_seed_and_starts_where_it_is_told():
    encoder, picture = small_encoder(), noise_picture(32, 32)
    runs = [steer(encoder, "a cat", steps=2, views=2, frames=2, seed=seed) for seed in (1, 1, 2)]
    assert torch.equal(runs[0].pixels, runs[1].pixels) and not torch.equal(
        runs[0].pixels, runs[2].pixels
    )
    begun = steer(encoder, "a cat", steps=1, views=0, frames=2, start=picture)
    assert begun.pictures[0].tobytes() == picture.tobytes()


def test_views_keep_a_constant_picture_but_for_their_noise():
    views = random_views(torch.full((3, 16, 16), 0.5), 5, torch.Generator().manual_seed(0))
    assert views.shape == (5, 3, 16, 16)
    assert float((views - 0.5).abs().mean()) == pytest.approx(
        0.05 * math.sqrt(2 / math.pi), rel=0.1
    )


@pytest.mark.parametrize("wrong", [{"steps": 0}, {"frames": 1}, {"views": -1}, {"rate": 0.0}])
def test_impossible_steering_is_refused(wrong):
    with pytest.raises(UserError) as error:
        steer(small_encoder(), "a cat", **wrong)
    one_line(error.value)


# -------------------- the shipped model


def test_the_shipped_model_looks_at_the_object_that_the_text_names():
    encoder, pictures = load("classroom"), concept_pictures(NAMES, 1)
    names = [f"a photo of a {pictures.class_names[label]}" for label in pictures.labels]
    for row, picture in enumerate(pictures.pictures(range(3))):
        assert (
            float(occlusion_maps(encoder, picture, [names[row]], patch=24, stride=8).max()) > 0.05
        )


@pytest.mark.slow
def test_a_paper_model_can_be_looked_into():
    torch.manual_seed(0)
    model = CLIP(CLIPConfig.named("ViT-B/32")).eval()
    encoder = ClipbenchEncoder(model, world_tokenizer(77), Preprocess(224))
    maps = attention_maps(model.image_encoder, encoder.preprocess([noise_picture(224, 224)]))
    assert maps.shape == (12, 1, 12, 50, 50)
    torch.testing.assert_close(rollout(maps).sum(-1), torch.ones(1, 50))
    layers = unit_layers(model)
    assert unit_responses(encoder, concept_pictures(NAMES, 1), layers)[layers[-1]].shape == (
        3,
        3072,
    )
    assert occlusion_maps(
        encoder, noise_picture(224, 224), ["a cat"], patch=112, stride=112
    ).shape == (1, 2, 2)
    steered = steer(encoder, "a cat", steps=4, views=0, frames=2)
    assert steered.cosines[-1] > steered.cosines[0]
