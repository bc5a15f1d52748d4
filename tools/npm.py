"""Packages of npm that a tool or a test needs, by name and version, kept in ``build/npm``."""

import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from clipbench.errors import UserError

KEPT = Path(__file__).parents[1] / "build" / "npm"
SECONDS = 180  # for a download


def package(name: str, version: str) -> Path:
    """Return the folder of a package, fetched by ``npm pack`` where it is not there yet.

    Raises:
        UserError: without npm, and when the package cannot be fetched.
    """
    folder = KEPT / f"{name}-{version}"
    if not folder.exists():
        fetch(f"{name}@{version}", folder)
    return folder


def fetch(wanted: str, folder: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise UserError(f"{wanted} comes from npm, which is not installed; install Node.js")
    KEPT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=KEPT) as partial:  # two may fetch at once
        unpack(npm, wanted, Path(partial))
        if not folder.exists():
            (Path(partial) / "package").rename(folder)


def unpack(npm: str, wanted: str, partial: Path) -> None:
    try:
        answer = subprocess.run(
            [npm, "pack", wanted, "--silent"],
            cwd=partial, capture_output=True, text=True, timeout=SECONDS,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise UserError(f"npm did not fetch {wanted} in {SECONDS} s; try again later") from None
    if answer.returncode:
        raise UserError(f"npm cannot fetch {wanted}: {(answer.stderr.strip() or '?')[-300:]}")
    with tarfile.open(next(partial.glob("*.tgz"))) as archive:
        archive.extractall(partial, filter="data")
