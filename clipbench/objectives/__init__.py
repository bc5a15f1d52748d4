"""The training objectives: CLIP's own, and its rivals.

Source: Radford et al. 2021, section 2.3 and figure 2. Each objective asks a question of a batch:

* ``contrastive``: which caption belongs to which picture?
* ``sigmoid``: SigLIP's form of it; does this caption belong to this picture?
* ``distilled``: the first one, and what does a trained teacher say?
* ``caption-lm``: what is the caption, word by word?
* ``bow``: which words are in the caption?
* ``simclr``: which two pictures are views of one? (no captions)
* ``supervised``: which class is it? (no captions)

All of them train the same image encoder in the same ``Trainer``, so that nothing but the question
differs.
"""

from collections.abc import Sequence
from dataclasses import replace

import torch

from clipbench.errors import UserError
from clipbench.model import CLIP, BagOfWordsConfig, CLIPConfig, TransformerConfig
from clipbench.objectives.caption_words import BagOfWordsPrediction, CaptionModel
from clipbench.objectives.contrastive import Contrastive, JointObjective
from clipbench.objectives.distilled import Distilled
from clipbench.objectives.objective import Objective, RowWise
from clipbench.objectives.sigmoid import Sigmoid
from clipbench.objectives.simclr import SimCLR, nt_xent_loss, random_view
from clipbench.objectives.supervised import Supervised

JOINT: dict[str, type[JointObjective]] = {
    each.name: each for each in (Contrastive, Sigmoid, Distilled)
}
OBJECTIVES: dict[str, type[Objective]] = {
    **JOINT,
    **{each.name: each for each in (CaptionModel, BagOfWordsPrediction, SimCLR, Supervised)},
}


def check_objective(name: str) -> None:
    """Check that an objective has this name.

    Raises:
        UserError: for a name that is no objective's.
    """
    if name not in OBJECTIVES:
        raise UserError(f"no objective {name!r}; choose from {', '.join(OBJECTIVES)}")


def make_objective(
    name: str,
    clip: CLIP,
    class_names: Sequence[str] | None = None,
    product_dtype: torch.dtype | None = None,
    teacher: CLIP | None = None,
) -> Objective:
    """Make the objective of that name around a model, and lock the parts that it does not use.

    Args:
        class_names: of the training data's labels, for ``supervised``.
        product_dtype: what large contrastive batches multiply features in.
        teacher: of ``distilled``.

    Raises:
        UserError: for another name, or when the model or the data cannot be asked that.
    """
    check_objective(name)
    if name == Distilled.name:
        if teacher is None:
            raise UserError("a distilled training needs a teacher: the name or folder of a model")
        return Distilled(clip, product_dtype, teacher)
    if name in JOINT:
        return JOINT[name](clip, product_dtype)
    return Supervised(clip, class_names) if name == Supervised.name else OBJECTIVES[name](clip)


def suited(config: CLIPConfig, name: str) -> CLIPConfig:
    """Give the model configuration that this objective can train.

    A language model needs a transformer where a bag of words was (two blocks), the sigmoid loss a
    bias.
    """
    if name == Sigmoid.name:
        return replace(config, logit_bias=True)
    if name != CaptionModel.name or not isinstance(config.text, BagOfWordsConfig):
        return config
    width = config.text.width
    text = TransformerConfig(
        config.text.vocab_size,
        config.text.context_length,
        width,
        depth=2,
        heads=max(1, width // 64),
        activation="gelu",
    )
    return replace(config, text=text)


__all__ = [
    "JOINT",
    "OBJECTIVES",
    "BagOfWordsPrediction",
    "CaptionModel",
    "Contrastive",
    "Distilled",
    "Objective",
    "RowWise",
    "Sigmoid",
    "SimCLR",
    "Supervised",
    "check_objective",
    "make_objective",
    "nt_xent_loss",
    "random_view",
    "suited",
]
