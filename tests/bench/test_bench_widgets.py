"""Facts about the apps' benchmark: its events are a page's, its numbers are of all controls.

No speed is asserted.
"""

import itertools
import json

import pytest

from clipbench.bench.widgets import (
    APPS,
    events_for,
    grouped,
    quantiles,
    state_of,
    still_there,
    widget_latency,
)
from clipbench.cli import main
from clipbench.errors import UserError


def control(kind: str, **about) -> dict:
    return {"control": kind, "kind": kind, "model_id": "id"} | about


@pytest.mark.parametrize(
    "one",
    [
        control("Text", value="x"),
        control("Textarea", value="x"),
        control("IntSlider", value=3, min=0, max=100),
        control("FloatLogSlider", value=1.0, min=-2.0, max=1.0),
        control("FloatSlider", value=0.5, min=0.0, max=1.0),
        control("ToggleButton", value=False),
        control("ToggleButtons", choices=3),
        control("ColorPicker", value="red"),
        control("PositionPad"),
        control("hover"),
        control("click"),
    ],
    ids=lambda one: one["kind"],
)
def test_every_event_changes_something(one):
    states = [state_of(one, number) for number in range(30)]
    assert all(before != after for before, after in itertools.pairwise(states))
    assert json.loads(json.dumps(states)) == states


def test_a_slider_stays_within_its_ends():
    values = [
        state_of(control("IntSlider", value=3, min=-90, max=90), n)["value"] for n in range(50)
    ]
    assert -90 <= min(values) < max(values) <= 90 and all(
        isinstance(value, int) for value in values
    )


def test_buttons_that_look_alike_are_clicked_in_turn():
    buttons = [control("Thumbnail", model_id=name) for name in "abc"]
    stream = events_for(grouped(buttons)["Thumbnail"])
    assert [next(stream)[0] for _ in range(5)] == list("abcab")
    assert next(stream)[1]["content"] == {"event": "click"}


def test_quantiles_are_values_that_were_measured():
    assert quantiles([3.0, 1.0, 2.0]) == {"p50_ms": 2.0, "p95_ms": 3.0, "events": 3}
    assert quantiles(list(range(1, 101)))["p95_ms"] == 95
    assert quantiles([]) == {"events": 0}


def test_an_unknown_app_is_refused(capsys):
    with pytest.raises(UserError, match=APPS[0]):
        widget_latency(app="Nobody")
    assert main(["bench", "widgets", "--app", "Nobody"]) == 2
    assert "no app 'Nobody'" in capsys.readouterr().err


@pytest.mark.slow
def test_all_controls_of_an_app_over_the_real_channel(capsys):
    pytest.importorskip("ipykernel")
    arguments = [
        "bench",
        "widgets",
        "--model",
        "tiny",
        "--app",
        "TypographicStudio",
        "--events",
        "2",
        "--threads",
        "1",
    ]
    assert main([*arguments, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["apps"]["TypographicStudio"]
    assert {"Write on the picture", "place on the picture", "Size %", "thumbnail"} <= set(
        told["controls"]
    )
    assert told["unanswered"] == [] and told["all"]["p95_ms"] >= told["all"]["p50_ms"] > 0
    flood = told["flood"]
    assert (
        flood["ends_in_the_last_state"]
        and flood["most_computations_at_once"] == 1
        and flood["events"] == 100
    )


def test_a_control_is_found_again_under_another_name_and_when_it_was_made_anew():
    before = [{"control": "say pizza", "model_id": "a"}]
    renamed, anew = (
        {"control": "say tea", "model_id": "a"},
        {"control": "say pizza", "model_id": "b"},
    )
    assert still_there(before, [anew, renamed]) == [renamed]
    assert still_there(before, [anew]) == [anew]
    assert still_there(before, []) == []
