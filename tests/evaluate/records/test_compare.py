"""Facts about comparing records: switches first, numbers next, and tests on the pictures that
both judge.
"""

import csv
import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small import write_image_folder, write_small_model

from clipbench.cli import main
from clipbench.evaluate.records.compare import compare, difference_of, flat, table
from clipbench.evaluate.records.record import read_record, write_record
from clipbench.evaluate.statistics.paired import mcnemar_exact, paired_test


def record(answers="1100", settings=None, ids=None, fingerprint="abc", **metrics) -> dict:
    """A record of pictures that are all of class 1; "1" is a right answer."""
    predictions = [int(answer) for answer in answers]
    ids = ids or [f"picture {number}" for number in range(len(answers))]
    outcomes = {"ids": ids, "labels": [1] * len(answers), "predictions": predictions}
    settings = {"task": "zero-shot", "model": "tiny", "templates": ["a {}"]} | (settings or {})
    numbers = {"top1": sum(predictions) / len(predictions)} | metrics
    return {
        "metrics": numbers,
        "settings": settings,
        "fingerprint": fingerprint,
        "versions": {"torch": "2.0"},
        "seconds": 1.5,
        "outcomes": outcomes,
    }


# -------------------- tests


@given(st.integers(0, 40), st.integers(0, 40))
def test_mcnemars_test_is_a_fair_coin(losses, wins):
    n, least = losses + wins, min(losses, wins)
    tail = sum(math.comb(n, k) for k in range(least + 1)) / 2**n
    assert mcnemar_exact(losses, wins) == pytest.approx(min(1, 2 * tail))
    assert mcnemar_exact(losses, wins) == pytest.approx(mcnemar_exact(wins, losses))


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60))
def test_a_paired_test_counts_and_mirrors(pairs):
    first, second = zip(*pairs, strict=True)
    told, mirrored = paired_test(first, second), paired_test(second, first)
    assert told["difference"] == pytest.approx(np.mean(second) - np.mean(first))
    assert told["only_first"] == mirrored["only_second"] and told["p"] == pytest.approx(
        mirrored["p"]
    )
    assert told["difference_low"] - 1e-9 <= told["difference"] <= told["difference_high"] + 1e-9
    assert paired_test(first, second) == told, "the same draws every time"


def test_the_bootstrap_is_that_of_drawing_pictures_again():
    generator = np.random.default_rng(1)
    first, second = generator.random(300) < 0.5, generator.random(300) < 0.6
    told = paired_test(first.tolist(), second.tolist())
    drawn = generator.integers(0, 300, (4000, 300))
    differences = second[drawn].mean(1) - first[drawn].mean(1)
    low, high = np.quantile(differences, [0.025, 0.975])
    assert (told["difference_low"], told["difference_high"]) == pytest.approx(
        (low, high), abs=0.008
    )


# -------------------- comparing


def test_switches_come_first_and_only_those_that_differ():
    told = compare(
        record("1100"), record("1110", {"templates": ["a {}", "{}"], "words": {"classes": "own"}})
    )
    assert next(iter(told)) == "switches" and set(told["switches"]) == {
        "templates",
        "words.classes",
    }
    assert told["switches"]["words.classes"] == {"first": "(absent)", "second": "own"}
    assert told["metrics"]["top1"] == {"first": 0.5, "second": 0.75, "difference": 0.25}
    assert told["paired"]["only_second"] == 1 and told["paired"]["only_first"] == 0
    assert told["verdict"].startswith("2 switches differ (templates, words.classes)")


def test_models_and_libraries_are_switches_too():
    other = record(fingerprint="xyz") | {"versions": {"torch": "2.1"}}
    assert set(compare(record(), other)["switches"]) == {"model_fingerprint", "versions.torch"}


def test_equal_records_are_told_to_be_equal():
    told = compare(record(), record())
    assert not told["switches"] and told["paired"]["p"] == 1
    assert told["verdict"] == "the same switches and the same numbers"
    assert (
        "no switch differs, yet the numbers do"
        in compare(record("1100"), record("1111"))["verdict"]
    )


def test_pictures_are_paired_by_their_ids_whatever_the_order():
    ids = ["a", "b", "b", "c"]
    first, second = record("1001", ids=ids), record("1100", ids=["c", "x", "a", "b"])
    paired = compare(first, second)["paired"]
    assert (paired["pictures"], paired["only_first"], paired["only_second"]) == (3, 1, 0)


def test_what_cannot_be_paired_says_why():
    assert (
        "no pictures in common" in compare(record(), record(ids=list("wxyz")))["paired"]["why_not"]
    )
    without = {name: value for name, value in record().items() if name != "outcomes"}
    assert "without outcomes" in compare(record(), without)["paired"]["why_not"]


def test_long_lists_are_told_by_what_only_one_of_them_has():
    assert (
        difference_of(["a", "b"], ["b", "c", "d"])
        == "2 against 3; only in the first: a; only in the second: c, d"
    )
    assert difference_of(["a", "b"], ["b", "a"]) == "2 against 2; in another order"
    assert difference_of(1, None) == "1 against null"
    assert flat({"a": {"b": {"c": 1}}, "d": [2]}) == {"a.b.c": 1, "d": [2]}


def test_a_table_has_the_switches_that_vary_and_every_number():
    columns, rows = table(
        {"x": record(), "y": record("1110", {"model": "classroom"}), "z": record(top5=0.9)}
    )
    assert columns == ["record", "model", "top1", "top5", "seconds"]
    assert rows == [
        ["x", "tiny", "0.5", "", "1.5"],
        ["y", "classroom", "0.75", "", "1.5"],
        ["z", "tiny", "0.5", "0.9", "1.5"],
    ]


# -------------------- by the command line


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    """Zero-shot with two template sets, and a probe, of the same pictures."""
    folder = tmp_path_factory.mktemp("records")
    write_small_model(folder / "model")
    write_image_folder(folder / "pictures", {"cat": 5, "red_car": 5, "sun": 5})
    data = ["--model", str(folder / "model"), "--data", str(folder / "pictures")]
    common = [*data, "--device", "cpu", "--json", "--out"]
    for name, more in (("own", []), ("cifar", ["--templates", "cifar10"])):
        assert main(["eval", "zero-shot", *common, str(folder / f"{name}.json"), *more]) == 0
    assert main(["eval", "linear-probe", *common, str(folder / "probe.json")]) == 0
    (folder / "not_one.json").write_text("[1]")
    (folder / "torn.json").write_text("{")
    return folder


def test_two_records_are_compared(records, capsys):
    assert main(["compare", str(records / "own.json"), str(records / "cifar.json"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (
        set(told["switches"]) == {"templates", "words.templates"}
        and told["paired"]["pictures"] == 15
    )
    assert main(["compare", str(records / "own.json"), str(records / "cifar.json")]) == 0
    shown = capsys.readouterr().out
    assert shown.index("switches that differ") < shown.index("top1") < shown.index("McNemar")


def test_a_probe_is_paired_with_zero_shot_on_its_test_pictures(records, capsys):
    assert main(["compare", str(records / "own.json"), str(records / "probe.json"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["paired"]["pictures"] == 3 and "task" in told["switches"]


def test_many_records_make_a_table_and_a_csv(records, tmp_path, capsys):
    files = [str(records / f"{name}.json") for name in ("own", "cifar", "probe")]
    assert main(["compare", *files, "--csv", str(tmp_path / "all.csv")]) == 0
    assert capsys.readouterr().out.count("\n") == 4
    rows = list(csv.DictReader(open(tmp_path / "all.csv", newline="")))
    assert [row["record"] for row in rows] == ["own.json", "cifar.json", "probe.json"]
    assert (
        float(rows[0]["top1"]) == json.loads((records / "own.json").read_text())["metrics"]["top1"]
    )


@pytest.mark.parametrize(
    "names, told",
    [
        (["own.json"], "give two or more records"),
        (["own.json", "absent.json"], "no such record; an evaluation (clipbench eval)"),
        (["own.json", "not_one.json"], "is no record: it has no metrics and settings"),
        (["own.json", "torn.json"], "is no record"),
        (["own.json", "own.json"], "given twice"),
        (["own.json", "cifar.json", "--csv", "own.json/x.csv"], "cannot write"),
    ],
)
def test_what_is_no_record_brings_one_line(records, capsys, monkeypatch, names, told):
    monkeypatch.chdir(records)
    assert main(["compare", *names]) == 2
    captured = capsys.readouterr()
    assert told in captured.err and captured.err.count("\n") == 1 and captured.out == ""


def test_a_written_record_is_read_back_with_a_line_for_each_kind_of_outcome(tmp_path):
    outcomes = {"id": ["a", "b", "\n"], "label": [0, 1, 1], "class_names": ["{cat}", '"dog"']}
    for record in (
        {"metrics": {"top1": 0.5}, "settings": {}},
        {"metrics": {}, "settings": {}, "outcomes": outcomes},
    ):
        write_record(tmp_path / "r.json", record)
        assert read_record(tmp_path / "r.json") == record
    assert '  "label": [0, 1, 1],\n' in (tmp_path / "r.json").read_text()
