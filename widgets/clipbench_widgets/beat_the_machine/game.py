"""A game of labels: which pictures are asked, what the model answers, and who was right how often.

The comparison of section 5.1 of Radford et al. 2021 (figure 16, table 2): people first see only the
names of the classes, then one example of each. They may say that they do not know.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from clipbench import Encoder, PictureSet, UserError, zero_shot_weights
from clipbench.data.world.sprites import concept_ids, concepts
from clipbench.evaluate.statistics.intervals import with_interval

SHOTS = (0, 1)  # examples of each class that are seen
LEAST = 3  # pictures of a class: an example, and one to ask for each number of shots
DONT_KNOW = ""


@dataclass(frozen=True)
class Question:
    """One picture, asked with so many examples of each class."""

    shots: int
    row: int  # in the picture set
    truth: str
    model: str  # the model's answer


@dataclass(frozen=True)
class Answer:
    player: str
    question: Question
    said: str  # a class, or DONT_KNOW


class LabelGame:
    """Questions about pictures of a few classes.

    Args:
        classes: names of classes; by default ``count`` that are likely to be confused, from one
            group of the emoji world if the set is of it.
        rounds: questions for each number of shots.

    Raises:
        UserError: for a set or classes with too few pictures.
    """

    def __init__(
        self,
        encoder: Encoder,
        data: PictureSet,
        classes: Sequence[str] | None = None,
        count: int = 8,
        rounds: int = 10,
        seed: int = 0,
    ):
        self.data = data
        random = torch.Generator().manual_seed(seed)
        self.classes = list(classes) if classes is not None else some_classes(data, count, random)
        rows = [shuffled(self._rows_of(name), random) for name in self.classes]
        self.examples = [int(own[0]) for own in rows]  # the row of one picture of each class
        others = shuffled(torch.cat([own[1:] for own in rows]), random).tolist()
        self.rounds = min(rounds, len(others) // len(SHOTS))
        # no picture twice: what was seen is no longer new
        asked = others[: self.rounds * len(SHOTS)]
        said = self._answers_of(encoder, asked)
        self.questions = [
            self._question(place // self.rounds, row, said, place)
            for place, row in enumerate(asked)
        ]

    def _question(self, shots: int, row: int, said: dict[int, list[int]], place: int) -> Question:
        truth = self.data.class_names[int(self.data.labels[row])]
        return Question(shots, row, truth, self.classes[said[shots][place]])

    def _rows_of(self, name: str) -> Tensor:
        if name not in self.data.class_names:
            raise UserError(f"{self.data.name} has no class {name!r}")
        rows = (self.data.labels == self.data.class_names.index(name)).nonzero()[:, 0]
        if len(rows) < LEAST:
            raise UserError(
                f"the class {name!r} has {len(rows)} pictures; a game needs at least "
                f"{LEAST} of each class"
            )
        return rows

    def _answers_of(self, encoder: Encoder, rows: list[int]) -> dict[int, list[int]]:
        """Give the model's class of each picture, for each number of shots.

        Zero-shot it goes by the class names, one-shot by the nearest example.
        """
        features = encoder.encode_image(encoder.preprocess(self.data.pictures(rows)))
        examples = encoder.encode_image(encoder.preprocess(self.data.pictures(self.examples)))
        weights = zero_shot_weights(encoder, self.classes, self.data.templates, progress=False)
        if not all(torch.isfinite(part).all() for part in (features, examples, weights)):
            raise UserError(
                "the model's features are not finite numbers; its training has probably diverged"
            )
        return {
            0: (features @ weights).argmax(1).tolist(),
            1: (features @ examples.T).argmax(1).tolist(),
        }


def shuffled(rows: Tensor, random: torch.Generator) -> Tensor:
    return rows[torch.randperm(len(rows), generator=random)]


def some_classes(data: PictureSet, count: int, random: torch.Generator) -> list[str]:
    """Choose classes with enough pictures, of one group of concepts if there are so many in one."""
    counts = data.labels.bincount(minlength=len(data.class_names))
    able = [
        name
        for name, number in zip(data.class_names, counts.tolist(), strict=True)
        if number >= LEAST
    ]
    if len(able) < 2:
        raise UserError(
            f"{data.name} has too few pictures for a game: at least {LEAST} of each of two classes"
        )
    order = [able[place] for place in torch.randperm(len(able), generator=random).tolist()]
    group = group_of(order[0])
    alike = [name for name in order if group_of(name) == group] if group else order
    return sorted((alike if len(alike) >= count else order)[:count])


def group_of(name: str) -> str | None:
    """Give the kind of thing that a concept of the emoji world is; None for other names."""
    ids = concept_ids()
    return concepts()[ids[name]].group if name in ids else None


def scores(answers: Sequence[Answer]) -> dict[str, dict[str, float | None]]:
    """Score people and the model at each number of shots.

    Each has ``top1`` with its interval and ``asked``, and people also have ``guessed``. Not to know
    counts as wrong in ``top1``; ``guessed`` is the share of right ones among real answers (None
    without).
    """
    found: dict[str, dict[str, float | None]] = {}
    for shots in SHOTS:
        some = [answer for answer in answers if answer.question.shots == shots]
        if not some:
            continue
        right = sum(answer.said == answer.question.truth for answer in some)
        real = sum(answer.said != DONT_KNOW for answer in some)
        name = "zero-shot" if shots == 0 else "one-shot"
        found[f"people, {name}"] = {
            **with_interval("top1", right, len(some)),
            "asked": len(some),
            "guessed": right / real if real else None,
        }
        model = sum(answer.question.model == answer.question.truth for answer in some)
        found[f"model, {name}"] = {**with_interval("top1", model, len(some)), "asked": len(some)}
    return found
