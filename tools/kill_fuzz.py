"""Kill a small training run with SIGKILL at random moments, and compare how it ends.

The run is killed again and again. Every life of the run is a fork of this process, so that
importing torch is paid once. The run saves after every step, so many kills hit a save, a rename or
the deletion of an older checkpoint. A run that reaches its end is compared, bit by bit, with one
that was never killed, and a new one begins.

    PYTHONPATH=tests/support python tools/kill_fuzz.py --kills 200
"""

import argparse
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from small import EightPairs
from trainers import small_bundle

from clipbench import Machine, TrainConfig, Trainer
from clipbench.files import sha256
from clipbench.pretrained.checkpoint import newest_intact, read_manifest
from clipbench.training.log import TrainingLog, read_steps
from clipbench.training.run_state import OPTIMIZER

STEPS = 40


def new_trainer(run: Path, precision: str) -> Trainer:
    torch.manual_seed(0)
    config = TrainConfig(
        batch_size=8, pairs=8 * STEPS, warmup=0.1, patch_dropout=0.25, save_minutes=0.0
    )
    machine = Machine(precision=precision, threads=1)
    callbacks = [TrainingLog(run)]
    return Trainer(small_bundle(), EightPairs(), config, run, machine=machine, callbacks=callbacks)


def live(run: Path, precision: str) -> None:
    """Live one life: go on from the newest checkpoint, if there is one, to the end."""
    trainer = new_trainer(run, precision)
    if newest_intact(run):
        trainer.resume()
    trainer.run()


def fork(work: Callable, *arguments) -> int:
    """Start a process that does the work, and give its id.

    The process ends with 0, or with 1 and what went wrong on stderr.
    """
    child = os.fork()
    if child:
        return child
    try:
        work(*arguments)
    except BaseException as error:
        print(f"a life failed: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
        os._exit(1)
    os._exit(0)


def ended(child: int) -> int | None:
    """Give the exit status of a process; None while it lives."""
    pid, status = os.waitpid(child, os.WNOHANG)
    return status if pid else None


def final_bits(run: Path) -> tuple[str, str]:
    """Hash the weights and the optimisers' state at the end of a run."""
    folder = newest_intact(run)
    return sha256(folder / "model.safetensors"), sha256(folder / OPTIMIZER)


def newest_step(run: Path) -> int:
    folder = newest_intact(run)
    return read_manifest(folder)["step"] if folder else 0


def kill_runs(
    kills: int, root: Path, seed: int = 0, precision: str = "fp32", longest: float = 0.8
) -> dict:
    """Count what happened in so many kills, each at most ``longest`` seconds into a life."""
    dice = random.Random(seed)
    # before anything is computed: a fork of a process with OpenMP threads hangs
    torch.set_num_threads(1)
    whole, run = root / "whole", root / "run"
    new_trainer(run, precision)  # so that what it imports is here before the first fork
    assert os.waitpid(fork(live, whole, precision), 0)[1] == 0
    expected = final_bits(whole)
    counts = {
        "kills": 0,
        "kills_in_a_save": 0,
        "lives": 0,
        "runs_finished": 0,
        "runs_with_other_bits": 0,
        "unreadable_folders": 0,
        "lost_checkpoints": 0,
        "torn_logs": 0,
        "failed_lives": 0,
    }
    newest = 0
    while True:
        child = fork(live, run, precision)
        counts["lives"] += 1
        deadline = time.monotonic() + (dice.uniform(0, longest) if counts["kills"] < kills else 120)
        while (status := ended(child)) is None and time.monotonic() < deadline:
            time.sleep(0.001)
        if status is None:
            counts["kills_in_a_save"] += any(run.glob(".step-*"))
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            counts["kills"] += 1
            step = newest_step(run)
            counts["unreadable_folders"] += newest > 0 and step == 0
            counts["lost_checkpoints"] += step < newest
            newest = step
            continue
        counts["failed_lives"] += status != 0
        counts["runs_finished"] += 1
        counts["runs_with_other_bits"] += status != 0 or final_bits(run) != expected
        counts["torn_logs"] += [row["step"] for row in read_steps(run)] != list(range(1, STEPS + 1))
        shutil.rmtree(run)
        newest = 0
        if counts["kills"] >= kills:
            break
    return {**counts, "precision": precision}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--precision", default="fp32", choices=["fp32", "bf16"])
    arguments = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as root:
        counts = kill_runs(arguments.kills, Path(root), arguments.seed, arguments.precision)
    print(json.dumps({**counts, "seconds": round(time.monotonic() - began, 1)}))
    wrong = (
        "runs_with_other_bits",
        "unreadable_folders",
        "lost_checkpoints",
        "torn_logs",
        "failed_lives",
    )
    return int(any(counts[name] for name in wrong))


if __name__ == "__main__":
    sys.exit(main())
