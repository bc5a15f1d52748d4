"""The frozen evaluation sets of the emoji world."""

from collections.abc import Sequence

import torch
from PIL import Image

from clipbench.data.image_set import TEMPLATES, PictureSet
from clipbench.data.world.captions import NUMBERS
from clipbench.data.world.factors import (
    EVALUATION,
    HELD_OUT_NAMES,
    STYLES,
    Factors,
    draw_factors,
    is_held_out,
    training_pool,
)
from clipbench.data.world.render import render
from clipbench.data.world.sprites import concept_ids, concepts

EVALUATION_SEED = 990_001  # the frozen world: never a training seed
HELDOUT_SIZE = 5_000
COMPOSITION_SIZE = 2_000


SCENE_SETS = {
    "scenes:heldout": "5,000 new scenes of single objects, all styles, all trained concepts",
    "scenes:heldout256": "the same with the 256 concepts of the tiny world",
    "scenes:heldout-style": "concepts in styles in which they were never trained",
    "scenes:heldout-count": "two or three of what was never trained in that number",
    "scenes:heldout-name": "concepts never trained, whose names are made of trained words",
}


def heldout_factors(tiny: bool = False) -> Factors:
    """Draw the factors of the frozen evaluation scenes."""
    return draw_factors(
        torch.arange(HELDOUT_SIZE), EVALUATION_SEED, EVALUATION, training_pool(tiny)
    )


def scene_set(name: str) -> PictureSet:
    if name == "scenes:heldout-style":
        return heldout_styles()
    if name == "scenes:heldout-count":
        return heldout_counts()
    if name == "scenes:heldout-name":
        return heldout_names()
    tiny = name == "scenes:heldout256"
    return of_concepts(name, heldout_factors(tiny), training_pool(tiny))


def art_set(art: str) -> PictureSet:
    """Draw ``scenes:heldout`` with another art set.

    The concepts, places and styles are the same; the artist is another.
    """
    return of_concepts(art, heldout_factors(), training_pool(), art)


def of_concepts(
    name: str, factors: Factors, classes: torch.Tensor, art: str = "noto"
) -> PictureSet:
    """Render scenes labelled with their subject among ``classes`` (ids in ascending order)."""
    labels = torch.searchsorted(classes, factors.concept)
    return rendered(name, factors, labels, [concepts()[i].name for i in classes.tolist()], art)


def rendered(name: str, factors: Factors, labels, class_names, art: str = "noto") -> PictureSet:
    def pictures(rows: Sequence[int]) -> list[Image.Image]:
        images = render(factors.rows(torch.tensor(list(rows))), art)
        return [Image.fromarray(image) for image in images.permute(0, 2, 3, 1).numpy()]

    return PictureSet(
        name, labels, class_names, TEMPLATES, pictures, [f"{name}/{i}" for i in range(len(labels))]
    )


def heldout_styles() -> PictureSet:
    """Draw every (concept, style) pair that training leaves out, classified by concept."""
    pool = training_pool()
    pairs = [
        (concept, style)
        for style in range(1, len(STYLES))
        for concept in pool[is_held_out(pool, torch.tensor(style))]
    ]
    factors = draw_factors(torch.arange(COMPOSITION_SIZE), EVALUATION_SEED + 1, EVALUATION, pool)
    order = torch.arange(COMPOSITION_SIZE) % len(pairs)
    concept = torch.tensor([int(concept) for concept, _ in pairs])[order]
    factors.concept, factors.style = concept, torch.tensor([style for _, style in pairs])[order]
    factors.objects = torch.stack([concept, *[torch.full_like(concept, -1)] * 2], 1)
    return of_concepts("scenes:heldout-style", factors, pool)


def heldout_counts() -> PictureSet:
    """Draw groups in a number that training left out for their concept.

    The classes are each such concept in each number.
    """
    pool = training_pool()
    every = [
        (int(c), n)
        for c in pool
        for n in (2, 3)
        if concepts()[c].plural and is_held_out(c, torch.tensor(100 + n))
    ]
    every = every[:: max(1, len(every) // 40)][:40]  # 40 pairs keep the class list readable
    ids = sorted({concept for concept, _ in every})
    classes = [(concept, number) for concept in ids for number in (1, 2, 3)]
    names = [
        f"{NUMBERS[n]} {concepts()[c].name if n == 1 else concepts()[c].plural}" for c, n in classes
    ]
    index = torch.arange(COMPOSITION_SIZE)
    factors = draw_factors(index, EVALUATION_SEED + 2, EVALUATION, pool)
    factors = factors.with_groups(
        *(torch.tensor(column)[index % len(every)] for column in zip(*every, strict=True))
    )
    labels = torch.tensor([classes.index(pair) for pair in every])[index % len(every)]
    data = rendered("scenes:heldout-count", factors, labels, names)
    data.templates = ("{}", "a photo of {}", "a picture of {}.", "an image of {}")
    return data


def heldout_names() -> PictureSet:
    """Draw concepts that training never shows, to be named among all names of the world."""
    unseen = torch.tensor(sorted(concept_ids()[name] for name in HELD_OUT_NAMES))
    factors = draw_factors(torch.arange(COMPOSITION_SIZE), EVALUATION_SEED + 3, EVALUATION, unseen)
    return of_concepts("scenes:heldout-name", factors, torch.arange(len(concepts())))
