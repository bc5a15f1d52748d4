"""Prompts as vectors, each encoded once.

After a template was edited, only its texts are encoded.
"""

import hashlib
import warnings
from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from clipbench.data.readers.captioned import filled
from clipbench.encoders.clip import Encoder
from clipbench.errors import UserError
from clipbench.evaluate.features.compute import text_features
from clipbench.evaluate.features.feature_file import cache_folder, read_features, write_features


class Prompts:
    """Unit vectors of every class in any template: in memory, and in ``folder`` for the next run.

    Args:
        folder: where vectors are kept, a file a template; by default in the user's cache.
    """

    def __init__(
        self,
        encoder: Encoder,
        class_names: Sequence[str],
        folder: Path | None = None,
        progress: bool = True,
    ):
        self.encoder, self.class_names, self.progress = encoder, list(class_names), progress
        self.folder = folder or cache_folder().parent / "prompts"
        self.known: dict[str, Tensor] = {}

    def of(self, template: str) -> Float[Tensor, "C D"]:
        """Give one template's vectors.

        Raises:
            UserError: see ``fill_templates``.
        """
        if template not in self.known:
            prompts = [row[0] for row in fill_templates(self.class_names, [template])]
            self.known[template] = F.normalize(self.stored(prompts), dim=-1)
        return self.known[template]

    def of_all(self, templates: Sequence[str]) -> Float[Tensor, "P C D"]:
        # every mistake is reported before the first text is encoded
        fill_templates(self.class_names, templates)
        return torch.stack([self.of(template) for template in templates])

    def weights(self, templates: Sequence[str]) -> Float[Tensor, "D C"]:
        """Compute what ``zero_shot_weights`` does."""
        return Ensemble(self.of_all(templates)).weights()

    def stored(self, prompts: list[str]) -> Tensor:
        """Read vectors from the disk, else encode the prompts and write them there.

        A cache that cannot be used costs a warning and time.
        """
        name = hashlib.sha256(repr(prompts).encode()).hexdigest()[:24]
        file = self.folder / f"{self.encoder.fingerprint}-{name}.safetensors"
        if file.exists():
            try:
                found = read_features(file)
                if (found.ids, found.about["fingerprint"]) == (prompts, self.encoder.fingerprint):
                    return found.features.clone()
            except UserError:
                pass  # damaged: encoded again
        features = text_features(self.encoder, prompts, progress=self.progress).float()
        about = {
            "ids": prompts,
            "fingerprint": self.encoder.fingerprint,
            "projected": True,
            "data": "prompts",
        }
        try:
            write_features(file, features, None, about)
        except UserError as error:
            warnings.warn(f"prompts are not kept for the next time: {error}", stacklevel=2)
        return features


class Ensemble:
    """Templates averaged in embedding space, of which one can be exchanged at the cost of one.

    Keeps the sum of each class's unit vectors, in float64: adding a template and taking it away
    again leaves the weights as they were.
    """

    def __init__(self, features: Float[Tensor, "P C D"]):
        self.total = sum(
            (each.double() for each in features),
            torch.zeros(features.shape[1:], dtype=torch.float64),
        )

    def add(self, features: Float[Tensor, "C D"]) -> None:
        self.total += features

    def exchange(self, old: Float[Tensor, "C D"], new: Float[Tensor, "C D"]) -> None:
        self.total += new.double() - old

    def weights(self) -> Float[Tensor, "D C"]:
        """Give one unit vector per class."""
        return F.normalize(self.total, dim=-1).float().T.contiguous()


def fill_templates(class_names: Sequence[str], templates: Sequence[str]) -> list[list[str]]:
    """Write the prompts of each class, C lists of P texts.

    Raises:
        UserError: for no class names, an empty one, no templates, or a template without {}.
    """
    if not class_names:
        raise UserError("no class names: name at least one class")
    if any(not name.strip() for name in class_names):
        raise UserError("a class name is empty; remove it or write something")
    if not templates:
        raise UserError("no templates: give at least one, for example 'a photo of a {}.'")
    for template in templates:
        if template.count("{}") != 1:
            raise UserError(f"template {template!r} needs {{}} once, where the class name goes")
    return [filled(templates, name) for name in class_names]
