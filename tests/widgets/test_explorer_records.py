"""What the explorer compares, remembers and hands out."""

import math

import pytest
import torch
import traitlets
from small import noise_picture, small_encoder

from clipbench_widgets import PromptExplorer
from clipbench_widgets.core import format, scoring
from clipbench_widgets.core.scoring import Background
from clipbench_widgets.prompt_explorer import app as prompt_explorer
from clipbench_widgets.prompt_explorer import records as explorer_records
from clipbench_widgets.prompt_explorer import table as score_table
from clipbench_widgets.prompt_explorer.languages import CHOICES, templates_in, translated
from clipbench_widgets.prompt_explorer.records import pinned_shares

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture
def explorer(monkeypatch):
    # all verdicts are remembered, however quick
    monkeypatch.setattr(prompt_explorer, "SETTLED", -1.0)
    pictures = {"one": noise_picture(16, 16, seed=1), "two": noise_picture(16, 16, seed=2)}
    return PromptExplorer(small_encoder(), pictures, ["cat", "dog", "lion"])


def shares(rows) -> list[float]:
    return [row["probability"] for row in rows]


# --- none of these


def test_none_of_these_takes_its_share_at_a_cosine_that_random_texts_seldom_reach(explorer):
    before = list(explorer.scores)
    explorer.none_of_these = True
    *rows, none = explorer.scores
    background = explorer._background()
    assert (
        none["prompt"] == scoring.NONE
        and none["cosine"] == background.mean + 2 * background.deviation
    )
    logits = torch.tensor(
        [explorer.scale * row["cosine"] for row in [*before, none]], dtype=torch.float64
    )
    assert shares(explorer.scores) == pytest.approx(logits.softmax(0).tolist(), rel=1e-5)
    assert sum(shares(rows)) < sum(shares(before)) == pytest.approx(1, abs=1e-6)
    explorer.none_of_these = False
    assert explorer.scores == before


def test_it_is_no_text(explorer):
    explorer.none_of_these = explorer.show_tokens = True
    assert "clipbench-none" in explorer._result.value
    assert scoring.NONE not in explorer._tokens.value and "of 4" in explorer._verdict.value
    explorer.prompts = []
    assert explorer.scores == []


# --- pinned


def test_a_pinned_state_is_shown_beside_the_next_one(explorer):
    assert explorer._pin_button.description == "pin, to compare"
    explorer.pin()
    assert explorer._pin_button.description == "unpin"
    was = shares(explorer.scores)
    explorer.active_templates = ["a photo of a {}."]
    assert shares(explorer.pinned) == was != shares(explorer.scores)
    assert explorer._result.value.count("clipbench-was") == 3
    assert f"was {format.percent(was[0])}".replace("<", "&lt;") in explorer._result.value
    assert "“as written” on one" in explorer._pinned_line.value
    explorer._pin_button.click()
    assert explorer.pinned == [] and "clipbench-was" not in explorer._result.value


def test_lines_are_compared_by_their_text_else_by_their_place():
    def rows(*pairs):
        return [{"prompt": prompt, "probability": share} for prompt, share in pairs]

    pinned = rows(("a", 0.1), ("b", 0.9))
    assert pinned_shares(pinned, rows(("b", 0.5), ("a", 0.5))) == {"b": 0.9, "a": 0.1}
    assert pinned_shares(pinned, rows(("a cat", 0.5), ("b", 0.5))) == {"a cat": 0.1, "b": 0.9}
    assert pinned_shares(pinned, rows(("b", 0.2), ("c", 0.8), ("d", 0.0))) == {"b": 0.9}
    assert pinned_shares([], rows(("b", 1.0))) == {}


# --- history


def test_verdicts_are_remembered_but_not_those_of_half_typed_words(explorer, monkeypatch):
    start = len(explorer.history)
    explorer.selected = 1
    explorer.scale_factor = 2.0
    assert len(explorer.history) == start + 2 and explorer.history[-1]["picture"] == "two"
    monkeypatch.setattr(prompt_explorer, "SETTLED", 60.0)
    for text in ("c", "ca", "cat"):
        explorer.prompts = [text]
    assert len(explorer.history) == start + 2 and explorer.history[-1]["prompt"] == "cat"
    assert explorer._past.value == ""
    explorer.show_history = True
    assert explorer._past.value.count("<div>") == len(explorer.history)


def test_history_has_an_end_and_repeats_nothing(explorer):
    for number in range(explorer_records.MOST_REMEMBERED + 5):
        explorer.prompts = [f"text {number}"]
    explorer.refresh()
    assert len(explorer.history) == explorer_records.MOST_REMEMBERED
    assert explorer.history[-1]["prompt"] != explorer.history[-2]["prompt"]


# --- a table


def test_the_table_is_what_is_shown(explorer):
    rows = explorer.table()
    assert [row["prompt"] for row in rows] == ["cat", "dog", "lion"] and shares(rows) == shares(
        explorer.scores
    )
    assert {row["picture"] for row in rows} == {"one"} and {row["wording"] for row in rows} == {
        "as written"
    }
    explorer.prompts = []
    assert explorer.table() == []


def test_hostile_texts_stay_texts(explorer):
    explorer.prompts = [HOSTILE, '"><script>']
    explorer.show_history = True
    explorer.pin()
    for part in (explorer._past, explorer._pinned_line, explorer._result):
        assert "<img" not in part.value and "<script" not in part.value


# --- the histogram of random texts


def test_the_histogram_counts_random_texts():
    background = Background(0.0, 0.1, (0.0, 0.001, 0.2))
    axis = score_table.Axis(-0.4, 0.4, background)
    bars = axis.histogram()
    assert bars.count("<i ") == 2 and "height:100%" in bars and "height:50%" in bars
    assert score_table.Axis(0, 1, Background(0.0, 0.1)).histogram().count("<i ") == 0
    assert math.isclose(Background.of(torch.eye(2)[0], torch.eye(2)).mean, 0.5)


# --- languages


def test_names_are_translated_there_and_back(explorer):
    explorer.templates = ["a photo of a {}."]
    explorer.active_templates = ["a photo of a {}."]
    explorer.prompts = ["cat", "dog", "my own words"]
    before = list(explorer.scores)
    explorer.language = "de"
    assert explorer.prompts == ["Katze", "Hund", "my own words"] and explorer.active_templates == [
        "ein Foto von {}"
    ]
    assert next(row["texts"] for row in explorer.scores) == ["ein Foto von Katze"]
    explorer.language = "es"
    explorer.language = "en"
    assert explorer.scores == before and explorer.templates == ["a photo of a {}."]
    with pytest.raises(traitlets.TraitError):
        explorer.language = "xx"


@pytest.mark.parametrize("language", [code for _, code in CHOICES if code != "en"])
def test_every_language_has_templates_and_leads_back(language):
    assert all("{}" in template for template in templates_in(language)) and templates_in(language)
    assert translated(translated(["cat", "rocket"], language), "en") == ["cat", "rocket"]


def test_a_random_text_at_the_end_of_the_axis_is_in_its_last_bar():
    bars = score_table.Axis(0, 1, Background(0.0, 0.1, (1.0, 2.0, 0.99))).histogram()
    assert bars.count("<i ") == 1 and "left:97.5%" in bars


def test_the_most_probable_prompt_is_the_bold_one():
    rows = [
        {"prompt": prompt, "cosine": 0.1, "logit": 1.0, "probability": share}
        for prompt, share in (("a", 0.1), ("b", 0.6), ("c", 0.3))
    ]
    lines = score_table.score_table(rows, 10.0, Background(0.0, 0.1)).split(
        '<div class="clipbench-line'
    )[2:]
    assert ["clipbench-first" in line for line in lines] == [False, True, False]
