"""How alike two drawings are, whoever made them.

It keeps copies of a held-out drawing out of training.

Two sprites of 64 pixels, both cut to what is drawn, are compared at 32: the overlap of their shapes
(intersection over union of the alphas) and the correlation of their luminances on white, within the
shapes where both have colours and in the whole square else. Their likeness is the smaller of the
two, at the best of nine shifts of up to one pixel.
"""

from collections.abc import Sequence
from itertools import product

import numpy as np
from PIL import Image

SIZE = 32  # pixels per side
SHIFTS = tuple(product((-1, 0, 1), repeat=2))  # pixels
FLAT = 0.03  # standard deviation of a luminance without structure
# Of 108 pairs looked at, twelve in each step of 0.05 from 0.55 up, 44 were the same drawing but for
# stroke, gloss or fill: 37 of 48 from 0.80 up, 4 of 12 from 0.75 to 0.80, 3 of 48 below that.
TWINS = 0.8
# Cosine of two drawings' pixels, above which a training icon is a copy of another (a set's newer
# edition, for example)
COPIES = 0.98


def shapes_and_luminances(
    sprites: Sequence[Image.Image], is_mask: Sequence[bool]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give each sprite's alpha, its luminance on white, and whether it is of one colour.

    Returns:
        two arrays (N, 32, 32) of float32 in [0, 1], and one (N,) of bool.
    """
    pixels = small_pixels(sprites) / 255
    alpha = pixels[..., 3]
    luminance = pixels[..., :3] @ np.array([0.299, 0.587, 0.114], np.float32) + 1 - alpha
    return alpha, luminance, np.array(is_mask, bool)


def small_pixels(sprites: Sequence[Image.Image]) -> np.ndarray:
    """Shrink sprites to (N, 32, 32, 4) float32: premultiplied RGBA, 0 to 255."""
    pixels = np.zeros((len(sprites), SIZE, SIZE, 4), np.float32)
    for number, sprite in enumerate(sprites):
        pixels[number] = sprite.convert("RGBa").resize((SIZE, SIZE), Image.Resampling.BOX)
    return pixels


def likeness(first: tuple[np.ndarray, ...], second: tuple[np.ndarray, ...]) -> np.ndarray:
    """Compare each of the first with each of the second, both as from `shapes_and_luminances`.

    Returns:
        (N, M) in [-1, 1].
    """
    whole = first[2][:, None] | second[2][None]
    best = np.full(whole.shape, -1.0, np.float32)
    for shift in SHIFTS:
        alpha, luminance = (np.roll(array, shift, (1, 2)) for array in first[:2])
        for row in range(len(alpha)):
            found = alike(alpha[row], luminance[row], *second[:2], whole[row])
            best[row] = np.maximum(best[row], found)
    return best


def alike(
    alpha: np.ndarray,
    luminance: np.ndarray,
    alphas: np.ndarray,
    luminances: np.ndarray,
    whole: np.ndarray,
) -> np.ndarray:
    """Compare one drawing (32, 32) with (M, 32, 32), without a shift: (M,)."""
    union = np.maximum(alpha, alphas)
    overlap = np.minimum(alpha, alphas).sum((1, 2)) / union.sum((1, 2)).clip(1e-6)
    weights = np.where(whole[:, None, None], 1, union)
    return np.minimum(overlap, correlation(luminance, luminances, weights))


def correlation(one: np.ndarray, many: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Compute the weighted correlation of (32, 32) with each of (M, 32, 32): (M,).

    It is 1 where both are flat, 0 where only one is.
    """
    weights = weights / weights.sum((1, 2), keepdims=True).clip(1e-6)
    one = one - (weights * one).sum((1, 2), keepdims=True)
    many = many - (weights * many).sum((1, 2), keepdims=True)
    deviations = [np.sqrt((weights * values**2).sum((1, 2))) for values in (one, many)]
    flat = [deviation < FLAT for deviation in deviations]
    r = (weights * one * many).sum((1, 2)) / (deviations[0] * deviations[1]).clip(1e-9)
    return np.where(flat[0] & flat[1], 1, np.where(flat[0] | flat[1], 0, r))


def without_copies(sprites: Sequence[Image.Image]) -> list[int]:
    """List the positions of the drawings that copy none before them."""
    vectors = small_pixels(sprites).reshape(len(sprites), -1)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True).clip(1e-6)
    kept: list[int] = []
    for number, vector in enumerate(vectors):
        if not kept or (vectors[kept] @ vector).max() < COPIES:
            kept.append(number)
    return kept
