"""What only a graphics card can show: ViT-B/32 at the paper's batch, and how much of the card a plain step uses.

Run on a card with 80 GB: ``pytest -s tests/gpu``. The figures are printed; asserted is memory and exactness, not speed.
"""

import time

import pytest
import torch

from clipbench.data.pairs import Pairs
from clipbench.flops import peak_tflops, training_flops
from clipbench.loss import clip_loss, tiled_clip_loss
from clipbench.model import CLIP, CLIPConfig
from clipbench.preprocess import Preprocess
from clipbench.train import TrainConfig, Trainer

pytestmark = pytest.mark.gpu

BIG, MICRO = 32_768, 1024


class NoisePairs:
    """Pictures of noise, made on the card; texts are random ids of full length, so nothing is trimmed."""

    name = "noise"

    def __call__(self, start: int, count: int) -> Pairs:
        generator = torch.Generator("cuda").manual_seed(start)
        shape = (count, 3, 224, 224)
        images = torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8, device="cuda")
        return Pairs(images, [str(start + number) for number in range(count)])


def random_ids(texts: list[str], pad_to: int | None = None) -> torch.Tensor:
    generator = torch.Generator().manual_seed(int(texts[0]))
    ids = torch.randint(1, 49_000, (len(texts), 77), generator=generator)
    ids[:, -1] = 49_407
    return ids


def trainer_of(batch: int, micro_batch: int | None) -> Trainer:
    torch.manual_seed(0)
    recipe = TrainConfig(batch_size=batch, pairs=10**9, matrix_learning_rate=0.0, learning_rate=5e-4,
                         embedding_learning_rate=5e-4)  # fmt: skip
    trainer = Trainer(CLIP(CLIPConfig.named("ViT-B/32")), random_ids, Preprocess(224), NoisePairs(), recipe,
                      device="cuda", micro_batch=micro_batch)  # fmt: skip
    trainer.set_training()
    return trainer


def seconds(work, repeats: int = 1) -> float:
    torch.cuda.synchronize()
    began = time.perf_counter()
    for _ in range(repeats):
        work()
    torch.cuda.synchronize()
    return (time.perf_counter() - began) / repeats


def test_vit_b_32_at_the_papers_batch_fits_into_40_gb():
    trainer = trainer_of(BIG, MICRO)
    trainer.train_step()  # optimiser states, libraries
    torch.cuda.reset_peak_memory_stats()
    whole = seconds(trainer.train_step)
    peak = torch.cuda.max_memory_allocated() / 1e9
    plain = trainer_of(MICRO, None)
    plain.train_step()
    ratio = whole / (BIG / MICRO * seconds(plain.train_step, 10))
    print(f"\nbatch {BIG} in micro-batches of {MICRO}: {whole:.1f} s a step, {peak:.1f} GB at the peak, "
          f"{ratio:.2f} times the time of plain steps of {MICRO}")  # fmt: skip
    assert peak <= 40


def test_model_flops_utilisation_of_a_plain_step():
    trainer = trainer_of(4096, None)
    batch = trainer.draw()
    token_ids = random_ids(batch.captions).to("cuda")

    def step():
        trainer.backward(batch.images, token_ids)
        trainer.update_weights(finite=True)

    seconds(step, 20)
    rate = 4096 / seconds(step, 50)
    tflops = rate * training_flops(trainer.model.config, 77) / 1e12
    card = torch.cuda.get_device_name()
    peak = peak_tflops(card, trainer.precision)
    square = torch.randn(8192, 8192, device="cuda", dtype=torch.bfloat16)
    seconds(lambda: square @ square, 10)
    measured = 2 * 8192**3 / seconds(lambda: square @ square, 50) / 1e12
    mfu = f"MFU {tflops / peak:.1%} of {peak} TFLOP/s, " if peak else "no MFU: the card is not known, "
    print(f"\n{card}, {trainer.precision}: {rate:.0f} pairs/s, {tflops:.0f} TFLOP/s, {mfu}"
          f"{tflops / measured:.1%} of the {measured:.0f} TFLOP/s of its own matrix product")  # fmt: skip
    assert tflops > 0


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_tiled_loss_at_32768_needs_less_than_0_3_gb(dtype):
    features = [torch.nn.functional.normalize(torch.randn(BIG, 512, device="cuda"), dim=-1) for _ in range(2)]
    features = [tensor.requires_grad_() for tensor in features]
    before = torch.cuda.memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    tiled_clip_loss(*features, torch.tensor(14.3, device="cuda"), tile=2048, dtype=dtype).backward()
    assert torch.cuda.max_memory_allocated() - before < 0.3e9


def test_the_tiled_loss_is_the_definition_on_a_card_too():
    features = [torch.nn.functional.normalize(torch.randn(2048, 64, device="cuda"), dim=-1) for _ in range(2)]
    truth = clip_loss(*(tensor.double() for tensor in features), 14.3)
    torch.testing.assert_close(tiled_clip_loss(*features, 14.3).double(), truth, rtol=1e-6, atol=0)
