"""Facts about the lock of a run's folder: it keeps a second run out, and a dead owner keeps
nobody out.
"""

import subprocess
import sys

import pytest
from small import one_line

from clipbench import UserError
from clipbench.training.run_lock import locked

HOLDER = """
import sys, time
from pathlib import Path
from clipbench.training.run_lock import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def refused(run) -> UserError:
    with pytest.raises(UserError, match="in use by another process") as error, locked(run):
        pass
    return error.value


def test_a_folder_is_held_and_freed(tmp_path):
    run = tmp_path / "deep" / "run"
    with locked(run):
        one_line(refused(run))
        refused(run)  # the second one took nothing away
    with locked(run):
        pass


def test_an_error_frees_the_folder(tmp_path):
    with pytest.raises(RuntimeError), locked(tmp_path):
        raise RuntimeError
    with locked(tmp_path):
        pass


def test_another_process_holds_the_folder_until_it_is_killed(tmp_path):
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "held\n"
        refused(tmp_path)
        holder.kill()
    with locked(tmp_path):
        pass


@pytest.mark.parametrize("content", ["", "{", '{"pid": 1, "host": "elsewhere", "started": "1"}'])
def test_a_file_that_nobody_holds_is_no_lock(tmp_path, content):
    (tmp_path / "run.lock").write_text(content)
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
