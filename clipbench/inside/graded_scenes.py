"""Scenes whose true factors grade what is found inside a model.

The factors are who drew what, how many, where, on which colour, in which style, and with which word
on a sign. There are captions in several languages, too.

Factors are dealt independently of each other as far as the world allows it, so that a feature that
follows one of them does not follow another by accident.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Int
from PIL import Image
from torch import Tensor

from clipbench.data.image_set import PictureSet
from clipbench.data.world.captions import caption_scenes
from clipbench.data.world.evaluation_sets import EVALUATION_SEED
from clipbench.data.world.factors import (
    COLOUR_STYLES,
    COLOURS,
    SIGNS,
    STYLES,
    Factors,
    SceneConfig,
    draw_factors,
)
from clipbench.data.world.languages import LANGUAGES
from clipbench.data.world.render import render
from clipbench.data.world.sprites import ART_SETS, concept_ids
from clipbench.errors import UserError
from clipbench.inside.stimuli import spread_concepts

SEED = EVALUATION_SEED + 200  # far from the frozen sets and from the stimuli
SPLITS = ("train", "search", "heldout")  # each draws scenes of its own
MIXED = SceneConfig(
    arrangements=(0.7, 0.3, 0.0, 0.0),  # one thing, or two or three of it
    styles=(0.4, *[0.1] * 6),
    signs=(0.4, 0.0, 0.3, 0.3),  # none, another thing's name beside the thing, a name alone
    hold_out=False,
)
ARTISTS = (0.6, 0.2, 0.2)  # shares, in the order of ART_SETS
PLACES = ("left", "right", "top", "bottom", "middle")


@dataclass(frozen=True)
class Factor:
    """One thing that is true of a scene."""

    name: str
    values: list[str]  # V
    labels: Int[Tensor, " M"]  # position in ``values``; -1 where the question does not arise


@dataclass(frozen=True)
class GradedScenes:
    """M scenes with what is true of each."""

    pictures: PictureSet
    factors: list[Factor]


def graded_scenes(split: str, count: int, concepts: int = 64) -> GradedScenes:
    """Draw this many scenes of a split, with their factors.

    Args:
        concepts: how many things there are, spread over the tiny world; their names are the words
            on the signs.

    Raises:
        UserError: for an unknown split, or no scenes.
    """
    names, drawn = drawn_factors(split, count, concepts)
    artist = drawn.draws.category("artist", ARTISTS)
    labels = torch.tensor([names.index(name) for name in named(drawn.concept)])
    pictures = PictureSet(
        f"graded scenes, {split}",
        labels,
        names,
        ("{}",),
        lambda rows: rendered_by(drawn, artist, list(rows)),
        [f"graded/{split}/{row}" for row in range(count)],
    )
    return GradedScenes(pictures, factors_of(drawn, artist, names))


def graded_captions(split: str, count: int, concepts: int = 64) -> tuple[list[str], list[Factor]]:
    """Write captions in five languages, with their factors.

    There are ``count`` of them, in English, German, Spanish, Russian and Chinese. The factors are
    the language, and the thing where it is named.
    """
    names, drawn = drawn_factors(split, count, concepts)
    languages = ("en", *LANGUAGES)
    spoken = drawn.draws.integer("language", len(languages))
    captions = caption_scenes(drawn, languages=languages)
    labels = torch.tensor([names.index(name) for name in named(drawn.concept)])
    return captions, [Factor("language", list(languages), spoken), Factor("concept", names, labels)]


def drawn_factors(split: str, count: int, concepts: int) -> tuple[list[str], Factors]:
    if split not in SPLITS:
        raise UserError(f"no split {split!r}; choose from {', '.join(SPLITS)}")
    if count < 1:
        raise UserError(f"{count} scenes cannot be graded; take some thousands")
    names = spread_concepts(concepts)
    pool = torch.tensor(sorted(concept_ids()[name] for name in names))
    seed = SEED + SPLITS.index(split)
    return names, draw_factors(torch.arange(count), seed, MIXED, pool)


def named(concept: Tensor) -> list[str]:
    names = {number: name for name, number in concept_ids().items()}
    return [names[number] for number in concept.tolist()]


def rendered_by(drawn: Factors, artist: Tensor, rows: list[int]) -> list[Image.Image]:
    """Render some scenes, each by its artist."""
    pictures: dict[int, Image.Image] = {}
    for number, art in enumerate(ART_SETS):
        mine = [row for row in rows if int(artist[row]) == number]
        if mine:
            images = render(drawn.rows(torch.tensor(mine)), art).permute(0, 2, 3, 1).numpy()
            pictures |= dict(zip(mine, map(Image.fromarray, images), strict=True))
    return [pictures[row] for row in rows]


def factors_of(drawn: Factors, artist: Tensor, names: list[str]) -> list[Factor]:
    """List what is true of each scene.

    The thing's factors are not asked where only a sign is seen.
    """
    shown = drawn.count > 0
    place = {name: k for k, name in enumerate(names)}
    subject, word = (
        torch.tensor([place[name] if name else -1 for name in asked])
        for asked in (
            where(shown, named(drawn.concept)),
            where(drawn.sign > 0, named(drawn.sign_word.clamp(min=0))),
        )
    )
    colours = torch.tensor([STYLES.index(style) for style in COLOUR_STYLES])
    coloured = torch.isin(drawn.style, colours)
    return [
        Factor("concept", names, subject),
        Factor("count", ["one", "two", "three"], torch.where(shown, drawn.count - 1, -1)),
        Factor("colour", list(COLOURS), torch.where(coloured, drawn.colour, -1)),
        Factor("style", list(STYLES), drawn.style),
        Factor("artist", list(ART_SETS), torch.where(shown, artist, -1)),
        Factor("position", list(PLACES), places_of(drawn)),
        Factor("sign", ["none", "one"], (drawn.sign > 0).long()),
        Factor("sign word", names, word),
    ]


def where(kept: Tensor, names: list[str]) -> list[str | None]:
    return [name if keep else None for keep, name in zip(kept.tolist(), names, strict=True)]


def places_of(drawn: Factors) -> Int[Tensor, " M"]:
    """Say where a lone thing without a sign stands, by its larger distance from the middle.

    It is -1 where that distance is neither small nor large.
    """
    across, down = drawn.x[:, 0] - 0.5, drawn.y[:, 0] - 0.5
    far = torch.maximum(across.abs(), down.abs())
    sideways = across.abs() > down.abs()
    place = torch.where(sideways, (across > 0).long(), 2 + (down > 0).long())
    place = torch.where(far < 0.05, PLACES.index("middle"), place)
    unclear = (far >= 0.05) & (far < 0.1)
    alone = (drawn.count == 1) & (drawn.sign == SIGNS.index("none"))
    return torch.where(alone & ~unclear, place, -1)
