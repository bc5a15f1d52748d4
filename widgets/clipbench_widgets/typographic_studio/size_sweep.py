"""Success over a set of pictures: one word on all of them, from small to large.

Beside it, a control word on the same pictures.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace

import torch

from clipbench import Encoder, PictureSet, UserError, zero_shot_weights
from clipbench.data.alter.sticker import Sticker
from clipbench.data.probe_splits import drawn
from clipbench.evaluate.typographic import (
    HEIGHTS,
    attack_metrics,
    clean,
    judgement,
    masked,
    printed,
)
from clipbench_widgets.typographic_studio import fonts

AT_ONCE = 8  # pictures between two looks at whether to stop


@dataclass(frozen=True)
class Question:
    """What is measured.

    ``data`` holds the pictures that the word is printed on, with their class names; ``templates``
    and ``masked`` are the defences.
    """

    encoder: Encoder
    data: PictureSet
    sticker: Sticker
    control_word: str
    templates: Sequence[str]
    masked: bool = False

    def about(self) -> str:
        """Describe the question in words."""
        wording = ", ".join(f"“{template}”" for template in self.templates)
        cover = "; stickers covered" if self.masked else ""
        font = fonts.name_of(self.sticker.font)
        about = f"{len(self.data)} pictures of {self.data.name}, read by {self.encoder.name}"
        return f"{about}; letters {font}; wording {wording}{cover}"


@dataclass(frozen=True)
class Step:
    """Something done: a share of all work, and a point of the curve whenever one is ready."""

    done: float
    point: dict | None = None  # height, and the metrics of clipbench.evaluate.typographic


def without_the_word(data: PictureSet, word: str, most: int) -> PictureSet:
    """Draw a sample of the pictures that do not show what the word says.

    Its class names are those of the sampled pictures, and the word.

    Raises:
        UserError: when no picture is left.
    """
    shows = [name.casefold() == word.casefold() for name in data.class_names]
    rows = [row for row, label in enumerate(data.labels.tolist()) if not shows[label]]
    if not rows:
        raise UserError(f"all pictures of {data.name} show a {word}; write another word")
    sample = drawn(data.subset(rows), most)
    shown, labels = sample.labels.unique(return_inverse=True)
    names = [data.class_names[number] for number in shown.tolist()]
    return replace(sample, labels=labels, class_names=[*names, word])


def sweep(question: Question, heights: Sequence[float] = HEIGHTS) -> Generator[Step, None, None]:
    """Measure in steps of a few pictures each, and give a point a height, from small to large.

    Raises:
        UserError: for letters that the font does not have.
    """
    data, sticker = question.data, question.sticker
    labels, targets = data.labels, torch.full_like(data.labels, len(data.class_names) - 1)
    weights = zero_shot_weights(
        question.encoder, data.class_names, question.templates, progress=False
    )
    rounds, done = 1 + 2 * len(heights), 0
    dressed = masked if question.masked else printed

    def verdict_on(pictures: PictureSet):
        """Encode the pictures step by step, then return the verdict on them."""
        features = []
        for start in range(0, len(data), AT_ONCE):
            rows = range(start, min(start + AT_ONCE, len(data)))
            images = question.encoder.preprocess(pictures.pictures(rows))
            features.append(question.encoder.encode_image(images))
            yield Step((done + rows.stop / len(data)) / rounds)
        return judgement(torch.cat(features) @ weights, labels, targets)

    before = yield from verdict_on(clean(data))
    done += 1
    for height in sorted(heights):
        verdicts = []
        for word in (sticker.word, question.control_word):
            paper = replace(sticker, height=height)
            verdicts.append((yield from verdict_on(dressed(data, [word] * len(data), paper))))
            done += 1
        yield Step(done / rounds, {"height": height} | attack_metrics(before, *verdicts))
