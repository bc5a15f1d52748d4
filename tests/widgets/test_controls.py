"""What a benchmark finds to operate in an app."""

import threading
import time

import ipywidgets
import pytest
import torch
from small import noise_picture, small_encoder

from clipbench_widgets import (
    EmbeddingMap,
    ImageSearch,
    PromptExplorer,
    SimilarityMatrix,
    TypographicStudio,
)
from clipbench_widgets.core.controls import InFlight, controls_of, held_by


@pytest.mark.parametrize(
    "app, names",
    [
        (PromptExplorer, {"thumbnail", "Prompts, one per line", "Scale ×", "chip", "× 1"}),
        (
            SimilarityMatrix,
            {
                "row-name",
                "column-picture",
                "Values",
                "Scale ×",
            },
        ),
        (
            TypographicStudio,
            {
                "thumbnail",
                "chip",
                "Write on the picture",
                "place on the picture",
                "Font",
                "Size %",
                "Letters",
            },
        ),
    ],
)
def test_controls_are_found_and_outputs_are_not(app, names):
    controls = controls_of(app(small_encoder(), [noise_picture(8, 8)]))
    assert names <= {control["control"] for control in controls}
    kinds = {control["kind"] for control in controls}
    assert not kinds & {"HTML", "FileUpload", "FloatProgress", "HTMLBox"}
    assert not [control for control in controls if control["control"] in ("Measure", "Cancel")]


@pytest.mark.parametrize(
    "app",
    [PromptExplorer, SimilarityMatrix, TypographicStudio, EmbeddingMap, ImageSearch],
)
def test_every_control_has_a_name_of_its_own(app):
    """Equal names are those of buttons that look alike, and name what they stand for."""
    controls = controls_of(app(small_encoder(), [noise_picture(8, 8), noise_picture(9, 9)]))
    kinds = {control["kind"] for control in controls}
    named = [c["control"] for c in controls if c["control"] not in ("thumbnail", "chip")]
    named = [name for name in named if name not in ("row-name", "column-picture")]
    assert not kinds & set(named), "a control without a name is called by its kind"
    assert len(named) == len(set(named))


def test_what_a_control_holds():
    slider, choice = ipywidgets.IntSlider(7), ipywidgets.ToggleButtons(options=["a", "b"])
    box = ipywidgets.VBox([slider, choice])
    if slider.model_id is None:
        pytest.skip("widgets have no channel here")
    assert held_by(box, slider.model_id) == {"value": 7}
    assert held_by(box, choice.model_id) == {"value": "a", "index": 0}


def test_overlapping_computations_are_counted():
    class Encoder:
        def encode_image(self, images):
            time.sleep(0.05)
            return images

        def encode_text(self, texts):
            return texts

    encoder = Encoder()
    counter = InFlight(encoder)
    assert encoder.encode_text(["a"]) == ["a"] and counter.most == 1
    threads = [
        threading.Thread(target=encoder.encode_image, args=(torch.zeros(1),)) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counter.most >= 2 and counter.calls == 4
