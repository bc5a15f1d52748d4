"""Facts about acting on features: nothing changes by changing nothing, what is turned off is gone,
and a control is as active as what it controls.
"""

import json

import pytest
import torch
from small import CONVNET, small_clip, small_encoder, write_small_model

from clipbench.cli.main import main
from clipbench.encoders.clip import ClipbenchEncoder
from clipbench.errors import UserError
from clipbench.inside.acting import acting, as_active, share_where, turned_off, turned_up
from clipbench.inside.responses import listening
from clipbench.inside.sparse_autoencoder import SparseAutoencoder, as_tokens
from clipbench.preprocess import Preprocess
from clipbench.pretrained.folders import world_tokenizer

LAYERS = {"vit": "image_encoder.blocks.0", "convnet": "image_encoder.layers.8"}


def encoder_of(kind: str) -> ClipbenchEncoder:
    if kind == "vit":
        return small_encoder()
    return ClipbenchEncoder(small_clip(CONVNET), world_tokenizer(), Preprocess(CONVNET.image_size))


def inputs_of(encoder: ClipbenchEncoder) -> torch.Tensor:
    size = encoder.image_size
    return torch.randn(3, 3, size, size, generator=torch.Generator().manual_seed(0))


def output_of(encoder, layer, images) -> torch.Tensor:
    with listening(encoder.model, [layer]) as heard, torch.no_grad():
        encoder.model.encode_image(images)
    return heard[layer]


@pytest.mark.parametrize("kind", LAYERS)
def test_what_is_turned_off_is_taken_out_of_the_layer_and_the_hook_goes(kind):
    encoder, layer = encoder_of(kind), LAYERS[kind]
    images = inputs_of(encoder)
    before, features = output_of(encoder, layer, images), encoder.encode_image(images)
    tokens = as_tokens(before)
    ours = SparseAutoencoder(tokens.shape[-1], 24, 4).start(tokens.flatten(0, 1))
    ours.requires_grad_(False)
    off = torch.arange(12)
    with acting(encoder, layer, ours, turned_off(off)):
        after, changed = output_of(encoder, layer, images), encoder.encode_image(images)
    z = ours.encode(tokens)[..., :12]
    torch.testing.assert_close(
        as_tokens(after), tokens - z @ ours.decoder[:12] * ours.scale, atol=1e-5, rtol=1e-5
    )
    assert after.shape == before.shape and float((changed - features).abs().max()) > 1e-3
    assert torch.equal(encoder.encode_image(images), features)
    with acting(encoder, layer, ours, lambda z: z):
        torch.testing.assert_close(encoder.encode_image(images), features, atol=1e-5, rtol=0)


def test_a_feature_is_turned_up_and_never_down():
    change = turned_up(torch.tensor([2, 0]), torch.tensor([0.5, 0.25]))
    before = torch.tensor([[0.0, 0.0, 0.0], [1.0, 2.0, 3.0]])
    assert change(before).tolist() == [[0.25, 0, 0.5], [1, 2, 3]]
    assert float(before[0, 0]) == 0


def test_wrong_places_to_act_are_named():
    encoder = small_encoder()
    with (
        pytest.raises(UserError, match="no layer"),
        acting(encoder, "nowhere", SparseAutoencoder(32, 8, 2), lambda z: z),
    ):
        pass
    narrow = SparseAutoencoder(5, 8, 2).start(torch.randn(9, 5))
    with (
        acting(encoder, LAYERS["vit"], narrow, lambda z: z),
        pytest.raises(UserError, match="another layer or model"),
    ):
        encoder.encode_image(inputs_of(encoder))


def test_the_share_of_activity_where_something_is_true():
    activations = torch.tensor([[2.0, 0.0, 1.0], [2.0, 0.0, 1.0], [0.0, 0.0, 1.0]])
    share = share_where(activations, torch.tensor([True, True, False]))
    assert share.tolist() == [1, 0, 0.5]


def test_controls_are_others_and_as_active():
    activity = torch.arange(40.0)
    chosen = torch.tensor([39, 20, 10])
    others = as_active(chosen, activity, seed=1)
    assert len(set(others.tolist())) == 3 and not set(others.tolist()) & set(chosen.tolist())
    assert 0 not in others
    assert float((activity[others] - activity[chosen]).abs().max()) <= 4
    with pytest.raises(ValueError, match="are needed"):
        as_active(torch.arange(25), activity)


QUICK = ["--steps", "5", "--seeds", "2", "--scenes", "40", "--features", "32", "--active", "4"]


def test_the_command_grades_features(tmp_path, capsys):
    folder = write_small_model(tmp_path / "model")
    words = ["eval", "sparse-autoencoder", "--model", str(folder), *QUICK]
    words += ["--graded", "400", "--save", str(tmp_path / "found")]
    assert main([*words, "--json"]) == 0
    metrics = json.loads(capsys.readouterr().out)["metrics"]
    for way in ("pca", "random", "units", "probe", "32x4"):
        assert 0 <= metrics[f"{way}/sign word/auc"] <= 1
    assert metrics["32x4/concept/auc_low"] <= metrics["32x4/concept/auc"]
    assert (tmp_path / "found" / "autoencoder.safetensors").exists()
    assert main(["eval", "sparse-autoencoder", "--of", "captions", "--layer", "x"]) == 2


def test_the_command_turns_signs_off_and_styles_up(tmp_path, capsys):
    folder = write_small_model(tmp_path / "model")
    words = ["eval", "act", "--model", str(folder), *QUICK, "--pictures", "6", "--changed", "1"]
    assert main([*words, "--json"]) == 0
    metrics = json.loads(capsys.readouterr().out)["metrics"]
    for state in ("unchanged", "signs_1", "others_1"):
        assert 0 <= metrics[f"{state}/attacked_target"] <= metrics[f"{state}/attacked_target_high"]
    joint = ["400" if word == "40" else word for word in words]  # every style has scenes
    assert main([*joint, "--layer", "joint", "--json"]) == 0
    metrics = json.loads(capsys.readouterr().out)["metrics"]
    assert 0 <= metrics["sketch_1_times_2/called"] <= 1
    assert main([*words[:-1], "30"]) == 2
    assert "change fewer" in capsys.readouterr().err
