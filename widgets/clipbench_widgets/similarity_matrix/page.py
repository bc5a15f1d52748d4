"""A similarity matrix as HTML: cells in one CSS grid, with pictures above the columns and texts beside the rows.

Everything a person wrote passes through `html.escape`.
"""

from collections.abc import Sequence
from html import escape

import torch

from clipbench_widgets.core.format import colour_range, number, percent, shade, shortened
from clipbench_widgets.core.html import named
from clipbench_widgets.core.pictures import NamedPicture, data_uri, within

CELL = 46  # pixels, square


GAP = 3


LABEL, NARROW_LABEL = 220, 118  # pixels for the texts


PICTURE_PIXELS = 320


NUMBERS_UP_TO = 16  # rows; in more, a cell is too small for its number


RULES = f"""
.clipbench-app .clipbench-matrix-app {{ gap: 10px; margin: 0; container-type: inline-size; }}
.clipbench-app .clipbench-matrix {{ --cb-matrix-label: {LABEL}px; overflow-x: auto; padding: 2px; max-width: 100%; }}
.clipbench-app .clipbench-matrix > .clipbench-grid {{ display: grid; gap: {GAP}px; width: max-content; }}
.clipbench-app .jupyter-button.clipbench-row-name {{
  width: var(--cb-matrix-label); height: {CELL}px; line-height: 17px; white-space: normal; overflow: hidden;
  text-align: right; padding: 2px 8px; font-size: 13px; overflow-wrap: anywhere; background: none;
  border: 2px solid transparent; }}
.clipbench-app .jupyter-button.clipbench-column-picture {{
  width: {CELL}px; height: {CELL}px; padding: 0; background-size: cover; background-position: center;
  border: 2px solid transparent; border-radius: 6px; color: transparent; font-size: 1px; overflow: hidden; }}
.clipbench-app .jupyter-button.clipbench-row-name:hover,
.clipbench-app .jupyter-button.clipbench-column-picture:hover {{
  border-color: var(--cb-frame); }}
.clipbench-app .jupyter-button.clipbench-row-name.clipbench-here {{
  border-color: var(--cb-accent); background-color: var(--cb-on); font-weight: 700; }}
.clipbench-app .jupyter-button.clipbench-column-picture.clipbench-here {{
  border: 3px solid var(--cb-accent); outline: 2px solid var(--cb-page); outline-offset: -5px; }}
.clipbench-cells {{ display: grid; gap: {GAP}px; }}
.clipbench-cells span {{
  width: {CELL}px; height: {CELL}px; border-radius: 4px; box-sizing: border-box; display: flex; align-items: center;
  justify-content: center; font-size: 12px; font-variant-numeric: tabular-nums; cursor: default; }}
.clipbench-cells span.clipbench-pair {{ box-shadow: inset 0 0 0 2px #d55e00; }}
.clipbench-cells span.clipbench-here {{
  box-shadow: 0 0 0 2px var(--cb-page), 0 0 0 5px var(--cb-text); z-index: 1; }}
.clipbench-cells span:hover {{ outline: 3px solid var(--cb-accent); outline-offset: -1px; }}
.clipbench-detail {{ flex: 1 1 230px; max-width: 330px; min-width: 200px; }}
.clipbench-detail img {{
  display: block; width: 200px; height: 200px; object-fit: contain; background: var(--cb-track); border-radius: 8px; }}
.clipbench-detail p + p, .clipbench-detail img + p {{ margin-top: 8px !important; }}
.clipbench-detail table {{ border-collapse: collapse; margin-top: 8px; font-variant-numeric: tabular-nums; }}
.clipbench-detail td {{ padding: 2px 12px 2px 0; }}
.clipbench-detail td:last-child {{ text-align: right; font-weight: 600; padding-right: 0; }}
.clipbench-app .clipbench-matrix-side {{ display: flex; flex-flow: row wrap; gap: 16px 28px; align-items: flex-start; }}
.clipbench-app .clipbench-matrix-side > .clipbench-matrix {{ flex: 0 1 auto; min-width: 0; }}
.clipbench-swatch {{ display: inline-block; width: 11px; height: 11px; border: 2px solid #d55e00; border-radius: 3px;
  margin-right: 5px; vertical-align: -2px; box-sizing: border-box; }}
@container (max-width: 560px) {{
  .clipbench-app .clipbench-matrix {{ --cb-matrix-label: {NARROW_LABEL}px; }}
  .clipbench-app .jupyter-button.clipbench-row-name {{ font-size: 12px; line-height: 14px; padding: 0 5px 0 0; }}
}}
"""


def cells(values: torch.Tensor, columns: Sequence[str], rows: Sequence[str], *, probabilities: bool, pairs: bool,
          here: tuple[int, int]) -> str:  # fmt: skip
    """The inside of the matrix.

    Args:
        values: (texts, pictures).
        columns: names of the pictures; rows: texts. For the note that a pointer brings up.
        probabilities: whether values are fractions of 1 rather than cosines.
        pairs: whether the diagonal holds the true pairs and gets a frame.
        here: the chosen cell, (text, picture).
    """
    low, high = (0.0, 1.0) if probabilities else colour_range(values)
    inside = "".join(
        cell(values[i, j].item(), (low, high), columns[j], rows[i], probabilities, len(rows) <= NUMBERS_UP_TO,
             pair=pairs and i == j, here=(i, j) == here)
        for i in range(len(rows))
        for j in range(len(columns))
    )  # fmt: skip
    about = f"Similarity of {len(rows)} texts (rows) with {len(columns)} pictures (columns)"
    grid = f"grid-template-columns: repeat({len(columns)}, {CELL}px)"
    return f'<div class="clipbench-cells" role="img" aria-label="{about}" style="{grid}">{inside}</div>'


def cell(value: float, ends: tuple[float, float], column: str, row: str, probability: bool, written: bool, *,
         pair: bool, here: bool) -> str:  # fmt: skip
    low, high = ends
    share = min(1.0, max(0.0, (value - low) / max(high - low, 1e-9)))
    shown = percent(value) if probability else number(value, 2)
    classes = " ".join(["clipbench-pair"] * pair + ["clipbench-here"] * here)
    note = escape(f"{shortened(row, 80)} × {shortened(column, 60)}: {shown}")
    inside = escape(short(value, probability)) if written else ""
    return f'<span class="{classes}" style="{colours(share)}" title="{note}">{inside}</span>'


def colours(share: float) -> str:
    """Background from light to dark, and letters that stand out from it."""
    red, green, blue = shade(share)
    return f"background:rgb({red},{green},{blue});color:{'#000000' if share < 0.68 else '#ffffff'}"


def short(value: float, probability: bool) -> str:
    """What fits into a cell."""
    if probability:
        return f"{100 * value:.0f}" if value >= 0.005 else "·"
    return number(value, 2)


def title(name: str, scale: float) -> str:
    about = f"model {name}, scale {scale:.3g}"
    return (
        '<div class="clipbench-title"><strong>Similarity matrix</strong> '
        f'<span class="clipbench-quiet">{escape(about)}</span></div>'
    )


def legend(mode: str, pairs: bool) -> str:
    what = {
        "cosine": "Each cell is the cosine of a text with a picture.",
        "row softmax": "Each row sums to 100 %: which picture fits this text? Numbers are percentages.",
        "column softmax": "Each column sums to 100 %: which text fits this picture? Numbers are percentages.",
    }[mode]
    frame = ' <span class="clipbench-swatch"></span>true pairs, on the diagonal' if pairs else ""
    return f'<div class="clipbench-small">{what}{frame}</div>'


def accuracy_line(image_to_text: float | None, text_to_image: float | None) -> str:
    if image_to_text is None:
        return '<div class="clipbench-small">As many texts as pictures make pairs: line n belongs to picture n.</div>'
    return (
        f'<div>The right text is first for <strong>{percent(image_to_text)}</strong> of the pictures, the right '
        f"picture for <strong>{percent(text_to_image)}</strong> of the texts.</div>"
    )


def detail(entry: NamedPicture, text: str, numbers: dict[str, float]) -> str:
    """The chosen pair, large."""
    picture = f'<img alt="{escape(entry.name)}" src="{data_uri(within(entry.picture, PICTURE_PIXELS))}">'
    lines = "".join(
        f"<tr><td>{what}</td><td>{number(value, 3) if what == 'cosine' else escape(percent(value))}</td></tr>"
        for what, value in numbers.items()
    )
    return f"{picture}<p>{named(entry.name)}</p><p>and “{escape(shortened(text, 160))}”</p><table>{lines}</table>"
