"""Make the students' notebooks from the solutions.

    python -m tools.build_exercises notebooks/exercises

The solution is the source, NN_topic_solution.py. It becomes two notebooks: NN_topic_solution.ipynb,
which is the whole of it and keeps the outputs of cells that have not changed, and NN_topic.ipynb,
without outputs, from which the answers are cut:

* a cell with the tag ``solution`` is left out;
* in a code cell a line ``# solution`` and all lines after it become three dots, at the same
  indentation;
* a line ``name = value  # solution``, or ``name: value,  # solution`` of a dict, keeps its name
  only.
"""

import re
import sys
from copy import deepcopy
from pathlib import Path

ENDING = "_solution"
DOTS = "...  # your code here"


def without_solutions(notebook):
    """Make the students' version of a notebook."""
    notebook = deepcopy(notebook)
    notebook.cells = [
        cell for cell in notebook.cells if "solution" not in cell.metadata.get("tags", [])
    ]
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.source = cut(cell.source)
    return notebook


def cut(source: str) -> str:
    """Remove the answers from the code of a cell."""
    source = re.sub(r"^([ \t]*)# solution$[\s\S]*", rf"\1{DOTS}", source, flags=re.MULTILINE)
    return re.sub(
        r"^([^\n#]*[=:] ).*?(,?)  # solution$",
        r"\1...\2  # your answer",
        source,
        flags=re.MULTILINE,
    )


def student_path(solution: Path) -> Path:
    return solution.with_name(solution.stem.removesuffix(ENDING) + ".ipynb")


def versions(solution: Path) -> dict:
    """Map path -> notebook: the two notebooks that belong to one source.

    Their cells always have the same ids.
    """
    import jupytext

    whole = jupytext.read(solution)
    made = {solution.with_suffix(".ipynb"): whole, student_path(solution): without_solutions(whole)}
    for notebook in made.values():
        for number, cell in enumerate(notebook.cells):
            cell["id"] = f"cell-{number}"
    return made


def keep_outputs(notebook, before) -> None:
    """Give each code cell the outputs that the same cell had before, while all above it are equal.

    A cell below one that has changed may answer otherwise now, so its outputs go.
    """
    for cell, old in zip(notebook.cells, before.cells, strict=False):
        if cell.source != old.source or cell.cell_type != old.cell_type:
            return
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = old.outputs, old.execution_count


def build(folder: Path) -> list[Path]:
    import nbformat

    written = []
    for solution in sorted(folder.glob(f"*{ENDING}.py")):
        for path, notebook in versions(solution).items():
            if path == solution.with_suffix(".ipynb") and path.exists():
                keep_outputs(notebook, nbformat.read(path, as_version=4))
            nbformat.write(notebook, path)
            written.append(path)
    return written


if __name__ == "__main__":
    for path in build(Path(sys.argv[1])):
        print(path)
