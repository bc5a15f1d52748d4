"""Measure what the quick tests catch: seeded one-line faults, each tried against its line's tests.

    python -m tools.mutants draw --count 150 --seed 0 FILES   draw faults into tools/mutants.json
    python -m tools.mutants cover                             which test runs which line, how long
    python -m tools.mutants run                               try every fault, note what catches
    python -m tools.mutants run --faults 71,122 --tests tests/widgets/test_hostile.py
                                                              try two of them against one file
    python -m tools.mutants run --noted                       each against the test noted for it

Everything happens in a clone of the last commit (CLONE), never in the working tree. Needs ``pip
install coverage``, and fork, so Linux or macOS. A fault that nothing can see is given
``"equivalent": "why"`` in the file by hand; one whose statement has been rewritten is aimed at the
new one, or given ``"gone": "why"``. Neither kind is tried. ``run`` ends with exit status 1 when a
fault escapes that was caught before.
"""

import argparse
import contextlib
import importlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from tools.faults import Fault, Place, apply, find, places

ROOT = Path(__file__).parent.parent
LIST = ROOT / "tools" / "mutants.json"
CLONE = Path(tempfile.gettempdir()) / "clipbench-mutants"
COVERAGE, TIMES = CLONE.with_suffix(".coverage"), CLONE.with_suffix(".json")
FOLDERS = ("clipbench", "widgets")
QUICK = "not browser and not notebook and not gpu and not slow"
# Imported once; every run of tests is a fork. None of clipbench, which must be read anew with its
# fault.
WARM = (
    "pytest", "hypothesis", "numpy", "torch", "PIL.Image", "safetensors.torch", "tokenizers",
    "matplotlib.pyplot", "sklearn.linear_model", "sklearn.manifold", "transformers", "ipywidgets",
    "jaxtyping", "beartype",
)  # fmt: skip
FIRST = 30  # tests in the first round of a fault; the rest comes when none of them fails
# times the tests' usual seconds, and a minute, until a fault counts as an endless loop
PATIENCE = 5

# --- the list -------------------------------------------------------------------------------------


def draw(files: dict[str, str], count: int, seed: int) -> list[Fault]:
    """Draw `count` faults of different lines.

    Lines that have any fault are drawn at random, then one of each line's faults at random.
    """
    by_line = defaultdict(list)
    for name, source in sorted(files.items()):
        for place in places(source, name):
            by_line[name, place.lines.start].append(place.fault)
    dice = random.Random(seed)
    return [dice.choice(by_line[line]) for line in sorted(dice.sample(sorted(by_line), count))]


def read_list() -> list[dict]:
    return json.loads(LIST.read_text(encoding="utf-8"))


def write_list(entries: list[dict]) -> None:
    lines = ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in entries)
    LIST.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


def fault_of(entry: dict) -> Fault:
    return Fault(**{name: entry[name] for name in Fault.__dataclass_fields__})


# --- the clone and its tests ----------------------------------------------------------------------


def make_clone() -> None:
    """Clone the last commit to CLONE, at the same path each time."""
    if not CLONE.exists():
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(CLONE)], check=True)
    subprocess.run(["git", "fetch", "--quiet", str(ROOT), "HEAD"], cwd=CLONE, check=True)
    subprocess.run(["git", "reset", "--quiet", "--hard", "FETCH_HEAD"], cwd=CLONE, check=True)


def prepare_process() -> None:
    """Set up the clone's code, one thread and no network.

    This holds for this process and for those that tests start.
    """
    os.chdir(CLONE)
    paths = [
        str(CLONE),
        str(CLONE / "widgets"),
        *os.environ.get("PYTHONPATH", "").split(os.pathsep),
    ]
    os.environ |= {
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "OMP_NUM_THREADS": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "HF_HUB_OFFLINE": "1",
    }
    sys.path[:0] = paths[:2]


def pytest_arguments(*more: str) -> list[str]:
    return ["-q", "-m", QUICK, "-p", "no:cacheprovider", "--hypothesis-seed=0", *more]


class Contexts:
    """A pytest plugin for coverage by test.

    Coverage notes each line under its test, or under the shared fixture that ran it.
    """

    def __init__(self, coverage):
        self.coverage, self.seconds, self.fixtures, self.failed = (
            coverage,
            defaultdict(float),
            {},
            set(),
        )

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item):
        self.coverage.switch_context(item.nodeid)
        return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef, request):
        if fixturedef.scope == "function":
            return (yield)
        name, folder = fixturedef.argname, fixturedef.baseid
        users = [item.nodeid for item in request.session.items if name in item.fixturenames]
        self.fixtures[f"fixture {folder} {name}"] = [
            user for user in users if user.startswith(folder)
        ]
        self.coverage.switch_context(f"fixture {folder} {name}")
        try:
            return (yield)
        finally:
            self.coverage.switch_context(self.running)

    def pytest_runtest_logstart(self, nodeid):
        self.running = nodeid

    def pytest_runtest_logreport(self, report):
        self.seconds[report.nodeid] += report.duration
        if report.failed:
            self.failed.add(report.nodeid)


def cover() -> int:
    """Run the quick tests once with coverage, and keep which test runs which line beside the clone.

    A test that fails without any fault catches nothing and is left out.
    """
    from coverage import Coverage

    make_clone()
    prepare_process()
    coverage = Coverage(data_file=str(COVERAGE), source=list(FOLDERS), config_file=False)
    coverage.erase()
    contexts = Contexts(coverage)
    coverage.start()
    code = pytest.main(pytest_arguments(), plugins=[contexts])
    coverage.stop()
    coverage.save()
    seconds = {test: each for test, each in contexts.seconds.items() if test not in contexts.failed}
    TIMES.write_text(json.dumps({"seconds": seconds, "fixtures": contexts.fixtures}))
    return int(code)


class Covering:
    """Which tests run a line, cheapest first; behind them the other tests of their files.

    The others are cheapest first too. They may well use what the line has made: a cached result is
    made in one test and judged in another.
    """

    def __init__(self):
        from coverage import CoverageData

        self.data, times = CoverageData(str(COVERAGE)), json.loads(TIMES.read_text())
        self.data.read()
        self.seconds, self.fixtures = times["seconds"], times["fixtures"]

    def tests(self, file: str, place: Place) -> list[str]:
        """List the tests that run one of the statement's lines.

        For what runs once for all, they are those that use the module at all.
        """
        by_line = self.data.contexts_by_lineno(str(CLONE.resolve() / file))
        contexts = {context for line in place.lines for context in by_line.get(line, [])}
        if place.once or "" in contexts:  # "": while the tests were collected
            contexts = {context for line in by_line.values() for context in line}
        running = {
            test for context in contexts for test in self.fixtures.get(context, [context])
        } & set(self.seconds)
        files = {file_of(test) for test in running}
        beside = {test for test in self.seconds if file_of(test) in files} - running
        return [test for part in (running, beside) for test in sorted(part, key=self.seconds.get)]

    def patience(self, tests: list[str]) -> float:
        return 60 + PATIENCE * sum(map(self.seconds.get, tests))


def file_of(test: str) -> str:
    return test.partition("::")[0]


class Named:
    """The tests that a user names, instead of those that run a fault's line: files or ids."""

    def __init__(self, tests: list[str]):
        self.named, self.seconds = tests, dict.fromkeys(tests, 0.0)

    def tests(self, file: str, place: Place) -> list[str]:
        return self.named

    def patience(self, tests: list[str]) -> float:
        return 3600.0


# --- trying a fault -------------------------------------------------------------------------------


class FirstFailure:
    """A pytest plugin that writes the name of the first test that fails into a file."""

    def __init__(self, file: Path):
        self.file = file

    def pytest_runtest_logreport(self, report):
        if report.failed and not self.file.exists():
            self.file.write_text(report.nodeid)


def run_tests(tests: list[str], patience: float) -> str:
    """Give the name of the test that fails first, "" for none.

    A run that ends otherwise, or never, gives a note in brackets instead.
    """
    failure = CLONE.with_suffix(".failure")
    failure.unlink(missing_ok=True)
    child = os.fork()
    if not child:
        run_in_child(tests, failure)
    code = wait(child, patience)
    if failure.exists():
        return failure.read_text()
    return {0: "", None: "(no end)"}.get(code, f"(pytest ends with {code})")


def run_in_child(tests: list[str], failure: Path) -> None:
    os.setpgid(0, 0)
    log = os.open(CLONE.with_suffix(".log"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os._exit(int(pytest.main(pytest_arguments("-x", *tests), plugins=[FirstFailure(failure)])))


def wait(child: int, patience: float) -> int | None:
    """Wait for a child and give its exit status.

    None is given when patience ends, and with it the child and what it has started.
    """
    end = time.monotonic() + patience
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def attempt(
    file: str, place: Place, covering: Covering | Named, budget: float, likely: str = ""
) -> dict:
    """Try one fault: {"outcome", "by", "tests"}.

    The tests beyond `budget` seconds, the longest, are left out.

    Args:
        likely: the test to begin with, if it is among them: the one that caught the fault the last
            time.
    """
    tests = sorted(covering.tests(file, place), key=lambda test: test != likely)
    affordable = [
        test
        for i, test in enumerate(tests)
        if sum(map(covering.seconds.get, tests[: i + 1])) <= budget
    ]
    with planted(CLONE / file, place):
        for part in filter(None, (affordable[:FIRST], affordable[FIRST:])):
            if failed := run_tests(part, covering.patience(part)):
                return {"outcome": "caught", "by": failed, "tests": len(tests)}
    left_out = {"left_out": len(tests) - len(affordable)} if len(affordable) < len(tests) else {}
    return {
        "outcome": "survived" if tests else "no test",
        "by": "",
        "tests": len(tests),
        **left_out,
    }


@contextlib.contextmanager
def planted(path: Path, place: Place) -> Iterator[None]:
    """Have a file hold a fault for as long as the context lasts."""
    source, times = path.read_text(encoding="utf-8"), path.stat().st_mtime
    path.write_text(apply(source, place), encoding="utf-8")
    # else a second's resolution lets Python use the byte code without fault
    os.utime(path, (times + 10, times + 10))
    try:
        yield
    finally:
        path.write_text(source, encoding="utf-8")
        os.utime(path, (times, times))


def is_left_out(entry: dict) -> bool:
    return "equivalent" in entry or "gone" in entry


def is_wanted(number: int, entry: dict, only: str, faults: str) -> bool:
    """Say whether the fault of that number in the list is to be tried."""
    if is_left_out(entry) or (faults and str(number) not in faults.split(",")):
        return False
    return not only or entry.get("outcome") in (*only.split(","), None)


def run(
    budget: float,
    only: str,
    faults: str = "",
    tests: list[str] | None = None,
    noted: bool = False,
) -> int:
    """Try the faults of the list that are wanted.

    Args:
        budget: see `attempt`.
        only: outcomes, with commas; "" tries those of any.
        faults: numbers, with commas; "" tries all.
        tests: try these only.
        noted: try the one test only that is noted as having caught the fault.

    Returns:
        1 when one escapes that was caught before, else 0.
    """
    make_clone()
    prepare_process()
    for name in WARM:
        importlib.import_module(name)
    sources = {
        str(path.relative_to(CLONE)): path
        for folder in FOLDERS
        for path in (CLONE / folder).rglob("*.py")
    }
    found = {name: places(path.read_text(encoding="utf-8"), name) for name, path in sources.items()}
    covering = Named(tests or []) if tests or noted else Covering()
    entries, escaped = read_list(), []
    for number, entry in enumerate(entries):
        if not is_wanted(number, entry, only, faults):
            continue
        before, started = entry.get("outcome"), time.monotonic()
        hit = find(fault_of(entry), found)
        if noted:
            covering = Named([entry["by"]] if entry["by"] else [])
        entry.pop("left_out", None)
        entry |= (
            attempt(*hit, covering, budget, entry.get("by", ""))
            if hit
            else {"outcome": "not found", "tests": 0}
        )
        escaped += [entry] if before == "caught" and entry["outcome"] != "caught" else []
        where = f"{hit[0]}:{hit[1].lines.start}" if hit else entry["module"]
        print(
            f"{number} {entry['outcome']} {where} {entry['before']} -> {entry['after']} "
            f"{entry['by']} "
            f"{time.monotonic() - started:.1f} s",
            flush=True,
        )
        write_list(entries)
    tell(entries)
    return 1 if escaped else 0


def tell(entries: list[dict]) -> None:
    tried = [entry for entry in entries if not is_left_out(entry)]
    caught = sum(entry["outcome"] == "caught" for entry in tried)
    print(
        f"{caught} of {len(tried)} caught ({caught / len(tried):.0%}), "
        f"{sum('equivalent' in entry for entry in entries)} equivalent, "
        f"{sum('gone' in entry for entry in entries)} gone"
    )


# --- command line ---------------------------------------------------------------------------------


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tools.mutants", description=__doc__.splitlines()[0]
    )
    commands = parser.add_subparsers(dest="command", required=True)
    draws = commands.add_parser("draw", help="name faults at random")
    draws.add_argument("files", nargs="+", type=Path)
    draws.add_argument("--count", type=int, default=150)
    draws.add_argument("--seed", type=int, default=0)
    commands.add_parser("cover", help="run the quick tests once with coverage")
    runs = commands.add_parser("run", help="try every fault")
    runs.add_argument(
        "--budget",
        type=float,
        default=120,
        help="seconds of tests for one fault (default %(default)s)",
    )
    runs.add_argument("--only", default="", help="outcomes to try again, such as survived,no test")
    runs.add_argument("--faults", default="", help="their numbers in the list, such as 71,122")
    runs.add_argument(
        "--noted", action="store_true", help="try the test alone that is noted as catching a fault"
    )
    runs.add_argument(
        "--tests", nargs="+", help="try these tests only: files or ids; needs no cover before"
    )
    options = parser.parse_args(arguments)
    if options.command == "draw":
        files = {path.as_posix(): path.read_text(encoding="utf-8") for path in options.files}
        write_list([asdict(fault) for fault in draw(files, options.count, options.seed)])
        return 0
    if options.command == "cover":
        return cover()
    return run(options.budget, options.only, options.faults, options.tests, options.noted)


if __name__ == "__main__":
    sys.exit(main())
