"""Give every notebook a first cell that installs clipbench on Colab, and does nothing elsewhere.

The cell is made from the one address of the project, [project.urls] in pyproject.toml, and is
absent while there is none. ``python tools/docs/build.py`` (make docs) writes it into the percent
files and notebooks alike, and takes it away again.
"""

import re
from pathlib import Path

import nbformat
from nbformat import NotebookNode

TAG = "colab"
HEADER = re.compile(r"\A# ---\n.*?^# ---\n", re.DOTALL | re.MULTILINE)
CELL = re.compile(rf'\n# %% tags=\["{TAG}"\]\n.*?(?=\n# %%)', re.DOTALL)

CODE = """\
# On Colab this installs clipbench. Anywhere else it does nothing.
import importlib.util
import subprocess
import sys

found = [importlib.util.find_spec(name) for name in ("google", "clipbench")]
if found[0] and importlib.util.find_spec("google.colab") and not found[1]:
    packages = ["-m", "pip", "install", "-q", "{requirement}"]
    subprocess.run([sys.executable, *packages], check=True)"""


def code(address: str) -> str:
    """Write the cell for the project's address."""
    return CODE.format(requirement=f"clipbench[maps] @ git+{address}")


def in_percent(text: str, address: str | None) -> str:
    """Give a percent file with the cell right below its header, or without where there is none."""
    text = CELL.sub("", text)
    if address is None:
        return text
    header = HEADER.match(text)
    place = header.end() if header else 0
    return f'{text[:place]}\n# %% tags=["{TAG}"]\n{code(address)}\n{text[place:]}'


def in_notebook(notebook: NotebookNode, address: str | None) -> NotebookNode:
    """Give a notebook with the cell on top, or without it. Its other cells stay as they are."""
    kept = [cell for cell in notebook.cells if TAG not in cell.metadata.get("tags", [])]
    if address is not None:
        cell = nbformat.v4.new_code_cell(code(address), id=TAG, metadata={"tags": [TAG]})
        kept.insert(0, cell)
    return NotebookNode({**notebook, "cells": kept})


def changed(folder: Path, address: str | None) -> dict[Path, str]:
    """Find the files below ``folder`` whose first cell is not what the address says: new texts."""
    new = {}
    for path in sorted([*folder.rglob("[0-9][0-9]_*.py"), *folder.rglob("[0-9][0-9]_*.ipynb")]):
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".py":
            wanted = in_percent(text, address)
        else:
            notebook = nbformat.reads(text, as_version=4)
            made = in_notebook(notebook, address)
            wanted = text if made == notebook else nbformat.writes(made) + "\n"
        if wanted != text:
            new[path] = wanted
    return new


def write(folder: Path, address: str | None) -> list[Path]:
    """Bring the first cells of all notebooks up to date, and return the files that changed."""
    new = changed(folder, address)
    for path, text in new.items():
        path.write_text(text, encoding="utf-8")
    return list(new)
