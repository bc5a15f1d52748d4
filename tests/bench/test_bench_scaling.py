"""Facts about the ladder of models: what differs is what was asked for."""

import json
import shlex

import pytest
from small import one_line

from clipbench import UserError
from clipbench.bench.scaling import narrowed
from clipbench.cli import main
from clipbench.cli.main import build_parser
from clipbench.evaluate.records.record import shipped_record
from clipbench.training.presets import find_preset, scene_trainer


def test_only_width_batch_and_rate_differ_from_the_preset():
    tiny, ours = find_preset("tiny"), narrowed(8, 64, 0.5, 1000)
    assert (ours.model.image.width, ours.train.batch_size, ours.train.pairs) == (8, 64, 1000)
    assert ours.train.learning_rate == tiny.train.learning_rate / 2
    assert ours.model.text == tiny.model.text and narrowed(32, 128, 1.0, 1000).model == tiny.model


def test_a_ladder_tells_what_each_run_cost_and_reached(capsys):
    sizes = "--widths 2 4 --pairs 64 --batches 32 --seeds 0 --pictures 40 --objectives sigmoid"
    main(["bench", "scaling", *sizes.split(), "--json"])
    runs = json.loads(capsys.readouterr().out)["runs"]
    assert [run["width"] for run in runs] == [2, 4]
    assert runs[0]["training_gflops"] < runs[1]["training_gflops"]
    assert [run["objective"] for run in runs] == ["sigmoid", "sigmoid"]
    assert all(0 <= run["top1_low"] < run["top1_high"] for run in runs)


def test_a_run_that_was_stopped_is_no_result_and_ends_the_benchmark(capsys, monkeypatch):
    built = []

    def stopping(*arguments, **named):
        trainer = scene_trainer(*arguments, **named)
        trainer.callbacks.append(lambda event: trainer.stop())
        return built.append(trainer) or trainer

    monkeypatch.setattr("clipbench.bench.scaling.scene_trainer", stopping)
    sizes = "--widths 2 4 --pairs 64 --batches 32 --seeds 0 --pictures 40"
    assert main(["bench", "scaling", *sizes.split(), "--json"]) == 130
    assert capsys.readouterr().out == "" and len(built) == 1


@pytest.mark.parametrize("name", ["scaling-width", "scaling-batch"])
def test_the_shipped_ladder_was_measured_by_its_command(name):
    record = shipped_record(name)
    assert record["command"].startswith("clipbench bench scaling")
    assert all(run["top1_low"] < run["top1"] < run["top1_high"] for run in record["runs"])


def test_the_shipped_curves_show_the_order_of_figure_2_and_how_they_were_made():
    record = shipped_record("objectives")
    assert len(record["commands"]) == 3
    contrastive, bow, lm = (record[name] for name in ("contrastive", "bow", "caption-lm"))
    assert (
        contrastive["top1_low"][-1] > bow["top1_high"][-1]
        and bow["top1_low"][-1] > lm["top1_high"][-1]
    )


@pytest.mark.parametrize(
    "name", ["nothing-of-the-kind", "objectives", "scaling-width", "scaling-batch"]
)
def test_a_record_that_is_not_there_gets_one_line_with_a_command_that_exists(
    name, monkeypatch, tmp_path
):
    monkeypatch.setattr("clipbench.evaluate.records.record.shipped_records", lambda: tmp_path)
    with pytest.raises(UserError, match=f"no record {name}.json; set RETRAIN") as error:
        shipped_record(name)
    command, _, _ = one_line(error.value).partition("make it with: clipbench ")[2].partition(" > ")
    build_parser().parse_args(shlex.split(command))
