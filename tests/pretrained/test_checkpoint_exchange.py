"""Models come from and go to transformers, open_clip and OpenAI's files without losing a bit."""

import json
import math
import re
import shutil
import warnings
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import transformers
from open_clip_reference import SimpleTokenizer, open_clip, open_clip_model, real_tokenizer
from safetensors.torch import load_file, save_file
from small import (
    BAG_OF_WORDS,
    CONVNET,
    RESNET,
    TRANSFORMER,
    noise_picture,
    one_line,
    small_clip,
    write_small_model,
)

from clipbench import ClipbenchEncoder, UserError, load
from clipbench.model import (
    CLIP,
    PAPER_MODELS,
    CLIPConfig,
    ResNetConfig,
    TransformerConfig,
    ViTConfig,
)
from clipbench.preprocess import Preprocess
from clipbench.pretrained.folders import (
    ForeignModel,
    load_pretrained,
    save_open_clip,
    world_tokenizer,
)
from clipbench.pretrained.weights import INDEX, OPEN_CLIP_WEIGHTS, WEIGHTS

# heads 64 wide, as OpenAI's files take for granted
WIDE_VIT = ViTConfig(32, 8, width=128, depth=2, heads=2)
WIDE_TEXT = TransformerConfig(4096, 32, width=128, depth=2, heads=2)
WIDE_RESNET = ResNetConfig(64, (1, 2, 1, 1), width=4, heads=2)
TOKENIZER_FILES = ("vocab.json", "merges.txt")


def trained(image, text=WIDE_TEXT) -> CLIP:
    """A small model whose statistics are not those of a new one."""
    model = small_clip(image, text)
    model.train()(
        torch.randn(4, 3, image.image_size, image.image_size),
        world_tokenizer()(["a", "b c", "d", "e"]),
    )
    return model.eval()


def assert_same(model: CLIP, again: CLIP) -> None:
    """Same settings, same names, same bits."""
    assert again.config == model.config and not again.training
    state, other = model.state_dict(), again.state_dict()
    assert list(state) == list(other) and all(
        torch.equal(state[name], other[name]) for name in state
    )


def bring_tokenizer(source: Path, folder: Path, *more: str) -> Path:
    for name in (*TOKENIZER_FILES, *more):
        shutil.copy(source / name, folder)
    return folder


@pytest.fixture(scope="module")
def hub_folder(tmp_path_factory):
    return write_small_model(tmp_path_factory.mktemp("hub") / "model")


@pytest.fixture(scope="module", params=[WIDE_VIT, WIDE_RESNET], ids=["vit", "resnet"])
def exported(request, tmp_path_factory) -> tuple[CLIP, Path]:
    """A model, and its folder in open_clip's layout."""
    model, folder = trained(request.param), tmp_path_factory.mktemp("exported") / "model"
    save_open_clip(
        folder, model, world_tokenizer(), Preprocess(model.config.image_size, mean=(0.5, 0.5, 0.5))
    )
    return model, folder


# -------------------- transformers


def test_there_and_back_through_transformers_keeps_every_bit(hub_folder, tmp_path):
    theirs = transformers.CLIPModel.from_pretrained(hub_folder, local_files_only=True)
    theirs.save_pretrained(tmp_path)
    bring_tokenizer(hub_folder, tmp_path, "preprocessor_config.json")
    assert_same(load_pretrained(hub_folder)[0], load_pretrained(tmp_path)[0])


def test_all_files_that_transformers_writes_are_enough(hub_folder, tmp_path):
    transformers.CLIPModel.from_pretrained(hub_folder, local_files_only=True).save_pretrained(
        tmp_path
    )
    transformers.CLIPProcessor.from_pretrained(hub_folder, local_files_only=True).save_pretrained(
        tmp_path
    )
    model, tokenizer, preprocess = load_pretrained(tmp_path)
    ours, our_tokenizer, our_preprocess = load_pretrained(hub_folder)
    assert_same(ours, model)
    assert preprocess == our_preprocess and tokenizer.vocab == our_tokenizer.vocab


@pytest.fixture
def sharded(hub_folder, tmp_path):
    """The folder as transformers writes it in several files."""
    theirs = transformers.CLIPModel.from_pretrained(hub_folder, local_files_only=True)
    theirs.save_pretrained(tmp_path, max_shard_size="200KB")
    assert len(list(tmp_path.glob("*.safetensors"))) > 1 and (tmp_path / INDEX).exists()
    return bring_tokenizer(hub_folder, tmp_path, "preprocessor_config.json")


def test_weights_in_several_files_are_read(hub_folder, sharded):
    assert_same(load_pretrained(hub_folder)[0], load_pretrained(sharded)[0])


def test_a_missing_shard_is_named(sharded):
    shard = sorted(sharded.glob("*.safetensors"))[0]
    shard.unlink()
    with pytest.raises(UserError, match=f"has not all weights: {shard.name} is missing") as error:
        load(sharded)
    one_line(error.value)


def test_a_shard_that_breaks_off_is_named(sharded):
    shard = sorted(sharded.glob("*.safetensors"))[0]
    shard.write_bytes(shard.read_bytes()[:-7])
    with pytest.raises(UserError, match=f"{shard.name} is damaged") as error:
        load(sharded)
    one_line(error.value)


@pytest.mark.parametrize(
    "index", ["{", "[]", "{}", '{"weight_map": {"a": 3}}', '{"weight_map": {"a": "../b"}}']
)
def test_an_index_that_is_none_is_refused(sharded, index):
    (sharded / INDEX).write_text(index)
    with pytest.raises(UserError, match=re.escape(INDEX)) as error:
        load(sharded)
    one_line(error.value)


def changed_config(source: Path, folder: Path, tower: str, change: dict) -> Path:
    shutil.copytree(source, folder)
    config = json.loads((folder / "config.json").read_text())
    config[tower] |= change
    (folder / "config.json").write_text(json.dumps(config))
    return folder


@pytest.mark.parametrize("change", [{"layer_norm_eps": 0.1}, {"hidden_act": "relu"}], ids=str)
def test_a_model_that_ours_would_compute_differently_is_computed_by_transformers(
    hub_folder, tmp_path, change
):
    folder = changed_config(hub_folder, tmp_path / "model", "vision_config", change)
    with pytest.raises(
        ForeignModel, match=f"{next(iter(change))} is .* opens it through transformers"
    ) as error:
        load_pretrained(folder)
    one_line(error.value)
    with pytest.warns(UserWarning, match=f"is computed by transformers: {next(iter(change))} is"):
        encoder = load(folder)
    theirs = transformers.CLIPModel.from_pretrained(folder, local_files_only=True).eval()
    images = encoder.preprocess([noise_picture(40, 30), noise_picture(33, 50)])
    with torch.inference_mode():
        output = theirs(pixel_values=images, input_ids=world_tokenizer()(["a cat", "a dog"]))
    torch.testing.assert_close(encoder.encode_image(images), output.image_embeds, rtol=0, atol=1e-5)
    torch.testing.assert_close(
        encoder.encode_text(["a cat", "a dog"]), output.text_embeds, rtol=0, atol=1e-5
    )


def test_weights_that_are_not_of_the_settings_sizes_are_refused(hub_folder, tmp_path):
    folder = changed_config(
        hub_folder, tmp_path / "model", "vision_config", {"intermediate_size": 100}
    )
    with pytest.raises(
        UserError, match=r"mlp.fc1.weight is \(128, 32\) instead of \(100, 32\)"
    ) as error:
        load(folder)
    one_line(error.value)


def test_settings_written_twice_as_in_old_files_are_read_as_transformers_reads_them(
    hub_folder, tmp_path
):
    folder = shutil.copytree(hub_folder, tmp_path / "model")
    config = json.loads((folder / "config.json").read_text())
    text = config["text_config"]
    config["text_config_dict"] = {
        name: text.pop(name) for name in ("hidden_size", "intermediate_size", "vocab_size")
    }
    config["vision_config_dict"] = None
    (folder / "config.json").write_text(json.dumps(config))
    assert_same(load_pretrained(hub_folder)[0], load_pretrained(folder)[0])


@pytest.mark.parametrize(
    "name, shape",
    [
        ("text_projection", ()),
        ("text_projection", (3,)),
        ("token_embedding.weight", ()),
        ("visual.conv1.weight", (3,)),
        ("visual.conv3.weight", ()),
        ("positional_embedding", (3,)),
    ],
    ids=str,
)
@pytest.mark.filterwarnings("ignore:no open_clip_config.json")
def test_weights_of_strange_shapes_without_settings_are_refused(exported, tmp_path, name, shape):
    state = load_file(exported[1] / OPEN_CLIP_WEIGHTS)
    if name in state:
        state[name] = torch.zeros(shape)
        save_file(state, tmp_path / "strange.safetensors")
        with pytest.raises(UserError, match="strange.safetensors") as error:
            load_pretrained(bring_tokenizer(exported[1], tmp_path))
        one_line(error.value)


@pytest.mark.parametrize("kind", ["clip_text_model", "clip_vision_model"])
def test_the_settings_of_another_kind_of_model_are_refused(hub_folder, tmp_path, kind):
    folder = shutil.copytree(hub_folder, tmp_path / "model")
    (folder / "config.json").write_text(json.dumps({"model_type": kind}))
    with pytest.raises(
        UserError, match=f"of the kind {kind}, not a CLIP with an image and a text encoder"
    ) as error:
        load(folder)
    one_line(error.value)


@pytest.mark.parametrize(
    "kept, told",
    [
        ("text_", "only a CLIP's text encoder"),
        ("vis", "only a CLIP's image encoder"),
        ("logit", "holds no CLIP"),
    ],
)
def test_half_a_clip_is_refused(hub_folder, tmp_path, kept, told):
    folder = shutil.copytree(hub_folder, tmp_path / "model")
    state = load_file(folder / WEIGHTS)
    save_file(
        {name: tensor for name, tensor in state.items() if name.startswith(kept)}, folder / WEIGHTS
    )
    with pytest.raises(UserError, match=told) as error:
        load(folder)
    one_line(error.value)


# -------------------- open_clip and OpenAI


def test_there_and_back_through_open_clips_layout_keeps_every_bit(exported):
    model, folder = exported
    again, tokenizer, preprocess = load_pretrained(folder)
    assert_same(model, again)
    assert preprocess == Preprocess(model.config.image_size, mean=(0.5, 0.5, 0.5))
    assert tokenizer.vocab == world_tokenizer().vocab


def test_open_clip_takes_the_exported_weights_and_gives_the_same_back(exported, tmp_path):
    model, folder = exported
    theirs = open_clip_model.CLIP(
        **json.loads((folder / "open_clip_config.json").read_text())["model_cfg"]
    )
    theirs.load_state_dict(load_file(folder / OPEN_CLIP_WEIGHTS), strict=True)
    again = shutil.copytree(folder, tmp_path / "again")
    save_file(theirs.state_dict(), again / OPEN_CLIP_WEIGHTS)
    assert_same(model, load_pretrained(again)[0])


SENTENCES = [
    "a photo of a cat",
    "A Photo of  TWO red Dogs, left of a bus!",
    "café 🐈 naïve 3.5 it's",
    "",
    "one two three four five six seven eight nine ten " * 9,
]


@pytest.mark.filterwarnings("ignore:.*tokens too long")
def test_open_clip_reads_the_folders_own_tokens(exported):
    theirs = open_clip.get_tokenizer(f"local-dir:{exported[1]}")
    ours = world_tokenizer()(SENTENCES, pad_to=32)
    found = theirs(SENTENCES)
    assert found.shape == ours.shape
    inside = ours != 0  # they pad with the end of text, which changes no feature
    assert torch.equal(found[inside], ours[inside])
    assert (found[~inside] == world_tokenizer().end_id).all()


@pytest.mark.filterwarnings("ignore:.*tokens too long")
def test_open_clip_encodes_texts_as_ours_from_a_folder_that_ours_has_written(exported):
    model, folder = exported
    theirs = open_clip.create_model(f"local-dir:{folder}").eval()
    with torch.inference_mode():
        found = theirs.encode_text(open_clip.get_tokenizer(f"local-dir:{folder}")(SENTENCES))
        expected = model.encode_text(world_tokenizer()(SENTENCES))
    found, expected = (torch.nn.functional.normalize(each, dim=-1) for each in (found, expected))
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)


def test_openais_vocabulary_is_open_clips_own(exported, tmp_path):
    text = replace(exported[0].config.text, vocab_size=49408)
    save_open_clip(tmp_path / "model", small_clip(WIDE_VIT, text), real_tokenizer(), Preprocess(32))
    tokenizer = open_clip.get_tokenizer(f"local-dir:{tmp_path / 'model'}")
    assert isinstance(tokenizer, SimpleTokenizer)
    assert torch.equal(tokenizer(["a cat"])[0, :4], real_tokenizer()(["a cat"])[0])


@pytest.mark.parametrize("where", ["folder", "file"])
def test_openais_weights_need_no_settings(exported, tmp_path, where):
    model, folder = exported
    state = load_file(folder / OPEN_CLIP_WEIGHTS)
    config = model.config
    for name, number in (
        ("input_resolution", config.image_size),
        ("context_length", 32),
        ("vocab_size", 4096),
    ):
        state[name] = torch.tensor(number)  # what the files that OpenAI published hold besides
    state = {
        name: tensor.half() if tensor.is_floating_point() else tensor
        for name, tensor in state.items()
    }
    state = {name: tensor for name, tensor in state.items() if "num_batches_tracked" not in name}
    save_file(state, tmp_path / "RN50.safetensors")
    bring_tokenizer(folder, tmp_path)
    again, _, preprocess = load_pretrained(
        tmp_path if where == "folder" else tmp_path / "RN50.safetensors"
    )
    assert again.config == config and preprocess == Preprocess(config.image_size)
    for name, tensor in model.state_dict().items():
        if "num_batches_tracked" not in name:
            assert torch.equal(again.state_dict()[name], tensor.half().float()), name


def bare(source: Path, folder: Path) -> Path:
    """A folder of open_clip without its settings."""
    shutil.copy(source / OPEN_CLIP_WEIGHTS, folder)
    return bring_tokenizer(source, folder)


def test_weights_of_a_papers_model_without_settings_bring_a_warning(
    exported, tmp_path, monkeypatch
):
    model, folder = exported
    short = replace(model.config.text, depth=2)
    monkeypatch.setitem(
        PAPER_MODELS, "small", (16, replace(model.config.image, image_size=224), short.width)
    )
    monkeypatch.setattr(
        CLIPConfig, "named", lambda name: replace(model.config, image=PAPER_MODELS["small"][1])
    )
    with pytest.warns(UserWarning, match="read as OpenAI's, with QuickGELU"):
        assert_same(model, load_pretrained(bare(folder, tmp_path))[0])


@pytest.mark.filterwarnings("ignore:no open_clip_config.json")
def test_heads_are_not_guessed_from_the_weights_of_an_unknown_model(tmp_path):
    # 80 wide, as in ViT-H/14
    model = small_clip(ViTConfig(32, 8, width=320, depth=1, heads=4), WIDE_TEXT)
    save_open_clip(tmp_path / "whole", model, world_tokenizer(), Preprocess(32))
    assert_same(model, load_pretrained(tmp_path / "whole")[0])
    with pytest.raises(
        UserError, match="number of attention heads .* open_clip_config.json beside them"
    ) as error:
        load_pretrained(bare(tmp_path / "whole", tmp_path))
    one_line(error.value)


TEXT_NAMES = re.compile("transformer|token_|positional|ln_final|text_projection")
PREFIXES = [
    "module.",
    "_orig_mod.",
    "model.",
    "clip.",
    "module._orig_mod.",
    "_orig_mod.module.model.",
    "state_dict.",
    "state_dict.module.clip_model.",
    "_fsdp_wrapped_module.net.",
]


@pytest.mark.parametrize("text", ["", "text."])
@pytest.mark.parametrize("prefix", PREFIXES)
def test_names_with_the_prefixes_of_training_are_understood(exported, tmp_path, prefix, text):
    model, folder = exported
    state = load_file(folder / OPEN_CLIP_WEIGHTS)
    state = {
        f"{prefix}{text if TEXT_NAMES.match(name) else ''}{name}": tensor
        for name, tensor in state.items()
    }
    again = shutil.copytree(folder, tmp_path / "again")
    save_file(state, again / OPEN_CLIP_WEIGHTS)
    assert_same(model, load_pretrained(again)[0])


@pytest.mark.parametrize("prefix", PREFIXES)
def test_the_names_of_transformers_are_understood_with_prefixes_too(hub_folder, tmp_path, prefix):
    folder = shutil.copytree(hub_folder, tmp_path / "model")
    state = {f"{prefix}{name}": tensor for name, tensor in load_file(folder / WEIGHTS).items()}
    save_file(state, folder / WEIGHTS)
    assert_same(load_pretrained(hub_folder)[0], load_pretrained(folder)[0])


def test_wrappers_inside_a_model_are_understood(exported, tmp_path):
    model, folder = exported
    state = load_file(folder / OPEN_CLIP_WEIGHTS)
    state = {
        name.replace("visual.", "visual._orig_mod.").replace(
            "resblocks.", "resblocks.module."
        ): tensor
        for name, tensor in state.items()
    }
    again = shutil.copytree(folder, tmp_path / "again")
    save_file(state, again / OPEN_CLIP_WEIGHTS)
    assert_same(model, load_pretrained(again)[0])


@pytest.mark.parametrize(
    "prefix, told", [("ema.", r"several models \(no prefix, ema.\)"), ("module.", "twice")]
)
def test_two_models_in_one_file_are_told_apart(exported, tmp_path, prefix, told):
    folder = shutil.copytree(exported[1], tmp_path / "model")
    state = load_file(folder / OPEN_CLIP_WEIGHTS)
    save_file(
        state | {f"{prefix}{name}": tensor.clone() for name, tensor in state.items()},
        folder / OPEN_CLIP_WEIGHTS,
    )
    with pytest.raises(UserError, match=told) as error:
        load(folder)
    one_line(error.value)


# -------------------- temperature, bias, hidden layers, end


@pytest.mark.parametrize("layout", ["open_clip", "transformers"])
@pytest.mark.parametrize("name", ["logit_scale", "logit_bias"])
def test_single_numbers_may_have_a_dimension(exported, hub_folder, tmp_path, layout, name):
    folder = shutil.copytree(
        exported[1] if layout == "open_clip" else hub_folder, tmp_path / "model"
    )
    file = folder / (OPEN_CLIP_WEIGHTS if layout == "open_clip" else WEIGHTS)
    save_file(load_file(file) | {name: torch.tensor([2.5])}, file)
    encoder = load(folder)
    assert (encoder.scale if name == "logit_scale" else encoder.bias) == pytest.approx(
        math.exp(2.5) if name == "logit_scale" else 2.5
    )


def open_clip_folder(folder: Path, **settings) -> tuple[torch.nn.Module, Path]:
    """A random model of open_clip's own code with such settings, and its folder as open_clip
    writes it.
    """
    torch.manual_seed(0)
    config = {
        "embed_dim": 16,
        "vision_cfg": {
            "image_size": 32,
            "patch_size": 8,
            "width": 48,
            "layers": 2,
            "head_width": 12,
        },
        "text_cfg": {
            "context_length": 32,
            "vocab_size": 4096,
            "width": 32,
            "heads": 2,
            "layers": 2,
        },
    }
    config = merged(config, settings)
    theirs = open_clip_model.CLIP(**config).eval()
    for parameter in theirs.parameters():
        if parameter.ndim == 1:
            torch.nn.init.normal_(parameter, mean=1.0, std=0.2)
    folder.mkdir()
    save_file(theirs.state_dict(), folder / OPEN_CLIP_WEIGHTS)
    (folder / "open_clip_config.json").write_text(
        json.dumps({"model_cfg": config, "preprocess_cfg": {}})
    )
    world_tokenizer().save(folder)
    return theirs, folder


@pytest.mark.parametrize(
    "settings",
    [
        {"nonscalar_logit_scale": True},
        {"init_logit_bias": -10.0, "init_logit_scale": math.log(10)},
        {"init_logit_bias": 0.0, "nonscalar_logit_scale": True},
        {"vision_cfg": {"mlp_ratio": 4.3637}},  # ViT-g/14
        {"vision_cfg": {"mlp_ratio": 4.9231}, "text_cfg": {"mlp_ratio": 3.0}},  # ViT-bigG/14
        {
            "vision_cfg": {"pool_type": "tok", "final_ln_after_pool": True},
            "text_cfg": {"pool_type": "argmax"},
        },
        {"text_cfg": {"pool_type": "eos", "eos_id": 4095}},
        {"quick_gelu": True, "vision_cfg": {"pos_embed_type": "learnable", "patch_dropout": 0.5}},
    ],
    ids=str,
)
def test_open_clips_settings_are_computed_as_open_clip_does(tmp_path, settings):
    theirs, folder = open_clip_folder(tmp_path / "model", **settings)
    encoder = load(folder)
    assert isinstance(encoder, ClipbenchEncoder)
    images, texts = torch.randn(3, 3, 32, 32), ["a cat", "two red dogs", ""]
    with torch.no_grad():
        expected, _ = theirs.get_logits(images, world_tokenizer()(texts, pad_to=32))
    found = (
        encoder.scale * encoder.encode_image(images) @ encoder.encode_text(texts).T + encoder.bias
    )
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-4)  # 1e-5 of what is scaled by 14
    model, tokenizer, preprocess = load_pretrained(folder)
    save_open_clip(tmp_path / "again", model, tokenizer, preprocess)
    assert_same(model, load_pretrained(tmp_path / "again")[0])


@pytest.mark.parametrize("towers", ["vision_config", "text_config"])
def test_hidden_layers_of_any_width_are_computed_as_transformers_does(tmp_path, towers):
    model = small_clip()
    config = CLIPConfig(
        16,
        *(
            replace(tower, mlp_width=83) if name == towers else tower
            for name, tower in (
                ("vision_config", model.config.image),
                ("text_config", model.config.text),
            )
        ),
    )
    torch.manual_seed(0)
    folder = write_small_model(tmp_path / "model", CLIP(config).eval())
    theirs = transformers.CLIPModel.from_pretrained(folder, local_files_only=True).eval()
    ours, tokenizer, _ = load_pretrained(folder)
    images, ids = torch.randn(2, 3, 32, 32), tokenizer(["a cat", "two red dogs"])
    with torch.inference_mode():
        output = theirs(pixel_values=images, input_ids=ids)
        torch.testing.assert_close(
            ours.encode_image(images), output.image_embeds, rtol=0, atol=1e-5
        )
        torch.testing.assert_close(ours.encode_text(ids), output.text_embeds, rtol=0, atol=1e-5)
    assert ours.config == config and "mlp_width" not in repr(model.config)


def test_a_large_temperature_is_used_as_the_models_own_code_does(hub_folder, exported, tmp_path):
    folders = {WEIGHTS: hub_folder, OPEN_CLIP_WEIGHTS: exported[1]}
    for name, source in folders.items():
        folder = shutil.copytree(source, tmp_path / name)
        save_file(load_file(folder / name) | {"logit_scale": torch.tensor(5.0)}, folder / name)
        with pytest.warns(
            UserWarning, match=r"a logit_scale of 5, above ln 100 .* multiplied by 148.4"
        ):
            assert load(folder).scale == pytest.approx(math.exp(5.0), rel=1e-6)


def test_a_temperature_at_its_limit_in_float16_is_no_large_one(hub_folder, tmp_path):
    folder = shutil.copytree(hub_folder, tmp_path / "model")
    limit = torch.tensor(math.log(100)).half()  # 4.6055, a little above
    save_file(load_file(folder / WEIGHTS) | {"logit_scale": limit}, folder / WEIGHTS)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load_pretrained(folder)


def test_a_bias_is_kept_there_and_back(hub_folder, tmp_path):
    model = CLIP(replace(small_clip().config, logit_bias=True)).eval()
    model.logit_bias.data.fill_(-7.25)
    folder = write_small_model(tmp_path / "hub", model)
    again, tokenizer, preprocess = load_pretrained(folder)
    assert_same(model, again)
    save_open_clip(tmp_path / "open_clip", again, tokenizer, preprocess)
    assert load(tmp_path / "open_clip").bias == load(folder).bias == -7.25
    assert load(hub_folder).bias == 0.0


def test_words_behind_the_end_of_text_are_read_as_transformers_reads_them(hub_folder, tmp_path):
    """Textual inversion and others add words to a vocabulary: their ids are larger than that of
    the end.
    """
    theirs = transformers.CLIPModel.from_pretrained(hub_folder, local_files_only=True).eval()
    tokenizer = transformers.CLIPTokenizerFast.from_pretrained(hub_folder, local_files_only=True)
    tokenizer.add_tokens(["<my-cat>", "<my-dog>"])
    theirs.text_model.resize_token_embeddings(4098)
    theirs.config.text_config.vocab_size = 4098
    theirs.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    shutil.copy(hub_folder / "preprocessor_config.json", tmp_path)
    texts = ["a photo of <my-cat> and a dog", "<my-dog>", "a cat"]
    encoder, row = load(tmp_path), tokenizer(texts, padding=True, return_tensors="pt")
    assert encoder.tokenizer([texts[0]])[0].tolist() == tokenizer(texts[0])["input_ids"]
    with torch.inference_mode():
        expected = theirs(pixel_values=torch.zeros(1, 3, 32, 32), **row).text_embeds
    torch.testing.assert_close(encoder.encode_text(texts), expected, rtol=0, atol=1e-5)


def test_a_folder_with_both_layouts_is_read_as_transformers(exported, hub_folder, tmp_path):
    folder = shutil.copytree(hub_folder, tmp_path / "both")
    for name in (OPEN_CLIP_WEIGHTS, "open_clip_config.json"):
        shutil.copy(exported[1] / name, folder)
    assert_same(load_pretrained(hub_folder)[0], load_pretrained(folder)[0])


def test_gelu_and_quick_gelu_are_told_apart(tmp_path):
    for activation in ("gelu", "quick_gelu"):
        model = small_clip(
            replace(WIDE_VIT, activation=activation), replace(WIDE_TEXT, activation=activation)
        )
        save_open_clip(tmp_path / activation, model, world_tokenizer(), Preprocess(32))
        assert_same(model, load_pretrained(tmp_path / activation)[0])


@pytest.mark.parametrize(
    "image, text, told",
    [
        (CONVNET, TRANSFORMER, "no CLIP of ConvNetConfig"),
        (RESNET, BAG_OF_WORDS, "and BagOfWordsConfig"),
        (ViTConfig(32, 8, 32, 2, 2, "gelu"), TRANSFORMER, "one activation for both towers"),
    ],
)
def test_what_open_clip_does_not_have_is_not_written_for_it(tmp_path, image, text, told):
    with pytest.raises(UserError, match=told):
        save_open_clip(
            tmp_path / "model", small_clip(image, text), world_tokenizer(), Preprocess(32)
        )
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize(
    "change, told",
    [
        ({"model_cfg": 3}, "open_clip_config.json"),
        ({"model_cfg": {"vision_cfg": {"timm_model_name": "vit"}}}, "open_clip cannot open .*timm"),
        ({"model_cfg": {"text_cfg": {"hf_model_name": "roberta"}}}, "open_clip cannot open"),
        ({"preprocess_cfg": {"resize_mode": "longest"}}, "resize_mode longest"),
        ({"preprocess_cfg": {"mean": 3}}, "three numbers"),
    ],
    ids=str,
)
def test_open_clip_settings_that_our_clip_does_not_have_are_refused(
    exported, tmp_path, change, told
):
    folder = shutil.copytree(exported[1], tmp_path / "model")
    file = folder / "open_clip_config.json"
    file.write_text(json.dumps(merged(json.loads(file.read_text()), change)))
    with pytest.raises(UserError, match=told) as error:
        load(folder)
    one_line(error.value)


def merged(data: dict, change: dict) -> dict:
    """``data`` with the entries of ``change`` put into it at every depth."""
    both = {
        name: merged(data[name], value)
        for name, value in change.items()
        if isinstance(value, dict) and isinstance(data.get(name), dict)
    }
    return data | change | both


@pytest.mark.parametrize(
    "name, settings",
    [
        ("visual.proj", True),
        ("visual.proj", False),
        ("visual.attnpool.c_proj.bias", True),
        ("text_projection", False),
        ("ln_final.bias", True),
        ("token_embedding.weight", False),
        ("transformer.resblocks.1.attn.in_proj_weight", True),
    ],
)
@pytest.mark.filterwarnings("ignore:no open_clip_config.json")
def test_a_missing_weight_is_named_as_the_file_calls_it(exported, tmp_path, name, settings):
    folder = shutil.copytree(exported[1], tmp_path / "model")
    state = load_file(folder / OPEN_CLIP_WEIGHTS)
    if state.pop(name, None) is None:
        return  # the other kind of image encoder
    save_file(state, folder / OPEN_CLIP_WEIGHTS)
    if not settings:
        (folder / "open_clip_config.json").unlink()
        # as OpenAI's have
        state = load_file(folder / OPEN_CLIP_WEIGHTS) | {"input_resolution": torch.tensor(32)}
        save_file(state, folder / OPEN_CLIP_WEIGHTS)
    with pytest.raises(UserError) as error:
        load(folder)
    # without it, it looks like a ResNet
    told = "positional_embedding" if name == "visual.proj" else name
    assert "missing" in one_line(error.value) and (
        told in str(error.value) or name == "visual.proj"
    )


def test_a_weight_that_is_not_finite_is_named(exported, tmp_path):
    folder = shutil.copytree(exported[1], tmp_path / "model")
    state = load_file(folder / OPEN_CLIP_WEIGHTS)
    state["text_projection"][1, 2] = float("nan")
    save_file(state, folder / OPEN_CLIP_WEIGHTS)
    with pytest.raises(UserError, match="text_projection holds values that are not finite"):
        load(folder)


def test_without_a_tokenizer_it_is_said_where_to_get_one(exported, tmp_path):
    folder = shutil.copytree(exported[1], tmp_path / "model")
    for name in TOKENIZER_FILES:
        (folder / name).unlink()
    with pytest.raises(
        UserError, match=r"no tokenizer: .*vocab.json and merges.txt of openai/clip-vit-base"
    ) as error:
        load(folder)
    one_line(error.value)


@pytest.mark.parametrize("name", ["ViT-B-32.pt", "open_clip_pytorch_model.bin"])
def test_a_pickle_is_refused_with_the_way_to_convert_it(tmp_path, name):
    (tmp_path / name).write_bytes(b"\x80\x04N.")
    (tmp_path / "config.json").write_text("{}")
    for place in (tmp_path, tmp_path / name):
        with pytest.raises(
            UserError, match=r"is a pickle, .*safetensors.torch.save_file\(torch.load"
        ) as error:
            load(place)
        one_line(error.value)


# -------------------- the whole classroom


def test_transformers_pipeline_gives_the_probabilities_that_ours_gives():
    from clipbench.data.open import open_pictures
    from clipbench.evaluate.zero_shot import class_probabilities, zero_shot_weights
    from clipbench.pretrained.folders import CHECKPOINTS

    encoder, folder = load("classroom"), str(CHECKPOINTS / "classroom")
    pipeline = transformers.pipeline(
        "zero-shot-image-classification", model=folder, dtype=torch.float32
    )
    pictures = open_pictures("scenes:heldout").pictures(range(8))
    names = ["cat", "dog", "red apple", "a house with a garden", "sun", "Hund"]
    weights = zero_shot_weights(encoder, names, ["a photo of a {}."])
    _, ours = class_probabilities(
        encoder.encode_image(encoder.preprocess(pictures)), weights, encoder.scale
    )
    for picture, row in zip(pictures, ours, strict=True):
        answers = pipeline(picture, candidate_labels=names, hypothesis_template="a photo of a {}.")
        theirs = {answer["label"]: answer["score"] for answer in answers}
        torch.testing.assert_close(
            torch.tensor([theirs[name] for name in names]), row, rtol=0, atol=1e-4
        )


def test_the_classroom_folder_holds_the_files_of_both_generations_of_transformers():
    from clipbench.pretrained.folders import CHECKPOINTS

    folder = CHECKPOINTS / "classroom"
    config, processor, tokenizer = (
        json.loads((folder / name).read_text())
        for name in ("config.json", "preprocessor_config.json", "tokenizer_config.json")
    )
    assert config["architectures"] == ["CLIPModel"] and config["model_type"] == "clip"
    # version 4 finds the classes by these names; version 5 reads the same files
    assert (processor["image_processor_type"], processor["processor_class"]) == (
        "CLIPImageProcessor",
        "CLIPProcessor",
    )
    assert tokenizer["tokenizer_class"] == "CLIPTokenizer" and tokenizer["model_max_length"] == 32
    opened = transformers.CLIPProcessor.from_pretrained(folder, local_files_only=True)
    assert opened.tokenizer.model_max_length == 32


def test_an_adapter_is_no_model(tmp_path):
    name = "text_model.encoder.layers.0.self_attn.q_proj.lora_A.weight"
    save_file({name: torch.zeros(2, 4)}, tmp_path / "adapter.safetensors")
    with pytest.raises(UserError, match="LoRA adapter.*merge it"):
        load_pretrained(tmp_path / "adapter.safetensors")


def test_a_scale_in_brackets_is_a_number(hub_folder, tmp_path):
    folder = shutil.copytree(hub_folder, tmp_path / "model")
    state = load_file(folder / WEIGHTS)
    save_file(state | {"logit_scale": state["logit_scale"].reshape(1, 1)}, folder / WEIGHTS)
    assert_same(load_pretrained(hub_folder)[0], load_pretrained(folder)[0])


def test_what_lies_beside_weights_is_not_taken_for_them(hub_folder, tmp_path):
    folder = shutil.copytree(hub_folder, tmp_path / "model")
    (folder / WEIGHTS).rename(folder / "familiarity.safetensors")
    (folder / "pytorch_model.bin").write_bytes(b"PK")
    with pytest.raises(UserError, match="pytorch_model.bin is a pickle"):
        load_pretrained(folder)
