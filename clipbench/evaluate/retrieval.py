"""Retrieval both ways: captions by picture among all captions, and pictures by caption.

Recall as in the paper (appendix E.1): R@k is the share of queries that have any right item among
their first k. Equal captions are one text: it is one query, stands in the gallery once, and is
right for every picture that has it. A wrong item with the score of the best right one counts as
before it, so that a model that says the same of everything finds nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from clipbench.errors import UserError
from clipbench.evaluate.features.compute import check_features
from clipbench.evaluate.statistics.intervals import with_interval

BLOCK = 1 << 24  # scores at a time, 64 MB
DEPTHS = (1, 5, 10)


@dataclass(frozen=True)
class Captions:
    """The distinct texts of M pictures, and which picture has which."""

    texts: list[str]
    images: Int[Tensor, " E"]  # E pairs of a picture ...
    of_texts: Int[Tensor, " E"]  # ... and a text
    given: int  # captions, equal ones counted each


def distinct(captions: Sequence[Sequence[str]]) -> Captions:
    """Collect the distinct captions from the captions of each picture.

    Raises:
        UserError: for a picture without one, or no pictures.
    """
    if not captions:
        raise UserError("there are no pictures to search among")
    if not all(captions):
        raise UserError(
            f"picture {[bool(some) for some in captions].index(False) + 1} has no "
            "caption; leave it out"
        )
    places: dict[str, int] = {}
    pairs = {
        (image, places.setdefault(text, len(places)))
        for image, some in enumerate(captions)
        for text in some
    }
    images, of_texts = torch.tensor(sorted(pairs)).unbind(1)
    return Captions(list(places), images, of_texts, sum(map(len, captions)))


@dataclass(frozen=True)
class Ranks:
    """How many wrong items come before the best right one.

    Of every picture's and of every text's query.
    """

    image_to_text: Int[Tensor, " M"]
    text_to_image: Int[Tensor, " T"]

    def metrics(self, captions: Captions) -> dict[str, float]:
        """Compute what ``retrieval_metrics`` does."""
        pictures, texts = len(self.image_to_text), len(self.text_to_image)
        chance = len(captions.images) / pictures / texts
        return {
            **recall_metrics("image_to_text", self.image_to_text),
            **recall_metrics("text_to_image", self.text_to_image),
            "chance_r1": chance,
            "pictures": pictures,
            "texts": texts,
            "captions": captions.given,
        }

    def outcomes(self, ids: Sequence[str], captions: Captions) -> dict:
        """Say of every query, pictures first, whether the first item was right; for a record."""
        first = torch.cat([self.image_to_text, self.text_to_image]) == 0
        queries = [*ids, *(f"text: {text}" for text in captions.texts)]
        return {"ids": queries, "labels": [1] * len(queries), "predictions": first.int().tolist()}


def retrieval_metrics(
    image_features: Float[Tensor, "M D"], text_features: Float[Tensor, "T E"], captions: Captions
) -> dict[str, float]:
    """Compute recall and median rank both ways.

    Args:
        text_features: of ``captions.texts``, in that order.

    Returns:
        For ``image_to_text`` and ``text_to_image``: ``_r1``, ``_r5``, ``_r10`` as fractions with
        the ends of their 95 % Wilson intervals, and ``_median_rank`` (1 is the best);
        ``chance_r1``, R@1 of guessing, the same both ways; the counts ``pictures``, ``texts``
        (distinct) and ``captions``.

    Raises:
        UserError: for features that are no finite numbers or of different widths.
    """
    return retrieval_ranks(image_features, text_features, captions).metrics(captions)


def recall_metrics(name: str, ranks: Int[Tensor, " Q"]) -> dict[str, float]:
    """Compute R@1, R@5, R@10 and the median rank of one direction."""
    metrics: dict[str, float] = {}
    for k in DEPTHS:
        metrics |= with_interval(f"{name}_r{k}", int((ranks < k).sum()), len(ranks))
    return metrics | {f"{name}_median_rank": float(ranks.double().quantile(0.5)) + 1}


def retrieval_ranks(
    image_features: Float[Tensor, "M D"], text_features: Float[Tensor, "T E"], captions: Captions
) -> Ranks:
    """Rank the right items of every picture and of every text.

    Raises:
        UserError: for features that are no finite numbers or of different widths.
    """
    check_features(image_features, text_features.shape[1])
    check_features(text_features, image_features.shape[1])
    return Ranks(
        ranks_of(image_features, text_features, captions.images, captions.of_texts),
        ranks_of(text_features, image_features, captions.of_texts, captions.images),
    )


def ranks_of(
    queries: Float[Tensor, "Q D"],
    gallery: Float[Tensor, "G D"],
    asked: Int[Tensor, " E"],
    right: Int[Tensor, " E"],
    scores: int = BLOCK,
) -> Int[Tensor, " Q"]:
    """Count, for each query, the wrong items that score at least as high as its best right one.

    Args:
        asked, right: pairs of a query and an item that is right for it; every query has one or
            more.
    """
    order = asked.argsort(stable=True)
    asked, right = asked[order], right[order]
    block, found = max(1, scores // len(gallery)), []
    for start in range(0, len(queries), block):
        rows = queries[start : start + block] @ gallery.T  # (block, G)
        first, last = torch.searchsorted(asked, torch.tensor([start, start + len(rows)])).tolist()
        of, items = asked[first:last] - start, right[first:last]
        values = rows[of, items]
        best = rows.new_full((len(rows),), -torch.inf).scatter_reduce(0, of, values, "amax")
        reach = torch.ge(rows, best[:, None], out=torch.empty_like(rows)).sum(1).long()
        found.append(reach.index_add(0, of, -(values >= best[of]).long()))
    return torch.cat(found)
