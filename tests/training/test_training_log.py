"""Facts about what a run leaves to read: all events, each step once, whatever killed the run or
filled the disk.
"""

import sys

import pytest

from clipbench import UserError
from clipbench.training.log import EVENTS, STEPS, TrainingLog, read_events, read_steps


def step(number: int, **more) -> dict:
    return {
        "event": "step",
        "step": number,
        "pairs": 8 * number,
        "seconds": 0.5 * number,
        "loss": 1 / number,
        "batch_accuracy": 0.5,
        "scale": 14.3,
        "learning_rate": 0.002,
        "gradient_norm": 1.0,
        "pairs_per_second": 16.0,
        **more,
    }


def log_of(folder, first: int, last: int, **options) -> TrainingLog:
    log = TrainingLog(folder, **options)
    log({"event": "start", "step": first, "threads": 1})
    for number in range(first + 1, last + 1):
        log(step(number))
    return log


def test_every_event_is_kept_and_every_step_is_a_row(tmp_path):
    log = log_of(tmp_path, 0, 3)
    log({"event": "hint", "step": 3, "text": "naïve 🙂"})
    log({"event": "end", "step": 3})
    assert [event["event"] for event in read_events(tmp_path)] == [
        "start",
        "step",
        "step",
        "step",
        "hint",
        "end",
    ]
    assert read_events(tmp_path)[4]["text"] == "naïve 🙂"
    assert [row["loss"] for row in read_steps(tmp_path)] == [1, 0.5, 0.333333]
    assert log.last["step"] == 3 and log.start["threads"] == 1


def test_steps_after_the_checkpoint_are_logged_once(tmp_path):
    log_of(tmp_path, 0, 5)  # killed here
    log_of(tmp_path, 3, 6)  # resumed from a checkpoint of step 3
    assert [row["step"] for row in read_steps(tmp_path)] == [1, 2, 3, 4, 5, 6]
    assert [event["step"] for event in read_events(tmp_path)] == [0, 1, 2, 3, 4, 5, 3, 4, 5, 6], (
        "both sessions"
    )


def test_half_a_line_is_left_out(tmp_path):
    log_of(tmp_path, 0, 2)
    for name in (STEPS, EVENTS):
        content = (tmp_path / name).read_text()
        (tmp_path / name).write_text(content[:-3])
    assert [row["step"] for row in read_steps(tmp_path)] == [1]
    log_of(tmp_path, 1, 2)
    assert [row["step"] for row in read_steps(tmp_path)] == [1, 2]
    assert [event["event"] for event in read_events(tmp_path)] == ["start", "step", "start", "step"]


def test_a_full_disk_does_not_end_the_training(tmp_path):
    class FullDisk:
        def write(self, _):
            raise OSError(28, "No space left on device")

    log = log_of(tmp_path, 0, 1)
    whole, log.files = log.files, [log.files[0], FullDisk()]
    log(step(2))
    log.files = whole
    log(step(3))
    assert [event["step"] for event in read_events(tmp_path)] == [0, 1, 3] and log.last["step"] == 3


def test_there_is_nothing_to_read_before_a_run(tmp_path):
    assert read_steps(tmp_path) == [] and read_events(tmp_path) == []


def test_the_numbers_are_written_for_tensorboard(tmp_path):
    event_file = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    log_of(tmp_path, 0, 3, tensorboard=True)({"event": "end", "step": 3})
    board = event_file.EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    assert [entry.step for entry in board.Scalars("loss")] == [1, 2, 3]
    assert [entry.value for entry in board.Scalars("loss")] == pytest.approx([1, 1 / 2, 1 / 3])


def test_without_tensorboard_the_way_to_get_it_is_said(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(
        UserError, match=r"needs tensorboard: pip install .clipbench\[tensorboard\]"
    ):
        TrainingLog(tmp_path, tensorboard=True)
