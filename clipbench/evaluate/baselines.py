"""What an accuracy must beat: chance, texts alone, raw pixels, an untrained encoder.

None of these has learned what a picture means. Where one of them comes near a model, the number
says little about the model. Metrics are named ``baseline/NAME`` and stand in the record of the
evaluation that they belong to.

Raw pixels are read at 16 x 16 and at 8 x 8. Sets are classified by the most similar labelled
picture: by the correlation of brightness, or of an untrained encoder's features. Scene tasks and
probes fit the same linear probe to them that they fit to the model's features. In retrieval the
captions of the most similar pictures stand for a picture.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from clipbench.data.image_set import PictureSet
from clipbench.data.world.scene_tasks import Question
from clipbench.encoders.clip import ImageEncoder, untrained
from clipbench.evaluate.features.feature_file import cached_image_features
from clipbench.evaluate.probes.linear_probe import Rows
from clipbench.evaluate.retrieval import Captions, retrieval_metrics
from clipbench.evaluate.statistics.intervals import with_interval

SIDES = (16, 8)
PREFIX = "baseline/"
View = Callable[[PictureSet], Tensor]  # pictures -> one row of numbers each


def raw_pixels(data: PictureSet, side: int = SIDES[0]) -> Float[Tensor, "M N"]:
    """Read RGB values in [0, 1] of the pictures at side x side: N = 3 * side * side."""
    return data.tensor(side).flatten(1).float() / 255


def views(encoder: ImageEncoder | None, progress: bool = False) -> dict[str, View]:
    """Name the ways to look at pictures that have learned nothing: name -> view.

    Without an encoder, or with one of another library's, there is no untrained copy of it.
    """
    found: dict[str, View] = {f"pixels_{side}": partial(raw_pixels, side=side) for side in SIDES}
    copy = untrained(encoder) if encoder is not None else None
    if copy is not None:
        found["untrained"] = lambda data: cached_image_features(
            copy, data, projected=False, progress=progress
        )
    return found


def rows_by_view(
    encoder: ImageEncoder | None, train: PictureSet, test: PictureSet
) -> Iterator[tuple[str, Rows, Rows]]:
    """Yield what a probe of each view trains on and is tested on: (name, train, test)."""
    for name, view in views(encoder).items():
        yield name, Rows(view(train), train.labels), Rows(view(test), test.labels)


# -------------------- sets with classes


def baselines_of_set(
    test: PictureSet,
    train: PictureSet | None,
    encoder: ImageEncoder | None = None,
    interval: str = "wilson",
) -> dict[str, float]:
    """Measure the baselines of a labelled set.

    Args:
        test: the pictures that the model classifies.
        train: labelled pictures of the same classes to compare with; None leaves these out.
        encoder: whose untrained copy is a baseline, too.

    Returns:
        ``baseline/chance``; ``baseline/texts``, the share of the most frequent class, which is all
        that class names can tell; ``baseline/pixels_16``, ``baseline/pixels_8`` and
        ``baseline/untrained``, each with its interval: the class of the most similar labelled
        picture.
    """
    most = int(test.labels.bincount(minlength=len(test.class_names)).max()) / len(test)
    metrics = {f"{PREFIX}chance": test.chance, f"{PREFIX}texts": most}
    if train is None:
        return metrics
    for name, view in views(encoder).items():
        compared = centred if name == "untrained" else brightness
        answers = nearest_labels(*compared(view(train), view(test)), train.labels)
        right = int((answers == test.labels).sum())
        metrics |= with_interval(f"{PREFIX}{name}", right, len(test), kind=interval)
    return metrics


def brightness(train: Tensor, test: Tensor) -> tuple[Tensor, Tensor]:
    """Turn rows of RGB values into brightness of mean 0 and length 1: products correlate."""
    light = [rows.unflatten(1, (3, -1)).mean(1) for rows in (train, test)]
    known, asked = (F.normalize(rows - rows.mean(1, keepdim=True), dim=1) for rows in light)
    return known, asked


def centred(train: Tensor, test: Tensor) -> tuple[Tensor, Tensor]:
    """Take the mean of the training rows away, and give unit vectors.

    An untrained network sends all pictures to nearly the same point.
    """
    middle = train.mean(0)
    return F.normalize(train - middle, dim=1), F.normalize(test - middle, dim=1)


def nearest_labels(
    train: Float[Tensor, "N D"], test: Float[Tensor, "M D"], labels: Int[Tensor, " N"]
) -> Int[Tensor, " M"]:
    """Give the label of the most similar training row to each test row."""
    return labels[most_similar(train, test, 1)[:, 0]]


def most_similar(
    train: Float[Tensor, "N D"], test: Float[Tensor, "M D"], count: int
) -> Int[Tensor, "M K"]:
    """Find the K most similar training rows of each test row, the most similar first."""
    return torch.cat([(part @ train.T).topk(count, dim=1).indices for part in test.split(500)])


# -------------------- pictures with captions


def recall_by_pixels(
    pictures: PictureSet,
    captions: Captions,
    others: PictureSet,
    said: Sequence[str],
    side: int = SIDES[0],
    similar: int = 5,
) -> dict[str, float]:
    """Measure the recall of raw pixels and counted words, without a model.

    A picture is described by the words of the captions of the most similar other pictures, and
    compared with captions by the words that they share.

    Args:
        said: a caption of each of the ``others``.
        similar: how many other pictures describe one.

    Returns:
        What ``retrieval_metrics`` does.
    """
    known, asked = brightness(raw_pixels(others, side), raw_pixels(pictures, side))
    texts, told = word_vectors(captions.texts, said)
    described = told[most_similar(known, asked, similar)].mean(1)
    return retrieval_metrics(F.normalize(described, dim=1), texts, captions)


def word_vectors(*lists: Sequence[str]) -> list[Float[Tensor, "M W"]]:
    """Count the words of texts as unit vectors over the W words of all lists."""
    words = sorted({word for texts in lists for text in texts for word in text.split()})
    place = {word: number for number, word in enumerate(words)}
    return [counted_words(texts, place) for texts in lists]


def counted_words(texts: Sequence[str], place: dict[str, int]) -> Float[Tensor, "M W"]:
    found = torch.zeros(len(texts), len(place))
    for row, text in enumerate(texts):
        for word in text.split():
            found[row, place[word]] += 1
    return F.normalize(found, dim=1)


# -------------------- questions with answers of their own


def accuracy_of_texts(train: Question, test: Question, steps: int = 200) -> float:
    """Measure how often answers are chosen rightly without a picture.

    A linear score of an answer's words and pairs of words is trained on other questions.
    """
    known = {part for row in train.phrases for phrase in row for part in parts(phrase)}
    place = {part: number for number, part in enumerate(sorted(known))}
    weights = torch.zeros(len(place), requires_grad=True)
    optimiser = torch.optim.Adam([weights], 0.05, weight_decay=1e-3)
    counted, asked = (counts(question.phrases, place) for question in (train, test))
    for _ in range(steps):
        optimiser.zero_grad()
        F.cross_entropy(counted @ weights, train.labels).backward()
        optimiser.step()
    return float(((asked @ weights).argmax(1) == test.labels).float().mean())


def parts(phrase: str) -> list[str]:
    words = phrase.split()
    return [*words, *(" ".join(pair) for pair in itertools.pairwise(words))]


def counts(questions: Sequence[Sequence[str]], place: dict[str, int]) -> Float[Tensor, "M K W"]:
    """Count how often each known word and pair of words is in each answer."""
    result = torch.zeros(len(questions), len(questions[0]), len(place))
    for row, phrases in enumerate(questions):
        for answer, phrase in enumerate(phrases):
            for part in parts(phrase):
                if part in place:
                    result[row, answer, place[part]] += 1
    return result
