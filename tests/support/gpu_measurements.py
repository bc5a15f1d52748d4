"""What tests/gpu measures on a card, in sizes that a CPU rehearses.

The measurements are lessons, a training run, a plain step and a huge batch.
"""

import math
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from random_checkpoint import NARROW
from small import small_config

from clipbench.compute.flops import peak_tflops, training_flops
from clipbench.data.streams import Pairs
from clipbench.model import CLIP, CLIPConfig
from clipbench.preprocess import Preprocess
from clipbench.pretrained.bundle import ModelBundle
from clipbench.tokenizer import Tokenizer
from clipbench.training.machine import Machine
from clipbench.training.presets import find_preset, scene_trainer, with_budget
from clipbench.training.recipe import TrainConfig
from clipbench.training.trainer import Trainer

ROOT = Path(__file__).parents[2]
GIGABYTE = 1e9


@dataclass(frozen=True)
class Size:
    """How much of everything."""

    device: str
    lessons: tuple[str, ...]
    checkpoint: CLIPConfig  # of random weights, for the lessons
    model: CLIPConfig  # of the steps
    batch: int  # of a plain step
    huge: int  # of a step by the gradient cache
    micro: int  # pairs at a time in it
    steps: int  # that are timed
    seconds: float  # of lesson 01's training
    square: int  # side of the matrix product that is compared with

    @property
    def cuda(self) -> bool:
        return self.device == "cuda"


VIT_B_32 = CLIPConfig.named("ViT-B/32")
CARD = Size("cuda", ("02", "10", "14"), VIT_B_32, VIT_B_32, 4096, 32_768, 1024, 10, 20.0, 8192)
REHEARSAL = Size("cpu", ("14",), NARROW, small_config(), 16, 64, 16, 2, 1.0, 64)


def for_memory(size: Size, gigabytes: float) -> Size:
    """Use smaller steps where a card has too little memory for a plain step of 4,096, as a T4."""
    return size if gigabytes >= 70 else replace(size, batch=512, huge=8192, micro=256)


class Noise:
    """Pictures of noise, made on the device that uses them.

    The texts are random token ids of full length, so nothing is trimmed.
    """

    name = "noise"

    def __init__(self, size: Size):
        self.device, self.side = size.device, size.model.image_size

    def __call__(self, start: int, count: int) -> Pairs:
        generator = torch.Generator(self.device).manual_seed(start)
        shape = (count, 3, self.side, self.side)
        images = torch.randint(
            0, 256, shape, generator=generator, dtype=torch.uint8, device=self.device
        )
        return Pairs(images, [str(start + number) for number in range(count)])


class RandomIds(Tokenizer):
    """Ids without meaning for any text, of full length."""

    def __init__(self, config: CLIPConfig):
        self.context_length, self.words = config.context_length, config.text.vocab_size

    def __call__(self, texts: list[str], pad_to: int | None = None) -> torch.Tensor:
        generator = torch.Generator().manual_seed(int(texts[0]))
        ids = torch.randint(
            1, self.words - 2, (len(texts), self.context_length), generator=generator
        )
        ids[:, -1] = self.words - 1
        return ids


def trainer_of(size: Size, batch: int, micro_batch: int | None = None) -> Trainer:
    torch.manual_seed(0)
    recipe = TrainConfig(
        batch_size=batch,
        pairs=10**9,
        matrix_learning_rate=0.0,
        learning_rate=5e-4,
        embedding_learning_rate=5e-4,
    )
    bundle = ModelBundle(CLIP(size.model), RandomIds(size.model), Preprocess(size.model.image_size))
    machine = Machine(device=size.device, micro_batch=micro_batch)
    trainer = Trainer(bundle, Noise(size), recipe, machine=machine)
    trainer.set_training()
    return trainer


def seconds(size: Size, work: Callable[[], object], repeats: int = 1) -> float:
    finish(size)
    began = time.perf_counter()
    for _ in range(repeats):
        work()
    finish(size)
    return (time.perf_counter() - began) / repeats


def finish(size: Size) -> None:
    if size.cuda:
        torch.cuda.synchronize()


def peak_gigabytes(size: Size) -> float | None:
    return torch.cuda.max_memory_allocated() / GIGABYTE if size.cuda else None


# -------------------- measurements


def lesson(size: Size, number: str, hub: Path) -> dict:
    """Execute a lesson at ``full`` in a process of its own.

    It uses the random checkpoint of a hub cache.

    Returns:
        seconds, and ``device``: where its encoder ran.
    """
    (source,) = (ROOT / "notebooks").glob(f"{number}_*.py")
    code = (
        source.read_text(encoding="utf-8")
        + "\nprint('RAN ON', encoder.device.type, encoder.precision)\n"
    )
    environment = {
        **os.environ,
        "CLIPBENCH_SCALE": "full",
        "HF_HOME": str(hub),
        "HF_HUB_OFFLINE": "1",
        "MPLBACKEND": "agg",
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
    }
    if not size.cuda:
        environment["CUDA_VISIBLE_DEVICES"] = ""
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        cwd=ROOT / "notebooks",
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    *_, device, precision = done.stdout.splitlines()[-1].split()
    return {"seconds": time.perf_counter() - began, "device": device, "precision": precision}


def training(size: Size) -> dict:
    """Run lesson 01's training for some seconds.

    Reports pairs a second, and by how much the loss is below that of guessing, in nats.
    """
    preset = find_preset("tiny")
    if not size.cuda:
        preset = replace(preset, model=small_config())
    trainer = scene_trainer(
        with_budget(preset, size.seconds / 60, None), device=size.device, threads=1
    )
    losses = []
    trainer.callbacks.append(
        lambda event: losses.append(event["loss"]) if event["event"] == "step" else None
    )
    end = trainer.run()
    return {
        "precision": trainer.precision,
        "pairs_per_second": end["pairs"] / end["seconds"],
        "below_guessing": math.log(preset.train.batch_size) - losses[-1],
    }


def plain_step(size: Size) -> dict:
    """Measure a training step without drawing and tokenizing.

    Reports pairs a second, TFLOP/s, and how much of the device's speed that is.
    """
    trainer = trainer_of(size, size.batch)
    batch = trainer.draw()
    token_ids = trainer.tokenizer(batch.captions).to(size.device)
    pixels = batch.images.to(size.device)

    def step():
        trainer.backward(pixels, token_ids)
        trainer.update_weights(finite=True)

    seconds(size, step, size.steps)
    rate = size.batch / seconds(size, step, size.steps)
    config = trainer.model.config
    tflops = rate * training_flops(config, config.context_length, spare=True) / 1e12
    memory = peak_gigabytes(size)
    square = torch.randn(
        size.square, size.square, device=size.device, dtype=torch.bfloat16 if size.cuda else None
    )
    seconds(size, lambda: square @ square, size.steps)
    own = 2 * size.square**3 / seconds(size, lambda: square @ square, size.steps) / 1e12
    peak = peak_tflops(torch.cuda.get_device_name(), trainer.precision) if size.cuda else None
    return {
        "precision": trainer.precision,
        "pairs_per_second": rate,
        "tflops": tflops,
        "peak_gb": memory,
        "of_own_product": tflops / own,
        "mfu": tflops / peak if peak else None,
    }


def huge_batch(size: Size) -> dict:
    """Measure a step with the gradient cache.

    Reports its memory, and its time as a multiple of plain steps on as many pairs.
    """
    trainer = trainer_of(size, size.huge, size.micro)
    trainer.train_step()  # optimiser states, libraries
    if size.cuda:
        torch.cuda.reset_peak_memory_stats()
    whole, peak = seconds(size, trainer.train_step), peak_gigabytes(size)
    plain = trainer_of(size, size.micro)
    plain.train_step()
    part = seconds(size, plain.train_step, size.steps)
    return {
        "seconds": whole,
        "peak_gb": peak,
        "times_plain": whole / (size.huge / size.micro * part),
    }
