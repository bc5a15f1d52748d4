"""Plots of what is inside a model.

They show attention and occlusion over a picture, a unit's favourites, and a steered picture.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from matplotlib.axes import Axes
from PIL import Image

from clipbench.figures.canvas import BLUE, GREEN, ORANGE, WIDTH, LessonFigure, new_figure, plain
from clipbench.figures.pictures import LINE, same_length, wrap

COLUMNS = 6


def attention_over_picture(
    picture: Image.Image, maps: torch.Tensor, labels: Sequence[str], title: str | None = None
) -> LessonFigure:
    """Draw a picture, and beside it the same in grey under each attention map.

    Every map has its own scale, from 0 to its largest.

    Args:
        picture: what the model saw of it, square.
        maps: (K, g, g), attention to the patches, as ``on_grid`` gives it.
        labels: K, what each map is of.
    """
    same_length(maps=maps, labels=labels)
    title = title or attention_finding(maps, labels)
    axes, figure = grid_of(
        1 + len(labels), f"Attention over a picture, {len(labels)} maps. {title}", title
    )
    show(axes[0], picture, "the picture")
    gray = np.asarray(picture.convert("L").convert("RGB"))
    for ax, map_, label in zip(axes[1:], maps.cpu(), labels, strict=True):
        show(ax, gray, label)
        ax.imshow(
            map_.numpy(), extent=ax.get_images()[0].get_extent(), cmap="inferno", vmin=0, alpha=0.72
        )
    return figure


def attention_finding(maps: torch.Tensor, labels: Sequence[str]) -> str:
    """Say how much attention the quarter of the patches with the most gets.

    It names the most and the least concentrated map.
    """
    flat = maps.flatten(1)
    quarter = max(1, flat.shape[1] // 4)
    share = flat.topk(quarter, dim=1).values.sum(1) / flat.sum(1)
    most, least = int(share.argmax()), int(share.argmin())
    return (
        f"Of what goes to patches, a quarter of them gets from {share[least]:.0%} "
        f"({labels[least]}) "
        f"to {share[most]:.0%} ({labels[most]})"
    )


def occlusion_beside_picture(
    picture: Image.Image,
    maps: torch.Tensor,
    texts: Sequence[str],
    part: tuple[float, float],
    title: str | None = None,
) -> LessonFigure:
    """Draw a picture, and for each text its occlusion map.

    The map shows where covering the picture makes the cosine fall (orange) or rise (violet).

    Args:
        maps: (C, h, w), the fall of the cosine, as ``occlusion_maps`` gives it.
        part: where the maps begin and end, as fractions of the picture's side, as
            ``part_of_picture`` gives it; (0, 1) for maps of the whole picture.
    """
    same_length(maps=maps, texts=texts)
    highest = maps.flatten(1).amax(1).clamp(min=0) + 0.0  # no minus zero
    title = title or "The cosine falls by at most " + ", ".join(
        f"{value:.2f} (“{text}”)" for text, value in zip(texts, highest.tolist(), strict=True)
    )
    axes, figure = grid_of(1 + len(texts), f"Occlusion maps of {len(texts)} texts. {title}", title)
    show(axes[0], picture, "the picture")
    gray = np.asarray(picture.convert("L").convert("RGB"))
    reach = max(float(maps.abs().max()), 1e-6)
    for ax, map_, text in zip(axes[1:], maps.cpu(), texts, strict=True):
        show(ax, gray, f"“{text}”")
        colours = {"cmap": "PuOr_r", "vmin": -reach, "vmax": reach, "alpha": 0.75}
        drawn = ax.imshow(map_.numpy(), extent=(*part, 1 - part[1], 1 - part[0]), **colours)
        ax.set(xlim=(0, 1), ylim=(0, 1))
    bar = figure.colorbar(drawn, ax=axes, shrink=0.85, pad=0.01, label="fall of the cosine")
    bar.ax.tick_params(labelsize=9)
    return figure


def unit_favourites(
    name: str,
    pictures: Sequence[Image.Image],
    words: Sequence[Image.Image],
    picture_labels: Sequence[str],
    word_labels: Sequence[str],
    title: str | None = None,
) -> LessonFigure:
    """Draw the pictures that excite a unit most in one row, the written words in the other.

    Args:
        name: of the unit.
        picture_labels, word_labels: what stands below each, such as the concept and the response.
    """
    same_length(pictures=pictures, picture_labels=picture_labels)
    same_length(words=words, word_labels=word_labels)
    title = title or f"What excites {name} most: pictures above, written words below"
    alt = f"{title}. Pictures: {'; '.join(picture_labels)}. Words: {'; '.join(word_labels)}"
    columns = max(len(pictures), len(words), 2)
    tile = WIDTH / max(columns, 5)
    figure = new_figure(columns * tile, 2 * (tile + 2 * LINE) + 0.4, alt)
    rows = figure.subplots(2, columns, squeeze=False)
    for axes, shown, labels in zip(
        rows, (pictures, words), (picture_labels, word_labels), strict=True
    ):
        for ax in axes:
            ax.axis("off")
        for ax, each, label in zip(axes, shown, labels, strict=False):
            show(ax, each, wrap(label, 0.95 * tile))
    figure.suptitle(title, fontsize=11)
    return figure


def steering_filmstrip(
    text: str,
    runs: Mapping[str, tuple[Sequence[Image.Image], Sequence[int], Sequence[float]]],
    title: str | None = None,
) -> LessonFigure:
    """Draw frames of pictures that are steered towards a text, one row for each run.

    The cosine over the steps is below.

    Args:
        runs: name -> (pictures, steps, cosines) of equally many frames.
    """
    ends = {name: cosines[-1] for name, (_, _, cosines) in runs.items()}
    begin = next(iter(runs.values()))[2][0]
    reached = ", ".join(f"{value:.2f} ({name})" for name, value in ends.items())
    title = title or f"Steered towards “{text}”: the cosine grows from {begin:.2f} to {reached}"
    columns = max(len(pictures) for pictures, _, _ in runs.values())
    tile = (WIDTH - 0.2) / max(columns, 5)
    alt = f"Film strip of {len(runs)} runs with {columns} frames. {title}"
    figure = new_figure(WIDTH, len(runs) * (tile + 0.5) + 2.6, alt)
    parts = figure.subfigures(
        len(runs) + 1, 1, squeeze=False, height_ratios=[tile + 0.5] * len(runs) + [2.2]
    )[:, 0]
    for part, (name, (pictures, steps, cosines)) in zip(parts, runs.items(), strict=False):
        same_length(pictures=pictures, steps=steps, cosines=cosines)
        part.suptitle(name, fontsize=10, x=0.01, ha="left")
        axes = part.subplots(1, columns, squeeze=False)[0]
        for ax in axes:
            ax.axis("off")
        for ax, picture, step, cosine in zip(axes, pictures, steps, cosines, strict=False):
            show(ax, picture, f"step {step}: {cosine:.2f}")
    ax = plain(parts[-1].subplots())
    for (name, (_, steps, cosines)), colour in zip(
        runs.items(), (ORANGE, BLUE, GREEN), strict=False
    ):
        ax.plot(steps, cosines, "o-", color=colour, markersize=4, label=name)
    ax.set(xlabel="step", ylabel="cosine, whole picture")
    ax.legend(fontsize=9, frameon=False)
    figure.suptitle(wrap(title, 0.78 * WIDTH), fontsize=11)
    return figure


def grid_of(count: int, alt: str, title: str) -> tuple[np.ndarray, LessonFigure]:
    """Make this many square axes in rows of at most six."""
    columns = min(count, COLUMNS)
    rows = -(-count // columns)
    tile = WIDTH / max(columns, 4)
    width = columns * tile
    title = wrap(title, 0.78 * width)  # its letters are larger
    figure = new_figure(
        width, rows * (tile + 0.25) + 0.15 + 1.2 * LINE * (title.count("\n") + 1), alt
    )
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for ax in axes:
        ax.axis("off")
    figure.suptitle(title, fontsize=11)
    return axes[:count], figure


def show(ax: Axes, picture: Image.Image | np.ndarray, label: str) -> None:
    """Show a picture with a label above it, its pixels as they are."""
    pixels = np.asarray(picture.convert("RGB")) if isinstance(picture, Image.Image) else picture
    ax.imshow(pixels, interpolation="nearest", extent=(0, 1, 0, 1))
    ax.set_title(label, fontsize=9, pad=3)
    ax.axis("off")
