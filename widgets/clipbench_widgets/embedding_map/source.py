"""Where a map's pictures and texts come from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from clipbench import Encoder
from clipbench_widgets.core.collection import collect
from clipbench_widgets.core.remembered_features import RememberedFeatures
from clipbench_widgets.core.scoring import MAX_CHARACTERS, written
from clipbench_widgets.embedding_map.points import MapPoints, gather

MOST_POINTS = 5000  # of pictures, and of texts: more make a blot


@dataclass(frozen=True)
class Source:
    """Where a map's points come from, whichever model places them."""

    data: Any  # what `collect` takes
    texts: list[str] | None  # None for one of each class
    factors: Mapping
    points: Any  # coordinates computed elsewhere, or None
    most: int

    def gathered(self, encoder: Encoder, remembered: RememberedFeatures) -> MapPoints:
        collection = collect(encoder, self.data, self.most)
        texts = collection.texts if self.texts is None else self.texts
        text_features = remembered.of_texts(texts) if texts else collection.features[:0]
        return gather(collection, texts, text_features, self.factors, self.points)


def clean(texts: Sequence[str]) -> list[str]:
    """Put each text in one line, and leave out those that have nothing to read."""
    lines = [written(str(text))[:MAX_CHARACTERS] for text in texts]
    return [line for line in lines if line][:MOST_POINTS]
