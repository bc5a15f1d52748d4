"""Whether the linear probe and scikit-learn find the same optimum when both run to convergence.

They are compared on features of five real kinds.
"""

import time
from collections.abc import Callable
from pathlib import Path

import torch

from clipbench.bench.contest import report
from clipbench.bench.probe import ScikitLearn
from clipbench.data.image_set import PictureSet
from clipbench.data.open import open_pictures
from clipbench.data.world.draws import permutation
from clipbench.data.world.scene_tasks import scene_task
from clipbench.encoders.clip import ClipbenchEncoder, load
from clipbench.evaluate.features.compute import image_features
from clipbench.evaluate.probes.linear_probe import Rows
from clipbench.evaluate.probes.logistic import Problem, fit
from clipbench.model import CLIP, CLIPConfig
from clipbench.preprocess import Preprocess
from clipbench.pretrained.folders import world_tokenizer

STRENGTHS = (1e-2, 1.0, 1e2)  # of C: weak, middle, strong
CONVERGED = 1e-8  # scikit-learn's gap at which it is stopped
ROUND, TOLERANCE = 2000, 1e-12  # iterations between two looks at its gap, and its own tolerance
PIXELS = 16


def probe_parity(
    threads: int | None = None,
    rows: int = 1500,
    cifar10: Path | None = None,
    model: str = "classroom",
    limit: float = 120.0,
) -> dict:
    """Compare the probe's optimum with scikit-learn's on four kinds of features.

    They are of scenes, digits, pixels and a random ViT-B/32.

    Args:
        rows: at most this many pictures of each set; a fifth of them is for testing.
        cifar10: a folder with a test.parquet of CIFAR-10: adds the model's features of its
            pictures.
        limit: seconds after which scikit-learn is stopped, wherever it is.

    Returns:
        For each set and C ``objective_gap``, by which our objective is above scikit-learn's as a
        fraction (negative: below); ``our_gap`` and ``sklearn_gap``, certified; both test accuracies
        in per cent; both times in seconds. The largest ``objective_gap`` and difference of
        accuracy.
    """
    from threadpoolctl import threadpool_limits

    torch.set_num_threads(threads or 1)
    found: dict[str, dict] = {}
    with threadpool_limits(threads or 1):
        for name, features in feature_sets(rows, cifar10, model).items():
            train, test = features()
            for C in STRENGTHS:
                found[f"{name}, C = {C:g}"] = numbers = compare(train, test, C, limit)
                report(f"{name}, C = {C:g}: {numbers}")
    return {
        **found,
        "threads": threads or 1,
        "largest_objective_gap": max(each["objective_gap"] for each in found.values()),
        "largest_difference_of_accuracy": max(
            abs(each["our_accuracy"] - each["sklearn_accuracy"]) for each in found.values()
        ),
    }


def feature_sets(
    rows: int, cifar10: Path | None, model: str
) -> dict[str, Callable[[], tuple[Rows, Rows]]]:
    """Name -> a function that computes (training, test) rows."""
    encoder = load(model, "cpu")
    digits, task = open_pictures("digits"), scene_task("group")
    scenes = task.pictures(task.draw(rows))
    sets = {
        f"{model}: scenes": lambda: halves(tower(encoder), scenes, rows),
        f"{model}: digits": lambda: halves(tower(encoder), digits, rows),
        "raw pixels: digits": lambda: halves(
            lambda data: data.tensor(PIXELS).flatten(1) / 255, digits, rows
        ),
        "random ViT-B/32: digits": lambda: halves(tower(random_vit()), digits, rows),
    }
    if cifar10:
        photos = open_pictures(str(cifar10 / "test.parquet"))
        sets[f"{model}: CIFAR-10"] = lambda: halves(tower(encoder), photos, rows)
    return sets


def tower(encoder) -> Callable[[PictureSet], torch.Tensor]:
    return lambda data: image_features(encoder, data, projected=False)


def random_vit() -> ClipbenchEncoder:
    """Make a ViT-B/32 with the paper's initial weights."""
    torch.manual_seed(0)
    config = CLIPConfig.named("ViT-B/32")
    return ClipbenchEncoder(
        CLIP(config), world_tokenizer(config.context_length), Preprocess(config.image_size)
    )


def halves(
    features: Callable[[PictureSet], torch.Tensor], data: PictureSet, rows: int
) -> tuple[Rows, Rows]:
    """Split at most this many pictures: (four fifths for training, a fifth for testing)."""
    chosen = permutation(0, 0, len(data))[:rows]
    part = data.subset(chosen.tolist())
    everything, cut = Rows(features(part), part.labels), len(part) * 4 // 5
    return everything[torch.arange(cut)], everything[torch.arange(cut, len(part))]


def compare(train: Rows, test: Rows, C: float, limit: float) -> dict[str, float]:
    """Compare one fit of ours with one of scikit-learn."""
    problem = Problem(train.features, train.labels)
    began = time.perf_counter()
    ours = fit(problem, C)
    seconds = time.perf_counter() - began
    bound = fit(problem, C, start=ours, target=1e-10).bound
    rival = ScikitLearn(train, limit)
    solution, iterations, taken = rival.run(C, None, TOLERANCE, ROUND)
    gap = rival.gap(solution, problem, C, bound)
    while gap > CONVERGED and taken < limit and iterations == ROUND:
        solution, iterations, more = rival.run(C, solution, TOLERANCE, ROUND)
        taken, gap = taken + more, rival.gap(solution, problem, C, bound)
    theirs = rival.objective(solution, problem, C)
    scores = test.features.double() @ torch.from_numpy(solution[0]).T + torch.from_numpy(
        solution[1]
    )
    return {
        "objective_gap": (ours.objective - theirs) / theirs,
        "our_gap": ours.gap,
        "sklearn_gap": gap,
        "our_accuracy": accuracy(ours.logits(test.features), test),
        "sklearn_accuracy": accuracy(scores, test),
        "our_seconds": seconds,
        "sklearn_seconds": taken,
    }


def accuracy(scores: torch.Tensor, test: Rows) -> float:
    """Compute the accuracy in per cent."""
    return 100 * float((scores.argmax(1).cpu() == test.labels).double().mean())
