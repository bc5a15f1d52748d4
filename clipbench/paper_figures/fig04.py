"""Figure 4: bare class names, one template, and an ensemble of templates."""

from operator import itemgetter

import torch

from clipbench.data.open import open_labelled
from clipbench.data.probe_splits import drawn
from clipbench.data.readers.prompt_sets import words_for
from clipbench.evaluate.features.feature_file import cached_features, labelled
from clipbench.evaluate.features.prompts import Prompts
from clipbench.evaluate.statistics.effects import Effect, exact
from clipbench.evaluate.statistics.intervals import with_interval
from clipbench.evaluate.statistics.paired import paired_test
from clipbench.evaluate.zero_shot import judge_zero_shot
from clipbench.figures import LessonFigure, value_grid
from clipbench.paper_figures.finding import Finding, mean_of
from clipbench.paper_figures.sources import Sources

NAME, TITLE = "fig04", "prompts and ensembles"
PAPER = (
    "prompts and ensembles are worth almost 5 points on average of 36 sets, as "
    "much as 4 times the compute"
)
DATA = {
    "tiny": ("scenes:heldout256", "digits"),
    "classroom": (
        "scenes:heldout256",
        "scenes:heldout-style",
        "scenes:heldout-name",
        "twemoji",
        "digits",
    ),
    "full": ("scenes:heldout256", "twemoji", "openmoji", "digits"),
}
WORDINGS = ("bare name", "one template", "ensemble")
ONE = "a photo of a {}."


def make(sources: Sources) -> Finding:
    metrics = sources.metrics("prompts", sources.again(NAME), lambda: measure(sources))
    figure, finding, gain = draw(metrics, chances(metrics))
    spread = "one model; 95 % bootstrap over the pictures of each set"
    return Finding(figure, finding, spread, Effect(*gain), (exact(gain_of_one(metrics)),))


def chances(metrics: dict) -> dict[str, float]:
    """Give the chance level of each set: name -> per cent."""
    return {name: 100 * open_labelled(name).chance for name in sets_of(metrics)}


def sets_of(metrics: dict) -> list[str]:
    return [key.removesuffix("/gain") for key in metrics if key.endswith("/gain")]


def gain_of_one(metrics: dict) -> float:
    """Compute the mean gain of a single template over the bare name, in points."""
    names = sets_of(metrics)
    gains = [metrics[f"{name}/{WORDINGS[1]}"] - metrics[f"{name}/{WORDINGS[0]}"] for name in names]
    return 100 * sum(gains) / len(gains)


def measure(sources: Sources) -> dict[str, float]:
    """Measure the accuracy of each wording, and the gain of an ensemble over the bare name.

    It gives ``DATA/WORDING`` with its interval, and ``DATA/gain``: ensemble less bare name, paired
    over the pictures.
    """
    found: dict[str, float] = {}
    for name in DATA[sources.scale]:
        data = drawn(open_labelled(name), sources.pictures)
        class_names, templates = words_for(data)
        features, labels, _ = labelled(cached_features(sources.encoder, data), name)
        prompts, right = Prompts(sources.encoder, class_names), {}
        for wording, texts in zip(WORDINGS, (["{}"], [ONE], list(templates)), strict=True):
            verdicts = judge_zero_shot(features, labels, prompts.weights(texts))
            right[wording] = verdicts.correct
            found |= with_interval(f"{name}/{wording}", int(verdicts.correct.sum()), len(labels))
        test = paired_test(right["bare name"].tolist(), right["ensemble"].tolist())
        found |= {f"{name}/gain{end}": test[f"difference{end}"] for end in ("", "_low", "_high")}
    return found


def draw(
    metrics: dict, chances: dict[str, float]
) -> tuple[LessonFigure, str, tuple[float, float, float]]:
    """Draw the figure: (figure, finding, (mean gain, low, high) in points)."""
    names = sets_of(metrics)
    gains = [100 * metrics[f"{name}/gain"] for name in names]
    halves = [50 * (metrics[f"{name}/gain_high"] - metrics[f"{name}/gain_low"]) for name in names]
    mean, low, high = mean_of(gains, halves)
    table = torch.tensor(
        [
            [chances[name], *(100 * metrics[f"{name}/{wording}"] for wording in WORDINGS)]
            for name in names
        ]
    )
    table = torch.cat([table, table.mean(0, keepdim=True)])
    (worst, least), (best, most) = (
        end(zip(names, gains, strict=True), key=itemgetter(1)) for end in (min, max)
    )
    finding = (
        f"An ensemble is worth {mean:+.1f} points over bare names ({low:+.1f} to {high:+.1f}), from"
        f" {least:+.1f} ({worst}) to {most:+.1f} ({best})"
    )
    title = f"{finding}; paper: almost +5. Top-1 in %"
    figure = value_grid(
        table, [*names, "mean"], ["chance", *WORDINGS], title, decimals=1, best_of="row"
    )
    # the title is wider than a table of three columns
    figure.set_figwidth(figure.get_figwidth() + 0.6)
    return figure, finding, (mean, low, high)
