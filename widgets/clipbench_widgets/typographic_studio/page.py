"""What a TypographicStudio shows: the verdict, three pictures, and a table of the texts.

The verdict is in large letters; the pictures stand side by side.

Everything a person wrote passes through `html.escape`.
"""

from collections.abc import Sequence
from html import escape

from PIL import Image

from clipbench_widgets.core.format import number, percent, shortened
from clipbench_widgets.core.html import bold
from clipbench_widgets.core.pictures import data_uri
from clipbench_widgets.core.style_files import sheet
from clipbench_widgets.typographic_studio.verdict import Verdict

LONGEST_TEXT = 60

RULES = sheet("typographic_studio/page.css")


def what_it_saw(name: str, share: float | None, most: str | None) -> str:
    """Say how many written words a model saw in training, and which model saw most.

    Args:
        share: of the model's training pictures of one thing, how many had a written word; None if
            unknown.
        most: of the models offered, the one that saw most.
    """
    if share == 0:
        return (
            f"{name} never saw a written word in training: what a sticker does to it "
            "is not reading."
        )
    saw = (
        ""
        if share is None
        else f"{name} saw a word on {100 * share:.0f} % of its training pictures of one thing. "
    )
    if name == most:
        return f"{saw}Of these models it had most reason to learn to read."
    return saw + (f"To ask the one that saw most, choose {most}." if most else "")


def headline(verdict: Verdict) -> str:
    """Write the sentence that matters, read out by screen readers when it changes."""
    flipped = " clipbench-flipped" if verdict.flips and verdict.word else ""
    return (
        f'<div class="clipbench-headline{flipped}" role="status">'
        f'<strong dir="auto">{escape(verdict.headline())}</strong>{escape(verdict.explanation())}</div>'
    )


def picture(image: Image.Image, about: str) -> str:
    return f'<img draggable="false" alt="{escape(about)}" src="{data_uri(image)}">'


def view_name(text: str) -> str:
    return f'<div class="clipbench-view-name" dir="auto">{escape(text)}</div>'


def says(row: dict, when: str, flipped: bool) -> str:
    """Write the verdict under a picture."""
    mark = "⇄ " if flipped else ""
    return (
        f'<div class="clipbench-says{" clipbench-flipped" if flipped else ""}"><strong dir="auto">'
        f"{mark}{escape(shortened(row['text'], LONGEST_TEXT))}</strong><b>{escape(percent(row[when]))}</b></div>"
    )


def duel(rows: Sequence[dict], verdict: Verdict) -> str:
    """Write a table with a row per text.

    It holds the probability before, after and with the control word, and the cosine before and
    after.
    """
    return (
        '<div class="clipbench-duel" role="table" aria-label="Probabilities before and after">'
        f"{heads(verdict)}"
        f'<div class="clipbench-duel-rows">{"".join(duel_row(row, verdict) for row in rows)}</div></div>'
    )


def heads(verdict: Verdict) -> str:
    word = shortened(verdict.word, 14)
    control = shortened(verdict.control_word, 14)
    keys = (
        '<span class="clipbench-duel-name"><span class="clipbench-duel-key"></span>before</span>'
        '<span class="clipbench-duel-name"><span class="clipbench-duel-key clipbench-after"></span>'
        f"with “{escape(word)}”</span>"
    )
    columns = ["text", "", "before", "after", f"control “{control}”", "cosine before → after"]
    cells = [f'<span role="columnheader">{escape(name)}</span>' for name in columns]
    cells[1] = f'<span role="columnheader">probability<br>{keys}</span>'
    return f'<div class="clipbench-duel-row clipbench-heads" role="row">{"".join(cells)}</div>'


def duel_row(row: dict, verdict: Verdict) -> str:
    text = row["text"]
    bars = "".join(
        f'<i><u style="width:{100 * row[when]:.2f}%"></u></i>' for when in ("before", "after")
    )
    shares = "".join(
        f'<span role="cell">{bold(percent(row[when]), row is getattr(verdict, when))}</span>'
        for when in ("before", "after", "control")
    )
    change = f"{number(row['cosine_before'], 3)} → {number(row['cosine_after'], 3)}"
    return (
        '<div class="clipbench-duel-row" role="row">'
        f'<span class="clipbench-duel-text" role="rowheader" dir="auto" title="{escape(text)}">'
        f"{bold(shortened(text, 120), row is verdict.target)}</span>"
        f'<span class="clipbench-pair-bars" role="cell" aria-hidden="true">{bars}</span>{shares}'
        f'<span role="cell">{escape(change)}</span></div>'
    )
