"""Facts about progress bars: they show where a person watches, when something takes long, and
nowhere else.
"""

import io
import sys

from terminal import watched

from clipbench.progress import is_watched, shown


def test_what_takes_long_has_a_bar_that_goes_away(monkeypatch):
    terminal = watched(monkeypatch, seconds=0.0)
    assert list(shown(range(3), "pictures of x")) == [0, 1, 2]
    assert "pictures of x:   0%" in terminal.getvalue() and terminal.getvalue().endswith("\r")


def test_what_is_done_soon_has_none(monkeypatch):
    terminal = watched(monkeypatch, seconds=60.0)
    assert list(shown(range(3), "pictures of x")) == [0, 1, 2]
    assert terminal.getvalue().strip() == ""


def test_who_asks_for_none_gets_none(monkeypatch):
    terminal = watched(monkeypatch, seconds=0.0)
    assert list(shown(range(3), "pictures of x", progress=False)) == [0, 1, 2]
    assert terminal.getvalue() == ""


def test_nobody_watches_a_file(monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert not is_watched() and shown(range(3), "x") == range(3)


def test_a_notebook_is_watched(monkeypatch):
    import IPython

    class Shell:
        kernel = object()

    monkeypatch.setattr(sys, "stderr", io.StringIO())
    monkeypatch.setattr(IPython, "get_ipython", Shell)
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    assert is_watched()
    monkeypatch.setenv("TQDM_DISABLE", "1")
    assert not is_watched() and shown(range(3), "x") == range(3)
