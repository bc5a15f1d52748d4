"""Measure seconds and peak memory of each notebook from a cold kernel, in Binder's envelope.

The envelope is one core and a limit of memory:

    # all lessons, each twice
    python tools/measure_notebooks.py --out clipbench/assets/records/notebooks.json
    python tools/measure_notebooks.py --notebooks notebooks/02_similarity_matrix.ipynb --runs 1
    # the table of the README
    python tools/measure_notebooks.py --table clipbench/assets/records/notebooks.json

Each run is a process of its own, held to one core and, where this user may make a control group
(root, or a delegated one), to a hard limit of memory; the record says whether the limit was
enforced. Peak memory is the largest resident set of the kernel, plus that of any process it starts.
Two runs of a notebook have to show the same numbers: the record lists the cells that do not, except
where a cell measures time.
"""

import argparse
import contextlib
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
LESSONS = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
RESULT = "result.json"

# --- the envelope ------------------------------------------------------------------------------


@contextlib.contextmanager
def memory_group(megabytes: int) -> Iterator[Path | None]:
    """Make a control group, of version 2 or 1, with a hard limit of memory.

    Yields None where this system does not allow one.
    """
    base = Path("/sys/fs/cgroup")
    version_1 = (base / "memory").is_dir()
    group = (base / "memory" if version_1 else base) / f"clipbench-{os.getpid()}"
    try:
        group.mkdir()
    except OSError:
        yield None
        return
    try:
        limits = (
            ["memory.limit_in_bytes", "memory.memsw.limit_in_bytes"]
            if version_1
            else ["memory.max"]
        )
        (group / limits[0]).write_text(str(megabytes << 20))
        for name in (*limits[1:], "memory.swap.max"):  # no swap, where the kernel counts it
            with contextlib.suppress(OSError):
                (group / name).write_text(
                    "0" if name == "memory.swap.max" else str(megabytes << 20)
                )
        yield group
    except OSError:
        yield None
    finally:
        with contextlib.suppress(OSError):
            group.rmdir()


def environment(scale: str) -> dict[str, str]:
    """Give the environment variables that binder/start sets."""
    threads = dict.fromkeys(
        ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS", "CPU_LIMIT"), "1"
    )
    python_path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    return {
        **os.environ,
        **threads,
        "CLIPBENCH_SCALE": scale,
        "HF_HUB_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "PYTHONPATH": python_path,
    }


# --- one run, in a process of its own ----------------------------------------------------------


class PeakMemory(threading.Thread):
    """A thread that watches the processes that this one starts.

    ``peak`` is the sum of their largest resident sets, in bytes.
    """

    def __init__(self):
        super().__init__(daemon=True)
        self.largest, self.done = {}, threading.Event()

    def run(self):
        import psutil

        me = psutil.Process()
        while not self.done.wait(0.1):
            for child in me.children(recursive=True):
                with contextlib.suppress(OSError, psutil.Error, TypeError):
                    status = Path(f"/proc/{child.pid}/status").read_text()
                    self.largest[child.pid] = 1024 * int(re.search(r"VmHWM:\s+(\d+) kB", status)[1])

    @property
    def peak(self) -> int:
        return sum(self.largest.values())


def execute(notebook: Path, out: Path) -> None:
    """Run it, and write seconds, peak memory and what each cell showed.

    Called in the child process.
    """
    import nbclient
    import nbformat

    nb = nbformat.read(notebook, as_version=4)
    watch = PeakMemory()
    watch.start()
    began, error = time.perf_counter(), None
    try:
        where = {"metadata": {"path": str(notebook.parent)}}
        nbclient.NotebookClient(nb, timeout=1800, kernel_name="python3", resources=where).execute()
    except Exception as problem:  # a cell's error, or a kernel that was killed
        error = f"{type(problem).__name__}: {str(problem).strip().splitlines()[-1]}"
    seconds = time.perf_counter() - began
    watch.done.set()
    watch.join()
    result = {
        "seconds": seconds,
        "peak_bytes": watch.peak,
        "error": error,
        "cells": [digest(c) for c in code_of(nb)],
    }
    out.write_text(json.dumps(result))


def code_of(notebook) -> list:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def digest(cell) -> str:
    """Hash what a cell showed, its texts and pictures.

    Ids of widgets and memory addresses are not compared. What was printed is joined: into how many
    pieces the kernel cut it depends on the moment.
    """
    outputs = cell.get("outputs", [])
    printed = "".join(each.get("text", "") for each in outputs)
    shown = [printed, [each["data"] for each in outputs if "data" in each]]
    text = re.sub(r"0x[0-9a-f]+|[0-9a-f]{32}", "", json.dumps(shown, sort_keys=True))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def run_once(notebook: Path, scale: str, megabytes: int, folder: Path) -> dict:
    """Execute a notebook inside the envelope and say how it went."""
    core = str(min(os.sched_getaffinity(0)))
    me = [
        sys.executable,
        __file__,
        "--execute",
        str(notebook.resolve()),
        "--out",
        str(folder / RESULT),
    ]
    with memory_group(megabytes) as group:
        join = (
            []
            if group is None
            else ["sh", "-c", 'echo $$ > "$0/cgroup.procs" && exec "$@"', str(group)]
        )
        with contextlib.suppress(FileNotFoundError):
            (folder / RESULT).unlink()
        child = subprocess.Popen(
            [*join, "taskset", "-c", core, *me], env=environment(scale), start_new_session=True
        )
        try:
            child.wait()
        except BaseException:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            raise
        time.sleep(0.5 if group else 0)  # its last processes leave the group
    if not (folder / RESULT).exists():
        return {
            "seconds": None,
            "peak_bytes": 0,
            "error": f"killed within {megabytes} MB",
            "cells": [],
            "limited": group is not None,
        }
    return {**json.loads((folder / RESULT).read_text()), "limited": group is not None}


# --- all of them -------------------------------------------------------------------------------


def measured(notebook: Path, scale: str, megabytes: int, runs: int, folder: Path) -> dict:
    """Run a notebook several times, and give what was measured.

    It is the median seconds, the largest peak, and the code cells whose outputs differ between the
    runs.
    """
    each = [run_once(notebook, scale, megabytes, folder) for _ in range(runs)]
    error = next((run["error"] for run in each if run["error"]), None)
    seconds = sorted(run["seconds"] for run in each if run["seconds"] is not None)
    return {
        "notebook": notebook.stem,
        "seconds": round(seconds[len(seconds) // 2], 1) if seconds else None,
        "seconds_of_each_run": [round(value, 1) for value in seconds],
        "peak_mb": round(max(run["peak_bytes"] for run in each) / 2**20),
        "cells": len(each[0]["cells"]),
        "cells_that_differ": differing([run["cells"] for run in each]),
        "error": error,
        "limited": all(run["limited"] for run in each),
    }


def differing(runs: list[list[str]]) -> list[int]:
    """Give the numbers (from 1) of the code cells that did not show the same in all runs."""
    return [
        number
        for number, shown in enumerate(zip(*runs, strict=False), start=1)
        if len(set(shown)) > 1
    ]


def table(record: dict) -> str:
    """Format the record as a Markdown table, a row for each notebook."""
    rows = ["| notebook | seconds | peak memory |", "|---|---|---|"]
    for row in record["notebooks"]:
        rows.append(f"| {row['notebook']} | {row['seconds']:.0f} | {row['peak_mb']:,} MB |")
    seconds = sum(row["seconds"] for row in record["notebooks"])
    rows.append(
        f"| all | {seconds:.0f} | {max(row['peak_mb'] for row in record['notebooks']):,} MB |"
    )
    return "\n".join(rows)


def main() -> None:
    import tempfile

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--notebooks", nargs="+", type=Path, default=LESSONS, metavar="FILE")
    parser.add_argument("--scale", default="classroom", choices=["tiny", "classroom", "full"])
    parser.add_argument(
        "--memory", type=int, default=2048, metavar="MB", help="the hard limit (default 2048)"
    )
    parser.add_argument("--runs", type=int, default=2, help="cold starts of each (default 2)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the record here")
    parser.add_argument(
        "--table",
        type=Path,
        metavar="RECORD",
        help="print a record as a table, and measure nothing",
    )
    parser.add_argument("--execute", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.table:
        print(table(json.loads(arguments.table.read_text())))
    elif arguments.execute:
        execute(arguments.execute, arguments.out)
    else:
        if not shutil.which("taskset"):
            sys.exit("measure_notebooks.py needs Linux with taskset (util-linux)")
        with tempfile.TemporaryDirectory() as folder:
            record = measure_all(arguments, Path(folder))
        print(
            table(record)
            if not any(row["error"] for row in record["notebooks"])
            else json.dumps(record, indent=1)
        )


def measure_all(arguments, folder: Path) -> dict:
    sys.path.insert(0, str(ROOT))
    from clipbench.evaluate.records.record import versions

    rows = []
    for notebook in arguments.notebooks:
        rows.append(measured(notebook, arguments.scale, arguments.memory, arguments.runs, folder))
        print(rows[-1], flush=True)
    settings = {
        "scale": arguments.scale,
        "cores": 1,
        "memory_limit_mb": arguments.memory,
        "runs": arguments.runs,
        "limit_enforced": all(row.pop("limited") for row in rows),
    }
    command = "python tools/measure_notebooks.py"
    record = {"settings": settings, "notebooks": rows, "versions": versions(), "command": command}
    if arguments.out:
        arguments.out.write_text(json.dumps(record, indent=1) + "\n")
    return record


if __name__ == "__main__":
    main()
