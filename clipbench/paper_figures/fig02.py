"""Figure 2: how many pairs each objective needs to the same zero-shot accuracy."""

from collections.abc import Mapping

from clipbench.evaluate.records.record import MADE_BY
from clipbench.evaluate.statistics.effects import Effect, difference
from clipbench.figures import LessonFigure, line_chart
from clipbench.figures.lines import Line
from clipbench.paper_figures.controls import levels_of_set
from clipbench.paper_figures.finding import Finding
from clipbench.paper_figures.sources import Sources

NAME, TITLE = "fig02", "contrastive against predictive objectives"
PAPER = (
    "to the same accuracy a caption model needs 3 times the pairs of a bag-of-words "
    "predictor, and that one 4 times"
    " those of the contrastive objective"
)
RECORD = "objectives"
NAMES = {
    "contrastive": "contrastive",
    "bow": "bag of words, predicted",
    "caption-lm": "caption model",
}


def make(sources: Sources) -> Finding:
    record = sources.raw(RECORD, MADE_BY[RECORD])
    figure, finding = draw(record, levels_of_set(sources))
    contrastive, predictive = (
        Effect(*(100 * record[name][f"top1{end}"][-1] for end in ("", "_low", "_high")))
        for name in ("contrastive", "bow")
    )
    spread = (
        f"{record['pictures']} pictures; 95 % intervals of the pictures;"
        f" seed {record.get('seed', 0)}"
    )
    # no objective was trained at rates of its own
    return Finding(figure, finding, spread, difference(contrastive, predictive), controls=(None,))


def draw(record: dict, levels: Mapping[str, float] | None = None) -> tuple[LessonFigure, str]:
    """Draw the figure: (figure, finding); ``levels``, in per cent, are drawn beside the curves."""
    lines = {
        label: (
            in_percent(record[name]["top1"]),
            in_percent(record[name]["top1_low"]),
            in_percent(record[name]["top1_high"]),
        )
        for name, label in NAMES.items()
        if name in record
    }
    ends = ", ".join(f"{values[-1]:.0f} % ({name})" for name, (values, *_) in lines.items())
    finding = f"After {record['pairs'][-1]:,} pairs: {ends}"
    beside: dict[str, Line] = {
        name: [level] * len(record["pairs"]) for name, level in (levels or {}).items()
    }
    axes = "pairs seen", "zero-shot top-1 in %"
    return line_chart(
        record["pairs"], {**lines, **beside}, finding, *axes, logarithmic=True
    ), finding


def in_percent(fractions: list[float]) -> list[float]:
    return [100 * fraction for fraction in fractions]
