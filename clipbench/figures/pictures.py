"""Plots made of pictures.

They are a sheet of pictures with captions, and a heat-map with pictures along one side.
"""

import math
import textwrap
from collections.abc import Sequence, Sized

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from PIL import Image

from clipbench.figures.canvas import WIDTH, LessonFigure, new_figure, rounded

LETTERS_PER_INCH = 13.5  # of the 9-point font, on average
LINE = 0.165  # inches from one line of it to the next
SLANT = 35.0  # degrees, of the captions above a matrix


def contact_sheet(
    pictures: Sequence[Image.Image],
    captions: Sequence[str],
    title: str = "",
    columns: int = 6,
    colours: Sequence[str] | None = None,
    width: float = WIDTH,
) -> LessonFigure:
    """Draw pictures in rows, each with its caption below.

    Captions are in their own colours if ``colours`` are given.

    A full row is ``width`` inches wide.

    Raises:
        ValueError: for another number of captions or colours than pictures.
    """
    colours = colours or ["black"] * len(captions)
    same_length(pictures=pictures, captions=captions, colours=colours)
    columns = min(columns, len(pictures))
    tile = width / max(columns, 5)  # inches
    texts = [wrap(caption, 0.97 * tile) for caption in captions]
    rows = [
        range(start, min(start + columns, len(texts))) for start in range(0, len(texts), columns)
    ]
    heights = [
        0.93 * tile + 0.12 + LINE * max(texts[i].count("\n") + 1 for i in row) for row in rows
    ]
    head = 0.35 if title else 0.02
    alt = (
        f"{title + ': ' if title else ''}{len(pictures)} pictures with captions: "
        f"{'; '.join(captions)}"
    )
    figure = new_figure(columns * tile, head + sum(heights), alt, layout=None)
    top = figure.get_figheight() - head
    for row, height in zip(rows, heights, strict=True):
        for column, i in enumerate(row):
            draw_tile(figure, pictures[i], texts[i], (column * tile, top), tile, colours[i])
        top -= height
    if title:
        figure.text(
            0.5, 1 - 0.06 / figure.get_figheight(), title, ha="center", va="top", fontsize=11
        )
    return figure


def draw_tile(
    figure: LessonFigure,
    picture: Image.Image,
    text: str,
    corner: tuple[float, float],
    tile: float,
    colour: str,
) -> None:
    """Draw one picture with its caption, hanging from ``corner``, its left and top in inches."""
    width, height = figure.get_size_inches()
    side, left, top = 0.93 * tile, corner[0] + 0.035 * tile, corner[1]
    ax = figure.add_axes((left / width, (top - side) / height, side / width, side / height))
    ax.imshow(np.asarray(picture.convert("RGB")), interpolation="lanczos")
    ax.axis("off")
    x, y = (left + side / 2) / width, (top - side - 0.04) / height
    figure.text(x, y, text, ha="center", va="top", fontsize=9, color=colour)


def similarity_heatmap(
    similarity: torch.Tensor,
    pictures: Sequence[Image.Image],
    texts: Sequence[str],
    title: str | None = None,
    what: str = "cosine similarity",
    pairs: bool = True,
) -> LessonFigure:
    """Draw the similarities of all pictures (rows) with all texts (columns), as in the paper.

    In a square matrix the true pairs, on the diagonal, have a frame.

    Args:
        similarity: (pictures, texts), as ``image_features @ text_features.T``.
        title: computed from the matrix if it is not given.
        what: the values' name; "probability" gives colours from 0 to 1 instead of -1 to 1, and
            leaves out numbers that are rounded to zero.
        pairs: False for a matrix whose diagonal means nothing, though it may be square.

    Raises:
        ValueError: when the matrix has another shape than (pictures, texts).
    """
    if tuple(similarity.shape) != (len(pictures), len(texts)):
        raise ValueError(
            f"similarity is {tuple(similarity.shape)} for {len(pictures)} pictures and "
            f"{len(texts)} texts"
        )
    similarity = similarity.cpu()
    title = title or diagonal_finding(similarity)
    rows, columns = similarity.shape
    labels = [wrap(text, 2.1) for text in texts]
    cell = min(0.95, 5.6 / max(rows, columns))  # inches
    beyond, above = slanted_size(labels, cell)
    width = (columns + 1.1) * cell + beyond + 0.2
    alt = f"Heat-map of {rows} pictures (rows) and {columns} captions (columns). {title}"
    title = wrap(title, 0.95 * width)
    height = cell * rows + above + 0.5 + LINE * (title.count("\n") + 1)
    figure = new_figure(max(width, 3.2), height, alt)
    ax = figure.subplots()
    probability = what == "probability"
    colours, least = ("Blues", 0) if probability else ("RdBu", -1)
    ax.imshow(similarity.numpy(), cmap=colours, vmin=least, vmax=1)
    draw_cells(ax, similarity, pairs, zeros=not probability)
    for row, picture in enumerate(pictures):
        place = (-1.52, -0.58, row + 0.47, row - 0.47)
        pixels = np.asarray(picture.convert("RGB"))
        ax.imshow(pixels, extent=place, interpolation="lanczos", origin="upper")
    ax.set(xlim=(-1.55, columns - 0.5), ylim=(rows - 0.5, -0.5), yticks=[], xlabel=what)
    ax.set_xticks(range(columns), labels, fontsize=9, rotation=SLANT, ha="left", va="bottom")
    ax.set_xticks(range(columns), labels, rotation_mode="anchor")
    ax.tick_params(length=0, bottom=False, labelbottom=False, labeltop=True, pad=2)
    ax.spines[:].set_visible(False)
    figure.suptitle(title, fontsize=11)
    return figure


def slanted_size(labels: Sequence[str], cell: float) -> tuple[float, float]:
    """Compute how far slanted labels reach beyond the last column, and how high they are.

    Both are in inches.
    """
    across, up = math.cos(math.radians(SLANT)), math.sin(math.radians(SLANT))
    sizes = [
        (max(map(len, label.split("\n"))) / LETTERS_PER_INCH, LINE * (label.count("\n") + 1))
        for label in labels
    ]
    beyond = [
        wide * across - cell * (len(labels) - 0.5 - column)
        for column, (wide, _) in enumerate(sizes)
    ]
    return max(0.0, *beyond), max(wide * up + high * across for wide, high in sizes)


def to_pictures(images: torch.Tensor) -> list[Image.Image]:
    """Convert a batch of uint8 pixels (B, 3, S, S), as the renderer draws them, to pictures."""
    return [Image.fromarray(pixels) for pixels in images.permute(0, 2, 3, 1).cpu().numpy()]


def draw_cells(ax: Axes, similarity: torch.Tensor, pairs: bool = True, zeros: bool = True) -> None:
    """Write the number in each cell, and frame the true pairs.

    They are on the diagonal of a square matrix of pairs. Without ``zeros`` a cell that would read
    0.00 stays empty.
    """
    for row, values in enumerate(similarity.tolist()):
        for column, value in enumerate(values):
            shown, colour = f"{rounded(value, 2):.2f}", "white" if abs(value) > 0.6 else "black"
            if zeros or shown != "0.00":
                ax.text(column, row, shown, ha="center", va="center", fontsize=9, color=colour)
        if pairs and len(similarity) == len(values):
            ax.add_patch(Rectangle((row - 0.48, row - 0.48), 0.96, 0.96, fill=False, linewidth=1.5))


def diagonal_finding(similarity: torch.Tensor) -> str:
    """Say in one line what a similarity matrix shows about its pairs."""
    if similarity.shape[0] != similarity.shape[1]:
        return f"{similarity.shape[0]} pictures and {similarity.shape[1]} texts"
    beside = similarity[~torch.eye(len(similarity), dtype=torch.bool)]
    own, others = (rounded(float(each.mean()), 2) for each in (similarity.diagonal(), beside))
    right = int((similarity.argmax(1) == torch.arange(len(similarity))).sum())
    return (
        f"Mean cosine {own:.2f} with the own caption, {others:.2f} with others; "
        f"{right} of {len(similarity)} pictures find their caption"
    )


def wrap(text: str, inches: float) -> str:
    return textwrap.fill(text, max(8, round(LETTERS_PER_INCH * inches)), break_long_words=True)


def same_length(**lists: Sized) -> None:
    lengths = {name: len(items) for name, items in lists.items()}
    if len(set(lengths.values())) != 1:
        raise ValueError(f"these must be equally long: {lengths}")
