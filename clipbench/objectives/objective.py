"""The contract between a Trainer and the objective that it trains."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from jaxtyping import Float
from torch import Tensor, nn

from clipbench.compute.flops import image_flops
from clipbench.data.streams import Pairs
from clipbench.errors import UserError
from clipbench.model import CLIP
from clipbench.tokenizer import Tokenizer


class Objective(nn.Module):
    """A model's encoders and what else one objective needs; trained as a whole, saved as two files.

    A step has two halves, so that micro-batches give the whole batch's gradient
    (``gradient_cache``): ``forward`` answers each pair by itself; ``compare`` makes one loss of all
    answers. Answers are a named tuple of tensors: those of one row per pair, (B, ...), and those
    that all pairs share, of no dimension, such as a scale.

    Attributes:
        name: as on the command line.
        clip: the model. What the objective does not use of it is locked, and saved with it all the
            same.
    """

    name = ""

    def __init__(self, clip: CLIP):
        super().__init__()
        self.clip = clip

    def targets(self, pairs: Pairs, tokenizer: Tokenizer) -> Tensor:
        """Give what the pictures are to be compared with, one row for each pair.

        That is token ids (B, T), where nothing else is said.
        """
        return tokenizer(pairs.captions)

    def forward(self, images: Tensor, targets: Tensor) -> tuple[Tensor, ...]:
        """Compute the answers that ``compare`` takes, by name; images are normalised."""
        raise NotImplementedError

    def compare(self, *answers: Any, **named: Any) -> Float[Tensor, ""]:
        """Compute the loss of the whole batch."""
        raise NotImplementedError

    def accuracy(self, *answers: Any, **named: Any) -> float:
        """Compute the fraction of the batch that was answered rightly: a health check."""
        raise NotImplementedError

    def chance_loss(self, batch_size: int) -> float:
        """Give the loss of a model that guesses."""
        raise NotImplementedError

    def flops(self, targets: Tensor, kept: float = 1.0) -> float:
        """Count operations of one training step for each pair; see ``clipbench.compute.flops``."""
        return 3 * image_flops(self.clip.config, kept, spare=True)

    def about(self) -> dict:
        """Give what must be known to build it again, beside the model: plain data for JSON."""
        return {"objective": self.name}

    def heads(self) -> dict[str, Tensor]:
        """Give the weights that are not the model's."""
        return {
            name: tensor
            for name, tensor in self.state_dict().items()
            if not name.startswith("clip.")
        }

    def class_scores(
        self,
        features: Float[Tensor, "B W"],
        class_names: Sequence[str],
        templates: Sequence[str],
        tokenizer: Tokenizer,
    ) -> Float[Tensor, "B C"]:
        """Score how well each class fits a picture, by features of the image encoder.

        Larger is better.

        Raises:
            UserError: when the objective cannot answer that.
        """
        raise UserError(f"a {self.name} model cannot name classes; use clipbench eval linear-probe")


class RowAnswers(NamedTuple):
    """Each pair's own answers."""

    losses: Float[Tensor, " B"]  # summed over the pair's answers
    counts: Float[Tensor, "B 2"]  # how many answers it gave, and how many of them were right


class RowWise(Objective):
    """An objective whose pairs do not interact: ``forward`` gives ``RowAnswers``."""

    def compare(self, losses: Tensor, counts: Tensor) -> Float[Tensor, ""]:
        return losses.sum() / counts[:, 0].sum()

    def accuracy(self, losses: Tensor, counts: Tensor) -> float:
        answers, right = counts.sum(0).tolist()
        return right / answers


def lock(*parts: nn.Module | nn.Parameter) -> None:
    """Lock what an objective does not use: no optimiser gets it."""
    for part in parts:
        part.requires_grad_(False)


def ln(count: int) -> float:
    return math.log(count)
