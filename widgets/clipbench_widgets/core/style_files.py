"""Read the apps' style sheets, which lie beside their modules."""

from importlib.resources import files
from string import Template


def sheet(name: str, **values: object) -> str:
    """Return a style sheet of this package.

    Args:
        name: its path in the package, such as "core/theme.css".
        values: what stands for each ``${name}`` in it.
    """
    text = files("clipbench_widgets").joinpath(*name.split("/")).read_text(encoding="utf-8")
    return Template(text).substitute(values)
