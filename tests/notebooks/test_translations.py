"""The translated lessons: the cells of the lesson, the same code, prose that is not stale."""

import re

import pytest

from tools import translate_lessons

nbformat = pytest.importorskip("nbformat")

PROSE = sorted(translate_lessons.FOLDER.glob("*.md"))
NAMES = [path.stem for path in PROSE]


def cells(path, kind: str) -> list[str]:
    notebook = nbformat.read(path, as_version=4)
    return [cell.source for cell in notebook.cells if cell.cell_type == kind]


def test_the_first_lesson_is_there_in_the_languages_of_the_world():
    assert {path.name.split(".")[1] for path in PROSE} == {"de", "es", "ru", "zh"}
    assert {path.with_suffix(".ipynb") for path in PROSE} == set(
        translate_lessons.FOLDER.glob("*.ipynb")
    )


@pytest.mark.parametrize("path", PROSE, ids=NAMES)
def test_code_cells_are_those_of_the_lesson(path):
    lesson, built = translate_lessons.lesson_of(path), path.with_suffix(".ipynb")
    assert cells(built, "code") == cells(lesson, "code"), "run python -m tools.translate_lessons"
    kinds = [
        [cell.cell_type for cell in nbformat.read(each, as_version=4).cells]
        for each in (built, lesson)
    ]
    assert kinds[0] == kinds[1]


@pytest.mark.parametrize("path", PROSE, ids=NAMES)
def test_every_text_cell_is_translated_and_not_older_than_the_english(path):
    assert not translate_lessons.stale_cells(path), "translate these cells again"
    texts = [text for _, text in translate_lessons.prose_of(path)]
    assert texts == cells(path.with_suffix(".ipynb"), "markdown")
    english = cells(translate_lessons.lesson_of(path), "markdown")
    assert all(text and text != source for text, source in zip(texts, english, strict=True))


@pytest.mark.parametrize("path", PROSE, ids=NAMES)
def test_links_of_a_translation_lead_somewhere(path):

    for _, text in translate_lessons.prose_of(path):
        for link in re.findall(r"\]\((\.\./[^)#]+)", text):
            assert (path.parent / link).resolve().exists(), link


def test_a_changed_english_cell_is_noticed(tmp_path, monkeypatch):
    lesson = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("One cat.")])
    nbformat.write(lesson, tmp_path / "00_cats.ipynb")
    monkeypatch.setattr(translate_lessons, "NOTEBOOKS", tmp_path)
    prose = tmp_path / "00_cats.de.md"
    prose.write_text(f"<!-- cell {translate_lessons.digest('One cat.')} -->\nEine Katze.\n")
    assert translate_lessons.stale_cells(prose) == []
    prose.write_text("<!-- cell 00000000 -->\nEine Katze.\n")
    assert translate_lessons.stale_cells(prose) == ["One cat."]
