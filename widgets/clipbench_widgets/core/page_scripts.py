"""Scripts that run in the page, from files beside this module."""

from html import escape
from importlib.resources import files

PIXEL = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"


def running(name: str, **data: str) -> str:
    """Return HTML that runs a script once it is shown.

    A page runs no ``<script>`` of HTML that comes later, but what an image asks for when it has
    loaded; there, ``this`` is the image.

    Args:
        data: what the script finds in the image's ``dataset``.
    """
    script = files("clipbench_widgets.core").joinpath(name).read_text(encoding="utf-8")
    values = "".join(f' data-{key}="{escape(value)}"' for key, value in data.items())
    return f'<img alt="" hidden{values} src="{PIXEL}" onload="{escape(script)}">'
