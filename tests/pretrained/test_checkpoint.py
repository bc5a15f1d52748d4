"""Facts about checkpoints: whole or not at all, whatever happens while they are written."""

import errno
import itertools
import multiprocessing
import os
import random
import time
from pathlib import Path

import pytest
from forked import in_a_fork, on_a_full_disk
from small import one_line, small_clip, write_small_model

from clipbench import UserError
from clipbench.files import atomic_folder
from clipbench.pretrained.checkpoint import (
    MANIFEST,
    checkpoints,
    forget_old,
    newest_intact,
    read_manifest,
    step_folder,
    write_manifest,
)

ROOT = Path(__file__).parents[2]


def write_checkpoint(run: Path, step: int, content: bytes = b"weights") -> Path:
    folder = step_folder(run, step)
    with atomic_folder(folder) as part:
        (part / "model.safetensors").write_bytes(content)
        write_manifest(part, {"step": step})
    return folder


# -------------------- whole or nothing


def test_a_folder_appears_only_when_it_is_complete(tmp_path):
    folder = tmp_path / "run" / "model"
    with atomic_folder(folder) as part:
        (part / "a").write_text("1")
        assert not folder.exists()
    assert (folder / "a").read_text() == "1" and list(tmp_path.rglob(".*")) == []


def test_a_failure_leaves_the_earlier_folder_and_no_rubbish(tmp_path):
    folder = write_checkpoint(tmp_path, 1)
    before = read_manifest(folder)
    with pytest.raises(RuntimeError), atomic_folder(folder) as part:
        (part / "model.safetensors").write_text("half")
        raise RuntimeError("stopped in the middle")
    assert read_manifest(folder) == before and [path.name for path in tmp_path.iterdir()] == [
        folder.name
    ]


def test_a_second_writing_replaces_the_first(tmp_path):
    write_checkpoint(tmp_path, 1, b"first")
    folder = write_checkpoint(tmp_path, 1, b"second")
    assert (folder / "model.safetensors").read_bytes() == b"second" and read_manifest(folder)
    assert [path.name for path in tmp_path.iterdir()] == [folder.name]


def test_every_file_is_on_the_disk_before_the_folder_gets_its_name(tmp_path, monkeypatch):
    done = []
    monkeypatch.setattr("clipbench.files.sync", lambda path: done.append(path.name))
    monkeypatch.setattr(os, "rename", lambda source, target: done.append("rename"))
    with atomic_folder(tmp_path / "model") as part:
        for name in ("a", "b"):
            (part / name).write_text(name)
    assert sorted(done[:3]) == [".model.part", "a", "b"] and done[2:] == [
        ".model.part",
        "rename",
        tmp_path.name,
    ]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EFBIG, errno.EDQUOT])
def test_a_full_disk_is_said_in_one_line(tmp_path, number):
    with (
        pytest.raises(UserError, match="no space left to write") as error,
        atomic_folder(tmp_path / "x"),
    ):
        raise OSError(number, os.strerror(number))
    one_line(error.value)


def test_a_place_under_a_file_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(UserError, match="cannot write") as error,
        atomic_folder(tmp_path / "file" / "run"),
    ):
        pass
    one_line(error.value)


# -------------------- integrity


def test_the_newest_intact_checkpoint_is_found(tmp_path):
    assert newest_intact(tmp_path) is None
    old, new = write_checkpoint(tmp_path, 9), write_checkpoint(tmp_path, 10)
    assert newest_intact(tmp_path) == new and read_manifest(new)["step"] == 10
    (new / "model.safetensors").unlink()
    assert newest_intact(tmp_path) == old


@pytest.mark.parametrize("name", ["model.safetensors", MANIFEST])
def test_a_flipped_bit_is_detected(tmp_path, name):
    folder = write_checkpoint(tmp_path, 1, bytes(1000))
    data = bytearray((folder / name).read_bytes())
    place = data.index(b'"sha256"') + 40 if name == MANIFEST else 567
    data[place] ^= 1
    (folder / name).write_bytes(data)
    assert read_manifest(folder) is None


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "{}", '{"sha256": {"gone": "00"}}'])
def test_a_broken_manifest_is_no_checkpoint(tmp_path, text):
    folder = write_checkpoint(tmp_path, 1)
    (folder / MANIFEST).write_text(text)
    assert read_manifest(folder) is None


@pytest.mark.parametrize("keep", [1, 2, 5])
def test_only_the_newest_checkpoints_are_kept(tmp_path, keep):
    for step in (1, 20, 300):
        write_checkpoint(tmp_path, step)
    (tmp_path / "log.csv").write_text("kept")
    forget_old(tmp_path, keep)
    assert [int(path.name[5:]) for path in checkpoints(tmp_path)] == [300, 20, 1][:keep]
    assert (tmp_path / "log.csv").exists()


def test_what_a_killed_writer_left_behind_is_cleared_away(tmp_path):
    for name in (".step-00000002.part", ".step-00000001.old"):
        (tmp_path / name).mkdir()
    folder = write_checkpoint(tmp_path, 3)
    forget_old(tmp_path, 2)
    assert list(tmp_path.iterdir()) == [folder]


# -------------------- kill and fill


def save_for_ever(run: Path, step: int) -> None:
    for each in itertools.count(step):
        shown = each if each % 3 else each - 1  # so that a third of them replaces another
        write_checkpoint(run, shown, each.to_bytes(8, "little") * 250_000)
        forget_old(run, 2)


def newest_step(run: Path) -> int:
    folder = newest_intact(run)
    # None, too, when it has just been replaced
    manifest = read_manifest(folder) if folder else None
    return manifest["step"] if manifest else 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="starts its writers by forking")
def test_killing_the_writer_never_leaves_a_corrupt_newest_checkpoint(tmp_path):
    dice, newest = random.Random(0), 0
    for _ in range(12):
        writer = multiprocessing.get_context("fork").Process(
            target=save_for_ever, args=(tmp_path, newest + 1)
        )
        writer.start()
        # however slow the machine, each writer gets to its first save
        while newest_step(tmp_path) <= newest:
            assert writer.is_alive()
            time.sleep(0.002)
        time.sleep(dice.uniform(0, 0.1))  # some saves, each of a few milliseconds
        writer.kill()
        writer.join()
        survivor = read_manifest(checkpoints(tmp_path)[0])
        assert survivor, "the newest checkpoint is intact; an older one may be half deleted"
        assert survivor["step"] >= newest - 1, "at most the save in progress is lost"
        newest = survivor["step"]
    assert newest > 6, "the writers did write"


def write_another_model(folder: Path) -> None:
    try:
        write_small_model(folder, small_clip(seed=1))
    except UserError as error:
        print(error)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="runs in a fork")
def test_a_full_disk_leaves_the_earlier_model(tmp_path):
    folder = write_small_model(tmp_path / "model", small_clip(seed=0))
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    _, output, errors = in_a_fork(tmp_path / "prints", on_a_full_disk, write_another_model, folder)
    assert output.startswith(f"no space left to write {folder}") and output.count("\n") == 1, errors
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model", "prints"]
