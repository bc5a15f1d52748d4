"""What Binder runs: few threads, the small scale, and a build that fails early."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

if shutil.which("bash") is None:
    pytest.skip("needs bash", allow_module_level=True)


def started(limit: str | None) -> dict[str, str]:
    """The environment that binder/start gives to Jupyter."""
    environment = {"PATH": "/usr/bin:/bin"} | ({} if limit is None else {"CPU_LIMIT": limit})
    run = subprocess.run(
        ["bash", ROOT / "binder/start", "env"], env=environment, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    return dict(line.split("=", 1) for line in run.stdout.splitlines() if "=" in line)


@pytest.mark.parametrize(
    "limit, threads", [(None, "1"), ("1.0", "1"), ("0.5", "1"), ("2.0", "2"), ("4", "4")]
)
def test_threads_follow_what_binder_grants_and_not_what_the_host_shows(limit, threads):
    environment = started(limit)
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
    assert {environment[name] for name in names} == {threads}


def test_lessons_start_at_the_small_scale():
    assert started(None)["CLIPBENCH_SCALE"] == "tiny"


def test_the_build_stops_at_the_first_failure_and_compiles_for_any_processor():
    build = (ROOT / "binder/postBuild").read_text()
    assert "set -euo pipefail" in build
    assert build.index("NUMBA_CPU_NAME=generic") < build.index("import umap")
    assert "pip install --no-cache-dir --no-deps -e ." in build, (
        "dependencies come from environment.yml"
    )
    assert build.splitlines()[-1].startswith("clipbench doctor"), "the gate is the last word"
