"""Synthetic pictures that are no scenes of emoji, to learn what scenes look like.

No photograph is among them: they have statistics of photographs without showing anything. Dead
leaves, shapes that hide each other (Lee, Mumford and Huang 2001); noise whose spectrum falls as a
power of the frequency (Field 1987); gradients; rows of dashes, as pages have; fragments of scenes,
enlarged or put together anew.
"""

import functools

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import UInt8
from PIL import Image
from torch import Tensor

SIZE = 64  # pixels a side
ROWS, COLUMNS = np.mgrid[:SIZE, :SIZE]


def no_scenes(
    count: int, scenes: UInt8[Tensor, "M 3 64 64"], seed: int
) -> UInt8[Tensor, "B 3 64 64"]:
    """Draw ``count`` pictures.

    Args:
        scenes: what fragments are cut out of.
    """
    drawn, rng = drawn_pictures(round(0.73 * count), seed), np.random.default_rng(seed)
    rest = range(count - len(drawn))
    cut = [(enlarged if number % 2 else shuffled)(scenes, rng) for number in rest]
    return torch.cat([drawn, torch.stack(cut)])


@functools.cache
def drawn_pictures(count: int, seed: int) -> UInt8[Tensor, "B 3 64 64"]:
    """Draw dead leaves, and noise, gradients and rows among them."""
    rng = np.random.default_rng(seed)
    kinds = *[dead_leaves] * 5, *[coloured_noise] * 3, gradient, rows_of_dashes
    drawn = np.stack([kinds[number % len(kinds)](rng) for number in range(count)])
    pixels = torch.from_numpy(drawn.clip(0, 255).round().astype(np.uint8))
    return pixels.permute(0, 3, 1, 2).contiguous()


def spectrum_noise(rng: np.random.Generator, power: float) -> np.ndarray:
    """Draw (S, S) noise of unit variance; its amplitude is frequency to the power of minus this."""
    squared = np.fft.fftfreq(SIZE)[:, None] ** 2 + np.fft.fftfreq(SIZE)[None] ** 2
    squared[0, 0] = np.inf  # no constant part
    phases = np.exp(2j * np.pi * rng.random((SIZE, SIZE)))
    noise = np.fft.ifft2(squared ** (-power / 2) * phases).real
    return noise / noise.std()


def coloured_noise(rng: np.random.Generator) -> np.ndarray:
    """Draw (S, S, 3) noise; its colours share more or less of it."""
    power, contrast, own = rng.uniform(0.6, 1.8), rng.uniform(15, 60), rng.uniform(0, 0.6)
    shared = spectrum_noise(rng, power)
    layers = [(1 - own) * shared + own * spectrum_noise(rng, power) for _ in range(3)]
    return rng.uniform(40, 215, 3) + contrast * np.stack(layers, -1)


def dead_leaves(rng: np.random.Generator) -> np.ndarray:
    """Draw (S, S, 3) shapes that hide each other, shaded and textured; some blurred or grainy."""
    picture, texture = coloured_noise(rng), coloured_noise(rng) - 128
    palette = rng.uniform(0, 255, (rng.integers(3, 8), 3))
    for _ in range(rng.integers(5, 60)):
        picture = with_leaf(picture, texture, palette[rng.integers(len(palette))], rng)
    if rng.random() < 0.5:
        picture = coarser(picture, int(rng.integers(24, SIZE)))
    if rng.random() < 0.5:
        picture = picture + rng.normal(0, rng.uniform(1, 10), picture.shape)
    if rng.random() < 0.2:
        picture = picture.mean(2, keepdims=True).repeat(3, 2)
    return picture


def with_leaf(picture: np.ndarray, texture: np.ndarray, colour, rng) -> np.ndarray:
    """Lay one shape on a picture: a rhombus, an ellipse or nearly a rectangle."""
    radius, narrow = min(4 / rng.random() ** 0.6, 60), rng.uniform(0.3, 1)
    (x, y), angle = rng.uniform(-8, SIZE + 8, 2), rng.uniform(0, np.pi)
    along = (COLUMNS - x) * np.cos(angle) + (ROWS - y) * np.sin(angle)
    across = (ROWS - y) * np.cos(angle) - (COLUMNS - x) * np.sin(angle)
    power = rng.choice([1, 2, 4])
    inside = 1 - np.abs(along / radius) ** power - np.abs(across / (radius * narrow)) ** power
    mask = (inside * radius * 0.3).clip(0, 1)[..., None]
    light = (along * rng.normal(0, 1.2) + across * rng.normal(0, 1.2))[..., None]
    leaf = colour + rng.normal(0, 12, 3) + light + rng.uniform(0, 0.8) * texture
    return picture * (1 - mask) + leaf * mask


def coarser(picture: np.ndarray, side: int) -> np.ndarray:
    """Shrink a picture and enlarge it again."""
    small = Image.fromarray(picture.clip(0, 255).astype(np.uint8)).resize((side, side))
    return np.asarray(small.resize((SIZE, SIZE)), float)


def gradient(rng: np.random.Generator) -> np.ndarray:
    """Draw a (S, S, 3) gradient of three colours, some with noise."""
    first, right, below = rng.uniform(0, 255, (3, 3))
    x, y = COLUMNS[..., None] / SIZE, ROWS[..., None] / SIZE
    picture = first + (right - first) * x + (below - first) * y * rng.random()
    grain = rng.uniform(2, 80) if rng.random() < 0.4 else 0.0
    return picture + rng.normal(0, grain, picture.shape)


def rows_of_dashes(rng: np.random.Generator) -> np.ndarray:
    """Draw (S, S, 3) dark rows on a light ground, large and shrunk: print too small to read."""
    ground, side, margin = rng.uniform(235, 255), 4 * SIZE, int(rng.integers(8, 60))
    page, step = np.full((side, side), ground), int(rng.integers(7, 22))
    edges, dark = (margin, side - margin), rng.uniform(40, 210)
    for top in range(int(rng.integers(6, 60)), side - int(rng.integers(8, 80)), step):
        left = edges[0]
        while left < edges[1] and rng.random() < 0.96:
            right = min(left + int(rng.integers(6, 40)), edges[1])
            page[top : top + step // 2, left:right] -= dark
            left = right + int(rng.integers(3, 12))
    if rng.random() < 0.4:  # the lines of a table
        page[:: step * 2, edges[0] : edges[1]] = page[:, edges[0] :: int(rng.integers(30, 90))] = 60
    small = Image.fromarray(page.clip(0, 255).astype(np.uint8)).resize((SIZE, SIZE))
    return np.asarray(small, float)[..., None].repeat(3, 2)


def cut_out(scenes: Tensor, side: int, rng: np.random.Generator) -> Tensor:
    row, top, left = rng.integers(len(scenes)), *rng.integers(0, SIZE - side + 1, 2)
    return scenes[row, :, top : top + side, left : left + side]


def enlarged(scenes: Tensor, rng: np.random.Generator) -> Tensor:
    """Enlarge a small part of a scene: (3, S, S) uint8."""
    part = cut_out(scenes, int(rng.integers(12, 30)), rng).float()[None]
    return F.interpolate(part, (SIZE, SIZE), mode="bicubic").clamp(0, 255).round().byte()[0]


def shuffled(scenes: Tensor, rng: np.random.Generator) -> Tensor:
    """Put parts of many scenes together, two or four a side: (3, S, S) uint8."""
    side = int(rng.choice([2, 4]))
    rows = [
        torch.cat([cut_out(scenes, SIZE // side, rng) for _ in range(side)], 2) for _ in range(side)
    ]
    return torch.cat(rows, 1)
