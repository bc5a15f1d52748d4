"""Scenes arranged by hand.

What stands where, on which background, in which style, with which word on a sign.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from PIL import Image

from clipbench.data.world.factors import (
    COLOURS,
    EVALUATION,
    LAYOUTS,
    SIGNS,
    STYLES,
    TEXTURES,
    draw_factors,
    readable,
)
from clipbench.data.world.render import render
from clipbench.data.world.sprites import concept_ids
from clipbench.errors import UserError

USUAL_LAYOUTS = {0: "free", 1: "free", 2: "horizontal", 3: "triangle up"}
USUAL_SIZES = {0: 0.78, 1: 0.78, 2: 0.46, 3: 0.46}  # of an object, as a fraction of the picture


@dataclass(frozen=True)
class Staged:
    """One scene, arranged by hand.

    The objects fill the places of the layout in order: left to right, or top to bottom.

    Raises:
        UserError: for a concept, layout, colour, texture or style that does not exist, for a number
            of objects that the layout has no places for, and for a sign's word that is no concept
            or too long to be printed.
    """

    objects: tuple[str, ...]  # names of concepts, at most three; with a sign there may be none
    colour: str = "white"
    texture: str = "gradient"
    style: str = "photo"
    sign: str | None = None
    layout: str | None = None
    size: float | None = None

    def __post_init__(self):
        choices: dict[str, Mapping | Sequence] = {
            "colour": COLOURS,
            "texture": TEXTURES,
            "style": STYLES,
            "layout": LAYOUTS | {None: ()},
        }
        for field, known in choices.items():
            listed(getattr(self, field), known, field)
        for name in self.objects:
            listed(name, concept_ids(), "concept")
        if len(self.objects) > 3 or not (self.objects or self.sign):
            raise UserError(
                f"a scene needs one to three objects, or a sign; not {len(self.objects)}"
            )
        places = len(LAYOUTS[self.where])
        if self.objects and len(self.objects) != places:
            raise UserError(
                f"layout {self.where!r} has {places} places, for {len(self.objects)} objects"
            )
        if (
            self.sign is not None
            and not readable()[listed(self.sign, concept_ids(), "word of a sign")]
        ):
            raise UserError(f"{self.sign!r} is too long for a sign")

    @property
    def where(self) -> str:
        return self.layout or USUAL_LAYOUTS[len(self.objects)]


def listed(name, known: Mapping | Sequence, what: str):
    """Give the entry of ``name``.

    Raises:
        UserError: when there is none, in a line that names some that there are.
    """
    if name not in known:
        some = [str(each) for each in known if each is not None][:12]
        raise UserError(f"{name!r} is no {what}; there is for example {', '.join(some)}")
    return known[name] if isinstance(known, Mapping) else name


def stage(scenes: Sequence[Staged], size: int = 64, seed: int = 7) -> list[Image.Image]:
    """Draw the scenes as RGB pictures of ``size`` pixels per side.

    Args:
        seed: chooses what ``Staged`` leaves open, such as a slight turn of the objects and the
            sign's board.
    """
    ids = concept_ids()
    objects = torch.tensor(
        [([ids[name] for name in scene.objects] + [-1] * 3)[:3] for scene in scenes]
    )
    places = torch.full((len(scenes), 3, 2), 0.5)
    for row, scene in enumerate(scenes):
        places[row, : len(LAYOUTS[scene.where])] = torch.tensor(LAYOUTS[scene.where])
    sizes = [scene.size or USUAL_SIZES[len(scene.objects)] for scene in scenes]
    factors = draw_factors(torch.arange(len(scenes)), seed, EVALUATION)
    factors = replace(
        factors,
        objects=objects,
        x=places[:, :, 0],
        y=places[:, :, 1],
        angle=factors.angle * 0.3,
        size=torch.tensor(sizes)[:, None].expand(-1, 3),
        style=torch.tensor([STYLES.index(scene.style) for scene in scenes]),
        colour=torch.tensor([list(COLOURS).index(scene.colour) for scene in scenes]),
        texture=torch.tensor([TEXTURES.index(scene.texture) for scene in scenes]),
        sign=torch.tensor([SIGNS.index(kind_of_sign(scene)) for scene in scenes]),
        sign_word=torch.tensor([ids[scene.sign] if scene.sign else -1 for scene in scenes]),
    )
    return [
        Image.fromarray(image) for image in render(factors, size=size).permute(0, 2, 3, 1).numpy()
    ]


def kind_of_sign(scene: Staged) -> str:
    if scene.sign is None:
        return "none"
    if not scene.objects:
        return "alone"
    return "own name" if scene.sign in scene.objects else "other name"
