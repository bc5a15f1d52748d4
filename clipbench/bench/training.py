"""``clipbench bench train --against open_clip``: one training step of both, in turns.

Both have the same shape and the same batch.

Our step is the trainer's own with AdamW alone (no Muon, so that both do the same arithmetic); it
starts from uint8 pictures, open_clip's from normalised floats. Captions and pictures are drawn
before. What the ratio is made of is measured too, by taking our step's parts away one by one.
"""

import statistics

import torch

from clipbench.bench.contest import ratio, take_turns
from clipbench.bench.products import products_alone
from clipbench.bench.rival_open_clip import open_clip_step
from clipbench.bench.speed import training


def training_step(
    threads: int | None = None,
    against: str | None = None,
    preset: str | None = None,
    batch: int = 128,
    rounds: int = 10,
) -> dict:
    """Pairs per second of a preset, or of one batch against open_clip's training step."""
    if against is None:
        return training(threads, preset or "tiny")
    return training_against_open_clip(threads, batch, preset or "classroom", rounds)


def training_against_open_clip(threads: int | None, batch: int, preset: str, rounds: int) -> dict:
    """Measure the pairs per second of both packages.

    They are compared at equal precision, and, where a lower one than float32 is fast, in float32
    and against open_clip's defaults (amp in float16, plain AdamW). ``fraction_of_product_rate`` is
    the share of our step that its matrix products alone would take.
    """
    trainer = one_batch_trainer(preset, batch, threads)
    torch.set_num_threads(threads or trainer.use_fastest_threads())
    drawn = trainer.draw()
    pictures = drawn.images.to(trainer.device)
    token_ids = trainer.tokenizer(drawn.captions).to(trainer.device)
    padded = trainer.tokenizer(drawn.captions, pad_to=trainer.model.config.context_length).to(
        trainer.device
    )
    floats, config = trainer.preprocess.normalise(pictures), trainer.model.config

    def ours(precision: str, ids: torch.Tensor):
        def step():
            trainer.precision = precision
            trainer.backward(pictures, ids)
            torch.nn.utils.clip_grad_norm_(trainer.model.parameters(), trainer.config.clip_norm)
            trainer.update_weights(finite=True)

        return step

    best = trainer.precision if trainer.precision != "fp16" else "fp32"
    contestants = {
        "ours": ours(best, token_ids),
        "ours_without_trimming_texts": ours(best, padded),
        "open_clip": open_clip_step(config, floats, padded, best),
    }
    if best != "fp32":  # elsewhere that is the same, and the defaults' fp16 is emulated for minutes
        contestants |= {
            "ours_in_fp32": ours("fp32", token_ids),
            "open_clip_in_fp32": open_clip_step(config, floats, padded, "fp32"),
            "open_clip_defaults": open_clip_step(config, floats, padded, "fp16", fused=False),
        }
    alone, operations = products_alone(contestants["ours"])
    seconds = take_turns(contestants | {"products": alone}, rounds)
    products = seconds.pop("products")
    told = {
        "preset": preset,
        "batch": batch,
        "tokens": token_ids.shape[1],
        "context_length": padded.shape[1],
        "precision": best,
        "threads": torch.get_num_threads(),
        "device": str(trainer.device),
        "rounds": rounds,
        "pairs_per_second": {
            name: batch / statistics.median(times) for name, times in seconds.items()
        },
        "times_faster_at_equal_precision": ratio(seconds["open_clip"], seconds["ours"]),
        "of_which_trimming_texts": ratio(seconds["ours_without_trimming_texts"], seconds["ours"]),
        "of_which_model_loss_and_optimiser": ratio(
            seconds["open_clip"], seconds["ours_without_trimming_texts"]
        ),
        "products_gflops_per_second": operations / min(products) / 1e9,
        "fraction_of_product_rate": ratio(products, seconds["ours"]),
    }
    if best != "fp32":
        told |= {
            "times_faster_in_fp32": ratio(seconds["open_clip_in_fp32"], seconds["ours_in_fp32"]),
            "times_faster_than_defaults": ratio(seconds["open_clip_defaults"], seconds["ours"]),
        }
    return told


def one_batch_trainer(
    preset: str, batch: int, threads: int | None = None, micro_batch: int | None = None
):
    """Make a trainer on scenes that is never saved, AdamW alone, in training mode."""
    from clipbench.compute.devices import pick_device
    from clipbench.training.presets import find_preset, scene_trainer, with_budget

    recipe = {"batch_size": batch, "matrix_learning_rate": 0.0, "patch_dropout": 0.0}
    endless = with_budget(find_preset(preset), None, 10**9, **recipe)
    trainer = scene_trainer(endless, device=pick_device(), threads=threads, micro_batch=micro_batch)
    trainer.set_training()
    return trainer


def big_batch(
    threads: int | None = None,
    batch: int = 32_768,
    micro_batch: int = 256,
    preset: str = "tiny-vit",
) -> dict:
    """Time one exact training step on a batch of any size, and measure its peak memory.

    The memory counts everything that the step needs.
    """
    import time

    from clipbench.bench.contest import finish
    from clipbench.bench.memory import peak_extra_megabytes

    trainer = one_batch_trainer(preset, batch, threads, micro_batch)
    torch.set_num_threads(threads or trainer.use_fastest_threads())
    found = {}

    def step():
        began = time.perf_counter()
        found.update(trainer.train_step())
        finish()
        found["seconds"] = time.perf_counter() - began

    megabytes = peak_extra_megabytes(step, trainer.device)
    return {
        "preset": preset,
        "batch": batch,
        "micro_batch": micro_batch,
        "threads": torch.get_num_threads(),
        "precision": trainer.precision,
        "device": str(trainer.device),
        "seconds": found["seconds"],
        "pairs_per_second": batch / found["seconds"],
        "peak_extra_mb": megabytes,
        "pictures_mb": batch * 3 * trainer.model.config.image_size**2 / 1e6,  # of that, uint8
        "loss": found["loss"],
        "gradient_norm": found["gradient_norm"],
    }
