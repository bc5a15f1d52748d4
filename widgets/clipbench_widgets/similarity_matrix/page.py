"""A similarity matrix as HTML: cells in one CSS grid.

Pictures stand above the columns, and texts beside the rows.

Everything a person wrote passes through `html.escape`.
"""

from collections.abc import Sequence
from html import escape

import torch

from clipbench_widgets.core.format import colour_range, number, percent, shade, shortened
from clipbench_widgets.core.html import named
from clipbench_widgets.core.pictures import NamedPicture, data_uri, within
from clipbench_widgets.core.style_files import sheet

CELL = 46  # pixels, square


GAP = 3


LABEL, NARROW_LABEL = 220, 118  # pixels for the texts
PICTURE_PIXELS = 224  # twice the size on the page
NUMBERS_UP_TO = 16  # rows; in more, a cell is too small for its number
RULES = sheet(
    "similarity_matrix/page.css", label=LABEL, gap=GAP, cell=CELL, narrow_label=NARROW_LABEL
)


def cells(
    values: torch.Tensor,
    columns: Sequence[str],
    rows: Sequence[str],
    *,
    probabilities: bool,
    pairs: bool,
    here: tuple[int, int],
) -> str:
    """Write the inside of the matrix.

    Args:
        values: (texts, pictures).
        columns: names of the pictures; rows: texts. For the note that a pointer brings up.
        probabilities: whether values are fractions of 1 rather than cosines.
        pairs: whether the diagonal holds the true pairs and gets a frame.
        here: the chosen cell, (text, picture).
    """
    low, high = (0.0, 1.0) if probabilities else colour_range(values)
    inside = "".join(
        cell(
            values[i, j].item(),
            (low, high),
            columns[j],
            rows[i],
            probabilities,
            len(rows) <= NUMBERS_UP_TO,
            pair=pairs and i == j,
            here=(i, j) == here,
        )
        for i in range(len(rows))
        for j in range(len(columns))
    )
    about = f"Similarity of {len(rows)} texts (rows) with {len(columns)} pictures (columns)"
    grid = f"grid-template-columns: repeat({len(columns)}, var(--cb-cell))"
    return (
        f'<div class="clipbench-cells" role="img" aria-label="{about}" '
        f'style="{grid}">{inside}</div>'
    )


def second_page(name: str, right: str, inside: str) -> str:
    """Write a second model's matrix, whose rows stand beside those of the first."""
    return (
        f'<div class="clipbench-second-name"><strong>{escape(name)}</strong></div>{inside}'
        f'<div class="clipbench-small">{right}</div>'
    )


def cell(
    value: float,
    ends: tuple[float, float],
    column: str,
    row: str,
    probability: bool,
    written: bool,
    *,
    pair: bool,
    here: bool,
) -> str:
    low, high = ends
    share = min(1.0, max(0.0, (value - low) / max(high - low, 1e-9)))
    shown = percent(value) if probability else number(value, 2)
    classes = " ".join(["clipbench-pair"] * pair + ["clipbench-here"] * here)
    note = escape(f"{shortened(row, 80)} × {shortened(column, 60)}: {shown}")
    inside = escape(short(value, probability)) if written else ""
    return f'<span class="{classes}" style="{colours(share)}" title="{note}">{inside}</span>'


def colours(share: float) -> str:
    """Choose a background from light to dark, and letters that stand out from it."""
    red, green, blue = shade(share)
    return f"background:rgb({red},{green},{blue});color:{'#000000' if share < 0.68 else '#ffffff'}"


def short(value: float, probability: bool) -> str:
    """Write a value so short that it fits into a cell."""
    if probability:
        return f"{100 * value:.0f}" if value >= 0.005 else "·"
    return number(value, 2)


def legend(mode: str, pairs: bool) -> str:
    what = {
        "cosine": "Each cell is the cosine of a text with a picture.",
        "row softmax": "Each row sums to 100 %: which picture fits this text? Numbers "
        "are percentages.",
        "column softmax": "Each column sums to 100 %: which text fits this picture? "
        "Numbers are percentages.",
    }[mode]
    frame = ' <span class="clipbench-swatch"></span>true pairs, on the diagonal' if pairs else ""
    return f'<div class="clipbench-small">{what}{frame}</div>'


def accuracy_line(image_to_text: float | None, text_to_image: float | None) -> str:
    if image_to_text is None or text_to_image is None:
        return (
            '<div class="clipbench-small">As many texts as pictures make pairs: '
            "line n belongs to picture n.</div>"
        )
    return (
        f"<div>The right text is first for <strong>{percent(image_to_text)}</strong> of "
        "the pictures, the right "
        f"picture for <strong>{percent(text_to_image)}</strong> of the texts.</div>"
    )


def detail(entry: NamedPicture, text: str, numbers: dict[str, float]) -> str:
    """Show the chosen pair."""
    picture = (
        f'<img alt="{escape(entry.name)}" src="{data_uri(within(entry.picture, PICTURE_PIXELS))}">'
    )
    lines = "".join(
        f"<tr><td>{what}</td><td>{number(value, 3) if what == 'cosine' else escape(percent(value))}</td></tr>"
        for what, value in numbers.items()
    )
    return (
        f"{picture}<p>{named(entry.name)}</p><p>and "
        f"“{escape(shortened(text, 160))}”</p><table>{lines}</table>"
    )
