"""Files and folders that are written whole or not at all, and their hashes."""

import contextlib
import errno
import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from safetensors import SafetensorError

from clipbench.errors import UserError

# a model or a data set of the hub, owner/name
HUB_ID = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*")
# what comes with the package: checkpoints, fonts, pictures, records
ASSETS = Path(__file__).parent / "assets"


@contextlib.contextmanager
def atomic_folder(folder: Path) -> Iterator[Path]:
    """Write a folder whole or not at all.

    Write into the folder that this yields; on success it becomes ``folder``, on any failure it
    disappears.

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


def atomic_write(file: Path, content: bytes) -> None:
    """Write a file whole or not at all, and the folders that it lies in.

    Raises:
        UserError: when it cannot be written.
    """
    part = file.with_name(f".{file.name}.part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(content)
        os.replace(part, file)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink()
        raise UserError(f"cannot write {file}: {error.strerror}") from None


def system_error(error: Exception) -> int | None:
    """Find the system's error number for a failed write.

    safetensors gives it in its message only.
    """
    if isinstance(error, OSError):
        return error.errno
    found = re.search(r"\(os error (\d+)\)", str(error))
    return int(found[1]) if found else None


def replace_folder(part: Path, folder: Path) -> None:
    """Put ``part`` in the place of ``folder``.

    Between the two renames the old content has another name.
    """
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


def as_utf8(text: str) -> str:
    """Escape what is no UTF-8 in a text, as JSON escapes it.

    Such is a file's name from an old disk.
    """
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def sha256(file: Path) -> str:
    digest = hashlib.sha256()
    with open(file, "rb") as data:
        while chunk := data.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()
