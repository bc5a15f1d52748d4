"""Facts about sparse autoencoders: their step is a written-out one, they find planted features, dead
ones come back, folders say when they are damaged, and every encoder's layers can be read.
"""

import json

import pytest
import torch
import torch.nn.functional as F
from small import CONVNET, one_line, small_clip, small_encoder

from clipbench.encoders.clip import ClipbenchEncoder
from clipbench.errors import UserError
from clipbench.inside.sparse_autoencoder import (
    JOINT,
    SIDECAR,
    WEIGHTS,
    About,
    Recipe,
    SparseAutoencoder,
    Trainer,
    answers,
    check_width,
    explained,
    largest,
    layer_outputs,
    load_autoencoder,
    nearest_texts,
    save_autoencoder,
    some_tokens,
    train_autoencoder,
)
from clipbench.inside.stimuli import concept_pictures
from clipbench.model import CLIP, CLIPConfig
from clipbench.preprocess import Preprocess
from clipbench.pretrained.folders import world_tokenizer

NAMES = ["cat", "hammer", "rocket"]


def numbers(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def planted(rows: int = 3000, features: int = 20, width: int = 12, seed: int = 0):
    """(rows that are sums of two of the directions, the directions)."""
    directions = F.normalize(numbers(features, width, seed=seed), dim=1)
    generator = torch.Generator().manual_seed(seed + 1)
    which = torch.rand(rows, features, generator=generator).topk(2, dim=1).indices
    amounts = 1 + torch.rand(rows, 2, generator=generator)
    return (amounts[..., None] * directions[which]).sum(1), directions


# -------------------- the step


def written_out_step(
    parts: dict, rows: torch.Tensor, k: int, rate: float, dead: list[int], kaux: int
):
    """One step with loops and torch's own gradient: what ``Trainer.step`` must do."""
    weights = {name: each.clone().requires_grad_() for name, each in parts.items()}
    error, aux = [], []
    for row in rows / weights["scale"].detach():
        wanted = weights["encoder"] @ (row - weights["centre"]) + weights["threshold"]
        top = sorted(range(len(wanted)), key=lambda j: -float(wanted[j].detach()))[:k]
        rebuilt = weights["centre"].clone()
        for j in top:
            if wanted[j] > 0:
                rebuilt = rebuilt + wanted[j] * weights["decoder"][j]
        error.append(row - rebuilt)
        among = sorted(dead, key=lambda j: -float(wanted[j].detach()))[:kaux]
        aux.append(sum(max(wanted[j], wanted[j] * 0) * weights["decoder"][j] for j in among))
    error = torch.stack(error)
    loss = error.pow(2).mean()
    if dead:
        target = error.detach()
        left = (target - torch.stack(aux)).pow(2).mean() / target.pow(2).mean()
        loss = loss + left / 32
    trained = ("encoder", "threshold", "decoder", "centre")
    gradients = dict(
        zip(trained, torch.autograd.grad(loss, [weights[name] for name in trained]), strict=True)
    )
    decoder = weights["decoder"].detach()
    along = (gradients["decoder"] * decoder).sum(1, keepdim=True)
    gradients["decoder"] = gradients["decoder"] - along * decoder
    after = dict(parts)
    for name, gradient in gradients.items():  # Adam's first step, bias corrected
        after[name] = parts[name] - rate * gradient / (gradient.abs() + 1e-8)
    after["decoder"] = F.normalize(after["decoder"], dim=1)
    return after, float(error.detach().pow(2).mean())


@pytest.mark.parametrize("dead", [[], [1, 4, 6]])
def test_a_step_is_the_written_out_one(dead):
    rows = numbers(9, 5, seed=1).double()
    recipe = Recipe(features=7, active=2, revived=2, dead_after=100, steps=10)
    ours = SparseAutoencoder(5, 7, 2).double().start(rows, seed=3)
    with torch.no_grad():
        ours.threshold.copy_(0.1 * numbers(7, seed=2))
    trainer = Trainer(ours, recipe)
    trainer.silent[dead] = 100
    before = {name: each.clone() for name, each in ours.state_dict().items()}
    expected, loss = written_out_step(before, rows, 2, recipe.learning_rate, dead, 2)
    assert trainer.step(rows) == pytest.approx(loss, abs=1e-12)
    for name, each in ours.state_dict().items():
        torch.testing.assert_close(each, expected[name], atol=1e-7, rtol=0)


def test_at_most_k_are_active_and_none_is_negative():
    values = torch.tensor([[3.0, -1.0, 2.0, 1.0], [-3.0, -1.0, -2.0, 0.5]])
    assert largest(values, 2).tolist() == [[3, 0, 2, 0], [0, 0, 0, 0.5]]


def test_directions_keep_their_length():
    rows, _ = planted(400)
    ours = train_autoencoder(rows, Recipe(30, 3, steps=20), progress=False).autoencoder
    torch.testing.assert_close(ours.decoder.norm(dim=1), torch.ones(30))
    assert not any(each.requires_grad for each in ours.parameters())


# -------------------- training


def test_planted_directions_are_found():
    rows, directions = planted()
    trained = train_autoencoder(rows, Recipe(32, 2, steps=900, learning_rate=5e-3), progress=False)
    likeness = (directions @ trained.autoencoder.decoder.T).amax(1)
    assert float((likeness > 0.9).float().mean()) >= 0.8
    assert explained(trained.autoencoder, rows) > 0.85
    assert trained.losses[-1] < 0.5 * trained.losses[0]


def dead_in_the_end(revival: float) -> int:
    """Of 32 features, of which 24 start where rows hardly ever wake them."""
    rows, _ = planted(2000)
    ours = SparseAutoencoder(rows.shape[1], 32, 2).start(rows)
    with torch.no_grad():
        ours.threshold[8:] = -4.0
    recipe = Recipe(32, 2, steps=1000, dead_after=2000, revival=revival, learning_rate=1e-2)
    trainer = Trainer(ours, recipe)
    for batch in range(400):
        trainer.step(rows.roll(250 * batch, 0)[:250])
    return int(trainer.dead.sum())


def test_the_auxiliary_loss_revives_dead_features():
    assert dead_in_the_end(revival=1 / 32) < 0.8 * dead_in_the_end(revival=0.0)


def test_the_same_seed_gives_the_same_autoencoder_and_another_scale_changes_nothing():
    rows, _ = planted(500)
    recipe = Recipe(16, 2, steps=30)
    first, again, larger = (
        train_autoencoder(each, recipe, progress=False).autoencoder
        for each in (rows, rows, 1000 * rows)
    )
    assert torch.equal(first.decoder, again.decoder)
    torch.testing.assert_close(1000 * first(rows), larger(1000 * rows), rtol=1e-3, atol=1)


@pytest.mark.parametrize(
    "wrong", [{"active": 40}, {"features": 0}, {"steps": -1}, {"learning_rate": 0.0}]
)
def test_impossible_recipes_are_refused(wrong):
    with pytest.raises(UserError) as error:
        Recipe(**{"features": 32, **wrong})
    one_line(error.value)


@pytest.mark.parametrize(
    "rows", [torch.zeros(0, 4), torch.ones(5, 4), torch.full((5, 4), torch.nan)]
)
def test_rows_that_teach_nothing_are_refused(rows):
    with pytest.raises(UserError, match="finite rows"):
        train_autoencoder(rows, Recipe(4, 1, steps=1))


# -------------------- rows of models


def test_the_joint_space_is_the_encoders_own():
    encoder, pictures = small_encoder(), concept_pictures(NAMES, 2)
    rows = torch.cat(list(layer_outputs(encoder, pictures, progress=False)))
    inputs = encoder.preprocess(pictures.pictures(range(6)))
    torch.testing.assert_close(rows[:, 0], encoder.encode_image(inputs))


def test_tokens_and_places_are_rows():
    pictures = concept_pictures(NAMES, 2)
    tokens = torch.cat(
        list(layer_outputs(small_encoder(), pictures, "image_encoder.blocks.0", progress=False))
    )
    assert tokens.shape == (6, 17, 32)
    net = ClipbenchEncoder(small_clip(CONVNET), world_tokenizer(), Preprocess(CONVNET.image_size))
    places = torch.cat(
        list(layer_outputs(net, pictures, "image_encoder.layers.20", progress=False))
    )
    assert places.ndim == 3 and places.shape[0] == 6
    rows = some_tokens(tokens, each=3)
    assert rows.shape == (18, 32)
    assert all((tokens[k // 3] == row).all(1).any() for k, row in enumerate(rows))
    assert some_tokens(tokens, each=99).shape == (6 * 17, 32)


def test_answers_are_pooled_over_places():
    outputs = numbers(5, 4, 3)
    assert torch.equal(answers(lambda x: x, outputs, batch_size=2), outputs.amax(1))
    assert torch.equal(answers(lambda x: x, outputs, "mean"), outputs.mean(1))


def test_an_unknown_layer_is_named():
    with pytest.raises(UserError, match="no layer"):
        list(layer_outputs(small_encoder(), concept_pictures(NAMES, 1), "nowhere", progress=False))
    with pytest.raises(UserError, match="another layer or model"):
        check_width(SparseAutoencoder(4, 8, 2), 5, "a layer")


def test_a_change_of_nothing_changes_nothing_and_a_silent_feature_is_taken_out():
    rows, _ = planted(200)
    ours = train_autoencoder(rows, Recipe(16, 2, steps=30), progress=False).autoencoder
    torch.testing.assert_close(ours.edit(rows, lambda z: z), rows)
    activations = ours.encode(rows)
    without = ours.edit(rows, lambda z: z.index_fill(-1, torch.tensor([3]), 0.0))
    expected = rows - activations[:, 3:4] * ours.decoder[3] * ours.scale
    torch.testing.assert_close(without, expected, atol=1e-5, rtol=1e-5)


def test_the_nearest_text_of_a_direction_is_the_one_that_it_points_to():
    texts = F.normalize(numbers(6, 8) + 5, dim=1)  # all far from the origin
    ours = SparseAutoencoder(8, 6, 1)
    ours.decoder.data = F.normalize(texts - texts.mean(0), dim=1)
    assert [some[0] for some in nearest_texts(ours, texts)] == list(range(6))
    assert all(len(some) == 2 for some in nearest_texts(ours, texts, 2))


# -------------------- on disk


def test_what_is_saved_is_loaded(tmp_path):
    rows, _ = planted(200)
    ours = train_autoencoder(rows, Recipe(16, 2, steps=5), progress=False).autoencoder
    about = About("classroom", "0123", JOINT, {"seed": 0}, {"explained": 0.5})
    save_autoencoder(tmp_path / "found", ours, about)
    loaded, told = load_autoencoder(tmp_path / "found")
    assert told == about and loaded.active == 2
    assert torch.equal(loaded.encode(rows), ours.encode(rows))
    assert json.loads((tmp_path / "found" / SIDECAR).read_text())["features"] == 16


def damage_sidecar(folder):
    (folder / SIDECAR).write_text("{")


def damage_weights(folder):
    (folder / WEIGHTS).write_bytes(b"12345678")


def claim_other_sizes(folder):
    told = json.loads((folder / SIDECAR).read_text())
    (folder / SIDECAR).write_text(json.dumps(told | {"features": 17}))


@pytest.mark.parametrize("damage", [damage_sidecar, damage_weights, claim_other_sizes])
def test_damaged_folders_are_refused_in_a_line(tmp_path, damage):
    ours = SparseAutoencoder(4, 16, 2).start(numbers(20, 4))
    save_autoencoder(tmp_path / "found", ours, About("m", "0", JOINT))
    damage(tmp_path / "found")
    with pytest.raises(UserError, match="damaged") as error:
        load_autoencoder(tmp_path / "found")
    one_line(error.value)
    with pytest.raises(UserError, match="holds no sparse autoencoder"):
        load_autoencoder(tmp_path)


@pytest.mark.slow
def test_a_vit_of_the_paper_has_rows_in_every_place():
    torch.manual_seed(0)
    encoder = ClipbenchEncoder(
        CLIP(CLIPConfig.named("ViT-B/32")).eval(), world_tokenizer(77), Preprocess(224)
    )
    pictures = concept_pictures(NAMES, 2)
    for layer, shape in ((JOINT, (6, 1, 512)), ("image_encoder.blocks.6", (6, 50, 768))):
        outputs = torch.cat(list(layer_outputs(encoder, pictures, layer, progress=False)))
        assert outputs.shape == shape
        recipe = Recipe(64, 4, steps=5)
        trained = train_autoencoder(some_tokens(outputs), recipe, progress=False)
        assert answers(trained.autoencoder.encode, outputs).shape == (6, 64)
