"""Figure 17: whether overlap between training and test pictures explains accuracy."""

import torch
import torch.nn.functional as F

from clipbench.data.open import open_pictures
from clipbench.data.probe_splits import drawn, probe_scenes
from clipbench.evaluate.features.feature_file import cached_image_features
from clipbench.evaluate.statistics.intervals import clopper_pearson
from clipbench.evaluate.zero_shot import judge_zero_shot, zero_shot_weights
from clipbench.figures import LessonFigure, line_chart
from clipbench.paper_figures.finding import Finding
from clipbench.paper_figures.sources import Sources

NAME, TITLE = "fig17", "overlap with the training pictures"
PAPER = (
    "of 35 sets 9 have no overlap; median 2.2 %; it changes accuracy by at most "
    "0.6 points (All less Clean)"
)
PIXELS = 16
# of the test pictures that count as overlapping: the nearest ones
SHARES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
TRAINING = 10_000  # scenes drawn like training scenes, none of them the model's own


def make(sources: Sources) -> Finding:
    metrics = sources.metrics("overlap", sources.again(NAME), lambda: measure(sources))
    figure, finding, _ = draw(metrics)
    spread = (
        f"{metrics['pictures']} pictures; band: 99.5 % Clopper-Pearson of All around "
        "the same accuracy; no test scene"
        " was trained, so overlap means a near picture"
    )
    return Finding(figure, finding, spread, unmet="no test picture was trained on: no overlap")


def measure(sources: Sources) -> dict:
    """Measure accuracy of all test pictures, and without those nearest to training-like scenes."""
    data = drawn(open_pictures("scenes:heldout256"), sources.pictures)
    pixels, others = (
        flat(part) for part in (data, probe_scenes(min(TRAINING, 20 * sources.pictures), tiny=True))
    )
    nearest = torch.cat([(part @ others.T).amax(1) for part in pixels.split(256)])
    encoder = sources.encoder
    weights = zero_shot_weights(encoder, data.class_names, data.templates)
    right = judge_zero_shot(cached_image_features(encoder, data), data.labels, weights).correct
    order = nearest.argsort(descending=True)
    low, high = clopper_pearson(int(right.sum()), len(right), 0.995)
    found = {
        "all": float(right.double().mean()),
        "all_low": low,
        "all_high": high,
        "pictures": len(right),
    }
    for share in SHARES:
        cut = max(1, round(share * len(right)))
        found |= {
            f"clean/{share:g}": float(right[order[cut:]].double().mean()),
            f"overlap/{share:g}": float(right[order[:cut]].double().mean()),
            f"cosine/{share:g}": float(nearest[order[cut - 1]]),
        }
    return found


def flat(data) -> torch.Tensor:
    """Compute unit vectors of pixels less their mean: (M, 768)."""
    pixels = data.tensor(PIXELS).flatten(1).float()
    return F.normalize(pixels - pixels.mean(1, keepdim=True), dim=1)


def draw(metrics: dict) -> tuple[LessonFigure, str, float]:
    """Draw the figure: (figure, finding, the largest |All less Clean| in points)."""
    shares = [share for share in SHARES if f"clean/{share:g}" in metrics]
    gains = [100 * (metrics["all"] - metrics[f"clean/{share:g}"]) for share in shares]
    # up to a tenth of the pictures, as in the paper's sets
    worst = max(abs(gain) for gain in gains[:4])
    finding = (
        "Without the tenth of the pictures that is nearest to training, accuracy "
        f"changes by {worst:.1f} points"
    )
    band = tuple(
        [100 * (metrics["all"] - metrics[f"all_{end}"])] * len(shares) for end in ("high", "low")
    )
    lines = {"All less Clean": gains, "what luck does to All": ([0.0] * len(shares), *band)}
    figure = line_chart(
        [100 * share for share in shares],
        lines,
        finding,
        "pictures counted as overlap, in %",
        "All less Clean, in points",
        logarithmic=True,
    )
    return figure, finding, worst
