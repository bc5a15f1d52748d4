"""The cell that installs clipbench on Colab: made from the project's address, silent elsewhere."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

jupytext = pytest.importorskip("jupytext")
nbformat = pytest.importorskip("nbformat")

from tools.docs import colab  # noqa: E402
from tools.docs.build import project_address  # noqa: E402

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
ADDRESS = "https://github.com/some-body/their.repo"


def test_the_notebooks_have_what_the_projects_address_says():
    assert not colab.changed(NOTEBOOKS, project_address()), "run make docs"


@pytest.fixture
def folder(tmp_path):
    """A lesson, its notebook, and exercises of it."""
    (tmp_path / "exercises").mkdir()
    for name in ("06_zero_shot_and_probe", "exercises/06_zero_shot_and_probe_solution"):
        for ending in (".py", ".ipynb"):
            source = NOTEBOOKS / f"{name}{ending}"
            (tmp_path / f"{name}{ending}").write_bytes(source.read_bytes())
    return tmp_path


def test_the_cell_comes_on_top_once_and_goes_without_a_trace(folder):
    before = {path: path.read_bytes() for path in folder.rglob("0*")}
    assert len(colab.write(folder, ADDRESS)) == 4
    assert not colab.write(folder, ADDRESS)  # once is enough
    for path in before:
        first, second = jupytext.read(path).cells[:2]
        assert first.source == colab.code(ADDRESS) and first.metadata["tags"] == ["colab"]
        assert second.cell_type == "markdown" and second.source.startswith("# ")
    assert len(colab.write(folder, None)) == 4
    assert {path: path.read_bytes() for path in before} == before


def test_another_address_takes_the_place_of_the_first(folder):
    colab.write(folder, "https://github.com/old/one")
    colab.write(folder, ADDRESS)
    texts = [path.read_text(encoding="utf-8") for path in folder.rglob("0*")]
    assert not any("old/one" in text for text in texts)
    assert all(text.count(ADDRESS) == 1 for text in texts)


@pytest.mark.parametrize(
    "there, installs",
    [
        ((), False),  # a laptop
        (("clipbench",), False),
        (("google",), False),  # another package of that name
        (("google", "google.colab"), True),
        (("google", "google.colab", "clipbench"), False),  # run again
    ],
)
def test_it_installs_on_colab_only_and_once(there, installs, monkeypatch):
    asked = []
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name in there or None)
    monkeypatch.setattr(subprocess, "run", lambda command, check: asked.append(command))
    exec(colab.code(ADDRESS), {})
    wanted = ["-m", "pip", "install", "-q", f"clipbench[maps] @ git+{ADDRESS}"]
    assert asked == ([[sys.executable, *wanted]] if installs else [])


def test_where_there_is_no_package_google_it_does_nothing(monkeypatch):
    """Looking for google.colab alone would raise there."""
    monkeypatch.setattr(subprocess, "run", lambda *args, **options: pytest.fail("it installs"))
    monkeypatch.setitem(sys.modules, "google", None)
    with pytest.raises((ModuleNotFoundError, ValueError)):
        importlib.util.find_spec("google.colab")
    monkeypatch.delitem(sys.modules, "google")
    exec(colab.code(ADDRESS), {})
