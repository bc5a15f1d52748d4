"""Facts about the lock of a run's folder: it keeps a second run out, and a dead owner keeps
nobody out.
"""

import json
import os
import subprocess
import sys
import time

import pytest
from small import one_line

from clipbench import UserError
from clipbench.training.run_lock import LOCK, STALE, locked, this_process


def test_a_folder_is_held_and_freed(tmp_path):
    run = tmp_path / "deep" / "run"
    with locked(run):
        assert json.loads((run / LOCK).read_text()) == this_process()
        told = f"in use by process {os.getpid()} on .*another --out"
        with pytest.raises(UserError, match=told) as error, locked(run):
            pass
        one_line(error.value)
        assert (run / LOCK).exists(), "the second one took nothing away"
    assert not (run / LOCK).exists()


def test_an_error_frees_the_folder(tmp_path):
    with pytest.raises(RuntimeError), locked(tmp_path):
        raise RuntimeError
    assert not (tmp_path / LOCK).exists()


def write_lock(run, **changes) -> None:
    (run / LOCK).write_text(json.dumps({**this_process(), **changes}))


def ended_process() -> int:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


@pytest.mark.skipif(os.name != "posix", reason="other systems go by the time of the last touch")
def test_the_lock_of_a_dead_process_is_taken_over(tmp_path):
    write_lock(tmp_path, pid=ended_process())
    with locked(tmp_path):
        assert json.loads((tmp_path / LOCK).read_text()) == this_process()


@pytest.mark.skipif(
    not this_process()["started"], reason="the system does not tell when a process began"
)
def test_a_process_number_used_again_is_no_owner(tmp_path):
    write_lock(tmp_path, started="1")
    with locked(tmp_path):
        pass


@pytest.mark.parametrize("age, held", [(0, True), (STALE + 60, False)])
def test_another_machines_lock_counts_while_it_is_touched(tmp_path, age, held):
    write_lock(tmp_path, host="elsewhere")
    os.utime(tmp_path / LOCK, (time.time() - age,) * 2)
    if held:
        with pytest.raises(UserError, match="on elsewhere"), locked(tmp_path):
            pass
    else:
        with locked(tmp_path):
            pass


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": 1}'])
def test_an_unfinished_lock_holds_nobody_up(tmp_path, content):
    (tmp_path / LOCK).write_text(content)
    with locked(tmp_path):
        pass


def test_a_place_that_cannot_be_written_brings_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(UserError, match="cannot write to") as error,
        locked(tmp_path / "file" / "run"),
    ):
        pass
    one_line(error.value)


def test_a_run_without_a_folder_needs_no_lock(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with locked(None):
        assert list(tmp_path.iterdir()) == []
