"""Prompt learning with CoOp (Zhou et al. 2022): the template's words become learned vectors.

The free vectors are learned from a few pictures. The prompt of class c is
[start] v_1 ... v_M [name of c] [end]. The vectors v are shared by all classes and start as the
words of a template; both encoders are frozen, so that pictures are encoded once.
"""

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from clipbench.encoders.clip import ClipbenchEncoder
from clipbench.errors import UserError
from clipbench.evaluate.probes.linear_probe import Rows
from clipbench.evaluate.probes.tip_adapter import accuracy
from clipbench.model import TextTransformer

CONTEXT = "a photo of a"
STEPS, LEARNING_RATE = 50, 2e-3


class LearnedPrompts:
    """Class names behind M learned vectors.

    Raises:
        UserError: for a model whose text encoder is no transformer of this package.
    """

    def __init__(
        self, encoder: ClipbenchEncoder, class_names: Sequence[str], context: str = CONTEXT
    ):
        text = getattr(getattr(encoder, "model", None), "text_encoder", None)
        if not isinstance(text, TextTransformer):
            raise UserError(
                f"prompt learning needs a model with a text transformer; {encoder.name} has none"
            )
        self.text, self.projection = text, encoder.model.text_projection
        self.device = encoder.device
        # (C, T)
        self.token_ids = encoder.tokenizer([f"{context} {name}" for name in class_names]).to(
            self.device
        )
        self.words = text.token_embedding(self.token_ids).detach()  # (C, T, W)
        # start and end of text stand around it
        length = int(encoder.tokenizer([context]).argmax()) - 1
        self.context = self.words[0, 1 : 1 + length].clone()  # (M, W)

    def weights(self, context: Float[Tensor, "M W"]) -> Float[Tensor, "D C"]:
        """Compute one unit vector per class, as ``zero_shot_weights`` does for one template."""
        words = torch.cat(
            [
                self.words[:, :1],
                context.expand(len(self.words), -1, -1),
                self.words[:, 1 + len(context) :],
            ],
            1,
        )
        features = self.text.read(words, self.token_ids.argmax(1))
        return F.normalize(self.projection(features).float(), dim=-1).T


def learn_context(
    prompts: LearnedPrompts, train: Rows, validation: Rows, scale: float
) -> Float[Tensor, "D C"]:
    """Learn a context and give its class weights.

    Adam on the training rows' cross-entropy, the best step on validation.
    """
    context = prompts.context.clone().requires_grad_()
    optimizer = torch.optim.Adam([context], lr=LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)
    best, best_accuracy = torch.empty(0), -1.0
    for _ in range(STEPS + 1):  # the first weights are those before learning
        weights = prompts.weights(context)
        reached = accuracy(validation, validation.features.to(prompts.device) @ weights.detach())
        if reached > best_accuracy:
            best, best_accuracy = weights.detach(), reached
        loss = F.cross_entropy(
            scale * train.features.to(prompts.device) @ weights, train.labels.to(prompts.device)
        )
        (context.grad,) = torch.autograd.grad(loss, [context])
        optimizer.step()
        schedule.step()
    return best


def prompt_scorer(
    pool: Rows, test: Rows, encoder: ClipbenchEncoder, class_names: Sequence[str]
) -> Callable[[Tensor, Tensor], float]:
    """Make a ``score`` for ``few_shot_curve``. Features are projected unit vectors."""
    prompts = LearnedPrompts(encoder, class_names)

    def score(train: Tensor, validation: Tensor) -> float:
        weights = learn_context(prompts, pool[train], pool[validation], encoder.scale)
        return accuracy(test, test.features @ weights.to(test.features))

    return score
