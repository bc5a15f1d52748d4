"""Draw scenes of the second world, a batch at a time, on the scenes' device."""

import functools
import math

import torch
import torch.nn.functional as F

from clipbench.data.world.draws import Draws
from clipbench.data.world.factors import COLOURS, STYLES
from clipbench.data.world.fonts import Font, trained_fonts
from clipbench.data.world.render import BOARDS, apply_styles, pixel_grid
from clipbench.data.world2.album import Album, named_by_colour
from clipbench.data.world2.lettering import set_in_type
from clipbench.data.world2.scenes import Scenes
from clipbench.data.world2.settings import MOST, SIGNS, World2

PATCHES = (
    0.31,
    0.49,
    0.64,
    math.inf,
)  # objects up to these sizes are drawn on patches of the picture
FLAT, TALL = (0.26, 0.0), (1.0, 0.26)  # at most and more than so tall: words
WIDENED = 1.29  # what a turned square needs: the sum of sine and cosine of 0.35
HUE, SATURATION = 0.6, (0.2, 1.5)  # of the jitter: radians, factor
SKETCH = STYLES.index("sketch")
LUMA = torch.tensor([0.213, 0.715, 0.072])
TURN = torch.tensor([[-0.213, -0.715, 0.928], [0.143, 0.140, -0.283], [-0.787, 0.715, 0.072]])


@torch.no_grad()
def render(
    scenes: Scenes,
    world: World2,
    album: Album,
    size: int = 64,
    fonts: tuple[Font, ...] | None = None,
) -> torch.Tensor:
    """Draw the scenes: (B, 3, size, size) uint8, on the device of the scenes.

    Args:
        fonts: those that ``scenes.font`` counts; None takes those of training.
    """
    canvas = background(scenes, size)
    paints = Paints(scenes, world, album)
    for place in range(MOST):
        draw_objects(canvas, scenes, place, paints)
    sketched = scenes.style == SKETCH
    draw_signs(canvas, scenes, world, fonts or trained_fonts(), ~sketched)
    canvas.mul_(scenes.draws.uniform("light", 0.85, 1.1)[:, None, None, None]).clamp_(0, 1)
    apply_styles(canvas, scenes.style)
    draw_signs(canvas, scenes, world, fonts or trained_fonts(), sketched)
    return canvas.mul_(255).round_().clamp_(0, 255).to(torch.uint8)


# -------------------- background


def background(scenes: Scenes, size: int) -> torch.Tensor:
    """Paint a named colour, slightly off, with a texture or a ground: (B, 3, size, size) float."""
    draws = scenes.draws
    canvas = shifted_colour(draws, "colour", scenes.colour).repeat(1, 1, size, size)
    for textures, pattern in (((1,), gradient), ((2, 3, 4), waves)):
        rows = torch.isin(scenes.texture, torch.tensor(textures, device=canvas.device)).nonzero()
        if len(rows := rows[:, 0]):
            strength = draws[rows].uniform("strength", 0.06, 0.14)[:, None, None]
            change = pattern(draws[rows], scenes.texture[rows, None, None], size) * strength
            canvas[rows] += change[:, None]
    rows = (scenes.horizon < 1).nonzero()[:, 0]
    if len(rows):
        draw_ground(canvas, scenes, rows)
    return canvas


def shifted_colour(draws: Draws, name: str, colour: torch.Tensor) -> torch.Tensor:
    """Give named colours, each slightly off: (B, 3, 1, 1) float."""
    table = torch.tensor(list(COLOURS.values()), device=colour.device) / 255
    shift = torch.stack([draws.uniform(f"{name} {c}", -0.05, 0.05) for c in "rgb"], 1)
    return (table[colour] + shift)[:, :, None, None]


def axes(draws: Draws, size: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Make coordinates in a random direction: (along, across), each (n, size, size)."""
    x, y = (axis - 0.5 for axis in pixel_grid(size, draws.state.device))
    direction = draws.uniform("direction", 0, 6.2831853)[:, None, None]
    cos, sin = direction.cos(), direction.sin()
    return x * cos + y * sin, y * cos - x * sin


def gradient(draws: Draws, texture: torch.Tensor, size: int) -> torch.Tensor:
    """Compute what a gradient adds to the brightness: (n, size, size)."""
    return axes(draws, size)[0] * 2.4


def waves(draws: Draws, texture: torch.Tensor, size: int) -> torch.Tensor:
    """Compute what stripes, checks or dots add to the brightness: (n, size, size).

    Stripes are texture 2, checks 3, dots 4.
    """
    pitch = draws.uniform("pitch", 16, 40)[:, None, None]
    wave, cross = ((axis * pitch).sin_() for axis in axes(draws, size))
    checks = wave.sign() * cross.sign() * 0.4
    dots = (wave + cross - 0.7).clamp_(min=0)
    return torch.where(texture == 2, wave * 0.5, torch.where(texture == 3, checks, dots))


def draw_ground(canvas: torch.Tensor, scenes: Scenes, rows: torch.Tensor) -> None:
    """Paint the ground below the horizon and the shadow where the thing stands, in place.

    The ground is brighter towards the horizon.
    """
    draws = scenes.draws[rows]
    x, y = pixel_grid(canvas.shape[-1], canvas.device)
    horizon = scenes.horizon[rows, None, None]
    below = ((y - horizon) * canvas.shape[-1] + 0.5).clamp(0, 1)[:, None]  # (n, 1, H, 1)
    depth = (y - horizon) / (1 - horizon)
    paint = shifted_colour(draws, "ground", scenes.ground[rows]) * (1.05 - 0.2 * depth)[:, None]
    size = scenes.size[rows, 0, None, None]
    foot = scenes.y[rows, 0, None, None] + 0.46 * size
    across = (x - scenes.x[rows, 0, None, None]) / (0.45 * size)
    down = (y - foot) / (0.09 * size + 0.008)
    shadow = (1 - across.square() - down.square()).clamp(0, 1) * 0.45  # (n, H, W)
    canvas[rows] = canvas[rows] * (1 - below) + paint * below * (1 - shadow[:, None])


# -------------------- objects


class Paints:
    """Which drawing stands for each thing of the scenes, and how its colours are changed."""

    def __init__(self, scenes: Scenes, world: World2, album: Album):
        self.album = album
        self.subject = scenes.concept
        self.drawings = scenes.drawings(album, world)
        self.mixing = [
            self.colours(name, scenes, concept, drawing, world)
            for name, concept, drawing in zip(
                ("subject", "other"), (scenes.concept, scenes.other), self.drawings, strict=True
            )
        ]

    def colours(self, name, scenes, concept, drawing, world) -> torch.Tensor:
        """Make the matrices that a drawing's colours are multiplied with: (B, 3, 3)."""
        draws = scenes.draws
        turned = hue_and_saturation(
            draws.uniform(f"{name} hue", -HUE, HUE),
            draws.uniform(f"{name} saturation", *SATURATION),
        )
        jittered = (draws.uniform(f"{name} jitter") < world.jitter) & ~named_by_colour().to(
            concept.device
        )[concept.clamp(min=0)]
        plain = torch.eye(3, device=concept.device).expand_as(turned)
        inks = ink_table().to(concept.device)
        behind = torch.where(scenes.horizon < 1, scenes.ground, scenes.colour)
        ink = inks[behind, draws.integer(f"{name} ink", inks.shape[1])]
        result = torch.where(jittered[:, None, None], turned, plain)
        one_colour = self.album.one_colour[drawing][:, None, None]
        return torch.where(one_colour, torch.diag_embed(ink), result)

    def of(self, scenes: Scenes, rows: torch.Tensor, place: int, small: bool) -> torch.Tensor:
        """Give the pictures of what stands in one place of the scenes.

        (n, 4, S, S) float in [0, 1], premultiplied.
        """
        thing = scenes.objects[rows, place]
        is_subject = thing == self.subject[rows]
        drawing = torch.where(is_subject, *(each[rows] for each in self.drawings))
        album = self.album
        one_colour, number = album.one_colour[drawing], album.row[drawing]
        side = album.masks[small].shape[-1]
        pictures = torch.empty(len(rows), 4, side, side, device=rows.device)
        if len(flat := one_colour.nonzero()[:, 0]):
            pictures[flat] = album.masks[small][number[flat], None].float().expand(-1, 4, -1, -1)
        if len(painted := (~one_colour).nonzero()[:, 0]):
            pictures[painted] = album.colour[small][number[painted]].float()
        pictures.mul_(1 / 255)
        own, others = (each[rows] for each in self.mixing)
        mixing = torch.where(is_subject[:, None, None], own, others)
        changed = (mixing != torch.eye(3, device=rows.device)).any(2).any(1).nonzero()[:, 0]
        if len(changed):
            some = pictures[changed]
            colours = torch.bmm(mixing[changed], some[:, :3].flatten(2)).view_as(some[:, :3])
            some[:, :3] = torch.minimum(colours.clamp_(min=0), some[:, 3:])
            pictures[changed] = some
        return pictures


def hue_and_saturation(angle: torch.Tensor, saturation: torch.Tensor) -> torch.Tensor:
    """Make the colour matrices of SVG's hueRotate and saturate: (B, 3, 3).

    Filter Effects, 9.6.
    """
    luma = LUMA.to(angle.device).expand(3, 3)
    chroma = torch.eye(3, device=angle.device) - luma
    cos, sin = angle.cos()[:, None, None], angle.sin()[:, None, None]
    turned = cos * chroma + sin * TURN.to(angle.device)
    return luma + saturation[:, None, None] * turned


@functools.cache
def ink_table() -> torch.Tensor:
    """Give colours for drawings of one colour that stand out from each background.

    (12, 12, 3) float; every other one is the darkest or the brightest.
    """
    table = torch.tensor(list(COLOURS.values())) / 255
    light = table @ LUMA
    rows = []
    for own in light:
        distance = (light - own).abs()
        fitting = (distance > 0.3).nonzero()[:, 0]
        plain = int(distance.argmax())
        rows.append([plain if k % 2 else int(fitting[k // 2 % len(fitting)]) for k in range(12)])
    return table[torch.tensor(rows)]


def draw_objects(canvas: torch.Tensor, scenes: Scenes, place: int, paints: Paints) -> None:
    """Paint what stands in one place of the scenes over the canvas, in place."""
    present, size = scenes.objects[:, place] >= 0, scenes.size[:, place]
    low = 0.0
    for high in PATCHES:
        rows = (present & (size > low) & (size <= high)).nonzero()[:, 0]
        if len(rows):
            draw_patches(canvas, scenes, place, rows, high, paints)
        low = high


def draw_patches(canvas, scenes, place, rows, largest, paints) -> None:
    """Paint objects of about one size, each on a square patch of its picture, in place."""
    pixels = canvas.shape[-1]
    side = min(pixels, math.ceil(largest * WIDENED * pixels) + 1) if largest < 1 else pixels
    x, y = scenes.x[rows, place] * pixels, scenes.y[rows, place] * pixels
    scale, angle = scenes.size[rows, place] * pixels / 2, scenes.angle[rows, place]
    left, top = ((centre - side / 2).round().clamp(0, pixels - side) for centre in (x, y))
    steps = torch.arange(side, device=canvas.device) + 0.5
    across = ((left - x)[:, None] + steps)[:, None, :]  # (n, 1, side)
    down = ((top - y)[:, None] + steps)[:, :, None]  # (n, side, 1)
    cos, sin = ((turn / scale)[:, None, None] for turn in (angle.cos(), angle.sin()))
    grid = torch.stack([cos * across + sin * down, cos * down - sin * across], -1)
    pictures = paints.of(scenes, rows, place, small=largest * pixels < 34)
    layer = F.grid_sample(pictures, grid, align_corners=False)
    under = windows(canvas, side, side)
    where = (rows, slice(None), top.long(), left.long())
    # what is there times what shines through, and the drawing
    under[where] = layer[:, :3].addcmul_(under[where], 1 - layer[:, 3:])


def windows(canvas: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """View every part of this size of every picture.

    (B, 3, S, S) becomes a view of shape (B, 3, tops, lefts, height, width). Write to it at few
    places at a time, as windows overlap.
    """
    return canvas.unfold(2, height, 1).unfold(3, width, 1)


# -------------------- signs


def draw_signs(canvas, scenes: Scenes, world: World2, fonts: tuple, wanted: torch.Tensor) -> None:
    """Paint the words of ``wanted`` scenes (B,) bool over the canvas, in place.

    They stand on a board, or on the background itself. Those of sketches are written into the
    sketch, as outlines of letters cannot be read.
    """
    rows = ((scenes.sign > 0) & wanted).nonzero()[:, 0]
    if len(rows) == 0:
        return
    some = scenes.rows(rows)
    strips, length = set_in_type(some.printed, some.font, fonts)
    boxes = sign_boxes(some, length / strips.shape[1])
    board, paper, ink = boards(some, world)
    for high, low in FLAT, TALL:
        fitting = (boxes[3] > low) & (boxes[3] <= high)
        if len(chosen := fitting.nonzero()[:, 0]):
            draw_words(
                canvas, rows[chosen], strips[chosen], length[chosen],
                [part[chosen] for part in boxes], board[chosen], paper[chosen], ink[chosen],
                tallest=high,
            )  # fmt: skip


def draw_words(canvas, rows, strips, length, boxes, board, paper, ink, tallest) -> None:
    """Paint words that are at most so tall, each on a band of its picture, in place."""
    pixels = canvas.shape[-1]
    centre_x, centre_y, width, height = (part[:, None, None] for part in boxes[:4])
    # turned by up to 0.12, a word as wide as the picture needs 0.12 more
    band = min(pixels, math.ceil((tallest * 1.24 + 0.12) * pixels) + 1)
    top = (centre_y * pixels - band / 2).round().clamp(0, pixels - band)
    x, y = pixel_grid(pixels, canvas.device)
    x, y = x - centre_x, y[:, :band] + top / pixels - centre_y
    angle = boxes[4][:, None, None]
    cos, sin = angle.cos(), angle.sin()
    u = (x * cos + y * sin) / width  # in -0.5 .. 0.5 on the word
    v = (y * cos - x * sin) / height
    letters = sampled(strips, length, u, v, length / (boxes[2] * pixels))
    margin = 0.12 * height
    edge = torch.minimum(
        (width / 2 + margin * 1.5) - u.abs() * width, (height / 2 + margin) - v.abs() * height
    )
    board = edge.mul_(pixels).add_(0.5).clamp_(0, 1).mul_(board)[:, None]
    under = windows(canvas, band, pixels)
    where = (rows, slice(None), top[:, 0, 0].long(), 0)
    under[where] = torch.lerp(under[where], paper, board).lerp_(ink, letters)


def sign_boxes(some: Scenes, aspect: torch.Tensor):
    """Place the words: (x, y, width, height) as fractions of the picture, and angle, each (n,).

    Args:
        aspect: (n,) width of a word by its height.
    """
    draws = some.draws
    alone = some.sign >= SIGNS.index("alone")
    wide = torch.where(
        alone, draws.uniform("word width", 0.7, 0.96), draws.uniform("sign width", 0.62, 0.92)
    )
    tallest = torch.where(
        alone, draws.uniform("word height", 0.3, 0.55), draws.uniform("sign height", 0.2, 0.3)
    )
    digit = some.sign == SIGNS.index("digit")
    tallest = torch.where(digit, draws.uniform("digit height", 0.45, 0.95), tallest)
    height = torch.minimum(wide / aspect, tallest)
    width = height * aspect
    low = draws.bits("sign at the bottom") % 2 == 1
    edge = 0.06 + height / 2
    y = torch.where(low, 1 - edge, edge)
    room = ((0.94 - height) / 2).clamp(min=0)
    y = torch.where(alone, 0.5 + room * draws.uniform("word y", -1, 1), y)
    room = ((0.94 - width) / 2).clamp(min=0)
    x = 0.5 + room * draws.uniform("sign x", -1, 1)
    return x, y, width, height, draws.uniform("sign angle", -0.12, 0.12)


def sampled(strips, length, u, v, shrunk) -> torch.Tensor:
    """Sample the words at their coordinates u and v (n, H, W): (n, 1, H, W) in [0, 1].

    Args:
        shrunk: (n,) how many pixels of a strip become one of the picture; strips are smoothed
            beforehand where they are many.
    """
    result = torch.empty(len(u), 1, *u.shape[1:], device=u.device)
    level = (shrunk > 1.5).long() + (shrunk > 3)
    own = (length / strips.shape[2])[:, None, None]  # the word's share of its strip
    grid = torch.stack([u * (2 * own) + (own - 1), v * 2], -1)
    for number in range(3):
        if len(rows := (level == number).nonzero()[:, 0]):
            part = strips[rows, None].float() / 255
            if number:
                part = F.avg_pool2d(part, 2**number)
            result[rows] = F.grid_sample(part, grid[rows], align_corners=False)
    return result


def boards(some: Scenes, world: World2):
    """Draw the boards of signs.

    Returns:
        (whether there is a board (n, 1, 1) float, its colour and the ink's (n, 3, 1, 1)).
    """
    draws, device = some.draws, some.sign.device
    alone = some.sign >= SIGNS.index("alone")
    board = ~alone | (draws.uniform("board") < world.boards)
    table = torch.tensor(BOARDS, device=device) / 255
    colours = table[draws.integer("board colours", len(BOARDS))]  # (n, 2, 3)
    inks = ink_table().to(device)
    ink = inks[some.colour, draws.integer("ink", inks.shape[1])]
    ink = torch.where(board[:, None], colours[:, 1], ink)
    pencil = (some.style == SKETCH)[:, None]
    ink = torch.where(pencil, torch.full_like(ink, 0.2), ink)
    paper = torch.where(pencil, torch.full_like(ink, 0.95), colours[:, 0])
    return board.float()[:, None, None], paper[:, :, None, None], ink[:, :, None, None]
