"""Drawings of ideas.

They show the machine with its two encoders, things counted along axes, and features on a circle.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.patches import Circle, FancyArrow, Polygon, Rectangle
from PIL import Image

from clipbench.figures.canvas import BLUE, GRAY, ORANGE, LessonFigure, new_figure, plain, rounded
from clipbench.figures.pictures import same_length, wrap

SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
# Where the parts of the machine stand, from left to right; a row of the matrix is 1 high.
INPUT, ENCODER, PROJECTION, EMBEDDING, MATRIX = 0.0, 2.7, 4.9, 6.5, 7.7
HEAD = 1.1  # between the matrix and the captions above it

Place = tuple[float, float]


def two_encoders(
    pictures: Sequence[Image.Image],
    texts: Sequence[str],
    similarity: torch.Tensor,
    title: str = "Two encoders, one space: every picture is compared with every caption",
) -> LessonFigure:
    """Draw CLIP as figure 1 of the paper does: pictures are rows, captions are columns.

    Args:
        similarity: (N, N), as ``image_features @ text_features.T``.

    Raises:
        ValueError: for another number of texts than pictures.
    """
    same_length(pictures=pictures, texts=texts, similarity=similarity)
    n = len(texts)
    size = MATRIX + n + 0.1, n + HEAD + 0.55 * n + 0.3
    alt = (
        f"Diagram: {n} pictures pass the image encoder and a projection, {n} captions the text "
        f"encoder and a projection; a matrix holds the cosine of each picture with each caption. "
        f"{title}"
    )
    figure = new_figure(9.0, 9.0 * size[1] / size[0] + 0.3, alt)
    ax = figure.subplots()
    ax.set(xlim=(-0.1, size[0]), ylim=(-0.2, size[1]), aspect="equal")
    ax.axis("off")
    draw_picture_side(ax, pictures, n)
    draw_text_side(ax, texts, n)
    draw_matrix(ax, similarity, n)
    figure.suptitle(title, fontsize=11)
    return figure


def draw_picture_side(ax: Axes, pictures: Sequence[Image.Image], n: int) -> None:
    """Draw the pictures at the left, one in each row, and what becomes of them."""
    for row, picture in enumerate(pictures):
        low = n - 1 - row
        extent = (INPUT + 1.0, INPUT + 1.9, low + 0.05, low + 0.95)
        ax.imshow(np.asarray(picture.convert("RGB")), extent=extent, interpolation="lanczos")
        box(ax, (EMBEDDING, low + 0.1), (0.8, 0.8), named("I", row), BLUE)
    parts_of_encoder(ax, "image\nencoder", 0.0, float(n), BLUE)


def draw_text_side(ax: Axes, texts: Sequence[str], n: int) -> None:
    """Draw the captions above, and what becomes of them."""
    bottom, height = n + HEAD, 0.55 * n
    for row, text in enumerate(texts):
        y = bottom + height - 0.55 * (row + 0.5)
        ax.text(ENCODER - 0.25, y, text, ha="right", va="center", fontsize=9)
        box(ax, (MATRIX + row + 0.1, n + 0.15), (0.8, 0.8), named("T", row), ORANGE)
    parts_of_encoder(ax, "text\nencoder", bottom, height, ORANGE, ends_at=MATRIX + n / 2)
    arrow(ax, (MATRIX + n / 2, bottom + height / 2), (MATRIX + n / 2, n + 1.0))


def parts_of_encoder(
    ax: Axes, name: str, low: float, height: float, colour: str, ends_at: float = EMBEDDING
) -> None:
    """Draw an encoder that narrows, its projection, and the arrows between."""
    middle = low + height / 2
    sides = [(0, low), (1.6, low + 0.2 * height), (1.6, low + 0.8 * height), (0, low + height)]
    corners = [(ENCODER + x, y) for x, y in sides]
    ax.add_patch(Polygon(corners, facecolor=colour, alpha=0.18, edgecolor=colour))
    ax.text(ENCODER + 0.8, middle, name, ha="center", va="center", fontsize=10)
    box(ax, (PROJECTION, middle - 0.4), (1.1, 0.8), "projection", colour, fontsize=7.5)
    arrow(ax, (INPUT + 2.0, middle) if ends_at == EMBEDDING else None, (ENCODER, middle))
    arrow(ax, (ENCODER + 1.6, middle), (PROJECTION, middle))
    arrow(ax, (PROJECTION + 1.1, middle), (ends_at, middle), head=ends_at == EMBEDDING)


def draw_matrix(ax: Axes, similarity: torch.Tensor, n: int) -> None:
    """Write each cosine into its cell, darker where it is larger; own pairs have a thick edge."""
    for row, values in enumerate(similarity.tolist()):
        for column, value in enumerate(values):
            corner, own = (MATRIX + column, float(n - 1 - row)), row == column
            face = (0.0, 0.45, 0.7, float(np.clip(value, 0, 1)))
            edge: dict[str, Any] = {
                "edgecolor": "black" if own else GRAY,
                "linewidth": 2.0 if own else 0.5,
            }
            ax.add_patch(Rectangle(corner, 1, 1, facecolor=face, zorder=3 if own else 2, **edge))
            text = f"{rounded(value, 2):.2f}"
            style: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": 9, "zorder": 4}
            ax.text(corner[0] + 0.5, corner[1] + 0.5, text, **style)


def named(letter: str, row: int) -> str:
    return f"{letter}{row + 1}".translate(SUBSCRIPTS)


def box(ax: Axes, corner: Place, size: Place, text: str, colour: str, fontsize: float = 9) -> None:
    """Draw a rectangle with a word in its middle."""
    ax.add_patch(Rectangle(corner, *size, facecolor="white", edgecolor=colour, linewidth=1.4))
    x, y = corner[0] + size[0] / 2, corner[1] + size[1] / 2
    ax.text(x, y, text, ha="center", va="center", fontsize=fontsize)


def arrow(ax: Axes, start: Place | None, end: Place, head: bool = True) -> None:
    """Draw an arrow, or a line without ``head``; nothing without a start."""
    if start is not None:
        style = {"arrowstyle": "->" if head else "-", "color": "#333a44", "linewidth": 1.2}
        ax.annotate("", end, start, arrowprops={**style, "shrinkA": 0, "shrinkB": 0})


def counted_axes(
    counts: Mapping[str, tuple[int, int, int]], axes: tuple[str, str, str], title: str
) -> LessonFigure:
    """Draw scenes as points whose coordinates count what they show.

    On the left is the plane of the first two axes, for scenes that have nothing of the third; on
    the right all scenes in three dimensions.

    Args:
        counts: what stands beside the point -> how many of each of the three things.
        axes: the names of the three things.
    """
    alt = f"Points in a plane ({axes[0]}, {axes[1]}) and in space ({', '.join(axes)}). {title}"
    figure = new_figure(9.0, 4.4, alt)
    flat = plain(figure.add_subplot(1, 2, 1))
    deep = figure.add_subplot(1, 2, 2, projection="3d")
    reach = max(max(each) for each in counts.values())
    for name, (x, y, z) in counts.items():
        if not z:
            flat.annotate("", (x, y), (0, 0), arrowprops={"arrowstyle": "->", "color": BLUE})
            flat.annotate(name, (x, y), (4, 5), textcoords="offset points", fontsize=9)
        deep.plot([0, x], [0, y], [0, z], "o-", color=ORANGE if z else BLUE, markevery=[1])
        deep.text(x, y, z + 0.12, name, fontsize=9)
    ticks, limits = range(reach + 1), (0, reach + 0.7)
    flat.set(xlabel=axes[0], ylabel=axes[1], xticks=ticks, yticks=ticks)
    flat.set(xlim=limits, ylim=limits, aspect="equal")
    deep.set(xlabel=axes[0], ylabel=axes[1], zlabel=axes[2])
    deep.set(xticks=ticks, yticks=ticks, zticks=ticks, xlim=limits, ylim=limits, zlim=limits)
    deep.tick_params(labelsize=9)
    deep.set_box_aspect(None, zoom=0.82)  # so that no name of an axis is cut off
    figure.suptitle(title, fontsize=11)
    return figure


def arrows_on_circle(
    moments: Mapping[str, tuple[Sequence[float], Sequence[float]]], title: str
) -> LessonFigure:
    """Draw pairs of features as arrows to the edge of a circle, one circle for each moment.

    Args:
        moments: name -> (angles of the pictures, angles of the captions) in radians; number i of
            both is a pair, and has the same number beside its arrow.
    """
    width = max(2.6, 1.9 * len(moments))
    figure = new_figure(width, 2.6, f"{len(moments)} circles with arrows. {title}")
    for ax, (name, (of_pictures, of_captions)) in zip(
        np.ravel(figure.subplots(1, len(moments))), moments.items(), strict=True
    ):
        ax.add_patch(Circle((0, 0), 1, fill=False, edgecolor=GRAY, linewidth=0.8))
        for number, pair in enumerate(zip(of_pictures, of_captions, strict=True), start=1):
            for angle, colour, reach in zip(pair, (BLUE, ORANGE), (1.2, 0.72), strict=True):
                ray(ax, angle, colour, reach, str(number))
        ax.set(xlim=(-1.4, 1.4), ylim=(-1.4, 1.4), aspect="equal")
        ax.set_title(name, fontsize=9)
        ax.axis("off")
    figure.suptitle(wrap(title, 0.9 * width), fontsize=11)
    return figure


def ray(ax: Axes, angle: float, colour: str, reach: float, label: str) -> None:
    """Draw one arrow from the middle, with its number on it or behind its point."""
    x, y = float(np.cos(angle)), float(np.sin(angle))
    shape: dict[str, Any] = {"width": 0.02, "head_width": 0.13, "length_includes_head": True}
    ax.add_patch(FancyArrow(0, 0, x, y, color=colour, **shape))
    halo = {"facecolor": "white", "edgecolor": "none", "pad": 0.5, "alpha": 0.8}
    style: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": 9, "color": colour}
    ax.text(reach * x, reach * y, label, bbox=halo, **style)
