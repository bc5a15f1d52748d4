"""A terminal instead of stderr, for tests of what is shown to a person who watches."""

import io
import sys

from clipbench import progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def watched(monkeypatch, seconds: float) -> Terminal:
    """Put a terminal in place of stderr, and have bars appear after a number of seconds."""
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    monkeypatch.setattr(progress, "SECONDS", seconds)
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    return terminal
