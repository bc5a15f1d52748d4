"""Pictures of one's own, as large as those of phones and cameras, sent by a real browser."""

import io
import random
import re

import pytest
from conftest import chromium_page
from lab_page import SECONDS_TO_RUN
from PIL import Image
from playwright_or_skip import sync_api

pytestmark = pytest.mark.browser
ROTATED, ORIENTATION = 6, 274  # EXIF: to be shown turned a quarter clockwise
RED, BLUE = (200, 30, 30), (30, 30, 200)


class Explorer:
    """The prompt explorer on the class page, and the longest message that the page has sent."""

    def __init__(self, page, address: str):
        self.page, self.longest = page, 0
        page.on("websocket", lambda socket: socket.on("framesent", self._sent))
        page.goto(address, timeout=1000 * SECONDS_TO_RUN)
        page.locator(".clipbench-start-card", has_text="Prompt explorer").click(
            timeout=1000 * SECONDS_TO_RUN
        )
        self.app = page.locator(".clipbench-opened .clipbench-app", has=page.locator("textarea"))
        self.app.locator(".clipbench-thumbnail").first.wait_for(timeout=1000 * SECONDS_TO_RUN)

    def _sent(self, message) -> None:
        self.longest = max(self.longest, len(message))

    def upload(self, name: str, content: bytes) -> None:
        with self.page.expect_file_chooser() as chooser:
            self.app.locator(".clipbench-upload").click()
        chooser.value.set_files({"name": name, "mimeType": "", "buffer": content})

    def shown(self, name: str) -> Image.Image:
        """The picture that is shown large, once it is this one."""
        picture = self.app.locator(".clipbench-shown img")
        sync_api.expect(picture).to_have_attribute("alt", name)
        picture.evaluate("image => image.decode()")
        return Image.open(io.BytesIO(picture.screenshot())).convert("RGB")


@pytest.fixture(scope="module")
def explorer(start_page):
    address = start_page("tiny")
    with chromium_page() as page:
        yield Explorer(page, address)


def encoded(picture: Image.Image, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def photograph(width: int, height: int) -> bytes:
    """A JPEG whose right half is blue; a phone that was held upright marks it as to be turned."""
    picture = Image.new("RGB", (width, height), RED)
    picture.paste(BLUE, (width // 2, 0, width, height))
    exif = Image.Exif()
    exif[ORIENTATION] = ROTATED
    return encoded(picture, "JPEG", exif=exif)


def is_like(colour: tuple, other: tuple) -> bool:
    return all(abs(one - two) < 40 for one, two in zip(colour, other, strict=True))


def test_a_photograph_of_48_megapixels_arrives_upright(explorer, tmp_path):
    explorer.upload("phone.jpg", photograph(8000, 6000))
    shown = explorer.shown("phone.jpg")
    explorer.page.screenshot(path=tmp_path / "phone.png")
    middle, top, bottom = shown.width // 2, shown.height // 5, shown.height * 4 // 5
    assert is_like(shown.getpixel((middle, top)), RED)
    assert is_like(shown.getpixel((middle, bottom)), BLUE)


def test_a_picture_of_20_megabytes_is_sent_as_a_small_one(explorer):
    noise = Image.frombytes("RGB", (2600, 2600), random.Random(0).randbytes(3 * 2600**2))
    content = encoded(noise, "PNG", compress_level=1)
    assert len(content) > 20_000_000
    explorer.longest = 0
    explorer.upload("noise.png", content)
    explorer.shown("noise.png")
    assert 10_000 < explorer.longest < 2_500_000


def test_transparent_parts_of_a_large_picture_are_white(explorer):
    explorer.upload("clear.png", encoded(Image.new("RGBA", (1500, 1500), (0, 0, 0, 0)), "PNG"))
    shown = explorer.shown("clear.png")
    assert is_like(shown.getpixel((shown.width // 2, shown.height // 2)), (255, 255, 255))


def test_a_small_picture_is_sent_as_it_is(explorer):
    content = encoded(Image.effect_noise((300, 300), 90), "PNG")
    explorer.longest = 0
    explorer.upload("small.png", content)
    explorer.shown("small.png")
    assert explorer.longest >= len(content)


@pytest.mark.parametrize("megabytes", [0, 12])
def test_a_heic_picture_is_told_how_to_become_one_that_can_be_read(explorer, megabytes):
    heic = b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + bytes(megabytes << 20)
    explorer.upload(f"pic{megabytes}.heic", heic)
    message = explorer.app.locator(".clipbench-message")
    told = re.compile(rf"pic{megabytes}\.heic is a HEIC picture.*JPEG.*Most Compatible")
    sync_api.expect(message).to_have_text(told)


def test_what_is_too_large_and_no_picture_is_told(explorer):
    explorer.upload("data.png", bytes(12 << 20))
    message = explorer.app.locator(".clipbench-message")
    sync_api.expect(message).to_contain_text("data.png has more than 8 MB")
