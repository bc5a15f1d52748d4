"""Lessons as slides: short steps, each figure alone, no setup, no exercises."""

import pytest
from notebook_runner import NOTEBOOKS

from tools import slides

nbformat = pytest.importorskip("nbformat")
pytest.importorskip("nbconvert")

LESSONS = sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))


def deck_of(path):
    return slides.slides(nbformat.read(path, as_version=4)).cells


def place(step) -> str:
    return step.metadata["slideshow"]["slide_type"]


@pytest.mark.parametrize("path", LESSONS, ids=[path.stem for path in LESSONS])
def test_a_deck_has_short_steps_figures_alone_and_no_exercises(path):
    deck = deck_of(path)
    words = [step.source for step in deck if step.cell_type == "markdown"]
    assert place(deck[0]) == "slide" and deck[0].source.startswith("# ")
    assert max(map(len, words)) < 1200, "too much for one slide: make the paragraph shorter"
    assert not any("## Exercises" in text or "CLIPBENCH_SCALE" in text for text in words)
    assert sum(place(step) == "slide" for step in deck) >= 4
    figures = [step for step in deck if step.cell_type == "code" and slides.has_picture(step)]
    assert figures and all(
        place(step) == "subslide" and "remove_input" in step.metadata["tags"] for step in figures
    )


def test_the_page_hides_the_code_of_figures(tmp_path):
    written = slides.export(NOTEBOOKS / "02_similarity_matrix.ipynb", tmp_path, reveal="reveal")
    page = written.read_text(encoding="utf-8")
    assert 'href="reveal/dist/reveal.css"' in page and page.count("image/png;base64") >= 5
    assert (
        "similarity_heatmap"
        not in page.split('<div class="slides">')[1].split("image/png")[1][-400:]
    )
