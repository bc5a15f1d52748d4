"""Hard negatives: how often a model prefers the right caption to wrong ones that differ little.

A text-only baseline says how often captions alone give the right one away.

Scored as the papers do: a question is answered where the right caption has the largest cosine with
the picture, alone (SugarCrepe, ARO, NegBench, CountBench). A tie is no answer: a text encoder that
counts words cannot tell two orders of them apart, and its ties are counted. In a group, such as
Winoground's two pictures and two captions, the text score asks whether every picture finds its
caption, the image score whether every caption finds its picture, the group score both.

The text-only baseline answers without the picture: the caption whose words are likelier, by a
bigram model of captions. Where it is far above chance, the set can be solved by writing well.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from clipbench.data.readers.hard_negatives import Case
from clipbench.data.world.captions import caption_scenes
from clipbench.data.world.factors import SceneConfig, draw_factors, training_pool
from clipbench.errors import UserError
from clipbench.evaluate.statistics.intervals import with_interval
from clipbench.evaluate.statistics.paired import paired_test

TIE = 1e-6  # cosines nearer than that are equal: float32's noise
WORLD_CAPTIONS = 20_000
START, END = "<start>", "<end>"
BIGRAMS = 0.9  # the weight of the bigram beside the single word


# -------------------- a model's answers


def margins(
    image_features: Float[Tensor, "M D"],
    text_features: Float[Tensor, "T D"],
    cases: Sequence[Case],
    texts: Sequence[str],
) -> Float[Tensor, " C"]:
    """Compute each case's margin: the right caption's cosine less the largest of a wrong one.

    Args:
        texts: the captions in the order of ``text_features``, each once.
    """
    place = {text: number for number, text in enumerate(texts)}
    found = []
    for case in cases:
        cosines = (
            text_features[[place[text] for text in case.captions]] @ image_features[case.picture]
        )
        found.append(cosines[0] - cosines[1:].max())
    return torch.stack(found)


def hard_negative_metrics(
    image_features: Float[Tensor, "M D"],
    text_features: Float[Tensor, "T D"],
    cases: Sequence[Case],
    texts: Sequence[str],
    language: "BigramModel",
    interval: str = "wilson",
) -> tuple[dict[str, float], list[bool]]:
    """Measure how often the right caption wins: (metrics, whether each case was answered).

    Returns:
        ``accuracy`` and ``text_only`` with their intervals, ``chance``, ``ties`` (the fraction of
        cases without an answer for that reason), ``questions``; ``above_text_only``, the
        difference with its bootstrap interval and McNemar's ``p``; where there are several, each
        category's accuracy as ``category/NAME`` and ``text_only/NAME``, and ``mean_per_category``;
        of groups what ``group_metrics`` gives.

    Raises:
        UserError: when there are no cases.
    """
    if not cases:
        raise UserError("there are no questions")
    by_model = margins(image_features, text_features, cases, texts)
    right, blind = by_model > TIE, language.answers(cases)
    count = len(cases)
    metrics = {
        **with_interval("accuracy", int(right.sum()), count, kind=interval),
        **with_interval("text_only", int(blind.sum()), count, kind=interval),
        "chance": sum(1 / len(case.captions) for case in cases) / count,
        "ties": int((by_model.abs() <= TIE).sum()) / count,
        "questions": count,
        **compared(blind, right),
        **per_category(cases, right, blind, interval),
        **group_metrics(image_features, text_features, cases, texts, right, interval),
    }
    return metrics, right.tolist()


def compared(blind: Bool[Tensor, " C"], right: Bool[Tensor, " C"]) -> dict[str, float]:
    """Compare the model with the text-only baseline, question by question."""
    test = paired_test(blind.tolist(), right.tolist())
    ends = {f"above_text_only{end}": test[f"difference{end}"] for end in ("", "_low", "_high")}
    return ends | {"p": test["p"]}


def per_category(
    cases: Sequence[Case], right: Bool[Tensor, " C"], blind: Bool[Tensor, " C"], interval: str
) -> dict[str, float]:
    """Measure each category; empty where there is one category, or none."""
    rows = defaultdict(list)
    for row, case in enumerate(cases):
        rows[case.category].append(row)
    if len(rows) < 2:
        return {}
    metrics: dict[str, float] = {}
    for name, some in sorted(rows.items()):
        hits = int(right[some].sum())
        metrics |= with_interval(f"category/{name or 'none'}", hits, len(some), kind=interval)
        metrics[f"text_only/{name or 'none'}"] = float(blind[some].float().mean())
    means = [float(right[some].float().mean()) for some in rows.values()]
    return metrics | {"mean_per_category": sum(means) / len(means)}


def group_metrics(
    image_features: Float[Tensor, "M D"],
    text_features: Float[Tensor, "T D"],
    cases: Sequence[Case],
    texts: Sequence[str],
    right: Bool[Tensor, " C"],
    interval: str = "wilson",
) -> dict[str, float]:
    """Compute Winoground's scores; empty without groups.

    Guessing has 1/4, 1/4 and 1/6 where all groups are of two.

    Returns:
        ``text_score``, ``image_score`` and ``group_score`` with intervals, and ``groups``.
    """
    rows = defaultdict(list)
    for row, case in enumerate(cases):
        if case.group:
            rows[case.group].append(row)
    groups = [some for some in rows.values() if len(some) > 1]
    if not groups:
        return {}
    place = {text: number for number, text in enumerate(texts)}
    found = {"text_score": 0, "image_score": 0, "group_score": 0}
    for some in groups:
        pictures = image_features[[cases[row].picture for row in some]]
        captions = text_features[[place[cases[row].captions[0]] for row in some]]
        cosines = captions @ pictures.T  # (captions, pictures): each caption finds its picture
        rivals = cosines.masked_fill(torch.eye(len(some), dtype=torch.bool), -math.inf)
        by_text = bool(right[some].all())
        by_image = bool((cosines.diag() - rivals.amax(1) > TIE).all())
        found["text_score"] += by_text
        found["image_score"] += by_image
        found["group_score"] += by_text and by_image
    metrics: dict[str, float] = {"groups": len(groups)}
    for name, hits in found.items():
        metrics |= with_interval(name, hits, len(groups), kind=interval)
    if all(len(some) == 2 for some in groups):
        metrics |= {"chance_text_or_image": 1 / 4, "chance_group": 1 / 6}
    return metrics


# -------------------- without the picture


@dataclass(frozen=True)
class BigramModel:
    """A bigram language model of captions: how likely words follow one another.

    A bigram's frequency is mixed with that of its second word, plus one for words that were never
    read.

    Attributes:
        words: how often each was read, ends of captions included.
        following: word -> how often each came after it.
    """

    words: Counter[str]
    following: dict[str, Counter[str]]

    @classmethod
    def fitted(cls, captions: Iterable[str]) -> "BigramModel":
        """Fit the model to captions.

        Raises:
            UserError: for captions without a word.
        """
        words: Counter[str] = Counter()
        following: dict[str, Counter[str]] = defaultdict(Counter)
        for caption in captions:
            read = [*in_words(caption), END]
            words.update(read)
            for before, after in zip([START, *read], read, strict=False):
                following[before][after] += 1
        if len(words) < 2:
            raise UserError("there are no captions to learn from which words are likely")
        return cls(words, dict(following))

    def mean_log_probability(self, caption: str) -> float:
        """Average the log probability of each word and of the end.

        An average, so that longer captions have no handicap.
        """
        read = [*in_words(caption), END]
        total = self.words.total() + len(self.words) + 1
        found = 0.0
        for before, after in zip([START, *read], read, strict=False):
            alone = (self.words[after] + 1) / total
            known = self.following.get(before)
            chained = known[after] / known.total() if known else 0.0
            found += math.log(BIGRAMS * chained + (1 - BIGRAMS) * alone if known else alone)
        return found / len(read)

    def answers(self, cases: Sequence[Case]) -> Bool[Tensor, " C"]:
        """Say whether the right caption is likelier than every wrong one."""
        found = []
        for case in cases:
            right, *wrong = map(self.mean_log_probability, case.captions)
            found.append(right - max(wrong) > TIE)
        return torch.tensor(found, dtype=torch.bool)

    def unread(self, cases: Sequence[Case]) -> tuple[int, int]:
        """Count (the distinct words of the captions that were never read, all distinct words)."""
        words = {word for case in cases for text in case.captions for word in in_words(text)}
        return sum(word not in self.words for word in words), len(words)


def in_words(caption: str) -> list[str]:
    """Split a caption into words and punctuation marks, without case."""
    return re.findall(r"[\w'-]+|[^\w\s]", caption.casefold())


def world_captions(count: int = WORLD_CAPTIONS) -> list[str]:
    """Write what models of this world read in training: captions of scenes of training's seed 0."""
    factors = draw_factors(torch.arange(count), 0, SceneConfig(), training_pool())
    return caption_scenes(factors)
