"""The exercises: fresh, solvable, unsolved for students, linked from their lesson."""

import re

import pytest
from notebook_runner import NOTEBOOKS, printed, run, shown

from tools.build_exercises import keep_outputs, student_path, versions, without_solutions

jupytext = pytest.importorskip("jupytext")
nbformat = pytest.importorskip("nbformat")
code_cell = nbformat.v4.new_code_cell

EXERCISES = NOTEBOOKS / "exercises"
SOLUTIONS = sorted(EXERCISES.glob("*_solution.py"))
NAMES = [path.stem for path in SOLUTIONS]


def verdicts(notebook) -> list[str]:
    """The mark of each check: ✓ right, ✗ wrong, ○ not answered."""
    return [text[0] for text in shown(notebook) if text[0] in "✓✗○"]


def checks(notebook) -> int:
    return sum(len(re.findall(r"\.check_\w+\(", cell.source)) for cell in notebook.cells)


def test_every_notebook_of_exercises_has_a_solution():
    built = set(EXERCISES.glob("*.ipynb"))
    assert built == {
        made for path in SOLUTIONS for made in (path.with_suffix(".ipynb"), student_path(path))
    }


@pytest.mark.parametrize("path", SOLUTIONS, ids=NAMES)
def test_what_students_get_is_made_from_the_solution(path):
    for file, wanted in versions(path).items():
        built = jupytext.read(file)
        facts = [[(cell.cell_type, cell.source) for cell in one.cells] for one in (built, wanted)]
        assert facts[0] == facts[1], f"{file.name} is stale: run make exercises"
        if file == student_path(path):
            assert not any(cell.get("outputs") for cell in built.cells)


@pytest.mark.parametrize("path", SOLUTIONS, ids=NAMES)
def test_what_a_solution_shows_is_that_every_check_is_passed(path):
    stored = jupytext.read(path.with_suffix(".ipynb"))
    code = [cell for cell in stored.cells if cell.cell_type == "code"]
    if not any(cell.outputs for cell in code):
        pytest.skip("not executed yet")
    assert verdicts(stored) == ["✓"] * checks(stored)


def test_outputs_are_kept_as_far_as_nothing_above_has_changed():
    before = nbformat.v4.new_notebook(
        cells=[code_cell("a = 1"), code_cell("a"), code_cell("a + 1")]
    )
    for cell in before.cells:
        cell.outputs, cell.execution_count = [nbformat.v4.new_output("stream", text="1")], 1
    after = nbformat.v4.new_notebook(
        cells=[code_cell("a = 1"), code_cell("2 * a"), code_cell("a + 1")]
    )
    keep_outputs(after, before)
    assert [len(cell.outputs) for cell in after.cells] == [1, 0, 0]


@pytest.mark.parametrize("path", SOLUTIONS, ids=NAMES)
def test_no_answer_is_left_for_students(path):
    solved, unsolved = jupytext.read(path), without_solutions(jupytext.read(path))
    text = "\n".join(cell.source for cell in unsolved.cells)
    assert "solution" not in text.lower()
    code = [cell for cell in unsolved.cells if cell.cell_type == "code"]
    to_do = [
        cell for cell in code if "..." in cell.source or "broken" in cell.metadata.get("tags", [])
    ]
    assert len(to_do) == checks(unsolved) == checks(solved) >= 3


@pytest.mark.parametrize("path", SOLUTIONS, ids=NAMES)
def test_a_lesson_and_its_exercises_name_each_other(path):
    lesson = path.name.replace("_solution.py", ".py")
    assert f"](exercises/{student_path(path).name})" in (NOTEBOOKS / lesson).read_text()
    assert f"](../{student_path(path).name})" in path.read_text()


@pytest.mark.notebook
@pytest.mark.parametrize("path", SOLUTIONS, ids=NAMES)
def test_the_solution_passes_every_check(path, monkeypatch):
    notebook = run(jupytext.read(path), monkeypatch, folder=EXERCISES)
    assert verdicts(notebook) == ["✓"] * checks(notebook), printed(notebook)


@pytest.mark.notebook
@pytest.mark.parametrize("path", SOLUTIONS, ids=NAMES)
def test_before_anything_is_answered_every_check_says_so_and_none_is_passed(path, monkeypatch):
    notebook = run(
        without_solutions(jupytext.read(path)), monkeypatch, folder=EXERCISES, allow_errors=True
    )
    assert len(verdicts(notebook)) == checks(notebook) and "✓" not in verdicts(notebook)
