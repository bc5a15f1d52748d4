"""Model folders are what transformers reads: same features, same token ids, same pixels,
without a network.
"""

import json

import numpy as np
import pytest
import torch
from small import BAG_OF_WORDS, CONVNET, noise_picture, small_clip, write_small_model

from clipbench.model import ViTConfig
from clipbench.pretrained.folders import load_pretrained, save_pretrained

transformers = pytest.importorskip("transformers", reason="transformers is not installed")

TEXTS = [
    "a photo of a cat", "A CAT!", "two  red\ncars", "img 2024", "", "it's the dog's",
    "cafe\u0301 ñandú", "Кошка", "猫在家", "zwei Äpfel, grün", "😀 ok", "a-b_c/d", "🏳️‍🌈", "ΑΣ",
    "x" * 20, "don't we'll I'd", "¿qué?", "½ + ² = 3", "日本 123 abc",
]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    torch.manual_seed(0)
    model = small_clip()
    # also gains and biases, so that none can be mistaken for another
    for parameter in model.parameters():
        if parameter.ndim == 1:
            torch.nn.init.normal_(parameter, mean=1.0, std=0.2)
    return write_small_model(tmp_path_factory.mktemp("hub") / "model", model)


@pytest.fixture(scope="module")
def theirs(folder):
    return transformers.CLIPModel.from_pretrained(folder, local_files_only=True).eval()


@pytest.mark.parametrize("length", [None, 32], ids=["padded to the batch", "padded to the context"])
def test_features_equal_those_of_transformers(folder, theirs, length):
    ours, tokenizer, _ = load_pretrained(folder)
    images = torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    token_ids = tokenizer(TEXTS[:4], pad_to=length)
    with torch.inference_mode():
        output = theirs(pixel_values=images, input_ids=token_ids)
        image_features, text_features, scale = ours(images, token_ids)
    # 1e-5 of vectors of length one: float32 rounding through two blocks
    torch.testing.assert_close(image_features, output.image_embeds, rtol=0, atol=1e-5)
    torch.testing.assert_close(text_features, output.text_embeds, rtol=0, atol=1e-5)
    logits = scale * image_features @ text_features.T
    torch.testing.assert_close(logits, output.logits_per_image, rtol=0, atol=1e-3)  # scaled by 14


def test_gelu_is_written_so_that_transformers_uses_it_too(tmp_path):
    model = small_clip(ViTConfig(32, 8, 32, 2, 2, activation="gelu"))
    theirs = transformers.CLIPModel.from_pretrained(
        write_small_model(tmp_path / "m", model), local_files_only=True
    )
    images = torch.randn(2, 3, 32, 32)
    with torch.inference_mode():
        output = theirs.eval()(pixel_values=images, input_ids=torch.tensor([[4094, 5, 4095]] * 2))
        torch.testing.assert_close(
            model.encode_image(images), output.image_embeds, rtol=0, atol=1e-5
        )


def test_no_weight_is_missing_or_left_over_for_transformers(folder):
    _, report = transformers.CLIPModel.from_pretrained(
        folder, local_files_only=True, output_loading_info=True
    )
    assert not any(report[kind] for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"))


def test_a_model_that_transformers_wrote_can_be_read(theirs, folder, tmp_path):
    theirs.save_pretrained(tmp_path)
    for name in ("vocab.json", "merges.txt", "preprocessor_config.json"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    again, _, _ = load_pretrained(tmp_path)
    ours, _, _ = load_pretrained(folder)
    assert again.config == ours.config
    assert all(
        torch.equal(again.state_dict()[name], weight) for name, weight in ours.state_dict().items()
    )


def test_token_ids_equal_those_of_transformers(folder):
    theirs = transformers.CLIPTokenizerFast.from_pretrained(folder, local_files_only=True)
    _, ours, _ = load_pretrained(folder)
    for text in TEXTS:
        assert ours([text])[0].tolist() == theirs(text)["input_ids"], text


def test_transformers_cuts_long_texts_at_the_same_place(folder):
    theirs = transformers.CLIPTokenizerFast.from_pretrained(folder, local_files_only=True)
    _, ours, _ = load_pretrained(folder)
    long = "a photo of a very small cat " * 10
    with pytest.warns(UserWarning, match="too long"):
        assert ours([long])[0].tolist() == theirs(long, truncation=True)["input_ids"]


def test_the_processor_that_is_written_gives_our_pixels(folder):
    # v5 needs torchvision for the class without "Pil" in its name
    kind = getattr(transformers, "CLIPImageProcessorPil", None) or transformers.CLIPImageProcessor
    theirs = kind.from_pretrained(folder, local_files_only=True)
    _, _, ours = load_pretrained(folder)
    picture = noise_picture(47, 61)
    expected = torch.as_tensor(np.asarray(theirs(picture, return_tensors="np")["pixel_values"]))
    # tests/test_preprocess_parity.py
    torch.testing.assert_close(ours([picture]), expected, rtol=0, atol=1e-6)


def test_other_towers_are_written_in_our_own_layout(tmp_path):
    folder = write_small_model(tmp_path / "model", small_clip(CONVNET, BAG_OF_WORDS))
    assert list(json.loads((folder / "config.json").read_text())) == ["clipbench", "torch_dtype"]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_transformers_reads_half_precision_too(folder, tmp_path, dtype):
    model, tokenizer, preprocess = load_pretrained(folder)
    save_pretrained(tmp_path / "half", model, tokenizer, preprocess, dtype=dtype)
    theirs = transformers.CLIPModel.from_pretrained(
        tmp_path / "half", local_files_only=True
    ).float()
    ours, _, _ = load_pretrained(tmp_path / "half")
    assert torch.equal(theirs.visual_projection.weight, ours.image_projection.weight)
