"""Facts about sweeps: what a file means, and that runs are made once, whole, and whatever stops."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from small import one_line, small_config

from clipbench import UserError
from clipbench.cli import main
from clipbench.training.presets import PRESETS
from clipbench.training.sweep import Sweep, read_sweep, share

ROOT = Path(__file__).parents[2]


def write_sweep(folder: Path, **parts) -> Path:
    """A sweep of a model that trains in a second."""
    preset = PRESETS["tiny-one-caption"].to_dict() | {"model": small_config().to_dict()}
    preset["model"]["text"]["vocab_size"] = 4096
    preset["train"] |= {"batch_size": 8, "minutes": None, "pairs": 16}
    (folder / "toy.json").write_text(json.dumps(preset))
    told = {
        "presets": [str(folder / "toy.json")],
        "seeds": [0, 1],
        "evaluate": [["scene-tasks", "--tasks", "word_order", "--pictures", "20", "--train", "0"]],
    }
    (folder / "sweep.json").write_text(json.dumps(told | parts))
    return folder / "sweep.json"


def test_every_preset_setting_and_seed_is_one_run():
    sweep = Sweep(["tiny", "a/b.json"], [0, 1], {"pairs": 9}, {"rates": [1, 2], "compile": [True]})
    assert len(sweep.runs) == 8 == len({run.name for run in sweep.runs})
    last = sweep.runs[-1]
    assert last.name == "b-rates=2-compile=True-seed1"
    assert last.words(Path("out"))[-5:] == ["--pairs", "9", "--rates", "2", "--compile"]


def test_shares_are_the_whole_and_overlap_nowhere():
    runs = Sweep(["tiny"], list(range(7))).runs
    shares = [share(runs, number, 3) for number in (1, 2, 3)]
    assert sorted(run.seed for part in shares for run in part) == list(range(7))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


@pytest.mark.parametrize(
    "told, message",
    [
        ({"preset": ["tiny"]}, "a list of presets"),
        ({"presets": ["tiny"], "seed": [1]}, "no part 'seed' of a sweep (did you mean 'seeds'?)"),
        ({"presets": ["tiny"], "seeds": []}, "seeds must be a list"),
        ({"presets": ["tiny"], "seeds": ["a"]}, "seeds must be whole numbers"),
        ({"presets": ["tiny"], "train": []}, "train must be an object"),
        ({"presets": ["tiny"], "grid": {"rates": 1}}, "grid: rates must be a list"),
        ({"presets": ["tiny"], "train": {"rates": 1}, "grid": {"rates": [1]}}, "in train and in"),
        ({"presets": ["tiny", "x/tiny.json"]}, "two runs are called tiny-seed0"),
    ],
)
def test_a_wrong_file_is_refused_in_one_line(tmp_path, told, message):
    (tmp_path / "sweep.json").write_text(json.dumps(told))
    with pytest.raises(UserError) as error:
        read_sweep(tmp_path / "sweep.json")
    assert message in one_line(error.value)


@pytest.mark.parametrize(
    "parts, message",
    [
        ({"train": {"ratse": 2}}, "did you mean '--rates'"),
        ({"presets": ["tniy"]}, "did you mean 'tiny'"),
        ({"evaluate": [["zero-shoot"]]}, "did you mean 'zero-shot'"),
    ],
)
def test_every_command_is_checked_before_the_first_one_runs(tmp_path, capsys, parts, message):
    file = write_sweep(tmp_path, **parts)
    assert main(["sweep", str(file), "--out", str(tmp_path / "out")]) == 2
    assert message in capsys.readouterr().err and not (tmp_path / "out").exists()


@pytest.mark.parametrize("text", ["0/2", "3/2", "1", "a/b"])
def test_a_wrong_share_is_refused(tmp_path, capsys, text):
    assert main(["sweep", "x.json", "--out", str(tmp_path), "--only", text]) == 2
    assert "must be K/N" in capsys.readouterr().err


@pytest.mark.slow  # trains in processes of their own
def test_the_shares_of_an_array_make_the_table_of_all_and_nothing_twice(tmp_path, capsys):
    file, out = write_sweep(tmp_path), tmp_path / "out"
    command = ["sweep", str(file), "--out", str(out), "--json"]
    assert main([*command, "--only", "1/2"]) == 0
    half = json.loads(capsys.readouterr().out)
    assert len(half["missing"]) == 1 and half["table"][0]["seeds"] == 1
    assert main([*command, "--only", "2/2"]) == 0
    whole = json.loads(capsys.readouterr().out)
    (row,) = whole["table"]
    assert not whole["missing"] and (row["setting"], row["seeds"]) == ("toy", 2)
    assert row["least"] <= row["mean"] <= row["most"] and row["low"] <= row["high"]
    times = {path: path.stat().st_mtime_ns for path in out.rglob("*.json")}
    assert main(command) == 0
    assert times == {path: path.stat().st_mtime_ns for path in out.rglob("*.json")}
    capsys.readouterr()
    assert main(["sweep", str(file), "--out", str(out), "--table"]) == 0
    assert "word_order/zero" in capsys.readouterr().out


@pytest.mark.slow  # trains in processes of their own
def test_a_run_that_fails_is_told_and_stops_no_other(tmp_path, capsys):
    file, out = write_sweep(tmp_path), tmp_path / "out"
    (out / "toy-seed0").mkdir(parents=True)
    (out / "toy-seed0" / "step-00000001").write_text("no folder")
    assert main(["sweep", str(file), "--out", str(out), "--json"]) == 1
    result = json.loads(capsys.readouterr().out)
    assert list(result["failed"]) == ["toy-seed0"] and len(result["table"]) == 1


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_a_sweep_that_is_ended_goes_on_to_the_same_numbers(tmp_path, capsys):
    file = write_sweep(tmp_path, seeds=[0], train={"pairs": 1200})
    left_alone = ["sweep", str(file), "--out", str(tmp_path / "alone"), "--json"]
    assert main(left_alone) == 0
    expected = json.loads(capsys.readouterr().out)["table"]
    out = tmp_path / "ended"
    process = subprocess.Popen(
        [sys.executable, "-m", "clipbench", "sweep", str(file), "--out", str(out)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stderr=subprocess.PIPE,
    )
    log = out / "toy-seed0" / "log.csv"
    deadline = time.monotonic() + 120
    while not (log.exists() and log.read_text().count("\n") > 20):
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    _, told = process.communicate(timeout=300)
    assert process.returncode == 130, told
    assert list((out / "toy-seed0").glob("step-*")) and not (out / "records").exists()
    assert main(["sweep", str(file), "--out", str(out), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["table"] == expected
