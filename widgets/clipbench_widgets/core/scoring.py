"""What an explorer computes: rows of cosine, logit and probability, and a background for cosines.

The background is what a cosine compares with: the cosines of random texts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from clipbench import Encoder, UserError
from clipbench.data.world.sprites import concepts
from clipbench.evaluate.zero_shot import class_probabilities

NONE = "none of these"
RARE = 2.0  # standard deviations above the mean of random texts: where "none of these" stands
MAX_PROMPTS = 200
MAX_CHARACTERS = 1000  # of one prompt; a model reads some 20 to 80 tokens
RANDOM_TEXTS = 128


def read_prompts(text: str) -> list[str]:
    """Read the prompts of a box with one prompt per line.

    They are trimmed, and none is empty, repeated or endless.
    """
    return list(dict.fromkeys(written_lines(text)))[:MAX_PROMPTS]


def written_lines(text: str) -> list[str]:
    """List the lines that hold something to see, with single spaces.

    Halves of characters become question marks.
    """
    whole = text.encode("utf-8", "replace").decode("utf-8")
    lines = [" ".join(line.split())[:MAX_CHARACTERS] for line in whole.splitlines()]
    return [
        line
        for line in lines
        if any(character.isprintable() for character in line.replace(" ", ""))
    ]


def written(text: str) -> str:
    """Return the lines that hold something to see as one, for a box that asks for one text."""
    return " ".join(written_lines(text))


def remarks_on(text: str) -> list[str]:
    """Say what `read_prompts` leaves out, a sentence each."""
    lines = written_lines(text)
    repeated = len(lines) - len(set(lines))
    remarks = []
    if repeated:
        remarks.append(
            f"{repeated} repeated {'line counts' if repeated == 1 else 'lines count'} only once."
        )
    if len(set(lines)) > MAX_PROMPTS:
        remarks.append(f"Only the first {MAX_PROMPTS} prompts are read.")
    return remarks


def remarks_on_choice(rows: Sequence[dict]) -> list[str]:
    """Explain probabilities that say less than they seem to."""
    if len(rows) == 1:
        return [
            "There is nothing to choose between: one prompt has 100 % of any picture. Write another."
        ]
    same = len(rows) - len({(row["prompt"].casefold(), row["cosine"]) for row in rows})
    if not same:
        return []
    what = "1 prompt differs" if same == 1 else f"{same} prompts differ"
    return [f"{what} from another in capitals only, which this model does not read."]


def score(
    prompts: Sequence[str],
    image_features: torch.Tensor,
    zero_shot_weights: torch.Tensor,
    scale: float,
) -> list[dict]:
    """Make one row per prompt, with ``prompt``, ``cosine``, ``logit`` and ``probability``.

    Args:
        image_features: one picture, (D,), unit norm.
        zero_shot_weights: (D, C), a unit vector per prompt.
        scale: what cosines are multiplied by before the softmax.

    Raises:
        UserError: when the features are not finite, as those of a model whose training has failed.
    """
    cosines, probabilities = class_probabilities(image_features[None], zero_shot_weights, scale)
    if not torch.isfinite(probabilities).all():
        raise UserError(
            "the model's features are not finite numbers; its training has probably diverged"
        )
    numbers = zip(prompts, cosines[0].tolist(), probabilities[0].tolist(), strict=True)
    return [
        {"prompt": prompt, "cosine": cosine, "logit": scale * cosine, "probability": probability}
        for prompt, cosine, probability in numbers
    ]


def most_probable(rows: Sequence[Mapping]) -> Mapping:
    """Return the row of the highest probability, the first of equal ones."""
    return max(rows, key=lambda row: row["probability"])


@dataclass(frozen=True)
class Reading:
    """How a model reads one text."""

    pieces: list[str]  # words and pieces of words, without start and end
    read: int  # how many of them the model reads
    limit: int | None  # of tokens, start and end included, where it is known

    @property
    def tokens(self) -> int:
        """Of the whole text, start and end of text included."""
        return len(self.pieces) + 2

    @property
    def cut(self) -> bool:
        return self.read < len(self.pieces)


def reading(encoder: Encoder, text: str) -> Reading:
    pieces = encoder.tokens(text)
    limit = getattr(encoder, "context_length", None)
    return Reading(pieces, len(pieces) if limit is None else min(len(pieces), limit - 2), limit)


def remarks_on_length(readings: Sequence[Reading]) -> list[str]:
    """Say in a sentence if a model does not read its texts to the end."""
    cut = sum(reading.cut for reading in readings)
    if not cut:
        return []
    what = "1 prompt is" if cut == 1 else f"{cut} prompts are"
    return [
        f"{what} longer than the {readings[0].limit} tokens the model reads; the rest is ignored."
    ]


def random_texts() -> list[str]:
    """Pick texts that have little to do with a picture.

    They name things of the emoji world, spread over its groups.
    """
    step = len(concepts()) // RANDOM_TEXTS
    return [f"a photo of a {concept.name}." for concept in concepts()[::step][:RANDOM_TEXTS]]


@dataclass(frozen=True)
class Background:
    """The cosines of one picture with random texts: what counts as nothing special."""

    mean: float
    deviation: float
    cosines: tuple[float, ...] = ()

    @classmethod
    def of(cls, image_features: torch.Tensor, text_features: torch.Tensor) -> "Background":
        """Compute it from the features of a picture (D,) and of random texts (B, D)."""
        cosines = text_features @ image_features
        return cls(float(cosines.mean()), float(cosines.std()), tuple(cosines.tolist()))

    @property
    def rare(self) -> float:
        """A cosine that random texts seldom reach."""
        return self.mean + RARE * self.deviation


def with_none(
    rows: Sequence[dict], background: Background, scale: float, familiar: float = 1.0
) -> list[dict]:
    """Add a row for "none of these", and divide the probabilities among all rows.

    No text can say "none of these" to a CLIP, which compares each text on its own. So this row
    stands for a cosine that random texts seldom reach: what is less like the picture loses against
    it.

    Args:
        familiar: what the texts' share is multiplied by: less than 1 for a picture that is unlike
            all that the model was trained on, whose cosines mean little.
    """
    last = {"prompt": NONE, "cosine": background.rare, "logit": scale * background.rare}
    every = [*rows, last]
    logits = torch.tensor([row["logit"] for row in every], dtype=torch.float64)
    shares = familiar * logits.softmax(0)
    shares[-1] += 1 - familiar
    return [row | {"probability": share} for row, share in zip(every, shares.tolist(), strict=True)]
