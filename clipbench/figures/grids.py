"""A table of numbers, coloured: what stands in rows against what stands in columns."""

from collections.abc import Sequence

import torch

from clipbench.figures.canvas import LessonFigure, new_figure
from clipbench.figures.pictures import LETTERS_PER_INCH, LINE, wrap


def value_grid(
    values: torch.Tensor,
    rows: Sequence[str],
    columns: Sequence[str],
    title: str,
    *,
    decimals: int = 0,
    best_of: str | None = None,
) -> LessonFigure:
    """Draw numbers as a table; darker means larger, from the smallest of them to the largest.

    Args:
        values: (rows, columns).
        best_of: "row" or "column" prints the largest number of each in bold.

    Raises:
        ValueError: for a table of another shape than its names.
    """
    if tuple(values.shape) != (len(rows), len(columns)):
        raise ValueError(
            f"values are {tuple(values.shape)} for {len(rows)} rows and {len(columns)} columns"
        )
    labels = [wrap(row, 2.6) for row in rows]
    heads = [wrap(column, 0.95) for column in columns]
    longest = max(len(line) for label in labels for line in label.split("\n"))
    head = LINE * max(text.count("\n") + 1 for text in heads)
    width = longest / LETTERS_PER_INCH + len(columns) * 0.95 + 0.3
    alt = f"Table of {len(rows)} rows and {len(columns)} columns. {title}"
    title = wrap(title, 0.95 * width)
    height = 0.42 * len(rows) + head + 0.35 + 0.2 * (title.count("\n") + 1)
    figure = new_figure(width, height, alt)
    ax = figure.subplots()
    ax.imshow(values.cpu().numpy(), cmap="Blues", aspect="auto", alpha=0.85)
    low, high = float(values.min()), float(values.max())
    bold = largest(values, best_of)
    for row, numbers in enumerate(values.tolist()):
        for column, number in enumerate(numbers):
            colour = "white" if number > low + 0.62 * (high - low) else "black"
            weight = "bold" if bold[row, column] else "normal"
            shown = f"{number:.{decimals}f}"
            ax.text(
                column,
                row,
                shown,
                ha="center",
                va="center",
                fontsize=10,
                color=colour,
                weight=weight,
            )
    ax.set_yticks(range(len(rows)), labels, fontsize=9)
    ax.set_xticks(range(len(columns)), heads, fontsize=9)
    ax.tick_params(length=0, bottom=False, labelbottom=False, labeltop=True)
    ax.spines[:].set_visible(False)
    figure.suptitle(title, fontsize=11)
    return figure


def largest(values: torch.Tensor, of: str | None) -> torch.Tensor:
    """Mark the largest of each row or column, or none: (rows, columns) bool."""
    if of is None:
        return torch.zeros_like(values, dtype=torch.bool)
    return values == values.amax(1 if of == "row" else 0, keepdim=True)
