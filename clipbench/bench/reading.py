"""What reading real pictures costs a training step.

Pictures are decoded each time, read ahead, or decoded before.
"""

import io
import statistics
import time

import torch
from PIL import Image

from clipbench.data.readers.captioned import CaptionedSet
from clipbench.data.readers.decoded import DecodedPictures
from clipbench.data.streams import CaptionedPairs, PairStream, Prefetched
from clipbench.data.world.factors import draw_factors
from clipbench.data.world.render import render
from clipbench.preprocess import open_picture


def jpegs(count: int, size: int) -> CaptionedSet:
    """Make captioned JPEG files in memory.

    They show scenes, so that they are about as hard to decode as photographs.
    """
    files = []
    for start in range(0, count, 256):
        for image in render(
            draw_factors(torch.arange(start, min(start + 256, count)), seed=1), size=size
        ):
            file = io.BytesIO()
            Image.fromarray(image.permute(1, 2, 0).numpy()).save(file, "JPEG", quality=90)
            files.append(file.getvalue())
    ids = [f"{row}.jpg" for row in range(count)]
    return CaptionedSet(
        "jpegs", ids, lambda row: open_picture(files[row], ids[row]), lambda row: ["a picture"]
    )


def reading(
    threads: int | None = None,
    preset: str = "tiny",
    pictures: int = 2048,
    size: int = 128,
    steps: int = 16,
    rounds: int = 3,
) -> dict:
    """Seconds of a training step on real pictures over those on pictures that are decoded already.

    The ways take turns, ``steps`` steps each. "decoding" decodes in the step; "ahead" decodes in a
    thread while the model works; "cached" has every picture decoded, as from the second epoch on.
    """
    from clipbench.compute.devices import pick_device
    from clipbench.training.presets import find_preset, scene_trainer

    trainer = scene_trainer(find_preset(preset), device=pick_device(), threads=threads)
    trainer.set_training()
    data, side, batch = (
        jpegs(pictures, size),
        trainer.model.config.image_size,
        trainer.config.batch_size,
    )
    cached = CaptionedPairs(data, 0, side, trainer.device)
    cached(0, pictures)
    trainer.stream = cached
    if trainer.device.type == "cpu":
        torch.set_num_threads(threads or trainer.use_fastest_threads())
    streams: dict[str, PairStream] = {
        "decoding": forgetful(data, side, trainer.device),
        "ahead": Prefetched(forgetful(data, side, trainer.device)),
        "cached": Prefetched(cached),
    }
    seconds: dict[str, list[float]] = {way: [] for way in streams}
    for _ in range(rounds):
        for way, stream in streams.items():
            seconds[way] += timed_steps(trainer, stream, steps)
    median = {way: statistics.median(each) for way, each in seconds.items()}
    return {
        "preset": preset,
        "device": str(trainer.device),
        "threads": torch.get_num_threads(),
        "batch_size": batch,
        "jpeg_side": size,
        "cached_pairs_per_second": batch / median["cached"],
        "decoding_over_cached": median["decoding"] / median["cached"],
        "ahead_over_cached": median["ahead"] / median["cached"],
        "steps": len(seconds["cached"]),
    }


def forgetful(data: CaptionedSet, side: int, device) -> CaptionedPairs:
    """Make a stream that caches nothing, so that it decodes every picture every time."""
    stream = CaptionedPairs(data, 0, side, device)
    stream.decoded = DecodedPictures(len(data), side, memory=0)
    return stream


def timed_steps(trainer, stream: PairStream, steps: int) -> list[float]:
    trainer.stream = stream
    trainer.train_step()  # its batch was not read ahead
    durations = []
    for _ in range(steps):
        began = time.perf_counter()
        trainer.train_step()
        durations.append(time.perf_counter() - began)
    return durations
