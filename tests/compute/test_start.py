"""Facts about the start: which names clipbench has, and what answers before torch is imported."""

import ast
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import clipbench
from clipbench.bench import BENCHMARKS
from clipbench.cli import main
from clipbench.compute.environment import prepare_for_torch

ROOT = Path(__file__).parents[2]
PUBLIC = [
    "CLIP", "CLIPConfig", "ClipbenchEncoder", "Encoder", "ImageEncoder", "Machine",
    "ModelBundle", "PictureSet", "Tokenizer",
    "TrainConfig", "Trainer", "UserError", "cached_image_features", "clip_loss", "image_features", "load", "open_picture",
    "open_pictures",
    "siglip_loss", "text_features", "tiled_clip_loss", "zero_shot_metrics", "zero_shot_weights",
]  # fmt: skip

COMMAND_LINE = """
import sys, time
from clipbench.cli import main
try:
    code = main(sys.argv[1:])
except SystemExit as end:
    code = end.code
heavy = sorted({name.partition(".")[0] for name in sys.modules} & {"torch", "numpy", "PIL", "transformers"})
print(code, round(time.process_time(), 3), *heavy, sep=",")
"""


def python(code: str, *arguments) -> list[str]:
    """What a process of its own prints."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, check=True
    ).stdout.splitlines()


def test_the_public_names_are_these():
    assert sorted(clipbench.__all__) == PUBLIC == sorted(clipbench.HOMES)
    for name in PUBLIC:
        assert getattr(clipbench, name) is getattr(import_module(clipbench.HOMES[name]), name)
    assert set(PUBLIC) <= set(dir(clipbench))


def test_editors_see_the_same_names_in_the_same_modules():
    tree = ast.parse(Path(clipbench.__file__).read_text())
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    assert {
        alias.name: each.module for each in block.body for alias in each.names
    } == clipbench.HOMES


def test_a_name_that_it_does_not_have_is_told_as_of_any_module():
    with pytest.raises(AttributeError, match="module 'clipbench' has no attribute 'lode'"):
        clipbench.lode  # noqa: B018


def test_star_brings_the_public_names():
    (line,) = python("from clipbench import *; print(clip_loss.__name__, Trainer.__name__)")
    assert line == "clip_loss Trainer"


@pytest.mark.parametrize(
    "arguments, code",
    [
        (("--help",), "0"),
        (("eval", "zero-shot", "--help"), "0"),
        (("bench", "speedrun", "--help"), "0"),
        (("eval", "zero-shot", "--modle", "tiny"), "2"),
    ],
    ids=" ".join,
)
def test_help_and_a_mistyped_command_answer_without_torch(arguments, code):
    """Within half a second of processor time."""
    *_, last = python(COMMAND_LINE, *arguments)
    ended, seconds, *heavy = last.split(",")
    assert (ended, heavy) == (code, [])
    assert float(seconds) < 0.5


def test_without_a_command_the_help_is_shown(capsys):
    shown = []
    for arguments in ([], ["--help"]):
        with pytest.raises(SystemExit) as end:
            main(arguments)
        assert end.value.code == 0
        shown.append(capsys.readouterr().out)
    assert shown[0] == shown[1] and shown[0].startswith("usage: clipbench")


@pytest.mark.parametrize("name", BENCHMARKS)
def test_what_the_list_says_of_a_benchmark_is_what_its_function_says(name):
    summary = BENCHMARKS[name].load().__doc__.split("\n\n")[0]
    assert BENCHMARKS[name].about == " ".join(summary.split())


def test_torchs_settings_are_made_before_torch_starts_and_the_users_own_are_kept():
    environment = {"OMP_WAIT_POLICY": "ACTIVE"}
    prepare_for_torch(environment)
    assert environment == {"OMP_WAIT_POLICY": "ACTIVE", "THP_MEM_ALLOC_ENABLE": "1"}
    (line,) = python(
        "import clipbench, os, sys; print('torch' in sys.modules, os.environ['OMP_WAIT_POLICY'])"
    )
    assert line == f"False {os.environ['OMP_WAIT_POLICY']}"
