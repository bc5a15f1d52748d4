"""Facts about training on several processes: two of them do what one does, and one of them
writes.
"""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from forked import fork
from safetensors.torch import load_file, save_file
from small import CONVNET, one_line
from trainers import micro_batch_trainer

from clipbench import UserError
from clipbench.compute import distributed
from clipbench.pretrained.checkpoint import checkpoints
from clipbench.training.trainer import Trainer

STEPS, BATCH = 4, 24
MICRO_BATCHES = (None, 5)


def run_and_remember(out: Path, micro_batch: int | None) -> dict[str, torch.Tensor]:
    """Losses, accuracies and gradient norms of every step, the first step's gradients, and the
    last weights.
    """
    # AdamW alone: Muon may multiply in bfloat16, where the last bit of a gradient shows
    trainer = micro_batch_trainer(
        micro_batch,
        out=out,
        pairs=STEPS * BATCH,
        matrix_learning_rate=0.0,
        learning_rate=1e-3,
        embedding_learning_rate=1e-3,
    )
    found, rows = {}, []
    real = trainer.update_weights

    def watched(finite):
        if trainer.step == 0:
            named = trainer.model.named_parameters()
            found.update({f"gradient {name}": weight.grad.clone() for name, weight in named})
        real(finite)

    trainer.update_weights = watched
    trainer.callbacks.append(lambda event: rows.append(event) if event["event"] == "step" else None)
    trainer.run()
    numbers = ("loss", "batch_accuracy", "gradient_norm")
    found["numbers"] = torch.tensor(
        [[row[name] for name in numbers] for row in rows], dtype=torch.float64
    )
    return found | {
        f"weight {name}": without_key_biases(name, tensor)
        for name, tensor in trainer.model.state_dict().items()
    }


def without_key_biases(name: str, tensor: torch.Tensor) -> torch.Tensor:
    """The same number added to all scores changes no attention, so the gradient of a key's bias is
    rounding and nothing else; AdamW makes steps of full size from it. What they lead to is not
    compared.
    """
    if not name.endswith("in_proj.bias"):
        return tensor
    q, _, v = tensor.chunk(3)
    return torch.cat([q, v])


def work(folder: Path) -> None:
    """What each of the two processes does."""
    torch.set_num_threads(1)
    distributed.join(torch.device("cpu"))
    for micro_batch in MICRO_BATCHES:
        found = run_and_remember(folder / f"run-{micro_batch}", micro_batch)
        if distributed.is_writer():
            whole = {name: tensor.contiguous() for name, tensor in found.items()}
            save_file(whole, folder / f"found-{micro_batch}.safetensors")
        else:
            assert not len(found["numbers"]), "the second process reports nothing"
    distributed.leave()


def variables(count: int) -> list[dict[str, str]]:
    """The variables that torchrun gives to each of its processes."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shared = {
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "WORLD_SIZE": str(count),
        "OMP_NUM_THREADS": "1",
        "LOCAL_WORLD_SIZE": str(count),
        "CUDA_VISIBLE_DEVICES": "",
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }
    return [shared | {"RANK": str(rank), "LOCAL_RANK": str(rank)} for rank in range(count)]


def launch(count: int, *command: str) -> list[subprocess.Popen]:
    return [
        subprocess.Popen(
            [sys.executable, *command],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **own},
        )
        for own in variables(count)
    ]


def outputs(processes: list[subprocess.Popen]) -> list[tuple[int, str, str]]:
    texts = [process.communicate(timeout=180) for process in processes]
    return [(process.returncode, *text) for process, text in zip(processes, texts, strict=True)]


@pytest.fixture(scope="module")
def two_processes(tmp_path_factory):
    if not hasattr(os, "fork"):
        pytest.skip("runs in forks")
    folder = tmp_path_factory.mktemp("two")

    def work_as(own: dict[str, str]) -> None:
        os.environ.update(own)
        work(folder)

    forks = [fork(folder / f"prints-{own['RANK']}", work_as, own) for own in variables(2)]
    for code, _, errors in [each.wait() for each in forks]:
        assert code == 0, errors
    return folder


@pytest.mark.parametrize("micro_batch", MICRO_BATCHES)
def test_two_processes_do_what_one_does(two_processes, tmp_path, micro_batch):
    alone, together = (
        run_and_remember(tmp_path, None),
        load_file(two_processes / f"found-{micro_batch}.safetensors"),
    )
    assert alone.keys() == together.keys()
    # Losses and accuracies, then gradient norms: AdamW's first steps have nearly the size of the
    # sign, so the rounding of half a batch's matrix products grows with the steps (4e-6 after three
    # on an AVX-512 processor, less with AMX).
    torch.testing.assert_close(
        together["numbers"][:, :2], alone["numbers"][:, :2], rtol=1e-6, atol=1e-6
    )
    torch.testing.assert_close(
        together["numbers"][:, 2], alone["numbers"][:, 2], rtol=1e-5, atol=0.0
    )
    for kind in ("gradient", "weight"):
        names = [name for name in alone if name.startswith(kind)]
        distance = (
            sum((together[name] - alone[name]).double().square().sum() for name in names) ** 0.5
        )
        assert (
            distance / sum(alone[name].double().square().sum() for name in names) ** 0.5 < 1e-6
        ), kind


def test_one_process_writes(two_processes):
    assert [folder.name for folder in checkpoints(two_processes / "run-None")] == [
        f"step-{STEPS:08d}"
    ]


@pytest.mark.slow
def test_the_command_line_trains_on_two_processes(tmp_path):
    preset = Path(__file__).parents[2] / "experiments" / "tiny-vit.json"
    command = (
        "-m",
        "clipbench",
        "train",
        "--preset",
        str(preset),
        "--pairs",
        "64",
        "--batch-size",
        "16",
        "--micro-batch",
        "4",
        "--device",
        "cpu",
        "--json",
        "--out",
        str(tmp_path / "run"),
    )
    first, second = outputs(launch(2, *command))
    assert first[0] == second[0] == 0, first[2] + second[2]
    assert '"pairs": 64' in first[1] and second[1] == ""


def test_a_batch_that_cannot_be_shared_is_refused(monkeypatch):
    monkeypatch.setattr(distributed, "world_size", lambda: 3)
    with pytest.raises(UserError, match="cannot be shared by 3 processes") as error:
        distributed.share_of(32)
    one_line(error.value)


def test_batch_statistics_are_refused_on_several_processes(monkeypatch):
    monkeypatch.setattr(distributed, "world_size", lambda: 2)
    with pytest.raises(UserError, match="several processes.*BatchNorm"):
        micro_batch_trainer(image=CONVNET)


def test_one_process_needs_no_exchange():
    tensor = torch.ones(3)
    assert not distributed.was_launched({}) and distributed.is_writer()
    assert distributed.gathered(tensor) is tensor and distributed.summed(tensor) is tensor
    assert distributed.first_process_says(1.5) == [1.5]
    assert isinstance(micro_batch_trainer(), Trainer)
