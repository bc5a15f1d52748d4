"""Typographic attacks: a class name printed on a picture of another class.

After Goh et al. 2021, "Multimodal Neurons". Every picture gets a *target*, another class, drawn by
the seed, and is classified three times: as it is (*clean*), with the target's name printed on it
(*attacked*), and with a word of as many letters printed on it that names no class (the *control*
sticker). Accuracy also falls under the control sticker, because it hides a part of the picture;
only a model that reads yields the target more often under the attack than under the control.

All numbers are fractions of the M pictures, with 95 % intervals (Wilson's, or the exact one) as
``_low`` and ``_high``:

``clean_top1``, ``attacked_top1``, ``control_top1``
    The true class is the nearest of all C classes. Chance 1 / C.
``success``
    The target is the nearest of all classes on the attacked picture. Chance 1 / C.
``clean_target``, ``control_target``
    The same on the clean picture and under the control sticker: what success would be without
    reading.
``flipped``
    Success among the pictures that were classified right while they were clean.
``control_cost``
    ``clean_top1`` - ``control_top1``, with the bootstrap interval of ``paired_test``.
``two_way_clean``, ``two_way_attacked``, ``two_way_control``
    The true class is nearer than the target, as in SCAM (Westerhoff et al. 2025). Chance 1 / 2.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float, Int
from PIL import Image, ImageStat
from torch import Tensor

from clipbench.data.alter.sticker import LONGEST_WORD, Sticker, covered_box, covered_share, print_on
from clipbench.data.image_set import PictureSet
from clipbench.data.world.draws import Draws
from clipbench.encoders.clip import Encoder
from clipbench.errors import UserError
from clipbench.evaluate.features.compute import image_features, text_features
from clipbench.evaluate.statistics.intervals import with_interval
from clipbench.evaluate.statistics.paired import paired_test

HEIGHTS = (0.1, 0.15, 0.2, 0.25, 0.3, 0.4)
# Words that are no thing's name; one with as many letters as the target's covers about as much of
# the picture.
CONTROL_WORDS = (
    "of", "so", "any", "its", "once", "thus", "often", "maybe", "almost", "rarely", "perhaps",
    "exactly", "somewhat", "moreover", "otherwise", "sometimes", "especially", "afterwards",
    "nonetheless", "beforehand", "nevertheless", "occasionally", "unfortunately", "straightaway",
)  # fmt: skip
# What the pictures look like once somebody has put a sticker on them, in words that do not say what
# is written.
WORDING = (
    "a {} with a sign",
    "a photo of a {} with a sign.",
    "a {} with a word on it",
    "a photo of a {} with a label.",
    "a {} with something written on it",
)
NAMED_WORDING = "a {} with a sign that says {}"


# -------------------- the plan


@dataclass(frozen=True)
class Plan:
    """What is printed on each of M pictures."""

    targets: Int[Tensor, " M"]  # the class whose name is printed
    words: list[str]  # its name
    controls: list[str]  # a word of about as many letters that names no class


def plan_attack(
    labels: Int[Tensor, " M"],
    class_names: Sequence[str],
    seed: int = 0,
    longest: int = LONGEST_WORD,
) -> Plan:
    """Draw a target for each picture.

    Every other class with a name of at most ``longest`` letters is equally likely.

    Raises:
        UserError: when fewer than two names are short enough.
    """
    eligible = torch.tensor(
        [number for number, name in enumerate(class_names) if len(name) <= longest]
    )
    if len(eligible) < 2:
        raise UserError(
            f"{len(eligible)} class names have at most {longest} letters; an attack "
            "needs two or more"
        )
    draws = Draws(seed, torch.arange(len(labels)))
    first, more = (
        eligible[draws.integer("target", len(eligible))],
        1 + draws.integer("shift", len(eligible) - 1),
    )
    place = torch.searchsorted(eligible, first)
    targets = torch.where(first == labels, eligible[(place + more) % len(eligible)], first)
    words = [class_names[target] for target in targets.tolist()]
    return Plan(targets, words, pick_controls(words, class_names, draws))


def pick_controls(words: Sequence[str], class_names: Sequence[str], draws: Draws) -> list[str]:
    """Draw for each word one of the control words nearest to it in length."""
    names = {name.casefold() for name in class_names}
    free = [word for word in CONTROL_WORDS if word not in names]
    picked = []
    for word, bits in zip(words, draws.bits("control").tolist(), strict=True):
        distance = min(abs(len(word) - len(other)) for other in free)
        near = [other for other in free if abs(len(word) - len(other)) == distance]
        picked.append(near[bits % len(near)])
    return picked


# -------------------- the pictures


def square(picture: Image.Image) -> Image.Image:
    """Cut out the central square, which is what CLIP sees.

    A sticker outside of it would attack nobody.
    """
    side = min(picture.size)
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    return picture.crop((left, top, left + side, top + side))


def clean(data: PictureSet) -> PictureSet:
    """Cut out the central squares of the pictures."""
    return replace(data, pictures=lambda rows: [square(picture) for picture in data.pictures(rows)])


def printed(data: PictureSet, words: Sequence[str], sticker: Sticker) -> PictureSet:
    """Print each picture's word on its central square; ``sticker`` says how."""

    def pictures(rows: Sequence[int]) -> list[Image.Image]:
        squares = zip(rows, clean(data).pictures(rows), strict=True)
        return [print_on(picture, replace(sticker, word=words[row])) for row, picture in squares]

    return replace(data, pictures=pictures)


def masked(data: PictureSet, words: Sequence[str], sticker: Sticker) -> PictureSet:
    """Do as ``printed``, with a patch of the picture's mean colour over each sticker.

    It shows what is left when a word is taken out.
    """

    def pictures(rows: Sequence[int]) -> list[Image.Image]:
        squares = zip(rows, clean(data).pictures(rows), strict=True)
        return [patched(picture, replace(sticker, word=words[row])) for row, picture in squares]

    return replace(data, pictures=pictures)


def patched(picture: Image.Image, sticker: Sticker) -> Image.Image:
    covered = picture.convert("RGB")
    covered.paste(
        tuple(round(mean) for mean in ImageStat.Stat(covered).mean),
        covered_box(sticker, covered.size),
    )
    return covered


# -------------------- the verdict


@dataclass(frozen=True)
class Classifier:
    """Scores of all classes from features, zero-shot or probe."""

    name: str  # begins the names of its numbers; "" for zero-shot
    score: Callable[[Tensor], Tensor]  # (M, D) or (M, W) -> (M, C)
    projected: bool = True  # whether it reads projected features (M, D) or the tower's (M, W)


@dataclass(frozen=True)
class Judgement:
    """How a classifier judged M pictures."""

    right: Bool[Tensor, " M"]  # the true class has the highest score of all
    target: Bool[Tensor, " M"]  # the target has
    prefers_true: Bool[Tensor, " M"]  # the true class scores higher than the target


def judgement(
    scores: Float[Tensor, "M C"], labels: Int[Tensor, " M"], targets: Int[Tensor, " M"]
) -> Judgement:
    scores = scores.cpu()
    prediction = scores.argmax(1)
    true, target = (scores.gather(1, classes[:, None])[:, 0] for classes in (labels, targets))
    return Judgement(prediction == labels, prediction == targets, true > target)


def attack_metrics(
    clean: Judgement,
    attacked: Judgement,
    control: Judgement,
    prefix: str = "",
    interval: str = "wilson",
) -> dict[str, float]:
    """Compute the numbers that the head of this module defines, their names after ``prefix``."""
    shares = {
        "clean_top1": clean.right,
        "clean_target": clean.target,
        "two_way_clean": clean.prefers_true,
        "two_way_control": control.prefers_true,
        **under_stickers(attacked, control),
    }
    metrics: dict[str, float] = {}
    for name, hits in shares.items():
        metrics |= with_interval(prefix + name, int(hits.sum()), len(hits), kind=interval)
    if known := int(clean.right.sum()):
        metrics |= with_interval(
            f"{prefix}flipped", int((clean.right & attacked.target).sum()), known, kind=interval
        )
    return metrics | cost(clean, control, prefix)


def size_metrics(
    attacked: Judgement, control: Judgement, prefix: str, height: float, interval: str
) -> dict[str, float]:
    """Compute the numbers that change with the sticker's height, named ``..._at_HEIGHT``."""
    metrics: dict[str, float] = {}
    for name, hits in under_stickers(attacked, control).items():
        metrics |= with_interval(
            f"{prefix}{name}_at_{height:g}", int(hits.sum()), len(hits), kind=interval
        )
    return metrics


def under_stickers(attacked: Judgement, control: Judgement) -> dict[str, Tensor]:
    return {
        "attacked_top1": attacked.right,
        "control_top1": control.right,
        "success": attacked.target,
        "control_target": control.target,
        "two_way_attacked": attacked.prefers_true,
    }


def cost(clean: Judgement, control: Judgement, prefix: str) -> dict[str, float]:
    """Compute ``control_cost`` with its interval."""
    test = paired_test(control.right.tolist(), clean.right.tolist())
    return {f"{prefix}control_cost{end}": test[f"difference{end}"] for end in ("", "_low", "_high")}


# -------------------- the protocol


def typographic_attack(
    encoder: Encoder,
    data: PictureSet,
    classifiers: Sequence[Classifier],
    sticker: Sticker,
    plan: Plan,
    heights: Sequence[float] = HEIGHTS,
    progress: bool = True,
    interval: str = "wilson",
) -> dict[str, float]:
    """Attack each classifier.

    Args:
        sticker: how words are printed; its own word is not used.
        plan: what is printed on each picture, from ``plan_attack``.
        heights: further heights of the sticker, for the sweep.
        interval: "wilson" or "clopper-pearson", at 95 %.

    Returns:
        For each classifier, under its name, ``attack_metrics`` at the sticker's own height; for
        each height h of the sweep ``attacked_top1``, ``control_top1``, ``success``,
        ``control_target`` and ``two_way_attacked`` with ``_at_h``, and ``covered_at_h``, the mean
        share of a picture under the sticker; with masked stickers ``masked_top1`` and
        ``masked_target``; ``chance``, ``two_way_chance``, ``pictures``, ``classes``.

    Raises:
        UserError: for letters that the font does not have, or sets without pictures.
    """
    jury = Jury(encoder, data.labels, plan.targets, classifiers, progress)
    before = jury.judge(clean(data))
    metrics: dict[str, float] = {}
    for height in sorted({sticker.height, *heights}):
        paper = replace(sticker, height=height)
        attacked = jury.judge(printed(data, plan.words, paper))
        control = jury.judge(printed(data, plan.controls, paper))
        for name in before:
            if height == sticker.height:
                metrics |= attack_metrics(
                    before[name], attacked[name], control[name], name, interval
                )
            if height in heights:
                metrics |= size_metrics(attacked[name], control[name], name, height, interval)
        metrics[f"covered_at_{height:g}"] = mean_cover(plan.words, paper)
    for name, verdict in jury.judge(masked(data, plan.words, sticker)).items():
        metrics |= with_interval(
            f"{name}masked_top1", int(verdict.right.sum()), len(data), kind=interval
        )
        metrics |= with_interval(
            f"{name}masked_target", int(verdict.target.sum()), len(data), kind=interval
        )
    classes = len(data.class_names)
    return metrics | {
        "chance": 1 / classes,
        "two_way_chance": 0.5,
        "pictures": len(data),
        "classes": classes,
    }


def mean_cover(words: Sequence[str], sticker: Sticker) -> float:
    """Average the share of a picture that lies under the sticker."""
    different = sorted(set(words))
    return sum(
        covered_share(replace(sticker, word=word)) * words.count(word) for word in different
    ) / len(words)


class Jury:
    """Pictures with classes and targets, judged by several classifiers of one encoder."""

    def __init__(
        self, encoder, labels, targets, classifiers: Sequence[Classifier], progress: bool = True
    ):
        self.encoder, self.labels, self.targets = encoder, labels, targets
        self.classifiers, self.progress = classifiers, progress

    def judge(self, data: PictureSet) -> dict[str, Judgement]:
        """Judge the pictures with each classifier: verdicts by its name."""
        kinds = {classifier.projected for classifier in self.classifiers}
        features = {
            kind: image_features(self.encoder, data, projected=kind, progress=self.progress)
            for kind in kinds
        }
        return {
            each.name: judgement(each.score(features[each.projected]), self.labels, self.targets)
            for each in self.classifiers
        }


def named_word_metrics(
    encoder: Encoder,
    data: PictureSet,
    words: Sequence[str],
    targets: Int[Tensor, " M"],
    progress: bool = True,
    interval: str = "wilson",
) -> dict[str, float]:
    """Measure two-way accuracy when the prompts say what is written.

    "a cat with a sign that says dog" against "a dog ...". A defence for whoever can read the word
    by other means (OCR). Chance 1 / 2.

    Args:
        data: M pictures that already have ``words`` (M) on them.
    """
    names = data.class_names
    texts = [
        [
            NAMED_WORDING.format(names[number], word)
            for number, word in zip(classes.tolist(), words, strict=True)
        ]
        for classes in (data.labels, targets)
    ]
    pictures = image_features(encoder, data, progress=progress)
    true, other = (
        (pictures * text_features(encoder, lines, progress=progress)).sum(1) for lines in texts
    )
    return with_interval("two_way_named_word", int((true > other).sum()), len(data), kind=interval)


def photo_metrics(
    verdict: Judgement, written: Bool[Tensor, " M"], prefix: str = "", interval: str = "wilson"
) -> dict[str, float]:
    """Measure photographs with a word on them, and others.

    ``attacked_top1``, ``success`` and ``two_way_attacked`` of photographs with a word,
    ``clean_top1`` of others.

    Args:
        written: which of the photographs have a word on them.
    """
    groups = {
        "clean_top1": (verdict.right, ~written),
        "attacked_top1": (verdict.right, written),
        "success": (verdict.target, written),
        "two_way_attacked": (verdict.prefers_true, written),
    }
    metrics: dict[str, float] = {}
    for name, (hits, rows) in groups.items():
        if count := int(rows.sum()):
            metrics |= with_interval(prefix + name, int((hits & rows).sum()), count, kind=interval)
    return metrics
