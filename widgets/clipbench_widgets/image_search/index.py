"""One encoder with the features of many pictures: what is nearest to a text or to a picture."""

import torch
import torch.nn.functional as F
from torch import Tensor

from clipbench import UserError
from clipbench.evaluate.search import top_k
from clipbench_widgets.core.collection import Collection
from clipbench_widgets.core.pictures import NamedPicture
from clipbench_widgets.core.remembered_features import RememberedFeatures


class SearchIndex:
    """Exact search among the pictures of a collection.

    Raises:
        UserError: when none of the features are finite numbers.
    """

    def __init__(self, encoder, collection: Collection):
        self.encoder, self.collection = encoder, collection
        self.remembered = RememberedFeatures(encoder)
        good = torch.isfinite(collection.features).all(1)
        if not good.any():
            raise UserError(
                f"{encoder.name}: no features are finite numbers; its training has "
                "probably diverged"
            )
        self._rows = good.nonzero()[:, 0]  # searched; the others cannot be found
        self._features = F.normalize(collection.features[good].float(), dim=1)
        lost = len(good) - len(self._rows)
        self.remark = (
            f"{lost} of {len(good):,} pictures cannot be found: features that are not finite"
            if lost
            else ""
        )

    def of_text(self, text: str, count: int) -> list[dict]:
        """Find the ``count`` pictures nearest to a text.

        Raises:
            UserError: for a model without texts, or features that are not finite.
        """
        if not callable(getattr(self.encoder, "encode_text", None)):
            raise UserError(
                f"{self.encoder.name} reads no texts; click a picture to look for others like it"
            )
        return self._nearest(self.remembered.of_texts([text]), count)

    def like_picture(self, entry: NamedPicture, count: int) -> list[dict]:
        return self._nearest(self.remembered.of_picture(entry)[None], count)

    def like_row(self, row: int, count: int) -> list[dict]:
        """Find pictures like the row's own, without it."""
        found = self._nearest(self.collection.features[[row]], count + 1)
        return [each for each in found if each["row"] != row][:count]

    def _nearest(self, features: Tensor, count: int) -> list[dict]:
        asked = F.normalize(features.float(), dim=1)
        if not torch.isfinite(asked).all():
            raise UserError(f"{self.encoder.name}: the features of this are not finite numbers")
        best = top_k(asked, self._features, min(count, len(self._features)))
        return [
            {
                "row": row,
                "name": self.collection.names[row],
                "id": self.collection.ids[row],
                "cosine": cosine,
            }
            for row, cosine in zip(
                self._rows[best.rows[0]].tolist(), best.scores[0].tolist(), strict=True
            )
        ]
