"""The emoji world: pictures drawn from factors, and factors drawn from (seed, index).

``draw_factors`` decides what is in a batch of scenes; ``render`` draws them with plain tensor operations on any device.
Both are pure functions: a scene does not depend on the batch that it is drawn in.
"""

import functools
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw, ImageFont

from clipbench.data.draws import Draws, mix, shuffled_positions
from clipbench.data.languages import LANGUAGES
from clipbench.data.sprites import ART_SETS, concepts, sprites

FONT = Path(__file__).parent.parent / "assets" / "fonts" / "DejaVuSansCondensed-Bold.ttf"

STYLES = ("photo", "grayscale", "sketch", "blurry", "pixelated", "inverted", "painting")
COLOUR_STYLES = (
    "photo",
    "blurry",
    "pixelated",
    "painting",
)  # those that show the background's colour as it is
COLOURS = {
    "white": (245, 245, 245), "black": (25, 25, 25), "gray": (128, 128, 128), "red": (205, 45, 45),
    "orange": (240, 140, 40), "yellow": (245, 215, 70), "green": (70, 160, 75), "blue": (60, 105, 205),
    "purple": (135, 75, 175), "pink": (245, 160, 190), "brown": (125, 85, 55), "turquoise": (70, 195, 190),
}  # fmt: skip
TEXTURES = ("plain", "gradient", "stripes", "checks", "dots")
ARRANGEMENTS = ("single", "same", "pair", "one and two")
SIGNS = ("none", "own name", "other name", "alone")
BOARDS = (  # board and letter colour of a sign
    ((252, 252, 250), (20, 20, 25)), ((255, 225, 90), (30, 25, 15)), ((35, 40, 50), (250, 250, 245)),
    ((190, 35, 40), (255, 250, 245)),
)  # fmt: skip
LAYOUTS = {  # where the objects stand, as fractions of the picture
    "free": ((0.5, 0.5),),
    "horizontal": ((0.27, 0.5), (0.73, 0.5)),
    "vertical": ((0.5, 0.27), (0.5, 0.73)),
    "row": ((0.18, 0.5), (0.5, 0.5), (0.82, 0.5)),
    "triangle up": ((0.5, 0.27), (0.27, 0.73), (0.73, 0.73)),
    "triangle down": ((0.27, 0.27), (0.73, 0.27), (0.5, 0.73)),
}
LAYOUT_NAMES = tuple(LAYOUTS)
LAYOUT_SIZES = torch.tensor([[0.42, 0.96], [0.36, 0.48], [0.36, 0.48], [0.26, 0.32], [0.34, 0.44], [0.34, 0.44]])
MAX_OBJECTS = 3

# Never trained on, so that a model can only know them by putting words together ("yellow" and "heart").
HELD_OUT_NAMES = (
    "yellow heart", "purple heart", "blue circle", "orange circle", "green square", "red square", "blue book",
    "orange diamond",
)  # fmt: skip
LONGEST_SIGN = 12  # letters of a word that still can be read at 64 pixels


@dataclass(frozen=True)
class SceneConfig:
    """How often what happens in the world. Several lessons are about changing one of these numbers."""

    arrangements: tuple[float, ...] = (0.62, 0.16, 0.16, 0.06)  # in the order of ARRANGEMENTS
    styles: tuple[float, ...] = (0.55, 0.075, 0.075, 0.075, 0.075, 0.075, 0.075)  # in the order of STYLES
    signs: tuple[float, ...] = (0.76, 0.04, 0.08, 0.12)  # in the order of SIGNS; on single objects only
    hold_out: bool = True  # leave the held-out compositions to the evaluation
    count_words: bool = True  # whether captions say how many; without it three cats are "a cat"
    wrong_captions: float = 0.0  # share of training pairs whose caption belongs to another scene
    languages: tuple[str, ...] = ("en",)  # of the captions, all alike; also es, de, zh, ru
    art: tuple[str, ...] = ("noto",)  # who drew the objects, all alike; also twemoji, openmoji
    captions: int = 1  # of each picture, each drawn by itself

    def __post_init__(self):
        for name, kinds in (("arrangements", ARRANGEMENTS), ("styles", STYLES), ("signs", SIGNS)):
            weights = getattr(self, name)
            numbers = isinstance(weights, tuple) and all(isinstance(w, (int, float)) and w >= 0 for w in weights)
            if not numbers or len(weights) != len(kinds) or sum(weights) <= 0:
                raise ValueError(f"{name} needs {len(kinds)} numbers from 0 up, for {', '.join(kinds)}")
        if not (isinstance(self.captions, int) and self.captions >= 1):
            raise ValueError(f"captions must be a whole number from 1 up, not {self.captions!r}")
        if not (isinstance(self.wrong_captions, (int, float)) and 0 <= self.wrong_captions <= 1):
            raise ValueError(f"wrong_captions must be a share from 0 to 1, not {self.wrong_captions!r}")
        for name, known in (("languages", ("en", *LANGUAGES)), ("art", ART_SETS)):
            given = getattr(self, name)
            if not isinstance(given, tuple) or not given or not set(given) <= set(known):
                raise ValueError(f"{name} must be one or more of {', '.join(known)}, not {given!r}")


EVALUATION = SceneConfig(arrangements=(1.0, 0.0, 0.0, 0.0), signs=(1.0, 0.0, 0.0, 0.0))


@dataclass
class Factors:
    """What is in a batch of B scenes: the ground truth of captions, labels and pictures (int64 or float32)."""

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
        """The same scenes, only those in ``chosen``."""
        return Factors(**{field.name: getattr(self, field.name)[chosen] for field in fields(self)})

    def with_groups(self, concept: torch.Tensor, count: torch.Tensor) -> "Factors":
        """The same scenes with ``count`` (B,) of ``concept`` (B,) in each, in a layout of that many places."""
        nothing = torch.full_like(concept, -1)
        zero = torch.zeros_like(concept)
        layout = draw_layout(self.draws, count)
        x, y, size, angle = place_objects(self.draws, layout)
        objects = place_concepts(self.draws, concept, count, nothing, zero)
        same = torch.full_like(concept, ARRANGEMENTS.index("same"))
        return replace(
            self, concept=concept, count=count, other=nothing, other_count=zero, arrangement=same, layout=layout,
            objects=objects, x=x, y=y, size=size, angle=angle,
        )  # fmt: skip


@functools.cache
def training_pool(tiny: bool = False) -> torch.Tensor:
    """Ids of the concepts that training may show: (C',) int64."""
    return torch.tensor([i for i, c in enumerate(concepts()) if c.name not in HELD_OUT_NAMES and (c.tiny or not tiny)])


@functools.cache
def countable() -> torch.Tensor:
    """(C,) bool: concepts that captions can count."""
    return torch.tensor([concept.plural is not None for concept in concepts()])


@functools.cache
def readable() -> torch.Tensor:
    """(C,) bool: concepts whose name is short enough for a sign."""
    return torch.tensor([len(c.name) <= LONGEST_SIGN and c.name.isascii() for c in concepts()])


def is_held_out(concept: torch.Tensor, composition: torch.Tensor) -> torch.Tensor:
    """A fixed tenth of all (concept, composition) pairs; compositions are styles (1..6) and counts (102, 103)."""
    return mix(mix(concept + 7919) ^ composition) % 10 == 0


def draw_factors(
    index: torch.Tensor, seed: int, config: SceneConfig = SceneConfig(), pool: torch.Tensor | None = None
) -> Factors:
    """The factors of the scenes ``index`` (B,) int64 of the world ``seed``.

    Subjects are dealt, not thrown: each run of len(pool) scenes shows every concept of ``pool`` once, in an order of
    its own, so a batch holds few captions twice.
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
        concept, count, other, other_count, arrangement, layout, objects, x, y, size, angle, style,
        colour=draws.integer("colour", len(COLOURS)), texture=draws.category("texture", (4, 3, 1, 1, 1)),
        sign=sign, sign_word=sign_word, draws=draws,
    )  # fmt: skip


def blurs_letters(style: torch.Tensor) -> torch.Tensor:
    """(B,) bool: styles in which a printed word cannot be read."""
    return (
        (style == STYLES.index("blurry")) | (style == STYLES.index("pixelated")) | (style == STYLES.index("painting"))
    )


def draw_counts(draws, config, concept, other):
    """(arrangement, count, other_count), each (B,): what cannot be counted stands alone."""
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
    """(sign, sign_word), each (B,): only single objects carry a sign, and only with a word that can be read."""
    can_read = readable().to(concept.device)
    sign = torch.where(arrangement == 0, draws.category("sign", config.signs), 0)
    word = torch.where(sign == SIGNS.index("other name"), other, concept)
    sign = torch.where(can_read[word], sign, 0)
    return sign, torch.where(sign > 0, word, -1)


def draw_layout(draws, objects):
    """(B,): free for one object, a side-by-side or stacked pair, or one of three layouts for three."""
    two = 1 + draws.integer("layout of two", 2)
    three = 3 + draws.integer("layout of three", 3)
    return torch.where(objects <= 1, 0, torch.where(objects == 2, two, three))


def place_concepts(draws, concept, count, other, other_count):
    """(B, 3): which concept stands in which place of the layout, in a random rotation."""
    total = count + other_count
    place = torch.arange(MAX_OBJECTS, device=concept.device)
    turned = (place + draws.integer("rotation of places", 6)[:, None]) % total.clamp(min=1)[:, None]
    kind = torch.where(turned < count[:, None], concept[:, None], other[:, None])
    return torch.where(place < total[:, None], kind, -1)


def place_objects(draws, layout):
    """(x, y, size, angle), each (B, 3): a layout's places with some disorder; one free object anywhere inside."""
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


# ---------------------------------------------------------------------------------------------------- drawing


@functools.lru_cache(maxsize=6)
def sprite_levels(art: str, device: str) -> torch.Tensor:
    """Premultiplied sprites, then the same smoothed for drawing them small: (2 C, 4, 64, 64) uint8."""
    full = sprites(art).to(device)
    alpha = full[:, 3:].to(torch.int32)
    sharp = torch.cat([full[:, :3].to(torch.int32) * alpha // 255, alpha], 1).to(torch.uint8)
    smooth = F.avg_pool2d(sharp.float(), 3, stride=1, padding=1).round().to(torch.uint8)
    return torch.cat([sharp, smooth])


@functools.cache
def word_masks() -> torch.Tensor:
    """Every readable name in print, white on black: (C, 24, 96) uint8."""
    font = ImageFont.truetype(str(FONT), 26, layout_engine=ImageFont.Layout.BASIC)
    masks = np.zeros((len(concepts()), 24, 96), dtype=np.uint8)
    for index in readable().nonzero()[:, 0].tolist():
        name = concepts()[index].name
        left, top, right, bottom = font.getbbox(name + "dg")
        width = font.getbbox(name)[2]
        strip = Image.new("L", (width + 4, bottom - top + 2), 0)
        ImageDraw.Draw(strip).text((2, 1 - top), name, fill=255, font=font)
        scale = min(96 / strip.width, 24 / strip.height)
        strip = strip.resize((round(strip.width * scale), round(strip.height * scale)), Image.Resampling.LANCZOS)
        x, y = (96 - strip.width) // 2, (24 - strip.height) // 2
        masks[index, y : y + strip.height, x : x + strip.width] = np.asarray(strip)
    return torch.from_numpy(masks)


@torch.no_grad()
def render(factors: Factors, art: str = "noto", size: int = 64) -> torch.Tensor:
    """Draw the scenes: (B, 3, size, size) uint8, on the device of the factors."""
    canvas = background(factors, size)
    for place in range(MAX_OBJECTS):
        draw_objects(canvas, factors, place, art)
    draw_signs(canvas, factors)
    light = factors.draws.uniform("light", 0.85, 1.1)[:, None, None, None]
    canvas = (canvas * light).clamp_(0, 1)
    apply_styles(canvas, factors)
    return (canvas * 255).round_().clamp_(0, 255).to(torch.uint8)


def pixel_grid(size: int, device) -> tuple[torch.Tensor, torch.Tensor]:
    """x (1, 1, size) and y (1, size, 1): pixel centres as fractions of the picture."""
    centres = (torch.arange(size, device=device, dtype=torch.float32) + 0.5) / size
    return centres[None, None, :], centres[None, :, None]


def background(factors: Factors, size: int) -> torch.Tensor:
    """(B, 3, size, size) float in [0, 1]: a named colour, slightly off, with one of five textures."""
    draws, device = factors.draws, factors.concept.device
    table = torch.tensor(list(COLOURS.values()), device=device) / 255
    shift = torch.stack([draws.uniform(f"colour {c}", -0.05, 0.05) for c in "rgb"], 1)
    canvas = (table[factors.colour] + shift)[:, :, None, None].repeat(1, 1, size, size)
    rows = (factors.texture > 0).nonzero()[:, 0]
    if len(rows):
        canvas[rows] += pattern(draws[rows], factors.texture[rows, None, None], size)[:, None]
    return canvas


def pattern(draws: Draws, texture: torch.Tensor, size: int) -> torch.Tensor:
    """(n, size, size): what a gradient, stripes, checks or dots add to the brightness."""
    x, y = pixel_grid(size, texture.device)
    direction = draws.uniform("direction", 0, 6.2831853)[:, None, None]
    cos, sin = direction.cos(), direction.sin()
    along = (x - 0.5) * cos + (y - 0.5) * sin  # (n, size, size)
    across = (y - 0.5) * cos - (x - 0.5) * sin
    pitch = draws.uniform("pitch", 16, 40)[:, None, None]
    wave, cross = (along * pitch).sin_(), (across * pitch).sin_()
    checks = wave.sign() * cross.sign() * 0.4
    dots = (wave + cross - 0.7).clamp_(min=0)
    shape = torch.where(texture == 2, wave * 0.5, torch.where(texture == 3, checks, dots))
    shape = torch.where(texture == 1, along * 2.4, shape)
    return shape * draws.uniform("strength", 0.06, 0.14)[:, None, None]


def draw_objects(canvas: torch.Tensor, factors: Factors, place: int, art: str) -> None:
    """Paint the objects that stand in one place of their layouts over the canvas, in place."""
    pixels = canvas.shape[-1]
    rows = (factors.objects[:, place] >= 0).nonzero()[:, 0]
    if len(rows) == 0:
        return
    levels = sprite_levels(art, str(canvas.device))
    scale, angle = factors.size[rows, place], factors.angle[rows, place]
    small = (scale * pixels < 34) * (len(levels) // 2)
    cos, sin = angle.cos() / scale, angle.sin() / scale
    x, y = 2 * factors.x[rows, place] - 1, 2 * factors.y[rows, place] - 1
    theta = torch.stack([cos, sin, -cos * x - sin * y, -sin, cos, sin * x - cos * y], 1).view(-1, 2, 3)
    grid = F.affine_grid(theta, (len(rows), 4, pixels, pixels), align_corners=False)
    pictures = levels[factors.objects[rows, place] + small].float()
    layer = F.grid_sample(pictures, grid, align_corners=False).mul_(1 / 255)  # (n, 4, H, W) premultiplied
    if len(rows) == len(canvas):
        canvas.mul_(1 - layer[:, 3:]).add_(layer[:, :3])
    else:
        canvas[rows] = canvas[rows].mul_(1 - layer[:, 3:]).add_(layer[:, :3])


def draw_signs(canvas: torch.Tensor, factors: Factors) -> None:
    """Paint the signs over the canvas, in place: a small board with a printed word."""
    rows = (factors.sign > 0).nonzero()[:, 0]
    if len(rows) == 0:
        return
    draws, device = factors.draws, canvas.device
    alone = factors.sign[rows] == SIGNS.index("alone")
    low = draws.bits("sign at the bottom")[rows] % 2 == 1
    middle = torch.where(alone, draws.uniform("sign y alone", 0.2, 0.8)[rows], torch.where(low, 0.83, 0.17))
    width = torch.where(
        alone,
        draws.uniform("sign width alone", 0.8, 0.98)[rows],
        draws.uniform("sign width", 0.66, 0.96)[rows],
    )
    centre = 0.5 + (1 - width) / 2 * draws.uniform("sign x", -1, 1)[rows]
    angle = draws.uniform("sign angle", -0.12, 0.12)[rows, None, None]
    x, y = pixel_grid(canvas.shape[-1], device)
    x, y = x - centre[:, None, None], y - middle[:, None, None]
    half = width[:, None, None] / 2
    u = (x * angle.cos() + y * angle.sin()) / half  # (n, H, W), 1 at the board's right edge
    v = (y * angle.cos() - x * angle.sin()) / (half * 0.27)
    edge = (half * canvas.shape[-1]) * torch.minimum(1 - u.abs(), (1 - v.abs()) * 0.27)
    board = edge.clamp(0, 1)[:, None]
    masks = word_masks().to(device)[factors.sign_word[rows], None].float() / 255
    letters = F.grid_sample(masks, torch.stack([u / 0.94, v / 0.9], -1), align_corners=False)  # (n, 1, H, W)
    colours = torch.tensor(BOARDS, device=device)[draws.integer("board", len(BOARDS))[rows]] / 255  # (n, 2, 3)
    paint = colours[:, 0, :, None, None] * (1 - letters) + colours[:, 1, :, None, None] * letters
    canvas[rows] = canvas[rows] * (1 - board) + paint * board


def apply_styles(canvas: torch.Tensor, factors: Factors) -> None:
    """Redraw each scene in its style, in place."""
    restyle = {"grayscale": grayscale, "sketch": sketch, "blurry": blurry, "pixelated": pixelated,
               "inverted": lambda images: 1 - images, "painting": painting}  # fmt: skip
    for number, name in enumerate(STYLES):
        rows = (factors.style == number).nonzero()[:, 0]
        if name in restyle and len(rows):
            canvas[rows] = restyle[name](canvas[rows])


def luminance(images: torch.Tensor) -> torch.Tensor:
    """(B, 1, H, W)"""
    weights = torch.tensor([0.299, 0.587, 0.114], device=images.device)
    return (images * weights[:, None, None]).sum(1, keepdim=True)


def grayscale(images: torch.Tensor) -> torch.Tensor:
    return luminance(images).expand_as(images)


def sketch(images: torch.Tensor) -> torch.Tensor:
    """Dark lines on paper where the brightness changes, with a little of the shading left."""
    light = luminance(images)
    padded = F.pad(light, (1, 1, 1, 1), mode="replicate")
    across = padded[:, :, 1:-1, 2:] - padded[:, :, 1:-1, :-2]
    down = padded[:, :, 2:, 1:-1] - padded[:, :, :-2, 1:-1]
    lines = (across.square() + down.square()).sqrt() * 1.6
    paper = torch.tensor([0.97, 0.95, 0.9], device=images.device)[:, None, None]
    return paper * (0.8 + 0.2 * light - lines).clamp(0.08, 1)


def blurry(images: torch.Tensor) -> torch.Tensor:
    """A Gaussian blur of about 2 % of the picture's side."""
    sigma = images.shape[-1] * 0.022
    radius = max(1, round(2.5 * sigma))
    taps = torch.exp(-0.5 * (torch.arange(-radius, radius + 1, device=images.device) / sigma) ** 2)
    taps = (taps / taps.sum()).expand(3, 1, -1)
    padded = F.pad(images, (radius,) * 4, mode="replicate")
    return F.conv2d(F.conv2d(padded, taps[:, :, :, None], groups=3), taps[:, :, None, :], groups=3)


def pixelated(images: torch.Tensor) -> torch.Tensor:
    """22 large pixels a side."""
    coarse = F.interpolate(images, size=(22, 22), mode="area")
    return F.interpolate(coarse, size=images.shape[-2:], mode="nearest")


def painting(images: torch.Tensor) -> torch.Tensor:
    """Small strokes: each takes half its colour from a spot beside it, and there are few colours."""
    size = images.shape[-1]
    reach = max(1, round(size / 64))
    place = torch.arange(size, device=images.device)
    noise = mix((place[:, None] // reach) * size + place[None] // reach)
    row = (place[:, None] + (noise % 3 - 1) * reach).clamp(0, size - 1)
    column = (place[None] + ((noise >> 8) % 3 - 1) * reach).clamp(0, size - 1)
    strokes = 0.5 * images + 0.5 * F.avg_pool2d(F.pad(images[:, :, row, column], (1, 1, 1, 1), mode="replicate"), 3, 1)
    return (strokes * 7).round() / 7
