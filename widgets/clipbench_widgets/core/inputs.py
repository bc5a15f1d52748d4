"""Read what callers and users give to an app."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import ipywidgets

from clipbench import Encoder, PictureSet, UserError, load
from clipbench.encoders.clip import joint
from clipbench_widgets.core.pictures import named_pictures
from clipbench_widgets.core.scoring import read_prompts

SCALE_FACTORS = (0.01, 10.0)
CLASSES_OF_A_SET = 10  # offered as prompts when the pictures come with class names


def button(
    label: str, tooltip: str, action: Callable[[], object], icon: str = ""
) -> ipywidgets.Button:
    """Return a button that calls ``action`` when it is clicked."""
    made = ipywidgets.Button(description=label, tooltip=tooltip, icon=icon)
    made.on_click(lambda _: action())
    return made


def named(widget: ipywidgets.DOMWidget, name: str) -> ipywidgets.DOMWidget:
    """Give a control a name that is read aloud and not shown, where the page says it anyway."""
    widget.description = name
    return widget.add_class("clipbench-unlabelled")


def scale_slider() -> ipywidgets.FloatLogSlider:
    """Return a slider for a multiplier of the model's own scale, which is 1 over its temperature."""
    low, high = (math.log10(end) for end in SCALE_FACTORS)
    return ipywidgets.FloatLogSlider(
        value=1.0,
        min=low,
        max=high,
        step=0.02,
        description="Scale ×",
        readout_format=".2f",
    ).add_class("clipbench-slider")


def progress_bar() -> ipywidgets.FloatProgress:
    """Return a bar for a fraction of some work."""
    return ipywidgets.FloatProgress(value=0.0, min=0.0, max=1.0).add_class("clipbench-progress")


def link_lines(
    app: ipywidgets.Widget,
    trait: str,
    box: ipywidgets.Textarea,
    unchanged: Callable[[], None] = lambda: None,
) -> None:
    """Link a list of texts with a box that holds one per line.

    What is being typed in the box is left as it is.

    Args:
        unchanged: called when the box has changed but the list has not: there were only blanks or
            repeated lines, about which there may be something to say.
    """

    def read(change) -> None:
        before = getattr(app, trait)
        setattr(app, trait, read_prompts(change.new))
        if getattr(app, trait) == before:
            unchanged()

    def write(change) -> None:
        if read_prompts(box.value) != change.new:
            box.value = "\n".join(change.new)

    box.observe(read, "value")
    app.observe(write, trait)


def encoder_of(model) -> Encoder:
    """Turn a model name, a folder or an Encoder into an Encoder."""
    if isinstance(model, (str, Path)):
        return joint(load(model))
    if not all(
        hasattr(model, name) for name in ("preprocess", "encode_image", "encode_text", "tokens")
    ):
        raise UserError(
            f"model: a {type(model).__name__} is no Encoder; give a name, a folder, or "
            "ClipbenchEncoder(model, tokenizer, preprocess)"
        )
    return model


def listed(texts: str | Sequence[str]) -> list[str]:
    """Make a list of texts; one text alone is a list of its lines."""
    return texts.splitlines() if isinstance(texts, str) else list(texts)


def classes_of(data: PictureSet) -> list[str]:
    """List the classes of the pictures that are shown, then others of the set."""
    shown = [entry.name for entry in named_pictures(data)]
    return list(dict.fromkeys([*shown, *data.class_names]))[:CLASSES_OF_A_SET]


def mark(toggle: ipywidgets.ToggleButton, label: str) -> None:
    """Say in words too whether a button is on."""
    toggle.description = f"✓ {label}" if toggle.value else label
