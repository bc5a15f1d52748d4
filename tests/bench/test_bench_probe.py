"""The probe's benchmark on small sizes: what it measures, not how fast."""

import json

import pytest
import torch
from safetensors.torch import save_file
from small import one_line

from clipbench import UserError
from clipbench.bench.probe import cone_features, probing, read_rows
from clipbench.cli.main import main


@pytest.fixture(autouse=True)
def threads_as_before():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_synthetic_features_are_unit_vectors_in_a_cone_with_a_decaying_spectrum():
    rows = cone_features(400, 32, 5)
    torch.testing.assert_close(rows.features.norm(dim=1), torch.ones(400))
    cosines = rows.features @ rows.features.T
    assert cosines.mean() > 0.5
    spectrum = torch.linalg.eigvalsh(rows.features.T.cov())
    assert spectrum[-1] > 10 * spectrum[0]
    assert torch.equal(rows.features, cone_features(400, 32, 5).features)


def test_both_solvers_reach_the_same_gap_in_one_run(capsys):
    command = [
        "bench",
        "probe",
        "--against",
        "sklearn",
        "--rows",
        "60",
        "--width",
        "5",
        "--classes",
        "3",
        "--json",
    ]
    assert main(command) == 0
    result = json.loads(capsys.readouterr().out)
    assert (
        result["worst_gap"] <= 1e-6
        and result["sklearn_worst_gap"] <= 1e-6
        and result["sklearn_given_up"] == 0
    )
    assert result["fits"] == len(result["each_C"]) == len(result["sklearn_each_C"])
    assert result["sklearn_over_ours"] == pytest.approx(
        result["sklearn_seconds"] / result["seconds"]
    )


def test_features_of_a_file_are_read(tmp_path):
    rows = cone_features(100, 8, 4)
    save_file({"features": rows.features, "labels": rows.labels}, tmp_path / "some.safetensors")
    assert [len(part) for part in read_rows(tmp_path / "some.safetensors")] == [80, 20]
    assert probing(features=tmp_path / "some.safetensors")["classes"] == 4


@pytest.mark.parametrize(
    "tensors, message",
    [
        (None, "cannot read"),
        ({"features": torch.ones(3, 2)}, "holds features: a probe needs features and labels"),
        (
            {"features": torch.ones(3, 2), "labels": torch.arange(2)},
            "3 rows of features but 2 labels",
        ),
        (
            {"features": torch.full((3, 2), torch.nan), "labels": torch.arange(3)},
            "3 of 3 rows of features hold NaN",
        ),
    ],
)
def test_files_without_features_and_labels_are_refused_in_one_line(tmp_path, tensors, message):
    file = tmp_path / "some.safetensors"
    if tensors:
        save_file(tensors, file)
    with pytest.raises(UserError) as error:
        read_rows(file)
    assert message in one_line(error.value)


@pytest.mark.slow
def test_on_real_features_the_optimum_is_that_of_scikit_learn(capsys):
    """Features of scenes, digits, raw pixels and a random ViT-B/32: the objective to 1e-6,
    accuracy to 0.1 point.
    """
    assert (
        main(
            ["bench", "probe-parity", "--rows", "300", "--model", "tiny", "--limit", "30", "--json"]
        )
        == 0
    )
    result = json.loads(capsys.readouterr().out)
    compared = {name: each for name, each in result.items() if isinstance(each, dict)}
    assert len(compared) == 12 and result["largest_objective_gap"] <= 1e-6
    converged = [each for each in compared.values() if each["sklearn_gap"] <= 1e-6]
    assert len(converged) >= 8
    assert all(abs(each["our_accuracy"] - each["sklearn_accuracy"]) <= 0.1 for each in converged)
