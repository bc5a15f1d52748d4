"""The table of an explorer as HTML, with each prompt's cosine on an axis.

Beside it stand the prompt's logit, and its probability as a bar.

Everything a person wrote passes through `html.escape`.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from types import MappingProxyType

from clipbench_widgets.core.format import number, percent, shortened
from clipbench_widgets.core.scoring import Background, Reading, most_probable
from clipbench_widgets.core.style_files import sheet

RULES = sheet("prompt_explorer/table.css")
LONGEST_SHOWN = 160  # characters of a prompt; the rest is in its tooltip
MOST_PIECES = 100
BINS = 40  # of the histogram, over the whole axis
ROOM = 0.04  # of cosine, so that a dot at the end of the axis is whole


@dataclass(frozen=True)
class Second:
    """What a second model says to the same lines."""

    own: str  # the first model's name
    name: str
    rows: Sequence[dict]  # empty where there is no second model

    @property
    def shares(self) -> dict[str, float]:
        return {row["prompt"]: row["probability"] for row in self.rows}

    @property
    def best(self) -> str:
        return most_probable(self.rows)["prompt"] if self.rows else ""


ALONE = Second("", "", ())


def score_table(
    rows: Sequence[dict],
    scale: float,
    background: Background,
    pinned: Mapping[str, float] = MappingProxyType({}),
    second: Second = ALONE,
) -> str:
    """Write the rows in the order given; the first of the highest probability is set in bold.

    Args:
        pinned: prompt -> its probability in a state that was pinned, marked in its bar.
        second: another model, which gets a bar of its own below each bar.
    """
    axis = Axis.around([row["cosine"] for row in rows], background)
    best = max(range(len(rows)), key=lambda number: rows[number]["probability"])
    lines = "".join(
        line(row, axis, number == best, pinned.get(row["prompt"]), second)
        for number, row in enumerate(rows)
    )
    return (
        '<div class="clipbench-scores">'
        '<div class="clipbench-table" role="table" aria-label="Scores of the prompts">'
        f"{heads(axis, scale, second)}{lines}</div>{background_note(background)}</div>"
    )


def heads(axis: "Axis", scale: float, second: Second = ALONE) -> str:
    bars = (
        f"{key('own', second.own)} {key('second', second.name)}"
        if second.rows
        else "softmax over these prompts"
    )
    ends = f"axis {number(axis.low, 1)} to {number(axis.high, 1)}"
    return (
        '<div class="clipbench-line clipbench-heads" role="row">'
        '<span class="clipbench-prompt" role="columnheader"><b>prompt</b></span>'
        f'<span role="columnheader"><b>cosine</b><br>{ends}<span '
        f'class="clipbench-measure">{axis.histogram()}'
        "<span></span></span></span>"
        f'<span class="clipbench-number" role="columnheader"><b>logit</b><br>× {scale:.3g}</span>'
        f'<span role="columnheader"><b>probability</b><br>{bars}</span></div>'
    )


def key(whose: str, name: str) -> str:
    """Write a model's name beside the colour of its bars."""
    return (
        f'<span class="clipbench-key-name"><i class="clipbench-key-{whose}"></i>'
        f"{escape(shortened(name, 24))}</span>"
    )


def second_bar(prompt: str, second: Second) -> str:
    """Write the second model's bar, bold where it is that model's longest."""
    share = second.shares.get(prompt)
    if share is None:
        return ""
    best = " clipbench-best" * (prompt == second.best)
    return (
        '<span class="clipbench-bar clipbench-second" aria-hidden="true">'
        f'<i style="width:{100 * share:.2f}%"></i></span>'
        f'<span class="clipbench-number clipbench-second-percent{best}">'
        f"{escape(percent(share))}</span>"
    )


def line(
    row: dict, axis: "Axis", first: bool, was: float | None = None, second: Second = ALONE
) -> str:
    prompt = row["prompt"]
    kind = " clipbench-first" * first + " clipbench-none" * (not row.get("texts", True))
    mark = "" if was is None else f'<s style="left:{100 * was:.2f}%"></s>'
    before = "" if was is None else f'<span class="clipbench-was">was {escape(percent(was))}</span>'
    return (
        f'<div class="clipbench-line{kind}" role="row">'
        f'<span class="clipbench-prompt" role="rowheader" dir="auto" title="{escape(prompt)}">'
        f"{escape(shortened(prompt, LONGEST_SHOWN))}</span>"
        f'<span class="clipbench-measure" role="cell">{axis.dot(row["cosine"])}'
        f'<span class="clipbench-number">{number(row["cosine"], 3)}</span></span>'
        f'<span class="clipbench-number" role="cell">{number(row["logit"], 2)}</span>'
        '<span class="clipbench-measure" role="cell"><span class="clipbench-bar" '
        'aria-hidden="true">'
        f'<i style="width:{100 * row["probability"]:.2f}%"></i>{mark}</span>'
        '<span class="clipbench-number clipbench-percent">'
        f"{escape(percent(row['probability']))}{before}</span>{second_bar(prompt, second)}"
        "</span></div>"
    )


def background_note(background: Background) -> str:
    spread = (
        f"{number(background.mean, 2)} ± {background.deviation:.2f} (mean ± standard deviation)"
    )
    return (
        '<p class="clipbench-note"><span class="clipbench-score-key"></span>Nothing '
        "special: the cosine of this "
        f"picture with random texts of the emoji world (the bars above the axis) is {spread}.</p>"
    )


class Axis:
    """Places on the cosine axis, as percentages of its width."""

    def __init__(self, low: float, high: float, background: Background):
        self.low, self.high, self.background = low, high, background

    @classmethod
    def around(cls, cosines: Sequence[float], background: Background) -> "Axis":
        """Make an axis wide enough for all.

        Its ends move in steps, which keeps it still while a prompt is being typed.
        """
        places = [
            *cosines,
            background.mean - background.deviation,
            background.mean + background.deviation,
        ]
        low, high = min(0.0, min(places) - ROOM), max(0.4, max(places) + ROOM)
        return cls(math.floor(low * 5) / 5, math.ceil(high * 5) / 5, background)

    def place(self, cosine: float) -> float:
        return min(100.0, max(0.0, 100 * (cosine - self.low) / (self.high - self.low)))

    def histogram(self) -> str:
        """Draw how often random texts have which cosine, above the axis of the prompts."""
        counts = Counter(
            min(BINS - 1, int(self.place(cosine) / 100 * BINS))
            for cosine in self.background.cosines
        )
        most = max(counts.values(), default=1)
        bars = "".join(
            f'<i style="left:{100 * place / BINS:.1f}%;width:{90 / BINS:.1f}%;height:{100 * count / most:.0f}%"></i>'
            for place, count in sorted(counts.items())
        )
        return f'<span class="clipbench-histogram" aria-hidden="true">{bars}</span>'

    def dot(self, cosine: float) -> str:
        """Draw the axis of one prompt: grey band of random texts, line at 0, a dot."""
        left = self.place(self.background.mean - self.background.deviation)
        right = self.place(self.background.mean + self.background.deviation)
        return (
            '<span class="clipbench-axis" aria-hidden="true">'
            f'<i style="left:{left:.1f}%;width:{right - left:.1f}%"></i>'
            f'<u style="left:{self.place(0):.1f}%"></u><s '
            f'style="left:{self.place(cosine):.1f}%"></s></span>'
        )


def token_list(readings: Sequence[Reading], templates: Sequence[str]) -> str:
    """Write what the model reads of each prompt, token by token.

    Of an ensemble, only its first template is shown.
    """
    lines = "".join(
        f'<div><span class="clipbench-number">{one.tokens}</span><span '
        f'dir="auto">{pieces(one)}</span></div>'
        for one in readings
    )
    limit = f", {readings[0].limit} at most" if readings[0].limit else ""
    first = f" Shown for the first of {len(templates)} templates." if len(templates) > 1 else ""
    return (
        '<div class="clipbench-tokens"><p><b>What the model reads</b> '
        f"Number of tokens{limit}, start and end of the text included.{first}</p>{lines}</div>"
    )


def pieces(reading: Reading) -> str:
    shown = reading.pieces[: min(reading.read, MOST_PIECES)]
    read = "".join(f"<code>{escape(piece)}</code>" for piece in shown)
    if not reading.cut:
        return read
    unread = reading.pieces[reading.read :]
    cut = "".join(f'<code class="clipbench-unread">{escape(piece)}</code>' for piece in unread[:5])
    return f"{read}{cut} cut here: {len(unread)} tokens are not read"
