"""Folders that are written whole or not at all, and training checkpoints that can be verified.

A checkpoint is a folder ``step-00001200`` in the run's folder. It is written under another name,
synced to the disk and renamed, so a crash or a full disk leaves the earlier checkpoints as they
were. Every file's SHA-256 is in ``checkpoint.json``; the newest folder whose hashes agree is the
one to resume from.
"""

import json
import shutil
from pathlib import Path

from clipbench.files import sha256

MANIFEST = "checkpoint.json"


def step_folder(run: Path, step: int) -> Path:
    return run / f"step-{step:08d}"


def write_manifest(folder: Path, state: dict) -> None:
    """Write checkpoint.json: ``state`` and the hash of every other file in the folder."""
    hashes = {file.name: sha256(file) for file in sorted(folder.iterdir()) if file.name != MANIFEST}
    (folder / MANIFEST).write_text(
        json.dumps({**state, "sha256": hashes}, indent=1) + "\n", encoding="utf-8"
    )


def read_manifest(folder: Path) -> dict | None:
    """Read the state of a checkpoint; None when a file is missing or differs from its hash."""
    try:
        state = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        intact = all(sha256(folder / name) == digest for name, digest in state["sha256"].items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return state if intact else None


def checkpoints(run: Path) -> list[Path]:
    """List the run's checkpoint folders, newest first, intact or not."""
    return sorted(run.glob("step-*"), reverse=True)


def newest_intact(run: Path) -> Path | None:
    """Find the newest intact checkpoint, the one to load or resume from."""
    return next((folder for folder in checkpoints(run) if read_manifest(folder) is not None), None)


def best_checkpoint(run: Path) -> Path | None:
    """Find the checkpoint with the largest score; None when none has a score.

    Of equal ones it is the newest.
    """
    scores = {folder: score_of(folder) for folder in checkpoints(run)}
    scored = {folder: score for folder, score in scores.items() if score is not None}
    return max(scored, key=scored.__getitem__, default=None)


def score_of(folder: Path) -> float | None:
    try:
        score = json.loads((folder / MANIFEST).read_text(encoding="utf-8")).get("score")
        return float(score)
    except (OSError, ValueError, TypeError, AttributeError):
        return None


def forget_old(run: Path, keep: int) -> None:
    """Delete all but the newest ``keep`` checkpoints and the best one.

    What a killed writer left behind goes too.
    """
    best = best_checkpoint(run)
    for folder in [*checkpoints(run)[keep:], *run.glob(".step-*")]:
        if folder != best:
            shutil.rmtree(folder, ignore_errors=True)
