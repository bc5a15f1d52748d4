"""What the figures draw beside a model: numbers that need no trained one, from shipped records."""

from clipbench.evaluate.baselines import PREFIX
from clipbench.paper_figures.sources import Sources

OF_SETS = "tiny-baselines"  # scenes:heldout256, 5,000 pictures, beside 5,000 other labelled scenes
OF_TASKS = "scene-tasks-baselines"
NEAREST = "most similar scene by raw pixels"


def levels_of_set(sources: Sources) -> dict[str, float]:
    """Read what 256 kinds of scenes are named rightly without a model: name -> per cent.

    It is empty without the record.
    """
    if not sources.has(OF_SETS):
        return {}
    metrics = sources.record(OF_SETS, "")["metrics"]
    return {NEAREST: 100 * metrics[f"{PREFIX}pixels_16"], "chance": 100 * metrics["chance"]}


def texts_alone(sources: Sources) -> dict[str, float]:
    """Read how often a task is answered rightly by its texts alone: task -> per cent.

    It is empty without the record.
    """
    if not sources.has(OF_TASKS):
        return {}
    end = f"/{PREFIX}texts"
    metrics = sources.record(OF_TASKS, "")["metrics"]
    return {
        name.removesuffix(end): 100 * value for name, value in metrics.items() if name.endswith(end)
    }
