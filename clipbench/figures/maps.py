"""Features as points of a plane, coloured by what they are, with the names of their clusters."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import torch
from matplotlib import patheffects
from matplotlib.offsetbox import AnnotationBbox, OffsetImage
from matplotlib.patches import Patch
from PIL import Image

from clipbench.figures.canvas import KINDS, REST, LessonFigure, new_figure, plain
from clipbench.figures.pictures import same_length, wrap

OTHERS = "others"
GRID = (12, 9)  # cells in which a label looks for its place


def labelled_map(
    points: torch.Tensor,
    kinds: Sequence[str | None],
    title: str,
    texts: Sequence[bool] | None = None,
    labels: tuple[str, str] = ("first direction", "second direction"),
) -> LessonFigure:
    """Draw points (M, 2) coloured by kind.

    Each kind's name stands where it is most among itself.

    Args:
        kinds: what each point is; points of none are gray, and of more than seven kinds those of
            the rarer ones.
        texts: which points are texts: these are squares, the others circles.
        labels: of the axes.
    """
    texts = [False] * len(kinds) if texts is None else list(texts)
    same_length(points=points, kinds=kinds, texts=texts)
    places, names = points.numpy(), main_kinds([kind for kind in kinds if kind is not None])
    figure = new_figure(
        7.5, height_for(places), f"A map of {len(places):,} points: {', '.join(names)}. {title}"
    )
    ax = plain(figure.subplots())
    of_kind = np.array([names.index(kind) if kind in names else -1 for kind in kinds])
    size = float(np.clip(30_000 / max(1, len(places)), 9, 45))
    for number in [-1, *range(len(names))]:
        for is_text, marker in ((False, "o"), (True, "s")):
            chosen = places[(of_kind == number) & (np.array(texts) == is_text)]
            colour = REST if number < 0 else KINDS[number]
            ax.scatter(
                chosen[:, 0],
                chosen[:, 1],
                s=size,
                c=colour,
                marker=marker,
                edgecolors="#333a44",
                linewidths=0.4,
            )
    ax.set(xlabel=labels[0], ylabel=labels[1], aspect="equal")
    ax.set_title(wrap(title, 7.2), fontsize=11)
    halo = [patheffects.withStroke(linewidth=3, foreground="white")]
    for name, (x, y) in label_places(places, of_kind, names).items():
        ax.text(
            x, y, name, fontsize=10, fontweight="bold", ha="center", va="center", path_effects=halo
        )
    if names:
        add_legend(figure, names)
    return figure


def picture_map(
    points: torch.Tensor, pictures: Sequence[Image.Image], title: str, side: float = 0.42
) -> LessonFigure:
    """Draw pictures at their points (M, 2): as many as fit without covering each other.

    Args:
        side: of a picture, in inches.
    """
    same_length(points=points, pictures=pictures)
    places = points.numpy()
    height = height_for(places)
    spots = apart(places, (7.2 / side, (height - 0.6) / side))
    alt = f"A map of {len(places):,} points, {len(spots)} of them drawn as pictures. {title}"
    figure = new_figure(7.5, height, alt)
    ax = figure.subplots()
    for row in spots:
        pixels = np.asarray(pictures[row].convert("RGB"))
        box = OffsetImage(pixels, zoom=72 * side / pixels.shape[0], interpolation="lanczos")
        ax.add_artist(AnnotationBbox(box, places[row], frameon=False))
    if len(places):
        ax.set(xlim=margins(places[:, 0]), ylim=margins(places[:, 1]))
    ax.axis("off")
    figure.suptitle(title, fontsize=11)
    return figure


def apart(points: np.ndarray, room: tuple[float, float]) -> list[int]:
    """Choose rows of points (M, 2), the first ones first, of which no two share a place.

    Args:
        room: how many pictures fit beside and above each other.
    """
    step = np.maximum(np.ptp(points, axis=0), 1e-12) / room if len(points) else np.ones(2)
    chosen: list[int] = []
    for row, point in enumerate(points):
        if all((np.abs(point - points[other]) >= step).any() for other in chosen):
            chosen.append(row)
    return chosen


def margins(values: np.ndarray) -> tuple[float, float]:
    """Give limits of an axis that leave half a picture at both ends."""
    edge = 0.04 * max(float(np.ptp(values)), 1e-12)
    return float(values.min()) - edge, float(values.max()) + edge


def add_legend(figure: LessonFigure, names: Sequence[str]) -> None:
    """Add a legend below the map, with the colour of each kind."""
    swatches = [  # a space before the name, because matplotlib hides names that begin with "_"
        Patch(facecolor=colour, edgecolor="#333a44", linewidth=0.5, label=f" {name}")
        for name, colour in zip(names, KINDS, strict=False)
    ]
    style = {"fontsize": 9, "frameon": False, "handlelength": 1, "handleheight": 1}
    figure.legend(handles=swatches, loc="outside lower center", ncols=4, **style)


def height_for(points: np.ndarray) -> float:
    """Compute the inches that leave no empty bands above and below a flat map of 7.5 inches."""
    if not len(points):
        return 5.8
    wide, high = np.ptp(points, axis=0)
    return float(np.clip(1 + 6.5 * high / max(wide, 1e-12), 3.5, 5.8))


def main_kinds(kinds: Sequence[str], most: int = len(KINDS)) -> list[str]:
    """List the most frequent kinds, first the most frequent.

    Of equally frequent ones the one that appears first comes first.
    """
    return [kind for kind, _ in Counter(kinds).most_common(most)]


def label_places(
    points: np.ndarray, of_kind: np.ndarray, names: Sequence[str]
) -> dict[str, tuple[float, float]]:
    """Choose where each kind's name should stand.

    It is in a cell of its own where the kind is frequent and others are rare.

    Args:
        points: (M, 2).
        of_kind: (M,) positions in ``names``, -1 for the rest.
    """
    if not len(points):
        return {}
    low, size = points.min(0), np.maximum(np.ptp(points, axis=0), 1e-12)
    cells = np.minimum(((points - low) / size * GRID).astype(int), np.array(GRID) - 1)
    counts = np.zeros((len(names) + 1, *GRID))
    np.add.at(counts, (of_kind, *cells.T), 1)  # position -1 is the last
    own = counts[:-1] ** 2 / np.maximum(counts.sum(0), 1)
    found: dict[str, tuple[float, float]] = {}
    taken = np.zeros(GRID, bool)
    for number in np.argsort(-own.reshape(len(names), -1).max(1), kind="stable").tolist():
        free = np.where(taken, -1.0, own[number])
        column, row = np.unravel_index(free.argmax(), GRID)
        if free[column, row] <= 0:
            continue  # no place without another's name
        inside = points[(of_kind == number) & (cells == (column, row)).all(1)]
        found[names[number]] = tuple(np.median(inside, axis=0).tolist())
        taken[max(0, column - 2) : column + 3, max(0, row - 1) : row + 2] = True
    return found
