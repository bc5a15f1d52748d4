"""Figure 17: whether overlap between training and test pictures explains accuracy.

Copies of test pictures are planted among the training pictures of a probe, so that it is known what
overlaps (``evaluate.overlap``).
"""

import statistics

from torch import Tensor

from clipbench.evaluate.features.feature_file import cached_image_features
from clipbench.evaluate.overlap import COPIES, all_less_clean, copies, likeness, planted
from clipbench.evaluate.probes.linear_probe import Rows, choose_probe
from clipbench.evaluate.robustness import labels_among
from clipbench.evaluate.statistics.effects import Effect
from clipbench.evaluate.statistics.intervals import with_interval, with_student
from clipbench.evaluate.zero_shot import judge_zero_shot, zero_shot_weights
from clipbench.figures import LessonFigure, line_chart
from clipbench.paper_figures.fig16 import CLASSES, chosen_classes, pictures_and_pool
from clipbench.paper_figures.finding import Finding, of_share
from clipbench.paper_figures.sources import Sources

NAME, TITLE = "fig17", "overlap with the training pictures"
PAPER = (
    "of 35 sets 9 have no overlap; median 2.2 %; it changes accuracy by at most "
    "0.6 points (All less Clean)"
)
SHARES = (0.01, 0.022, 0.05, 0.1, 0.2)  # of the test pictures that have a copy in training
MEDIAN = 0.022  # the paper's
DEALS = (0, 1, 2)
KINDS = {
    "probe": "probe of the features",
    "pixels": "the most similar picture by raw pixels",
    "zero-shot": "zero-shot, which sees no copy",
}


def make(sources: Sources) -> Finding:
    metrics = sources.metrics("overlap", sources.again(NAME), lambda: measure(sources))
    figure, finding = draw(metrics)
    spread = (
        f"{metrics['pictures']} pictures; band: Student's over {len(DEALS)} deals of what is "
        f"planted; a detector by pixels finds {100 * metrics['recall']:.1f} % of the copies "
        f"at {100 * metrics['false_alarms']:.1f} % false alarms"
    )
    effect, control = (of_share(metrics, f"{kind}/{MEDIAN:g}") for kind in ("probe", "pixels"))
    return Finding(figure, finding, spread, effect, (control,))


def measure(sources: Sources) -> dict:
    """Measure All less Clean of a probe, of raw pixels and of zero-shot, and the detector.

    The kinds of things are those of figure 16.
    """
    chosen = chosen_classes()
    data, others = pictures_and_pool(sources)
    copied, encoder = copies(data), sources.encoder
    test, pool, twins = (
        Rows(cached_image_features(encoder, part, projected=False), labels_among(part, chosen))
        for part in (data, others, copied)
    )
    alike = likeness(data, others, copied)
    weights = zero_shot_weights(encoder, chosen, data.templates)
    zero_shot = judge_zero_shot(cached_image_features(encoder, data), test.labels, weights).correct

    def right(rows: Tensor) -> dict[str, Tensor]:
        probe = choose_probe(pool + twins[rows], None, CLASSES).fit
        return {
            "probe": probe.logits(test.features).argmax(1) == test.labels,
            "pixels": alike.answers(pool.labels, test.labels, rows) == test.labels,
            "zero-shot": zero_shot,
        }

    found = {"pictures": len(data), "threshold": alike.threshold()}
    seen = alike.found()
    found |= with_interval("recall", int(seen.sum()), len(seen))
    for place, kind in enumerate(COPIES):
        found[f"recall/{kind}"] = float(seen[place :: len(COPIES)].double().mean())
    found["false_alarms"] = float((alike.others.amax(1) > alike.threshold()).double().mean())
    for share in SHARES:
        found |= over_deals(share, [(rows, right(rows)) for rows in deals(len(data), share)])
    return found


def deals(count: int, share: float) -> list[Tensor]:
    return [planted(count, share, seed) for seed in DEALS]


def over_deals(share: float, dealt: list[tuple[Tensor, dict[str, Tensor]]]) -> dict[str, float]:
    """Average All and All less Clean over the deals: ``KIND/SHARE`` with its ends, ``all/...``."""
    found: dict[str, float] = {}
    for kind in KINDS:
        gaps = [all_less_clean(right[kind], rows) for rows, right in dealt]
        name = f"{kind}/{share:g}"
        found |= with_student(name, gaps)
        found[f"all/{name}"] = statistics.fmean(
            float(right[kind].double().mean()) for _, right in dealt
        )
    return found


def draw(metrics: dict) -> tuple[LessonFigure, str]:
    """Draw the figure: (figure, finding)."""
    shares = [share for share in SHARES if f"probe/{share:g}" in metrics]
    found = {kind: [of_share(metrics, f"{kind}/{share:g}") for share in shares] for kind in KINDS}
    probe, pixels = (found[kind][shares.index(MEDIAN)] for kind in ("probe", "pixels"))
    finding = (
        f"With {100 * MEDIAN:g} % of the test pictures in training, All less Clean is "
        f"{probe.value:+.1f} points for a probe, and {pixels.value:+.1f} for what compares pixels"
    )
    figure = line_chart(
        [100 * share for share in shares],
        {KINDS[kind]: band(effects) for kind, effects in found.items()},
        finding,
        "test pictures with a copy in training, in %",
        "All less Clean, in points",
        logarithmic=True,
    )
    return figure, finding


def band(effects: list[Effect]) -> tuple[list[float], list[float], list[float]]:
    return (
        [each.value for each in effects],
        [each.low for each in effects],
        [each.high for each in effects],
    )
