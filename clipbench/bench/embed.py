"""Embedding pictures: this package beside transformers.

Both have the same weights, pictures and threads, and take turns.
"""

import tempfile
from pathlib import Path

import torch
import torch.nn.functional as F
from PIL import Image

from clipbench.bench.contest import ratio, take_turns
from clipbench.bench.products import products_alone
from clipbench.compute.precision import choose_precision
from clipbench.encoders.clip import joint, load
from clipbench.errors import missing_package
from clipbench.model import CLIP, CLIPConfig
from clipbench.preprocess import Preprocess
from clipbench.pretrained.folders import save_pretrained, world_tokenizer


def embedding(
    threads: int | None = None,
    against: str = "transformers",
    model: str = "ViT-B/32",
    batch: int = 16,
    rounds: int = 5,
) -> dict:
    """Pictures per second, from files' pixels to unit vectors, beside transformers' defaults.

    The weights are random: speed and agreement do not depend on them. Ours runs in the precision
    that this device multiplies fast, and in float32. ``fraction_of_product_rate`` is the share of
    encoding in float32, without the preprocessing, that its matrix products alone would take.
    """
    threads = threads or 1
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    config = CLIPConfig.named(model)
    size = config.image_size
    noise = torch.randint(0, 256, (batch, size + 32, size + 96, 3), dtype=torch.uint8)
    pictures = [Image.fromarray(pixels.numpy()) for pixels in noise]
    with tempfile.TemporaryDirectory() as folder:
        save_pretrained(
            Path(folder) / "model",
            CLIP(config),
            world_tokenizer(config.context_length),
            Preprocess(size),
        )
        fast, exact = (
            joint(load(Path(folder) / "model", "cpu", precision)) for precision in ("auto", "fp32")
        )
        theirs = transformers_embedding(Path(folder) / "model")
    contestants = {
        "ours": lambda: fast.encode_image(fast.preprocess(pictures)),
        "ours_in_fp32": lambda: exact.encode_image(exact.preprocess(pictures)),
        against: lambda: theirs(pictures),
    }
    images = exact.preprocess(pictures)
    alone, operations = products_alone(lambda: exact.encode_image(images))
    encoding = {"encoding": lambda: exact.encode_image(images), "products": alone}
    seconds = take_turns(contestants | encoding, rounds)
    encoded, products = (seconds.pop(name) for name in encoding)
    reference = contestants[against]()
    return {
        "model": f"{model}, random weights",
        "batch": batch,
        "threads": threads,
        "rounds": rounds,
        "precision": choose_precision("auto", "cpu"),
        "pictures_per_second": {name: batch / min(times) for name, times in seconds.items()},
        "times_faster": ratio(seconds[against], seconds["ours"]),
        "times_faster_in_fp32": ratio(seconds[against], seconds["ours_in_fp32"]),
        "products_gflops_per_second": operations / min(products) / 1e9,
        "fraction_of_product_rate": ratio(products, encoded),
        "least_cosine": float((contestants["ours"]() * reference).sum(1).min()),
        "least_cosine_in_fp32": float((contestants["ours_in_fp32"]() * reference).sum(1).min()),
    }


def transformers_embedding(folder: Path):
    """Embed pictures as unit vectors with transformers and its defaults."""
    try:
        import transformers
    except ImportError:
        raise missing_package("the comparison", "transformers", "hf") from None
    network = transformers.CLIPModel.from_pretrained(folder).eval()
    processor = transformers.AutoImageProcessor.from_pretrained(folder, use_fast=False)

    @torch.inference_mode()
    def embed(pictures: list[Image.Image]) -> torch.Tensor:
        found = network.get_image_features(**processor(images=pictures, return_tensors="pt"))
        return F.normalize(
            found if isinstance(found, torch.Tensor) else found.pooler_output, dim=-1
        )

    return embed
