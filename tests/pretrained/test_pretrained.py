"""Facts about model folders: what is saved comes back, and every bad folder is refused in one
line.
"""

import json
import pickle
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file
from small import (
    BAG_OF_WORDS,
    CONVNET,
    RESNET,
    TRANSFORMER,
    VIT,
    noise_picture,
    one_line,
    small_clip,
    write_small_model,
)

from clipbench import UserError, load
from clipbench.preprocess import Preprocess
from clipbench.pretrained.folders import (
    WEIGHTS,
    find_folder,
    load_pretrained,
    save_pretrained,
    world_tokenizer,
)

TOWERS = [(image, text) for image in (VIT, RESNET, CONVNET) for text in (TRANSFORMER, BAG_OF_WORDS)]
TOWER_NAMES = [f"{type(i).__name__}-{type(t).__name__}".replace("Config", "") for i, t in TOWERS]


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    return write_small_model(tmp_path_factory.mktemp("good") / "model")


@pytest.fixture
def folder(good, tmp_path):
    """A copy of a good model folder, to be spoiled."""
    return shutil.copytree(good, tmp_path / "model")


def refused(folder) -> str:
    """The one line with which a folder is refused."""
    with pytest.raises(UserError) as error:
        load(folder)
    assert str(folder) in str(error.value), "the folder is named"
    return one_line(error.value)


# -------------------- there and back


@pytest.mark.parametrize("image, text", TOWERS, ids=TOWER_NAMES)
def test_a_saved_model_comes_back_bit_for_bit_and_computes_the_same(tmp_path, image, text):
    model = small_clip(image, text)
    model.train()(
        torch.randn(4, 3, image.image_size, image.image_size),
        world_tokenizer()(["a", "b c", "d", "e"]),
    )
    again, tokenizer, preprocess = load_pretrained(write_small_model(tmp_path / "model", model))
    assert again.config == model.config and not again.training
    state = model.state_dict()  # with the statistics that batch normalisation has gathered
    assert list(again.state_dict()) == list(state)
    assert all(torch.equal(tensor, state[name]) for name, tensor in again.state_dict().items())
    assert preprocess == Preprocess(image.image_size) and tokenizer.context_length == 32
    assert all(
        parameter.requires_grad and not parameter.is_meta for parameter in again.parameters()
    )
    images, token_ids = (
        torch.randn(2, 3, image.image_size, image.image_size),
        world_tokenizer()(["a cat", "b"]),
    )
    for ours, theirs in zip(model.eval()(images, token_ids), again(images, token_ids), strict=True):
        assert torch.equal(ours, theirs)


def test_half_precision_halves_the_file_and_keeps_three_digits(good, tmp_path):
    model, tokenizer, preprocess = load_pretrained(good)
    save_pretrained(tmp_path / "half", model, tokenizer, preprocess, dtype=torch.float16)
    assert (tmp_path / "half" / WEIGHTS).stat().st_size < 0.55 * (good / WEIGHTS).stat().st_size
    again, _, _ = load_pretrained(tmp_path / "half")
    for name, tensor in again.state_dict().items():
        assert torch.equal(tensor, model.state_dict()[name].half().float())


def test_loading_draws_no_random_numbers(good):
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    load_pretrained(good)
    assert torch.equal(torch.rand(1), expected)
    assert torch.nn.init.normal_(torch.zeros(3)).any(), "and initialisation works again afterwards"


def test_a_model_can_be_trained_on_after_loading(good):
    model, tokenizer, _ = load_pretrained(good)
    model.encode_text(tokenizer(["a cat"])).sum().backward()
    assert model.text_projection.weight.grad.abs().sum() > 0


def test_saving_notes_where_the_model_comes_from(tmp_path):
    model = small_clip()
    about = {"data": "scenes", "pairs": 7}
    save_pretrained(tmp_path / "m", model, world_tokenizer(), Preprocess(32), about=about)
    assert json.loads((tmp_path / "m" / "about.json").read_text()) == about


def test_preprocessing_comes_back_with_its_own_mean(tmp_path):
    mean, std = (0.1, 0.2, 0.3), (0.4, 0.5, 0.6)
    save_pretrained(tmp_path / "m", small_clip(), world_tokenizer(), Preprocess(32, mean, std))
    assert load_pretrained(tmp_path / "m")[2] == Preprocess(32, mean, std)


# -------------------- encoder


def test_an_encoder_gives_unit_vectors_of_pictures_and_texts(good):
    encoder = load(good)
    images = encoder.encode_image(encoder.preprocess([noise_picture(50, 40), noise_picture(9, 30)]))
    texts = encoder.encode_text(["a cat", "a dog"])
    for features in (images, texts):
        assert features.shape == (2, encoder.embed_dim) and not features.requires_grad
        torch.testing.assert_close(features.norm(dim=1), torch.ones(2), rtol=0, atol=1e-6)


def test_a_fingerprint_tells_models_apart(good, tmp_path):
    assert load(good).fingerprint == load(good).fingerprint
    model, tokenizer, preprocess = load_pretrained(good)
    with torch.no_grad():
        model.image_projection.weight[0, 0] += 1e-6
    save_pretrained(tmp_path / "other", model, tokenizer, preprocess)
    assert load(tmp_path / "other").fingerprint != load(good).fingerprint
    save_pretrained(
        tmp_path / "mean", load_pretrained(good)[0], tokenizer, Preprocess(32, mean=(0.5, 0.5, 0.5))
    )
    assert load(tmp_path / "mean").fingerprint != load(good).fingerprint


# -------------------- what is no model


def test_an_unknown_name_lists_what_there_is():
    message = (
        r"no model 'clasroom' \(did you mean 'classroom'\?\); give tiny, "
        r"classroom, twin:NAME, a model"
    )
    with pytest.raises(UserError, match=message) as error:
        find_folder("clasroom")
    one_line(error.value)


def test_a_folder_without_a_checkpoint_is_refused(tmp_path):
    assert "holds no model" in refused(tmp_path)


def test_an_empty_file_is_no_model(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"")
    with pytest.raises(UserError, match="damaged or no safetensors file"):
        load(tmp_path / "model.safetensors")


@pytest.mark.parametrize(
    "name", ["config.json", WEIGHTS, "vocab.json", "merges.txt", "preprocessor_config.json"]
)
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    message = refused(folder)
    assert name in message or (name == "config.json" and "no config.json" in message)


@pytest.mark.parametrize(
    "name, content",
    [
        *(
            ("config.json", content)
            for content in (b"{", b"[1, 2]", b"\xff\xfe", b"", b'"clip"', b"null")
        ),
        ("preprocessor_config.json", b"[1, 2]"),
        ("vocab.json", b"[1, 2]"),
        ("vocab.json", b"{"),
    ],
)
def test_settings_that_are_no_settings_are_refused(folder, name, content):
    (folder / name).write_bytes(content)
    assert name in refused(folder)


@pytest.mark.parametrize(
    "change",
    [
        {"vision_config": None},
        {"vision_config": {"hidden_act": "swishy"}},
        {"vision_config": {"num_attention_heads": 5}},
        {"vision_config": {"patch_size": 0}},
        {"vision_config": {"hidden_size": "wide"}},
        {"vision_config": {"image_size": -1}},
        {"text_config": []},
        {"text_config": {"num_hidden_layers": 1.5}},
        {"clipbench": {"image": {"kind": "vit"}}},
        {"clipbench": 3},
    ],
    ids=str,
)
def test_a_config_that_describes_no_clip_is_refused(folder, change):
    config = json.loads((folder / "config.json").read_text())
    for name, value in change.items():
        config[name] = (
            {**config[name], **value} if isinstance(value, dict) and name in config else value
        )
    (folder / "config.json").write_text(json.dumps(config))
    refused(folder)


@pytest.mark.parametrize("merges", ["#version: 0.2\na\n", "#version: 0.2\nnot inside\n", "a b c\n"])
def test_merges_that_do_not_fit_are_refused(folder, merges):
    (folder / "merges.txt").write_text(merges)
    refused(folder)


@pytest.mark.parametrize("mean", [None, 0.5, [0.5], [0.1, 0.2, "red"]])
def test_a_mean_that_is_no_colour_is_refused(folder, mean):
    settings = json.loads((folder / "preprocessor_config.json").read_text()) | {"image_mean": mean}
    (folder / "preprocessor_config.json").write_text(json.dumps(settings))
    assert "three numbers" in refused(folder)


def test_a_vocabulary_that_is_larger_than_the_embedding_is_refused(folder):
    vocab = json.loads((folder / "vocab.json").read_text())
    vocab["<|endoftext|>"] = 5000
    (folder / "vocab.json").write_text(json.dumps(vocab))
    refused(folder)


# -------------------- bad weights


@pytest.mark.parametrize("part", [0.0, 0.001, 0.5, 0.999])
def test_truncated_weights_are_refused(folder, part):
    data = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(data[: int(part * len(data))])
    assert "damaged or no safetensors file" in refused(folder)


class Trap:
    """A pickle that would leave a mark when it is read."""

    def __reduce__(self):
        return print, ("a pickle was executed",)


def test_a_pickle_in_place_of_weights_is_refused_and_not_run(folder, capsys):
    (folder / WEIGHTS).write_bytes(pickle.dumps(Trap()))
    assert "damaged or no safetensors file" in refused(folder)
    torch.save({"weights": torch.ones(3)}, folder / WEIGHTS)
    assert "damaged or no safetensors file" in refused(folder)
    assert "executed" not in capsys.readouterr().out


@pytest.mark.parametrize("name", ["pytorch_model.bin", "open_clip.pt", "weights.pkl"])
def test_a_pickle_beside_is_named_but_not_read(folder, name):
    (folder / WEIGHTS).unlink()
    (folder / name).write_bytes(pickle.dumps(Trap()))
    assert f"{name} is a pickle" in refused(folder)


def spoil(folder, change) -> None:
    """Rewrite the weights after ``change`` has been applied to them."""
    state = load_file(folder / WEIGHTS)
    change(state)
    save_file(state, folder / WEIGHTS, metadata={"format": "pt"})


PROJECTION, QUERY = (
    "visual_projection.weight",
    "text_model.encoder.layers.0.self_attn.q_proj.weight",
)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused(folder, value):
    spoil(folder, lambda state: state[PROJECTION].view(-1)[3:4].fill_(value))
    assert "visual_projection.weight holds values that are not finite" in refused(folder)


@pytest.mark.parametrize(
    "name", [PROJECTION, QUERY, QUERY.replace("q_proj", "k_proj"), "logit_scale"]
)
def test_a_missing_weight_is_refused(folder, name):
    spoil(folder, lambda state: state.pop(name))
    assert "missing" in refused(folder)


def test_weights_in_whole_numbers_are_refused(folder):
    spoil(folder, lambda state: state.update({PROJECTION: state[PROJECTION].to(torch.int8)}))
    assert "of type torch.int8" in refused(folder)


def test_a_weight_of_another_model_is_refused(folder):
    spoil(folder, lambda state: state.update(extra=torch.ones(2)))
    assert "extra belongs to another model" in refused(folder)


@pytest.mark.parametrize(
    "name", [PROJECTION, QUERY, "text_model.embeddings.token_embedding.weight"]
)
def test_a_weight_of_another_shape_is_refused(folder, name):
    spoil(folder, lambda state: state.update({name: torch.ones(3, 5)}))
    refused(folder)


@pytest.mark.parametrize(
    "towers", [(CONVNET, TRANSFORMER), (VIT, BAG_OF_WORDS)], ids=["convnet", "bag of words"]
)
def test_our_own_layout_is_checked_too(tmp_path, towers):
    folder = write_small_model(tmp_path / "model", small_clip(*towers))
    spoil(folder, lambda state: state.pop("text_projection.weight"))
    assert "text_projection.weight is missing" in refused(folder)
