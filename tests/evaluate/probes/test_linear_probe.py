"""The paper's protocol: which C are tried, what is set aside, what is reported, and what is
refused.
"""

import itertools
import json
import math
from pathlib import Path

import pytest
import torch
from small import one_line, write_image_folder, write_small_model

from clipbench import UserError
from clipbench.cli.main import main
from clipbench.data.open import open_pictures
from clipbench.data.probe_splits import PROBE_SEED, open_split
from clipbench.data.world.evaluation_sets import EVALUATION_SEED
from clipbench.evaluate.probes.linear_probe import (
    GRID,
    Rows,
    Search,
    choose_probe,
    linear_probe,
    split_validation,
)
from clipbench.evaluate.probes.logistic import Fit, Problem, fit

# real pictures, beside a checkout
CIFAR10 = Path(__file__).parents[4] / "shared" / "data" / "cifar10"


def clusters(
    rows: int, classes: int = 3, spread: float = 1.0, width: int = 8, seed: int = 0
) -> Rows:
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(rows) % classes
    return Rows(
        torch.eye(width)[labels] + spread * torch.randn(rows, width, generator=generator), labels
    )


# -------------------- the search


def test_the_grid_has_97_values_eight_to_a_decade():
    assert len(GRID) == 97 and GRID[0] == pytest.approx(1e-6) and GRID[-1] == pytest.approx(1e6)
    assert {round(math.log10(b / a), 9) for a, b in itertools.pairwise(GRID)} == {0.125}


@pytest.mark.parametrize("peak", [0, 1, 37, 48, 95, 96])
def test_bisection_finds_the_peak_of_a_hill_in_at_most_15_fits(peak, monkeypatch):
    """A validation accuracy that falls off on both sides of a place of the grid."""

    def try_one(self, C):
        self.tried.append(C)
        self.accuracies[C] = -abs(GRID.index(C) - peak)

    monkeypatch.setattr(Search, "try_one", try_one)
    rows = clusters(12)
    search = Search(Problem(rows.features, rows.labels), rows)
    search.tried = []
    assert search.run() == GRID[peak]
    assert search.tried[:7] == [GRID[place] for place in range(0, 97, 16)]
    assert len(set(search.tried)) <= 15


def test_the_best_fit_is_repeated_on_training_and_validation_rows():
    rows, validation = clusters(60), clusters(30, seed=1)
    probe = choose_probe(rows, validation, classes=3)
    both = rows + validation
    again = fit(Problem(both.features, both.labels), probe.fit.C)
    assert probe.fit.objective == pytest.approx(again.objective, rel=2e-6)
    assert probe.accuracies[probe.fit.C] == max(probe.accuracies.values())
    assert probe.worst_gap <= 1e-6


def test_the_validation_split_takes_a_fifth_of_every_class():
    rows = Rows(torch.randn(106, 4), torch.tensor([0] * 50 + [1] * 50 + [2] * 5 + [3]))
    train, validation = split_validation(rows)
    assert validation.labels.bincount(minlength=4).tolist() == [10, 10, 1, 0]
    assert train.labels.bincount(minlength=4).tolist() == [40, 40, 4, 1]
    together = torch.cat([train.features, validation.features])
    assert {tuple(row) for row in together.tolist()} == {
        tuple(row) for row in rows.features.tolist()
    }
    assert torch.equal(split_validation(rows)[1].features, validation.features)


# -------------------- the result


def test_clear_clusters_are_told_apart_and_the_result_is_certified():
    metrics = linear_probe(clusters(90, spread=0.05), clusters(30, spread=0.05, seed=1))
    assert (
        metrics["top1"] == 1
        and metrics["converged"]
        and metrics["gap"] <= metrics["worst_gap"] <= 1e-6
    )
    assert metrics["train_rows"] == 90 and metrics["pictures"] == 30 and metrics["fits"] > 8


def test_accuracy_is_that_of_the_refitted_classifier():
    train, test = clusters(90), clusters(60, seed=5)
    metrics = linear_probe(train, test)
    both = fit(Problem(train.features, train.labels), metrics["C"])
    assert metrics["top1"] == float(
        (both.logits(test.features).argmax(1) == test.labels).double().mean()
    )


def test_a_fit_that_stopped_early_is_not_called_converged(monkeypatch):
    from clipbench.evaluate.probes import linear_probe as module

    loose = Fit(
        torch.zeros(8, 3).double(),
        torch.zeros(3).double(),
        1.0,
        objective=2.0,
        bound=1.0,
        products=1,
    )
    monkeypatch.setattr(module, "fit", lambda problem, C, start=None: loose)
    assert not linear_probe(clusters(30), clusters(30))["converged"]


@pytest.mark.parametrize(
    "train, test, message",
    [
        (clusters(30), clusters(30, width=9), "training features are 8 wide but test features 9"),
        (clusters(3), clusters(30), "every class has one row"),
        (
            Rows(torch.randn(5, 8), torch.zeros(5).long()),
            clusters(30),
            "a classifier needs two classes",
        ),
        (
            Rows(torch.full((6, 8), torch.nan), torch.arange(6) % 2),
            clusters(30),
            "6 of 6 rows of features hold NaN",
        ),
        (
            clusters(30),
            Rows(torch.full((6, 8), torch.inf), torch.arange(6) % 2),
            "6 of 6 rows of features hold NaN",
        ),
    ],
)
def test_what_cannot_be_probed_is_refused_in_one_line(train, test, message):
    with pytest.raises(UserError) as error:
        linear_probe(train, test)
    assert message in one_line(error.value)


# -------------------- splits


def test_digits_are_split_by_writer():
    split = open_split("digits")
    assert (len(split.train), len(split.test), split.validation) == (1437, 360, None)
    assert not set(split.train.ids) & set(split.test.ids)


def test_scenes_are_tested_on_the_frozen_set_and_trained_on_another_seed():
    split = open_split("scenes:heldout256", scenes=50)
    assert len(split.train) == 50 and len(split.test) == 5000 and PROBE_SEED != EVALUATION_SEED
    assert (
        split.train.class_names
        == split.test.class_names
        == open_pictures("scenes:heldout256").class_names
    )


@pytest.mark.parametrize("validation", ["val", "valid", "validation", "dev", "Dev"])
def test_a_folder_with_parts_keeps_them(tmp_path, validation):
    for part, count in (("train", 4), (validation, 2), ("test", 3)):
        write_image_folder(tmp_path / part, {"cat": count, "dog": count})
    split = open_split(str(tmp_path))
    assert [len(part) for part in (split.train, split.validation, split.test)] == [8, 4, 6]


def test_a_folder_without_parts_is_split_by_class(tmp_path):
    split = open_split(str(write_image_folder(tmp_path / "pets", {"cat": 10, "dog": 5})))
    assert split.test.labels.tolist().count(0) == 2 and split.test.labels.tolist().count(1) == 1
    assert len(split.train) == 12 and not set(split.train.ids) & set(split.test.ids)


@pytest.mark.parametrize(
    "train, test, message",
    [
        ({"cat": 2, "dog": 2}, {"cat": 2, "fox": 2}, "differ in their classes: dog, fox"),
        (None, {"cat": 1, "dog": 1}, "every class has one picture"),
    ],
)
def test_splits_that_do_not_fit_are_refused_in_one_line(tmp_path, train, test, message):
    data = write_image_folder(tmp_path / "test", test)
    with pytest.raises(UserError) as error:
        open_split(str(data), str(write_image_folder(tmp_path / "train", train)) if train else None)
    assert message in one_line(error.value)


# -------------------- command line


def test_the_command_prints_one_certified_record(tmp_path, capsys):
    model = write_small_model(tmp_path / "model")
    data = write_image_folder(tmp_path / "pets", {"cat": 10, "dog": 10})
    command = ["eval", "linear-probe", "--model", str(model), "--data", str(data), "--json"]
    assert main(command) == 0
    record = json.loads(capsys.readouterr().out)
    assert (
        record["metrics"]["converged"] and record["settings"]["features"] == "before the projection"
    )
    assert "a fifth of each class" in record["settings"]["split"]

    assert main([*command, "--features", "pixels"]) == 0
    assert "raw pixels" in json.loads(capsys.readouterr().out)["settings"]["features"]


@pytest.mark.parametrize("task", ["linear-probe", "few-shot"])
@pytest.mark.parametrize(
    "classes, message",
    [
        ({"cat": 8}, "one class only"),
        ({"cat": 1, "dog": 1}, "every class has one picture"),
        ({}, "no pictures found"),
    ],
)
def test_folders_that_cannot_be_probed_end_in_one_line(tmp_path, capsys, task, classes, message):
    model = write_small_model(tmp_path / "model")
    (tmp_path / "pets").mkdir()
    data = write_image_folder(tmp_path / "pets", classes)
    assert main(["eval", task, "--model", str(model), "--data", str(data), "--json"]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith("clipbench: ") and message in line


# -------------------- real data


@pytest.mark.slow
def test_cifar10_probe_agrees_with_scikit_learn():
    """Classroom features of CIFAR-10: the refitted probe is within 0.1 point of scikit-learn's
    run to convergence.
    """
    if not CIFAR10.exists():
        pytest.skip("needs ../shared/data/cifar10")
    from sklearn.linear_model import LogisticRegression

    from clipbench.encoders.clip import load
    from clipbench.evaluate.features.compute import image_features

    encoder = load("classroom")
    train, test = (
        Rows(image_features(encoder, data, projected=False), data.labels)
        for data in (
            open_pictures(str(CIFAR10 / f"{part}.parquet")).subset(range(2000))
            for part in ("train", "test")
        )
    )
    metrics = linear_probe(train, test)
    assert metrics["converged"]
    reference = LogisticRegression(C=metrics["C"], tol=1e-8, max_iter=100_000)
    reference.fit(train.features.double().numpy(), train.labels.numpy())
    accuracy = reference.score(test.features.double().numpy(), test.labels.numpy())
    assert abs(metrics["top1"] - accuracy) <= 0.001 + 1e-9
