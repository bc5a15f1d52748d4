"""Pictures become the numbers that transformers' CLIPImageProcessor makes of them, whatever they
are.

Where ours differs, on purpose: a picture that a camera held sideways is turned upright, and 16 bits
are scaled to 8, where Pillow's own conversion cuts everything above 255 off. Transparency is laid
on white, as transformers 5 does (version 4 shows the hidden colours).
"""

import json
from collections.abc import Callable

import numpy as np
import pytest
import torch
import transformers
from PIL import Image, ImageOps
from small import noise_picture, one_line

from clipbench import UserError
from clipbench.preprocess import Preprocess
from clipbench.pretrained.configs import from_hub_preprocessor, hub_preprocessor
from clipbench.pretrained.folders import read_preprocess

# v5 needs torchvision for the class without "Pil" in its name
PROCESSOR = getattr(transformers, "CLIPImageProcessorPil", None) or transformers.CLIPImageProcessor
# float32 rounding of numbers up to 2.7; one step of 8 bits would be 0.014
EXACT = {"rtol": 0, "atol": 1e-6}
SQUARE = {"height": 32, "width": 32}
SIZES = [
    (32, 32),
    (33, 32),
    (32, 33),
    (31, 32),
    (63, 65),
    (64, 48),
    (47, 301),
    (301, 47),
    (20, 31),
    (5, 7),
    (1000, 33),
    (1, 1),
    (1, 50),
    (50, 1),
    (2, 3000),
    (3000, 1),
]


def theirs(picture: Image.Image, **settings) -> torch.Tensor:
    """(1, 3, 32, 32) from transformers."""
    processor = PROCESSOR(**({"size": {"shortest_edge": 32}, "crop_size": SQUARE} | settings))
    return torch.as_tensor(np.asarray(processor(picture, return_tensors="np")["pixel_values"]))


def picture_in(mode: str) -> Image.Image:
    picture = noise_picture(47, 61)
    if mode == "PA":
        return picture.convert("P").convert("PA")
    return picture.convert("L" if mode == "F" else "RGB").convert(mode)


def at(case) -> Callable[[str], str]:
    """For a failure's message: of which case it is."""
    return lambda message: f"{case}: {message}"


def test_every_shape_of_picture_gives_the_same_numbers():
    for size in SIZES:
        picture = noise_picture(*size)
        torch.testing.assert_close(
            Preprocess(32)([picture]), theirs(picture), **EXACT, msg=at(size)
        )


def test_every_mode_gives_the_same_numbers():
    for mode in ("1", "L", "P", "LA", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "HSV", "F"):
        torch.testing.assert_close(
            Preprocess(32)([picture_in(mode)]), theirs(picture_in(mode)), **EXACT, msg=at(mode)
        )


def test_a_palette_with_a_transparent_colour_is_as_if_laid_on_white_before():
    picture = noise_picture(40, 50).quantize(16)
    picture.info["transparency"] = 3
    white = Image.new("RGBA", picture.size, "white")
    opaque = Image.alpha_composite(white, picture.convert("RGBA")).convert("RGB")
    torch.testing.assert_close(Preprocess(32)([picture]), theirs(opaque), **EXACT)


def test_half_transparent_pictures_are_as_if_laid_on_white_before():
    picture = noise_picture(40, 50).convert("RGBA")
    picture.putalpha(noise_picture(40, 50, seed=1).convert("L"))
    white = Image.new("RGBA", picture.size, "white")
    opaque = Image.alpha_composite(white, picture).convert("RGB")
    torch.testing.assert_close(Preprocess(32)([picture]), theirs(opaque), **EXACT)


def test_sixteen_bits_are_as_if_scaled_to_eight_before():
    deep = np.random.default_rng(0).integers(0, 65536, (40, 50))
    shallow = Image.fromarray((deep / 65535 * 255).astype(np.uint8))
    for picture in (
        Image.fromarray(deep.astype(np.uint16)),
        Image.fromarray(deep.astype(np.int32)),
    ):
        ours = Preprocess(32)([picture])
        # two roundings to 8 bits
        torch.testing.assert_close(ours, theirs(shallow), rtol=0, atol=0.03)
        assert (ours - theirs(picture)).abs().mean() > 0.5, "theirs is nearly all white"


def test_a_picture_held_sideways_is_as_if_turned_before():
    picture = noise_picture(40, 50)
    picture.getexif()[0x0112] = 6
    torch.testing.assert_close(
        Preprocess(32)([picture]), theirs(ImageOps.exif_transpose(picture)), **EXACT
    )
    assert (Preprocess(32)([picture]) - theirs(picture)).abs().max() > 1


# -------------------- other settings


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"size": {"shortest_edge": 40}},  # resized to more than is cut out
        {"size": {"shortest_edge": 28}},  # and to less: a black border
        {"size": SQUARE, "do_center_crop": False},  # SigLIP: squashed
        {"resample": 2},
        {"image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.4, 0.3]},
    ],
    ids=str,
)
def test_a_processors_settings_are_read_and_followed(settings):
    data = json.loads(
        PROCESSOR(
            **({"size": {"shortest_edge": 32}, "crop_size": SQUARE} | settings)
        ).to_json_string()
    )
    preprocess = from_hub_preprocessor(data, 32)
    for size in ((47, 61), (61, 40), (32, 32)):
        picture = noise_picture(*size)
        torch.testing.assert_close(
            preprocess([picture]), theirs(picture, **settings), **EXACT, msg=at(size)
        )
    assert from_hub_preprocessor(hub_preprocessor(preprocess), 32) == preprocess, (
        "and written again"
    )


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"size": 32, "crop_size": 32},  # as files of 2022 have it
        {
            "size": {"shortest_edge": 32},
            "crop_size": 32,
            "feature_extractor_type": "CLIPFeatureExtractor",
        },
        {"size": {"shortest_edge": 32}, "do_center_crop": True},
        {"size": SQUARE},
    ],
    ids=str,
)
def test_sizes_are_understood_in_every_spelling(data):
    preprocess = from_hub_preprocessor(data, 32)
    assert (preprocess.size, preprocess.shorter_side, preprocess.interpolation) == (
        32,
        None,
        "bicubic",
    )


@pytest.mark.parametrize(
    "data, told",
    [
        ({"do_resize": False}, "do_resize is off"),
        ({"do_normalize": False}, "do_normalize is off"),
        ({"do_rescale": False}, "do_rescale is off"),
        ({"rescale_factor": 1 / 127.5}, "rescale_factor is"),
        ({"resample": 0}, "resample is 0"),
        (
            {"size": {"shortest_edge": 32}, "crop_size": {"height": 32, "width": 24}},
            "not the size of a square",
        ),
        (
            {"size": 224, "crop_size": 224},
            "pictures become 224 pixels wide, and the model reads 32",
        ),
        ({"size": "big"}, "not the size of a square"),
        ({"size": {"shortest_edge": 32}, "do_center_crop": False}, "would not become squares"),
        ({"rescale_factor": "half"}, "does not fit this CLIP"),
    ],
    ids=str,
)
def test_what_is_not_known_is_refused_in_one_line(tmp_path, data, told):
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(data))
    with pytest.raises(UserError, match=told) as error:
        read_preprocess(tmp_path, 32)
    one_line(error.value)
