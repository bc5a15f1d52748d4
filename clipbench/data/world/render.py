"""Draw scenes from their factors, a batch at a time, on the factors' device."""

import functools

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw, ImageFont

from clipbench.data.world.draws import Draws, mix
from clipbench.data.world.factors import COLOURS, MAX_OBJECTS, SIGNS, STYLES, Factors, readable
from clipbench.data.world.sprites import concepts, sprites
from clipbench.files import ASSETS

FONT = ASSETS / "fonts" / "DejaVuSansCondensed-Bold.ttf"
BOARDS = (  # board and letter colour of a sign
    ((252, 252, 250), (20, 20, 25)),
    ((255, 225, 90), (30, 25, 15)),
    ((35, 40, 50), (250, 250, 245)),
    ((190, 35, 40), (255, 250, 245)),
)


@functools.lru_cache(maxsize=6)
def sprite_levels(art: str, device: str) -> torch.Tensor:
    """Give premultiplied sprites, then the same smoothed: (2 C, 4, 64, 64) uint8.

    The smoothed ones are for drawing them small.
    """
    full = sprites(art).to(device)
    alpha = full[:, 3:].to(torch.int32)
    sharp = torch.cat([full[:, :3].to(torch.int32) * alpha // 255, alpha], 1).to(torch.uint8)
    smooth = F.avg_pool2d(sharp.float(), 3, stride=1, padding=1).round().to(torch.uint8)
    return torch.cat([sharp, smooth])


@functools.cache
def word_masks() -> torch.Tensor:
    """Print every readable name, white on black: (C, 24, 96) uint8."""
    font = ImageFont.truetype(str(FONT), 26, layout_engine=ImageFont.Layout.BASIC)
    masks = np.zeros((len(concepts()), 24, 96), dtype=np.uint8)
    for index in readable().nonzero()[:, 0].tolist():
        name = concepts()[index].name
        _left, top, _right, bottom = font.getbbox(name + "dg")
        width = font.getbbox(name)[2]
        strip = Image.new("L", (int(width + 4), int(bottom - top + 2)), 0)
        ImageDraw.Draw(strip).text((2, 1 - top), name, fill=255, font=font)
        scale = min(96 / strip.width, 24 / strip.height)
        strip = strip.resize(
            (round(strip.width * scale), round(strip.height * scale)), Image.Resampling.LANCZOS
        )
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
    apply_styles(canvas, factors.style)
    return (canvas * 255).round_().clamp_(0, 255).to(torch.uint8)


def pixel_grid(size: int, device) -> tuple[torch.Tensor, torch.Tensor]:
    """Give the pixel centres x (1, 1, size) and y (1, size, 1) as fractions of the picture."""
    centres = (torch.arange(size, device=device, dtype=torch.float32) + 0.5) / size
    return centres[None, None, :], centres[None, :, None]


def background(factors: Factors, size: int) -> torch.Tensor:
    """Draw the backgrounds: (B, 3, size, size) float in [0, 1].

    Each is a named colour, slightly off, with one of five textures.
    """
    draws, device = factors.draws, factors.concept.device
    table = torch.tensor(list(COLOURS.values()), device=device) / 255
    shift = torch.stack([draws.uniform(f"colour {c}", -0.05, 0.05) for c in "rgb"], 1)
    canvas = (table[factors.colour] + shift)[:, :, None, None].repeat(1, 1, size, size)
    rows = (factors.texture > 0).nonzero()[:, 0]
    if len(rows):
        canvas[rows] += pattern(draws[rows], factors.texture[rows, None, None], size)[:, None]
    return canvas


def pattern(draws: Draws, texture: torch.Tensor, size: int) -> torch.Tensor:
    """Give what a gradient, stripes, checks or dots add to the brightness: (n, size, size)."""
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
    theta = torch.stack([cos, sin, -cos * x - sin * y, -sin, cos, sin * x - cos * y], 1).view(
        -1, 2, 3
    )
    grid = F.affine_grid(theta, [len(rows), 4, pixels, pixels], align_corners=False)
    pictures = levels[factors.objects[rows, place] + small].float()
    # (n, 4, H, W) premultiplied
    layer = F.grid_sample(pictures, grid, align_corners=False).mul_(1 / 255)
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
    middle = torch.where(
        alone, draws.uniform("sign y alone", 0.2, 0.8)[rows], torch.where(low, 0.83, 0.17)
    )
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
    # (n, 1, H, W)
    letters = F.grid_sample(masks, torch.stack([u / 0.94, v / 0.9], -1), align_corners=False)
    # (n, 2, 3)
    colours = torch.tensor(BOARDS, device=device)[draws.integer("board", len(BOARDS))[rows]] / 255
    paint = colours[:, 0, :, None, None] * (1 - letters) + colours[:, 1, :, None, None] * letters
    canvas[rows] = canvas[rows] * (1 - board) + paint * board


def apply_styles(canvas: torch.Tensor, style: torch.Tensor) -> None:
    """Redraw each scene in its style, a position in STYLES (B,), in place."""
    restyle = {
        "grayscale": grayscale,
        "sketch": sketch,
        "blurry": blurry,
        "pixelated": pixelated,
        "inverted": lambda images: 1 - images,
        "painting": painting,
    }
    for number, name in enumerate(STYLES):
        rows = (style == number).nonzero()[:, 0]
        if name in restyle and len(rows):
            canvas[rows] = restyle[name](canvas[rows])


def luminance(images: torch.Tensor) -> torch.Tensor:
    """Give the luminance: (B, 1, H, W)."""
    weights = torch.tensor([0.299, 0.587, 0.114], device=images.device)
    return (images * weights[:, None, None]).sum(1, keepdim=True)


def grayscale(images: torch.Tensor) -> torch.Tensor:
    return luminance(images).expand_as(images)


def sketch(images: torch.Tensor) -> torch.Tensor:
    """Draw dark lines on paper where the brightness changes, with a little of the shading left."""
    light = luminance(images)
    padded = F.pad(light, (1, 1, 1, 1), mode="replicate")
    across = padded[:, :, 1:-1, 2:] - padded[:, :, 1:-1, :-2]
    down = padded[:, :, 2:, 1:-1] - padded[:, :, :-2, 1:-1]
    lines = (across.square() + down.square()).sqrt() * 1.6
    paper = torch.tensor([0.97, 0.95, 0.9], device=images.device)[:, None, None]
    return paper * (0.8 + 0.2 * light - lines).clamp(0.08, 1)


def blurry(images: torch.Tensor) -> torch.Tensor:
    """Blur with a Gaussian of about 2 % of the picture's side."""
    sigma = images.shape[-1] * 0.022
    radius = max(1, round(2.5 * sigma))
    taps = torch.exp(-0.5 * (torch.arange(-radius, radius + 1, device=images.device) / sigma) ** 2)
    taps = (taps / taps.sum()).expand(3, 1, -1)
    padded = F.pad(images, (radius,) * 4, mode="replicate")
    return F.conv2d(F.conv2d(padded, taps[:, :, :, None], groups=3), taps[:, :, None, :], groups=3)


def pixelated(images: torch.Tensor) -> torch.Tensor:
    """Pixelate to 22 large pixels per side."""
    coarse = F.interpolate(images, size=(22, 22), mode="area")
    return F.interpolate(coarse, size=images.shape[-2:], mode="nearest")


def painting(images: torch.Tensor) -> torch.Tensor:
    """Paint in small strokes and few colours.

    Each stroke takes half its colour from a spot beside it.
    """
    size = images.shape[-1]
    reach = max(1, round(size / 64))
    place = torch.arange(size, device=images.device)
    noise = mix((place[:, None] // reach) * size + place[None] // reach)
    row = (place[:, None] + (noise % 3 - 1) * reach).clamp(0, size - 1)
    column = (place[None] + ((noise >> 8) % 3 - 1) * reach).clamp(0, size - 1)
    strokes = 0.5 * images + 0.5 * F.avg_pool2d(
        F.pad(images[:, :, row, column], (1, 1, 1, 1), mode="replicate"), 3, 1
    )
    return (strokes * 7).round() / 7
