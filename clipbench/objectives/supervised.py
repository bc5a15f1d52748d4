"""The supervised objective: an ordinary classifier over the training data's labels."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from clipbench.data.streams import Pairs
from clipbench.errors import UserError
from clipbench.model import CLIP
from clipbench.objectives.objective import RowAnswers, RowWise, ln, lock
from clipbench.tokenizer import Tokenizer

NO_CLASSES = "supervised needs training data with classes, such as scenes; captions alone have none"


class Supervised(RowWise):
    """Cross-entropy of a linear layer on the image encoder.

    Args:
        class_names: C names; the data's labels count them.
    """

    name = "supervised"

    def __init__(self, clip: CLIP, class_names: Sequence[str] | None):
        super().__init__(clip)
        if not class_names:
            raise UserError(NO_CLASSES)
        lock(clip.image_projection, clip.text_encoder, clip.text_projection, clip.logit_scale)
        self.class_names = list(class_names)
        self.classifier = nn.Linear(clip.image_encoder.feature_width, len(self.class_names))

    def targets(self, pairs: Pairs, tokenizer: Tokenizer) -> Tensor:
        if pairs.labels is None:
            raise UserError(NO_CLASSES)
        return pairs.labels

    def forward(self, images: Tensor, targets: Tensor) -> RowAnswers:
        logits = self.classifier(self.clip.image_encoder(images)).float()
        losses = F.cross_entropy(logits, targets, reduction="none")
        right = (logits.argmax(1) == targets).float()
        return RowAnswers(losses, torch.stack([torch.ones_like(right), right], 1))

    def chance_loss(self, batch_size: int) -> float:
        return ln(len(self.class_names))

    def about(self) -> dict:
        return super().about() | {"class_names": self.class_names}

    @torch.no_grad()
    def class_scores(
        self,
        features: Float[Tensor, "B W"],
        class_names: Sequence[str],
        templates: Sequence[str],
        tokenizer: Tokenizer,
    ) -> Float[Tensor, "B C"]:
        """Give the logits of its own classes, whatever the templates: it knows no other ones.

        Raises:
            UserError: for a class that it was not trained on.
        """
        unknown = [name for name in class_names if name not in self.class_names]
        if unknown:
            what = f"{len(unknown)} of {len(class_names)} classes, such as {unknown[0]!r}"
            raise UserError(
                f"a supervised model knows only the classes of its training, not {what}"
            )
        return self.classifier(features)[:, [self.class_names.index(name) for name in class_names]]
