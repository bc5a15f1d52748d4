"""What a map shows: pictures and texts with their features.

Also what is known of each, and which are near each other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from clipbench import UserError
from clipbench.data.world.sprites import concept_ids, concepts
from clipbench.evaluate.modality_gap import mean_difference, shifted
from clipbench.evaluate.search import top_k
from clipbench_widgets.core.collection import Collection

MODALITY, PICTURES, TEXTS = "modality", "pictures", "texts"


@dataclass
class MapPoints:
    """N = M + B rows: M pictures, then B texts."""

    collection: Collection  # of the M pictures
    texts: list[str]  # B
    features: Tensor  # (N, D) unit norm
    factors: dict[str, list[str]]  # name -> N values
    given: Tensor | None  # coordinates of the M pictures or of all N rows, (..., 2)
    lost: int = 0  # rows that were left out, because their features were not finite

    def __len__(self) -> int:
        return len(self.features)

    @property
    def pictures(self) -> int:
        """How many, and so the row of the first text."""
        return len(self.collection)

    @property
    def both(self) -> bool:
        """Whether there are pictures and texts, and so a gap between them."""
        return 0 < self.pictures < len(self)

    @cached_property
    def names(self) -> list[str]:
        """What each row is called: the pictures' classes, then the texts."""
        return [*self.collection.names, *self.texts]

    def is_text(self, row: int) -> bool:
        return row >= self.pictures

    def kinds(self, factor: str) -> list[str]:
        """Say what each row is, by one factor."""
        if factor == MODALITY:
            return [PICTURES] * self.pictures + [TEXTS] * len(self.texts)
        return self.factors[factor]

    def about(self, row: int) -> dict:
        name = self.texts[row - self.pictures] if self.is_text(row) else self.collection.ids[row]
        kind = "text" if self.is_text(row) else "picture"
        known = {factor: values[row] for factor, values in self.factors.items()}
        return {"row": row, "modality": kind, "name": self.names[row], "id": name} | known

    def counts(self, rows: Sequence[int] | np.ndarray) -> str:
        """Say how many pictures and texts there are, in words."""
        texts = int((np.asarray(rows) >= self.pictures).sum())
        parts = [(len(rows) - texts, "picture"), (texts, "text")]
        return (
            " and ".join(f"{count:,} {name}{'s' * (count != 1)}" for count, name in parts if count)
            or "no points"
        )

    # -------------------- the modality gap

    def moved(self, share: float) -> Tensor:
        """Return the features (N, D), both modalities shifted.

        The shift is a share of the difference of their means.
        """
        if share == 0 or not self.both:
            return self.features
        return torch.cat(
            shifted(self.features[: self.pictures], self.features[self.pictures :], share)
        )

    def moved_text(self, features: Tensor, share: float) -> Tensor:
        """Shift another text (1, D) as those of the map are."""
        if share == 0 or not self.both:
            return features
        difference = mean_difference(self.features[: self.pictures], self.features[self.pictures :])
        return F.normalize(features + share * difference, dim=1)

    def gap(self, features: Tensor) -> float | None:
        """Measure the modality gap of all rows, moved or not; None without pictures or texts."""
        if not self.both:
            return None
        return float(mean_difference(features[: self.pictures], features[self.pictures :]).norm())

    # -------------------- neighbours

    def alike(self, row: int, features: Tensor, rows: np.ndarray, count: int) -> list[int]:
        """Find among ``rows`` of the same modality those with the largest cosine, best first."""
        same = rows[((rows >= self.pictures) == self.is_text(row)) & (rows != row)]
        return [row for row, _ in nearest(features[[row]], features, same, count)]


def nearest(
    query: Tensor, features: Tensor, rows: np.ndarray, count: int
) -> list[tuple[int, float]]:
    """List (row, cosine) of those among ``rows`` nearest to a query (1, D), best first."""
    if not len(rows):
        return []
    best = top_k(query, features[rows], min(count, len(rows)))
    return list(zip(rows[best.rows[0].numpy()].tolist(), best.scores[0].tolist(), strict=True))


# -------------------- gathering


def gather(
    collection: Collection, texts: list[str], text_features: Tensor, factors: Mapping, points
) -> MapPoints:
    """Gather everything that has finite features.

    Raises:
        UserError: for factors or points of another number.
    """
    every = all_factors(collection, texts, factors)
    given = None if points is None else given_points(points, len(collection), len(texts))
    whole = torch.cat([collection.features.float(), text_features.float()])
    good = torch.isfinite(whole).all(1)
    return MapPoints(
        collection.only(good[: len(collection)].nonzero()[:, 0]),
        kept(texts, good[len(collection) :]),
        F.normalize(whole[good], dim=1),
        {name: kept(values, good) for name, values in every.items()},
        None if given is None else given[good[: len(given)]],
        int((~good).sum()),
    )


def kept(values: Sequence[str], good: Tensor) -> list[str]:
    return [value for value, fine in zip(values, good.tolist(), strict=True) if fine]


def all_factors(
    collection: Collection, texts: Sequence[str], given: Mapping
) -> dict[str, list[str]]:
    """Give for each factor a value of every picture and text."""
    factors = {}
    for name, values in (collection.factors | dict(given)).items():
        values = [str(value) for value in values]
        if len(values) == len(collection):
            values += text_values(str(name), texts, collection)
        if len(values) != len(collection) + len(texts):
            raise UserError(
                f"factor {name!r} has {len(values)} values; give one per picture, {len(collection)}"
            )
        factors[str(name)] = values
    return factors


def text_values(factor: str, texts: Sequence[str], collection: Collection) -> list[str]:
    """Give each text its value of a factor.

    Texts that stand for classes have their class and its group; of other texts it is known that
    they are texts.
    """
    classes = list(dict.fromkeys(collection.names))
    if (
        factor not in ("class", "group")
        or list(texts) != collection.texts
        or len(classes) != len(texts)
    ):
        return [TEXTS] * len(texts)
    ids = concept_ids()
    return classes if factor == "class" else [concepts()[ids[name]].group for name in classes]


def given_points(points, pictures: int, texts: int) -> Tensor:
    """Check given points and return them, (M, 2) or (N, 2), as float32.

    Raises:
        UserError: for another shape, or numbers that are not finite.
    """
    try:
        given = torch.from_numpy(np.array(points, dtype=np.float32))
    except (ValueError, TypeError):
        raise UserError("points: give two numbers for each picture") from None
    if given.ndim != 2 or given.shape[1] != 2 or len(given) not in (pictures, pictures + texts):
        shape = tuple(given.shape)
        raise UserError(
            f"points: shape {shape}; give ({pictures}, 2) for the pictures, or "
            f"({pictures + texts}, 2)"
        )
    if not torch.isfinite(given).all():
        raise UserError("points: some are not finite numbers")
    return given
