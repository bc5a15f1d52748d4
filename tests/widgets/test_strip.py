"""A strip without a kernel: what is seen of it changes in one message."""

import re

import ipywidgets
from small import noise_picture

from clipbench_widgets.core.pictures import NamedPicture
from clipbench_widgets.core.strip import Card, Strip, in_style


def cards(*captions: str) -> list[Card]:
    entries = [
        NamedPicture(caption, noise_picture(8, 8, seed=number))
        for number, caption in enumerate(captions)
    ]
    return [
        Card(row, entry.name, f"{entry.name}: more", entry) for row, entry in enumerate(entries)
    ]


def read(text: str) -> str:
    """A style sheet's string as a browser reads it."""
    return re.sub(r"\\([0-9a-f]+) ", lambda number: chr(int(number[1], 16)), text.strip('"'))


def seen(strip: Strip) -> list[tuple[str, str]]:
    """(caption, start of the picture) of each button, by the style sheet alone."""
    sheet = strip._styles.value
    captions = re.findall(r"::after \{ content: (\"[^\"]*\"); content", sheet)
    pictures = re.findall(r"url\((data:image/jpeg[^)]{400})", sheet) or [""] * len(captions)
    return [(read(caption), picture) for caption, picture in zip(captions, pictures, strict=True)]


def test_captions_and_pictures_change_together():
    strip, messages = Strip(lambda row: None), []
    strip.show("", cards("a", "b"))
    before = seen(strip)
    every = [strip, strip._about, strip._styles, strip._row, *strip.buttons]
    for widget in every:
        widget.observe(
            lambda change: messages.append((change.owner, change.name)), list(widget.keys)
        )
    strip.show("", [*reversed(cards("a", "b"))])
    assert [caption for caption, _ in seen(strip)] == ["b", "a"] and seen(strip) == before[::-1]
    assert [owner for owner, _ in messages].count(strip._styles) == 1
    unseen = {(type(owner), name) for owner, name in messages if owner is not strip._styles}
    assert {owner for owner, _ in unseen} == {type(strip.buttons[0])}
    assert {name for _, name in unseen} <= {"description", "tooltip"}  # whose letters have no size
    assert "clipbench-thumbnail { font-size: 0; }" in strip._styles.value


def test_a_card_without_a_picture_shows_its_caption():
    strip = Strip(lambda row: None)
    strip.show("", [Card(0, "only words", "a note")])
    assert seen(strip) == [("only words", "")] and "url(" not in strip._styles.value


def test_no_text_leaves_its_string():
    for text in (
        "a cat",
        "",
        'quote " and \\ and \\22',
        "</style><img src=x onerror=alert(1)>",
        "line\nbreak",
        "猫 und Bär",
        "}*{",
        "0.31 a 9 b",
        "half \ud800",
    ):
        written = in_style(text)
        assert re.fullmatch(r'"(\w|\\[0-9a-f]+ )*"', written), text
        assert read(written) == text.encode("utf-8", "replace").decode()


def test_a_strip_is_a_widget_that_is_clicked():
    clicked = []
    strip = Strip(clicked.append)
    strip.show("about", cards("a", "b"))
    strip.buttons[1].click()
    assert clicked == [1] and isinstance(strip, ipywidgets.Widget)
