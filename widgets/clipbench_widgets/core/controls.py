"""What can be operated in an app, found by looking: for measurements that act as a page does."""

import threading
from collections.abc import Iterator

import ipywidgets

from clipbench_widgets.core.beside import BesideBox
from clipbench_widgets.core.header import ModelSwitcher
from clipbench_widgets.core.position_pad import PositionPad

# buttons that begin or end longer work
NOT_INSTANT = ("Measure", "Cancel", "UMAP", "Stop", "Start", "Pause", "Go on")
# hidden texts of a pointer
CHANNELS = {"clipbench-hover-channel": "hover", "clipbench-action-channel": "click"}
GROUPS = ("clipbench-thumbnail", "clipbench-row-name", "clipbench-column-picture", "clipbench-chip")


def controls_of(app: ipywidgets.Widget) -> list[dict]:
    """Describe each control of an app by a dict.

    It holds ``control`` (its name), ``kind``, ``model_id``, ``value`` and what limits it. Buttons
    that look alike, as thumbnails do, have one name. Uploads and buttons of longer work are left
    out.
    """
    return [described(widget) for widget in every_widget(app) if is_control(widget)]


def every_widget(widget: ipywidgets.Widget) -> Iterator[ipywidgets.Widget]:
    yield widget
    if isinstance(widget, PositionPad):
        return  # its text box is described with it
    for child in getattr(widget, "children", ()):
        yield from every_widget(child)


def app_widgets(app: ipywidgets.Widget) -> Iterator[ipywidgets.Widget]:
    """List those of ``every_widget``, and the text boxes inside of pads."""
    for widget in every_widget(app):
        yield widget
        if isinstance(widget, PositionPad):
            yield from widget.children


def is_control(widget: ipywidgets.Widget) -> bool:
    if isinstance(widget, PositionPad):
        return True
    if isinstance(widget, (ModelSwitcher, BesideBox)):
        return False  # begins longer work, too
    if isinstance(widget, ipywidgets.Button):
        return widget.layout.display != "none" and not widget.description.startswith(NOT_INSTANT)
    output = (
        ipywidgets.HTML,
        ipywidgets.Label,
        ipywidgets.Image,
        ipywidgets.FloatProgress,
        ipywidgets.FileUpload,
    )
    return widget.has_trait("value") and not isinstance(widget, output)


def described(widget: ipywidgets.Widget) -> dict:
    classes = getattr(widget, "_dom_classes", ())
    group = next((name.removeprefix("clipbench-") for name in GROUPS if name in classes), None)
    if isinstance(widget, PositionPad):
        return {
            "control": "place on the picture",
            "kind": "PositionPad",
            "model_id": widget._heard.model_id,
        }
    for name, action in CHANNELS.items():
        if name in classes:
            return {
                "control": f"{action} on the picture",
                "kind": action,
                "model_id": widget.model_id,
            }
    name = widget.description.removeprefix("✓ ") or type(widget).__name__
    about = {"control": group or name, "kind": type(widget).__name__}
    limits = {
        name: getattr(widget, name) for name in ("value", "min", "max") if widget.has_trait(name)
    }
    if widget.has_trait("_options_labels"):
        limits = {"choices": len(widget._options_labels), "index": widget.index}
        about["control"] = widget.description or " | ".join(widget._options_labels)
    return about | limits | {"model_id": widget.model_id}


def held_by(app: ipywidgets.Widget, model_id: str) -> dict:
    """Say what a control holds now: its ``value``, and its ``index`` if it offers a choice."""
    inside = {widget.model_id: widget for widget in app_widgets(app)}
    widget = inside[model_id]
    return {name: getattr(widget, name) for name in ("value", "index") if widget.has_trait(name)}


class InFlight:
    """A count of how many computations of an encoder overlap, from now on.

    ``most`` is the highest count.
    """

    def __init__(self, encoder):
        self.most, self.calls, self._now, self._lock = 0, 0, 0, threading.Lock()
        for name in ("encode_image", "encode_text"):
            setattr(encoder, name, self._counted(getattr(encoder, name)))

    def _counted(self, work):
        def counted(*arguments):
            with self._lock:
                self._now += 1
                self.calls += 1
                self.most = max(self.most, self._now)
            try:
                return work(*arguments)
            finally:
                with self._lock:
                    self._now -= 1

        return counted
