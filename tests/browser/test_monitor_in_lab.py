"""The monitor in JupyterLab: a training is started, watched, paused and stopped by clicks, and
cells still run.
"""

import pytest
from lab_page import (
    look_narrow_and_dark,
    open_and_run,
    wait_until,
    write_notebook,
)
from playwright_or_skip import sync_api

pytestmark = pytest.mark.browser

TRAINING = """
from clipbench.training.presets import find_preset, scene_trainer
from clipbench_widgets import TrainingMonitor

TrainingMonitor(scene_trainer(find_preset("tiny"), threads=1))
"""


@pytest.fixture
def notebook(tmp_path):
    """A notebook whose only cell shows a monitor."""
    return write_notebook(tmp_path / "monitor.ipynb", TRAINING)


def stands_still(page, number) -> bool:
    """Whether a number is the same after a while; the last one may come behind "paused"."""
    before = number.inner_text()
    page.wait_for_timeout(1500)
    return number.inner_text() == before


def test_a_student_starts_pauses_and_stops_a_training(lab, browser_page, notebook, tmp_path):
    page = browser_page
    open_and_run(page, lab(notebook), until=".clipbench-tiles")
    app = page.locator(".clipbench-app").first
    loss, matrix = app.locator(".clipbench-tiles b").first, app.locator(".clipbench-monitor-matrix")
    sync_api.expect(loss).to_have_text("–")
    untrained = matrix.get_attribute("src")
    app.get_by_role("button", name="Start").click()
    sync_api.expect(app.get_by_role("status")).to_have_text("training")
    sync_api.expect(loss).not_to_have_text("–")
    sync_api.expect(matrix).not_to_have_attribute("src", untrained)
    app.get_by_text("ln 128 = 4.85: guessing").wait_for()

    app.get_by_role("button", name="Pause").click()
    app.get_by_text("paused; the weights wait").wait_for()
    last = app.locator(".clipbench-tiles b").last
    wait_until(page, lambda: stands_still(page, last), "the numbers of a paused training")
    seen = last.inner_text()
    app.get_by_text("paused; the weights wait").wait_for()
    app.get_by_role("button", name="Go on").click()
    sync_api.expect(last).not_to_have_text(seen)
    app.screenshot(path=tmp_path / "monitor.png")

    app.get_by_role("button", name="Stop").click()
    sync_api.expect(app.get_by_role("status")).to_have_text("stopped")
    sync_api.expect(app.get_by_role("button", name="Stop")).to_be_disabled()

    look_narrow_and_dark(page, app, tmp_path, height=1800)
