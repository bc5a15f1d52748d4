"""Facts about the benchmark of a class in front of Voila. No speed is asserted."""

import json
import sys

import pytest

from clipbench import UserError
from clipbench.bench import voila
from clipbench.cli import main


def test_failed_visits_are_counted_and_the_others_summed_up():
    well = [{"paint": float(n), "open": 1.0, "memory": None} for n in (3, 1, 2)]
    told = voila.summary_of([*well, {"failed": "Timeout 180000ms exceeded."}])
    assert told["visitors"] == 4 and told["failed"] == ["Timeout 180000ms exceeded."]
    assert (
        told["seconds_to_first_paint"] == {"median": 2.0, "worst": 3.0}
        and told["memory_mb"] is None
    )


def test_memory_of_a_process_that_is_gone_is_unknown():
    assert voila.megabytes(None) is None and voila.megabytes(2**30) is None
    assert voila.kernel_process("no-such-kernel") is None


@pytest.mark.parametrize(
    "missing, line", [("voila", "clipbench[apps]"), ("playwright", "clipbench[browser]")]
)
def test_what_is_missing_is_told_in_one_line(monkeypatch, capsys, missing, line):
    for name in ("voila", "playwright"):
        monkeypatch.setitem(sys.modules, name, None if name == missing else sys)
    assert main(["bench", "voila"]) == 2
    assert line in capsys.readouterr().err


def test_it_runs_in_a_clone_only(monkeypatch, tmp_path, capsys):
    for name in ("voila", "playwright"):
        monkeypatch.setitem(sys.modules, name, sys)
    monkeypatch.chdir(tmp_path)
    assert main(["bench", "voila"]) == 2
    assert "in a clone" in capsys.readouterr().err


@pytest.mark.browser
def test_a_class_of_two(capsys):
    for needed in ("voila", "playwright"):
        pytest.importorskip(needed)
    try:
        voila.needed()
    except UserError as error:
        pytest.skip(str(error))
    assert (
        main(["bench", "voila", "--model", "tiny", "--visitors", "1", "--together", "2", "--json"])
        == 0
    )
    told = json.loads(capsys.readouterr().out)
    assert told["in_turn"]["visitors"] == 1 and told["at_once"]["visitors"] == 2
    assert told["in_turn"]["failed"] == told["at_once"]["failed"] == []
    assert told["at_once"]["seconds_to_first_paint"]["worst"] > 0
