"""The clock of a lesson: what stands below each heading, and the minutes that it takes."""

import pytest

from tools import lesson_clock
from tools.lesson_clock import Rates, Section, sections_of

nbformat = pytest.importorskip("nbformat")


def lesson():
    figure = nbformat.v4.new_output("display_data", {"image/png": "aGk="})
    return nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_markdown_cell("# 00 Cats\n\nOne two."),
            nbformat.v4.new_markdown_cell("Three.\n\n## Dogs\n\n**Predict:** how many?"),
            nbformat.v4.new_code_cell("a = 1\n\nb = 2", outputs=[figure]),
            nbformat.v4.new_markdown_cell("## Exercises\n\nNobody reads this in class."),
        ]
    )


def test_a_section_has_what_stands_below_its_heading():
    cats, dogs = sections_of(lesson(), {2: 30.0})
    assert (cats.title, cats.words, cats.predictions) == ("00 Cats", 6, 0)
    assert (dogs.title, dogs.lines, dogs.predictions, dogs.figures) == ("Dogs", 2, 1, 1)
    assert dogs.seconds == 30.0


def test_minutes_add_reading_predicting_looking_and_waiting():
    rates = Rates(100, 6, 60, 30)
    section = Section("Dogs", words=200, lines=10, predictions=2, figures=1, seconds=30)
    assert section.minutes(rates) == pytest.approx(2 + 1 + 2 + 0.5 + 0.5)


def test_the_table_has_the_clock_before_each_section_and_at_the_end():
    rows = lesson_clock.table([Section("Cats", words=180), Section("Dogs", words=360)]).splitlines()
    assert [row.split(" | ")[0] for row in rows[2:]] == ["| 0", "| 1", "| 3"]
