"""Draw the figure at the top of the README.

``python tools/docs/opening_figure.py`` writes docs/opening.png.

On the left one apple with three papers, judged by two shipped twins that differ only in whether
their training world had printed signs. On the right the same question over 2,000 pictures, from
clipbench/assets/records/typographic-*.json: three seeds for each twin, with 95 % intervals.
"""

import json
from pathlib import Path

import clipbench
from clipbench.data.alter.sticker import Sticker, print_on
from clipbench.data.world.staged import Staged, stage
from clipbench.evaluate.zero_shot import class_probabilities
from clipbench.figures.canvas import BLUE, DPI, GRAY, ORANGE, new_figure, plain

ROOT = Path(__file__).parents[2]
TWINS = {
    "many-signs": ("trained in a world with signs", ORANGE),
    "no-signs": ("its twin, from a world without", BLUE),
}
WORDS = [None, "gorilla", "perhaps"]
NAMES = ["green apple", "gorilla", "pizza", "lion"]


def views() -> list:
    (apple,) = stage([Staged(("green apple",), "white")], 320)
    return [apple if word is None else print_on(apple, Sticker(word)) for word in WORDS]


def probabilities(twin: str, pictures: list) -> list[list[float]]:
    encoder = clipbench.load(f"twin:{twin}")
    weights = clipbench.zero_shot_weights(encoder, NAMES, ["a photo of a {}."])
    features = encoder.encode_image(encoder.preprocess(pictures))
    return class_probabilities(features, weights, encoder.scale)[1].tolist()


def records(twin: str) -> list[dict]:
    """Read the metrics of each seed."""
    files = sorted((ROOT / "clipbench/assets/records").glob(f"typographic-{twin}-*.json"))
    return [json.loads(file.read_text(encoding="utf-8"))["metrics"] for file in files]


def cost_of_reading(twin: str) -> float:
    """Give the points of two-way accuracy that the word costs beyond the control word.

    It is the mean over seeds.
    """
    each = [
        100 * (metrics["two_way_control"] - metrics["two_way_attacked"])
        for metrics in records(twin)
    ]
    return sum(each) / len(each)


def draw():
    pictures = views()
    said = {twin: probabilities(twin, pictures) for twin in TWINS}
    costs = {twin: cost_of_reading(twin) for twin in TWINS}
    alt = (
        "Three pictures of a green apple: as it is, with the word gorilla, with the "
        "word perhaps. With gorilla on it "
        "the model of a world with signs sees a gorilla with "
        f"{said['many-signs'][1][1]:.1%}, its twin an apple with "
        f"{said['no-signs'][1][0]:.1%}. Over many pictures the word costs the first "
        f"{costs['many-signs']:.0f} points, "
        f"the twin {costs['no-signs']:.0f}."
    )
    figure = new_figure(10.4, 4.2, alt, layout=None)
    for column, picture in enumerate(pictures):
        left = 0.085 + 0.185 * column
        draw_picture(figure.add_axes((left + 0.015, 0.50, 0.13, 0.36)), picture)
        draw_bars(
            figure.add_axes((left, 0.15, 0.16, 0.30)),
            {twin: said[twin][column] for twin in TWINS},
            column == 0,
        )
    draw_records(figure.add_axes((0.715, 0.13, 0.27, 0.66)), costs)
    figure.text(
        0.01, 0.945, "Can a written word fool the model?", fontsize=14, weight="bold", va="center"
    )
    for x, (name, colour) in zip((0.43, 0.70), TWINS.values(), strict=True):
        figure.text(x, 0.945, "■", color=colour, fontsize=14, va="center")
        figure.text(x + 0.02, 0.945, name, fontsize=10.5, va="center")
    return figure


def draw_picture(axes, picture) -> None:
    axes.imshow(picture)
    axes.set_xticks([])
    axes.set_yticks([])


def draw_bars(axes, said: dict[str, list[float]], labelled: bool) -> None:
    """Draw one pair of bars for each name."""
    for offset, (twin, values) in zip((-0.19, 0.19), said.items(), strict=True):
        rows = [row + offset for row in range(len(NAMES))]
        axes.barh(rows, values, 0.36, color=TWINS[twin][1])
        best = max(range(len(NAMES)), key=values.__getitem__)
        axes.text(
            min(values[best], 0.98) - 0.03,
            best + offset,
            f"{values[best]:.0%}",
            color="white",
            fontsize=7.5,
            ha="right",
            va="center_baseline",
        )
    axes.set_yticks(range(len(NAMES)), NAMES if labelled else [""] * len(NAMES))
    axes.set(
        ylim=(len(NAMES) - 0.4, -0.6), xlim=(0, 1), xticks=(0, 0.5, 1), xticklabels=("0", "50%", "")
    )
    axes.set_xlabel("probability", fontsize=9)
    plain(axes)


def draw_records(axes, costs: dict[str, float]) -> None:
    """Draw two-way accuracy with the control word and with the name of another class.

    There is a line for each seed.
    """
    for twin, (_, colour) in TWINS.items():
        for metrics in records(twin):
            names = ("two_way_control", "two_way_attacked")
            values = [100 * metrics[name] for name in names]
            errors = [
                [100 * abs(metrics[name] - metrics[name + end]) for name in names]
                for end in ("_low", "_high")
            ]
            axes.errorbar(
                (0, 1),
                values,
                errors,
                color=colour,
                marker="o",
                markersize=5,
                capsize=3,
                linewidth=1.6,
            )
        middle = sum(100 * metrics["two_way_attacked"] for metrics in records(twin)) / len(
            records(twin)
        )
        points = f"{round(-costs[twin]) or 0:+d}".replace("+0", "0")
        axes.text(1.08, middle, points, color=colour, fontsize=12, weight="bold", va="center")
    axes.axhline(50, color=GRAY, linestyle="--", linewidth=1)
    axes.text(-0.2, 50.7, "chance", fontsize=8, color=GRAY)
    axes.set(xlim=(-0.25, 1.3), ylim=(48, 90), ylabel="the thing wins, in %")
    axes.set_xticks((0, 1), ["a word of\nno class", "the name of\nanother class"])
    runs = records("many-signs")
    axes.set_title(
        f"Thing or word? {runs[0]['pictures']:,} pictures, {len(runs)} seeds",
        fontsize=10,
        loc="left",
    )
    plain(axes)


if __name__ == "__main__":
    figure = draw()
    figure.savefig(ROOT / "docs" / "opening.png", dpi=2 * DPI, metadata={"Software": None})
    print(figure.alt)
