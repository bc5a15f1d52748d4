"""Sample the factors of captioned scenes: a pure function of (seed, index)."""

import functools
from dataclasses import dataclass, fields, replace

import torch

from clipbench.data.world.draws import Draws, mix, shuffled_positions
from clipbench.data.world.languages import LANGUAGES
from clipbench.data.world.sprites import ART_SETS, concepts

STYLES = ("photo", "grayscale", "sketch", "blurry", "pixelated", "inverted", "painting")


COLOUR_STYLES = (
    "photo",
    "blurry",
    "pixelated",
    "painting",
)  # those that show the background's colour as it is


COLOURS = {
    "white": (245, 245, 245), "black": (25, 25, 25), "gray": (128, 128, 128), "red": (205, 45, 45),
    "orange": (240, 140, 40), "yellow": (245, 215, 70), "green": (70, 160, 75),
    "blue": (60, 105, 205), "purple": (135, 75, 175), "pink": (245, 160, 190),
    "brown": (125, 85, 55), "turquoise": (70, 195, 190),
}  # fmt: skip


TEXTURES = ("plain", "gradient", "stripes", "checks", "dots")
ARRANGEMENTS = ("single", "same", "pair", "one and two")
SIGNS = ("none", "own name", "other name", "alone")
LAYOUTS = {  # where the objects stand, as fractions of the picture
    "free": ((0.5, 0.5),),
    "horizontal": ((0.27, 0.5), (0.73, 0.5)),
    "vertical": ((0.5, 0.27), (0.5, 0.73)),
    "row": ((0.18, 0.5), (0.5, 0.5), (0.82, 0.5)),
    "triangle up": ((0.5, 0.27), (0.27, 0.73), (0.73, 0.73)),
    "triangle down": ((0.27, 0.27), (0.73, 0.27), (0.5, 0.73)),
}


LAYOUT_NAMES = tuple(LAYOUTS)
LAYOUT_SIZES = torch.tensor(
    [[0.42, 0.96], [0.36, 0.48], [0.36, 0.48], [0.26, 0.32], [0.34, 0.44], [0.34, 0.44]]
)


MAX_OBJECTS = 3


# Never trained on, so that a model can only know them by putting words together ("yellow" and
# "heart").
HELD_OUT_NAMES = (
    "yellow heart", "purple heart", "blue circle", "orange circle", "green square", "red square",
    "blue book", "orange diamond",
)  # fmt: skip


LONGEST_SIGN = 12  # letters of a word that still can be read at 64 pixels


@dataclass(frozen=True)
class SceneConfig:
    """How often what happens in the world.

    Several lessons are about changing one of these numbers.
    """

    arrangements: tuple[float, ...] = (0.62, 0.16, 0.16, 0.06)  # in the order of ARRANGEMENTS
    # in the order of STYLES
    styles: tuple[float, ...] = (0.55, 0.075, 0.075, 0.075, 0.075, 0.075, 0.075)
    # in the order of SIGNS; on single objects only
    signs: tuple[float, ...] = (0.76, 0.04, 0.08, 0.12)
    hold_out: bool = True  # leave the held-out compositions to the evaluation
    count_words: bool = True  # whether captions say how many; without it three cats are "a cat"
    wrong_captions: float = 0.0  # share of training pairs whose caption belongs to another scene
    languages: tuple[str, ...] = ("en",)  # of the captions, all alike; also es, de, zh, ru
    art: tuple[str, ...] = ("noto",)  # who drew the objects, all alike; also twemoji, openmoji
    captions: int = 1  # of each picture, each drawn by itself

    def __post_init__(self):
        for name, kinds in (("arrangements", ARRANGEMENTS), ("styles", STYLES), ("signs", SIGNS)):
            weights = getattr(self, name)
            numbers = isinstance(weights, tuple) and all(
                isinstance(w, (int, float)) and w >= 0 for w in weights
            )
            if not numbers or len(weights) != len(kinds) or sum(weights) <= 0:
                raise ValueError(
                    f"{name} needs {len(kinds)} numbers from 0 up, for {', '.join(kinds)}"
                )
        if not (isinstance(self.captions, int) and self.captions >= 1):
            raise ValueError(f"captions must be a whole number from 1 up, not {self.captions!r}")
        if not (isinstance(self.wrong_captions, (int, float)) and 0 <= self.wrong_captions <= 1):
            raise ValueError(
                f"wrong_captions must be a share from 0 to 1, not {self.wrong_captions!r}"
            )
        for name, known in (("languages", ("en", *LANGUAGES)), ("art", ART_SETS)):
            given = getattr(self, name)
            if not isinstance(given, tuple) or not given or not set(given) <= set(known):
                raise ValueError(f"{name} must be one or more of {', '.join(known)}, not {given!r}")


EVALUATION = SceneConfig(arrangements=(1.0, 0.0, 0.0, 0.0), signs=(1.0, 0.0, 0.0, 0.0))


@dataclass
class Factors:
    """What is in a batch of B scenes.

    The ground truth of captions, labels and pictures (int64 or float32).
    """

    concept: torch.Tensor  # (B,) the scene's subject
    count: torch.Tensor  # (B,) how many of it; 0 where a sign stands for it
    other: torch.Tensor  # (B,) a second concept, -1 for none
    other_count: torch.Tensor  # (B,)
    arrangement: torch.Tensor  # (B,) position in ARRANGEMENTS
    layout: torch.Tensor  # (B,) position in LAYOUTS
    objects: torch.Tensor  # (B, 3) concept drawn in each place, -1 for none
    x: torch.Tensor  # (B, 3) centres and sizes as fractions of the picture
    y: torch.Tensor
    size: torch.Tensor
    angle: torch.Tensor  # (B, 3) radians
    style: torch.Tensor  # (B,) position in STYLES
    colour: torch.Tensor  # (B,) the background's, position in COLOURS
    texture: torch.Tensor  # (B,) the background's, position in TEXTURES
    sign: torch.Tensor  # (B,) position in SIGNS
    sign_word: torch.Tensor  # (B,) the concept whose name is printed, -1 for none
    draws: Draws  # for details that no caption mentions

    def __len__(self) -> int:
        return len(self.concept)

    def rows(self, chosen: torch.Tensor) -> "Factors":
        """Give the same scenes, only those in ``chosen``."""
        return Factors(**{field.name: getattr(self, field.name)[chosen] for field in fields(self)})

    def with_groups(self, concept: torch.Tensor, count: torch.Tensor) -> "Factors":
        """Give the same scenes with ``count`` (B,) of ``concept`` (B,) in each.

        They stand in a layout of that many places.
        """
        nothing = torch.full_like(concept, -1)
        zero = torch.zeros_like(concept)
        layout = draw_layout(self.draws, count)
        x, y, size, angle = place_objects(self.draws, layout)
        objects = place_concepts(self.draws, concept, count, nothing, zero)
        same = torch.full_like(concept, ARRANGEMENTS.index("same"))
        return replace(
            self,
            concept=concept,
            count=count,
            other=nothing,
            other_count=zero,
            arrangement=same,
            layout=layout,
            objects=objects,
            x=x,
            y=y,
            size=size,
            angle=angle,
        )


@functools.cache
def training_pool(tiny: bool = False) -> torch.Tensor:
    """List the ids of the concepts that training may show: (C',) int64."""
    return torch.tensor(
        [
            i
            for i, c in enumerate(concepts())
            if c.name not in HELD_OUT_NAMES and (c.tiny or not tiny)
        ]
    )


@functools.cache
def countable() -> torch.Tensor:
    """Say which concepts captions can count: (C,) bool."""
    return torch.tensor([concept.plural is not None for concept in concepts()])


@functools.cache
def readable() -> torch.Tensor:
    """Say which concepts have a name that is short enough for a sign: (C,) bool."""
    return torch.tensor([len(c.name) <= LONGEST_SIGN and c.name.isascii() for c in concepts()])


def is_held_out(concept: torch.Tensor, composition: torch.Tensor) -> torch.Tensor:
    """Say which (concept, composition) pairs are held out: a fixed tenth of all.

    Compositions are styles (1..6) and counts (102, 103).
    """
    return mix(mix(concept + 7919) ^ composition) % 10 == 0


def draw_factors(
    index: torch.Tensor,
    seed: int,
    config: SceneConfig = SceneConfig(),
    pool: torch.Tensor | None = None,
) -> Factors:
    """Draw the factors of the scenes ``index`` (B,) int64 of the world ``seed``.

    Subjects are dealt, not thrown: each run of len(pool) scenes shows every concept of ``pool``
    once, in an order of its own, so a batch holds few captions twice.
    """
    pool = training_pool() if pool is None else pool
    pool = pool.to(index.device)
    draws = Draws(seed, index)
    n = len(pool)
    position = shuffled_positions(seed, index, n)
    concept = pool[position]
    other = pool[(position + 1 + draws.integer("other", n - 1)) % n]
    style = draws.category("style", config.styles)
    if config.hold_out:
        style = torch.where((style > 0) & is_held_out(concept, style), 0, style)
    arrangement, count, other_count = draw_counts(draws, config, concept, other)
    sign, sign_word = draw_sign(draws, config, arrangement, concept, other)
    count = torch.where(sign == SIGNS.index("alone"), 0, count)
    style = torch.where((sign > 0) & blurs_letters(style), 0, style)
    other = torch.where(arrangement >= 2, other, -1)
    layout = draw_layout(draws, count + other_count)
    objects = place_concepts(draws, concept, count, other, other_count)
    x, y, size, angle = place_objects(draws, layout)
    return Factors(
        concept,
        count,
        other,
        other_count,
        arrangement,
        layout,
        objects,
        x,
        y,
        size,
        angle,
        style,
        colour=draws.integer("colour", len(COLOURS)),
        texture=draws.category("texture", (4, 3, 1, 1, 1)),
        sign=sign,
        sign_word=sign_word,
        draws=draws,
    )


def blurs_letters(style: torch.Tensor) -> torch.Tensor:
    """Say in which styles a printed word cannot be read: (B,) bool."""
    return (
        (style == STYLES.index("blurry"))
        | (style == STYLES.index("pixelated"))
        | (style == STYLES.index("painting"))
    )


def draw_counts(draws, config, concept, other):
    """Draw (arrangement, count, other_count), each (B,): what cannot be counted stands alone."""
    counts_of = countable().to(concept.device)
    arrangement = draws.category("arrangement", config.arrangements)
    arrangement = torch.where(counts_of[concept] & counts_of[other], arrangement, 0)
    several = 2 + draws.integer("several", 2)
    twice = draws.integer("which of them twice", 2)
    count = torch.ones_like(concept)
    count = torch.where(arrangement == 1, several, count)
    count = torch.where(arrangement == 3, 1 + twice, count)
    other_count = torch.where(arrangement == 2, 1, torch.where(arrangement == 3, 2 - twice, 0))
    if config.hold_out:
        unseen = (count > 1) & is_held_out(concept, 100 + count) | (other_count > 1) & is_held_out(
            other, 100 + other_count
        )
        arrangement = torch.where(unseen, 0, arrangement)
        count = torch.where(unseen, 1, count)
        other_count = torch.where(unseen, 0, other_count)
    return arrangement, count, other_count


def draw_sign(draws, config, arrangement, concept, other):
    """Draw (sign, sign_word), each (B,).

    Only single objects carry a sign, and only with a word that can be read.
    """
    can_read = readable().to(concept.device)
    sign = torch.where(arrangement == 0, draws.category("sign", config.signs), 0)
    word = torch.where(sign == SIGNS.index("other name"), other, concept)
    sign = torch.where(can_read[word], sign, 0)
    return sign, torch.where(sign > 0, word, -1)


def draw_layout(draws, objects):
    """Draw the layouts: (B,).

    A layout is free for one object, a side-by-side or stacked pair, or one of three layouts for
    three.
    """
    two = 1 + draws.integer("layout of two", 2)
    three = 3 + draws.integer("layout of three", 3)
    return torch.where(objects <= 1, 0, torch.where(objects == 2, two, three))


def place_concepts(draws, concept, count, other, other_count):
    """Say which concept stands in which place of the layout, in a random rotation: (B, 3)."""
    total = count + other_count
    place = torch.arange(MAX_OBJECTS, device=concept.device)
    turned = (place + draws.integer("rotation of places", 6)[:, None]) % total.clamp(min=1)[:, None]
    kind = torch.where(turned < count[:, None], concept[:, None], other[:, None])
    return torch.where(place < total[:, None], kind, -1)


def place_objects(draws, layout):
    """Draw (x, y, size, angle) of the objects, each (B, 3).

    They are a layout's places with some disorder; one free object lies anywhere inside.
    """
    device = layout.device
    table = torch.full((len(LAYOUTS), MAX_OBJECTS, 2), 0.5)
    for row, places in enumerate(LAYOUTS.values()):
        table[row, : len(places)] = torch.tensor(places)
    x, y = table.to(device)[layout].unbind(-1)
    low, high = LAYOUT_SIZES.to(device)[layout].unbind(-1)
    shared = draws.uniform("size")[:, None]
    own = torch.stack([draws.uniform(f"size {k}") for k in range(MAX_OBJECTS)], 1)
    size = low[:, None] + (high - low)[:, None] * (0.7 * shared + 0.3 * own)
    free = (layout == 0)[:, None]
    room = torch.where(free, (1.04 - size) / 2, 0.035).clamp(min=0.02)
    x = x + room * torch.stack([draws.uniform(f"x {k}", -1, 1) for k in range(MAX_OBJECTS)], 1)
    y = y + room * torch.stack([draws.uniform(f"y {k}", -1, 1) for k in range(MAX_OBJECTS)], 1)
    angle = torch.stack([draws.uniform(f"angle {k}", -0.35, 0.35) for k in range(MAX_OBJECTS)], 1)
    return x, y, size, angle
