"""Two ways to show a concept: as scenes, and as its written name.

Scenes have no writing, and the name is on a sign with nothing beside it.
"""

from collections.abc import Sequence

import torch

from clipbench.data.image_set import PictureSet
from clipbench.data.world.evaluation_sets import EVALUATION_SEED, of_concepts
from clipbench.data.world.factors import SceneConfig, draw_factors, readable, training_pool
from clipbench.data.world.sprites import concept_ids, concepts
from clipbench.errors import UserError

ONLY = (1.0, 0.0, 0.0, 0.0)  # single objects; no sign
PLAIN = (1.0, *[0.0] * 6)  # the photo style
AS_PICTURE = SceneConfig(arrangements=ONLY, styles=PLAIN, signs=ONLY)
AS_WORD = SceneConfig(arrangements=ONLY, styles=PLAIN, signs=(0.0, 0.0, 0.0, 1.0))
SEED = EVALUATION_SEED + 100  # far from the frozen sets; even numbers draw pictures, odd ones words


def legible_concepts(tiny: bool = True) -> list[str]:
    """List names of trained concepts that are short enough for a sign.

    They are of the tiny world's 256 concepts, or of all.
    """
    return [concepts()[i].name for i in training_pool(tiny).tolist() if readable()[i]]


def spread_concepts(count: int) -> list[str]:
    """Choose this many legible concepts of the tiny world, spread evenly over its groups."""
    names = legible_concepts()
    count = min(count, len(names))
    return [names[k * len(names) // count] for k in range(count)]


def concept_pictures(names: Sequence[str], each: int = 20, draw: int = 0) -> PictureSet:
    """Draw ``each`` scenes of every concept, in the photo style, without signs.

    Labels follow ``names``.

    Args:
        draw: another number draws other scenes.

    Raises:
        UserError: for a name that the world does not have, or that does not fit on a sign.
    """
    return shown(names, each, AS_PICTURE, SEED + 2 * draw, "pictures")


def word_pictures(names: Sequence[str], each: int = 20, draw: int = 0) -> PictureSet:
    """Draw ``each`` pictures of every concept's name on a sign, alone on a background.

    See ``concept_pictures``.
    """
    return shown(names, each, AS_WORD, SEED + 2 * draw + 1, "words")


def shown(names: Sequence[str], each: int, config: SceneConfig, seed: int, what: str) -> PictureSet:
    unknown = [
        name
        for name in names
        if not readable()[concept_ids().get(name, 0)] or name not in concept_ids()
    ]
    if unknown or len(set(names)) < len(names) or len(names) < 2:
        raise UserError(
            "need two or more different concepts with names of at most 12 letters, not "
            f"{unknown or names}"
        )
    ids = torch.tensor([concept_ids()[name] for name in names])
    order = ids.argsort()
    factors = draw_factors(torch.arange(each * len(ids)), seed, config, ids[order])
    found = of_concepts(what, factors, ids[order])
    found.labels = order[found.labels]  # back into the order of the names
    found.class_names = list(names)
    return found
