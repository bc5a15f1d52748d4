"""The whole way of a real checkpoint, with random weights: hub layout, real vocabulary, command
line, no network.

Small every day, and as a full ViT-B/32 among the slow tests. The numbers mean nothing, and so are
not asserted.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from random_checkpoint import write_checkpoint
from small import noise_picture, write_image_folder

from clipbench import load
from clipbench.cli import main
from clipbench.model import CLIPConfig, ResNetConfig, TransformerConfig, ViTConfig
from clipbench.pretrained.folders import load_pretrained, save_pretrained

ROOT = Path(__file__).parents[2]
MEMORY = 1_200_000_000  # bytes that ViT-B/32 may hold at once, Python and torch included

# The paper's text encoder, narrower, with two image encoders of one or two blocks.
TEXT = TransformerConfig(49408, 77, width=64, depth=2, heads=1)
SMALL_VIT = CLIPConfig(64, ViTConfig(64, 32, width=64, depth=2, heads=1), TEXT)
SMALL_RESNET = CLIPConfig(64, ResNetConfig(64, (1, 1, 1, 1), width=8, heads=4), TEXT)


@pytest.fixture(
    scope="module",
    params=[SMALL_VIT, SMALL_RESNET],
    ids=["vit in hub layout", "resnet in open_clip's"],
)
def small(request, tmp_path_factory):
    return write_checkpoint(tmp_path_factory.mktemp("small") / "model", request.param)


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    return write_checkpoint(tmp_path_factory.mktemp("full") / "model", CLIPConfig.named("ViT-B/32"))


def rehearse(model: Path, tmp_path, capsys) -> None:
    """classify and eval zero-shot, as a student runs them."""
    noise_picture(300, 200).save(tmp_path / "picture.jpg")
    texts = ["--text", "a photo of a cat", "--text", "a photo of a dog"]
    assert (
        main(["classify", str(tmp_path / "picture.jpg"), "--model", str(model), *texts, "--json"])
        == 0
    )
    ranking = json.loads(capsys.readouterr().out)["ranking"]
    assert sum(row["probability"] for row in ranking) == pytest.approx(1) and len(ranking) == 2
    pictures = write_image_folder(tmp_path / "pictures", {"cat": 3, "dog": 2})
    command = [
        "eval",
        "zero-shot",
        "--model",
        str(model),
        "--data",
        str(pictures),
        "--device",
        "cpu",
        "--json",
    ]
    assert main(command) == 0
    metrics = json.loads(capsys.readouterr().out)["metrics"]
    assert (metrics["pictures"], metrics["classes"]) == (5, 2) and 0 <= metrics["top1"] <= 1


def test_a_small_model_of_each_layout_goes_the_whole_way(small, tmp_path, capsys):
    rehearse(small, tmp_path, capsys)


def test_its_encoder_reads_words_with_the_real_vocabulary(small):
    encoder = load(small)
    assert encoder.tokens("a photo of a cat") == ["a", "photo", "of", "a", "cat"]
    assert encoder.context_length == 77 and encoder.encode_text(["a cat"]).shape == (1, 64)


@pytest.mark.slow
def test_a_full_vit_b_32_goes_the_whole_way(full, tmp_path, capsys):
    rehearse(full, tmp_path, capsys)


USE = """
import sys
from PIL import Image
from clipbench import load
encoder = load(sys.argv[1])
encoder.encode_image(encoder.preprocess([Image.new("RGB", (300, 200))] * 16))
encoder.encode_text(["a photo of a cat"] * 16)
print(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


@pytest.mark.slow
@pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="the system does not say the most memory used"
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16], ids=str)
def test_a_full_vit_b_32_fits_into_a_binder(full, tmp_path, dtype):
    """Two gigabytes are what Binder grants; a kernel and JupyterLab need the rest."""
    if dtype is torch.float16:
        save_pretrained(tmp_path / "half", *load_pretrained(full), dtype=dtype)
        full = tmp_path / "half"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", USE, full]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert int(done.stdout.split()[1]) * 1024 < MEMORY, done.stdout
