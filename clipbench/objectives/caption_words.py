"""Predicting the caption from the picture: its words in order, or only which words there are.

These are what CLIP was first tried against (Radford et al. 2021, section 2.3): a language model on
the image encoder, as in VirTex (Desai & Johnson 2021; theirs also reads backwards), and the same
with the order of words thrown away, as Joulin et al. (2016) trained on hashtags.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from clipbench.compute.flops import image_flops, transformer_flops
from clipbench.errors import UserError
from clipbench.model import CLIP, TextTransformer, TransformerConfig, through
from clipbench.objectives.objective import RowAnswers, RowWise, ln, lock
from clipbench.tokenizer import Tokenizer

PREFIX = 4  # tokens that the picture becomes (appendix A.2)
# captions that are scored at a time: their logits take 100 MB at 4,096 tokens of vocabulary
SEQUENCES = 512


class CaptionModel(RowWise):
    """Predict the next token of the caption, given the picture.

    A causal transformer reads the picture as four tokens and then the caption.

    loss = -mean over all predicted tokens of log p(token | picture, tokens before it); the end of
    text is predicted too. Output weights are the word vectors (Press & Wolf 2017).
    """

    name = "caption-lm"

    def __init__(self, clip: CLIP):
        super().__init__(clip)
        if not isinstance(clip.text_encoder, TextTransformer):
            raise UserError(
                "caption-lm needs a text transformer: give a preset or a model that has one"
            )
        lock(clip.image_projection, clip.text_projection, clip.logit_scale)
        self.prefix = nn.Linear(
            clip.image_encoder.feature_width, PREFIX * clip.text_encoder.feature_width
        )

    def forward(self, images: Tensor, targets: Tensor) -> RowAnswers:
        logits = self.logits(self.clip.image_encoder(images), targets[:, :-1])
        losses, wanted = token_losses(logits, targets)
        right = (logits.argmax(-1) == targets[:, 1:]) & wanted
        return RowAnswers(losses, torch.stack([wanted.sum(1), right.sum(1)], 1).float())

    def logits(
        self, features: Float[Tensor, "B W"], token_ids: Int[Tensor, "B T"]
    ) -> Float[Tensor, "B T V"]:
        """Give logits of what comes after each token, given the picture and tokens up to it."""
        text = self.clip.text_encoder
        assert isinstance(text, TextTransformer)  # as __init__ demands
        picture = self.prefix(features).unflatten(1, (PREFIX, -1))
        words = text.token_embedding(token_ids) + text.positions[: token_ids.shape[1]]
        x = torch.cat([picture, words.to(picture.dtype)], 1)  # (B, PREFIX + T, W)
        causal = torch.full((x.shape[1], x.shape[1]), float("-inf"), device=x.device).triu(1)
        x = text.ln_final(through(text.blocks, x, causal, text.recompute)[:, PREFIX:])
        return F.linear(x, text.token_embedding.weight)

    def chance_loss(self, batch_size: int) -> float:
        return ln(self.clip.config.text.vocab_size)

    def flops(self, targets: Tensor, kept: float = 1.0) -> float:
        text, T = self.clip.config.text, targets.shape[1] - 1
        assert isinstance(text, TransformerConfig)  # as __init__ demands
        words = (
            transformer_flops(PREFIX + T, text.width, text.depth)
            + 2 * T * text.width * text.vocab_size
        )
        return 3 * (image_flops(self.clip.config, kept, spare=True) + words)

    @torch.no_grad()
    def class_scores(
        self,
        features: Float[Tensor, "B W"],
        class_names: Sequence[str],
        templates: Sequence[str],
        tokenizer: Tokenizer,
    ) -> Float[Tensor, "B C"]:
        """Compute log p(caption | picture).

        Of several templates it is the logarithm of the mean of their probabilities.
        """
        captions = [template.replace("{}", name) for name in class_names for template in templates]
        token_ids = tokenizer(captions).to(features.device)
        rows = torch.cartesian_prod(torch.arange(len(features)), torch.arange(len(captions))).to(
            features.device
        )
        parts = [
            self.log_likelihood(features[i], token_ids[j])
            for i, j in (r.T for r in rows.split(SEQUENCES))
        ]
        scores = torch.cat(parts).view(len(features), len(class_names), len(templates))
        return scores.logsumexp(2) - ln(len(templates))

    @torch.no_grad()
    def write(self, features: Float[Tensor, "B W"], tokenizer: Tokenizer) -> list[str]:
        """Write the caption that the model gives each picture, by greedy decoding.

        Greedy: it takes the likeliest token every time.
        """
        ids = torch.full((len(features), 1), tokenizer.start_id, device=features.device)
        while (
            ids.shape[1] < self.clip.config.text.context_length
            and not (ids == tokenizer.end_id).any(1).all()
        ):
            ids = torch.cat([ids, self.logits(features, ids)[:, -1:].argmax(-1)], 1)
        return [tokenizer.text(row) for row in ids.tolist()]

    def log_likelihood(
        self, features: Float[Tensor, "B W"], token_ids: Int[Tensor, "B T"]
    ) -> Float[Tensor, " B"]:
        """Compute log p of each caption given its picture, its end included."""
        return -token_losses(self.logits(features, token_ids[:, :-1]), token_ids)[0]


def token_losses(
    logits: Float[Tensor, "B S V"], token_ids: Int[Tensor, "B T"]
) -> tuple[Tensor, Bool[Tensor, "B S"]]:
    """Compute each row's loss, and say which tokens it counts.

    Returns (sum of -log p of the row's tokens from the second to the end of text, mask (B, S) of
    those tokens), with S = T - 1.
    """
    wanted = torch.arange(1, token_ids.shape[1], device=token_ids.device) <= token_ids.argmax(
        1, keepdim=True
    )
    losses = F.cross_entropy(
        logits.flatten(0, 1).float(), token_ids[:, 1:].flatten(), reduction="none"
    )
    return (losses.view(wanted.shape) * wanted).sum(1), wanted


class BagOfWordsPrediction(RowWise):
    """Predict which words are in the caption, with one softmax over the vocabulary.

    As Joulin et al. (2016) have it.

    With S the set of a caption's tokens, loss = -mean over pairs of (1/|S|) sum over w in S of log
    p(w | picture): the cross-entropy with a target that is uniform over S. It cannot fall below the
    mean of ln |S|. As in the caption model, output weights are the word vectors, of which the text
    encoder is not asked for more.
    """

    name = "bow"

    def __init__(self, clip: CLIP):
        super().__init__(clip)
        lock(clip.image_projection, clip.text_encoder, clip.text_projection, clip.logit_scale)
        clip.text_encoder.token_embedding.requires_grad_(True)
        self.hidden = nn.Linear(clip.image_encoder.feature_width, clip.text_encoder.feature_width)

    def forward(self, images: Tensor, targets: Tensor) -> RowAnswers:
        """Compute each pair's loss; its answer is right or wrong by the likeliest word."""
        likely = self.log_likely(self.clip.image_encoder(images))
        bags = word_sets(targets, likely.shape[1])
        losses = -(likely * bags).sum(1) / bags.sum(1)
        right = bags.gather(1, likely.argmax(1, keepdim=True))[:, 0]
        return RowAnswers(losses, torch.stack([torch.ones_like(right), right], 1))

    def log_likely(self, features: Float[Tensor, "B W"]) -> Float[Tensor, "B V"]:
        """Compute log p of each word, given the picture."""
        logits = F.linear(self.hidden(features), self.clip.text_encoder.token_embedding.weight)
        return logits.float().log_softmax(-1)

    def chance_loss(self, batch_size: int) -> float:
        return ln(self.clip.config.text.vocab_size)

    def flops(self, targets: Tensor, kept: float = 1.0) -> float:
        width, words = self.hidden.out_features, self.clip.config.text.vocab_size
        return super().flops(targets, kept) + 6 * width * (self.hidden.in_features + words)

    @torch.no_grad()
    def class_scores(
        self,
        features: Float[Tensor, "B W"],
        class_names: Sequence[str],
        templates: Sequence[str],
        tokenizer: Tokenizer,
    ) -> Float[Tensor, "B C"]:
        """Sum log p(word | picture) over the caption's words.

        Of several templates it is the mean.
        """
        likely = self.log_likely(features)
        captions = [template.replace("{}", name) for name in class_names for template in templates]
        bags = word_sets(tokenizer(captions).to(features.device), likely.shape[1])  # (C P, V)
        return likely @ bags.view(len(class_names), len(templates), -1).mean(1).T


def word_sets(token_ids: Int[Tensor, "B T"], vocabulary: int) -> Float[Tensor, "B V"]:
    """Mark every token between start and end of text with 1, however often it stands there.

    An empty text is its end.
    """
    place = torch.arange(token_ids.shape[1], device=token_ids.device)
    end = token_ids.argmax(1, keepdim=True)
    inside = ((place > 0) & (place < end.clamp(min=2))).float()
    bags = torch.zeros(len(token_ids), vocabulary, device=token_ids.device)
    return bags.scatter_reduce_(1, token_ids, inside, "amax")
