"""Take the pictures of the apps in docs/ from the page that a class sees.

    python tools/docs/app_pictures.py URL [APP ...]

URL is where ``make app`` runs. Needs the extra "browser" and Chromium. Each picture is written at
the page's own size (72 dpi), in at most 256 colours.
"""

import io
import os
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from clipbench.compute.doctor import find_chromium
from clipbench_widgets.core.shipped_models import in_words

FOLDER = Path(__file__).parents[2] / "docs"
SECONDS = 120
FLAGS = [
    "--disable-gpu",
    *(["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []),
]


def explorer(app, page):
    app.get_by_label("Second model").select_option(label=f"+ {in_words('twin:reader')}")
    page.wait_for_timeout(1500)


def matrix(app, page):
    app.locator(".clipbench-row-name").nth(4).click()
    page.wait_for_timeout(1500)


def studio(app, page):
    app.locator(".clipbench-heads").get_by_text("with “pizza”").wait_for()
    page.wait_for_timeout(2000)


def embedding_map(app, page):
    app.locator("input[placeholder^='Write a text']").fill("a yellow flower")
    page.wait_for_timeout(3000)


def monitor(app, page):
    app.get_by_role("button", name="Start").click()
    page.wait_for_timeout(90_000)
    app.get_by_role("button", name="Stop").click()
    page.wait_for_timeout(2000)


def search(app, page):
    app.locator(".clipbench-search-query input").fill("a sketch of an animal")
    page.wait_for_timeout(3000)


def microscope(app, page):
    cards = app.locator(".clipbench-micro-grid .clipbench-thumbnail")
    cards.first.wait_for(timeout=600_000)
    app.get_by_label("Which features").select_option("about a style")
    app.locator(".clipbench-micro-query input").fill("a sketch of something")
    app.get_by_text("first. Of all").wait_for()
    cards.first.click()
    app.locator(".clipbench-micro-turn .widget-toggle-button").click()
    app.locator(".clipbench-micro-amount [role=slider]").focus()
    for _ in range(12):
        page.keyboard.press("ArrowRight")
    page.wait_for_timeout(5000)


def game(app, page):
    page.wait_for_timeout(1000)


PICTURES = {
    "Prompt explorer": ("prompt_explorer", explorer),
    "Similarity matrix": ("similarity_matrix", matrix),
    "Typographic studio": ("typographic_studio", studio),
    "Embedding map": ("embedding_map", embedding_map),
    "Training monitor": ("training_monitor", monitor),
    "Image search": ("image_search", search),
    "Feature microscope": ("feature_microscope", microscope),
    "Beat the machine": ("beat_the_machine", game),
}


def keep(name: str, taken: bytes) -> None:
    picture = Image.open(io.BytesIO(taken)).convert("RGB")
    few = picture.quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    few.save(FOLDER / f"{name}.png", optimize=True, dpi=(72, 72))
    print(
        f"docs/{name}.png {picture.width} x {picture.height}, "
        f"{(FOLDER / f'{name}.png').stat().st_size // 1024} KB"
    )


def main(address: str, chosen: list[str]) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
        page = browser.new_page(viewport={"width": 1060, "height": 1600})
        page.set_default_timeout(1000 * SECONDS)
        page.goto(address)
        page.locator(".clipbench-start-card").first.wait_for()
        if not chosen or "start_page" in chosen:
            page.wait_for_timeout(500)
            keep("start_page", page.locator(".clipbench-start").screenshot())
        for title, (name, prepare) in PICTURES.items():
            if chosen and name not in chosen:
                continue
            page.locator(".clipbench-start-card", has_text=title).click()
            strong = page.locator(f"strong:text-is('{title}')")
            app = page.locator(".clipbench-opened .clipbench-app", has=strong)
            strong.last.wait_for()
            prepare(app, page)
            page.mouse.move(2, 2)
            keep(name, app.screenshot())
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
