"""Zero-shot classification: class names and templates become a linear classifier.

Radford et al. 2021, section 3.1.
"""

from collections.abc import Sequence

import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from clipbench.encoders.clip import Encoder, RivalEncoder
from clipbench.evaluate.features.compute import check_features, text_features
from clipbench.evaluate.features.prompts import fill_templates
from clipbench.evaluate.statistics.accuracy import Verdicts, judge

SAME = 1e-6  # cosines within this distance of 1 belong to the same text
# Where the answers of several templates are averaged. The paper does the first: one classifier at
# any number of them.
ENSEMBLES = {
    "embedding": "mean of the prompts' unit vectors, normalised again",
    "probability": "mean of the probabilities that each template gives at the model's scale",
}


def zero_shot_weights(
    encoder: Encoder, class_names: Sequence[str], templates: Sequence[str], progress: bool = True
) -> Float[Tensor, "D C"]:
    """Make one unit vector per class: the mean of its prompts' unit vectors, normalised again.

    Section 3.1.4 of the paper.

    Raises:
        UserError: see ``fill_templates``.
    """
    prompts = fill_templates(class_names, templates)
    features = text_features(
        encoder, [prompt for row in prompts for prompt in row], progress=progress
    )
    return ensemble(features.view(len(class_names), len(templates), -1))


def ensemble(features: Float[Tensor, "C P D"]) -> Float[Tensor, "D C"]:
    """Average each class's prompts in embedding space."""
    return F.normalize(F.normalize(features, dim=-1).mean(1), dim=-1).T.contiguous()


def same_classes(weights: Float[Tensor, "D C"]) -> list[int]:
    """Find for each class the first that the model cannot tell from it; most are their own first.

    Texts that differ in capitals or spaces only have the same vector in most models.
    """
    equal = weights.T @ weights > 1 - SAME
    return [int(row.nonzero()[0, 0]) for row in equal]


def zero_shot_metrics(
    image_features: Float[Tensor, "M D"], labels: Int[Tensor, " M"], weights: Float[Tensor, "E C"]
) -> dict[str, float]:
    """Measure the accuracy of the nearest class.

    Returns:
        ``top1``, ``top5`` (left out below six classes) and ``mean_per_class`` as fractions;
        ``top1_low`` and ``top1_high`` (and the same for top5), the ends of the 95 % Wilson
        interval; ``chance``; counts ``pictures`` and ``classes``. The temperature does not matter:
        it changes probabilities, not ranks.

    Raises:
        UserError: see ``judge_zero_shot``.
    """
    return judge_zero_shot(image_features, labels, weights).metrics()


def judge_zero_shot(
    image_features: Float[Tensor, "M D"], labels: Int[Tensor, " M"], weights: Float[Tensor, "E C"]
) -> Verdicts:
    """Find the nearest class of each picture, and the rank of the right one.

    Raises:
        UserError: for features that are no finite numbers, or of another width than the weights.
    """
    check_features(image_features, len(weights))
    return judge(lambda rows: image_features[rows] @ weights, labels, weights.shape[1])


def judge_by_probabilities(
    image_features: Float[Tensor, "M D"],
    labels: Int[Tensor, " M"],
    prompts: Float[Tensor, "P C E"],
    scale: float,
) -> Verdicts:
    """Judge as ``judge_zero_shot``, with templates averaged in probability space.

    So there are P classifiers instead of one.

    Args:
        prompts: unit vectors of every template and class.
        scale: what cosines are multiplied by before the softmax; here it does move ranks.
    """
    check_features(image_features, prompts.shape[2])

    def scores(rows: slice) -> Tensor:
        return sum((scale * image_features[rows] @ each.T).softmax(-1) for each in prompts) / len(
            prompts
        )

    return judge(scores, labels, prompts.shape[1])


def judge_by_scores(
    rival: RivalEncoder,
    tower_features: Float[Tensor, "M W"],
    labels: Int[Tensor, " M"],
    class_names: Sequence[str],
    templates: Sequence[str],
) -> Verdicts:
    """Find the class that a model without a joint space scores highest.

    Features are those before the projection.

    Raises:
        UserError: when its objective cannot score these classes, or features are no finite numbers.
    """
    check_features(tower_features, rival.model.image_encoder.feature_width)
    return judge(
        lambda rows: rival.class_scores(tower_features[rows], class_names, templates),
        labels,
        len(class_names),
        block=256,
    )


def class_probabilities(
    image_features: Float[Tensor, "M D"], weights: Float[Tensor, "D C"], scale: float
) -> tuple[Float[Tensor, "M C"], Float[Tensor, "M C"]]:
    """Compute (cosines, probabilities).

    The probabilities are the softmax of scale x cosine over the classes.
    """
    cosines = image_features @ weights
    return cosines, (scale * cosines).softmax(-1)
