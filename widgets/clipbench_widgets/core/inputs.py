"""Read what callers and users give to an app."""

from collections.abc import Callable, Sequence
from pathlib import Path

import ipywidgets

from clipbench import Encoder, PictureSet, UserError, load
from clipbench_widgets.core.pictures import named_pictures


def button(label: str, tooltip: str, action: Callable[[], None]) -> ipywidgets.Button:
    made = ipywidgets.Button(description=label, tooltip=tooltip)
    made.on_click(lambda _: action())
    return made


TEMPERATURES = (0.01, 10.0)
CLASSES_OF_A_SET = 10  # offered as prompts when the pictures come with class names


def encoder_of(model) -> Encoder:
    """A model name, a folder or an Encoder as an Encoder."""
    if isinstance(model, (str, Path)):
        return load(model)
    if not all(
        hasattr(model, name) for name in ("preprocess", "encode_image", "encode_text", "tokens")
    ):
        raise UserError(
            f"model: a {type(model).__name__} is no Encoder; give a name, a folder, or "
            "ClipbenchEncoder(model, tokenizer, preprocess)"
        )
    return model


def listed(texts: str | Sequence[str]) -> list[str]:
    """A list of texts; one text alone is a list of its lines."""
    return texts.splitlines() if isinstance(texts, str) else list(texts)


def classes_of(data: PictureSet) -> list[str]:
    """The classes of the pictures that are shown, then others of the set."""
    shown = [entry.name for entry in named_pictures(data)]
    return list(dict.fromkeys([*shown, *data.class_names]))[:CLASSES_OF_A_SET]


def mark(toggle: ipywidgets.ToggleButton, label: str) -> None:
    """Say in words too whether a button is on."""
    toggle.description = f"✓ {label}" if toggle.value else label
