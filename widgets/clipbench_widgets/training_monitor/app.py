"""TrainingMonitor: start, pause and stop a training, and watch it learn.

The notebook stays free meanwhile.
"""

import io
import math
import threading
import time
from pathlib import Path

import ipywidgets
import torch
import traitlets
from PIL import Image

from clipbench import Trainer, UserError
from clipbench.errors import in_words
from clipbench.figures import LessonFigure
from clipbench_widgets.core import html
from clipbench_widgets.core.app import App
from clipbench_widgets.core.format import colour_range, shade
from clipbench_widgets.core.inputs import button, progress_bar
from clipbench_widgets.core.runner import Runner
from clipbench_widgets.training_monitor import page as monitor_page
from clipbench_widgets.training_monitor import tour
from clipbench_widgets.training_monitor.figure import monitor_figure

STATES = ("ready", "starting", "running", "paused", "stopped", "finished", "failed")
UNDER_WAY = ("starting", "running", "paused")
PAIRS = 16  # in the similarity matrix
MATRIX_PIXELS = 256  # on the page
MOST_POINTS = 600  # of a curve; beyond, every other point is dropped
SECONDS_A_CHART, SECONDS_A_MATRIX = 0.2, 1.0  # at least so long between two drawings


class TrainingMonitor(App):
    """Runs a Trainer in a thread of its own and shows its events.

    The dashed line of the loss is that of a model that guesses: ln N among the N texts of a batch,
    where the objective is CLIP's. The matrix compares the first pairs of the trainer's data: a
    training brings the dark cells onto the diagonal.

    Args:
        trainer: what to run. The monitor adds a callback to it and changes nothing else.

    Raises:
        UserError: for anything but a Trainer.
    """

    NAME = "Training monitor"
    RULES = (monitor_page.RULES,)
    TOUR = tour.STEPS

    # a trait since before apps had a `state()`; there is nothing to choose here
    state = traitlets.Enum(STATES, "ready", read_only=True)  # type: ignore[assignment]
    # the last step's numbers: step, loss, batch_accuracy, scale, ...
    latest = traitlets.Dict(read_only=True)
    # pictures of the matrix whose own text is first
    diagonal_accuracy = traitlets.Float(0.0, read_only=True)

    def __init__(self, trainer: Trainer):
        if not isinstance(trainer, Trainer):
            raise UserError(
                f"trainer: a {type(trainer).__name__} is no Trainer; build a "
                "clipbench.Trainer first"
            )
        self.trainer = trainer
        self.history: list[dict] = []  # steps with their numbers, thinned out
        self.similarities: torch.Tensor | None = None  # (texts, pictures)
        self._every, self._chart_at, self._matrix_at = 1, -math.inf, -math.inf
        self._go, self._runner = threading.Event(), Runner()
        self._rest_at: int | None = None  # the step after which to pause
        self._sample = self._pairs()
        super().__init__()
        trainer.callbacks.append(self._on_event)
        self._draw_matrix()
        self._begin(self._draw)

    # -------------------- for code

    @property
    def resting(self) -> bool:
        """Whether nothing is trained: before the start, in a pause, after the end."""
        return self.state not in UNDER_WAY or (self.state == "paused" and not self._go.is_set())

    def start(self, steps: int | None = None) -> None:
        """Begin, or go on after a pause or a stop.

        Args:
            steps: pause after so many; without it, train on.
        """
        self._rest_at = None if steps is None else self.trainer.step + steps
        if self.state in UNDER_WAY:
            self._go.set()
            return
        if self.state == "finished":
            return
        self.wait()  # a thread that has said its last word may still be closing its files
        self.trainer.stopping.clear()
        self._go.set()
        self._say("")
        self.set_trait("state", "starting")
        self._runner.start(lambda report, cancelled: self.trainer.run(), failed=self._fail)

    def pause(self) -> None:
        """Rest after the present step; the weights stay in memory."""
        if self.state in UNDER_WAY:
            self._go.clear()

    def stop(self) -> None:
        """End after the present step, with a checkpoint if the trainer has a folder."""
        self.trainer.stop()
        self._go.set()

    def wait(self, seconds: float | None = None) -> None:
        """Wait until the training has ended, at most so long."""
        self._runner.wait(seconds)

    def _table(self) -> list[dict]:
        return self.history

    def summary(self) -> str:
        """Describe the state in words."""
        if not self.latest:
            return f"{self.state}: no step yet"
        chance_loss = self.trainer.chance_loss
        return (
            f"{self.state} at step {self.latest['step']} after {self.latest['pairs']:,} "
            "pairs: loss "
            f"{self.latest['loss']:.2f} (guessing: {chance_loss:.2f}), batch accuracy "
            f"{100 * self.latest['batch_accuracy']:.0f} %, scale {self.latest['scale']:.1f}, "
            f"{self.latest['pairs_per_second']:.0f} pairs a second"
        )

    def to_static(self) -> LessonFigure:
        """Draw the curves and the matrix as a figure, for a page without widgets.

        Raises:
            UserError: before the first step.
        """
        if not self.history or self.similarities is None:
            raise UserError("nothing to show yet: start the training")
        return monitor_figure(
            self.history,
            self.trainer.config.batch_size,
            self.similarities,
            self.trainer.chance_loss,
            self.summary(),
        )

    # -------------------- the parts

    def _build_controls(self) -> None:
        self._start = button("Start", "Train, in the background", self.start, "play")
        self._pause = button("Pause", "Rest after the present step", self.pause, "pause")
        self._stop = button("Stop", "End after the present step", self.stop, "stop")
        self._bar = progress_bar()
        self._state, self._numbers, self._caption = (ipywidgets.HTML() for _ in range(3))
        self._charts = ipywidgets.HTML().add_class("clipbench-monitor-charts")
        self._matrix = ipywidgets.Image(format="png", width=MATRIX_PIXELS, height=MATRIX_PIXELS)
        self._matrix.add_class("clipbench-monitor-matrix")

    def _arranged(self) -> list[ipywidgets.Widget]:
        buttons = html.row_of(self._start, self._pause, self._stop, self._bar, self._state)
        matrix = html.column_of("clipbench-monitor-side", self._matrix, self._caption)
        shown = ipywidgets.Box([self._charts, matrix]).add_class("clipbench-monitor-shown")
        parts = buttons, self._notice, self._numbers, shown
        return [html.column_of("clipbench-monitor", *parts)]

    def _connect(self) -> None:
        self.observe(self._draw, "state")
        self.observe(lambda _: self._tour.reveal(), "state")

    def _fail(self, error: Exception) -> None:
        self._say(in_words(error))
        self.set_trait("state", "failed")

    # -------------------- in the training's thread

    def _on_event(self, event: dict) -> None:
        if event["event"] == "start":
            self.set_trait("state", "running")
        elif event["event"] == "step":
            self._on_step(event)
        elif event["event"] == "end":
            self._draw_matrix()
            self.set_trait("state", "finished" if event["finished"] else "stopped")
        elif event["event"] in ("hint", "restored", "not saved"):
            self._say(str(event.get("text") or f"{event['event']} at step {event['step']}"))

    def _on_step(self, event: dict) -> None:
        self.set_trait("latest", event)
        if event["step"] % self._every == 0 or not self.history:
            smoothed = self.trainer.smoothed_loss
            self.history.append(event | {"smoothed": math.nan if smoothed is None else smoothed})
        if len(self.history) > MOST_POINTS:
            self._every *= 2
            self.history = self.history[::2]
        if event["step"] == self._rest_at:
            self._go.clear()
        if not self._runner.is_here:
            # somebody runs the trainer without the monitor: nothing here may stop it
            self._go.set()
        now = time.monotonic()
        if now - self._matrix_at >= SECONDS_A_MATRIX:
            self._draw_matrix()
        if now - self._chart_at >= SECONDS_A_CHART:
            self._draw()
        if not self._go.is_set():
            self._draw_matrix()
            self.set_trait("state", "paused")
            self._go.wait()
            if not self.trainer.stopping.is_set():
                self.set_trait("state", "running")

    def _pairs(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Return (images, token ids) of the first pairs of the data."""
        pairs = self.trainer.stream(0, PAIRS)
        return pairs.images, self.trainer.tokenizer(pairs.captions)

    @torch.no_grad()
    def _compare(self) -> torch.Tensor:
        """Compute similarities (texts, pictures) in evaluation mode.

        So nothing is dropped, and batch statistics are left alone.
        """
        model, device = self.trainer.model, self.trainer.device
        training = model.training
        model.eval()
        images, ids = (part.to(device) for part in self._sample)
        pictures = model.encode_image(self.trainer.preprocess.normalise(images))
        similarities = (model.encode_text(ids) @ pictures.T).float().cpu()
        if training:
            self.trainer.set_training()
        return similarities

    # -------------------- drawing

    def _draw_matrix(self) -> None:
        self.similarities = self._compare()
        # a caption may come twice
        own_is_best = self.similarities.diag() >= self.similarities.amax(0)
        self.set_trait("diagonal_accuracy", own_is_best.float().mean().item())
        self._matrix.value = matrix_png(self.similarities)
        self._caption.value = monitor_page.caption(len(self.similarities), self.diagonal_accuracy)
        self._matrix_at = time.monotonic()

    def _draw(self, _=None) -> None:
        under_way = self.state in UNDER_WAY
        self._start.disabled = self.state in ("starting", "running", "finished")
        self._start.description = "Start" if self.state == "ready" else "Go on"
        self._pause.disabled = self.state != "running"
        self._stop.disabled = not under_way
        self._bar.value = float(self.latest.get("progress", 0.0))
        batch = f"{self.trainer.config.batch_size} pairs per batch"
        self._entitle(f"{batch}, {folder_name(self.trainer.out)}")
        self._state.value = monitor_page.state_line(self.state)
        guess = self.trainer.config.batch_size, self.trainer.chance_loss
        self._numbers.value = monitor_page.numbers(self.latest, *guess)
        self._charts.value = monitor_page.charts(self.history, *guess)
        self._chart_at = time.monotonic()


def folder_name(out: Path | None) -> str:
    return "kept in memory only" if out is None else f"checkpoints in {out.name}"


def matrix_png(similarities: torch.Tensor) -> bytes:
    """Draw one cell a pair, light to dark as in a SimilarityMatrix."""
    low, high = colour_range(similarities)
    shares = ((similarities - low) / (high - low)).clamp(0, 1)
    cells = Image.new("RGB", (shares.shape[1], shares.shape[0]))
    cells.putdata([shade(share) for share in shares.flatten().tolist()])
    buffer = io.BytesIO()
    cells.resize((MATRIX_PIXELS, MATRIX_PIXELS), Image.Resampling.NEAREST).save(buffer, "PNG")
    return buffer.getvalue()
