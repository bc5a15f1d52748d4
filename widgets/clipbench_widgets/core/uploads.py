"""Files that a person uploads.

Only here is it known that ipywidgets 7 and 8 hand them over differently.
"""

from collections.abc import Callable
from dataclasses import dataclass

import ipywidgets

from clipbench import UserError, open_picture
from clipbench.preprocess import PICTURE_SUFFIXES
from clipbench_widgets.core.pictures import NamedPicture

MEGABYTE = 1 << 20
MAX_BYTES = 8 * MEGABYTE  # Jupyter's connection drops messages above 10 MB
LIMIT = f"at most {MAX_BYTES // MEGABYTE} MB"
# times the shorter; a thread of pixels, made wide enough for a model, fills the memory
LONGEST_SIDES = 20
ACCEPTED = ",".join(PICTURE_SUFFIXES)  # what a browser offers to choose from


@dataclass(frozen=True)
class UploadedFile:
    name: str
    content: bytes


def picture_upload(
    take: Callable[[NamedPicture], None], say: Callable[[str], None], tooltip: str = ""
) -> ipywidgets.FileUpload:
    """Return a button that uploads one picture.

    Args:
        take: called with each picture; may raise a UserError.
        say: called with a sentence on what is wrong with a file, or with "".
    """
    upload = ipywidgets.FileUpload(accept=ACCEPTED, multiple=False, description="Upload a picture")
    upload.add_class("clipbench-upload")
    if tooltip and upload.has_trait("tooltip"):  # not in ipywidgets 7
        upload.tooltip = tooltip

    def uploaded(_) -> None:
        files = take_files(upload)
        if not files:
            return
        say("")
        try:
            take(uploaded_picture(files[-1]))
        except UserError as error:
            say(str(error))

    upload.observe(uploaded, "value")
    return upload


def take_files(upload: ipywidgets.FileUpload) -> list[UploadedFile]:
    """What was uploaded; the button is emptied, so that the same file can be chosen again."""
    files = uploaded_files(upload)
    if files:
        forget_files(upload)
    return files


def uploaded_files(upload: ipywidgets.FileUpload) -> list[UploadedFile]:
    if isinstance(upload.value, dict):  # ipywidgets 7: name -> metadata and content
        return [
            UploadedFile(str(name), bytes(file["content"])) for name, file in upload.value.items()
        ]
    return [UploadedFile(str(file["name"]), bytes(file["content"])) for file in upload.value]


def forget_files(upload: ipywidgets.FileUpload) -> None:
    if isinstance(upload.value, dict):
        upload.metadata, upload.data = [], []
        upload._counter = 0  # ipywidgets 7 makes `value` anew when this changes
    else:
        upload.value = ()


def uploaded_picture(file: UploadedFile) -> NamedPicture:
    """The picture in a file.

    Raises:
        UserError: when the file is too large or cannot be used as a picture; the message names it.
    """
    name = short_name(file.name)
    if len(file.content) > MAX_BYTES:
        size = len(file.content) / MEGABYTE
        raise UserError(f"{name} has {size:.1f} MB; choose a picture of {LIMIT}")
    try:
        picture = open_picture(file.content)
    except UserError as error:
        raise UserError(str(error).replace("the uploaded picture", name)) from None
    # damaged files find their way to every error that a decoder can raise
    except Exception as error:
        raise UserError(f"{name} cannot be read as a picture: {error}") from None
    if max(picture.size) > LONGEST_SIDES * min(picture.size):
        shape = f"{picture.width} x {picture.height} pixels"
        raise UserError(f"{name} is too narrow with {shape}; cut out a part of it")
    return NamedPicture(name, picture)


def short_name(name: str, longest: int = 40) -> str:
    """A file name for one line of text, its end kept."""
    name = " ".join(name.split()) or "the file"
    return name if len(name) <= longest else f"{name[: longest - 12]}…{name[-11:]}"
