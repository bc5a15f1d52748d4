"""Sample what is in the second world's scenes: a pure function of (seed, index)."""

import functools
from dataclasses import dataclass, fields, replace

import torch

from clipbench.data.world.draws import Draws, mix, shuffled_positions
from clipbench.data.world.factors import (
    COLOURS,
    blurs_letters,
    countable,
    is_held_out,
    training_pool,
)
from clipbench.data.world.fonts import trained_fonts
from clipbench.data.world.sprites import concepts
from clipbench.data.world2.album import Album
from clipbench.data.world2.lettering import (
    printable_names,
    trained_words,
    upper,
    with_another_letter,
    word_letters,
)
from clipbench.data.world2.settings import CONTRASTS, KINDS, MOST, SIGNS, World2

LAYOUTS = {  # where the things stand, as fractions of the picture, and their sizes
    "free": (((0.5, 0.5),), (0.40, 0.96)),
    "horizontal": (((0.27, 0.5), (0.73, 0.5)), (0.36, 0.48)),
    "vertical": (((0.5, 0.27), (0.5, 0.73)), (0.36, 0.48)),
    "row": (((0.18, 0.5), (0.5, 0.5), (0.82, 0.5)), (0.26, 0.32)),
    "triangle up": (((0.5, 0.27), (0.27, 0.73), (0.73, 0.73)), (0.34, 0.44)),
    "triangle down": (((0.27, 0.27), (0.73, 0.27), (0.5, 0.73)), (0.34, 0.44)),
    "square": (((0.27, 0.27), (0.73, 0.27), (0.27, 0.73), (0.73, 0.73)), (0.34, 0.44)),
    "dice": (((0.2, 0.2), (0.8, 0.2), (0.5, 0.5), (0.2, 0.8), (0.8, 0.8)), (0.27, 0.34)),
    "scattered": ((), (0.26, 0.32)),  # in cells of a grid of three by three
}
LAYOUT_NAMES = tuple(LAYOUTS)
SCATTERED = LAYOUT_NAMES.index("scattered")
FREE = LAYOUT_NAMES.index("free")

DISTANCES = 4  # bins of a factor of 2 ** 0.5, from 1 to 4
NEAREST_SIZE = 0.62  # of a thing of usual size at distance 1, as a fraction of the picture
GROUNDS = tuple(list(COLOURS).index(name) for name in ("green", "brown", "gray", "yellow", "white"))


@dataclass
class Scenes:
    """What is in B scenes: the ground truth of captions, labels and pictures.

    Tensors are int64, bool or float32.
    """

    kind: torch.Tensor  # (B,) position in KINDS
    contrast: torch.Tensor  # (B,) position in CONTRASTS, -1 without a partner
    second: torch.Tensor  # (B,) bool: the second one of two partners
    concept: torch.Tensor  # (B,) the subject
    count: torch.Tensor  # (B,) how many of it; 0 where a sign stands for it
    other: torch.Tensor  # (B,) a second thing in the picture, -1 for none
    other_count: torch.Tensor  # (B,)
    absent: torch.Tensor  # (B,) what the caption says is not there, -1 for nothing
    layout: torch.Tensor  # (B,) position in LAYOUTS
    objects: torch.Tensor  # (B, MOST) what stands in each place, -1 for nothing
    x: torch.Tensor  # (B, MOST) centres and sizes as fractions of the picture
    y: torch.Tensor
    size: torch.Tensor
    angle: torch.Tensor  # (B, MOST) radians
    distance: torch.Tensor  # (B,) bin of the thing on a ground plane, 0 the nearest; -1 without
    style: torch.Tensor  # (B,) position in STYLES
    colour: torch.Tensor  # (B,) the background's, or the sky's, position in COLOURS
    texture: torch.Tensor  # (B,) position in TEXTURES
    horizon: torch.Tensor  # (B,) from the top, as a fraction of the picture; 1 without a ground
    ground: torch.Tensor  # (B,) the ground's colour, position in COLOURS
    sign: torch.Tensor  # (B,) position in SIGNS
    letters: torch.Tensor  # (B, LONGEST) the sign's text in ASCII codes, 0 behind its end
    capitals: torch.Tensor  # (B,) bool
    font: torch.Tensor  # (B,) position among the fonts that signs are printed in
    draws: Draws  # for details that no caption mentions

    def __len__(self) -> int:
        return len(self.concept)

    def rows(self, chosen: torch.Tensor) -> "Scenes":
        """Give the same scenes, only those in ``chosen``."""
        return Scenes(**{field.name: getattr(self, field.name)[chosen] for field in fields(self)})

    def drawings(self, album: Album, world: World2) -> tuple[torch.Tensor, torch.Tensor]:
        """Choose the drawings of the album for the subject and for the other thing: (B,) each."""
        other = torch.where(self.other >= 0, self.other, self.absent)
        return (
            album.choose(self.draws, "subject", self.concept, world.icons),
            album.choose(self.draws, "other", other, world.icons),
        )

    @property
    def printed(self) -> torch.Tensor:
        """(B, LONGEST) the letters as they stand on the sign."""
        return torch.where(self.capitals[:, None], upper(self.letters), self.letters)


def is_held_out_pair(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """Say which pairs are held out: a fixed tenth of all, whichever comes first; (B,) bool."""
    low, high = torch.minimum(one, other), torch.maximum(one, other)
    return mix(mix(low + 104_729) ^ high) % 10 == 0


@functools.cache
def one_letter_words() -> torch.Tensor:
    """Find the trained words of three or more letters, all small.

    (W',) positions in ``words``.
    """
    letters = word_letters()[trained_words()]
    small = ((letters == 0) | (letters >= 97) & (letters <= 122)).all(1) & (letters[:, 2] > 0)
    return trained_words()[small]


@functools.cache
def plain() -> torch.Tensor:
    """Say which concepts a caption can deny: all but such as "no bicycles"; (C,) bool."""
    return torch.tensor([not concept.name.startswith("no ") for concept in concepts()])


@functools.cache
def several_of() -> torch.Tensor:
    """Say which concepts captions count: (C,) bool."""
    return countable() & plain()


def draw_scenes(
    index: torch.Tensor,
    seed: int,
    world: World2 = World2(),
    pool: torch.Tensor | None = None,
) -> Scenes:
    """Draw the scenes ``index`` (B,) int64 of the world ``seed``.

    Subjects are dealt as in the first world. Where the scenes 2k and 2k + 1 are partners, both are
    drawn from the random numbers of 2k and differ in one factor.
    """
    pool = (training_pool() if pool is None else pool).to(index.device)
    even = index - index % 2
    partners = Draws(seed, even).uniform("partners") < world.partners
    second = partners & (index % 2 == 1)
    drawn = torch.where(partners, even, index)
    draws = Draws(seed, drawn)
    contrast = torch.where(partners, draws.category("contrast", world.contrasts), -1)
    concept, other = draw_concepts(draws, seed, drawn, pool, world.hold_out)
    numbers = is_one_of(contrast, "number", "numbers swapped")
    concept, other = countable_ones(draws, numbers, pool, concept, other)
    kind, contrast, count, other_count = draw_kind(draws, world, contrast, concept, other)
    swapped = second & is_one_of(contrast, "numbers swapped")
    count, other_count = (
        torch.where(swapped, other_count, count),
        torch.where(swapped, count, other_count),
    )
    count = count + (second & is_one_of(contrast, "number")).long()
    alone = second & is_one_of(contrast, "presence")
    paired = kind == KINDS.index("pair")
    denied = (kind == KINDS.index("one")) & (draws.uniform("denial") < world.denials)
    sign, letters = draw_sign(draws, world, kind, contrast, second, concept, other)
    denied &= (contrast < 0) & (sign == 0) & plain().to(other.device)[other]
    absent = torch.where(alone | denied, other, -1)
    # the place of what is absent stays empty
    objects_of_pair = (count, torch.where(paired, other_count, 0))
    layout = draw_layout(draws, sum(objects_of_pair), contrast)
    objects = place_concepts(draws, concept, *objects_of_pair, other, contrast, second)
    gap = alone[:, None] & (objects == other[:, None])
    objects = torch.where(gap, -1, objects)
    third, stands = draw_third(draws, world, pool, concept, other)
    stands &= alone
    objects = torch.where(stands[:, None] & gap, third[:, None], objects)
    here = paired & (~alone | stands)
    other_count = torch.where(here, other_count, 0)
    other = torch.where(here, torch.where(stands, third, other), -1)
    style = draws.category("style", world.styles)
    if world.hold_out:
        style = torch.where((style > 0) & is_held_out(concept, style), 0, style)
    read = (sign > 0) | is_one_of(contrast, "word or thing")
    style = torch.where(read & blurs_letters(style), 0, style)
    x, y, size, angle = place_objects(draws, layout)
    on_ground = kind == KINDS.index("ground")
    scenes = Scenes(
        kind, contrast, second, concept, torch.where(sign >= 3, 0, count), other, other_count,
        absent, layout, torch.where((sign >= 3)[:, None], -1, objects), x, y, size, angle,
        distance=torch.full_like(kind, -1),
        style=style,
        colour=draws.integer("colour", len(COLOURS)),
        texture=draws.category("texture", (4, 3, 1, 1, 1)),
        horizon=torch.ones_like(x[:, 0]),
        ground=torch.zeros_like(kind),
        sign=sign,
        letters=letters,
        capitals=draws.uniform("capitals") < world.capitals,
        font=draws.integer("font", len(trained_fonts())),
        draws=draws,
    )  # fmt: skip
    return with_ground(scenes, on_ground)


def is_one_of(contrast: torch.Tensor, *names: str) -> torch.Tensor:
    numbers = torch.tensor([CONTRASTS.index(name) for name in names], device=contrast.device)
    return torch.isin(contrast, numbers)


def draw_concepts(draws, seed, index, pool, hold_out):
    """Draw (concept, other), each (B,): the second anew where the two are held out."""
    n = len(pool)
    position = shuffled_positions(seed, index, n)
    step = draws.integer("other", n - 1)
    concept = pool[position]
    other = pool[(position + 1 + step) % n]
    for _ in range(4 if hold_out else 0):
        step = torch.where(is_held_out_pair(concept, other), (step + 1) % (n - 1), step)
        other = pool[(position + 1 + step) % n]
    return concept, other


def draw_third(draws, world, pool, concept, other):
    """Draw (a third thing, whether it may stand in the place of the other one), each (B,)."""
    third = chosen(draws, "third", pool)
    fits = (third != concept) & (third != other) & plain().to(third.device)[third]
    if world.hold_out:
        fits &= ~is_held_out_pair(concept, third)
    return third, fits & (draws.uniform("replaced") < world.replaced)


def countable_ones(draws, rows, pool, concept, other):
    """Replace things that captions do not count: (concept, other).

    In those of the ``rows`` (B,) bool that have such a thing, both become two countable ones of
    the pool.
    """
    can = several_of().to(pool.device)
    able = pool[can[pool]]
    if len(able) < 2:
        return concept, other
    first = draws.integer("counted subject", len(able))
    second = (first + 1 + draws.integer("counted other", len(able) - 1)) % len(able)
    replaced = rows & ~(can[concept] & can[other])
    return torch.where(replaced, able[first], concept), torch.where(replaced, able[second], other)


def draw_kind(draws, world, contrast, concept, other):
    """Draw (kind, contrast, count, other_count), each (B,), with numbers that may be shown.

    What cannot be shown in its number stands alone, or once; partners of such things differ in
    order and, where the two things may not be shown together, in a letter.
    """
    count, other_count = draw_counts(draws, world, contrast)
    bad = [
        impossible(world, *numbers)
        for numbers in (
            (concept, count),
            (concept, count + 1),
            (concept, other_count),
            (other, other_count),
            (other, count),
        )
    ]
    unnumbered = is_one_of(contrast, "number") & (bad[0] | bad[1])
    unnumbered |= is_one_of(contrast, "numbers swapped") & (bad[0] | bad[2] | bad[3] | bad[4])
    contrast = torch.where(unnumbered, CONTRASTS.index("order"), contrast)
    allowed = plain().to(concept.device)
    apart = ~(allowed[concept] & allowed[other])
    if world.hold_out:
        apart |= is_held_out_pair(concept, other)
    two = is_one_of(contrast, "order", "numbers swapped", "presence")
    wordless = ~printable_names().to(concept.device)[concept]
    wrong = two & apart | is_one_of(contrast, "word or thing") & wordless
    contrast = torch.where(wrong, CONTRASTS.index("letter"), contrast)
    kind = draws.category("kind", world.kinds)
    for name, of_kind in KIND_OF_CONTRAST.items():
        kind = torch.where(is_one_of(contrast, name), KINDS.index(of_kind), kind)
    paired, several = kind == KINDS.index("pair"), kind == KINDS.index("several")
    alone = (contrast < 0) & (paired & apart | several & bad[0])
    kind = torch.where(alone, KINDS.index("one"), kind)
    numbered = draws.uniform("numbered") < world.numbered_pairs
    numbered &= (contrast < 0) & ~(bad[0] | bad[3])
    numbered |= is_one_of(contrast, "numbers swapped")
    counted = several & ~alone | paired & numbered & ~alone
    return (
        kind,
        contrast,
        torch.where(counted, count, 1),
        torch.where(counted & paired, other_count, 1),
    )


def draw_counts(draws, world, contrast):
    """Draw (how many of the subject, how many of the other thing), each (B,).

    Of pairs two different numbers, of one thing two to five, or one to four where the partner has
    one more.
    """
    count = 2 + draws.category("count", world.counts)
    count = torch.where(is_one_of(contrast, "number"), count - 1, count)
    pairs = torch.tensor(NUMBERED, device=count.device)[draws.integer("numbers", len(NUMBERED))]
    two = (contrast < 0) & (draws.category("kind", world.kinds) == KINDS.index("pair"))
    two |= is_one_of(contrast, "numbers swapped")
    return torch.where(two, pairs[:, 0], count), torch.where(two, pairs[:, 1], 1)


def impossible(world: World2, concept: torch.Tensor, count: torch.Tensor) -> torch.Tensor:
    """Say what no caption counts, or training leaves out in this number: (B,) bool."""
    uncounted = ~several_of().to(concept.device)[concept]
    held_out = is_held_out(concept, 100 + count) if world.hold_out else False
    return (count > 1) & (uncounted | held_out)


KIND_OF_CONTRAST = {
    "order": "pair",
    "number": "several",
    "numbers swapped": "pair",
    "letter": "sign",
    "presence": "pair",
    "word or thing": "one",
}
NUMBERED = ((1, 2), (2, 1), (1, 3), (3, 1), (2, 3), (3, 2), (1, 4), (4, 1))


def draw_sign(draws, world, kind, contrast, second, concept, other):
    """Draw what is written, and with what: (sign (B,), letters (B, LONGEST))."""
    device = concept.device
    named, table = printable_names().to(device), word_letters().to(device)
    sign = torch.where(kind == KINDS.index("sign"), 1 + draws.category("sign", world.signs), 0)
    letter = is_one_of(contrast, "letter")
    word_or_thing = is_one_of(contrast, "word or thing")
    alone = SIGNS.index("alone")
    sign = torch.where(letter | word_or_thing & second, alone, sign)
    sign = torch.where((sign == SIGNS.index("own name")) & ~named[concept], alone, sign)
    from_list = draws.uniform("listed") < world.listed_words
    listed = chosen(draws, "listed word", trained_words().to(device))
    name = torch.where(sign == SIGNS.index("other name"), other, concept)
    from_list &= (sign != SIGNS.index("own name")) & ~word_or_thing
    word = torch.where(from_list | ~named[name], listed, name)
    word = torch.where(
        letter, chosen(draws, "word of letters", one_letter_words().to(device)), word
    )
    letters = table[word]
    place = (draws.uniform("letter") * (letters > 0).sum(1)).long()
    step = 1 + draws.integer("another letter", 25)
    changed = with_another_letter(letters, place, step)
    letters = torch.where((letter & second)[:, None], changed, letters)
    digits = torch.zeros_like(letters)
    digits[:, 0] = 48 + draws.integer("digit", 10)
    letters = torch.where((sign == SIGNS.index("digit"))[:, None], digits, letters)
    return sign, torch.where((sign > 0)[:, None], letters, 0)


def chosen(draws: Draws, name: str, options: torch.Tensor) -> torch.Tensor:
    return options[draws.integer(name, len(options))]


def draw_layout(draws, total, contrast):
    """Draw a layout that has as many places as things, (B,).

    Partners that differ in number are scattered.
    """
    table = torch.full((MOST + 1, 3), SCATTERED)
    table[:2] = FREE
    for count in range(2, MOST + 1):
        fitting = [k for k, name in enumerate(LAYOUTS) if len(LAYOUTS[name][0]) == count]
        table[count, : len(fitting)] = torch.tensor(fitting)
        table[count, len(fitting) :] = torch.tensor([*fitting, *fitting])[: 3 - len(fitting)]
    layout = table.to(total.device)[total, draws.integer("layout", 3)]
    scattered = (total > 2) & (draws.uniform("scattered") < 0.4) | is_one_of(contrast, "number")
    return torch.where(scattered, SCATTERED, layout)


def place_concepts(draws, concept, count, other_count, other, contrast, second):
    """Say which thing stands in which place, in a random rotation: (B, MOST).

    The places are the other way round in the second one of two partners that differ in order.
    """
    total = count + other_count
    place = torch.arange(MOST, device=concept.device).expand(len(concept), -1)
    turned = (place + draws.integer("rotation of places", 60)[:, None]) % total.clamp(min=1)[
        :, None
    ]
    turned = torch.where((second & is_one_of(contrast, "order"))[:, None], 1 - turned, turned)
    thing = torch.where(turned < count[:, None], concept[:, None], other[:, None])
    return torch.where(place < total[:, None], thing, -1)


def place_objects(draws, layout):
    """Place things by their layout with some disorder: (x, y, size, angle), each (B, MOST)."""
    device = layout.device
    table = torch.full((len(LAYOUTS), MOST, 2), 0.5)
    for row, (places, _) in enumerate(LAYOUTS.values()):
        table[row, : len(places)] = torch.tensor(places or ((0.5, 0.5),))
    x, y = table.to(device)[layout].unbind(-1)
    cells = torch.stack([draws.bits(f"cell {k}") for k in range(9)], 1).argsort(1)[:, :MOST]
    scattered = (layout == SCATTERED)[:, None]
    x = torch.where(scattered, (cells % 3) * 0.31 + 0.19, x)
    y = torch.where(scattered, (cells // 3) * 0.31 + 0.19, y)
    sizes = torch.tensor([sizes for _, sizes in LAYOUTS.values()], device=device)
    low, high = sizes[layout].unbind(-1)
    own = several_uniform(draws, "size", 0, 1)
    shared = draws.uniform("size")[:, None]
    size = low[:, None] + (high - low)[:, None] * (0.7 * shared + 0.3 * own)
    room = torch.where((layout == FREE)[:, None], (1.04 - size) / 2, 0.03).clamp(min=0.02)
    x = x + room * several_uniform(draws, "x", -1, 1)
    y = y + room * several_uniform(draws, "y", -1, 1)
    return x, y, size, several_uniform(draws, "angle", -0.35, 0.35)


def several_uniform(draws: Draws, name: str, low: float, high: float) -> torch.Tensor:
    """Draw a number for each place: (B, MOST) float32."""
    return torch.stack([draws.uniform(f"{name} {k}", low, high) for k in range(MOST)], 1)


def with_ground(scenes: Scenes, rows: torch.Tensor, distance: torch.Tensor | None = None) -> Scenes:
    """Give the scenes, those in ``rows`` (B,) bool with their thing on a ground plane.

    Things differ in size, so that only the place where one touches the ground tells how far away
    it is.

    Args:
        distance: (B,) bins; None draws them.
    """
    draws = scenes.draws
    bins = draws.integer("distance", DISTANCES) if distance is None else distance
    away = 2 ** ((bins + draws.uniform("distance within")) / 2)
    usual = 2 ** draws.uniform("size of the thing", -0.6, 0.6)
    size = (NEAREST_SIZE * usual / away).clamp(max=0.92)
    horizon = draws.uniform("horizon", 0.28, 0.45)
    foot = horizon + (0.97 - horizon) / away
    x = 0.5 + (1.0 - size).clamp(min=0.05) / 2 * draws.uniform("x on the ground", -1, 1)
    first = torch.zeros_like(scenes.objects, dtype=torch.bool)
    first[:, 0] = True
    here = rows[:, None] & first
    grounds = torch.tensor(GROUNDS, device=rows.device)
    ground = grounds[draws.integer("ground", len(GROUNDS))]
    return replace(
        scenes,
        x=torch.where(here, x[:, None], scenes.x),
        y=torch.where(here, (foot - 0.46 * size)[:, None], scenes.y),
        size=torch.where(here, size[:, None], scenes.size),
        angle=torch.where(here, scenes.angle * 0.2, scenes.angle),
        distance=torch.where(rows, bins, -1),
        texture=torch.where(rows, 0, scenes.texture),
        horizon=torch.where(rows, horizon, 1.0),
        ground=torch.where(rows, ground, 0),
        colour=torch.where(
            rows & (ground == scenes.colour), list(COLOURS).index("blue"), scenes.colour
        ),
    )
