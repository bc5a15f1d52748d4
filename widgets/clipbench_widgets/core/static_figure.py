"""Figures that stand for an app where no kernel runs."""

import io

from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font

BLUE, PALE_BLUE, GREY = "#0072b2", "#5b9ecb", "#c3cad4"
MOST_ROWS = 24
LONGEST_LABEL = 36


class StaticFigure(Figure):
    """A figure that shows itself in a notebook whether or not pyplot was ever imported."""

    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        self.savefig(buffer, format="png", dpi=100, bbox_inches="tight")
        return buffer.getvalue()


def printable(text: str) -> str:
    """The text with □ for what matplotlib's own font has no picture of."""
    font = get_font(findfont(FontProperties(family="DejaVu Sans")))
    return "".join(character if font.get_char_index(ord(character)) else "□" for character in text)


ORANGE = "#c85400"
