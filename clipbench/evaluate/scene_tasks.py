"""A model's answers to the questions of the scene tasks: zero-shot, and by a linear probe.

Zero-shot, a scene is compared with the prompts of its own K answers, each ensembled over the task's
templates. The probe of its features is the paper's (features before the projection, certified
solver); it learns each answer's number from other scenes of the same question. So zero-shot asks
what the two encoders understand together, the probe what the picture's features hold: a probe far
above zero-shot says that the text encoder misses it, not the image encoder.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from clipbench.data.world.scene_tasks import Question, SceneTask
from clipbench.encoders.clip import Encoder, ImageEncoder, has_joint_space
from clipbench.errors import UserError
from clipbench.evaluate.baselines import PREFIX, accuracy_of_texts, rows_by_view
from clipbench.evaluate.features.feature_file import cached_image_features
from clipbench.evaluate.probes.few_shot import (
    curve_metrics,
    few_shot_curve,
    probe_scorer,
    usable_shots,
)
from clipbench.evaluate.probes.linear_probe import Rows, choose_probe
from clipbench.evaluate.probes.logistic import TARGET_GAP
from clipbench.evaluate.statistics.accuracy import judge
from clipbench.evaluate.zero_shot import zero_shot_weights

TEXT_QUESTIONS = 2000  # to learn from which words are likely answers


def scene_task_metrics(
    encoder: ImageEncoder,
    task: SceneTask,
    pictures: int = 1000,
    train: int = 2000,
    progress: bool = True,
    interval: str = "wilson",
    shots: Sequence[int] = (),
    seeds: Sequence[int] = (0, 1, 2),
    baselines: bool = False,
) -> dict[str, float | str]:
    """Measure a model on one task.

    Args:
        pictures: test scenes; rounded down to equally many of each answer.
        train: training scenes of the probe; 0 leaves it out.
        interval: "wilson" or "clopper-pearson", at 95 %.
        shots: also probes of this many training scenes of each answer, as far as there are as many.
        seeds: draws of the shots.
        baselines: also what needs no model; see ``task_baselines``.

    Returns:
        ``zero_shot`` and ``probe``, the fractions of scenes answered rightly, each with its
        interval as ``_low`` and ``_high``; ``probe_converged``, whether all its fits are certified
        to 1e-6; with shots what ``curve_metrics`` gives, after ``probe``; ``chance`` = 1 / K,
        ``pictures``, ``answers``. A model of another objective than CLIP's has no ``zero_shot``,
        and no comparison with it.

    Raises:
        UserError: when there are fewer pictures than answers, and of a model without a joint space
            if ``train`` is 0.
    """
    if not (train or has_joint_space(encoder)):
        raise UserError(
            f"{encoder.name} has no joint space, so it is asked by probes, and these need "
            "scenes to train on"
        )
    question = task.draw(pictures)
    metrics = {}
    if has_joint_space(encoder):
        features = cached_image_features(encoder, task.pictures(question), progress=progress)
        scores = answer_scores(encoder, task, question, features)
        judged = judge(lambda rows: scores[rows], question.labels, task.answers).metrics(interval)
        metrics = renamed(judged, "zero_shot")
    if train:
        learned, test = probe_rows(encoder, task, question, train, progress)
        metrics |= probe_numbers(learned, test, task.answers, interval)
        if shots:
            metrics |= few_shot_numbers(learned, test, task.answers, shots, seeds, metrics)
    if baselines:
        metrics |= task_baselines(encoder, task, question, train, interval)
    return metrics | {
        "chance": task.chance,
        "pictures": len(question.labels),
        "answers": task.answers,
    }


def task_baselines(
    encoder: ImageEncoder | None, task: SceneTask, question: Question, train: int, interval: str
) -> dict[str, float]:
    """Measure what needs no trained model.

    Returns:
        ``baseline/texts``, answers chosen without the picture; with training scenes also
        ``baseline/pixels_16``, ``baseline/pixels_8`` and ``baseline/untrained``, the same probe of
        raw pixels and of an untrained encoder's features, each with its interval.
    """
    learned = task.draw(train or TEXT_QUESTIONS, training=True)
    metrics = {f"{PREFIX}texts": accuracy_of_texts(learned, question)}
    if not train:
        return metrics
    known, asked = task.pictures(learned, training=True), task.pictures(question)
    for name, train_rows, test_rows in rows_by_view(encoder, known, asked):
        numbers = probe_numbers(train_rows, test_rows, task.answers, interval)
        metrics |= {f"{PREFIX}{name}{end}": numbers[f"probe{end}"] for end in ("", "_low", "_high")}
    return metrics


def answer_scores(
    encoder: Encoder, task: SceneTask, question: Question, features: Float[Tensor, "M D"]
) -> Float[Tensor, "M K"]:
    """Compute the similarity of each scene with the prompts of its own answers.

    Each distinct phrase is encoded once.
    """
    distinct = sorted({phrase for row in question.phrases for phrase in row})
    place = {phrase: number for number, phrase in enumerate(distinct)}
    own = torch.tensor([[place[phrase] for phrase in row] for row in question.phrases])
    weights = zero_shot_weights(encoder, distinct, task.templates)
    return (features @ weights.to(features)).gather(1, own)


def probe_rows(
    encoder: ImageEncoder, task: SceneTask, question: Question, train: int, progress: bool
) -> tuple[Rows, Rows]:
    """Give (training rows from the task's other seed, test rows).

    Features are those before the projection.
    """

    def rows(asked: Question, training: bool) -> Rows:
        pictures = task.pictures(asked, training)
        features = cached_image_features(encoder, pictures, projected=False, progress=progress)
        return Rows(features, asked.labels)

    return rows(task.draw(train, training=True), True), rows(question, False)


def probe_numbers(train: Rows, test: Rows, answers: int, interval: str) -> dict[str, float]:
    """Measure the paper's probe."""
    probe = choose_probe(train, None, answers)
    logits = probe.fit.logits(test.features)
    judged = judge(lambda some: logits[some], test.labels, answers).metrics(interval)
    return renamed(judged, "probe") | {"probe_converged": probe.worst_gap <= TARGET_GAP}


def few_shot_numbers(
    train: Rows,
    test: Rows,
    answers: int,
    shots: Sequence[int],
    seeds: Sequence[int],
    known: dict[str, float],
) -> dict[str, float | str]:
    """Measure probes of a few scenes of each answer.

    ``known`` has the full probe and, of a CLIP, the zero-shot accuracy.
    """
    curve = few_shot_curve(
        train.labels, probe_scorer(train, test, answers), usable_shots(train.labels, shots), seeds
    )
    numbers = curve_metrics(
        "probe", curve, known["probe"], known.get("zero_shot", 0.0), train.labels
    )
    about_zero_shot = (
        () if "zero_shot" in known else ("probe_examples_to_match_zero_shot", "probe_match")
    )
    return {name: value for name, value in numbers.items() if name not in about_zero_shot}


def renamed(metrics: dict, name: str) -> dict:
    return {f"{name}{end}": metrics[f"top1{end}"] for end in ("", "_low", "_high")}
