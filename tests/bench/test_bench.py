"""Facts about the benchmarks: turns are taken, memory is seen, the rival is the same model.

No speed is asserted.
"""

import ast
import json
import os
import subprocess
import sys
import time

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from clipbench.bench import rival_open_clip
from clipbench.bench.contest import ratio, take_turns
from clipbench.bench.loss import pairs, step
from clipbench.bench.memory import CLEAR, peak_extra_megabytes
from clipbench.bench.products import products_alone
from clipbench.bench.rival_open_clip import open_clip_model
from clipbench.bench.speed import training
from clipbench.bench.step_parts import formats_of, step_parts
from clipbench.cli import main
from clipbench.errors import UserError
from clipbench.model import CLIP, CLIPConfig
from clipbench.training.presets import find_preset, scene_trainer, with_budget


def answer(capsys, *arguments) -> dict:
    assert main([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_contestants_take_turns_and_change_places():
    calls = []
    seconds = take_turns({name: lambda name=name: calls.append(name) for name in "ab"}, rounds=3)
    assert "".join(calls) == "ab" + "ab" + "ba" + "ab"
    assert {name: len(times) for name, times in seconds.items()} == {"a": 3, "b": 3}


def test_a_ratio_is_the_median_of_the_rounds_ratios():
    assert ratio([2.0, 30.0, 8.0], [1.0, 10.0, 1.0]) == 3.0


@pytest.mark.skipif(not CLEAR.exists(), reason="the system does not say the peak of memory")
def test_the_peak_of_memory_is_seen_though_it_is_given_back():
    def work():
        torch.ones(100_000_000, dtype=torch.uint8)

    assert 95 < peak_extra_megabytes(work) < 130


@pytest.mark.parametrize("name", ["naive", "tiled_fp32", "tiled_bf16"])
def test_the_losses_that_are_timed_are_equal(name):
    assert step(name, pairs(64, "cpu")) == pytest.approx(
        step("tiled_fp32", pairs(64, "cpu")), rel=1e-3
    )


@pytest.mark.slow
@pytest.mark.skipif(not CLEAR.exists(), reason="the system does not say the peak of memory")
def test_tiles_need_less_memory_than_all_logits():
    """Each in a process of its own: memory that earlier work has freed would be used uncounted."""
    code = "from clipbench.bench.loss import memory_of; print(memory_of({name!r}, 8192, 1, 'cpu'))"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    tiled, naive = (
        ast.literal_eval(
            subprocess.run(
                [sys.executable, "-c", code.format(name=name)],
                env=environment,
                capture_output=True,
                text=True,
                check=True,
            ).stdout
        )["peak_extra_mb"]
        for name in ("tiled_fp32", "naive")
    )
    logits = 8192**2 * 4 / 1e6  # MB
    assert naive > 2.5 * logits and tiled < 0.9 * logits


def test_the_slowest_part_of_a_step_is_named_with_its_precision(monkeypatch):
    preset = with_budget(find_preset("tiny"), None, 10**6, batch_size=4)
    trainer = scene_trainer(preset, threads=1, precision="fp32")
    weights = [weight.detach().clone() for weight in trainer.model.parameters()]
    monkeypatch.setattr(
        "clipbench.training.muon.orthogonalise", lambda matrix, dtype: time.sleep(0.2) or matrix
    )
    told = step_parts(trainer, rounds=1)
    assert (
        told["slowest_part"] == "optimiser"
        and told["slowest_precision"] == "fp32"
        and told["slowest_seconds"] > 0.2
    )
    assert set(told["parts"]) == {"drawing", "image encoder", "text encoder", "loss", "optimiser"}
    assert sum(part["share"] for part in told["parts"].values()) == pytest.approx(1)
    assert all(part["seconds"] > 0 for part in told["parts"].values())
    assert any(
        not torch.equal(a, b) for a, b in zip(weights, trainer.model.parameters(), strict=True)
    )


def test_parts_of_a_step_know_the_format_of_each():
    trainer = scene_trainer(
        with_budget(find_preset("tiny"), None, 10**6, batch_size=4), precision="bf16"
    )
    assert formats_of(trainer) == {
        "drawing": "fp32",
        "image encoder": "bf16",
        "text encoder": "bf16",
        "loss": "fp32",
        "optimiser": "bf16",
    }


def test_parts_of_a_step_are_those_of_a_contrastive_one():
    with pytest.raises(UserError, match="trains with"):
        training(1, "experiments/tiny-supervised.json")


def test_the_products_of_a_step_are_counted_and_computed_alone():
    weight, x = torch.randn(5, 3, requires_grad=True), torch.randn(2, 4, 3)
    work = lambda: torch.nn.functional.linear(x, weight).sum().backward()  # noqa: E731
    alone, operations = products_alone(work)
    assert operations == 2 * (2 * 8 * 3 * 5), "forward, and backward for the weight alone"
    with FlopCounterMode(display=False) as counter:
        alone()
    assert counter.get_total_flops() == operations


def test_the_products_of_inference_are_counted_too():
    with torch.inference_mode():
        weight, x = torch.randn(5, 3), torch.randn(2, 4, 3)
        assert products_alone(lambda: torch.nn.functional.linear(x, weight))[1] == 2 * 8 * 3 * 5


@pytest.mark.slow
def test_one_large_batch_by_the_command_line(capsys):
    told = answer(
        capsys, "bench", "big-batch", "--batch", "48", "--micro-batch", "16", "--threads", "1"
    )
    assert told["batch"] == 48 and 0 < told["loss"] < 10 and told["seconds"] > 0


@pytest.mark.slow
def test_embedding_is_timed_on_features_that_agree(capsys):
    told = answer(capsys, "bench", "embed", "--batch", "2", "--rounds", "1", "--threads", "1")
    assert told["least_cosine"] >= 0.9995 and told["least_cosine_in_fp32"] >= 1 - 1e-5
    assert set(told["pictures_per_second"]) == {"ours", "ours_in_fp32", "transformers"}
    assert 0 < told["fraction_of_product_rate"] < 1.5 and told["products_gflops_per_second"] > 0


# -------------------- open_clip


def test_the_rival_is_a_model_of_the_same_size(open_clip):
    config = CLIPConfig.classroom()
    ours, theirs = CLIP(config), open_clip_model(config)
    assert sum(weight.numel() for weight in theirs.parameters()) == sum(
        weight.numel() for weight in ours.parameters()
    )


def test_the_rivals_step_trains(open_clip, monkeypatch):
    model = open_clip_model(CLIPConfig.classroom())
    monkeypatch.setattr(rival_open_clip, "open_clip_model", lambda config: model)
    before = model.text_projection.detach().clone()
    token_ids = torch.randint(1, 4000, (4, 32))
    rival_open_clip.open_clip_step(
        CLIPConfig.classroom(), torch.randn(4, 3, 64, 64), token_ids, "fp32"
    )()
    assert not torch.equal(model.text_projection, before)


@pytest.mark.slow
def test_the_comparison_by_the_command_line(capsys, open_clip):
    told = answer(
        capsys,
        "bench",
        "train",
        "--against",
        "open_clip",
        "--batch",
        "8",
        "--rounds",
        "1",
        "--threads",
        "1",
    )
    assert set(told["pairs_per_second"]) >= {"ours", "open_clip"}
    assert told["times_faster_at_equal_precision"] > 0
    assert 0 < told["fraction_of_product_rate"] < 1.5 and told["products_gflops_per_second"] > 0
