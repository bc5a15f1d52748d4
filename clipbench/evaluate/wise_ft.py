"""WiSE-FT: the weights of a model mixed with those of its fine-tuned copy (Wortsman et al. 2022).

Fine-tuning gains accuracy on its own data and loses some on others; between the two ends of the
straight line from one to the other there are often weights that keep most of both.
"""

import copy

import torch

from clipbench.encoders.clip import ClipbenchEncoder, ImageEncoder
from clipbench.errors import UserError

SHARES = tuple(step / 10 for step in range(11))


def interpolated(first: ImageEncoder, second: ImageEncoder, share: float) -> ClipbenchEncoder:
    """Mix two models: the weights are (1 - share) of the first's and share of the second's.

    Running statistics of batch normalisation are mixed in the same way, which is only near the
    statistics that the mixed weights would have; models without batch normalisation have no such
    error.

    Raises:
        UserError: for models of different shape, preprocessing or vocabulary, and for a share
            outside of 0 to 1.
    """
    if not 0 <= share <= 1:
        raise UserError(f"a share of the weights lies from 0 to 1, not {share}")
    first, second = own(first), own(second)
    check_alike(first, second)
    target = second.model.state_dict()
    mixed = {
        name: torch.lerp(weight, target[name], share)
        if weight.is_floating_point()
        else target[name]
        for name, weight in first.model.state_dict().items()
    }
    model = copy.deepcopy(first.model)
    model.load_state_dict(mixed)
    return first.with_model(model, f"{1 - share:g} {first.name} + {share:g} {second.name}")


def own(encoder: ImageEncoder) -> ClipbenchEncoder:
    """Return the encoder itself, if it is a CLIP of this package.

    Raises:
        UserError: when it is no CLIP of this package.
    """
    if not isinstance(encoder, ClipbenchEncoder):
        raise UserError(
            f"the weights of {encoder.name} cannot be mixed: it is no CLIP of this package"
        )
    return encoder


def check_alike(first: ClipbenchEncoder, second: ClipbenchEncoder) -> None:
    """Check that two models differ in their weights only.

    Raises:
        UserError: unless the two differ in their weights only.
    """
    pairs = zip(
        ("shape", "preprocessing", "vocabulary"), first.settings, second.settings, strict=True
    )
    different = [what for what, one, other in pairs if one != other]
    if different:
        raise UserError(
            f"{first.name} and {second.name} differ in {different[0]}: mix a model with "
            "its own tuned copy"
        )
