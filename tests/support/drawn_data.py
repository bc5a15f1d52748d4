"""What the generated worlds look like: training captions and pictures, and the generated pages.

``python tests/support/drawn_data.py`` writes drawn_data.json anew. Models and tables were made from
these data, so a change here is a change of every result: make it on purpose, and say so in
EXPERIMENTS.md.
"""

import hashlib
import json
from pathlib import Path

import numpy as np
import torch

from clipbench.data.alter.documents import KINDS, draw_page
from clipbench.data.world.captions import caption_scenes
from clipbench.data.world.factors import draw_factors, training_pool
from clipbench.data.world.render import render

FILE = Path(__file__).with_suffix(".json")
CAPTIONS, SCENES, PAGES = 4096, 48, 8
BLOCKS = 4  # a picture is noted as the mean brightness of 4 x 4 parts


def brightness(pictures: np.ndarray) -> list[list[float]]:
    """Reduce (B, H, W) to B rows of the means of BLOCKS x BLOCKS parts, to one decimal."""
    side = pictures.shape[1] // BLOCKS
    parts = pictures.reshape(len(pictures), BLOCKS, side, BLOCKS, side).mean((2, 4))
    return parts.reshape(len(pictures), -1).round(1).tolist()


def captions_of(tiny: bool) -> str:
    captions = caption_scenes(draw_factors(torch.arange(CAPTIONS), 0, pool=training_pool(tiny)))
    return hashlib.sha256("\n".join(captions).encode()).hexdigest()[:16]


def scenes() -> list[list[float]]:
    images = render(draw_factors(torch.arange(SCENES), 0), size=32)
    return brightness(images.float().mean(1).numpy())


def pages(kind: str) -> list[list[float]]:
    drawn = [np.asarray(draw_page(kind, number).convert("L"), float) for number in range(PAGES)]
    return brightness(np.stack(drawn))


def describe() -> dict:
    return {
        "captions": captions_of(tiny=False),
        "captions of the tiny world": captions_of(tiny=True),
        "scenes": scenes(),
        **{kind: pages(kind) for kind in KINDS},
    }


def in_lines(description: dict) -> str:
    """Format as JSON with one line per entry."""
    lines = ",\n".join(
        f"{json.dumps(name)}: {json.dumps(value)}" for name, value in description.items()
    )
    return f"{{\n{lines}\n}}\n"


if __name__ == "__main__":
    FILE.write_text(in_lines(describe()), encoding="utf-8")
    print(f"wrote {FILE}")
