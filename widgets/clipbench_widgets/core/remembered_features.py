"""Features that are computed once, so that a keystroke costs one text and not all of them."""

import warnings
from collections.abc import Sequence
from dataclasses import replace
from weakref import WeakKeyDictionary

import torch

from clipbench import Encoder
from clipbench.encoders.familiarity import Familiarity
from clipbench.evaluate.zero_shot import ensemble
from clipbench.tokenizer import TruncationWarning
from clipbench_widgets.core.pictures import NamedPicture

MAX_TEXTS = 4096  # every half-typed word is a text; at 512 numbers each this is 8 MB


class RememberedFeatures:
    """What an encoder makes of texts and pictures: unit vectors on the CPU, kept until `forget`."""

    def __init__(self, encoder: Encoder):
        self.encoder = encoder
        self.forget()

    def forget(self) -> None:
        """Forget all features, for a model that has been trained further."""
        self._texts: dict[str, torch.Tensor] = {}
        self._pictures: WeakKeyDictionary[NamedPicture, torch.Tensor] = WeakKeyDictionary()
        self._shares: WeakKeyDictionary[NamedPicture, float] = WeakKeyDictionary()

    def of_texts(self, texts: Sequence[str]) -> torch.Tensor:
        """Return features (B, D). Only texts that are new are encoded, in one batch."""
        new = list(dict.fromkeys(text for text in texts if text not in self._texts))
        if len(self._texts) + len(new) > MAX_TEXTS:
            self._texts, new = {}, list(dict.fromkeys(texts))
        if new:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", TruncationWarning)  # the page says what was cut
                self._texts |= zip(new, self.encoder.encode_text(new), strict=True)
        return torch.stack([self._texts[text] for text in texts])

    def of_ensembles(self, filled: Sequence[Sequence[str]]) -> torch.Tensor:
        """Return zero-shot weights (D, C) for C classes, each the mean of its equally many texts."""
        features = self.of_texts([text for row in filled for text in row])
        return ensemble(features.view(len(filled), len(filled[0]), -1))

    def of_picture(self, entry: NamedPicture) -> torch.Tensor:
        """Return the features (D,) of a picture."""
        return self.of_pictures([entry])[0]

    def of_pictures(self, entries: Sequence[NamedPicture]) -> torch.Tensor:
        """Return features (B, D). Only pictures that are new are encoded, in one batch."""
        new = list(dict.fromkeys(entry for entry in entries if entry not in self._pictures))
        if new:
            images = self.encoder.preprocess([entry.picture for entry in new])
            self._pictures.update(zip(new, self.encoder.encode_image(images), strict=True))
        return torch.stack([self._pictures[entry] for entry in entries])

    def familiarity(
        self, entries: Sequence[NamedPicture], texts: Sequence[str] = ()
    ) -> Familiarity:
        """Say how far pictures and texts lie within what the model was trained on.

        Only pictures that are new are looked at. Of most models nothing is known.
        """
        ask = getattr(self.encoder, "familiarity", None)
        if ask is None:
            return Familiarity()
        new = list(dict.fromkeys(entry for entry in entries if entry not in self._shares))
        known = ask([entry.picture for entry in new], texts)
        self._shares.update(zip(new, known.shares, strict=False))  # of most models there are none
        shares = tuple(self._shares[entry] for entry in entries if entry in self._shares)
        return replace(known, shares=shares)
