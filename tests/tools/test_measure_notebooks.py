"""The measurement of notebooks sees time, memory, a limit, and cells that show something else
each time.
"""

import sys

import pytest

nbformat = pytest.importorskip("nbformat")
pytest.importorskip("nbclient")
pytest.importorskip("psutil")
if not sys.platform.startswith("linux"):
    pytest.skip("needs /proc and taskset", allow_module_level=True)

from tools.measure_notebooks import differing, digest, measured, memory_group, table  # noqa: E402


def notebook_of(tmp_path, *cells: str):
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source) for source in cells]
    )
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    nbformat.write(notebook, tmp_path / "small.ipynb")
    return tmp_path / "small.ipynb"


@pytest.mark.notebook
def test_memory_is_seen_and_cells_that_change_are_named(tmp_path):
    sources = [
        "held = bytearray(200_000_000); len(held)",
        "import random; random.random()",
        "3 + 4",
    ]
    row = measured(notebook_of(tmp_path, *sources), "tiny", 2048, 2, tmp_path)
    assert row["error"] is None and row["cells"] == 3 and row["cells_that_differ"] == [2]
    assert 200 < row["peak_mb"] < 600 and row["seconds"] > 0


@pytest.mark.notebook
def test_a_kernel_that_takes_too_much_is_stopped_by_the_limit(tmp_path):
    with memory_group(512) as group:
        if group is None:
            pytest.skip("this user cannot make control groups")
    row = measured(notebook_of(tmp_path, "held = b'x' * 1_000_000_000"), "tiny", 512, 1, tmp_path)
    assert row["error"] and row["limited"]


@pytest.mark.notebook
def test_an_error_in_a_cell_is_told(tmp_path):
    row = measured(notebook_of(tmp_path, "1 / 0"), "tiny", 2048, 1, tmp_path)
    assert "ZeroDivisionError" in row["error"]


def test_only_what_is_shown_is_compared():
    def cell(**data):
        return nbformat.v4.new_code_cell(
            outputs=[nbformat.v4.new_output("display_data", data=data)]
        )

    assert digest(cell(text="<thing at 0x7f12>")) == digest(cell(text="<thing at 0x99ab>"))
    assert digest(cell(text="0.51")) != digest(cell(text="0.52"))
    assert differing([["a", "b"], ["a", "c"]]) == [2]


def test_the_table_adds_up():
    rows = [
        {"notebook": "00", "seconds": 30.4, "peak_mb": 700},
        {"notebook": "01", "seconds": 60.2, "peak_mb": 1200},
    ]
    assert table({"notebooks": rows}).splitlines()[-1] == "| all | 91 | 1,200 MB |"
