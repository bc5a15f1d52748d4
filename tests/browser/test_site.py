"""The page of ``make site`` in a real browser: the numbers of Python, its tries, and no network."""

import base64
import functools
import http.server
import io
import os
import random
import threading
from pathlib import Path

import pytest
import torch
from axe import grave_findings
from conftest import chromium_page
from PIL import Image
from playwright_or_skip import sync_api

from clipbench import load
from clipbench.data.world.sprites import concepts
from clipbench.errors import UserError
from tools.npm import package
from tools.site.build import MEGABYTES, MODELS, RUNTIME, TRIES, build, size_of

pytestmark = [pytest.mark.browser, pytest.mark.slow]
CLOSE = 1e-4  # of features, whose norm is 1
LOAD = """async name => {
  const {Model, startRuntime} = await import('./model.js');
  const site = await (await fetch('site.json')).json();
  window.started = window.started || startRuntime();
  await window.started;
  window.asked = await Model.load(site.models.find(each => each.name === name));
}"""
TEXTS = "async texts => (await window.asked.ofTexts(texts)).map(vector => [...vector])"
PICTURES = """async pictures => {
  const {canvasOf} = await import('./preprocess.js');
  const found = [];
  for (const picture of pictures) {
    const blob = await (await fetch(picture)).blob();
    found.push([...await window.asked.ofPicture(await canvasOf(blob))]);
  }
  return found;
}"""
HARD_TEXTS = (
    "", " ", "A Photo  of\ta CAT.", "don't we'll they've I'm he'd you're it's", "3 dogs, 12 cats & 100 %",
    "Käse, Größe, ÉCLAIR, İstanbul, ΣΊΣΥΦΟΣ", "e\u0301 is é", "猫と犬", "собака", "gato pequeño ¿sí?", "🐱🐶 and 👩‍👩‍👧",
    "<|endoftext|> a cat <|startoftext|>", "a\u00a0cat\u2003and\u3000a dog", "\ufeffcat", "it''s '''s 's", "C3PO x²  ½ Ⅷ",
    "word " * 60, "supercalifragilisticexpialidocious" * 4, "qwertz blorp", "a_b-c/d\\e|f{}[]~`", "\u0085next", "ﬁne ﬂat",
)  # fmt: skip


def texts() -> list[str]:
    """200: hard ones, and names of the world in sentences."""
    draw = random.Random(0)
    names = [concept.name for concept in concepts()]
    forms = (
        "{}",
        "a photo of a {}.",
        "two {}s and a {}",
        "A {} ON A BLUE BACKGROUND!",
        "«{}», not {}",
    )
    made = [
        draw.choice(forms).replace("{}", draw.choice(names)) for _ in range(200 - len(HARD_TEXTS))
    ]
    return [*HARD_TEXTS, *made]


def pictures() -> list[Image.Image]:
    """50: of all shapes, with hard edges, soft ones and noise, smaller and larger than the model's square."""
    draw = random.Random(0)
    return [picture(draw) for _ in range(50)]


def picture(draw: random.Random) -> Image.Image:
    width, height = draw.choice((17, 64, 65, 160, 333)), draw.choice((20, 64, 127, 240, 500))
    small = Image.frombytes("RGB", (5, 5), draw.randbytes(75))
    soft = small.resize(
        (width, height), draw.choice((Image.Resampling.BICUBIC, Image.Resampling.NEAREST))
    )
    noise = Image.frombytes("RGB", (width, height), draw.randbytes(3 * width * height))
    return Image.blend(soft, noise, draw.choice((0.0, 0.1, 0.5)))


def as_address(picture: Image.Image) -> str:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """The site; CLIPBENCH_SITE names one that was built already."""
    if "CLIPBENCH_SITE" in os.environ:
        return Path(os.environ["CLIPBENCH_SITE"])
    pytest.importorskip("onnxscript", reason="needs onnx: pip install -e '.[site]'")
    try:
        package(*RUNTIME)
    except UserError as error:
        pytest.skip(str(error))
    out = tmp_path_factory.mktemp("site") / "site"
    build(out)
    return out


@pytest.fixture(scope="module")
def server(folder):
    with http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder))
    ) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture(scope="module")
def site(server):
    """A page of the site, whose first verdict is there, and what its console said."""
    with chromium_page() as page:
        page.said = []
        page.on("pageerror", lambda error: page.said.append(str(error)))
        page.set_viewport_size({"width": 1280, "height": 720})
        page.goto(f"http://127.0.0.1:{server.server_address[1]}/")
        verdict(page)
        yield page


def verdict(page) -> str:
    page.locator("#app[aria-busy=false]").wait_for()
    return page.locator("#headline").inner_text()


def choose(page, try_title: str) -> None:
    page.get_by_role("button", name=try_title).click()


def test_the_folder_is_small(folder):
    assert size_of(folder) < MEGABYTES * 1e6


def test_no_file_of_the_folder_asks_another_server(folder):
    for name in (
        "index.html",
        "main.js",
        "model.js",
        "sign.js",
        "page.css",
        "theme.css",
        "offline.js",
    ):
        assert "http" not in (folder / name).read_text(encoding="utf-8").replace(
            "python -m http.server", ""
        )


@pytest.mark.parametrize("name", [each.name for each in MODELS])
def test_features_of_200_texts_and_50_pictures_are_those_of_python(site, name):
    encoder = load(name, device="cpu")
    site.evaluate(LOAD, name)
    here = torch.tensor(site.evaluate(TEXTS, texts()))
    with pytest.warns(UserWarning, match="too long"):
        there = encoder.encode_text(texts())
    assert (here - there).abs().max() < CLOSE
    here = torch.tensor(site.evaluate(PICTURES, [as_address(each) for each in pictures()]))
    there = encoder.encode_image(encoder.preprocess(pictures()))
    assert (here - there).abs().max() < CLOSE


def test_the_first_view_shows_that_a_model_reads(site):
    choose(site, "Does it read?")
    assert verdict(site) == "The verdict flips: green apple → pizza"
    assert "The model reads" in site.locator("#because").inner_text()


def test_without_a_word_the_apple_is_an_apple(site):
    choose(site, "Does it read?")
    site.get_by_label("Write on the picture").fill("")
    assert verdict(site).startswith("green apple, ")


@pytest.mark.parametrize(
    "title, expected",
    [
        ("Would another model?", "The verdict stays: green apple"),
        ("Two cats, or two dogs?", "two cats and one dog, 4"),
        ("Which mouse?", "computer mouse"),
        ("How was it drawn?", "a sketch of a lion"),
    ],
)
def test_every_other_try_has_its_effect(site, title, expected):
    choose(site, title)
    assert verdict(site).startswith(expected)


def test_the_tries_above_are_all():
    assert len(TRIES) == 5


def test_a_link_brings_the_view_back(site):
    choose(site, "Does it read?")
    site.get_by_label("Texts, one a line").fill("an apple\na pizza\na <b>bus</b>")
    before = verdict(site), site.locator("#rows").inner_text()
    address = site.url
    site.goto("about:blank")
    site.goto(address)
    assert (verdict(site), site.locator("#rows").inner_text()) == before
    assert "a <b>bus</b>" in before[1]


def test_a_broken_link_opens_the_page_all_the_same(site):
    address = site.url.partition("#")[0]
    site.goto("about:blank")
    site.goto(
        f"{address}#model=none&picture=%3Cscript%3E&scale=x&x=9&template=nope&height=-5&nonsense=1"
    )
    assert verdict(site)
    assert site.locator("#trouble").is_hidden()


def test_a_picture_of_ones_own_is_shown_with_a_warning(site):
    choose(site, "Which mouse?")
    buffer = io.BytesIO()
    Image.new("RGB", (3000, 2000), "red").save(buffer, "JPEG")
    site.locator("#own").set_input_files(
        {"name": "red.jpg", "mimeType": "image/jpeg", "buffer": buffer.getvalue()}
    )
    sync_api.expect(site.locator("#picture")).to_have_attribute("aria-label", "red.jpg")
    assert "guess" in site.locator("#own-note").inner_text()


def test_what_is_no_picture_is_told(site):
    site.locator("#own").set_input_files(
        {"name": "x.png", "mimeType": "image/png", "buffer": b"no"}
    )
    sync_api.expect(site.locator("#own-note")).to_contain_text("cannot be read")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_grave(site, scheme):
    site.emulate_media(color_scheme=scheme)
    choose(site, "Does it read?")
    verdict(site)
    assert grave_findings(site) == []


def test_one_screen_holds_picture_verdict_and_words(site):
    site.set_viewport_size({"width": 1280, "height": 720})
    for name in ("#picture", "#verdict", "#word", "#texts", "#rows"):
        box = site.locator(name).bounding_box()
        assert box["y"] >= 0 and box["y"] + box["height"] <= 720, name


def test_the_verdict_stays_in_sight_on_a_phone(site, tmp_path):
    site.set_viewport_size({"width": 420, "height": 800})
    site.get_by_label("Texts, one a line").scroll_into_view_if_needed()
    box = site.locator("#headline").bounding_box()
    site.screenshot(path=tmp_path / "phone.png")
    assert 0 <= box["y"] < 100
    assert site.evaluate("document.documentElement.scrollWidth") <= 420


def test_it_works_without_a_network_and_made_no_error(site, server):
    site.evaluate("navigator.serviceWorker.ready.then(() => 1)")
    site.reload()
    verdict(site)
    server.shutdown()
    server.server_close()
    site.reload()
    assert verdict(site)
    choose(site, "Would another model?")
    assert verdict(site) == "The verdict stays: green apple"
    assert site.said == []
