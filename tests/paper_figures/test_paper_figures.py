"""Facts about the paper's figures: numbers become findings, verdicts follow intervals, and what
is missing is said.
"""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from random_checkpoint import write_hub_cache
from small import one_line, small_encoder, write_small_model

from clipbench import UserError
from clipbench.cli.main import build_parser, main
from clipbench.evaluate.features import feature_file
from clipbench.evaluate.records.claims import ABSENT, APPEARS, OUTCOMES, UNTESTED
from clipbench.evaluate.records.record import shipped_records
from clipbench.paper_figures import FIGURES, LEFT_OUT, NoRecord, Sources, finding_of
from clipbench.paper_figures.fig02 import draw as draw_efficiency
from clipbench.paper_figures.fig04 import WORDINGS
from clipbench.paper_figures.fig05 import differences
from clipbench.paper_figures.fig09 import errors_by_size
from clipbench.paper_figures.finding import NO_DATA, UNJUDGED, mean_of
from clipbench.paper_figures.plan import plan
from clipbench.paper_figures.suite import by_task
from clipbench.pretrained.random_weights import ABOUT, MARK

ROOT = Path(__file__).parents[2]
SUITE = {  # task -> zero-shot, full probe, probes of 1, 2, 4 pictures
    "count": (0.7, 0.9, 0.5, 0.6, 0.8),
    "style": (0.9, 0.95, 0.8, 0.9, 0.92),
    "colour": (0.95, 0.99, 0.9, 0.96, 0.97),
}


def with_ends(name: str, value: float, half: float = 0.02) -> dict:
    return {name: value, f"{name}_low": value - half, f"{name}_high": value + half}


def suite_metrics(shift: float = 0.0) -> dict:
    found = {}
    for task, (zero_shot, probe, *shots) in SUITE.items():
        numbers = with_ends("zero_shot", zero_shot) | with_ends("probe", probe + shift)
        for k, value in zip((1, 2, 4), shots, strict=True):
            numbers |= with_ends(f"probe_{k}", value)
        numbers |= {"probe_examples_to_match_zero_shot": 2.5, "probe_match": "interpolated"}
        numbers |= {"chance": 0.3, "answers": 4}
        found |= {f"{task}/{key}": value for key, value in numbers.items()}
    return found


def adaptation_metrics(level: float, shifted: float) -> dict:
    found = (
        with_ends("top1", level)
        | with_ends("twemoji/top1", shifted)
        | with_ends("openmoji/top1", shifted)
    )
    for k, more in ((1, -0.3), (4, -0.1), (16, 0.03)):
        found |= {
            f"shots/{k}/top1": level + more,
            f"shots/{k}/twemoji/top1": shifted + more / 3,
            f"shots/{k}/openmoji/top1": shifted + more / 3,
        }
    return found


def typographic_metrics(success: float) -> dict:
    found = with_ends("success", success, 0.01) | with_ends("control_target", 0.01, 0.005)
    for height in (0.1, 0.25):
        found |= {f"success_at_{height:g}": success * height, f"control_target_at_{height:g}": 0.01}
        found |= {f"success_at_{height:g}_low": 0, f"control_target_at_{height:g}_low": 0}
    return found


RECORDS = {
    "tiny-scene-tasks": suite_metrics(),
    "pixels-scene-tasks": suite_metrics(-0.1),
    "tiny-prompts": {
        f"digits/{wording}": share
        for wording, share in zip(WORDINGS, (0.5, 0.52, 0.56), strict=True)
    }
    | with_ends("digits/gain", 0.06),
    "tiny-adaptation": adaptation_metrics(0.9, 0.4),
    "twin-supervised-adaptation": adaptation_metrics(0.8, 0.2),
    "tiny-one-example": with_ends("zero-shot", 0.9)
    | with_ends("1 picture a class", 0.5)
    | with_ends("2 pictures a class", 0.6)
    | {"chance": 1 / 37},
    "tiny-overlap": {
        "pictures": 100,
        "recall": 0.98,
        "false_alarms": 0.001,
        **with_ends("probe/0.022", 0.001, 0.002),
        **with_ends("zero-shot/0.022", 0.0, 0.001),
        **with_ends("pixels/0.022", 0.02, 0.004),
    },
    "typographic-tiny": typographic_metrics(0.01),
    "typographic-many-signs-0": typographic_metrics(0.4),
}
BENCHES = {
    "objectives": {
        "pairs": [100, 200],
        "pictures": 1000,
        "seed": 0,
        **{
            name: {"top1": [0.1, end], "top1_low": [0.05, end], "top1_high": [0.15, end]}
            for name, end in (("contrastive", 0.8), ("bow", 0.6), ("caption-lm", 0.5))
        },
    },
    "scaling-width": {
        "runs": [
            {"image_gflops": size, "top1": share, "seed": seed}
            for seed in (0, 1)
            for size, share in ((0.01, 0.4), (0.04, 0.6), (0.16, 0.8))
        ]
    },
}


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    """A folder of records with made-up numbers."""
    folder = tmp_path_factory.mktemp("records")
    for name, metrics in RECORDS.items():
        (folder / f"{name}.json").write_text(json.dumps({"metrics": metrics, "settings": {}}))
    for name, result in BENCHES.items():
        (folder / f"{name}.json").write_text(json.dumps(result))
    return folder


@pytest.mark.parametrize("name", FIGURES)
def test_records_become_a_figure_with_a_finding(records, name):
    finding = finding_of(name, Sources("tiny", shipped=records))
    assert finding.figure is not None and finding.appears in OUTCOMES, finding.finding
    assert finding.why or finding.appears == APPEARS
    assert (
        finding.figure.png()[1:4] == b"PNG"
        and finding.finding in finding.figure.alt
        and finding.spread
    )
    assert name == FIGURES[name].NAME and FIGURES[name].PAPER and FIGURES[name].__doc__


@pytest.mark.parametrize("name", FIGURES)
def test_without_records_the_way_to_them_is_said(tmp_path, name):
    finding = finding_of(name, Sources("tiny", shipped=tmp_path))
    assert finding.figure is None and finding.appears == NO_DATA
    command, _, _ = finding.finding.partition("make it with: clipbench ")[2].partition(" > ")
    build_parser().parse_args(shlex.split(command))  # it runs as it stands


def test_a_model_with_random_weights_marks_its_figures_and_no_other(records, tmp_path):
    rehearsal = json.loads((records / "tiny-prompts.json").read_text()) | {"settings": ABOUT}
    (tmp_path / "tiny-prompts.json").write_text(json.dumps(rehearsal))
    sources = Sources("tiny", shipped=records, made=tmp_path)
    rehearsed, real = finding_of("fig04", sources), finding_of("fig08", sources)
    assert rehearsed.finding.startswith(
        f"{MARK}: An ensemble"
    ) and rehearsed.figure.read_aloud.startswith(MARK)
    assert (
        rehearsed.figure.png() != finding_of("fig04", Sources("tiny", shipped=records)).figure.png()
    )
    assert MARK not in real.finding + real.figure.read_aloud and (
        rehearsed.appears,
        real.appears,
    ) == (UNJUDGED, ABSENT)  # raw pixels go with zero-shot as closely here


def test_means_add_their_halves_as_independent_numbers():
    assert mean_of([1, 3], [0.3, 0.4]) == pytest.approx((2, 1.75, 2.25))


def test_the_interval_of_a_difference_is_newcombes():
    """Table II of Newcombe (1998), method 10: 56/70 less 48/80 is 0.2, from 0.0524 to 0.3339."""
    from clipbench.evaluate.statistics.intervals import with_interval

    ours, rival = with_interval("zero_shot", 56, 70), with_interval("probe", 48, 80)
    value, low, high = differences({"count": ours}, {"count": rival})["count"]
    assert (value, low, high) == pytest.approx((20, 5.24, 33.39), abs=0.01)


def test_what_stands_in_a_title_is_computed(records):
    sources = Sources("tiny", shipped=records)
    assert "on 3 of 3 tasks" not in finding_of("fig05", sources).finding
    assert "median of 3 tasks" in finding_of("fig07", sources).finding
    assert "80 % (contrastive), 60 %" in draw_efficiency(BENCHES["objectives"])[1]
    assert errors_by_size(BENCHES["scaling-width"])[0.01] == pytest.approx([60, 60])
    assert "+6.0 points" in finding_of("fig04", sources).finding
    typographic = finding_of("typographic", sources)
    assert typographic.appears == UNTESTED, "there is no control, and one training has no interval"
    assert finding_of("fig04", sources).appears == APPEARS
    assert by_task({"a/b": 1, "mean": 2}) == {"a": {"b": 1}}


def test_another_model_never_borrows_the_shipped_models_records(records):
    sources = Sources("tiny", "some/model", shipped=records)
    with pytest.raises(NoRecord) as error:
        FIGURES["fig08"].make(sources)
    assert "--model some/model" in one_line(error.value)


def test_records_come_with_the_package():
    assert (shipped_records() / "tiny-seed0.json").exists()
    with pytest.raises(UserError, match="no scale 'big'"):
        Sources("big")


def test_the_command_measures_what_is_missing_and_writes_a_page(tmp_path, capsys):
    model = write_small_model(tmp_path / "model")
    command = [
        "figures",
        "fig04",
        "fig06",
        "fig07",
        "fig08",
        "--scale",
        "tiny",
        "--model",
        str(model),
    ]
    small = [
        "--pictures",
        "16",
        "--tasks",
        "count",
        "word_order",
        "--device",
        "cpu",
        "--out",
        str(tmp_path / "out"),
    ]
    assert main([*command, *small, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert all(each["appears"] in OUTCOMES for each in result["figures"].values())
    page = (tmp_path / "out" / "figures.md").read_text()
    for name, each in result["figures"].items():
        assert (tmp_path / "out" / f"{name}.png").exists() and each["finding"] in page
        assert FIGURES[name].PAPER in page
    assert all(reason in page for reason in LEFT_OUT.values())
    assert len(list((tmp_path / "out" / "records").glob("*.json"))) == 2


@pytest.mark.slow
def test_at_full_scale_figures_are_drawn_from_a_model_of_the_hub_and_say_that_its_weights_are_random(
    tmp_path,
):
    """Without network, in a process of its own.

    Figures 4, 13 and 14 would take minutes (texts and probes).
    """
    write_hub_cache(tmp_path / "hf")
    command = [
        sys.executable,
        "-m",
        "clipbench",
        "figures",
        "--scale",
        "full",
        "--out",
        "out",
        "--json",
    ]
    command += [
        "fig02",
        "fig05",
        "fig06",
        "fig08",
        "fig09",
        "fig10",
        "fig16",
        "fig17",
        "typographic",
    ]
    small = ["--pictures", "16", "--tasks", "concept", "count", "word_order"]
    where = {"HF_HOME": str(tmp_path / "hf"), "HF_HUB_OFFLINE": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [*command, *small], cwd=tmp_path, env=os.environ | where, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)["figures"]
    of_the_model = {
        name
        for name, each in found.items()
        if any(used.startswith("full-") for used in each["records"])
    }
    assert of_the_model == {
        name for name, each in found.items() if each["finding"].startswith(MARK)
    }
    assert of_the_model == {
        "fig05",
        "fig06",
        "fig08",
        "fig10",
        "fig16",
        "fig17",
        "typographic",
    }


@pytest.mark.parametrize(
    "names, message",
    [
        (["fig03"], "fig03 is not drawn: pseudocode"),
        (["fig99"], "no figure 'fig99' (did you mean 'fig09'?)"),
    ],
)
def test_figures_that_are_not_drawn_are_refused_with_the_reason(tmp_path, capsys, names, message):
    assert main(["figures", *names, "--out", str(tmp_path)]) == 2
    captured = capsys.readouterr()
    assert message in captured.err and captured.err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--scale", "big"], "invalid choice: 'big'"),
        (["--pictures", "0"], "must be more than 0"),
        (["--tasks", "cuont"], "no scene task 'cuont' (did you mean 'count'?)"),
        (["--model", "a/b/c"], "no model 'a/b/c'"),
        (["--records", "missing"], "no folder of records: missing"),
    ],
)
def test_a_wrong_argument_is_one_line(tmp_path, capsys, arguments, message):
    assert main(["figures", "fig04", "--out", str(tmp_path), "--scale", "tiny", *arguments]) == 2
    captured = capsys.readouterr()
    assert message in captured.err and captured.err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_to_is_told_before_anything_is_measured(
    tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr("clipbench.paper_figures.sources.Sources.encoder", None)
    (tmp_path / "file").touch()
    assert main(["figures", "--out", str(tmp_path / "file")]) == 2
    assert "cannot write to" in (said := capsys.readouterr().err) and said.count("\n") == 1


def test_stopped_in_between_it_keeps_whole_records_and_no_half_page(tmp_path, capsys, monkeypatch):
    def stop(_):
        raise KeyboardInterrupt

    monkeypatch.setattr("clipbench.paper_figures.fig16.measure", stop)
    monkeypatch.setattr("clipbench.paper_figures.fig04.measure", lambda _: RECORDS["tiny-prompts"])
    assert main(["figures", "fig04", "fig16", "--scale", "tiny", "--out", str(tmp_path)]) == 130
    assert capsys.readouterr().err.splitlines()[-1].startswith("clipbench: stopped")
    assert [path.name for path in tmp_path.rglob("*")] == ["records", "tiny-prompts.json"]


# -------------------- the plan


class Counted:
    """An encoder that notes how many pictures and texts it was given."""

    def __init__(self, encoder):
        self.encoder, self.pictures, self.texts = encoder, 0, 0

    def __getattr__(self, name):
        return getattr(self.encoder, name)

    def encode_image(self, images):
        self.pictures += len(images)
        return self.encoder.encode_image(images)

    def image_tower(self, images):
        self.pictures += len(images)
        return self.encoder.image_tower(images)

    def encode_text(self, texts):
        self.texts += len(texts)
        return self.encoder.encode_text(texts)


@pytest.mark.parametrize(
    "figure",
    [
        "fig04",
        pytest.param("fig08", marks=pytest.mark.slow),
        pytest.param("fig16", marks=pytest.mark.slow),
        pytest.param("fig17", marks=pytest.mark.slow),
        "typographic",
    ],
)
def test_a_plan_counts_what_is_encoded(figure, tmp_path, monkeypatch):
    monkeypatch.setenv("CLIPBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(feature_file, "calibrate_threads", lambda encoder, data: None)
    sources = Sources(
        "tiny", "nobody/knows-it", tmp_path, tmp_path / "made", pictures=40, tasks=["count"]
    )
    told = plan([figure], sources)
    (need,) = told["records"].values()
    sources.encoder = counted = Counted(small_encoder())
    finding_of(figure, sources)
    assert counted.pictures == need["pictures"]
    assert 0.9 * need["texts"] <= counted.texts <= need["texts"], (
        "a text that two templates make is encoded once"
    )
    assert told["t4_minutes"] >= 0 and "ESTIMATE" in told["basis"]
    assert plan([figure], sources)["records"][told["figures"][figure]]["there"], (
        "now there is a record"
    )


def test_the_plan_of_the_real_model_names_data_and_minutes_and_measures_nothing(tmp_path, capsys):
    assert main(["figures", "--scale", "full", "--plan", "--out", str(tmp_path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["plan"]
    assert told["figures"].keys() == FIGURES.keys()
    assert all(
        each["data"] and each["source"] and each["t4_minutes"] > 0
        for each in told["records"].values()
    )
    assert not any(tmp_path.iterdir())
    assert main(["figures", "fig13", "--scale", "full", "--plan", "--out", str(tmp_path)]) == 0
    assert "minutes of a T4" in capsys.readouterr().out
