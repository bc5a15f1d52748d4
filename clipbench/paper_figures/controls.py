"""What the figures draw beside a model: numbers that need no trained one, from shipped records."""

from clipbench.evaluate.baselines import PREFIX
from clipbench.paper_figures.sources import Sources

OF_SETS = "tiny-baselines"  # scenes:heldout256, 5,000 pictures, beside 5,000 other labelled scenes
OF_TASKS = "scene-tasks-baselines"
NEAREST = "most similar scene by raw pixels"


def known_metrics(sources: Sources, name: str) -> dict[str, float]:
    """Read the metrics of a record; empty without it."""
    return sources.record(name, "")["metrics"] if sources.has(name) else {}


def levels_of_set(sources: Sources) -> dict[str, float]:
    """Read what 256 kinds of scenes are named rightly without a model: name -> per cent.

    It is empty without the record.
    """
    metrics = known_metrics(sources, OF_SETS)
    if not metrics:
        return {}
    return {NEAREST: 100 * metrics[f"{PREFIX}pixels_16"], "chance": 100 * metrics["chance"]}


def texts_alone(sources: Sources) -> dict[str, float]:
    """Read how often a task is answered rightly by its texts alone: task -> per cent.

    It is empty without the record.
    """
    end = f"/{PREFIX}texts"
    metrics = known_metrics(sources, OF_TASKS)
    return {
        name.removesuffix(end): 100 * value for name, value in metrics.items() if name.endswith(end)
    }
