"""Measure how often a shipped model says that a picture is unlike all that it was trained on.

    python -m tools.measure_familiarity MODEL [MODEL ...] [--each N] [--photographs FOLDER]
        [--cifar FILE] [--pixels] [--out FOLDER]

The rates are those of new scenes of the model's own world (which should be 2 %), of frozen scenes,
the same by other artists, every artist's lone drawings of each second concept (no such drawing of a
model's own artist was seen), sharp views of scikit-learn's photographs and those of a folder
(scikit-image's ``data``), CIFAR-10 (enlarged, so that blur alone can tell), documents and noise.
Beside them stand, with ``--pixels``, those of a detector by five statistics of pixels, fitted and
calibrated in the same way. Records go to FOLDER as MODEL-familiarity.json.
"""

import argparse
import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from clipbench.data.alter.documents import document_pages
from clipbench.data.open import open_pictures
from clipbench.data.world.drawings import EMOJI_SETS, all_drawings, drawing_picture, sets_of
from clipbench.encoders.clip import load
from clipbench.encoders.familiarity import ALARM
from clipbench.evaluate.statistics.intervals import wilson
from clipbench.files import atomic_write
from clipbench.pretrained.folders import find_folder, read_json
from tools.assets.build_familiarity import (
    SEED,
    last_stage,
    material,
    scenes_seen,
    statistics,
    stream_of,
)

VIEWS, EACH = 200, 500  # of photographs; pictures of each other kind
SIDE = 64
FROZEN = "scenes:heldout", "scenes:heldout256", "twemoji", "openmoji"
# of scikit-image's data: photographs in colour, as its documentation lists them
PHOTOGRAPHS = (
    "astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg", "motorcycle_left.png", "ihc.png",
    "retina.jpg", "hubble_deep_field.jpg",
)  # fmt: skip


def pixels(pictures: list[Image.Image]) -> Tensor:
    """Make (B, 3, 64, 64) uint8 of whole pictures."""
    small = [np.asarray(picture.convert("RGB").resize((SIDE, SIDE), 3)) for picture in pictures]
    return torch.from_numpy(np.stack(small)).permute(0, 3, 1, 2)


def named_set(name: str, each: int) -> Tensor:
    return pixels(open_pictures(name).subset(range(each)).pictures(range(each)))


def own_scenes(stage: dict, each: int) -> Tensor:
    """Draw scenes that neither the score was fitted to nor its threshold."""
    return stream_of(stage | {"seed": SEED + 2})(0, each).images


def lone_drawings(art: str, most: int = 10**9) -> Tensor:
    """Draw every second concept by an artist, large on white; of more than ``most``, some."""
    even = [
        drawing for drawing in all_drawings() if drawing.set == art and drawing.concept % 2 == 0
    ]
    of_each = {drawing.concept: drawing for drawing in even}
    step = max(1, len(of_each) // most)
    chosen = [drawing_picture(drawing) for drawing in [*of_each.values()][::step][:most]]
    pages = [Image.new("RGBA", drawn.size, "white") for drawn in chosen]
    return pixels([Image.alpha_composite(*both) for both in zip(pages, chosen, strict=True)])


def views(photographs: list[Image.Image]) -> Tensor:
    """Cut squares of at least 40 % of the shorter side, each shrunk to 64 pixels."""
    rng, cut = np.random.default_rng(0), []
    for number in range(VIEWS):
        picture = photographs[number % len(photographs)]
        side = int(min(picture.size) * rng.uniform(0.4, 1))
        left, top = (int(rng.integers(0, whole - side + 1)) for whole in picture.size)
        assert side >= SIDE  # else it would be enlarged, and not sharp
        cut.append(picture.crop((left, top, left + side, top + side)))
    return pixels(cut)


def open_photographs(folder: Path | None) -> list[Image.Image]:
    from sklearn.datasets import load_sample_images

    files = [] if folder is None else [folder / name for name in PHOTOGRAPHS]
    own = [Image.fromarray(image) for image in load_sample_images().images]
    return own + [Image.open(file).convert("RGB") for file in files]


def cifar(file: Path) -> Tensor:
    import pyarrow.parquet

    table = pyarrow.parquet.read_table(file).slice(0, 2 * EACH)
    column = next(name for name in table.column_names if "im" in name)
    return pixels([Image.open(io.BytesIO(row["bytes"])) for row in table[column].to_pylist()])


def kinds(each: int, photographs: Path | None, parquet: Path | None) -> dict[str, Tensor]:
    """Draw every kind of pictures that is at hand; at most ``each`` of most of them."""
    found = {name: named_set(name, each) for name in FROZEN}
    for art in (*EMOJI_SETS, *sets_of("held-out")):
        found[f"lone drawings of {art}"] = lone_drawings(art, each)
    found["photographs"] = views(open_photographs(photographs))
    if parquet is not None:
        found["CIFAR-10"] = cifar(parquet)[: 2 * each]
    pages = document_pages(each // 4)
    found["documents"] = pixels(pages.pictures(range(len(pages))))
    noise = np.random.default_rng(1).integers(0, 256, (each, 3, SIDE, SIDE), dtype=np.uint8)
    return found | {"noise": torch.from_numpy(noise)}


def five_statistics(images: Tensor) -> Tensor:
    """Compute brightness, contrast, saturation, edges and flatness, their squares and products."""
    x = images.float() / 255
    gray = x.mean(1)
    across, down = gray.diff(dim=2).abs()[:, :-1], gray.diff(dim=1).abs()[:, :, :-1]
    flat = ((across < 1 / 255) & (down < 1 / 255)).float().mean((1, 2))
    saturation = (x.amax(1) - x.amin(1)).mean((1, 2))
    edges = (across + down).mean((1, 2))
    five = torch.stack([gray.mean((1, 2)), gray.flatten(1).std(1), saturation, edges, flat], 1)
    return torch.cat([five, (five[:, :, None] * five[:, None]).flatten(1)], 1)


def by_pixels(stage: dict) -> Callable[[Tensor], Tensor]:
    """Fit and calibrate a detector by pixels; it gives the share of scenes as strange as each."""
    seen = scenes_seen(*map(five_statistics, material(stage)), decay=1e-4)
    return lambda images: torch.tensor(seen.shares(five_statistics(images)))


def rate(shares: Tensor) -> dict[str, float]:
    found = int((shares <= ALARM).sum())
    low, high = wilson(found, len(shares))
    share = found / len(shares)
    return {"pictures": len(shares), "found": share, "found_low": low, "found_high": high}


def measure(model: str, pictures: dict[str, Tensor], each: int, with_pixels: bool) -> dict:
    encoder, stage = (
        load(model, "cpu", "fp32"),
        last_stage(read_json(find_folder(model) / "about.json")),
    )
    pixels_too = by_pixels(stage) if with_pixels else None
    metrics = {}
    for name, images in {
        "new scenes of its own world": own_scenes(stage, each),
        **pictures,
    }.items():
        metrics[name] = rate(
            torch.tensor(encoder.reference.scenes.shares(statistics(encoder, images)))
        )
        if pixels_too:
            metrics[name]["by_pixels"] = rate(pixels_too(images))["found"]
        print(model, f"{name:36} {metrics[name]['found']:6.1%}", flush=True)
    settings = {"model": model, "alarm": ALARM}
    return {"metrics": metrics, "settings": settings, "fingerprint": encoder.fingerprint}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="+")
    parser.add_argument("--each", type=int, default=EACH, help="pictures of most kinds")
    parser.add_argument("--photographs", type=Path, help="scikit-image's folder data")
    parser.add_argument("--cifar", type=Path, help="a parquet file of CIFAR-10")
    parser.add_argument("--pixels", action="store_true", help="also by five statistics of pixels")
    parser.add_argument("--out", type=Path, help="the folder of the records")
    asked = parser.parse_args()
    pictures = kinds(asked.each, asked.photographs, asked.cifar)
    for model in asked.models:
        result = measure(model, pictures, asked.each, asked.pixels)
        if asked.out:
            file = asked.out / f"{model.replace(':', '-')}-familiarity.json"
            atomic_write(file, (json.dumps(result, indent=1) + "\n").encode())


if __name__ == "__main__":
    main()
