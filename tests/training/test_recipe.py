"""Facts about the recipe's options: locked encoders, averaged weights, recomputed activations,
another start.
"""

import csv
import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from small import BAG_OF_WORDS, CONVNET, one_line, small_clip, write_small_model
from trainers import assert_same_bits, make_trainer, stop_after

from clipbench import UserError, load
from clipbench.cli import main
from clipbench.compute.devices import cpu_flags
from clipbench.pretrained.checkpoint import newest_intact
from clipbench.pretrained.folders import load_pretrained
from clipbench.training.ema import EMA
from clipbench.training.machine import recompute_activations

SUPPORT = Path(__file__).parents[1] / "support"


@pytest.mark.parametrize("side, other", [("image", "text"), ("text", "image")])
def test_a_locked_encoder_does_not_move_and_the_other_one_does(side, other):
    trainer = make_trainer(**{f"lock_{side}": True})
    before = {name: tensor.clone() for name, tensor in trainer.model.state_dict().items()}
    trainer.run()
    moved = {
        name
        for name, tensor in trainer.model.state_dict().items()
        if not torch.equal(tensor, before[name])
    }
    assert not [name for name in moved if name.startswith(side)]
    assert {f"{other}_projection.weight", "logit_scale"} <= moved


def test_the_statistics_of_a_locked_convnet_do_not_move_so_micro_batches_are_exact():
    trainer = make_trainer(image=CONVNET, lock_image=True, machine={"micro_batch": 3})
    before = {name: tensor.clone() for name, tensor in trainer.model.named_buffers()}
    trainer.run()
    assert all(torch.equal(tensor, before[name]) for name, tensor in trainer.model.named_buffers())


def test_averaged_weights_have_a_closed_form():
    model, decay = torch.nn.Linear(3, 2), 0.9
    averaged, history = EMA(model, decay), [model.weight.detach().clone()]
    for _ in range(5):
        with torch.no_grad():
            model.weight.add_(torch.randn(2, 3))
        averaged.update(model)
        history.append(model.weight.detach().clone())
    expected = decay**5 * history[0] + (1 - decay) * sum(
        decay ** (5 - k) * history[k] for k in range(1, 6)
    )
    torch.testing.assert_close(averaged.model.weight.detach(), expected)


@pytest.mark.parametrize("image", [None, CONVNET], ids=["vit", "convnet"])
def test_the_average_is_what_is_saved_and_the_run_goes_on_to_the_same_bits(tmp_path, image):
    settings = {"averaging": 0.5, **({"image": image} if image else {})}
    whole, first, second = (make_trainer(out, **settings) for out in (None, tmp_path, tmp_path))
    stop_after(first, 4)
    first.run()
    saved, _, _ = load_pretrained(newest_intact(tmp_path))
    average, trained = first.ema.model.state_dict(), first.model.state_dict()
    assert all(torch.equal(tensor, average[name]) for name, tensor in saved.state_dict().items())
    assert not torch.equal(average["image_projection.weight"], trained["image_projection.weight"])
    second.resume()
    whole.run(), second.run()
    assert_same_bits(whole, second)
    theirs = second.ema.model.state_dict()
    assert all(
        torch.equal(tensor, theirs[name]) for name, tensor in whole.ema.model.state_dict().items()
    )


def test_an_average_that_forgets_nothing_is_refused():
    with pytest.raises(UserError, match="averaging must be less than 1") as error:
        make_trainer(averaging=1.0)
    one_line(error.value)


@pytest.mark.parametrize("machine", [{}, {"micro_batch": 3}])
def test_recomputed_activations_give_the_same_gradients(machine):
    kept, recomputed = (
        make_trainer(patch_dropout=0.5, machine={**machine, "recompute": recompute})
        for recompute in (False, True)
    )
    kept.run(), recomputed.run()
    assert_same_bits(kept, recomputed)


def test_a_model_without_transformer_blocks_has_nothing_to_recompute():
    with pytest.raises(UserError, match="use micro-batches") as error:
        recompute_activations(small_clip(CONVNET, BAG_OF_WORDS))
    one_line(error.value)


COMPILED = """
from trainers import make_trainer
plain, compiled = make_trainer(pairs=16), make_trainer(pairs=16, machine={"compile": True})
plain.set_training(), compiled.set_training()
for _ in range(2):
    ours, theirs = compiled.train_step()["loss"], plain.train_step()["loss"]
    assert abs(ours - theirs) < 1e-4 * theirs, (ours, theirs)
"""


@pytest.mark.slow
def test_a_compiled_model_learns_the_same():
    """In a process of its own, without the type checks of the tests: they cannot be compiled."""
    if not shutil.which("c++"):
        pytest.skip("torch.compile needs a C++ compiler")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(
        [sys.executable, "-c", COMPILED], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_fine_tuning_starts_from_the_given_model(tmp_path, capsys):
    """At a rate of nearly nothing the run ends where it began, with the model's own tokenizer
    and preprocessing.
    """
    start = write_small_model(tmp_path / "start")
    command = [
        "train",
        "--from",
        str(start),
        "--rates",
        "1e-9",
        "--pairs",
        "8",
        "--batch-size",
        "4",
        "--threads",
        "1",
        "--device",
        "cpu",
        "--precision",
        "fp32",
        "--json",
        "--out",
        str(tmp_path / "run"),
    ]
    assert main(command) == 0
    assert json.loads(capsys.readouterr().out)["finished"]
    before, after = (
        load_pretrained(folder)[0].state_dict()
        for folder in (start, newest_intact(tmp_path / "run"))
    )
    assert before.keys() == after.keys()
    for name, tensor in after.items():
        torch.testing.assert_close(tensor, before[name], rtol=1e-5, atol=1e-6)
    assert load(tmp_path / "run").embed_dim == load(start).embed_dim
    assert load_file(newest_intact(tmp_path / "run") / "optimizer.safetensors")


def test_fine_tuning_from_nothing_is_refused_in_one_line(tmp_path, capsys):
    assert (
        main(
            [
                "train",
                "--from",
                str(tmp_path / "absent"),
                "--pairs",
                "8",
                "--out",
                str(tmp_path / "run"),
            ]
        )
        == 2
    )
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.slow  # tiny's run is the quick one
def test_a_short_run_of_the_classroom_recipe_gives_the_losses_that_were_logged(tmp_path):
    """From the warm-up to the end, patches left out in its first three quarters: in float32, so on
    any processor up to rounding.
    """
    golden = json.loads((SUPPORT / "golden_classroom.json").read_text())
    command = [*shlex.split(golden["command"])[1:], "--out", str(tmp_path / "run"), "--json"]
    assert main(command) == 0
    with (tmp_path / "run" / "log.csv").open() as log:
        losses = [float(row["loss"]) for row in csv.DictReader(log)]
    assert losses == pytest.approx(golden["losses"], rel=1e-4)


@pytest.mark.slow
def test_a_shipped_twins_command_gives_the_losses_that_were_logged(tmp_path):
    """Its first 200 of 1,172 steps again: the same numbers on the same kind of processor with
    the same torch.
    """
    golden = json.loads((SUPPORT / "golden_run.json").read_text())
    if golden["processor"] not in cpu_flags() or torch.__version__ != golden["torch"]:
        pytest.skip(
            f"the losses were logged with {golden['processor']} and torch {golden['torch']}"
        )
    steps = len(golden["losses"])
    stop = (
        "import sys\n"
        "from clipbench.cli import main\n"
        "from clipbench.training.trainer import Trainer\n"
        "emit = Trainer.emit\n"
        "def counted(trainer, event, **data):\n"
        f"    trainer.stopping.set() if trainer.step == {steps} else None\n"
        "    return emit(trainer, event, **data)\n"
        "Trainer.emit = counted\n"
        "sys.exit(main(sys.argv[1:]))"
    )
    command = [*golden["command"].split()[1:], "--out", str(tmp_path / "run"), "--json"]
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", stop, *command], cwd=root, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    with (tmp_path / "run" / "log.csv").open() as log:
        losses = [float(row["loss"]) for row in csv.DictReader(log)]
    assert losses == pytest.approx(golden["losses"], rel=1e-6)
