"""The monitor around real, small trainings: it starts, rests and stops them, and changes
nothing about them.
"""

import io
import math
import threading

import pytest
import torch
from PIL import Image
from small import EightPairs
from trainers import small_bundle

from clipbench import Machine, TrainConfig, Trainer, UserError
from clipbench_widgets import TrainingMonitor
from clipbench_widgets.training_monitor.app import MOST_POINTS, matrix_png
from clipbench_widgets.training_monitor.page import charts, duration, numbers

SECONDS = 60


def small_trainer(pairs: int = 160, out=None, stream=None) -> Trainer:
    torch.manual_seed(0)
    config = TrainConfig(batch_size=8, pairs=pairs, learning_rate=5e-3)
    return Trainer(small_bundle(), stream or EightPairs(), config, out, machine=Machine(threads=1))


class Held:
    """A callback that holds the training after a step, until it is let go."""

    def __init__(self, monitor: TrainingMonitor, step: int):
        self.reached, self.go, self.step = threading.Event(), threading.Event(), step
        monitor.trainer.callbacks.insert(0, self)

    def __call__(self, event: dict) -> None:
        if event["event"] == "step" and event["step"] == self.step:
            self.reached.set()
            assert self.go.wait(SECONDS)


def wait_for(monitor: TrainingMonitor, state: str) -> None:
    reached = threading.Event()
    monitor.observe(lambda change: reached.set() if change.new == state else None, "state")
    assert monitor.state == state or reached.wait(SECONDS), monitor.state


def test_the_matrix_compares_the_first_pairs_of_the_data():
    monitor = TrainingMonitor(small_trainer())
    model, pairs = monitor.trainer.model.eval(), EightPairs()(0, len(monitor.similarities))
    with torch.no_grad():
        images = model.encode_image(monitor.trainer.preprocess.normalise(pairs.images))
        cosines = model.encode_text(monitor.trainer.tokenizer(pairs.captions)) @ images.T
    torch.testing.assert_close(monitor.similarities, cosines, rtol=0, atol=1e-5)


def test_a_training_runs_to_its_end_while_the_notebook_is_free():
    monitor = TrainingMonitor(small_trainer(stream=EightPairs()))
    held = Held(monitor, step=3)
    before = monitor.similarities
    monitor._start.click()
    assert held.reached.wait(SECONDS)  # here the kernel is free, in the middle of a training
    assert monitor.state == "running" and monitor._start.disabled and not monitor._stop.disabled
    held.go.set()
    monitor.wait(SECONDS)
    assert monitor.state == "finished" and monitor.latest["step"] == 20
    assert [row["step"] for row in monitor.history] == list(range(1, 21))
    assert monitor.history[-1]["loss"] < monitor.history[0]["loss"]
    assert not torch.equal(before, monitor.similarities) and monitor._bar.value == 1.0
    assert monitor._start.disabled and monitor._pause.disabled and monitor._stop.disabled
    monitor.start()  # nothing: it is finished
    assert monitor.state == "finished"


def test_the_matrix_comes_into_order():
    monitor = TrainingMonitor(small_trainer(pairs=480))
    monitor.start()
    monitor.wait(SECONDS)
    assert monitor.diagonal_accuracy == 1.0  # eight pairs, learned by heart
    assert "first for 100 % of the pictures" in monitor._caption.value


def test_the_weights_are_those_of_a_training_without_a_monitor():
    alone, watched = small_trainer(), small_trainer()
    alone.run()
    monitor = TrainingMonitor(watched)
    monitor.start()
    monitor.wait(SECONDS)
    for one, other in zip(alone.model.parameters(), watched.model.parameters(), strict=True):
        assert torch.equal(one, other)


def test_a_pause_rests_between_two_steps_and_goes_on():
    monitor = TrainingMonitor(small_trainer())
    held = Held(monitor, step=5)
    monitor.start()
    assert held.reached.wait(SECONDS)
    monitor._pause.click()
    held.go.set()
    wait_for(monitor, "paused")
    step = monitor.trainer.step
    assert step == 5 and not monitor._start.disabled and "Go on" in monitor._start.description
    monitor.wait(0.2)
    assert monitor._runner.running and monitor.trainer.step == step
    monitor._start.click()
    monitor.wait(SECONDS)
    assert monitor.state == "finished" and monitor.trainer.step == 20


def test_a_stop_ends_a_pause_too_and_the_training_can_go_on():
    monitor = TrainingMonitor(small_trainer())
    held = Held(monitor, step=2)
    monitor.start()
    assert held.reached.wait(SECONDS)
    monitor.pause()
    held.go.set()
    wait_for(monitor, "paused")
    monitor._stop.click()
    monitor.wait(SECONDS)
    assert monitor.state == "stopped" and monitor.trainer.step == 2
    monitor.start()
    monitor.wait(SECONDS)
    assert monitor.state == "finished" and monitor.trainer.step == 20
    assert [row["step"] for row in monitor.history] == list(range(1, 21))


def test_an_error_ends_the_training_with_a_line_and_not_the_notebook():
    class Broken(EightPairs):
        def __call__(self, start, count):
            if start >= 24:
                raise RuntimeError("no <more> pairs")
            return super().__call__(start, count)

    monitor = TrainingMonitor(small_trainer(stream=Broken()))
    monitor.start()
    monitor.wait(SECONDS)
    assert monitor.state == "failed" and monitor.message == "RuntimeError: no <more> pairs"
    assert "no &lt;more&gt; pairs" in monitor._notice.value and not monitor._start.disabled


def test_a_trainer_that_somebody_else_runs_is_shown_and_never_held_back():
    monitor = TrainingMonitor(small_trainer())
    monitor.pause()
    end = monitor.trainer.run()  # in this thread
    assert end["finished"] and monitor.state == "finished" and len(monitor.history) == 20


def test_checkpoints_are_named_and_hostile_folders_stay_text(tmp_path):
    out = tmp_path / "<b>run"
    monitor = TrainingMonitor(small_trainer(pairs=16, out=out))
    assert "&lt;b&gt;run" in monitor._title.value and "<b>run" not in monitor._title.value
    monitor.start()
    monitor.wait(SECONDS)
    assert list(out.glob("step-*"))


def test_state_in_words_and_as_a_figure():
    monitor = TrainingMonitor(small_trainer(pairs=40))
    assert monitor.summary() == "ready: no step yet" and "–" in monitor._numbers.value
    with pytest.raises(UserError, match="start the training"):
        monitor.to_static()
    monitor.start()
    monitor.wait(SECONDS)
    assert monitor.summary().startswith("finished at step 5 after 40 pairs: loss")
    assert f"(guessing: {math.log(8):.2f})" in monitor.summary() and "TrainingMonitor" in repr(
        monitor
    )
    monitor.to_static().savefig(io.BytesIO(), format="png", dpi=30)


def test_long_curves_are_thinned_and_keep_their_ends():
    monitor = TrainingMonitor(small_trainer())
    for step in range(1, 4000):
        monitor._chart_at = monitor._matrix_at = math.inf
        monitor._on_step(
            {"event": "step", "step": step, "pairs": 8 * step, "loss": 1.0, "progress": 0.5}
        )
    steps = [row["step"] for row in monitor.history]
    assert MOST_POINTS / 3 < len(steps) <= MOST_POINTS and steps == sorted(set(steps))
    assert steps[0] < 10 and steps[-1] > 3980


@pytest.mark.parametrize("loss", [math.nan, math.inf, 1e9, 0.0])
def test_any_loss_can_be_drawn(loss):
    row = {
        "step": 1,
        "loss": loss,
        "smoothed": math.nan,
        "batch_accuracy": 0.1,
        "scale": 14.3,
        "pairs": 8,
        "pairs_per_second": 10.0,
        "seconds": 61.0,
    }
    page = charts([row], 8, math.log(8)) + numbers(row, 8, math.log(8))
    assert "nan" not in page and "ln 8 = 2.08" in page
    assert duration(61.0) == "in 1 min 01 s"


def test_another_objective_has_its_own_line_of_guessing_and_its_bias():
    row = {"step": 1, "loss": 3.0, "smoothed": 3.0, "batch_accuracy": 0.1, "scale": 10.0}
    row |= {"pairs": 8, "pairs_per_second": 10.0, "seconds": 1.0, "bias": -9.5}
    page = charts([row], 8, 3.01) + numbers(row, 8, 3.01)
    assert "3.01: guessing" in page and "ln 8" not in page and "times the cosines, -9.5" in page


def test_the_matrix_is_a_small_picture_with_one_cell_a_pair():
    picture = Image.open(io.BytesIO(matrix_png(torch.eye(16))))
    assert picture.size == (256, 256) and len(picture.getcolors()) == 2
    assert picture.getpixel((0, 0)) == picture.getpixel((255, 255)) != picture.getpixel((255, 0))


def test_what_is_no_trainer_is_refused():
    with pytest.raises(UserError, match="str is no Trainer"):
        TrainingMonitor("tiny")
