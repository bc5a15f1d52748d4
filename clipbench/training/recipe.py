"""The recipe of a training run.

It says which objective is trained, how large a batch is, at which learning rates, and for how long.
"""

import math
from dataclasses import asdict, dataclass

from torch import nn

from clipbench.errors import UserError
from clipbench.model import CLIP
from clipbench.objectives import JOINT, Distilled, check_objective


@dataclass(frozen=True)
class TrainConfig:
    """The recipe of a training run, with a budget of either ``minutes`` or ``pairs``.

    The learning rate falls to zero at the end of the budget.

    A picture counts as one pair, however many captions it has.
    """

    objective: str = "contrastive"  # what is asked of a batch: see clipbench.objectives
    teacher: str | None = None  # the name or folder of the model that a distilled one learns from
    batch_size: int = 128
    minutes: float | None = None
    pairs: int | None = None
    matrix_learning_rate: float = 0.02  # Muon's, for weight matrices; 0 gives them to AdamW
    # AdamW's, for projections, gains, biases, positions and the temperature
    learning_rate: float = 2e-3
    embedding_learning_rate: float = 1e-2  # AdamW's, for word vectors
    weight_decay: float = 0.05  # AdamW's, never on gains and biases
    betas: tuple[float, float] = (0.9, 0.98)
    warmup: float = 0.06  # fraction of the budget
    # last fraction of the budget, before which rates stay at their peak; 0: half a cosine
    linear_fall: float = 0.0
    clip_norm: float = 1.0
    bag_of_words_start: bool = True  # see start_as_bag_of_words
    patch_dropout: float = 0.0  # of a ViT's patches, until patch_dropout_until
    # fraction of the budget; the rest is trained on whole pictures
    patch_dropout_until: float = 0.75
    # keep an encoder and its projection as they are (LiT, Zhai et al. 2022)
    lock_image: bool = False
    lock_text: bool = False
    # decay of the weights' moving average, which is then what is saved and evaluated
    averaging: float = 0.0
    save_minutes: float = 1.0  # a notebook server that is culled gives no warning
    keep_checkpoints: int = 2  # the newest ones; the best one is kept besides

    def __post_init__(self):
        object.__setattr__(self, "betas", tuple(self.betas))
        check_objective(self.objective)
        if (self.objective == Distilled.name) != (self.teacher is not None):
            raise UserError("a distilled training needs a teacher, and no other training has one")
        numbers = asdict(self)
        del numbers["objective"], numbers["teacher"]
        for name, value in {**numbers, "betas": min(self.betas)}.items():
            if value is not None and not (
                isinstance(value, (int, float)) and 0 <= value < math.inf
            ):
                raise UserError(f"{name} must be a number from 0 up, not {value!r}")
        if self.batch_size < 2:
            raise UserError(
                "batch size must be at least 2: a contrastive loss needs something to contrast with"
            )
        if (self.minutes is None) == (self.pairs is None):
            raise UserError("give either minutes or pairs as the training budget")
        if (self.minutes or self.pairs or 0) <= 0:
            raise UserError("the training budget must be more than nothing")
        if self.averaging and self.objective not in JOINT:
            raise UserError(
                f"weights can be averaged for {' and '.join(JOINT)} only, not for {self.objective}"
            )
        if self.linear_fall > 1:
            raise UserError("linear_fall is a fraction of the budget: at most 1")
        if self.averaging >= 1:
            raise UserError(
                "averaging must be less than 1: it is the decay of the moving average (EMA), the "
                "fraction of the old average that is kept"
            )


def learning_rate_factor(progress: float, warmup: float, linear_fall: float = 0.0) -> float:
    """Give the share of the peak learning rate: linear warm-up, then a half cosine to zero.

    With ``linear_fall`` it falls in a straight line in that last part of the budget instead.

    ``progress`` and both fractions are in [0, 1].
    """
    progress = min(progress, 1.0)
    falling = (
        min(1.0, (1 - progress) / linear_fall)
        if linear_fall
        else 0.5 * (1 + math.cos(math.pi * progress))
    )
    return min(1.0, progress / warmup if warmup else 1.0) * falling


def locked_parts(model: CLIP, config: TrainConfig) -> list[nn.Module]:
    """Give the encoders and projections that the recipe does not train."""
    image, text = (
        [model.image_encoder, model.image_projection],
        [model.text_encoder, model.text_projection],
    )
    return [*(image if config.lock_image else []), *(text if config.lock_text else [])]
