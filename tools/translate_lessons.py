"""Make notebooks in other languages: the cells of a lesson with translated prose.

``python -m tools.translate_lessons`` writes notebooks/translations/NN_topic.LANGUAGE.ipynb for each
NN_topic.LANGUAGE.md beside it. Such a file holds the prose of the lesson's text cells, each below a
line ``<!-- cell DIGEST -->`` with the first eight digits of the SHA-256 of the English cell. Where
the English changed, the digest no longer fits, and the cell has to be translated again. Code and
outputs are the lesson's own.
"""

import copy
import hashlib
import re
import sys
from pathlib import Path

import nbformat
from nbformat import NotebookNode

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
FOLDER = NOTEBOOKS / "translations"
CELL = re.compile(r"^<!-- cell ([0-9a-f]{8}) -->\n", re.MULTILINE)


def digest(source: str) -> str:
    """Give the first eight digits of the SHA-256 of a cell's text."""
    return hashlib.sha256(source.encode("utf-8")).hexdigest()[:8]


def prose_of(path: Path) -> list[tuple[str, str]]:
    """Read (digest, text) of each translated cell."""
    _, *parts = CELL.split(path.read_text(encoding="utf-8"))
    return [(parts[i], parts[i + 1].strip()) for i in range(0, len(parts), 2)]


def lesson_of(path: Path) -> Path:
    """Find the executed lesson that a file of prose belongs to."""
    return NOTEBOOKS / f"{path.name.split('.')[0]}.ipynb"


def stale_cells(path: Path) -> list[str]:
    """List the English cells whose translation is missing or older than they are."""
    lesson = nbformat.read(lesson_of(path), as_version=4)
    english = [cell.source for cell in lesson.cells if cell.cell_type == "markdown"]
    digests = [each for each, _ in prose_of(path)]
    kept = [digest(source) == known for source, known in zip(english, digests, strict=False)]
    fits = [*kept, *[False] * (len(english) - len(kept))]
    return [source for source, fit in zip(english, fits, strict=True) if not fit]


def translated(path: Path) -> NotebookNode:
    """Give the lesson with its text cells in the language of ``path``.

    Raises:
        ValueError: for another number of text cells than the lesson has.
    """
    notebook = copy.deepcopy(nbformat.read(lesson_of(path), as_version=4))
    cells = [cell for cell in notebook.cells if cell.cell_type == "markdown"]
    texts = [text for _, text in prose_of(path)]
    if len(cells) != len(texts):
        raise ValueError(f"{path.name} has {len(texts)} text cells, the lesson {len(cells)}")
    for cell, text in zip(cells, texts, strict=True):
        cell.source = text
    notebook.metadata.pop("jupytext", None)  # the source of this notebook is no .py file
    return notebook


def main() -> int:
    """Write all notebooks; fail where a cell has to be translated again."""
    stale = 0
    for path in sorted(FOLDER.glob("*.md")):
        for source in stale_cells(path):
            print(f"{path.name}: translate again: {source.splitlines()[0]}")
            stale += 1
        nbformat.write(translated(path), path.with_suffix(".ipynb"))
        print(path.with_suffix(".ipynb").relative_to(NOTEBOOKS))
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
