"""The figure that plots are drawn on.

It is a matplotlib figure that shows itself and can be read aloud.
"""

import base64
import io
from collections.abc import Sequence
from typing import Any, Literal

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from clipbench.pretrained import random_weights

# Okabe and Ito's palette, which colour-blind readers can tell apart.
BLUE, ORANGE, GREEN, GRAY = "#0072B2", "#D55E00", "#009E73", "#767676"
# Seven kinds of points beside each other; an eighth and all further ones are gray. Points get a
# dark edge, because the light ones stand out too little from white.
KINDS = (BLUE, "#E69F00", GREEN, "#CC79A7", "#56B4E9", ORANGE, "#F0E442")
REST = "#9AA3AD"
ACROSS: dict[str, Any] = {
    "ha": "center",
    "va": "center",
    "rotation": 20,
    "size": 30,
    "color": "#B00020",
    "alpha": 0.35,
    "zorder": 99,
}
LEGEND = {"fontsize": 9, "framealpha": 0.8, "edgecolor": "none"}  # readable over a line
DPI = 100  # 9 inches fill a notebook page
WIDTH = 9.0
NUMBER = r"$\mathdefault"  # how matplotlib's own formulas begin, the numbers of logarithmic axes


def rounded(value: float, digits: int) -> float:
    """Round a number for a text: never to a zero with a minus."""
    return round(value, digits) + 0.0


class LessonFigure(Figure):
    """A figure that shows itself in a notebook.

    It has ``alt``, one sentence for readers who do not see it.

    It is made without pyplot, so no list of open figures grows.
    """

    alt: str = ""
    mark: str = ""  # stands across the picture where its numbers mean nothing

    def png(self) -> bytes:
        buffer = io.BytesIO()
        across = [self.text(0.5, 0.5, self.mark, **ACROSS)] if self.mark else []
        # same numbers, same bytes
        self.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
        for text in across:
            text.remove()
        return buffer.getvalue()

    def draw(self, renderer):
        """Draw the figure; in names and captions $ is a dollar and begins no formula."""
        for axes in self.axes:
            axes.get_xticklabels(), axes.get_yticklabels()  # which gives them their texts
        for text in self.findobj(Text):
            if "$" in text.get_text() and not text.get_text().startswith(NUMBER):
                text.set_parse_math(False)
        super().draw(renderer)

    @property
    def read_aloud(self) -> str:
        """``alt``, after the mark where there is one."""
        return f"{self.mark}. {self.alt}" if self.mark else self.alt

    def _repr_mimebundle_(self, include=None, exclude=None):
        picture = base64.b64encode(self.png()).decode()
        return {"image/png": picture, "text/plain": self.read_aloud}, {
            "image/png": {"alt": self.read_aloud}
        }


def new_figure(
    width: float, height: float, alt: str, layout: Literal["constrained"] | None = "constrained"
) -> LessonFigure:
    """Make an empty figure of a size in inches.

    With ``layout=None`` the caller places its axes by hand.
    """
    figure = LessonFigure(figsize=(width, height), layout=layout)
    figure.alt, figure.mark = alt, random_weights.mark()
    return figure


def plain(axes: Axes, hidden: Sequence[str] = ("top", "right")) -> Axes:
    """Hide the lines of the axes that carry nothing."""
    axes.spines[list(hidden)].set_visible(False)
    axes.tick_params(labelsize=9)
    return axes
