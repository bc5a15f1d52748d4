"""Facts about the command line: one JSON object, and one clear line with exit code 2 for every
mistake.
"""

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
from forked import fork, in_a_fork, on_a_full_disk
from small import (
    CONVNET,
    TRANSFORMER,
    noise_picture,
    small_config,
    write_image_folder,
    write_small_model,
)

from clipbench.cli import main
from clipbench.cli.main import build_parser
from clipbench.cli.train import TrainOptions, make_trainer
from clipbench.pretrained.checkpoint import newest_intact
from clipbench.pretrained.folders import WEIGHTS, load_pretrained
from clipbench.training.log import read_events
from clipbench.training.presets import find_preset
from clipbench.training.run_lock import locked

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A folder with a model, labelled pictures, a preset and all kinds of bad files."""
    folder = tmp_path_factory.mktemp("cli")
    write_small_model(folder / "model")
    write_image_folder(folder / "pictures", {"cat": 4, "red_car": 3, "sun": 2})
    noise_picture(50, 40).save(folder / "picture.png")
    preset = {
        "model": small_config(CONVNET, TRANSFORMER).to_dict(),
        "train": {"batch_size": 16, "pairs": 64, "warmup": 0.1},
        "tiny_world": True,
    }
    (folder / "small.json").write_text(json.dumps(preset))
    (folder / "notes.txt").write_text("not a picture\n")
    (folder / "empty").mkdir()
    (folder / "templates.txt").write_text("a {}\na photo of a {}.\n")
    (folder / "no_place.txt").write_text("a photo\n")
    (folder / "blank.txt").write_text("\n\n")
    (folder / "torn.parquet").write_bytes(b"PAR1 and nothing more")
    (folder / "torn.tar").write_bytes(b"no tar file " * 200)
    (folder / "no_captions.csv").write_text("filepath,kind\npicture.png,cat\n")
    (folder / "no_rows.csv").write_text("filepath,caption\n")
    (folder / "no_pictures.csv").write_text("filepath,caption\ngone.png,a cat\nlost.png,a dog\n")
    table = pyarrow.table({"image": [b"", b""], "caption": [1.5, 2.5]})
    pyarrow.parquet.write_table(table, folder / "numbers.parquet")
    for name, content in {
        "torn": (folder / "model" / WEIGHTS).read_bytes()[:5000],
        "pickled": b"\x80\x04N.",
    }.items():
        write_small_model(folder / name)
        (folder / name / WEIGHTS).write_bytes(content)
    return folder


def run(capsys, *arguments) -> tuple[int, str, str]:
    """(exit code, stdout, stderr) of the command line in this process."""
    code = main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def answer(capsys, *arguments) -> dict:
    """The one JSON object that a successful command prints."""
    code, out, err = run(capsys, *arguments, "--json")
    assert code == 0, err
    assert out.count("\n") == 1
    return json.loads(out)


def complaint(capsys, *arguments) -> str:
    """The one line that a mistake brings, but for the line that says where captions come from."""
    code, out, err = run(capsys, *arguments)
    assert code == 2 and out == ""
    lines = [line for line in err.splitlines() if not line.startswith("clipbench: captions: ")]
    assert len(lines) == 1 and lines[0].startswith("clipbench: ") and "Traceback" not in err
    return lines[0]


ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}


def python(code: str, *arguments) -> subprocess.CompletedProcess:
    """Code in a process of its own."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True)


TRAIN = (
    "train",
    "--preset",
    "{world}/small.json",
    "--out",
    "{out}",
    "--device",
    "cpu",
    "--threads",
    "1",
)


def train(world, out, *more) -> list[str]:
    return [*(word.format(world=world, out=out) for word in TRAIN), *more]


# -------------------- train


def test_training_leaves_a_model_and_a_log(world, tmp_path, capsys):
    result = answer(capsys, *train(world, tmp_path / "run", "--pairs", "64", "--batch-size", "16"))
    assert result["finished"] and (result["steps"], result["pairs"], result["threads"]) == (
        4,
        64,
        1,
    )
    assert (tmp_path / "run" / "log.csv").read_text().count("\n") == 5
    model, _, _ = load_pretrained(newest_intact(tmp_path / "run"))
    assert model.config == small_config(CONVNET, TRANSFORMER)


def test_the_same_seed_gives_the_same_model(world, tmp_path, capsys):
    folders = [tmp_path / name for name in ("one", "two", "three")]
    for folder, seed in zip(folders, (5, 5, 6), strict=True):
        answer(capsys, *train(world, folder, "--seed", seed))
    one, two, three = ((newest_intact(folder) / WEIGHTS).read_bytes() for folder in folders)
    assert one == two != three


def test_a_finished_run_can_be_resumed_and_is_not_overwritten(world, tmp_path, capsys):
    answer(capsys, *train(world, tmp_path / "run"))
    assert "already holds a run; add --resume" in complaint(capsys, *train(world, tmp_path / "run"))
    assert answer(capsys, *train(world, tmp_path / "run", "--resume"))["steps"] == 4
    assert "another pairs" in complaint(
        capsys, *train(world, tmp_path / "run", "--resume", "--pairs", "96")
    )


def test_a_run_of_another_architecture_is_not_resumed(world, tmp_path, capsys):
    answer(capsys, *train(world, tmp_path / "run"))
    other = json.loads((world / "small.json").read_text()) | {"model": small_config().to_dict()}
    (tmp_path / "other.json").write_text(json.dumps(other))
    command = train(world, tmp_path / "run", "--resume", "--preset", tmp_path / "other.json")
    assert "holds another model than the preset asks for" in complaint(capsys, *command)


def test_a_folder_in_which_another_run_is_at_work_is_refused(world, tmp_path, capsys):
    with locked(tmp_path / "run"):
        assert "in use by another process" in complaint(capsys, *train(world, tmp_path / "run"))
    assert answer(capsys, *train(world, tmp_path / "run"))["finished"]


def test_a_captions_file_is_trained_on_and_bad_pictures_are_named(world, tmp_path, capsys):
    names = [
        f"{name}/{row}.png"
        for name, count in {"cat": 4, "red_car": 3, "sun": 2}.items()
        for row in range(count)
    ]
    lines = [f"{world}/pictures/{name},a picture of {name}" for name in [*names, "cat/gone.png"]]
    (tmp_path / "captions.csv").write_text("\n".join(["image,caption", *lines]) + "\n")
    code, _out, err = run(
        capsys, *train(world, tmp_path / "run", "--data", tmp_path / "captions.csv")
    )
    assert code == 0 and err.count("left out: ") == 1 and "gone.png: no such file" in err
    assert (tmp_path / "run" / "unreadable.txt").read_text().count("\n") == 1
    assert [
        event["so_far"] for event in read_events(tmp_path / "run") if event["event"] == "unreadable"
    ] == [1]


def test_training_on_labelled_pictures(world, tmp_path, capsys):
    result = answer(capsys, *train(world, tmp_path / "run", "--data", world / "pictures"))
    assert result["finished"] and result["pairs"] == 64


def test_training_prints_numbers_for_people_too(world, tmp_path, capsys):
    code, out, _ = run(capsys, *train(world, tmp_path / "run", "--pairs", "32"))
    assert code == 0 and "pairs_per_second" in out and not out.startswith("{")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="runs in a fork")
def test_a_termination_request_ends_in_a_checkpoint_and_the_command_to_go_on(world, tmp_path):
    arguments = train(world, tmp_path / "run", "--pairs", "10000000")
    running = fork(tmp_path / "prints", main, [*arguments, "--json"])
    log = tmp_path / "run" / "log.csv"
    while running.is_running() and not (log.exists() and log.stat().st_size):
        time.sleep(0.02)
    running.send(signal.SIGTERM)
    code, out, err = running.wait()
    assert code == 0 and not json.loads(out)["finished"], err
    assert newest_intact(tmp_path / "run") is not None
    assert err.startswith("stopped; go on with: clipbench train") and err.rstrip().endswith(
        "--resume"
    )
    again = shlex.split(err)
    assert again[again.index("--out") + 1] == str(tmp_path / "run") and "10000000" in again


# -------------------- eval and classify


def test_evaluating_a_random_model_gives_a_record(world, tmp_path, capsys):
    record = answer(
        capsys,
        "eval",
        "zero-shot",
        "--model",
        world / "model",
        "--data",
        world / "pictures",
        "--device",
        "cpu",
        "--out",
        tmp_path / "deep" / "record.json",
    )
    metrics = record["metrics"]
    assert (metrics["pictures"], metrics["classes"], metrics["chance"]) == (9, 3, 1 / 3)
    assert (
        0 <= metrics["top1_low"] <= metrics["top1"] <= metrics["top1_high"] <= 1
        and "top5" not in metrics
    )
    assert {"torch", "clipbench"} <= record["versions"].keys() and len(record["fingerprint"]) == 16
    assert record["settings"]["templates"][0] == "a photo of a {}."
    written = json.loads((tmp_path / "deep" / "record.json").read_text())
    assert len(written.pop("outcomes")["predictions"]) == 9 and written == record


def test_own_templates_are_used_and_noted(world, capsys):
    record = answer(
        capsys,
        "eval",
        "zero-shot",
        "--model",
        world / "model",
        "--data",
        world / "pictures",
        "--templates",
        world / "templates.txt",
        "--device",
        "cpu",
    )
    assert record["settings"]["templates"] == ["a {}", "a photo of a {}."]


def test_an_evaluation_can_be_read_by_people(world, capsys):
    code, out, _ = run(
        capsys, "eval", "zero-shot", "--model", world / "model", "--data", world / "pictures"
    )
    assert code == 0 and out.startswith("zero-shot of") and "top-1" in out


def test_classifying_ranks_the_texts(world, capsys):
    texts = ["a cat", "a dog", "the sun"]
    options = [word for text in texts for word in ("--text", text)]
    result = answer(capsys, "classify", world / "picture.png", "--model", world / "model", *options)
    ranking = result["ranking"]
    assert sorted(row["text"] for row in ranking) == sorted(texts)
    assert sum(row["probability"] for row in ranking) == pytest.approx(1)
    assert [row["cosine"] for row in ranking] == sorted(
        (row["cosine"] for row in ranking), reverse=True
    )


def test_equal_texts_count_once_and_one_text_is_no_choice(world, capsys):
    command = ("classify", world / "picture.png", "--model", world / "model", "--text", "a cat")
    code, out, err = run(capsys, *command, "--text", "A  cat", "--text", "a dog", "--json")
    assert code == 0 and "'A cat' is the same as 'a cat' to the model; it counts once" in err
    assert {row["text"] for row in json.loads(out)["ranking"]} == {"a cat", "a dog"}
    assert "nothing to choose between; give --text at least twice" in complaint(capsys, *command)
    code, out, err = run(capsys, *command, "--text", "a cat")
    assert code == 2 and "nothing to choose between" in err and "%" not in out + err


def test_words_that_the_model_never_read_are_named(world, tmp_path, capsys):
    shutil.copytree(world / "model", tmp_path / "model")
    read = {"fingerprint": "", "words": {"English": {"a": 2, "cat": 1}}}
    (tmp_path / "model" / "familiarity.json").write_text(json.dumps(read))
    model, texts = ("--model", tmp_path / "model"), ("--text", "a cat", "--text", "a blorp")
    command = ("classify", world / "picture.png", *model, *texts)
    assert answer(capsys, *command)["unfamiliar"] == "never read in training: blorp"
    code, out, _ = run(capsys, *command)
    assert code == 0 and out.splitlines()[-1] == "note: never read in training: blorp"
    command = ("search", "--data", world / "pictures", *model, "--text")
    assert answer(capsys, *command, "blorp")["unfamiliar"] == "never read in training: blorp"
    code, out, _ = run(capsys, *command, "a cat")
    assert code == 0 and "note:" not in out


def test_the_first_example_of_the_readme_works(capsys):
    picture = ROOT / "docs" / "dog.png"
    result = answer(capsys, "classify", picture, "--text", "a cat", "--text", "a dog")
    best = result["ranking"][0]
    assert best["text"] == "a dog" and best["probability"] > 0.9 and result["unfamiliar"] == ""


def test_classifying_without_texts_takes_the_names_of_the_world(world, capsys):
    result = answer(
        capsys, "classify", world / "picture.png", "--model", world / "model", "--top", "3"
    )
    assert len(result["ranking"]) == 3
    code, out, _ = run(capsys, "classify", world / "picture.png", "--model", world / "model")
    assert code == 0 and out.count("cosine") == 5


def test_the_doctor_tells_where_the_classroom_model_is(capsys, no_live_training):
    assert answer(capsys, "doctor")["classroom"].endswith("classroom")


# -------------------- mistakes

ZERO_SHOT = ("eval", "zero-shot", "--device", "cpu")
CLASSIFY = ("classify", "{world}/picture.png")


@pytest.mark.parametrize(
    "arguments, told",
    [
        (("fly",), "invalid choice: 'fly'; choose from train, sweep"),
        (("trian",), "invalid choice: 'trian' (did you mean 'train'?)"),
        (("eval", "zero-shto"), "(did you mean 'zero-shot'?)"),
        (
            ("eval", "zero-shot", "--modle", "tiny"),
            "unrecognized arguments: --modle tiny (did you mean '--model'?)",
        ),
        (("train", "--objective", "contrastiv"), "(did you mean 'contrastive'?)"),
        (
            ("train", "--preset", "clasroom"),
            "unknown preset 'clasroom' (did you mean 'classroom'?)",
        ),
        (("figures", "fg04", "--out", "{out}"), "no figure 'fg04' (did you mean 'fig04'?)"),
        (
            ("figures", "--tasks", "cuont", "--out", "{out}"),
            "no scene task 'cuont' (did you mean 'count'?)",
        ),
        (
            ("classify", "{world}/picture.png", "--model", "clasroom"),
            "no model 'clasroom' (did you mean 'classroom'?)",
        ),
        ((*CLASSIFY, "--model", "twin:raeder"), "no twin 'raeder' (did you mean 'reader'?)"),
        (
            ("eval", "zero-shot", "--model", "{world}/model", "--data", "twemojy"),
            "(did you mean 'twemoji'?)",
        ),
        (("eval", "poetry"), "invalid choice: 'poetry'"),
        (("train", "--pairs", "many"), "invalid int value: 'many'"),
        (("train", "--pairs", "8", "--minutes", "1"), "not allowed with"),
        (("train", "--minutes", "nan"), "argument --minutes: must be more than 0"),
        (
            ("train", "--preset", "huge"),
            "unknown preset 'huge'; choose from tiny, tiny-one-caption",
        ),
        (("train", "--preset", "{world}/absent.json"), "unknown preset"),
        (("train", "--preset", "{world}/notes.txt"), "unknown preset"),
        (("train", "--preset", "{world}/model/config.json"), "does not describe a preset"),
        ((*TRAIN, "--data", "imagenet"), "unknown data 'imagenet'; give scenes"),
        ((*TRAIN, "--data", "scenes:heldout"), "for evaluation only"),
        ((*TRAIN, "--seed", "990001"), "belong to the evaluation"),
        ((*TRAIN, "--data", "{world}/empty"), "no pictures found"),
        ((*TRAIN, "--data", "{world}/torn.parquet"), "not a readable parquet file"),
        ((*TRAIN, "--data", "{world}/notes.txt"), "'not a picture', names no columns"),
        ((*TRAIN, "--data", "{world}/torn.tar"), "not a readable, uncompressed tar file"),
        (
            (*TRAIN, "--data", "{world}/no_captions.csv"),
            "no caption column among filepath, kind; call one of them",
        ),
        ((*TRAIN, "--data", "{world}/no_rows.csv"), "no_rows.csv: no rows"),
        ((*TRAIN, "--data", "{world}/no_pictures.csv"), "none of its 2 samples can be read"),
        (
            (*TRAIN, "--data", "{world}/numbers.parquet"),
            "captions must be text or lists of text, not double",
        ),
        (
            (*TRAIN, "--data", "{world}/no_rows.csv", "--caption-column", "alt"),
            "no column 'alt'; it has filepath",
        ),
        (
            (*TRAIN, "--data", "{world}/pictures", "--templates", "{world}/no_place.txt"),
            "must hold {} once",
        ),
        ((*TRAIN, "--batch-size", "1"), "batch size must be at least 2"),
        ((*TRAIN, "--pairs", "0"), "argument --pairs: must be more than 0, not 0"),
        ((*TRAIN, "--resume"), "no finished checkpoint"),
        ((*TRAIN, "--device", "tpu"), "no device 'tpu'"),
        ((*TRAIN, "--out", "{world}/notes.txt"), "cannot write to"),
        ((*TRAIN, "--threads", "0"), "argument --threads: must be more than 0"),
        (
            (*ZERO_SHOT, "--model", "dall-e", "--data", "digits"),
            "no model 'dall-e'; give tiny, classroom, twin:NAME",
        ),
        ((*ZERO_SHOT, "--model", "{world}/empty", "--data", "digits"), "holds no model"),
        (
            (*ZERO_SHOT, "--model", "{world}/torn", "--data", "digits"),
            "damaged or no safetensors file",
        ),
        (
            (*ZERO_SHOT, "--model", "{world}/pickled", "--data", "digits"),
            "damaged or no safetensors file",
        ),
        ((*ZERO_SHOT, "--model", "{world}/model", "--data", "pets"), "unknown data 'pets'"),
        ((*ZERO_SHOT, "--model", "{world}/model", "--data", "{world}/empty"), "no pictures found"),
        (
            (
                *ZERO_SHOT,
                "--model",
                "{world}/model",
                "--data",
                "digits",
                "--templates",
                "{world}/no_place.txt",
            ),
            "needs {} once",
        ),
        (
            (
                *ZERO_SHOT,
                "--model",
                "{world}/model",
                "--data",
                "digits",
                "--templates",
                "{world}/blank.txt",
            ),
            "no templates",
        ),
        (
            (
                *ZERO_SHOT,
                "--model",
                "{world}/model",
                "--data",
                "digits",
                "--templates",
                "absent.txt",
            ),
            "is no file",
        ),
        (
            (
                *ZERO_SHOT,
                "--model",
                "{world}/model",
                "--data",
                "{world}/pictures",
                "--out",
                "{world}/notes.txt/r.json",
            ),
            "cannot write",
        ),
        ((*ZERO_SHOT, "--model", "{world}/model", "--device", "cuda:99"), "no device 'cuda:99'"),
        (("classify", "{world}/notes.txt", "--model", "{world}/model"), "is not a picture"),
        (("classify", "{world}/absent.png", "--model", "{world}/model"), "no such file"),
        (("classify", "{world}", "--model", "{world}/model"), "cannot be read as a picture"),
        ((*CLASSIFY, "--model", "{world}/model", "--text", " "), "class name is empty"),
        (
            (*CLASSIFY, "--model", "{world}/model", "--top", "0", "--text", "cat"),
            "argument --top: must be more than 0",
        ),
        ((*CLASSIFY, "--model", "{world}/torn"), "damaged"),
    ],
    ids=lambda value: (
        " ".join(word.rpartition("/")[2] for word in value) if isinstance(value, tuple) else ""
    ),
)
def test_a_mistake_brings_one_line_and_exit_code_2(
    world, tmp_path, capsys, monkeypatch, arguments, told
):
    monkeypatch.chdir(tmp_path)
    message = complaint(
        capsys, *(word.format(world=world, out=tmp_path / "run") for word in arguments)
    )
    assert told in message


@pytest.mark.parametrize(
    "change",
    [
        {"train": {"batch_size": 16}},
        {"train": {"batch_size": "many", "pairs": 64}},
        {"train": {"batch_size": 16, "pairs": 64, "speed": 9}},
        {"train": {"batch_size": 1, "pairs": 64}},
        {"model": 3},
        {"scenes": {"weather": [1]}},
    ],
    ids=str,
)
def test_a_preset_that_is_none_brings_one_line(world, tmp_path, capsys, change):
    preset = json.loads((world / "small.json").read_text()) | change
    (tmp_path / "bad.json").write_text(json.dumps(preset))
    assert "bad.json" in complaint(
        capsys, "train", "--preset", tmp_path / "bad.json", "--out", tmp_path / "run"
    )


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"null", b"\xff"])
def test_a_preset_that_is_no_json_object_brings_one_line(tmp_path, capsys, content):
    (tmp_path / "bad.json").write_bytes(content)
    assert "bad.json" in complaint(
        capsys, "train", "--preset", tmp_path / "bad.json", "--out", tmp_path / "run"
    )


TWICE = """
import runpy, sys
sys.modules["transformers"] = None
from clipbench.cli import main
picture, no_picture, *options = sys.argv[1:]
assert main(["classify", picture, *options]) == 0
sys.argv[1:] = ["classify", no_picture, *options]
runpy.run_module("clipbench", run_name="__main__")
"""


def test_a_process_prints_one_json_object_or_one_line_and_needs_no_transformers(world):
    options = ("--model", world / "model", "--text", "a", "--text", "b", "--json")
    finished = python(TWICE, world / "picture.png", world / "notes.txt", *options)
    assert json.loads(finished.stdout)["ranking"][0]["probability"] >= 0.5, finished.stderr
    assert finished.returncode == 2
    assert finished.stderr.count("\n") == 1 and "is not a picture" in finished.stderr


@pytest.mark.skipif(not hasattr(os, "fork"), reason="runs in a fork")
def test_a_full_disk_ends_training_in_one_line_and_keeps_the_earlier_checkpoint(
    world, tmp_path, capsys
):
    parsed = build_parser().parse_args(["train", "--device", "cpu", "--threads", "1"])
    preset = find_preset(str(world / "small.json"))
    trainer = make_trainer(preset, TrainOptions.read(parsed), tmp_path / "run")
    trainer.callbacks.append(lambda event: trainer.stop() if event["step"] == 2 else None)
    trainer.run()
    before = newest_intact(tmp_path / "run")
    command = train(world, tmp_path / "run", "--resume", "--json")
    code, _out, err = in_a_fork(tmp_path / "prints", on_a_full_disk, main, command)
    assert code == 2 and err.count("\n") == 1 and "no space left" in err, err
    assert newest_intact(tmp_path / "run") == before
