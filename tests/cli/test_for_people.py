"""What people read on the command line: metrics in percent, and an example under every help."""

import argparse
import shlex

import pytest

from clipbench.cli import metrics_page
from clipbench.cli.embed import show_embedded
from clipbench.cli.main import build_parser


def commands(parser: argparse.ArgumentParser) -> list[argparse.ArgumentParser]:
    """The parsers that run something."""
    inner = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
    if not inner:
        return [parser]
    return [
        each for action in inner for choice in action.choices.values() for each in commands(choice)
    ]


COMMANDS = {command.prog: command for command in commands(build_parser())}


@pytest.mark.parametrize("program", COMMANDS)
def test_every_help_ends_with_an_example_that_parses(program):
    lines = COMMANDS[program].format_help().rstrip().splitlines()
    assert lines[-2] == "example:" and lines[-1].strip().startswith(program)
    words = shlex.split(lines[-1])
    assert words[0] == "clipbench"
    assert build_parser().parse_args(words[1:]).run


def test_a_fraction_has_its_interval_and_its_chance_in_one_line():
    metrics = {
        "top1": 0.9274, "top1_low": 0.92, "top1_high": 0.934, "mean_per_class": 0.93,
        "chance": 1 / 256, "pictures": 5000,
    }  # fmt: skip
    assert metrics_page.show_metrics(metrics).splitlines() == [
        "top-1           92.7 % (92.0 to 93.4), chance 0.39 %",
        "mean per class  93.0 %",
        "pictures        5,000",
    ]


def test_tables_write_an_interval_in_one_way():
    metrics = {"a": 0.5, "a_low": 0.42, "a_high": 1.0, "a_converged": False}
    assert metrics_page.cell(metrics, "a") == " 50.0 (42.0 to 100.0) not converged"
    assert metrics_page.cell(metrics, "b") == ""


def test_groups_keep_their_own_chance():
    metrics = {"twemoji/top1": 0.2, "twemoji/chance": 0.004, "twemoji/drop": 0.7}
    assert metrics_page.show_metrics(metrics).splitlines() == [
        "twemoji, top-1  20.0 %, chance 0.4 %",
        "twemoji, drop   70.0 %",
    ]


def test_what_is_no_fraction_stays_a_number():
    shown = metrics_page.show_metrics(
        {"pca/auc": 0.845, "gap": 7.9e-07, "converged": True, "best": "cat"}
    )
    assert shown.split() == [
        "pca,",
        "auc",
        "0.8450",
        "gap",
        "7.9e-07",
        "converged",
        "True",
        "best",
        "cat",
    ]


def test_a_chance_without_a_top1_has_a_line_of_its_own():
    assert metrics_page.show_metrics({"chance": 0.5}) == "chance  50.0 %"


def test_embedding_says_how_much_where_and_how_long():
    result = {
        "rows": 1200,
        "width": 256,
        "projected": True,
        "out": "a.safetensors",
        "precision": "fp32",
        "seconds": 2,
    }
    assert (
        show_embedded(result) == "1,200 pictures, 256 numbers each, in a.safetensors (fp32, 2.0 s)"
    )
