"""A model's answers to the questions of the scene tasks: zero-shot, and by a linear probe of its features.

Zero-shot, a scene is compared with the prompts of its own K answers, each ensembled over the task's templates. The
probe is the paper's (features before the projection, certified solver); it learns each answer's number from other
scenes of the same question. So zero-shot asks what the two encoders understand together, the probe what the picture's
features hold: a probe far above zero-shot says that the text side is missing, not the picture's.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from clipbench.data.scene_tasks import Question, SceneTask
from clipbench.encoders import Encoder
from clipbench.evaluate.accuracy import judge
from clipbench.evaluate.feature_file import cached_image_features
from clipbench.evaluate.linear_probe import Rows, choose_probe
from clipbench.evaluate.logistic import TARGET_GAP
from clipbench.evaluate.zero_shot import zero_shot_weights


def scene_task_metrics(
    encoder: Encoder, task: SceneTask, pictures: int = 1000, train: int = 2000, progress: bool = False,
    interval: str = "wilson",
) -> dict[str, float]:  # fmt: skip
    """One task.

    Args:
        pictures: test scenes; rounded down to equally many of each answer.
        train: training scenes of the probe; 0 leaves it out.
        interval: "wilson" or "clopper-pearson", at 95 %.

    Returns:
        ``zero_shot`` and ``probe``, the fractions of scenes answered rightly, each with its interval as
        ``_low`` and ``_high``; ``probe_converged``, whether all its fits are certified to 1e-6; ``chance`` = 1 / K,
        ``pictures``, ``answers``.

    Raises:
        UserError: when there are fewer pictures than answers.
    """
    question = task.draw(pictures)
    features = cached_image_features(encoder, task.pictures(question), progress=progress)
    scores = answer_scores(encoder, task, question, features)
    judged = judge(lambda rows: scores[rows], question.labels, task.answers).metrics(interval)
    metrics = renamed(judged, "zero_shot")
    if train:
        metrics |= probe_numbers(encoder, task, question, train, progress, interval)
    return metrics | {"chance": task.chance, "pictures": len(question.labels), "answers": task.answers}


def answer_scores(
    encoder: Encoder, task: SceneTask, question: Question, features: Float[Tensor, "M D"]
) -> Float[Tensor, "M K"]:
    """Similarity of each scene with the prompts of its own answers. Each distinct phrase is encoded once."""
    distinct = sorted({phrase for row in question.phrases for phrase in row})
    place = {phrase: number for number, phrase in enumerate(distinct)}
    own = torch.tensor([[place[phrase] for phrase in row] for row in question.phrases])
    weights = zero_shot_weights(encoder, distinct, task.templates)
    return (features @ weights.to(features)).gather(1, own)


def probe_numbers(
    encoder: Encoder, task: SceneTask, question: Question, train: int, progress: bool, interval: str
) -> dict[str, float]:
    """Of a probe that is trained on scenes of the task's other seed."""
    learned = task.draw(train, training=True)
    sets = (question, task.pictures(question)), (learned, task.pictures(learned, training=True))
    test, rows = (
        Rows(cached_image_features(encoder, pictures, projected=False, progress=progress), asked.labels)
        for asked, pictures in sets
    )
    probe = choose_probe(rows, None, task.answers)
    logits = probe.fit.logits(test.features)
    judged = judge(lambda some: logits[some], test.labels, task.answers).metrics(interval)
    return renamed(judged, "probe") | {"probe_converged": probe.worst_gap <= TARGET_GAP}


def renamed(metrics: dict, name: str) -> dict:
    return {f"{name}{end}": metrics[f"top1{end}"] for end in ("", "_low", "_high")}
