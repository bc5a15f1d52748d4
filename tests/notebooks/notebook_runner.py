"""How the tests execute a notebook: in a kernel of its own, at the smallest scale, without
network.
"""

from pathlib import Path

import pytest

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"

# Runs before the first cell: a notebook that reaches for the network fails at once.
NO_NETWORK = """
import socket

def refuse(self, address):
    host = address[0] if isinstance(address, tuple) else "localhost"
    if host not in ("127.0.0.1", "::1", "localhost"):
        raise OSError(f"a lesson reached for the network: {address}")
    return connect(self, address)

connect, socket.socket.connect = socket.socket.connect, refuse
"""


def run(
    notebook,
    monkeypatch,
    cores: str | None = None,
    folder: Path = NOTEBOOKS,
    allow_errors: bool = False,
    scale: str = "tiny",
):
    """Execute a notebook, and return it with its outputs."""
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    settings = {
        "CLIPBENCH_SCALE": scale,
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
        "CPU_LIMIT": cores,
    }
    for name, value in settings.items():
        monkeypatch.delenv(name, raising=False)
        if value is not None:
            monkeypatch.setenv(name, value)
    notebook.cells.insert(0, nbformat.v4.new_code_cell(NO_NETWORK))
    where = {"metadata": {"path": str(folder)}}
    options = {
        "timeout": 300,
        "kernel_name": "python3",
        "resources": where,
        "allow_errors": allow_errors,
    }
    nbclient.NotebookClient(notebook, **options).execute()
    return notebook


def outputs(notebook) -> list:
    return [
        output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs
    ]


def printed(notebook) -> str:
    return "".join(output.get("text", "") for output in outputs(notebook))


def shown(notebook) -> list[str]:
    """The last value of each cell, as text."""
    return [
        output.data["text/plain"]
        for output in outputs(notebook)
        if "text/plain" in output.get("data", {})
    ]


def figures(notebook) -> list[str]:
    """What each figure says of itself."""
    return [
        output.data["text/plain"]
        for output in outputs(notebook)
        if "image/png" in output.get("data", {})
    ]
