"""The features of a sparse autoencoder, each with what is known of it.

That is the scenes that it answers to most, the texts nearest to its direction, and what it follows
of all that is true of the scenes.
"""

from collections.abc import Generator
from dataclasses import dataclass, field
from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor

from clipbench import Encoder, UserError
from clipbench.data.world.captions import STYLE_TEMPLATES
from clipbench.data.world.factors import COLOURS
from clipbench.inside.graded_scenes import GradedScenes, graded_scenes
from clipbench.inside.grades import Followed, what_each_follows
from clipbench.inside.sparse_autoencoder import (
    JOINT,
    Recipe,
    SparseAutoencoder,
    begin_training,
    check_width,
    layer_outputs,
    load_autoencoder,
    nearest_texts,
)
from clipbench.inside.stimuli import spread_concepts

RECIPE = Recipe(512, 16, steps=500)
SCENES = 2500  # to learn from, and to choose on what a feature follows
JUDGED = 1000  # other scenes, which are shown and on which that is judged
THINGS = 64
WORDS = 3  # nearest texts of each feature
BATCH = 50  # scenes between two reports
STEPS = 10  # of training between two reports


@dataclass(frozen=True)
class Progress:
    """How far the work is, from 0 to 1, and what is being done."""

    share: float
    doing: str


@dataclass
class Dictionary:
    """F features, and M scenes that none of them was learned from."""

    autoencoder: SparseAutoencoder
    scenes: GradedScenes
    answers: Tensor  # (M, F) of the features to the scenes
    followed: list[Followed]  # F
    texts: list[str]  # T
    text_features: Tensor  # (T, D)
    _words: list[list[int]] = field(init=False)

    def __post_init__(self):
        self._words = nearest_texts(self.autoencoder, self.text_features, WORDS)

    def __len__(self) -> int:
        return self.answers.shape[1]

    @cached_property
    def share_active(self) -> list[float]:
        """Of the scenes, the share that each feature answers to."""
        return (self.answers > 0).float().mean(0).tolist()

    @cached_property
    def alive(self) -> list[int]:
        """The features that answer to any scene."""
        return [feature for feature, share in enumerate(self.share_active) if share > 0]

    @cached_property
    def usual(self) -> Tensor:
        """How strongly each feature answers, where it does (F,)."""
        return self.answers.sum(0) / (self.answers > 0).sum(0).clamp(min=1)

    def words(self, feature: int) -> list[str]:
        """List the nearest texts, the nearest first."""
        return [self.texts[k] for k in self._words[feature]]

    def top(self, feature: int, count: int) -> list[int]:
        """List the rows of the scenes that it answers to most; fewer where it answers to fewer."""
        top = self.answers[:, feature].topk(min(count, len(self.answers)))
        return top.indices[top.values > 0].tolist()

    def said(self, row: int) -> str:
        """Say what is true of a scene, as far as it is a thing, a style or a word."""
        known = {
            each.name: each.values[int(each.labels[row])]
            for each in self.scenes.factors
            if int(each.labels[row]) >= 0
        }
        word = known.get("sign word")
        parts = [known.get("concept"), known["style"], f"“{word}”" if word else None]
        return ", ".join(part for part in parts if part)

    def about(self, factor: str) -> list[int]:
        """List the features that are known to be about a factor."""
        return [
            feature
            for feature in self.alive
            if self.followed[feature].known and self.followed[feature].factor == factor
        ]

    def alike(self, feature: int) -> list[int]:
        """List the features that are about the same value, itself first."""
        own = self.followed[feature]
        others = [
            other
            for other in self.about(own.factor)
            if other != feature and self.followed[other].value == own.value
        ]
        return [feature, *(others if own.known else [])]

    def near(self, text_feature: Tensor) -> Tensor:
        """Compute the cosine of each direction with a text (D,), of which the mean is taken out."""
        return self.autoencoder.decoder @ F.normalize(
            text_feature - self.text_features.mean(0), dim=0
        )


def clearness(what: Followed) -> tuple[bool, bool, float]:
    """Order features: first those that follow something, then those of a part, then the others."""
    return what.follows, what.known, what.auc if what.follows else what.lift


def vocabulary() -> list[str]:
    """Write texts that name what is in the scenes."""
    things = spread_concepts(THINGS)
    return [
        *(f"a {name}" for name in things),
        *(f"a {colour} background" for colour in COLOURS),
        *(form[0].format("something") for form in STYLE_TEMPLATES.values()),
        "two things",
        "three things",
        *(f"a sign that says {name}" for name in things),
    ]


def opened(autoencoder, encoder: Encoder) -> SparseAutoencoder | None:
    """Open an autoencoder of an encoder's joint space: a folder, or one in memory; None for none.

    Raises:
        UserError: when it is of another model or layer.
    """
    if autoencoder is None:
        return None
    if not isinstance(autoencoder, SparseAutoencoder):
        autoencoder, about = load_autoencoder(autoencoder)
        if about.layer != JOINT or about.fingerprint != encoder.fingerprint:
            raise UserError(
                f"this autoencoder is of {about.layer} of {about.model}; one of the joint space of "
                f"{encoder.name} is needed"
            )
    check_width(autoencoder, encoder.embed_dim, "the joint space")
    return autoencoder


# -------------------- the work


def learned(
    encoder: Encoder,
    autoencoder: SparseAutoencoder | None = None,
    recipe: Recipe = RECIPE,
    scenes: int = SCENES,
    judged: int = JUDGED,
) -> Generator[Progress | Dictionary, None, None]:
    """Learn features from scenes, and find out what they follow: steps, and last a Dictionary.

    Args:
        autoencoder: one that is trained already.

    Raises:
        UserError: for features that no autoencoder can be trained on.
    """
    rows, drawn = {}, {}
    total, done = scenes + judged, 0
    for split, count in (("train", scenes), ("heldout", judged)):
        drawn[split], parts = graded_scenes(split, count, THINGS), []
        for batch in layer_outputs(
            encoder, drawn[split].pictures, batch_size=BATCH, progress=False
        ):
            parts.append(batch[:, 0])
            done += len(batch)
            yield Progress(0.8 * done / total, f"looking at scene {done:,} of {total:,}")
        rows[split] = torch.cat(parts)
    if autoencoder is None:
        trainer, steps = begin_training(rows["train"], recipe)
        for number, _ in enumerate(steps):
            if number % STEPS == 0:
                share = number / recipe.steps
                yield Progress(0.8 + 0.15 * share, f"learning features: {share:.0%}")
        autoencoder = trainer.autoencoder.requires_grad_(False)
    yield Progress(0.95, "comparing features with what is true of the scenes")
    yield described(encoder, autoencoder, rows, drawn)


def described(encoder: Encoder, autoencoder: SparseAutoencoder, rows, drawn) -> Dictionary:
    answers = {split: autoencoder.encode(each) for split, each in rows.items()}
    factors = [drawn[split].factors for split in ("train", "heldout")]
    followed = what_each_follows(answers["train"], answers["heldout"], *factors)
    texts = vocabulary()
    return Dictionary(
        autoencoder,
        drawn["heldout"],
        answers["heldout"],
        followed,
        texts,
        encoder.encode_text(texts).clone(),
    )
