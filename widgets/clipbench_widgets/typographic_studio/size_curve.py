"""The size curve of a TypographicStudio: a button, a progress bar, and a chart.

The chart grows while the curve is measured.
"""

from collections.abc import Callable
from html import escape

import ipywidgets
import traitlets

from clipbench import UserError
from clipbench.errors import in_words
from clipbench_widgets.core import html
from clipbench_widgets.core.inputs import button, progress_bar
from clipbench_widgets.core.runner import Runner
from clipbench_widgets.typographic_studio.size_chart import size_chart
from clipbench_widgets.typographic_studio.size_sweep import Question, Step, sweep


class SizeCurve(ipywidgets.VBox):
    """Success over a set at several sizes, measured in the background; one measurement at a time.

    Args:
        ask: gives the question when the button is pressed; a UserError is said in the page.
        runner: what it runs in.
    """

    points = traitlets.List(traitlets.Dict(), read_only=True)  # a dict a size, from small to large
    running = traitlets.Bool(False, read_only=True)
    message = traitlets.Unicode(read_only=True)

    def __init__(self, ask: Callable[[], Question], runner: Runner):
        self._ask, self._runner = ask, runner
        self.question: Question | None = None  # what the points answer
        self._measure = button("Measure", "The word on many pictures, small to large", self.measure)
        self._cancel = button("Cancel", "Stop the measurement", self.cancel)
        self._bar, self._notice = progress_bar(), ipywidgets.HTML()
        self._chart = ipywidgets.HTML().add_class("clipbench-chart")
        running = html.row_of(self._cancel, self._bar)
        self._while_running = running
        super().__init__([html.row_of(self._measure, running), self._notice, self._chart])
        self.add_class("clipbench-size-curve")
        self._show()

    def measure(self) -> None:
        """Start; nothing happens while a measurement runs."""
        if self.running:
            return
        self.set_trait("message", "")
        try:
            question = self._ask()
        except UserError as error:
            self.set_trait("message", str(error))
            return
        self.question = question
        self.set_trait("points", [])
        self._bar.value = 0.0
        self.set_trait("running", True)
        self._runner.start_steps(sweep(question), self._on_end, self._on_failure, self._on_step)

    def cancel(self) -> None:
        """Give up the measurement; the sizes measured so far stay."""
        if self.running:
            self._runner.cancel()
            self.set_trait("message", "Cancelled. The sizes measured so far are shown.")
            self._on_end()

    def wait(self, seconds: float | None = None) -> None:
        """Wait, in code, until the measurement has ended."""
        self._runner.wait(seconds)

    def _on_step(self, step: Step) -> None:
        self._bar.value = step.done
        if step.point is not None:
            self.set_trait("points", [*self.points, step.point])

    def _on_end(self, _=None) -> None:
        self.set_trait("running", False)

    def _on_failure(self, problem: Exception) -> None:
        self.set_trait("message", in_words(problem))
        self._on_end()

    @traitlets.observe("points", "running", "message")
    def _show(self, _=None) -> None:
        self._measure.disabled = self.running
        self._while_running.layout.display = "" if self.running else "none"
        self._notice.value = html.message_line(self.message)
        self._notice.layout.display = "" if self.message else "none"
        if self.question is None:
            self._chart.value = html.small_line(
                "How often does this word, on this sticker, become the verdict?"
            )
        elif self.points:
            about = f'<div class="clipbench-small">{escape(self.question.about())}</div>'
            self._chart.value = size_chart(self.points, self.question) + about
        else:
            self._chart.value = html.small_line(self.question.about())
