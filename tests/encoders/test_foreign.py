"""Models of other libraries give, behind the contract, the numbers that their library gives."""

import json
import sys

import pytest
import torch
import torch.nn.functional as F
from open_clip_reference import SimpleTokenizer, open_clip
from small import VIT, noise_picture, one_line, small_clip, small_encoder, write_small_model
from transformers import AutoTokenizer, CLIPModel, SiglipConfig, SiglipModel

from clipbench import ClipbenchEncoder, Encoder, UserError, load
from clipbench.encoders.foreign import OpenClipEncoder, TransformersEncoder, pooled
from clipbench.preprocess import Preprocess
from clipbench.pretrained.folders import ForeignModel, load_pretrained, world_tokenizer

TEXTS = ["a photo of a cat", "two dogs"]
PICTURES = [noise_picture(40, 30), noise_picture(30, 50, seed=1)]


def agrees(found, expected) -> bool:
    return torch.allclose(found, expected, atol=1e-6, rtol=0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_small_model(tmp_path_factory.mktemp("clip") / "model")


def test_transformers_clip_gives_the_features_of_ours(folder):
    model, tokenizer = CLIPModel.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    theirs, ours = TransformersEncoder(model, tokenizer, Preprocess(VIT.image_size)), load(folder)
    assert isinstance(theirs, Encoder)
    images = ours.preprocess(PICTURES)
    assert torch.equal(images, theirs.preprocess(PICTURES))
    assert agrees(theirs.encode_image(images), ours.encode_image(images))
    assert torch.allclose(theirs.image_tower(images), ours.image_tower(images), atol=1e-5)
    assert agrees(theirs.encode_text(TEXTS), ours.encode_text(TEXTS))
    assert theirs.scale == pytest.approx(ours.scale) and theirs.bias == 0.0
    assert (theirs.embed_dim, theirs.image_size, theirs.context_length) == (16, 32, 32)
    assert len(theirs.fingerprint) == 16


def test_both_return_types_of_transformers_are_read():
    class Output:
        pooler_output = torch.ones(1, 2)

    assert pooled(Output()) is Output.pooler_output
    assert pooled(Output.pooler_output) is Output.pooler_output


def test_a_model_for_another_library_names_it_where_it_cannot_be_trained(siglip_folder):
    with pytest.raises(ForeignModel, match="is a SigLIP; clipbench.load opens it through transf"):
        load_pretrained(siglip_folder)


def test_an_absent_package_is_named_with_the_command_that_gets_it(siglip_folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(
        UserError, match=r"needs transformers: pip install 'clipbench\[hf\]'"
    ) as error:
        load(siglip_folder)
    one_line(error.value)


@pytest.fixture
def siglip_folder(folder, tmp_path):
    """A small SigLIP of random weights; its tokenizer is the emoji world's, as sentencepiece is
    not installed here.
    """
    torch.manual_seed(0)
    layers = {
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "hidden_size": 32,
        "intermediate_size": 64,
    }
    text = {**layers, "vocab_size": 4096, "max_position_embeddings": 16}
    model = SiglipModel(
        SiglipConfig(text_config=text, vision_config={**layers, "image_size": 32, "patch_size": 8})
    )
    model.logit_scale.data.fill_(2.0)
    model.logit_bias.data.fill_(-10.0)
    model.save_pretrained(tmp_path)
    AutoTokenizer.from_pretrained(folder).save_pretrained(tmp_path)
    settings = {
        "size": {"height": 32, "width": 32},
        "image_mean": [0.5] * 3,
        "image_std": [0.5] * 3,
    }
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(settings))
    return tmp_path


def test_a_siglip_folder_loads_and_agrees_with_transformers(siglip_folder):
    encoder, model = load(siglip_folder), SiglipModel.from_pretrained(siglip_folder).eval()
    assert isinstance(encoder, TransformersEncoder) and isinstance(encoder, Encoder)
    images = encoder.preprocess(PICTURES)
    ids = encoder.tokenizer(TEXTS, padding="max_length", max_length=16, return_tensors="pt")[
        "input_ids"
    ]
    with torch.no_grad():
        output = model(input_ids=ids, pixel_values=images)
    assert agrees(encoder.encode_image(images), output.image_embeds)
    assert agrees(encoder.encode_text(TEXTS), output.text_embeds)
    logits = (
        encoder.scale * encoder.encode_image(images) @ encoder.encode_text(TEXTS).T + encoder.bias
    )
    assert torch.allclose(logits, output.logits_per_image, atol=1e-4)
    assert agrees(F.normalize(encoder.image_tower(images), dim=-1), output.image_embeds)
    assert encoder.embed_dim == 32


def test_a_siglip_folder_with_the_settings_file_of_transformers_5_opens(siglip_folder):
    expected = load(siglip_folder).preprocess(PICTURES)
    file = siglip_folder / "preprocessor_config.json"
    together = {
        "image_processor": json.loads(file.read_text()),
        "processor_class": "SiglipProcessor",
    }
    (siglip_folder / "processor_config.json").write_text(json.dumps(together))
    file.unlink()
    assert torch.equal(load(siglip_folder).preprocess(PICTURES), expected)


def test_a_siglip_folder_without_weights_is_refused_in_one_line(siglip_folder):
    (siglip_folder / "model.safetensors").unlink()
    with pytest.raises(UserError, match="has no model.safetensors") as error:
        load(siglip_folder)
    one_line(error.value)


def open_clip_encoder() -> OpenClipEncoder:
    torch.manual_seed(0)
    vision = {"layers": 1, "width": 32, "head_width": 16, "patch_size": 8, "image_size": 32}
    text = {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1}
    transform = Preprocess(32)
    return OpenClipEncoder(
        open_clip.CLIP(16, vision, text), SimpleTokenizer(), lambda one: transform([one])[0]
    )


def test_an_open_clip_model_gives_open_clips_numbers():
    encoder = open_clip_encoder()
    images = encoder.preprocess(PICTURES)
    with torch.no_grad():
        expected = encoder.model.encode_image(images, normalize=True)
        words = encoder.model.encode_text(encoder.tokenizer(TEXTS), normalize=True)
        before = encoder.image_tower(images) @ encoder.model.visual.proj
    assert isinstance(encoder, Encoder) and encoder.embed_dim == 16
    assert agrees(encoder.encode_image(images), expected) and agrees(
        encoder.encode_text(TEXTS), words
    )
    assert agrees(F.normalize(before, dim=-1), expected)
    assert encoder.tokens("a photo") == ["a", "photo"]


def test_lower_precision_is_close_and_has_a_fingerprint_of_its_own():
    full = small_encoder()
    low = ClipbenchEncoder(
        small_clip(), world_tokenizer(), Preprocess(VIT.image_size), "small", precision="bf16"
    )
    images = full.preprocess(PICTURES)
    for encode in ("encode_image", "encode_text"):
        asked = images if encode == "encode_image" else TEXTS
        found, expected = getattr(low, encode)(asked), getattr(full, encode)(asked)
        assert found.dtype == torch.float32 and (found * expected).sum(1).min() > 0.999
    assert low.scale == full.scale and low.fingerprint != full.fingerprint


def test_an_unknown_precision_is_refused():
    with pytest.raises(ValueError, match="no precision 'int3'; choose from auto, fp32, bf16, fp16"):
        ClipbenchEncoder(
            small_clip(), world_tokenizer(), Preprocess(VIT.image_size), precision="int3"
        )
