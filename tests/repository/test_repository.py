"""Facts about the repository as a whole: who imports whom, what is listed, what must not be in
it.
"""

import ast
import json
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
import torch
import yaml
from jaxtyping import Float
from shape_checks import is_shaped
from sources import imports_of, module_of

from clipbench.compute import doctor

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    import tomli as tomllib

ROOT = Path(__file__).parents[2]
ASSETS = ROOT / "clipbench" / "assets"
NOTEBOOKS = ROOT / "notebooks"
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
MEGABYTE = 1 << 20

# --- which files -------------------------------------------------------------------------------


@cache
def repository_files() -> tuple[Path, ...]:
    """The files git tracks, and those it would: what a clone of this working tree holds."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if listing.returncode:
        pytest.skip("needs git and a clone: " + listing.stderr.strip())
    paths = (ROOT / name for name in set(listing.stdout.split("\0")) if name)
    return tuple(sorted(path for path in paths if path.is_file()))


def python_files(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


# --- dependencies ------------------------------------------------------------------------------

CONDA_NAMES = {"pytorch": "torch", "pytorch-cpu": "torch", "matplotlib-base": "matplotlib"}
IN_BINDERS_BASE = {"jupyterlab", "ipywidgets"}


def split_requirement(line: str) -> tuple[str, str]:
    """ "torch>=2.4" -> ("torch", ">=2.4"), in pip's names."""
    name, bounds = re.match(r"([\w.-]+)\s*(.*)", line).groups()
    return CONDA_NAMES.get(name, name), bounds.strip()


def conda_requirements(path: str) -> dict[str, str]:
    lines = yaml.safe_load((ROOT / path).read_text())["dependencies"]
    return dict(split_requirement(line) for line in lines if isinstance(line, str))


EXTRAS = PYPROJECT["project"]["optional-dependencies"]


def project_requirements() -> dict[str, str]:
    """What clipbench needs everywhere, and what the extra "all" adds for the lessons."""
    everything = [
        *PYPROJECT["project"]["dependencies"],
        *EXTRAS["notebooks"],
        *EXTRAS["maps"],
        *EXTRAS["hf"],
    ]
    return dict(split_requirement(line) for line in everything)


def test_a_plain_installation_needs_only_what_colab_and_kaggle_have():
    """Their notebook server is their own; what clipbench brought there would change or break
    theirs.
    """
    needed = dict(split_requirement(line) for line in PYPROJECT["project"]["dependencies"])
    assert not needed.keys() & {
        "jupyterlab",
        "jupytext",
        "notebook",
        "ipython",
        "ipykernel",
        "transformers",
    }
    assert not [bounds for bounds in needed.values() if "==" in bounds]


def test_what_the_lessons_need_comes_with_one_extra():
    assert EXTRAS["all"] == ["clipbench[notebooks,maps,hf]"] and "clipbench[all]" in EXTRAS["test"]
    assert {name: extra for name, (_, extra) in doctor.FOR_LESSONS.items()} == {
        split_requirement(line)[0]: extra
        for extra in ("notebooks", "maps", "hf")
        for line in EXTRAS[extra]
    }


def test_conda_environment_repeats_the_dependencies_of_pyproject():
    expected = project_requirements() | {
        "pip": "",
        "python": PYPROJECT["project"]["requires-python"],
    }
    assert conda_requirements("environment.yml") == expected


def test_binder_environment_repeats_them_but_for_what_its_base_has():
    expected = {
        name: spec for name, spec in project_requirements().items() if name not in IN_BINDERS_BASE
    }
    found = conda_requirements("binder/environment.yml")
    assert re.fullmatch(r"=3\.\d+", found.pop("python")), "repo2docker reads only python=3.N"
    apps = dict(map(split_requirement, PYPROJECT["project"]["optional-dependencies"]["apps"]))
    assert found == expected | apps | {"pip": ""}


def test_binder_installs_a_cpu_build_and_no_local_path():
    lines = yaml.safe_load((ROOT / "binder/environment.yml").read_text())["dependencies"]
    assert all(isinstance(line, str) for line in lines), (
        "a pip block with a path undoes the layer cache"
    )
    assert any(line.startswith("pytorch-cpu") for line in lines)


@pytest.mark.parametrize("script", ["binder/postBuild", "binder/start", ".ci/run"])
def test_scripts_are_bash_and_executable(script):
    path = ROOT / script
    assert path.read_text().startswith(("#!/bin/bash\n", "#!/usr/bin/env bash\n"))
    assert path.stat().st_mode & 0o100 or sys.platform == "win32"


def test_torch_is_pinned_in_the_makefile_only():
    listed = [
        *PYPROJECT["project"]["dependencies"],
        *conda_requirements("environment.yml").values(),
    ]
    assert not [line for line in listed if "==" in line]
    assert re.search(
        r"^TORCH_SPEC \?= torch==[\d.]+$", (ROOT / "Makefile").read_text(), re.MULTILINE
    )


def test_citation_has_the_version_of_the_package():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert str(citation["version"]) == PYPROJECT["project"]["version"]


# --- imports ------------------------------------------------------------------------------------

# a bare `import widgets` makes a second copy of every class
NEVER = ["torchvision", "timm", "widgets"]


def is_in(name: str, room: str) -> bool:
    return name == room or name.startswith(room + ".")


def test_nobody_imports_torchvision_timm_or_bare_widgets():
    broken = [
        f"{name_of(path)} imports {name}"
        for path in python_files("clipbench", "widgets", "notebooks", "tests")
        for name in imports_of(path.read_text(), module_of(path))
        if any(is_in(name, banned) for banned in NEVER)
    ]
    assert not broken


UNPICKLERS = {
    "torch.load",
    "pickle.load",
    "pickle.loads",
    "pickle.Unpickler",
    "joblib.load",
    "dill.load",
}


def unpickling(source: str) -> set[str]:
    """What in `source` could run code hidden in a data file: names of UNPICKLERS, and
    allow_pickle=True.
    """
    nodes = list(ast.walk(ast.parse(source)))
    used = {ast.unparse(node) for node in nodes if isinstance(node, ast.Attribute)}
    pickled = {
        "allow_pickle"
        for node in nodes
        if isinstance(node, ast.keyword)
        and node.arg == "allow_pickle"
        and ast.unparse(node.value) != "False"
    }
    return ((used | imports_of(source)) & UNPICKLERS) | pickled


def test_nothing_unpickles():
    found = {
        name_of(path): unpickling(path.read_text()) for path in python_files("clipbench", "widgets")
    }
    assert not {name: calls for name, calls in found.items() if calls}


def test_the_check_for_unpickling_works():
    assert unpickling("import torch\nstate = torch.load(path)") == {"torch.load"}
    assert unpickling("from pickle import loads") == {"pickle.loads"}
    assert unpickling("import numpy\nnumpy.load(path, allow_pickle=True)") == {"allow_pickle"}
    assert not unpickling("from safetensors.torch import load_file\nload_file(path)")


def test_shapes_are_checked_under_pytest():
    """Without this, every annotation such as Float[Tensor, "B D"] is prose."""
    import clipbench.compute.devices

    assert type(clipbench.compute.devices.__spec__.loader).__module__.startswith("jaxtyping")


def test_the_suite_checks_annotated_shapes_and_nothing_else():
    """mypy checks the rest (``make lint``)."""
    from clipbench.loss import check_batch, clip_loss

    assert hasattr(clip_loss, "__wrapped__") and not hasattr(check_batch, "__wrapped__")
    row = Float[torch.Tensor, " D"]
    shaped = (row, list[row], row | None, Callable[[row], int], Callable[..., row], dict[str, row])
    assert all(map(is_shaped, shaped))
    assert not any(map(is_shaped, (int, "Encoder", list[int], torch.Tensor, Callable, None)))


def test_every_folder_with_code_is_a_package():
    folders = {path.parent for path in python_files("clipbench", "widgets/clipbench_widgets")}
    assert not [name_of(folder) for folder in folders if not (folder / "__init__.py").exists()]


# --- notebooks ---------------------------------------------------------------------------------


def notebook_files(suffix: str) -> list[Path]:
    """Lessons and exercises; other .py files below notebooks/ that are no notebook are not
    counted.
    """
    files = [
        path for path in NOTEBOOKS.rglob(f"*{suffix}") if ".ipynb_checkpoints" not in path.parts
    ]
    return sorted(
        path for path in files if suffix != ".py" or re.search(r"^# %%", path.read_text(), re.M)
    )


def is_cut(path: Path) -> bool:
    """A student's notebook, made from the solution beside it
    (tests/notebooks/test_exercise_notebooks.py), or a translation, made from the lesson
    (tests/notebooks/test_translations.py).
    """
    exercise = path.parent.name == "exercises" and not path.stem.endswith("_solution")
    return exercise or path.parent.name == "translations"


def cells_of(notebook) -> list[tuple]:
    return [(cell.cell_type, cell.source, cell.metadata.get("tags", [])) for cell in notebook.cells]


def test_every_pair_of_notebook_files_is_fresh():
    jupytext = pytest.importorskip("jupytext")
    sources, built = (
        notebook_files(".py"),
        [path for path in notebook_files(".ipynb") if not is_cut(path)],
    )
    assert sources and [path.with_suffix(".ipynb") for path in sources] == built
    pairs = [
        (path, jupytext.read(path), jupytext.read(path.with_suffix(".ipynb"))) for path in sources
    ]
    stale = [
        name_of(path) for path, source, notebook in pairs if cells_of(source) != cells_of(notebook)
    ]
    assert not stale, "run make notebooks"


def notebook_metadata() -> dict[str, dict]:
    paths = notebook_files(".ipynb")
    return {
        name_of(path): json.loads(path.read_text(encoding="utf-8"))["metadata"] for path in paths
    }


def test_no_notebook_holds_widget_state():
    assert not [name for name, metadata in notebook_metadata().items() if "widgets" in metadata]


def largest_output(notebook: dict) -> int:
    """Bytes of the largest output of one cell."""
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    return max((len(json.dumps(cell["outputs"]).encode()) for cell in cells), default=0)


def test_no_cell_of_a_notebook_shows_more_than_a_megabyte():
    read = {
        name_of(path): json.loads(path.read_text(encoding="utf-8"))
        for path in notebook_files(".ipynb")
    }
    sizes = {name: largest_output(notebook) for name, notebook in read.items()}
    assert not {name: size for name, size in sizes.items() if size > MEGABYTE}
    heavy = {"cell_type": "code", "outputs": [{"data": {"image/png": "A" * (MEGABYTE + 1)}}]}
    assert largest_output({"cells": [heavy]}) > MEGABYTE


def test_every_notebook_names_the_standard_kernel():
    """JupyterLab asks the reader to choose a kernel otherwise; Colab and Binder have one of
    this name.
    """
    kernels = {
        name: metadata.get("kernelspec", {}) for name, metadata in notebook_metadata().items()
    }
    assert not [name for name, kernel in kernels.items() if kernel.get("name") != "python3"]


# --- what a clone holds ------------------------------------------------------------------------

MACHINE_PATH = re.compile(rb"(?<![\w.>})-])/(?:work|root|home/\w+|Users/\w+)/")


def test_no_file_names_a_path_of_somebodys_machine():
    named = {}
    for path in repository_files():
        content = path.read_bytes()
        if b"\0" not in content and (found := MACHINE_PATH.search(content)):
            named[name_of(path)] = found.group().decode()
    assert not named


def test_every_asset_has_a_line_in_the_licence_table():
    table = (ASSETS / "LICENSES.md").read_text(encoding="utf-8")
    found = [path.relative_to(ASSETS) for path in repository_files() if ASSETS in path.parents]
    # .py is code
    assets = [path for path in found if path.name != "LICENSES.md" and path.suffix != ".py"]
    assert not [path.as_posix() for path in assets if not is_covered(path, table)]


def is_covered(path: Path, table: str) -> bool:
    """Whether the table names the file, by its path or its name, or one of its folders with a
    slash.
    """
    names = [
        path.as_posix(),
        path.name,
        *(f"{folder.as_posix()}/" for folder in path.parents if folder.name),
    ]
    return any(re.search(rf"(?<![\w./-]){re.escape(name)}(?![\w-])", table) for name in names)


@pytest.mark.parametrize(
    "table, covered",
    [
        ("| `world/noto.webp` |", True),
        ("| noto.webp |", True),
        ("| `world/` |", True),
        ("| emoji-noto.webp |", False),
    ],
)
def test_the_check_of_the_licence_table_works(table, covered):
    assert is_covered(Path("world/noto.webp"), table) == covered


def test_a_clone_stays_small():
    assert sum(path.stat().st_size for path in repository_files()) <= 110 * MEGABYTE


@pytest.mark.slow
def test_the_wheel_is_whole_and_small(tmp_path):
    """Both packages under their import names, with every module and asset of the tree, in 64 MB."""
    for path in repository_files():  # a copy, because a build leaves folders behind
        copy = tmp_path / "tree" / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "wheel",
            "--no-deps",
            "--no-build-isolation",
            "-w",
            tmp_path,
            ".",
        ],
        cwd=tmp_path / "tree",
        check=True,
    )
    (wheel,) = tmp_path.glob("clipbench-*.whl")
    assert wheel.stat().st_size <= 64 * MEGABYTE
    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    tree = [name_of(path).removeprefix("widgets/") for path in repository_files()]
    assert held == {name for name in tree if name.startswith(("clipbench/", "clipbench_widgets/"))}
