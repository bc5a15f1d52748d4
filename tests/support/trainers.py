"""Small trainings that several tests share, and what it means that two of them are the same."""

import torch
from small import EightPairs, small_config

from clipbench import CLIP, Machine, ModelBundle, TrainConfig, Trainer
from clipbench.preprocess import Preprocess
from clipbench.pretrained.folders import world_tokenizer
from clipbench.training.run_state import optimizer_tensors

VIT_TOWERS = small_config()


def make_trainer(
    out=None, image=VIT_TOWERS.image, stream=None, seed=0, machine=None, **settings
) -> Trainer:
    """Make a trainer of a small model on eight pairs, on one thread."""
    settings = {"batch_size": 8, "pairs": 80, "warmup": 0.1, **settings}
    torch.manual_seed(seed)
    bundle = small_bundle(image)
    stream = stream or EightPairs(image.image_size)
    machine = Machine(**{"precision": "fp32", "threads": 1, **(machine or {})})
    return Trainer(bundle, stream, TrainConfig(**settings), out, machine=machine)


def small_bundle(image=VIT_TOWERS.image) -> ModelBundle:
    """Make a small model of random weights that reads the world's words."""
    return ModelBundle(CLIP(small_config(image)), world_tokenizer(), Preprocess(image.image_size))


def bits(trainer: Trainer) -> dict[str, torch.Tensor]:
    """Collect everything that training changes: weights, statistics, and the optimisers' state."""
    return {**trainer.model.state_dict(), **optimizer_tensors(trainer.optimizers)}


def assert_same_bits(one: Trainer, other: Trainer) -> None:
    assert (one.step, one.pairs_seen) == (other.step, other.pairs_seen)
    ours, theirs = bits(one), bits(other)
    assert sorted(ours) == sorted(theirs)
    assert [name for name, tensor in ours.items() if not torch.equal(tensor, theirs[name])] == []


def stop_after(trainer: Trainer, steps: int) -> None:
    """Have the trainer stop when it has taken so many steps."""
    trainer.callbacks.append(lambda event: trainer.stop() if event["step"] == steps else None)


class ManyPairs(EightPairs):
    """Another picture for every position; the captions are made of two words of the eight."""

    def __call__(self, start, count):
        generator = torch.Generator().manual_seed(0)
        pairs = super().__call__(start, count)
        noise = torch.randint(
            0, 256, (256, *self.images.shape[1:]), generator=generator, dtype=torch.uint8
        )
        pairs.images = noise[start : start + count]
        pairs.captions = [
            f"{text} and a {self.words[(start + i) // 8 % 8]}"
            for i, text in enumerate(pairs.captions)
        ]
        return pairs


def micro_batch_trainer(micro_batch=None, **settings) -> Trainer:
    """Make a trainer that draws 24 different pairs at a time, in training mode."""
    settings = {"batch_size": 24, "pairs": 96, "stream": ManyPairs(), **settings}
    trainer = make_trainer(machine={"micro_batch": micro_batch}, **settings)
    trainer.model.train()
    return trainer
