"""Facts about pictures as they arrive: odd modes, rotation, extreme shapes, damaged and hostile
files.
"""

import io
import struct
import warnings
import zlib

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from small import noise_picture, one_line

from clipbench import UserError, open_picture
from clipbench.errors import Notice
from clipbench.preprocess import (
    CLIP_MEAN,
    CLIP_STD,
    FORMATS,
    MAX_PIXELS,
    PICTURE_SUFFIXES,
    Preprocess,
    as_pictures,
    tell_range,
    to_rgb,
    to_uint8,
)

RED, GREEN, WHITE = (255, 0, 0), (0, 255, 0), (255, 255, 255)


def file_of(picture: Image.Image, tmp_path, name: str, **options):
    picture.save(tmp_path / name, **options)
    return tmp_path / name


# -------------------- resize and crop


def reference(picture: Image.Image, size: int) -> np.ndarray:
    """Radford et al.'s pipeline in plain Pillow and numpy: shorter side to size, centre crop,
    normalise.
    """
    width, height = picture.size
    short = min(width, height)
    picture = picture.resize(
        (width * size // short, height * size // short), Image.Resampling.BICUBIC
    )
    left, top = (picture.width - size) // 2, (picture.height - size) // 2
    pixels = np.asarray(picture.crop((left, top, left + size, top + size)), dtype=np.float64) / 255
    return ((pixels - CLIP_MEAN) / CLIP_STD).transpose(2, 0, 1)


def test_pixels_equal_a_reference_in_pillow_and_numpy():
    for size in ((32, 32), (61, 203), (7, 5)):  # more in test_preprocess_parity.py
        ours = Preprocess(32)([noise_picture(*size)])[0]
        assert ours.dtype == torch.float32
        # 1e-5: float32 rounding of numbers up to 2.7
        np.testing.assert_allclose(
            ours.numpy(), reference(noise_picture(*size), 32), rtol=0, atol=1e-5
        )


@given(st.integers(1, 90), st.integers(1, 90), st.sampled_from([1, 2, 17, 32]))
def test_any_shape_of_picture_becomes_a_square(width, height, size):
    assert to_uint8(Image.new("RGB", (width, height)), size).shape == (3, size, size)


@pytest.mark.parametrize("size", [(1, 2000), (2000, 1), (3000, 10), (1, 1)])
def test_extreme_shapes_keep_their_colour(size):
    assert (
        to_uint8(Image.new("RGB", size, RED), 16).flatten(1) == torch.tensor(RED)[:, None]
    ).all()


def test_the_centre_is_kept():
    picture = Image.new("RGB", (90, 30), RED)
    picture.paste(GREEN, (30, 0, 60, 30))
    assert (to_uint8(picture, 30).flatten(1) == torch.tensor(GREEN)[:, None]).all()


def test_a_picture_of_the_right_size_is_not_touched():
    picture = noise_picture(32, 32)
    assert np.array_equal(to_uint8(picture, 32).permute(1, 2, 0).numpy(), np.asarray(picture))


def test_no_pictures_give_an_empty_batch():
    assert Preprocess(32)([]).shape == (0, 3, 32, 32)


def test_normalising_takes_the_mean_to_0_and_one_deviation_to_1():
    preprocess = Preprocess(2, mean=(0.2, 0.4, 0.6), std=(0.1, 0.2, 0.4))
    images = torch.tensor([51, 102, 153], dtype=torch.uint8)[None, :, None, None].expand(1, 3, 2, 2)
    torch.testing.assert_close(preprocess.normalise(images), torch.zeros(1, 3, 2, 2))
    torch.testing.assert_close(
        preprocess.normalise(torch.full((1, 3, 1, 1), 255, dtype=torch.uint8)).flatten(),
        torch.tensor([8.0, 3.0, 1.0]),
    )


# -------------------- odd modes


def test_every_mode_becomes_rgb():
    for mode in ("1", "L", "P", "LA", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "HSV", "LAB", "I", "F"):
        white = (
            Image.new("RGB", (9, 7), WHITE)
            .convert("L" if mode in ("1", "I", "F") else "RGB")
            .convert(mode)
        )
        picture = to_rgb(white)
        assert picture.mode == "RGB" and picture.size == (9, 7), mode
        # LAB and CMYK lose a little
        assert np.asarray(picture).min() >= 250, f"white stays white in {mode}"


def test_sixteen_bits_are_scaled_down():
    values = np.linspace(0, 65535, 32 * 4).reshape(4, 32).astype(np.uint16)
    gray = np.asarray(to_rgb(Image.fromarray(values)))[..., 0]
    assert gray.min() == 0 and gray.max() == 255
    assert np.abs(gray.astype(float) - values / 257).max() <= 1  # eight bits of rounding down


def test_sixteen_bit_files_are_read(tmp_path):
    values = np.full((8, 8), 32768, dtype=np.uint16)
    picture = open_picture(file_of(Image.fromarray(values), tmp_path, "deep.png"))
    assert abs(int(np.asarray(picture)[0, 0, 0]) - 128) <= 1


def test_transparency_is_laid_on_white():
    for picture in (Image.new("RGBA", (4, 4), (*RED, 0)), Image.new("LA", (4, 4), (0, 0))):
        assert (np.asarray(to_rgb(picture)) == 255).all()
    half = np.asarray(to_rgb(Image.new("RGBA", (4, 4), (0, 0, 0, 128))))
    assert (np.abs(half.astype(int) - 127) <= 1).all()


def test_a_transparent_palette_colour_is_laid_on_white(tmp_path):
    picture = Image.new("P", (4, 4), 0)
    picture.putpalette([255, 0, 0, 0, 255, 0] + [0] * 762)
    path = file_of(picture, tmp_path, "transparent.gif", transparency=0)
    assert (np.asarray(open_picture(path)) == 255).all()


def test_an_animation_is_read_as_its_first_picture(tmp_path):
    frames = [Image.new("RGB", (8, 8), colour) for colour in (RED, GREEN)]
    path = file_of(frames[0], tmp_path, "two.gif", save_all=True, append_images=frames[1:])
    assert open_picture(path).getpixel((4, 4)) == RED


@pytest.mark.parametrize(
    "orientation, corner", [(1, (0, 0)), (3, (9, 5)), (6, (5, 0)), (8, (0, 9))]
)
def test_a_camera_held_sideways_is_corrected(tmp_path, orientation, corner):
    picture = Image.new("RGB", (10, 6), WHITE)
    picture.putpixel((0, 0), (0, 0, 0))
    exif = Image.Exif()
    exif[0x0112] = orientation
    opened = open_picture(file_of(picture, tmp_path, "camera.png", exif=exif))
    assert opened.size == ((10, 6) if orientation < 5 else (6, 10))
    assert opened.getpixel(corner) == (0, 0, 0)


# -------------------- files and bytes


@pytest.mark.parametrize("ending", ["jpg", "png", "webp", "gif", "bmp", "tiff"])
def test_the_usual_formats_are_read_from_files_and_from_bytes(tmp_path, ending):
    path = file_of(Image.new("RGB", (20, 10), GREEN), tmp_path, f"picture.{ending}")
    from_file, from_bytes = open_picture(path), open_picture(path.read_bytes())
    assert from_file.size == (20, 10) and np.array_equal(from_file, from_bytes)
    assert np.abs(np.asarray(from_file).astype(int) - GREEN).max() <= 3  # JPEG and WebP are lossy


def test_a_wrong_ending_does_not_matter(tmp_path):
    path = tmp_path / "picture.jpg"
    Image.new("RGB", (4, 4), RED).save(path, format="PNG")
    assert open_picture(path).getpixel((0, 0)) == RED


def test_a_picture_of_more_than_25_megapixels_is_refused_before_it_is_decoded(tmp_path):
    path = file_of(Image.new("1", (6000, 6000)), tmp_path, "bomb.png")
    assert path.stat().st_size < 10_000
    with pytest.raises(
        UserError, match=r"\(6000 x 6000\) has too many pixels; make it smaller than 25"
    ) as error:
        open_picture(path)
    one_line(error.value)


def test_a_header_that_claims_a_huge_picture_is_refused():
    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0))
    bomb = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    with pytest.raises(UserError, match="too many pixels") as error:
        open_picture(bomb)
    one_line(error.value)


def test_refusing_a_large_picture_warns_of_nothing_else(tmp_path):
    # here Pillow itself would warn
    path = file_of(Image.new("1", (10_000, 10_000)), tmp_path, "bomb.png")
    with warnings.catch_warnings(), pytest.raises(UserError, match="too many pixels"):
        warnings.simplefilter("error")
        open_picture(path)


def test_a_jpeg_with_damaged_metadata_gives_a_picture_or_one_line():
    file = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "held sideways"
    noise_picture(16, 16).save(file, format="JPEG", exif=exif)
    start, random = file.getvalue().index(b"Exif"), np.random.default_rng(0)
    for _ in range(1000):
        data = bytearray(file.getvalue())
        for place in random.integers(start, start + 80, 4):
            data[place] = random.integers(256)
        try:
            assert open_picture(bytes(data)).mode == "RGB"
        except UserError as error:
            one_line(error)


def test_the_largest_allowed_picture_is_read(tmp_path):
    side = int(MAX_PIXELS**0.5)
    assert open_picture(file_of(Image.new("1", (side, side), 1), tmp_path, "large.png")).size == (
        side,
        side,
    )


@pytest.mark.parametrize("ending", ["jpg", "png", "webp", "gif"])
@pytest.mark.parametrize("part", [0.9, 0.5, 0.1])
def test_a_file_that_breaks_off_is_refused_in_one_line(tmp_path, ending, part):
    path = file_of(noise_picture(64, 64), tmp_path, f"whole.{ending}")
    data = path.read_bytes()
    with pytest.raises(UserError) as error:
        open_picture(data[: int(part * len(data))])
    assert "the uploaded picture" in one_line(error.value)


@given(st.binary(max_size=300))
def test_random_bytes_are_refused_in_one_line(data):
    with pytest.raises(UserError) as error:
        open_picture(data)
    one_line(error.value)


@given(st.integers(0, 2**31), st.sampled_from(["JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF"]))
def test_damaged_bytes_give_a_picture_or_one_line(seed, form):
    file = io.BytesIO()
    noise_picture(16, 16).save(file, format=form)
    data = bytearray(file.getvalue())
    random = np.random.default_rng(seed)
    for place in random.integers(0, len(data), 8):
        data[place] = random.integers(256)
    try:
        assert open_picture(bytes(data)).mode == "RGB"
    except UserError as error:
        one_line(error)


@pytest.mark.parametrize(
    "name, content",
    [
        ("notes.jpg", b"not a picture"),
        ("empty.png", b""),
        ("page.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
        ("paper.eps", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n"),
    ],
)
def test_other_files_are_no_pictures(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=f"{name} is not a picture; give one of JPEG, PNG") as error:
        open_picture(tmp_path / name)
    one_line(error.value)


def test_a_missing_file_and_a_folder_are_refused_in_one_line(tmp_path):
    with pytest.raises(UserError, match="no such file"):
        open_picture(tmp_path / "absent.png")
    with pytest.raises(UserError) as error:
        open_picture(tmp_path)
    one_line(error.value)


def test_a_picture_too_long_to_resize_is_refused():
    with pytest.raises(UserError, match="too long and narrow"):
        to_uint8(Image.new("L", (1, 2_000_000)), 224)


# -------------------- as other people's programs write them


def png_block(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_with(*blocks: bytes, colour=RED) -> bytes:
    """A PNG with more blocks before its pixels."""
    file = io.BytesIO()
    Image.new("RGB", (4, 4), colour).save(file, "PNG")
    data = file.getvalue()
    place = data.index(b"IDAT") - 4
    return data[:place] + b"".join(blocks) + data[place:]


LONG_TEXT = zlib.compress(b"x" * 1_500_000)


@pytest.mark.parametrize(
    "block",
    [
        png_block(b"eXIf", b"no TIFF at all"),
        png_block(b"eXIf", b"II*\x00\x08\x00\x00\x00\xff\xff"),
        png_block(b"eXIf", b""),
        png_block(b"zTXt", b"workflow\x00\x00" + LONG_TEXT),
        png_block(b"iTXt", b"workflow\x00\x01\x00\x00\x00" + LONG_TEXT),
        png_block(b"tEXt", b"prompt\x00" + b"x" * 1_500_000),
        png_block(b"iCCP", b"profile\x00\x00" + zlib.compress(bytes(2_000_000))),
    ],
    ids=["malformed EXIF", "cut EXIF", "empty EXIF", "zTXt", "iTXt", "tEXt", "large profile"],
)
def test_blocks_beside_the_pixels_of_a_png_do_not_matter(tmp_path, block):
    data = png_with(block)
    (tmp_path / "own.png").write_bytes(data)
    for picture in (open_picture(data), open_picture(tmp_path / "own.png")):
        assert picture.size == (4, 4) and picture.getpixel((1, 1)) == RED
    with Image.open(io.BytesIO(png_with())) as picture:
        assert to_rgb(picture).getpixel((1, 1)) == RED


def test_a_picture_in_memory_with_malformed_exif_is_used():
    try:
        picture = Image.open(io.BytesIO(png_with(png_block(b"eXIf", b"no TIFF at all"))))
    except SyntaxError:
        pytest.skip("this Pillow refuses it when it opens the file")
    assert to_uint8(picture, 4).flatten(1).tolist() == [[255] * 16, [0] * 16, [0] * 16]


def test_a_picture_is_turned_once(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    opened = open_picture(file_of(Image.new("RGB", (10, 6)), tmp_path, "a.jpg", exif=exif))
    assert opened.size == to_rgb(opened).size == (6, 10)


@pytest.mark.parametrize(
    "values, expected",
    [
        (np.array([[0.0, 0.5], [0.25, 1.0]], np.float32), [0, 127, 63, 255]),
        (np.array([[0, 51], [102, 255]], np.float32), [0, 51, 102, 255]),
        (np.array([[0, 51], [102, 255]], np.int32), [0, 51, 102, 255]),
        (np.array([[0, 257], [25700, 65535]], np.int32), [0, 1, 100, 255]),
        (np.array([[0, 2**30], [2**29, 2**31 - 1]], np.int32), [0, 127, 63, 255]),
        (np.array([[0, 218], [100, 0]], np.uint16), [0, 0, 0, 0]),
        (np.array([[np.nan, 1.0], [0.0, 0.5]], np.float32), [0, 255, 0, 127]),
        (np.array([[-5, 255], [0, 51]], np.int32), [0, 255, 0, 51]),
    ],
    ids=["0..1", "float 255", "int 255", "int 65535", "int 31 bits", "dark 16", "nan", "negative"],
)
def test_wide_numbers_are_scaled_by_their_type(tmp_path, values, expected):
    path = file_of(Image.fromarray(values), tmp_path, "wide.tiff")
    assert np.abs(np.asarray(open_picture(path))[..., 0].flatten() - np.array(expected)).max() <= 1


def test_a_dark_picture_of_sixteen_bits_stays_dark(tmp_path):
    values = np.array([[0, 218], [100, 150]], np.uint16)
    assert np.asarray(open_picture(file_of(Image.fromarray(values), tmp_path, "a.png"))).max() == 0


def test_a_guessed_range_is_told_once():
    tell_range.cache_clear()
    picture = Image.fromarray(np.array([[0, 300]], np.int32))
    with pytest.warns(Notice, match="32-bit integers .* black at 0 and white at 65,535"):
        to_rgb(picture)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        to_rgb(picture)


@pytest.mark.parametrize("ending, kind", [("avif", "AVIF"), ("jp2", "JPEG2000"), ("jfif", "JPEG")])
def test_newer_formats_are_read_where_pillow_can(tmp_path, ending, kind):
    if kind not in FORMATS:
        pytest.skip(f"this Pillow has no {kind}")
    path = file_of(Image.new("RGB", (32, 16), GREEN), tmp_path, f"a.{ending}", format=kind)
    assert path.suffix in PICTURE_SUFFIXES
    assert np.abs(np.asarray(open_picture(path)).astype(int) - GREEN).max() <= 4


def test_the_picture_of_a_phone_brings_a_way_out(tmp_path):
    (tmp_path / "phone.heic").write_bytes(b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic")
    with pytest.raises(UserError, match=r"phone\.heic is a HEIC picture.*convert it to JPEG"):
        open_picture(tmp_path / "phone.heic")


# -------------------- from Python


def test_arrays_are_pictures():
    array = np.asarray(noise_picture(40, 32))
    assert torch.equal(Preprocess(32)([array]), Preprocess(32)([noise_picture(40, 32)]))


@pytest.mark.parametrize(
    "given, message",
    [
        (Image.new("RGB", (4, 4)), "give a list of pictures, not a single Image"),
        (np.zeros((4, 4, 3), np.uint8), "give a list of pictures, not a single ndarray"),
        ([None], "picture 1 is a NoneType; give PIL pictures"),
        (["cat.png"], r"picture 1 is a str; .*open_picture reads files"),
        ([torch.zeros(3, 4, 4)], r"picture 1 is a Tensor of torch.float32 \(3, 4, 4\)"),
        ([np.zeros((4, 4, 3))], r"of float64 \(4, 4, 3\); .* uint8 arrays"),
    ],
    ids=["picture", "array", "None", "name", "tensor", "floats"],
)
def test_what_is_no_list_of_pictures_is_told_with_what_to_give(given, message):
    with pytest.raises(TypeError, match=message):
        as_pictures(given)


@pytest.mark.parametrize("size", [(0, 8), (8, 0)])
def test_a_picture_without_pixels_is_told(size):
    with pytest.raises(UserError, match="picture 1 has no pixels"):
        Preprocess(32)([Image.new("RGB", size)])
    with pytest.raises(TypeError, match="picture 1 is a ndarray"):
        Preprocess(32)([np.zeros((*size, 3), np.uint8)])


def test_a_picture_of_nothing_but_nan_is_not_black():
    with pytest.raises(UserError, match="no finite number"):
        Preprocess(8)([Image.fromarray(np.full((8, 8), np.nan, np.float32))])
