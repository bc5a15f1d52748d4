"""Files that a person uploads.

A script in the page (``uploads.js``) makes pictures smaller before they are sent; where a page
allows no scripts, they are sent as they are. Only here is it known that ipywidgets 7 and 8 hand
files over differently.
"""

from collections.abc import Callable
from dataclasses import dataclass

import ipywidgets

from clipbench import UserError, open_picture
from clipbench.preprocess import PICTURE_SUFFIXES, is_heic
from clipbench_widgets.core.page_scripts import running
from clipbench_widgets.core.pictures import NamedPicture

MEGABYTE = 1 << 20
# Jupyter's connection drops messages above 10 MB; uploads.js has this limit, too
MAX_BYTES = 8 * MEGABYTE
LIMIT = "shrunk to 1,024 pixels"
# times the shorter; a thread of pixels, made wide enough for a model, fills the memory
LONGEST_SIDES = 20
ACCEPTED = ",".join(PICTURE_SUFFIXES)  # what a browser offers to choose from


@dataclass(frozen=True)
class UploadedFile:
    name: str
    content: bytes


class PictureUpload(ipywidgets.Box):
    """A button that uploads one picture, whose longest side the browser makes 1,024 pixels at most.

    Args:
        take: called with each picture; may raise a UserError.
        say: called with a sentence on what is wrong with a file, or with "".
    """

    def __init__(
        self,
        take: Callable[[NamedPicture], None],
        say: Callable[[str], None],
        tooltip: str = "",
    ):
        self._take, self._say = take, say
        self.button = ipywidgets.FileUpload(
            accept=ACCEPTED, multiple=False, description="Upload a picture"
        )
        self.button.add_class("clipbench-upload")
        if tooltip and self.button.has_trait("tooltip"):  # not in ipywidgets 7
            self.button.tooltip = tooltip
        super().__init__([self.button, ipywidgets.HTML(running("uploads.js"))])
        self.add_class("clipbench-upload-box")
        self.button.observe(self._uploaded, "value")

    def _uploaded(self, _) -> None:
        taken = take_files(self.button)
        if not taken:
            return
        self._say("")
        try:
            self._take(uploaded_picture(taken[-1]))
        except UserError as error:
            self._say(str(error))


def take_files(upload: ipywidgets.FileUpload) -> list[UploadedFile]:
    """Return what was uploaded, and empty the button so that the same file can be chosen again."""
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
    """Open the picture in a file.

    Raises:
        UserError: when the file is too large, of a kind that only some browsers can read, or no
            picture; the message names it.
    """
    name = short_name(file.name)
    if is_heic(file.content[:12]):
        raise UserError(
            f"{name} is a HEIC picture, which this browser cannot read; save it as a JPEG "
            "(on an iPhone: Settings > Camera > Formats > Most Compatible)"
        )
    if len(file.content) > MAX_BYTES:
        raise UserError(
            f"{name} has more than {MAX_BYTES // MEGABYTE} MB, and the browser could not make it "
            "smaller; save it as a JPEG"
        )
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
    """Shorten a file name for one line of text, its end kept."""
    name = " ".join(name.split()) or "the file"
    return name if len(name) <= longest else f"{name[: longest - 12]}…{name[-11:]}"
