"""Measure how often a shipped model says that a picture is unlike all that it was trained on.

    python -m tools.measure_familiarity [MODEL] [--photographs FOLDER] [--cifar FILE] [--out FILE]

The rates are those of new scenes (which should be 2 %), of the same scenes and lone drawings by
artists that were never trained on, of sharp views of scikit-learn's photographs and those of a
folder (scikit-image's ``data``), of CIFAR-10 (enlarged, so that blur alone can tell), of documents
and of noise. Beside them stand those of a detector by five statistics of pixels, fitted and
calibrated in the same way.
"""

import argparse
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from clipbench.data.alter.documents import document_pages
from clipbench.data.open import open_pictures
from clipbench.data.world.sprites import ART_SETS, concepts, sprite_image
from clipbench.encoders.clip import load
from clipbench.encoders.familiarity import ALARM
from clipbench.evaluate.statistics.intervals import wilson
from clipbench.pretrained.folders import find_folder, read_json
from tools.assets.build_familiarity import last_stage, material, scenes_seen, statistics

VIEWS, EACH = 200, 500  # of photographs; pictures of each other kind
SIDE = 64
# of scikit-image's data: photographs in colour, as its documentation lists them
PHOTOGRAPHS = (
    "astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg", "motorcycle_left.png", "ihc.png",
    "retina.jpg", "hubble_deep_field.jpg",
)  # fmt: skip


def pixels(pictures: list[Image.Image]) -> Tensor:
    """Make (B, 3, 64, 64) uint8 of whole pictures."""
    small = [np.asarray(picture.convert("RGB").resize((SIDE, SIDE), 3)) for picture in pictures]
    return torch.from_numpy(np.stack(small)).permute(0, 3, 1, 2)


def named_set(name: str) -> Tensor:
    return pixels(open_pictures(name).subset(range(EACH)).pictures(range(EACH)))


def lone_drawings(art: str) -> Tensor:
    """Draw every second concept by an artist, large on white."""
    drawn = []
    for number in range(0, len(concepts()), 2):
        drawing, page = sprite_image(number, art), Image.new("RGBA", (SIDE, SIDE), "white")
        drawn.append(Image.alpha_composite(page, drawing))
    return pixels(drawn)


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


def kinds(photographs: Path | None, parquet: Path | None) -> Iterator[tuple[str, Tensor]]:
    """Give every kind of pictures that is at hand, with its name."""
    for name in ("scenes:heldout", *ART_SETS[1:]):
        yield name, named_set(name)
    for art in ART_SETS:
        yield f"lone drawings of {art}", lone_drawings(art)
    yield "photographs", views(open_photographs(photographs))
    if parquet is not None:
        yield "CIFAR-10", cifar(parquet)
    pages = document_pages(EACH // 4)
    yield "documents", pixels(pages.pictures(range(len(pages))))
    rng = np.random.default_rng(1)
    noise = rng.integers(0, 256, (EACH, 3, SIDE, SIDE), dtype=np.uint8)
    yield "noise", torch.from_numpy(noise)


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


def measure(model: str, photographs: Path | None, parquet: Path | None) -> dict:
    encoder = load(model, "cpu", "fp32")
    pixels_too = by_pixels(last_stage(read_json(find_folder(model) / "about.json")))
    metrics = {}
    for name, images in kinds(photographs, parquet):
        ours = torch.tensor(encoder.reference.scenes.shares(statistics(encoder, images)))
        metrics[name] = rate(ours) | {"by_pixels": rate(pixels_too(images))["found"]}
        print(f"{name:26} {metrics[name]['found']:6.1%}  pixels {metrics[name]['by_pixels']:6.1%}")
    settings = {"model": model, "alarm": ALARM}
    return {"metrics": metrics, "settings": settings, "fingerprint": encoder.fingerprint}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", nargs="?", default="classroom")
    parser.add_argument("--photographs", type=Path, help="scikit-image's folder data")
    parser.add_argument("--cifar", type=Path, help="a parquet file of CIFAR-10")
    parser.add_argument("--out", type=Path, help="where to write the record")
    asked = parser.parse_args()
    result = measure(asked.model, asked.photographs, asked.cifar)
    if asked.out:
        asked.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
