"""What only a graphics card can show: ViT-B/32 at the paper's batch, and how much of the card a
plain step uses.

Part of ``make test-gpu``. The figures are printed; asserted is memory and exactness, not speed.
Below 70 GB of memory the batches are smaller.
"""

import pytest
import torch
from gpu_measurements import CARD, for_memory, huge_batch, plain_step

from clipbench.loss import clip_loss, tiled_clip_loss

pytestmark = pytest.mark.gpu


@pytest.fixture
def size():
    return for_memory(CARD, torch.cuda.get_device_properties(0).total_memory / 1e9)


def test_vit_b_32_at_the_papers_batch_fits_into_40_gb(size):
    found = huge_batch(size)
    print(f"\nbatch {size.huge} in micro-batches of {size.micro}: {found}")
    assert found["peak_gb"] <= (40 if size.huge == CARD.huge else 14)


def test_model_flops_utilisation_of_a_plain_step(size):
    found = plain_step(size)
    print(f"\n{torch.cuda.get_device_name()}, batch {size.batch}: {found}")
    assert found["tflops"] > 0


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_tiled_loss_at_32768_needs_less_than_0_3_gb(dtype):
    features = [
        torch.nn.functional.normalize(torch.randn(CARD.huge, 512, device="cuda"), dim=-1)
        for _ in range(2)
    ]
    features = [tensor.requires_grad_() for tensor in features]
    before = torch.cuda.memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    tiled_clip_loss(*features, torch.tensor(14.3, device="cuda"), tile=2048, dtype=dtype).backward()
    assert torch.cuda.max_memory_allocated() - before < 0.3e9


def test_the_tiled_loss_is_the_definition_on_a_card_too():
    features = [
        torch.nn.functional.normalize(torch.randn(2048, 64, device="cuda"), dim=-1)
        for _ in range(2)
    ]
    truth = clip_loss(*(tensor.double() for tensor in features), 14.3)
    torch.testing.assert_close(tiled_clip_loss(*features, 14.3).double(), truth, rtol=1e-6, atol=0)
