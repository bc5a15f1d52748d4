"""Facts about repeating records: what is drawn, which command is run, and what counts as equal."""

import json
import math

from tools import repeat_records
from tools.repeat_records import command, differing, draw, repeat, repeatable

RECORD = {
    "command": "clipbench eval zero-shot --model tiny --data digits --out records/a.json",
    "metrics": {"top1": 0.5, "classes": 10, "best": "cat", "converged": True, "fit_seconds": 3.5},
    "settings": {"model": "tiny"},
}


def test_the_same_seed_draws_the_same_records_of_shipped_models():
    records = repeatable()
    assert len(records) >= 40 and "counting-tiny-0" not in records
    assert draw(records, 10, 1) == draw(records, 10, 1) != draw(records, 10, 2)


def test_the_command_is_the_recorded_one_with_another_file(tmp_path):
    words = command(RECORD, tmp_path / "b.json")
    assert words[:4] == ["clipbench", "eval", "zero-shot", "--model"]
    assert "records/a.json" not in words and words[-3:-1] == ["--out", str(tmp_path / "b.json")]
    assert "cpu" in words


def test_only_numbers_count_and_they_must_be_equal_to_the_last_digit():
    now = {"top1": 0.5 + 1e-16, "best": "dog", "converged": True}
    found = differing(RECORD["metrics"], now)
    assert set(found) == {"top1", "classes"} and math.isnan(found["classes"][1])


def test_a_record_is_run_again_and_counted(monkeypatch):
    def run(words, **_):
        file = words[words.index("--out") + 1]
        with open(file, "w") as out:
            json.dump({"metrics": {"top1": 0.5, "classes": 9}}, out)

    monkeypatch.setattr(repeat_records.subprocess, "run", run)
    found = repeat("a", RECORD)
    assert found.numbers == 2 and found.differing == {"classes": (10, 9)}
    assert "1 differ" in found.line()
