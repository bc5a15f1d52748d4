"""An Encoder that only looks up features that were computed elsewhere.

It is for evaluators and widgets that take an encoder.
"""

import hashlib
from collections.abc import Mapping, Sequence

import torch
from PIL import Image
from torch import Tensor

from clipbench.encoders.clip import Encoder
from clipbench.errors import UserError


class PrecomputedEncoder:
    """An encoder of known pictures and texts, which gives the features that it was given for them.

    Pictures are recognised by their pixels. Texts are looked up, or encoded by ``texts`` when that
    is an Encoder.

    Args:
        pictures: M pictures.
        features: (M, D) unit vectors, row n of picture n.
        texts: text -> (D,) unit vector, or an Encoder of the same joint space.
        scale: what cosines are multiplied by; by default that of the text encoder.
        tower_features: (M, W) features before the projection, where they are known.

    Raises:
        UserError: for another number of pictures than features, or features and texts of different
            widths.
    """

    def __init__(
        self,
        pictures: Sequence[Image.Image],
        features: Tensor,
        texts: Mapping[str, Tensor] | Encoder,
        scale: float | None = None,
        tower_features: Tensor | None = None,
        name: str = "precomputed",
    ):
        for what in (features, *([] if tower_features is None else [tower_features])):
            if len(what) != len(pictures):
                raise UserError(
                    f"{len(pictures)} pictures and {len(what)} rows of features do not "
                    "fit each other"
                )
        if not torch.isfinite(features).all():
            raise UserError("some of the features are not finite numbers")
        self.name, self.embed_dim = name, features.shape[1]
        self._texts, self._features, self._tower_features = texts, features.float(), tower_features
        width = len(next(iter(texts.values()))) if isinstance(texts, Mapping) else texts.embed_dim
        if width != self.embed_dim:
            raise UserError(
                f"pictures have {self.embed_dim} features and texts {width}: not the "
                "same joint space"
            )
        self.scale = float(scale if scale is not None else getattr(texts, "scale", 100.0))
        self._rows = {pixel_hash(picture): row for row, picture in enumerate(pictures)}
        digest = hashlib.sha256(self._features.contiguous().numpy().tobytes())
        digest.update(
            getattr(
                texts, "fingerprint", repr(sorted(texts) if isinstance(texts, Mapping) else "")
            ).encode()
        )
        self.fingerprint = digest.hexdigest()[:16]

    def preprocess(self, pictures: Sequence[Image.Image]) -> Tensor:
        """Give each picture's row, as a (B, 1, 1, 1) tensor.

        Raises:
            UserError: for a picture whose features are not known.
        """
        rows = [self._rows.get(pixel_hash(picture)) for picture in pictures]
        if None in rows:
            raise UserError(
                f"picture {rows.index(None) + 1} of {len(rows)} is not among those with features"
            )
        return torch.tensor(rows).view(-1, 1, 1, 1)

    def encode_image(self, images: Tensor) -> Tensor:
        return self._features[images.flatten()]

    def image_tower(self, images: Tensor) -> Tensor:
        if self._tower_features is None:
            raise UserError(
                "features before the projection are not known here; the file holds those behind it"
            )
        return self._tower_features[images.flatten()].float()

    def encode_text(self, texts: Sequence[str]) -> Tensor:
        if not isinstance(self._texts, Mapping):
            return self._texts.encode_text(texts)
        unknown = [text for text in texts if text not in self._texts]
        if unknown:
            raise UserError(
                f"no features are known for the text {unknown[0][:60]!r}; give an encoder for texts"
            )
        return torch.stack([self._texts[text] for text in texts]).float()

    def tokens(self, text: str) -> list[str]:
        return text.split() if isinstance(self._texts, Mapping) else self._texts.tokens(text)


def pixel_hash(picture: Image.Image) -> bytes:
    return hashlib.sha256(repr(picture.size).encode() + picture.convert("RGB").tobytes()).digest()
