"""Every lesson runs from a cold kernel, without network, in under a minute, and has its shape."""

import ast
import re
from pathlib import Path

import pytest
from notebook_runner import NOTEBOOKS, figures, printed, run
from random_checkpoint import HUB_ID, write_hub_cache

from clipbench.pretrained.random_weights import MARK

jupytext = pytest.importorskip("jupytext")

LESSONS = sorted(NOTEBOOKS.glob("[0-9][0-9]_*.py"))
NAMES = [path.stem for path in LESSONS]
OF_A_HUB_MODEL = [path for path in LESSONS if HUB_ID in path.read_text(encoding="utf-8")]

# What the tests write into the cell tagged "parameters", so that nothing takes long.
QUICK = {
    "MINUTES": "0.05",
    "FIRST_SECONDS": "1",
    "ENOUGH": "0",
    "DEMO_SECONDS": "1",
    "STEPS": "40",
    "SEEDS": "2",
}

# --- running them ------------------------------------------------------------------------------


def read(path: Path):
    """The lesson without the cell that installs it on Colab; tests/tools/test_colab_cell.py."""
    notebook = jupytext.read(path)
    notebook.cells = [
        cell for cell in notebook.cells if "colab" not in cell.metadata.get("tags", [])
    ]
    return notebook


def with_parameters(notebook, values: dict[str, str]):
    """The notebook with other values in its parameters cell, which has to be the first code
    cell.
    """
    cell = next(cell for cell in notebook.cells if cell.cell_type == "code")
    assert "parameters" in cell.metadata.get("tags", [])
    for name, value in values.items():
        cell.source = re.sub(
            rf"^{name} = \S+", f"{name} = {value}", cell.source, flags=re.MULTILINE
        )
    return notebook


def execute(path: Path, monkeypatch, cores: str | None = None, scale: str = "tiny"):
    """Run a lesson with quick settings, and return it with its outputs."""
    return run(with_parameters(read(path), QUICK), monkeypatch, cores, scale=scale)


@pytest.mark.notebook
@pytest.mark.parametrize("path", LESSONS, ids=NAMES)
def test_a_lesson_runs_from_a_cold_kernel_without_network(path, monkeypatch):
    notebook = execute(path, monkeypatch)
    assert figures(notebook) and all(figures(notebook)), "a figure without a sentence for it"


@pytest.mark.notebook
@pytest.mark.parametrize("enough, slow", [("10**9", True), ("0", False)])
def test_the_live_training_stops_early_on_a_slow_machine_only(enough, slow, monkeypatch):
    monkeypatch.setitem(QUICK, "MINUTES", "0.1")  # six seconds, and one on a slow machine
    monkeypatch.setitem(QUICK, "ENOUGH", enough)
    notebook = execute(NOTEBOOKS / "01_pretraining.py", monkeypatch)
    assert ("from here on we use the shipped model" in printed(notebook)) == slow
    assert any("Two curves over the seconds of training" in figure for figure in figures(notebook))


@pytest.mark.slow
@pytest.mark.notebook
def test_without_a_hub_the_last_lesson_runs_with_random_weights_and_says_so(monkeypatch, tmp_path):
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    notebook = execute(NOTEBOOKS / "14_real_checkpoints.py", monkeypatch, scale="full")
    assert "those of ViT-B/32 with RANDOM weights" in printed(notebook)


@pytest.fixture(scope="module")
def hub_of_random_weights(tmp_path_factory):
    """An HF_HOME whose ViT-B/32 has random weights and narrow layers."""
    return write_hub_cache(tmp_path_factory.mktemp("hf"))


@pytest.mark.slow
@pytest.mark.notebook
@pytest.mark.parametrize("path", OF_A_HUB_MODEL, ids=lambda path: path.stem)
def test_at_full_scale_a_lesson_runs_and_its_figures_say_that_the_weights_are_random(
    path, monkeypatch, hub_of_random_weights
):
    monkeypatch.setenv("HF_HOME", str(hub_of_random_weights))
    notebook = execute(path, monkeypatch, scale="full")
    assert any(figure.startswith(MARK) for figure in figures(notebook))


# --- their shape -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def lessons() -> dict:
    """The notebooks by their names; nobody changes them."""
    return {path.stem: read(path) for path in LESSONS}


def prose(notebook) -> list[str]:
    return [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]


def code(notebook) -> list[str]:
    return [cell.source for cell in notebook.cells if cell.cell_type == "code"]


def first_verbs(text: str, pattern: str) -> list[str]:
    return re.findall(pattern, text, flags=re.MULTILINE)


def test_a_lesson_opens_with_what_we_will_do_and_closes_with_what_we_did(lessons):
    for name, notebook in lessons.items():
        first, *_, last = prose(notebook)
        assert first.startswith("# ") and "In this notebook we will" in first, name
        promised = first_verbs(first, r"^\* \*\*(\w+)\*\*")
        kept = first_verbs(last.partition("## What we did")[2], r"^\* We \*\*(\w+)\*\*")
        assert 3 <= len(promised) <= 5, name
        assert len(kept) == len(promised), f"{name}: {promised} and {kept}"


def test_only_the_first_cell_reads_the_environment(lessons):
    for name, notebook in lessons.items():
        first, *others = code(notebook)
        assert 'os.environ.get("CLIPBENCH_SCALE", "classroom")' in first, name
        assert not [cell for cell in others if re.search(r"environ|getenv|CLIPBENCH_", cell)], name


def test_no_lesson_installs_anything_or_touches_the_path(lessons):
    forbidden = re.compile(r"^[!%]|sys\.path|pip install", re.M)
    assert not [
        (name, cell)
        for name, notebook in lessons.items()
        for cell in code(notebook)
        if forbidden.search(cell)
    ]


def test_cells_are_short_and_asked_before_answered(lessons):
    for name, notebook in lessons.items():
        lines = [
            len([line for line in cell.splitlines() if line.strip()]) for cell in code(notebook)
        ]
        assert sorted(lines)[len(lines) // 2] <= 6 and max(lines) <= 16, name
        assert sum("**Predict" in text for text in prose(notebook)) >= 4, name


def test_no_lesson_keeps_a_progress_bar_that_has_stopped():
    bar = re.compile(r"\d+%\|")
    stored = [path.with_suffix(".ipynb") for path in LESSONS]
    assert not [path.name for path in stored if bar.search(path.read_text(encoding="utf-8"))]


def test_the_code_of_a_lesson_is_plain_python(lessons):
    for name, notebook in lessons.items():
        ast.parse("\n".join(code(notebook)), filename=name)
