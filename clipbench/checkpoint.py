"""Folders that are written whole or not at all, and training checkpoints that say whether they are intact.

A checkpoint is a folder ``step-00001200`` in the run's folder. It is written under another name, synced to the
disk and renamed, so a crash or a full disk leaves the earlier checkpoints as they were. Every file's SHA-256 is
in ``checkpoint.json``; the newest folder whose hashes agree is the one to resume from.
"""

import contextlib
import errno
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from safetensors import SafetensorError

from clipbench.errors import UserError

MANIFEST = "checkpoint.json"


@contextlib.contextmanager
def written_whole(folder: Path) -> Iterator[Path]:
    """Write into the folder that this yields; on success it becomes ``folder``, on any failure it disappears.

    Raises:
        UserError: when the disk is full or the place cannot be written to.
    """
    part = folder.with_name(f".{folder.name}.part")
    try:
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        yield part
        for file in part.iterdir():
            sync(file)
        sync(part)
        replace_folder(part, folder)
    except (OSError, SafetensorError) as error:
        number = system_error(error)
        if number in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT):
            what_now = "free some and try again (nothing there was changed)"
            raise UserError(f"no space left to write {folder}; {what_now}") from error
        if number in (errno.EACCES, errno.EROFS, errno.ENOTDIR, errno.EEXIST, errno.EPERM):
            raise UserError(f"cannot write {folder}: {os.strerror(number)}") from error
        raise
    finally:
        shutil.rmtree(part, ignore_errors=True)


def system_error(error: Exception) -> int | None:
    """The system's number for a failed write; safetensors gives it in its message only."""
    if isinstance(error, OSError):
        return error.errno
    found = re.search(r"\(os error (\d+)\)", str(error))
    return int(found[1]) if found else None


def replace_folder(part: Path, folder: Path) -> None:
    """Put ``part`` in the place of ``folder``; between the two renames the old content has another name."""
    old = folder.with_name(f".{folder.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        os.rename(folder, old)
    os.rename(part, folder)
    sync(folder.parent)
    shutil.rmtree(old, ignore_errors=True)


def sync(path: Path) -> None:
    """Make sure that a file or folder is on the disk (folders: only where the system can)."""
    if path.is_dir() and os.name == "nt":
        return
    handle = os.open(path, os.O_RDONLY if path.is_dir() or os.name != "nt" else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def step_folder(run: Path, step: int) -> Path:
    return run / f"step-{step:08d}"


def write_manifest(folder: Path, state: dict) -> None:
    """Write checkpoint.json: ``state`` and the hash of every other file in the folder."""
    hashes = {file.name: sha256(file) for file in sorted(folder.iterdir()) if file.name != MANIFEST}
    (folder / MANIFEST).write_text(json.dumps({**state, "sha256": hashes}, indent=1) + "\n", encoding="utf-8")


def sha256(file: Path) -> str:
    digest = hashlib.sha256()
    with open(file, "rb") as data:
        while chunk := data.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def read_manifest(folder: Path) -> dict | None:
    """The state of a checkpoint; None when a file is missing or differs from its hash."""
    try:
        state = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        intact = all(sha256(folder / name) == digest for name, digest in state["sha256"].items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return state if intact else None


def checkpoints(run: Path) -> list[Path]:
    """The run's checkpoint folders, newest first, intact or not."""
    return sorted(run.glob("step-*"), reverse=True)


def newest_intact(run: Path) -> Path | None:
    """The checkpoint to load or resume from."""
    return next((folder for folder in checkpoints(run) if read_manifest(folder) is not None), None)


def best_checkpoint(run: Path) -> Path | None:
    """The checkpoint with the largest score, of equal ones the newest; None when none has a score."""
    scores = {folder: score_of(folder) for folder in checkpoints(run)}
    scored = {folder: score for folder, score in scores.items() if score is not None}
    return max(scored, key=scored.get, default=None)


def score_of(folder: Path) -> float | None:
    try:
        score = json.loads((folder / MANIFEST).read_text(encoding="utf-8")).get("score")
        return float(score)
    except (OSError, ValueError, TypeError, AttributeError):
        return None


def forget_old(run: Path, keep: int) -> None:
    """Delete all but the newest ``keep`` checkpoints and the best one, and what a killed writer left behind."""
    best = best_checkpoint(run)
    for folder in [*checkpoints(run)[keep:], *run.glob(".step-*")]:
        if folder != best:
            shutil.rmtree(folder, ignore_errors=True)
